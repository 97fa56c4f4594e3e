"""Changing the corp tag library (doc 92117) and the tags of strategies (doc 94882)."""

from __future__ import annotations

from storeops.sandbox.api.corp_tags import group_row
from storeops.sandbox.body import Body
from storeops.sandbox.endpoints import Answer, Call, Need, endpoint
from storeops.sandbox.refusals import Refusal, parameter
from storeops.sandbox.tags import Tag, TagGroup

NAME_MAX = 30
_ORDER_END = 1 << 32


def clean_name(call: Call, name: str, field: str) -> str:
    """A tag or group name: 1 to 30 characters, no forbidden word."""
    if len(name) < 1:
        raise parameter(field, "exceed min utf8 words 1")
    if len(name) > NAME_MAX:
        raise Refusal(40072)
    if any(word in name for word in call.settings.forbidden_words):
        raise Refusal(85002)
    return name


def order_of(body: Body) -> int | None:
    """`order` as uint32, None when not given."""
    order = body.number_or_none("order")
    if order is not None and not 0 <= order < _ORDER_END:
        raise parameter("order", "must be in [0, 2^32)")
    return order


def _group_for_new(call: Call, strategy: int) -> TagGroup | str:
    """The existing group tags go into, or the name of a new one."""
    body, tags = call.body, call.corp.tags
    if group_id := body.text("group_id"):
        group = tags.groups.get(group_id)
        if group is None or group.deleted or group.strategy != strategy:
            raise Refusal(40068, "invalid tagid/groupid")
    elif name := body.text("group_name"):
        clean_name(call, name, "group_name")
        group = tags.group_named(name, strategy)
        if group is None:
            return name
    else:
        raise Refusal(call.settings.tag_no_group_errcode)
    foreign = call.settings.tag_foreign_group_errcode
    if foreign and group.owner != call.agent_id:
        raise Refusal(foreign)
    return group


def add(call: Call, strategy: int) -> Answer:
    """New tags; everything is checked before anything is made."""
    body, tags, now = call.body, call.corp.tags, call.now
    wanted: dict[str, int] = {}
    for row in body.objects("tag"):
        given = row.text_or_none("name")
        if given is None:
            raise Refusal(41018)
        name = clean_name(call, given, "tag.name")
        wanted.setdefault(name, order_of(row) or 0)
    if not wanted:
        raise parameter("tag", "is empty")
    target = _group_for_new(call, strategy)
    if isinstance(target, TagGroup) and any(t.name in wanted for t in tags.living(target)):
        raise Refusal(40071)
    if tags.count() + len(wanted) > call.settings.tag_cap:
        raise Refusal(40126)
    group_order = order_of(body) or 0
    if isinstance(target, str):
        target = tags.add_group(target, now, group_order, call.agent_id, strategy)
    made = [tags.add_tag(target, n, now, order, call.agent_id) for n, order in wanted.items()]
    return Answer.of(tag_group=group_row(target, made))


def _owned(call: Call, thing: Tag | TagGroup) -> None:
    if thing.owner != call.agent_id:
        raise Refusal(call.settings.tag_not_owned_errcode)


def _in_strategy(call: Call, thing: Tag | TagGroup) -> bool:
    group = call.corp.tags.groups[thing.group] if isinstance(thing, Tag) else thing
    return bool(group.strategy)


def edit(call: Call, strategies: bool) -> Answer:
    """A new name or order for a tag or a group."""
    body, tags = call.body, call.corp.tags
    wanted = body.text("id")
    if not wanted:
        raise Refusal(41017)
    thing: Tag | TagGroup | None = tags.tags.get(wanted) or tags.groups.get(wanted)
    if thing is None or thing.deleted or _in_strategy(call, thing) != strategies:
        raise Refusal(40068)
    _owned(call, thing)
    name, order = body.text_or_none("name"), order_of(body)
    if name is not None:
        clean_name(call, name, "name")
        if isinstance(thing, Tag):
            twins = [t for t in tags.living(tags.groups[thing.group]) if t.name == name]
            taken = any(t is not thing for t in twins)
        else:
            duplicate = tags.group_named(name, thing.strategy)
            taken = duplicate is not None and duplicate is not thing
        if taken:
            raise Refusal(40071)
    if name is not None:
        thing.name = name
    if order is not None:
        thing.order = order
    tags.touch()
    return Answer()


def delete(call: Call, strategies: bool) -> Answer:
    """Tags and groups away, from every customer too; one bad id fails all."""
    body, library = call.body, call.corp.tags
    tag_ids, group_ids = body.texts("tag_id"), body.texts("group_id")
    if not tag_ids and not group_ids:
        raise parameter("tag_id and group_id", "are both empty")
    if len(tag_ids) + len(group_ids) > call.settings.tag_delete_max:
        raise parameter("tag_id and group_id", "exceed max size")
    things: list[Tag | TagGroup] = []
    for found in (
        [library.tags.get(i) for i in dict.fromkeys(tag_ids)],
        [library.groups.get(i) for i in dict.fromkeys(group_ids)],
    ):
        for thing in found:
            if thing is None or thing.deleted or _in_strategy(call, thing) != strategies:
                raise Refusal(40068, "invalid tagid/groupid")
            _owned(call, thing)
            things.append(thing)
    for thing in things:
        if isinstance(thing, TagGroup):
            library.delete_group(thing)
        elif not thing.deleted:
            library.delete_tag(thing)
    return Answer()


@endpoint("externalcontact/add_corp_tag", Need.CUSTOMERS)
def add_corp_tag(call: Call) -> Answer:
    """doc 92117: one tag_group object with the tags that are new."""
    return add(call, 0)


@endpoint("externalcontact/edit_corp_tag", Need.CUSTOMERS)
def edit_corp_tag(call: Call) -> Answer:
    """doc 92117."""
    return edit(call, strategies=False)


@endpoint("externalcontact/del_corp_tag", Need.CUSTOMERS)
def del_corp_tag(call: Call) -> Answer:
    """doc 92117."""
    return delete(call, strategies=False)
