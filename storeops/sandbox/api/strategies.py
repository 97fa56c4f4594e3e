"""Customer strategies (规则组, doc 94883) and their tags (doc 94882)."""

from __future__ import annotations

from typing import Any

from storeops.sandbox.api import corp_tag_writes
from storeops.sandbox.api.corp_tags import library
from storeops.sandbox.body import Body
from storeops.sandbox.endpoints import Answer, Call, Need, endpoint
from storeops.sandbox.jsontext import dumps
from storeops.sandbox.organisation import Organisation
from storeops.sandbox.refusals import Refusal, parameter
from storeops.sandbox.tags import Strategy

_ALWAYS = ("view_customer_list", "view_customer_data", "view_room_list", "contact_me", "join_room")
_PRIVILEGES = (
    *_ALWAYS,
    "share_customer",
    "oper_resign_customer",
    "oper_resign_group",
    "send_customer_msg",
    "edit_welcome_msg",
    "view_behavior_data",
    "view_room_data",
    "send_group_msg",
    "room_deduplication",
    "rapid_reply",
    "onjob_customer_transfer",
    "edit_anti_spam_rule",
    "export_customer_list",
    "export_customer_data",
    "export_customer_group_list",
    "manage_customer_tag",
)
_DEPTH, _NODES, _RANGE_MAX = 5, 3000, 100


def _may(call: Call) -> None:
    if call.settings.strategy_callers == "none":
        raise Refusal(48002)


def _own(call: Call) -> Strategy:
    """The strategy of the body, which the calling app made."""
    _may(call)
    strategy = call.corp.strategies.get(call.body.number("strategy_id"))
    if strategy is None or strategy.owner != call.agent_id:
        raise parameter("strategy_id", "is unknown")
    return strategy


def _limit(call: Call) -> int:
    limit = call.body.number("limit") or 1000
    if not 1 <= limit <= 1000:
        raise parameter("limit", "must be between 1 and 1000")
    return limit


def _page(call: Call, rows: list[dict[str, Any]], name: str, query: bytes) -> Answer:
    start, end, cursor = call.page(len(rows), _limit(call), call.body.text("cursor"), query)
    answer = Answer({name: [dumps(r) for r in rows[start:end]]})
    if cursor:
        answer.fields["next_cursor"] = dumps(cursor)
    return answer


@endpoint("externalcontact/customer_strategy/list", Need.CUSTOMERS, lists=("strategy",))
def strategy_list(call: Call) -> Answer:
    """doc 94883: those the app made."""
    _may(call)
    own = [s for s in call.corp.strategies.values() if s.owner == call.agent_id]
    return _page(call, [{"strategy_id": s.id} for s in own], "strategy", b"")


@endpoint("externalcontact/customer_strategy/get", Need.CUSTOMERS)
def strategy_get(call: Call) -> Answer:
    """doc 94883."""
    s = _own(call)
    return Answer.of(
        strategy={
            "strategy_id": s.id,
            "parent_id": s.parent,
            "strategy_name": s.name,
            "create_time": s.create_time,
            "admin_list": s.admins,
            "privilege": s.privilege,
        }
    )


@endpoint("externalcontact/customer_strategy/get_range", Need.CUSTOMERS, lists=("range",))
def strategy_get_range(call: Call) -> Answer:
    """doc 94883: members, then departments."""
    s = _own(call)
    rows: list[dict[str, Any]] = [{"type": 1, "userid": u} for u in s.userids]
    rows += [{"type": 2, "partyid": d} for d in s.departments]
    return _page(call, rows, "range", str(s.id).encode())


def _privilege(body: Body) -> dict[str, bool]:
    given = body.object("privilege")
    return {name: name in _ALWAYS or given.flag(name, True) for name in _PRIVILEGES}


def _admins(call: Call) -> list[str]:
    admins = call.body.texts("admin_list")
    if not 1 <= len(admins) <= 20:
        raise parameter("admin_list", "must hold 1 to 20 elements")
    return [call.member(u).userid for u in admins]


def _range(call: Call, name: str) -> tuple[list[str], list[int]]:
    rows = call.body.objects(name)
    if len(rows) > _RANGE_MAX:
        raise parameter(name, f"exceed max size {_RANGE_MAX}")
    userids, departments = [], []
    for row in rows:
        if row.number("type") == 1:
            userids.append(call.member(row.text("userid")).userid)
        elif row.number("type") == 2:
            if row.number("partyid") not in call.corp.organisation.departments:
                raise Refusal(60123)
            departments.append(row.number("partyid"))
        else:
            raise parameter(f"{name}.type", "must be 1 or 2")
    return userids, departments


def _name(call: Call) -> str:
    name = call.body.text("strategy_name")
    if not name:
        raise parameter("strategy_name", "is empty")
    return corp_tag_writes.clean_name(call, name, "strategy_name")


def _inside(
    organisation: Organisation, userids: list[str], departments: list[int], parent: Strategy
) -> bool:
    """A child's range lies inside its parent's."""
    below = {d for top in parent.departments for d in organisation.subtree(top)}
    for userid in userids:
        member = organisation.find(userid)
        if member is None or (userid not in parent.userids and below.isdisjoint(member.department)):
            return False
    return set(departments) <= below


def _children(call: Call, strategy_id: int) -> list[Strategy]:
    return [s for s in call.corp.strategies.values() if s.parent == strategy_id]


@endpoint("externalcontact/customer_strategy/create", Need.CUSTOMERS)
def strategy_create(call: Call) -> Answer:
    """doc 94883: at most five levels, a child's range inside its parent's."""
    _may(call)
    corp, body = call.corp, call.body
    parent_id, depth = body.number("parent_id"), 1
    node = parent_id
    while node:
        parent = corp.strategies.get(node)
        if parent is None or parent.owner != call.agent_id:
            raise parameter("parent_id", "is unknown")
        depth, node = depth + 1, parent.parent
    if depth > _DEPTH:
        raise parameter("parent_id", f"exceed max depth {_DEPTH}")
    name, admins = _name(call), _admins(call)
    userids, departments = _range(call, "range")
    if not userids and not departments:
        raise parameter("range", "is empty")
    if sum(len(s.userids) + len(s.departments) for s in corp.strategies.values()) > _NODES:
        raise parameter("range", f"exceed max nodes {_NODES}")
    if parent_id and not _inside(
        corp.organisation, userids, departments, corp.strategies[parent_id]
    ):
        raise parameter("range", "is not inside the parent's")
    number = max(corp.strategies, default=10) + 1
    corp.strategies[number] = Strategy(
        number,
        parent_id,
        name,
        call.now,
        call.agent_id,
        admins,
        _privilege(body),
        userids,
        departments,
    )
    return Answer.of(strategy_id=number)


@endpoint("externalcontact/customer_strategy/edit", Need.CUSTOMERS)
def strategy_edit(call: Call) -> Answer:
    """doc 94883: lists and privileges replace, ranges are added and taken."""
    s, body = _own(call), call.body
    name = s.name if body.text_or_none("strategy_name") is None else _name(call)
    admins = s.admins if body.texts_or_none("admin_list") is None else _admins(call)
    privilege = s.privilege if body.object_or_none("privilege") is None else _privilege(body)
    more_users, more_departments = _range(call, "range_add")
    fewer_users, fewer_departments = _range(call, "range_del")
    parent = call.corp.strategies.get(s.parent)
    if parent and not _inside(call.corp.organisation, more_users, more_departments, parent):
        raise parameter("range_add", "is not inside the parent's")
    s.name, s.admins, s.privilege = name, admins, privilege
    s.userids = [u for u in dict.fromkeys((*s.userids, *more_users)) if u not in fewer_users]
    s.departments = [
        d for d in dict.fromkeys((*s.departments, *more_departments)) if d not in fewer_departments
    ]
    return Answer()


@endpoint("externalcontact/customer_strategy/del", Need.CUSTOMERS)
def strategy_del(call: Call) -> Answer:
    """doc 94883. Its tags go with it."""
    s = _own(call)
    doomed = [s]
    for node in doomed:
        doomed.extend(_children(call, node.id))
    if len(doomed) > 1 and call.settings.strategy_delete_children == "refuse":
        raise parameter("strategy_id", "has children")
    for node in doomed:
        del call.corp.strategies[node.id]
        for group in call.corp.tags.living_groups(node.id):
            call.corp.tags.delete_group(group)
    return Answer()


@endpoint("externalcontact/get_strategy_tag_list", Need.CUSTOMERS, lists=("tag_group",))
def get_strategy_tag_list(call: Call) -> Answer:
    """doc 94882."""
    _may(call)
    return Answer({"tag_group": [dumps(row) for row in library(call, strategies=True)]})


@endpoint("externalcontact/add_strategy_tag", Need.CUSTOMERS)
def add_strategy_tag(call: Call) -> Answer:
    """doc 94882: first-level strategies only."""
    strategy = _own(call)
    if strategy.parent:
        raise parameter("strategy_id", "is not of the first level")
    return corp_tag_writes.add(call, strategy.id)


@endpoint("externalcontact/edit_strategy_tag", Need.CUSTOMERS)
def edit_strategy_tag(call: Call) -> Answer:
    """doc 94882."""
    _may(call)
    return corp_tag_writes.edit(call, strategies=True)


@endpoint("externalcontact/del_strategy_tag", Need.CUSTOMERS)
def del_strategy_tag(call: Call) -> Answer:
    """doc 94882."""
    _may(call)
    return corp_tag_writes.delete(call, strategies=True)
