"""The true state, row by row, for comparing a mirror with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from storeops.sandbox.corp import CUSTOMER_APP, Corp
from storeops.sandbox.ids import opengid
from storeops.sandbox.jsontext import dumps
from storeops.sandbox.organisation import LEFT, Member
from storeops.sandbox.ways import records as contact_ways


def follows(corp: Corp) -> Iterator[dict[str, Any]]:
    """Every living relation. `listed`: batch/get_by_user shows it to the customer app."""
    f = corp.follows
    scope = corp.organisation.scope(corp.apps[CUSTOMER_APP])
    for member in corp.organisation.members:
        left = member.status == LEFT
        for follow in corp.held_by(member):
            tags = [t for n in f.tags[follow] if not (t := corp.tags.by_number[n]).deleted]
            yield {
                "userid": member.userid,
                "external_userid": corp.customer_id(follow),
                "name": corp.customers.name_text(f.customer[follow]),
                "remark": json.loads(f.remark[follow]),
                "description": json.loads(f.description.get(follow, b'""')),
                "createtime": f.created[follow],
                "add_way": f.add_way[follow],
                "oper_userid": corp.oper_userid(follow),
                "state": f.states[f.state[follow]],
                "remark_mobiles": list(f.mobiles.get(follow, ())),
                "remark_corp_name": json.loads(f.company.get(follow, b'""')),
                "tag_id": [t.id for t in tags],
                "personal_tags": list(f.personal.get(follow, ())),
                "deleted_by_customer_at": f.deleted_by_customer_at.get(follow, 0),
                "status": "unassigned" if left else "active",
                "listed": not left and member.customer_contact and member.number in scope.members,
            }


def customers(corp: Corp) -> Iterator[dict[str, Any]]:
    """Every person somebody of the corp still follows."""
    people = corp.customers
    for row in range(len(people)):
        held = sorted(corp.follows.of_customer(people, row))
        if not held:
            continue
        corp_name, position = people.company.get(row, ("", ""))
        yield {
            "external_userid": people.id(row),
            "name": people.name_text(row),
            "type": people.kind[row],
            "gender": people.gender[row],
            "unionid": people.unionid_bytes(row).decode() if people.has_unionid(row) else "",
            "corp_name": corp_name,
            "position": position,
            "followers": [corp.member_of(f).userid for f in held],
        }


def _member(corp: Corp, member: Member) -> dict[str, Any]:
    visible = member.number in corp.organisation.scope(corp.apps[CUSTOMER_APP]).members
    return member.as_json(personal=True) | {
        "customer_contact": member.customer_contact,
        "visible": visible,
        "left_at": member.left_at,
        "customers": len(corp.held_by(member)),
    }


def staff(corp: Corp) -> Iterator[dict[str, Any]]:
    """Every member, present or gone (status 5 and left_at)."""
    for member in corp.organisation.members:
        yield _member(corp, member)


def departments(corp: Corp) -> Iterator[dict[str, Any]]:
    """The tree, parents first."""
    for node in corp.organisation.subtree(1):
        yield corp.organisation.departments[node].as_json()


def tags(corp: Corp) -> Iterator[dict[str, Any]]:
    """Every tag that was not deleted, strategy tags too; owner 0 is the console."""
    for tag in corp.tags.by_number:
        if not tag.deleted:
            group = corp.tags.groups[tag.group]
            yield {
                "tag_id": tag.id,
                "name": tag.name,
                "order": tag.order,
                "create_time": tag.create_time,
                "owner": tag.owner,
                "group_id": group.id,
                "group_name": group.name,
                "group_order": group.order,
                "strategy_id": group.strategy,
            }


def groups(corp: Corp) -> Iterator[dict[str, Any]]:
    """Every group chat that was not dissolved, with its members."""
    members = corp.organisation.members
    for group in corp.groups.values():
        if group.dissolved:
            continue
        seats = []
        for seat in group.seats:
            if seat.kind == 1:
                who = members[seat.who].userid
            else:
                who = corp.stranger_id(-seat.who) if seat.who < 0 else corp.customers.id(seat.who)
            seats.append({"userid": who, "type": seat.kind, "join_time": seat.join_time})
        yield {
            "chat_id": group.chat_id,
            "name": group.name,
            "owner": members[group.owner].userid,
            "create_time": group.create_time,
            "notice": group.notice,
            "opengid": opengid(corp.seed, group.chat_id),
            "status": group.status,
            "admins": [members[a].userid for a in group.admins],
            "members": seats,
        }


def unassigned(corp: Corp) -> Iterator[dict[str, Any]]:
    """Rows of get_unassigned_list in its order."""
    for member in corp.leavers():
        for follow in corp.held_by(member):
            yield {
                "handover_userid": member.userid,
                "external_userid": corp.customer_id(follow),
                "dimission_time": member.left_at,
            }


TABLES: dict[str, Callable[[Corp], Iterator[dict[str, Any]]]] = {
    "follows": follows,
    "customers": customers,
    "staff": staff,
    "departments": departments,
    "tags": tags,
    "groups": groups,
    "unassigned": unassigned,
    "contact_ways": contact_ways,
    "handovers": lambda corp: corp.handovers.records(corp),
    "group_handovers": lambda corp: corp.handovers.groups.records(corp),
}


def lines(corp: Corp, table: str) -> Iterator[bytes]:
    """NDJSON of one table; KeyError for an unknown name."""
    for row in TABLES[table](corp):
        yield dumps(row) + b"\n"
