"""The control side of handovers: summary, wills set by hand, members' conditions, console acts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from storeops.sandbox.handover.decisions import Decision
from storeops.sandbox.handover.handovers import ON_JOB, RESIGNED, WORDS
from storeops.sandbox.organisation import ACTIVE, DISABLED, LEFT, NOT_ACTIVATED, Member

if TYPE_CHECKING:
    from storeops.sandbox.world import World

_STATUSES = {"active": ACTIVE, "disabled": DISABLED, "not_activated": NOT_ACTIVATED}


def summary(world: World) -> dict[str, Any]:
    """Attempts by outcome, group handovers, and refusals that could have been foreseen."""
    handovers = world.corp.handovers
    outcomes = dict.fromkeys(WORDS.values(), 0)
    for attempt in handovers.attempts:
        outcomes[WORDS[attempt.status]] += 1
    return {
        "attempts": len(handovers.attempts),
        "outcomes": outcomes,
        "group_chats": len(handovers.groups.log),
        "wills_set": len(handovers.decisions),
        **handovers.predictable.as_json(),
    }


def change(world: World, what: str, data: dict[str, Any]) -> dict[str, Any]:
    """POST /_sandbox/handover/<what>; ValueError says what is wrong with the request."""
    if what == "will":
        return _decide(world, data)
    if what == "member":
        return _member(world, data)
    if what == "console":
        return _console(world, data)
    if what == "friends_again":
        return _friends_again(world)
    if what == "reset":
        world.corp.handovers.predictable.reset()
        return summary(world)
    raise ValueError("handover knows will, member, console, friends_again and reset")


def _texts(data: dict[str, Any], name: str) -> list[str]:
    value = data.get(name)
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and value and all(isinstance(v, str) for v in value):
        return value
    raise ValueError(f"{name} must be one id or a list of ids")


def _customers(world: World, data: dict[str, Any]) -> list[int]:
    rows = []
    for external_userid in _texts(data, "external_userid"):
        row = world.corp.customers.find(external_userid)
        if row < 0:
            raise ValueError(f"no such customer: {external_userid}")
        rows.append(row)
    return rows


def _found(world: World, userid: Any) -> Member:
    member = world.corp.organisation.find(userid) if isinstance(userid, str) else None
    if member is None:
        raise ValueError(f"no such member: {userid}")
    return member


def _decide(world: World, data: dict[str, Any]) -> dict[str, Any]:
    """What these customers will do whenever they are asked from now on."""
    rows = _customers(world, data)
    decisions = world.corp.handovers.decisions
    if data.get("act") == "natural":
        for row in rows:
            decisions.pop(row, None)
    else:
        decision = Decision.read(data)
        decisions.update(dict.fromkeys(rows, decision))
    return {"customers": len(rows), "wills_set": len(decisions)}


def _friends_again(world: World) -> dict[str, Any]:
    """Everybody who had deleted a member adds them again."""
    deleted = world.corp.follows.deleted_by_customer_at
    count = len(deleted)
    deleted.clear()
    return {"follows": count}


def _member(world: World, data: dict[str, Any]) -> dict[str, Any]:
    """Conditions of one member: capacity, real_name, customer_contact, last_login, status."""
    member = _found(world, data.get("userid"))
    for name, value in data.items():
        if name == "userid":
            continue
        if (name in ("real_name", "customer_contact") and isinstance(value, bool)) or (
            name in ("capacity", "last_login") and type(value) is int and value >= 0
        ):
            setattr(member, name, value)
        elif name == "status" and value in _STATUSES and member.status != LEFT:
            member.status = _STATUSES[value]
        else:
            raise ValueError(f"a member cannot be given {name} = {value!r}")
    world.corp.organisation.touch()
    return {
        "userid": member.userid,
        "capacity": member.capacity,
        "customers": len(world.corp.held_by(member)),
        "real_name": member.real_name,
        "customer_contact": member.customer_contact,
        "last_login": member.last_login,
        "status": member.status,
    }


def _console(world: World, data: dict[str, Any]) -> dict[str, Any]:
    """An admin hands customers over in the console, past the API and its checks."""
    corp, handovers = world.corp, world.corp.handovers
    from_owner, to_owner = (
        _found(world, data.get("handover_userid")),
        _found(world, data.get("takeover_userid")),
    )
    begun = []
    for row in _customers(world, data):
        follow = corp.follows.between(corp.customers, from_owner.number, row)
        if follow < 0 or handovers.running_attempt(row) is not None:
            raise ValueError(f"cannot be handed over: {corp.customers.id(row)}")
        kind = RESIGNED if from_owner.status == LEFT else ON_JOB
        attempt = handovers.begin(
            corp,
            world.settings,
            kind,
            from_owner,
            to_owner,
            follow,
            world.clock.now(),
            by_api=False,
        )
        begun.append(attempt.number)
    return {"attempts": begun}
