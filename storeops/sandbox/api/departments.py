"""Departments, reads (doc 90208)."""

from __future__ import annotations

from storeops.sandbox.endpoints import Answer, Call, Need, endpoint
from storeops.sandbox.jsontext import dumps
from storeops.sandbox.refusals import Refusal


def number(call: Call, name: str) -> int | None:
    """An integer of the query; None when missing, -1 when it is none."""
    text = call.query.get(name, "")
    if not text:
        return None
    return int(text) if text.isascii() and text.isdigit() else -1


def _visible(call: Call) -> list[int]:
    """Ids of department/list in tree order, below `id` when given."""
    organisation, scope = call.corp.organisation, call.scope
    top = number(call, "id")
    if top is None:
        if 1 in scope.departments:
            return organisation.subtree(1)
        return [d for d in organisation.subtree(1) if d in scope.departments]
    if top not in organisation.departments:
        raise Refusal(60123)
    if top not in scope.departments:
        raise Refusal(60011)
    return organisation.subtree(top)


@endpoint("department/list", Need.CONTACTS, body=False, lists=("department",))
def department_list(call: Call) -> Answer:
    """doc 90208: a department and everything below it, or all that are visible."""
    nodes = call.corp.organisation.departments
    return Answer({"department": [dumps(nodes[d].as_json()) for d in _visible(call)]})


@endpoint("department/simplelist", Need.OPEN_CONTACTS, body=False, lists=("department_id",))
def department_simplelist(call: Call) -> Answer:
    """doc 95350: ids, parents and order only."""
    nodes = call.corp.organisation.departments
    rows = [
        dumps({"id": d, "parentid": nodes[d].parentid, "order": nodes[d].order})
        for d in _visible(call)
    ]
    return Answer({"department_id": rows})


@endpoint("department/get", Need.CONTACTS, body=False)
def department_get(call: Call) -> Answer:
    """doc 95351."""
    wanted = number(call, "id")
    if wanted is None:
        raise Refusal(40063)
    department = call.corp.organisation.departments.get(wanted)
    if department is None:
        raise Refusal(60123)
    if wanted not in call.scope.departments:
        raise Refusal(60011)
    return Answer.of(department=department.as_json())
