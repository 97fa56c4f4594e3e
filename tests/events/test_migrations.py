"""An inbox of an earlier version: what waits in it is handed out as this version reads it."""

from __future__ import annotations

from pathlib import Path

from storeops.database.database import open_database
from storeops.domain import registry
from storeops.events import schema
from storeops.events.inbox import Inbox

WAITING = (
    "INSERT INTO event (id, identity, received_at, subject, status, due_at) VALUES (?,?,?,?,?,?)"
)


def test_waiting_handovers_are_those_of_the_domain_since_m003(tmp_path: Path) -> None:
    """Subjects were named `handover:CUSTOMER`; nobody reads that word any more."""
    before = [each for each in schema.MIGRATIONS if each.name < "m003"]
    db = open_database(tmp_path / "inbox.db", before)
    subjects = ("handover:wmA", "handover:wm:B", "customer:wmC", "member:handover:x", "")
    for number, subject in enumerate(subjects, 1):
        due = None if number == 2 else 5.0
        db.execute(WAITING, (number, bytes([number]), 1.0, subject, "received", due))
    db.close()
    db = open_database(tmp_path / "inbox.db", schema.MIGRATIONS)
    kept = [row[0] for row in db.execute("SELECT subject FROM event ORDER BY id")]
    kind = "change_external_contact/transfer_fail"
    assert kept == [f"{kind}:wmA", f"{kind}:wm:B", "customer:wmC", "member:handover:x", ""]
    works = {work.subject.kind: work.subject.id for work in Inbox(db).claim(10.0)}
    assert works[kind] == "wmA"
    assert kind in registry().named("events"), "a domain reads it"
    db.close()
