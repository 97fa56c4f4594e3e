"""Acts about members, departments and what apps see."""

from __future__ import annotations

import copy
from typing import Any

from storeops.sandbox.act import Act, act
from storeops.sandbox.api.member_writes import check_new_userid
from storeops.sandbox.corp import CUSTOMER_APP
from storeops.sandbox.handover.decisions import ACCEPT, Decision
from storeops.sandbox.handover.handovers import DONE, RESIGNED
from storeops.sandbox.organisation import ACTIVE, LEFT, USERID, Department, Member
from storeops.sandbox.people import People
from storeops.sandbox.refusals import Refusal


@act("staff_join")
def staff_join(a: Act) -> dict[str, Any]:
    """Somebody new starts work, with customer contact."""
    corp, people = a.corp, People(a.dice)
    number = len(corp.organisation.members)
    userid = a.text("userid", f"n{number:05d}")
    if not USERID.fullmatch(userid) or corp.organisation.find(userid):
        raise ValueError(f"{userid} is no free userid")
    department = a.department()
    member = Member(
        userid,
        a.text("name", people.full_name(2)),
        corp.follows.add_member(),
        [department],
        [0],
        [0],
        a.text("position", "导购"),
        mobile=people.mobile(),
        gender="2",
        main_department=department,
        last_login=corp.clock.now(),
    )
    corp.organisation.add_member(member)
    corp.emit("change_contact", "create_user", userid=userid, department=[department])
    return {"userid": userid, "department": [department]}


@act("staff_leave")
def staff_leave(a: Act) -> dict[str, Any]:
    """Somebody leaves: the customers wait to be assigned, the groups for another owner."""
    corp = a.corp
    member = a.member()
    if member is corp.organisation.members[0]:
        raise ValueError("the creator of the corp cannot leave")
    groups = corp.leave(member)
    corp.emit("change_contact", "delete_user", userid=member.userid)
    return {
        "userid": member.userid,
        "left_at": member.left_at,
        "unassigned": len(corp.held_by(member)),
        "group_chats": [g.chat_id for g in groups],
    }


@act("staff_return")
def staff_return(a: Act) -> dict[str, Any]:
    """Somebody who left comes back, to the customers still waiting unless customers=false."""
    corp = a.corp
    organisation = corp.organisation
    if "userid" in a.given:
        left = organisation.find(a.text("userid"))
        if left is None or left.status != LEFT:
            raise ValueError(f"{a.text('userid')} has not left")
    else:
        gone = [m for m in organisation.by_userid.values() if m.status == LEFT]
        if not gone:
            raise ValueError("nobody has left")
        left = a.dice.choice(gone)
    if a.flag("customers", True):
        member = left
        member.status, member.left_at = ACTIVE, 0
        for group in corp.groups.values():
            if group.owner == member.number and group.status == 1:
                group.status = 0
        organisation.touch()
    else:
        member = copy.deepcopy(left)
        member.number, member.status, member.left_at = corp.follows.add_member(), ACTIVE, 0
        organisation.add_member(member)
    corp.emit(
        "change_contact", "create_user", userid=member.userid, department=list(member.department)
    )
    return {
        "userid": member.userid,
        "department": list(member.department),
        "customers": len(corp.held_by(member)),
    }


@act("userid_change")
def userid_change(a: Act) -> dict[str, Any]:
    """The admin changes a userid (userid, new_userid), which WeCom allows once."""
    member, new = a.member(), a.text("new_userid", f"u{len(a.corp.events):06d}")
    old = member.userid
    try:
        check_new_userid(a.corp, a.settings, member, new)
    except Refusal as refusal:
        raise ValueError(refusal.text) from None
    a.corp.change_userid(member, new)
    a.corp.emit("change_contact", "update_user", userid=old, NewUserID=new)
    return {"userid": old, "new_userid": new}


@act("console_assign")
def console_assign(a: Act) -> dict[str, Any]:
    """The admin assigns customers of somebody who left (userid, takeover_userid, count)."""
    corp = a.corp
    leavers = corp.leavers()
    if "userid" in a.given:
        leavers = [m for m in leavers if m.userid.lower() == a.text("userid").lower()]
    if not leavers:
        raise ValueError("nobody waits to be assigned")
    leaver, to_owner = leavers[0], a.member("takeover_userid")
    now, begun = corp.clock.now(), []
    for follow in list(corp.held_by(leaver))[: a.number("count", len(corp.held_by(leaver)))]:
        if corp.handovers.running_attempt(corp.follows.customer[follow]) is None:
            begun.append(
                corp.handovers.begin(
                    corp, a.settings, RESIGNED, leaver, to_owner, follow, now,
                    by_api=False, decision=Decision(ACCEPT),
                )
            )  # fmt: skip
    corp.handovers.conclude(corp, a.settings, now)
    moved = [corp.customers.id(t.customer) for t in begun if t.status == DONE]
    refused = [corp.customers.id(t.customer) for t in begun if t.status != DONE]
    return {
        "handover_userid": leaver.userid,
        "takeover_userid": to_owner.userid,
        "external_userids": moved,
        "refused": refused,
    }


@act("staff_move")
def staff_move(a: Act) -> dict[str, Any]:
    """Somebody moves to another department."""
    member, department = a.member(), a.department()
    member.department, member.order, member.is_leader = [department], [0], [0]
    member.main_department = department
    for node in a.corp.organisation.departments.values():
        node.leaders = [u for u in node.leaders if u != member.userid]
    a.corp.organisation.touch()
    a.corp.emit("change_contact", "update_user", userid=member.userid, department=[department])
    return {"userid": member.userid, "department": [department]}


@act("staff_edit")
def staff_edit(a: Act) -> dict[str, Any]:
    """The admin edits name or position of somebody, or handover facts of theirs.

    Those are last_login (Unix seconds), real_name and capacity (customers).
    """
    member = a.member()
    done: dict[str, Any] = {"userid": member.userid}
    for name in ("name", "position"):
        if name in a.given:
            setattr(member, name, a.text(name))
            done[name] = a.text(name)
    for name in ("last_login", "capacity", "real_name"):
        if name in a.given:
            value = a.given[name] if name == "real_name" else a.number(name)
            setattr(member, name, bool(value) if name == "real_name" else value)
            done[name] = getattr(member, name)
    if len(done) == 1:
        raise ValueError("nothing to edit: name, position, last_login, real_name or capacity")
    a.corp.organisation.touch()
    if "name" in done or "position" in done:
        a.corp.emit("change_contact", "update_user", **done)
    return done


def _contact(a: Act, on: bool) -> dict[str, Any]:
    if "userid" in a.given:
        member = a.member()
    else:
        fitting = [
            m
            for m in a.corp.organisation.members[2:]
            if m.status == ACTIVE and m.customer_contact is not on
        ]
        if not fitting:
            raise ValueError("no member fits")
        member = a.dice.choice(fitting)
    member.customer_contact = on
    a.corp.organisation.touch()
    return {"userid": member.userid, "customers": len(a.corp.held_by(member))}


@act("contact_off")
def contact_off(a: Act) -> dict[str, Any]:
    """The admin takes customer contact from a member; the customers stay with them."""
    return _contact(a, on=False)


@act("contact_on")
def contact_on(a: Act) -> dict[str, Any]:
    """The admin gives customer contact to a member."""
    return _contact(a, on=True)


@act("scope_hide")
def scope_hide(a: Act) -> dict[str, Any]:
    """The admin takes a member out of the visible scope of an app (agent_id)."""
    app = a.corp.apps.get(a.number("agent_id", CUSTOMER_APP))
    if app is None:
        raise ValueError("no such app")
    member = a.member()
    if member.userid not in app.hidden_members:
        app.hidden_members.append(member.userid)
    a.corp.organisation.touch()
    return {"userid": member.userid, "agent_id": app.agent_id}


@act("scope_show")
def scope_show(a: Act) -> dict[str, Any]:
    """The admin puts a hidden member back into the visible scope of an app."""
    app = a.corp.apps.get(a.number("agent_id", CUSTOMER_APP))
    if app is None or not app.hidden_members:
        raise ValueError("no such app, or nobody is hidden from it")
    userid = a.text("userid", app.hidden_members[0])
    if userid not in app.hidden_members:
        raise ValueError(f"{userid} is not hidden")
    app.hidden_members.remove(userid)
    a.corp.organisation.touch()
    return {"userid": userid, "agent_id": app.agent_id}


@act("scope_set")
def scope_set(a: Act) -> dict[str, Any]:
    """The admin sets the departments an app sees (agent_id, departments)."""
    app = a.corp.apps.get(a.number("agent_id", CUSTOMER_APP))
    departments = a.given.get("departments")
    known = a.corp.organisation.departments
    if app is None or not isinstance(departments, list) or not set(departments) <= set(known):
        raise ValueError("agent_id and departments must exist")
    app.scope_departments = departments
    a.corp.organisation.touch()
    return {"agent_id": app.agent_id, "departments": departments}


@act("app_disable")
def app_disable(a: Act) -> dict[str, Any]:
    """The admin switches an app off (50003), or on again with enabled=true."""
    app = a.corp.apps.get(a.number("agent_id", CUSTOMER_APP))
    if app is None:
        raise ValueError("no such app")
    app.disabled = not a.given.get("enabled", False)
    return {"agent_id": app.agent_id, "disabled": app.disabled}


@act("department_create")
def department_create(a: Act) -> dict[str, Any]:
    """The admin opens a department below `department`."""
    nodes = a.corp.organisation.departments
    parent, number = a.department(), max(nodes) + 1
    nodes[number] = Department(number, a.text("name", f"新店 {number}"), parent, 1000)
    a.corp.organisation.touch()
    a.corp.emit(
        "change_contact", "create_party",
        id=number, name=nodes[number].name, parentid=parent, order=nodes[number].order,
    )  # fmt: skip
    return {"id": number, "name": nodes[number].name, "parentid": parent}


@act("department_rename")
def department_rename(a: Act) -> dict[str, Any]:
    """The admin renames a department."""
    node = a.corp.organisation.departments[a.department()]
    node.name = a.text("name", f"{node.name}旗舰")
    a.corp.organisation.touch()
    a.corp.emit("change_contact", "update_party", id=node.id, name=node.name)
    return {"id": node.id, "name": node.name}


@act("department_delete")
def department_delete(a: Act) -> dict[str, Any]:
    """The admin closes a department without people and departments in it."""
    organisation, number = a.corp.organisation, a.number("department")
    if number not in organisation.departments or number == 1:
        raise ValueError(f"no department {number} to close")
    if organisation.people(number) or organisation.children(number):
        raise ValueError("somebody or something is still in it")
    del organisation.departments[number]
    organisation.touch()
    a.corp.emit("change_contact", "delete_party", id=number)
    return {"id": number}
