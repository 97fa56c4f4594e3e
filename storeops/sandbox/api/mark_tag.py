"""Tags on one relation (doc 92118)."""

from __future__ import annotations

from storeops.sandbox.endpoints import Answer, Call, Need, endpoint
from storeops.sandbox.refusals import Refusal, parameter
from storeops.sandbox.tags import Strategy, Tag


def _tags(call: Call, ids: list[str], userid: str) -> list[Tag]:
    """The tags of these ids; a group, unknown or deleted id is 40068 for the whole call."""
    library = call.corp.tags
    found = []
    for tag_id in ids:
        if tag_id in library.groups:
            raise Refusal(40068, "group id not allowed, invalid tagid")
        tag = library.tags.get(tag_id)
        if tag is None or tag.deleted:
            raise Refusal(40068, f"invalid tagid: {tag_id}")
        strategy = library.groups[tag.group].strategy
        if strategy and not _reaches(call, call.corp.strategies.get(strategy), userid):
            raise Refusal(40068, f"invalid tagid: {tag_id}")
        found.append(tag)
    return found


def _reaches(call: Call, strategy: Strategy | None, userid: str) -> bool:
    """The member lies in the strategy's range."""
    if strategy is None:
        return False
    member = call.corp.organisation.find(userid)
    assert member is not None
    if member.userid in strategy.userids:
        return True
    organisation = call.corp.organisation
    below = {d for top in strategy.departments for d in organisation.subtree(top)}
    return not below.isdisjoint(member.department)


@endpoint("externalcontact/mark_tag", Need.CUSTOMERS, one_customer=True)
def mark_tag(call: Call) -> Answer:
    """doc 92118: add and remove tags of one member's relation to one customer."""
    body, follows = call.body, call.corp.follows
    userid, external_userid = call.pair()
    add, remove = body.texts("add_tag"), body.texts("remove_tag")
    if not add and not remove:
        raise parameter("add_tag and remove_tag", "are both empty")
    follow = call.follow(userid, external_userid)
    both = set(add) & set(remove)
    rule = call.settings.tag_both_lists
    if both and rule == "refuse":
        raise Refusal(40068)
    adding = {t.number for t in _tags(call, add, userid)}
    removing = {t.number for t in _tags(call, remove, userid)}
    before = set(follows.tags[follow])
    repeated = call.settings.tag_repeat_errcode
    if repeated and (adding & before or removing - before - adding):
        raise Refusal(repeated)
    after = (before - removing) | adding if rule == "add" else (before | adding) - removing
    living = [n for n in after if not call.corp.tags.by_number[n].deleted]
    if len(living) > call.settings.tags_per_follow:
        raise parameter("add_tag", f"exceed max size {call.settings.tags_per_follow}")
    follows.set_tags(follow, tuple(sorted(living)))
    return Answer()
