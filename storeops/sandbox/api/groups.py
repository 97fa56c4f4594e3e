"""Customer group chats (doc 92120, 92122, 94822)."""

from __future__ import annotations

from typing import Any

from storeops.sandbox.endpoints import Answer, Call, Need, endpoint
from storeops.sandbox.groups import GroupChat, Seat
from storeops.sandbox.ids import digest, opengid
from storeops.sandbox.jsontext import dumps
from storeops.sandbox.organisation import LEFT
from storeops.sandbox.refusals import Refusal, parameter

_LEGACY_END = 50_000  # offset + limit


def owner_filter(call: Call) -> list[str]:
    """Userids of owner_filter, at most 100."""
    owners = call.body.object("owner_filter").texts("userid_list")
    if len(owners) > 100:
        raise Refusal(call.settings.group_owners_errcode)
    return owners


@endpoint("externalcontact/groupchat/list", Need.CUSTOMERS, lists=("group_chat_list",))
def groupchat_list(call: Call) -> Answer:
    """doc 92120: groups of visible owners; a leaver's groups need the leaver in owner_filter."""
    corp, body = call.corp, call.body
    limit = body.number("limit")
    if not 1 <= limit <= 1000:
        raise Refusal(call.settings.group_limit_errcode)
    status = body.number("status_filter")
    if status not in (0, 1, 2, 3):
        raise parameter("status_filter", "must be between 0 and 3")
    owners = owner_filter(call)
    members = corp.organisation.members
    if owners:
        named = {m.number for u in owners if (m := corp.organisation.find(u)) is not None}
        wanted = {n for n in named if n in call.scope.members or members[n].status == LEFT}
    else:
        if len(call.scope.members) > call.settings.group_owner_filter_cap:
            raise Refusal(81017)
        wanted = set(call.scope.members)
        if status == 1 and call.settings.leaver_groups_unfiltered:
            wanted |= {n for n, m in enumerate(members) if m.status == LEFT}
    found = [
        g
        for g in corp.groups.values()
        if g.owner in wanted
        and not g.dissolved
        and members[g.owner].customer_contact
        and (not status or g.status == status)
    ]
    query = dumps([status, sorted(owners)])
    offset = body.number("offset")
    if offset and not body.text("cursor"):
        if offset < 0 or offset + limit > _LEGACY_END:
            raise parameter("offset", "plus limit must not exceed 50000")
        rows = [dumps(g.as_row()) for g in found[offset : offset + limit]]
        return Answer({"group_chat_list": rows})
    start, end, cursor = call.page(len(found), limit, body.text("cursor"), query)
    rows = [dumps(g.as_row()) for g in found[start:end]]
    return Answer({"group_chat_list": rows, "next_cursor": dumps(cursor)})


def seat_row(call: Call, seat: Seat, names: bool) -> dict[str, Any]:
    """One element of member_list."""
    corp = call.corp
    members = corp.organisation.members
    if seat.kind == 1:
        userid, name = members[seat.who].userid, members[seat.who].name
    elif seat.who < 0:
        userid, name = corp.stranger_id(-seat.who), corp.strangers[-seat.who - 1]
    else:
        userid, name = corp.customers.id(seat.who), corp.customers.name_text(seat.who)
    row: dict[str, Any] = {"userid": userid, "type": seat.kind}
    known = seat.kind == 2 and seat.who >= 0
    if known and call.settings.unionid_bound and corp.customers.has_unionid(seat.who):
        row["unionid"] = corp.customers.unionid_bytes(seat.who).decode()
    row |= {"join_time": seat.join_time, "join_scene": seat.join_scene}
    if seat.invitor >= 0:
        row["invitor"] = {"userid": members[seat.invitor].userid}
    row["group_nickname"] = seat.nickname
    if names:
        row["name"] = name
    if seat.state:
        row["state"] = seat.state
    return row


@endpoint("externalcontact/groupchat/get", Need.CUSTOMERS)
def groupchat_get(call: Call) -> Answer:
    """doc 92122. Asked by GET nothing is seen of the body, and the id is unknown: 40050."""
    chat_id = call.body.text("chat_id")
    if not chat_id:
        raise Refusal(40058 if call.body.fields or call.body.warned else 40050)
    group = visible_group(call, chat_id)
    names = call.body.flag("need_name")
    members = call.corp.organisation.members
    row: dict[str, Any] = {
        "chat_id": group.chat_id,
        "name": group.name,
        "owner": members[group.owner].userid,
        "create_time": group.create_time,
    }
    if group.notice or call.settings.group_notice == "empty":
        row["notice"] = group.notice
    row["member_list"] = [seat_row(call, s, names) for s in group.seats]
    row["admin_list"] = [{"userid": members[a].userid} for a in group.admins]
    row["member_version"] = member_version(call.corp.seed, group)
    return Answer.of(group_chat=row)


def visible_group(call: Call, chat_id: str) -> GroupChat:
    """A group whose owner the app sees or who left: 40050, 49008, 60011."""
    group = call.corp.groups.get(chat_id)
    if group is None:
        raise Refusal(40050)
    if group.dissolved:
        raise Refusal(49008)
    owner = call.corp.organisation.members[group.owner]
    if owner.status != LEFT and owner.number not in call.scope.members:
        raise Refusal(call.settings.group_scope_errcode)
    return group


def member_version(seed: int, group: GroupChat) -> str:
    """Opaque text that changes with every change of membership."""
    return digest(seed, "version", group.chat_id, group.version).hex()


@endpoint("externalcontact/opengid_to_chatid", Need.CUSTOMERS)
def opengid_to_chatid(call: Call) -> Answer:
    """doc 94822."""
    wanted = call.body.text("opengid")
    if not wanted:
        raise parameter("opengid", "is empty")
    for chat_id, group in call.corp.groups.items():
        if not group.dissolved and opengid(call.corp.seed, chat_id) == wanted:
            return Answer.of(chat_id=visible_group(call, chat_id).chat_id)
    raise Refusal(90511)
