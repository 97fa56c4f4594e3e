"""Acts about group chats."""

from __future__ import annotations

from typing import Any

from storeops.sandbox.act import Act, act
from storeops.sandbox.groups import INVITED, QR, GroupChat, Seat


def _group(a: Act) -> GroupChat:
    """The group of chat_id, or a drawn one."""
    if "chat_id" in a.given:
        group = a.corp.groups.get(a.text("chat_id"))
        if group is None or group.dissolved:
            raise ValueError(f"no group {a.text('chat_id')}")
        return group
    living = [g for g in a.corp.groups.values() if not g.dissolved and not g.status]
    if not living:
        raise ValueError("there is no group")
    return a.dice.choice(living)


def _changed(a: Act, group: GroupChat, detail: str, **fields: Any) -> None:
    a.corp.emit(
        "change_external_chat", "update", chat_id=group.chat_id, update_detail=detail, **fields
    )


@act("group_create")
def group_create(a: Act) -> dict[str, Any]:
    """A member opens a group with some of their customers."""
    corp, owner, now = a.corp, a.member(with_customers=True), a.corp.clock.now()
    held = list(corp.held_by(owner))
    chosen = a.dice.sample(held, min(len(held), a.number("size", 5)))
    group = GroupChat(corp.new_chat_id(), a.text("name", "新群"), owner.number, now)
    group.seats = [Seat(1, owner.number, now, INVITED, owner.number)]
    group.seats += [Seat(2, corp.follows.customer[f], now, INVITED, owner.number) for f in chosen]
    corp.groups[group.chat_id] = group
    corp.emit("change_external_chat", "create", chat_id=group.chat_id)
    return {"chat_id": group.chat_id, "owner": owner.userid, "members": len(group.seats)}


@act("group_dissolve")
def group_dissolve(a: Act) -> dict[str, Any]:
    """The owner dissolves a group."""
    group = _group(a)
    group.dissolved = True
    a.corp.emit("change_external_chat", "dismiss", chat_id=group.chat_id)
    return {"chat_id": group.chat_id}


@act("group_join")
def group_join(a: Act) -> dict[str, Any]:
    """A customer joins by QR code."""
    group, now = _group(a), a.corp.clock.now()
    row = a.corp.follows.customer[a.follow()]
    if any(s.kind == 2 and s.who == row for s in group.seats):
        raise ValueError("that customer is in the group already")
    group.seats.append(Seat(2, row, now, QR, state=a.text("state")))
    group.version += 1
    external_userid = a.corp.customers.id(row)
    _changed(a, group, "add_member", join_scene=3, members=[external_userid])
    return {"chat_id": group.chat_id, "external_userid": external_userid}


@act("group_leave")
def group_leave(a: Act) -> dict[str, Any]:
    """A customer leaves."""
    group, now = _group(a), a.corp.clock.now()
    seats = [s for s in group.seats if s.kind == 2 and s.who >= 0]
    if "external_userid" in a.given:
        row = a.customer()
        seats = [s for s in seats if s.who == row]
    if not seats:
        raise ValueError("no such customer in the group")
    seat = a.dice.choice(seats)
    group.seats.remove(seat)
    group.left.append((seat, now))
    group.version += 1
    external_userid = a.corp.customers.id(seat.who)
    _changed(a, group, "del_member", quit_scene=0, members=[external_userid])
    return {"chat_id": group.chat_id, "external_userid": external_userid}


@act("group_rename")
def group_rename(a: Act) -> dict[str, Any]:
    """The owner renames a group."""
    group = _group(a)
    group.name = a.text("name", f"{group.name}·新")
    _changed(a, group, "change_name")
    return {"chat_id": group.chat_id, "name": group.name}


@act("group_owner")
def group_owner(a: Act) -> dict[str, Any]:
    """A group gets another owner (userid)."""
    group, member = _group(a), a.member()
    group.owner, group.status = member.number, 0
    if not any(s.kind == 1 and s.who == member.number for s in group.seats):
        group.seats.append(Seat(1, member.number, a.corp.clock.now(), INVITED))
        group.version += 1
    _changed(a, group, "change_owner")
    return {"chat_id": group.chat_id, "owner": member.userid}
