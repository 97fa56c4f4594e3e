"""Tags of members (doc 90213), reads and writes."""

from __future__ import annotations

from storeops.sandbox.api.departments import number
from storeops.sandbox.endpoints import Answer, Call, Need, endpoint
from storeops.sandbox.jsontext import dumps
from storeops.sandbox.refusals import Refusal, parameter
from storeops.sandbox.tags import ContactTag

_PER_CALL = 1000


def _own(call: Call, tag: ContactTag) -> bool:
    """Apps see their own tags; the contact-sync secret sees all."""
    assert call.app is not None
    return call.app.contact_sync or tag.owner == call.agent_id


def _tag(call: Call, tagid: int | None) -> ContactTag:
    if not tagid:
        raise Refusal(41017)
    tag = call.corp.contact_tags.get(tagid)
    if tag is None:
        raise Refusal(40068)
    if not _own(call, tag):
        raise Refusal(81011)
    return tag


@endpoint("tag/list", Need.CONTACTS, body=False, lists=("taglist",))
def tag_list(call: Call) -> Answer:
    """doc 90216."""
    tags = [t for t in call.corp.contact_tags.values() if _own(call, t)]
    return Answer({"taglist": [dumps({"tagid": t.tagid, "tagname": t.name}) for t in tags]})


@endpoint("tag/get", Need.CONTACTS, body=False, lists=("userlist", "partylist"))
def tag_get(call: Call) -> Answer:
    """doc 90213: only visible members."""
    tag = _tag(call, number(call, "tagid"))
    members = [call.corp.organisation.present(u) for u in tag.userids]
    users = [
        {"userid": m.userid, "name": m.name}
        for m in members
        if m is not None and m.number in call.scope.members
    ]
    parties = [d for d in tag.departments if d in call.scope.departments]
    return Answer.of(tagname=tag.name, userlist=users, partylist=parties)


def _name(call: Call, but: int = 0) -> str:
    name = call.body.text("tagname")
    if not name:
        raise Refusal(41018)
    if len(name) > 32:
        raise Refusal(40072)
    if any(t.name == name and t.tagid != but for t in call.corp.contact_tags.values()):
        raise Refusal(40071)
    return name


@endpoint("tag/create", Need.TOKEN)
def tag_create(call: Call) -> Answer:
    """The new tag belongs to the calling app."""
    name, tags = _name(call), call.corp.contact_tags
    wanted = call.body.number("tagid") or max(tags, default=0) + 1
    if wanted in tags or wanted < 0:
        raise Refusal(40068)
    tags[wanted] = ContactTag(wanted, name, call.agent_id)
    return Answer.of("created", tagid=wanted)


@endpoint("tag/update", Need.TOKEN)
def tag_update(call: Call) -> Answer:
    """A new name for an own tag."""
    tag = _tag(call, call.body.number("tagid"))
    tag.name = _name(call, tag.tagid)
    return Answer.of("updated")


@endpoint("tag/delete", Need.TOKEN, body=False)
def tag_delete(call: Call) -> Answer:
    """An own tag away."""
    tag = _tag(call, number(call, "tagid"))
    del call.corp.contact_tags[tag.tagid]
    return Answer.of("deleted")


def _nodes(call: Call) -> tuple[list[str], list[int], list[str], list[int]]:
    """Visible userids and departments of the body, and those that are not."""
    userids, parties = call.body.texts("userlist"), call.body.numbers("partylist")
    if not userids and not parties:
        raise parameter("userlist and partylist", "are both empty")
    if len(userids) > _PER_CALL or len(parties) > _PER_CALL:
        raise Refusal(81014)
    good: list[str] = []
    bad: list[str] = []
    for userid in userids:
        member = call.corp.organisation.present(userid)
        seen = member is not None and member.number in call.scope.members
        (good if seen else bad).append(member.userid if member and seen else userid)
    inside = [d for d in parties if d in call.scope.departments]
    outside = [d for d in parties if d not in call.scope.departments]
    if not good and not inside:
        raise Refusal(40070)
    return good, inside, bad, outside


def _answer(bad: list[str], outside: list[int]) -> Answer:
    answer = Answer()
    if bad:
        answer.fields["invalidlist"] = dumps("|".join(bad))
    if outside:
        answer.fields["invalidparty"] = dumps(outside)
    return answer


@endpoint("tag/addtagusers", Need.TOKEN)
def tag_addtagusers(call: Call) -> Answer:
    """Nodes that are not visible are named, the rest goes in."""
    tag = _tag(call, call.body.number("tagid"))
    good, inside, bad, outside = _nodes(call)
    tag.userids = list(dict.fromkeys((*tag.userids, *good)))
    tag.departments = list(dict.fromkeys((*tag.departments, *inside)))
    return _answer(bad, outside)


@endpoint("tag/deltagusers", Need.TOKEN)
def tag_deltagusers(call: Call) -> Answer:
    """Nodes that are not visible are named, the rest goes out."""
    tag = _tag(call, call.body.number("tagid"))
    good, inside, bad, outside = _nodes(call)
    tag.userids = [u for u in tag.userids if u not in good]
    tag.departments = [d for d in tag.departments if d not in inside]
    return _answer(bad, outside)
