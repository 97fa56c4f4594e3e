"""Departments, writes (doc 90208): only the contact-sync secret may."""

from __future__ import annotations

from storeops.sandbox.api.departments import number
from storeops.sandbox.endpoints import Answer, Call, Need, endpoint
from storeops.sandbox.organisation import Department
from storeops.sandbox.refusals import Refusal

_ILLEGAL = set('\\:*?"<>｜')
_ORDER_END, _ID_END = 1 << 32, 1 << 32


def _checked_name(name: str) -> str:
    if not 1 <= len(name) <= 64:
        raise Refusal(60001)
    if _ILLEGAL & set(name):
        raise Refusal(60009)
    return name


def _depth(call: Call, department: int) -> int:
    nodes, depth = call.corp.organisation.departments, 0
    while department:
        depth, department = depth + 1, nodes[department].parentid
    return depth


def _height(call: Call, department: int) -> int:
    """Levels of a subtree, its top included."""
    below = call.corp.organisation.children(department)
    return 1 + max((_height(call, d) for d in below), default=0)


def _unique(call: Call, name: str, parent: int, but: int = 0) -> None:
    nodes = call.corp.organisation.departments
    for sibling in call.corp.organisation.children(parent):
        if sibling != but and nodes[sibling].name == name:
            raise Refusal(60008)


@endpoint("department/create", Need.CONTACT_SYNC)
def department_create(call: Call) -> Answer:
    """doc 90205."""
    body, organisation = call.body, call.corp.organisation
    nodes = organisation.departments
    name = _checked_name(body.text("name"))
    name_en = _checked_name(body.text("name_en")) if body.text("name_en") else ""
    parent = body.number("parentid")
    if parent not in nodes:
        raise Refusal(60004)
    _unique(call, name, parent)
    wanted = body.number_or_none("id")
    if wanted is not None and not 1 < wanted < _ID_END:
        raise Refusal(60123)
    if wanted in nodes:
        raise Refusal(60008)
    order = body.number("order")
    if not 0 <= order < _ORDER_END:
        raise Refusal(40058, "order must be in [0, 2^32). invalid Request Parameter")
    if len(nodes) >= call.settings.department_cap:
        raise Refusal(81001)
    if _depth(call, parent) >= call.settings.department_depth:
        raise Refusal(81002)
    new = wanted or max(nodes) + 1
    nodes[new] = Department(new, name, parent, order, name_en)
    organisation.touch()
    return Answer.of("created", id=new)


@endpoint("department/update", Need.CONTACT_SYNC)
def department_update(call: Call) -> Answer:
    """doc 90206."""
    body, organisation = call.body, call.corp.organisation
    nodes = organisation.departments
    node = nodes.get(body.number("id"))
    if node is None:
        raise Refusal(60123)
    given, english = body.text_or_none("name"), body.text_or_none("name_en")
    name = node.name if given is None else _checked_name(given)
    name_en = node.name_en if english is None else english and _checked_name(english)
    parent = body.number("parentid", node.parentid)
    if parent != node.parentid:
        if parent not in nodes or node.id == 1:
            raise Refusal(60004)
        if parent in organisation.subtree(node.id):
            raise Refusal(60010)
        if _depth(call, parent) + _height(call, node.id) > call.settings.department_depth:
            raise Refusal(81002)
    _unique(call, name, parent, node.id)
    order = body.number("order", node.order)
    if not 0 <= order < _ORDER_END:
        raise Refusal(40058, "order must be in [0, 2^32). invalid Request Parameter")
    node.name, node.name_en, node.parentid, node.order = name, name_en, parent, order
    organisation.touch()
    return Answer.of("updated")


@endpoint("department/delete", Need.CONTACT_SYNC, body=False)
def department_delete(call: Call) -> Answer:
    """doc 90207: neither the root nor a department with members or children."""
    organisation, wanted = call.corp.organisation, number(call, "id")
    if wanted is None:
        raise Refusal(40063)
    if wanted not in organisation.departments:
        raise Refusal(60123)
    if wanted == 1:
        raise Refusal(60007)
    if organisation.people(wanted):
        raise Refusal(60005)
    if organisation.children(wanted):
        raise Refusal(60006)
    del organisation.departments[wanted]
    organisation.touch()
    return Answer.of("deleted")
