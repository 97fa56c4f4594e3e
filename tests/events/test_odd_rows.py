"""A row that cannot be read costs that row alone, and nobody is believed gone for it."""

from __future__ import annotations

from typing import Any

import pytest

from storeops.operations import events as callbacks
from tests.events.calling_corp import CallingCorp

COUNTS = {
    "follows": "SELECT status, count(*) FROM follow GROUP BY status",
    "departments": "SELECT status, count(*) FROM department GROUP BY 1",
    "members": "SELECT count(*) FROM group_member",
}


def standing(called: CallingCorp) -> dict[str, list[tuple[Any, ...]]]:
    return {name: called.app.data.execute(sql).fetchall() for name, sql in COUNTS.items()}


def reason(called: CallingCorp) -> str:
    row = called.app.inbox.execute("SELECT reason FROM event WHERE status = 'failed'").fetchone()
    return str(row[0]) if row is not None else ""


def shared(called: CallingCorp) -> tuple[str, str, str]:
    """A customer of several members: (member, another, customer)."""
    owners: dict[str, list[str]] = {}
    for who, external in called.corp.follows():
        owners.setdefault(external, []).append(who)
    return next((who[0], who[1], each) for each, who in owners.items() if len(who) > 1)


@pytest.mark.parametrize("kind", ["null_field", "half_surrogate"])
def test_a_relation_that_cannot_be_read_fails_alone_and_is_not_lost(
    called: CallingCorp, kind: str
) -> None:
    who, _other, external = shared(called)
    before = standing(called)
    called.control.act("remark_edit", userid=who, external_userid=external, remark="新")
    path = "externalcontact/get"
    called.control.fault(kind, path, match=external, field="userid", every=True)
    done = called.settle()
    assert dict(done.events) == {"failed": 1}
    assert "cannot be read" in reason(called)
    assert standing(called) == before
    called.control.clear_faults()
    called.corp.advance(20)
    assert callbacks.handle(called.app).events["handled"] == 1
    found = called.status_of(who, external)
    assert found is not None
    assert found[2] == "新"


def test_the_other_relations_of_the_answer_are_written(called: CallingCorp) -> None:
    """The tags of one relation are odd: its event waits for the next reading, no other does."""
    rows = called.corp.follows()
    owners: dict[str, list[str]] = {}
    for who, external in rows:
        owners.setdefault(external, []).append(who)
    external, whole, odd = next(
        (each, one, other)
        for each, who in owners.items()
        for one in who
        for other in who
        if not rows[one, each]["tag_id"] and rows[other, each]["tag_id"]
        and sum(bool(rows[every, each]["tag_id"]) for every in who) == 1
    )  # fmt: skip
    for who in (whole, odd):
        called.control.act("remark_edit", userid=who, external_userid=external, remark="新")
    path = "externalcontact/get"
    called.control.fault("text_as_number", path, match=external, field="tag_id", every=True)
    assert dict(called.settle().events) == {"failed": 1, "handled": 1}
    assert odd in reason(called)
    for who, remark in ((whole, True), (odd, False)):
        found = called.status_of(who, external)
        assert found is not None
        assert (found[2] == "新") is remark


def test_a_deletion_is_not_believed_while_the_relation_cannot_be_read(called: CallingCorp) -> None:
    """An old deletion is handled again: the relation is there, only its row cannot be read."""
    from storeops.events.inbox import Inbox
    from storeops.events.listing import events

    who, _other, external = shared(called)
    called.control.act("follow_delete", userid=who, external_userid=external)
    called.settle()
    called.control.act("follow_add", userid=who, external_userid=external)
    called.settle()
    (old,) = events(called.app.inbox, change="del_external_contact")
    Inbox(called.app.inbox).retry([old.id], called.app.clock.now())
    called.control.fault(
        "null_field", "externalcontact/get", match=external, field="userid", every=True
    )
    assert callbacks.handle(called.app).events["failed"] == 1
    found = called.status_of(who, external)
    assert found is not None
    assert found[0] == "active"


def test_a_tag_that_cannot_be_read_is_not_deleted_with_another(called: CallingCorp) -> None:
    alive = "SELECT tag_id FROM tag WHERE deleted_at IS NULL ORDER BY 1"
    before = {row[0] for row in called.app.data.execute(alive)}
    gone = called.control.act("tag_delete")["id"]
    path = "externalcontact/get_corp_tag_list"
    called.control.fault("null_field", path, field="id", first=1)
    done = called.settle()
    assert done.events["failed"]
    assert {row[0] for row in called.app.data.execute(alive)} == before
    called.control.clear_faults()
    called.corp.advance(60)
    callbacks.handle(called.app)
    assert {row[0] for row in called.app.data.execute(alive)} == before - {gone}


def test_a_department_and_a_groups_member_that_cannot_be_read_stay(called: CallingCorp) -> None:
    before = standing(called)
    department = list(called.control.export("departments"))[-1]["id"]
    called.control.act("department_rename", id=department, name="新店名")
    chat = called.app.data.execute("SELECT chat_id FROM group_chat").fetchone()[0]
    called.control.act("group_rename", chat_id=chat, name="新群名")
    called.control.fault("null_field", "department/list", field="id", first=2)
    called.control.fault("null_field", "externalcontact/groupchat/get", field="userid", first=1)
    called.settle()
    assert standing(called) == before
    named = "SELECT name FROM group_chat WHERE chat_id = ?"
    assert called.app.data.execute(named, (chat,)).fetchone() == ("新群名",)
