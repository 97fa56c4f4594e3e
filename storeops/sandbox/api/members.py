"""Members, reads (doc 90196)."""

from __future__ import annotations

from storeops.sandbox.api.departments import number
from storeops.sandbox.endpoints import Answer, Call, Need, endpoint
from storeops.sandbox.jsontext import dumps
from storeops.sandbox.organisation import Member
from storeops.sandbox.refusals import Refusal

_USER_LISTS = ("department", "order", "is_leader_in_dept", "direct_leader")


@endpoint("user/get", Need.CONTACTS, body=False, lists=_USER_LISTS)
def user_get(call: Call) -> Answer:
    """doc 90196."""
    member = call.member(call.query.get("userid", ""))
    row = member.as_json(call.sees_personal)
    return Answer({name: dumps(value) for name, value in row.items()})


def _in_department(call: Call) -> list[Member]:
    """Visible members of department_id, with those below it when fetch_child=1."""
    organisation, scope = call.corp.organisation, call.scope
    department = number(call, "department_id")
    if department is None:
        raise Refusal(40063)
    if department not in organisation.departments:
        raise Refusal(60123)
    if department not in scope.departments:
        raise Refusal(60011)
    nodes = [department]
    if call.query.get("fetch_child") == "1":
        nodes = organisation.subtree(department)
    found: dict[int, Member] = {}
    for node in nodes:
        for member in organisation.people(node):
            if member.number in scope.members:
                found[member.number] = member
    return list(found.values())


@endpoint("user/simplelist", Need.CONTACTS, body=False, lists=("userlist",))
def user_simplelist(call: Call) -> Answer:
    """doc 90200: direct members unless fetch_child=1."""
    rows = [
        dumps({"userid": m.userid, "name": m.name, "department": m.department})
        for m in _in_department(call)
    ]
    return Answer({"userlist": rows})


@endpoint("user/list", Need.CONTACTS, body=False, lists=("userlist",))
def user_list(call: Call) -> Answer:
    """doc 90201: whole user objects, unpaged; too large an answer is 45029."""
    organisation, personal = call.corp.organisation, call.sees_personal
    rows = [organisation.user_json(m, personal) for m in _in_department(call)]
    if sum(map(len, rows)) > call.settings.max_answer_bytes:
        raise Refusal(45029)
    return Answer({"userlist": rows})


@endpoint("user/list_id", Need.CONTACT_SYNC, lists=("dept_user",))
def user_list_id(call: Call) -> Answer:
    """doc 96067: one row per member and department, for the contact-sync secret only."""
    limit = call.body.number("limit") or call.settings.list_id_default_limit
    if not 1 <= limit <= 10_000:
        raise Refusal(40058, "limit must be between 1 and 10000. invalid Request Parameter")
    members = call.corp.organisation.members
    rows = [(m.userid, d) for m in members if m.number in call.scope.members for d in m.department]
    start, end, cursor = call.page(len(rows), limit, call.body.text("cursor"), b"")
    page = [dumps({"userid": u, "department": d}) for u, d in rows[start:end]]
    return Answer({"next_cursor": dumps(cursor), "dept_user": page})
