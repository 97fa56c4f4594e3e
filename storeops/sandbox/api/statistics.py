"""Statistics of group chats and of members (doc 92132, 92133).

What the state knows (groups, joinings, new customers, deletions) is counted; messages, which no
state holds, are figures fixed by seed, person and day.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from storeops.sandbox.api.customers import contact_members
from storeops.sandbox.api.groups import owner_filter
from storeops.sandbox.clock import DAY, day_start
from storeops.sandbox.endpoints import Answer, Call, Need, endpoint
from storeops.sandbox.groups import GroupChat
from storeops.sandbox.ids import digest
from storeops.sandbox.jsontext import dumps
from storeops.sandbox.organisation import LEFT, Member
from storeops.sandbox.refusals import Refusal, parameter

_SPAN, _BACK = 30, 180  # days


def _days(call: Call, begin: int, end: int, today_too: bool) -> list[int]:
    """Day starts of a closed range in China time; 600018 when it cannot be answered."""
    first, last, today = day_start(begin), day_start(end), day_start(call.now)
    latest = today if today_too else today - DAY
    if begin <= 0 or first > last or last > latest or first < today - _BACK * DAY:
        raise Refusal(600018)
    days = list(range(first, last + DAY, DAY))
    if len(days) > _SPAN:
        raise Refusal(600018)
    return days


def _figure(call: Call, what: str, who: str, day: int, below: int) -> int:
    """A figure that is the same whenever it is asked for."""
    raw = digest(call.corp.seed, what, who, day, size=3)
    return int.from_bytes(raw, "big") % max(1, below)


@dataclasses.dataclass(slots=True)
class _GroupData:
    """The eight figures of an owner or a day."""

    new_chat_cnt: int = 0
    chat_total: int = 0
    chat_has_msg: int = 0
    new_member_cnt: int = 0
    member_total: int = 0
    member_has_msg: int = 0
    msg_total: int = 0
    migrate_trainee_chat_cnt: int = 0


def _count(call: Call, groups: Iterable[GroupChat], days: list[int]) -> _GroupData:
    """Sums over the days, totals at the end of the last one."""
    data, first, end = _GroupData(), days[0], days[-1] + DAY
    for group in groups:
        if group.create_time >= end:
            continue
        data.chat_total += 1
        data.new_chat_cnt += group.create_time >= first
        seats = [(s.join_time, 0) for s in group.seats]
        seats += [(s.join_time, gone) for s, gone in group.left]
        here = sum(joined < end and not (gone and gone < end) for joined, gone in seats)
        data.member_total += here
        data.new_member_cnt += sum(first <= joined < end for joined, _ in seats)
        writers = 0
        for day in days:
            if day + DAY > group.create_time:
                messages = _figure(call, "messages", group.chat_id, day, 24) - 8
                if messages > 0 and here:
                    data.msg_total += messages
                    writers = max(writers, min(here, 1 + messages // 3))
        data.chat_has_msg += writers > 0
        data.member_has_msg += writers
    return data


def _owners(call: Call) -> dict[str, list[GroupChat]]:
    """Groups of the named owners who are in sight, or who left."""
    userids = owner_filter(call)
    if not userids:
        raise parameter("owner_filter.userid_list", "is empty")
    organisation, found = call.corp.organisation, dict[str, list[GroupChat]]()
    numbers: dict[int, list[GroupChat]] = {}
    for userid in userids:
        member = organisation.find(userid)
        if member is None:
            raise Refusal(60111)
        if member.status != LEFT and member.number not in call.scope.members:
            raise Refusal(60011)
        numbers[member.number] = found[member.userid] = []
    for group in call.corp.groups.values():
        if group.owner in numbers and not group.dissolved:
            numbers[group.owner].append(group)
    return found


def _group_days(call: Call) -> list[int]:
    begin = call.body.number("day_begin_time")
    end = call.body.number("day_end_time") or begin
    return _days(call, begin, end, call.settings.stats_today)


_ORDERS = {1: "new_chat_cnt", 2: "chat_total", 3: "new_member_cnt", 4: "member_total"}


@endpoint("externalcontact/groupchat/statistic", Need.CUSTOMERS, lists=("items",))
def groupchat_statistic(call: Call) -> Answer:
    """doc 92133: one row per owner, offset paging."""
    body, days = call.body, _group_days(call)
    order_by = body.number("order_by", 1)
    if order_by not in _ORDERS:
        raise parameter("order_by", "must be between 1 and 4")
    offset, limit = body.number("offset"), body.number("limit", 500)
    if offset < 0 or not 1 <= limit <= 1000:
        raise parameter("limit", "must be between 1 and 1000")
    rows = [(owner, _count(call, groups, days)) for owner, groups in _owners(call).items()]
    if not call.settings.stats_zero_rows:
        rows = [(owner, data) for owner, data in rows if data.chat_total]
    rows.sort(key=lambda row: row[0])
    rows.sort(
        key=lambda row: getattr(row[1], _ORDERS[order_by]), reverse=not body.flag("order_asc")
    )
    page = rows[offset : offset + limit]
    return Answer(
        {
            "total": dumps(len(rows)),
            "next_offset": dumps(min(len(rows), offset + len(page))),
            "items": [dumps({"owner": o, "data": dataclasses.asdict(d)}) for o, d in page],
        }
    )


@endpoint("externalcontact/groupchat/statistic_group_by_day", Need.CUSTOMERS, lists=("items",))
def groupchat_statistic_group_by_day(call: Call) -> Answer:
    """doc 92133: one row per day, all named owners together."""
    days = _group_days(call)
    groups = [g for found in _owners(call).values() for g in found]
    rows = [
        dumps({"stat_time": day, "data": dataclasses.asdict(_count(call, groups, [day]))})
        for day in days
    ]
    return Answer({"items": rows})


def _people(call: Call) -> list[Member]:
    """Members of userid and partyid together, each once, with customer contact."""
    body, organisation = call.body, call.corp.organisation
    userids, parties = body.texts("userid"), body.numbers("partyid")
    if not userids and not parties:
        raise parameter("userid and partyid", "are both empty")
    if len(userids) > 100 or len(parties) > 100:
        raise parameter("userid or partyid", "exceed max size 100")
    found: dict[int, Member] = {}
    for userid in userids:
        member = call.member(userid)
        if member.customer_contact:
            found[member.number] = member
    wanted: set[int] = set()
    for party in parties:
        if party not in organisation.departments:
            raise Refusal(60123)
        if party not in call.scope.departments:
            raise Refusal(60011)
        below = call.settings.behavior_subdepartments
        wanted.update(organisation.subtree(party) if below else [party])
    if wanted:
        for member in contact_members(call):
            if not wanted.isdisjoint(member.department):
                found[member.number] = member
    return list(found.values())


@endpoint("externalcontact/get_user_behavior_data", Need.CUSTOMERS, lists=("behavior_data",))
def get_user_behavior_data(call: Call) -> Answer:
    """doc 92132: one row per day, several people summed."""
    body = call.body
    begin, end = body.number("start_time"), body.number("end_time")
    days = _days(call, begin, end, call.settings.behavior_today)
    people = _people(call)
    new, lost = _gains(call, people, days)
    rows = [_behavior(call, people, day, new[day], lost[day]) for day in days]
    return Answer({"behavior_data": [dumps(row) for row in rows]})


def _gains(
    call: Call, people: list[Member], days: list[int]
) -> tuple[dict[int, int], dict[int, int]]:
    """Customers gained, and customers who deleted a member, per day."""
    new, lost = dict.fromkeys(days, 0), dict.fromkeys(days, 0)
    follows = call.corp.follows
    for member in people:
        for follow in call.corp.held_by(member):
            day = day_start(follows.created[follow])
            if day in new:
                new[day] += 1
            gone = follows.deleted_by_customer_at.get(follow, 0)
            if gone and day_start(gone) in lost:
                lost[day_start(gone)] += 1
    return new, lost


def _behavior(call: Call, people: list[Member], day: int, new: int, lost: int) -> dict[str, Any]:
    chats = messages = begun = answered = minutes = applied = 0
    for member in people:
        held = len(call.corp.held_by(member))
        mine = _figure(call, "chats", member.userid, day, min(40, held // 4 + 1))
        chats += mine
        messages += mine * (1 + _figure(call, "lines", member.userid, day, 5))
        asked = mine * _figure(call, "asked", member.userid, day, 8) // 10
        begun += asked
        answered += asked * (10 - _figure(call, "missed", member.userid, day, 4)) // 10
        minutes += asked * (1 + _figure(call, "minutes", member.userid, day, 20))
        applied += _figure(call, "applied", member.userid, day, 4)
    row: dict[str, Any] = {"stat_time": day, "chat_cnt": chats, "message_cnt": messages}
    if begun:  # left out on quiet days
        row["reply_percentage"] = round(100.0 * answered / begun, 2)
        row["avg_reply_time"] = minutes // begun
    return row | {
        "negative_feedback_cnt": lost,
        "new_apply_cnt": applied,
        "new_contact_cnt": new,
    }
