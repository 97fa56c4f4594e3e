"""Erase one person from every file of a profile, down to the free pages of the disk.

Where a person's data may lie:

| file | columns |
|---|---|
| data.db, mirror | customer.*, follow.remark/description/remark_corp_name/mobiles, unassigned, timeline.before/after, group_member.member/name/group_nickname, search indexes, sync_listed, sync_failure |
| data.db, notebook | note.text, mark_item, view.filter |
| data.db, ledger | plan.title/params/problems/reason, plan_row.* but userid, journal.subject/payload |
| data.db, handover | handover.subject/snapshot, handover_trouble.subject |
| data.db, queue | job_key.key, only of unfinished jobs, and those are refused here |
| inbox.db | event.*, delivery.body |

Domains say themselves what they keep: a module with `forget_customer(connection, external_userid,
ids) -> rows`, called inside the one transaction, and, when it keeps words of a person that other
files may hold, `words_of(connection, external_userid) -> (ids and phones, names)`. A domain that
cannot answer ends the erasure: nothing is called erased that is not.

run.db holds counts and a token, no person. Files that were written for somebody (exports, backups,
results) are not ours to change.
"""  # noqa: E501

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from storeops.changes import erase as ledger_erase
from storeops.changes.erase import Erased, Words
from storeops.changes.ledger import Ledger
from storeops.database.database import Database
from storeops.domain import load, registry
from storeops.errors import NotFoundError, StoreOpsError
from storeops.mirror import forget as mirror


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased.

    Attributes:
        lines: lines of the journal.
        rows: rows of plans.
        facts: rows of the mirror.
        others: what domains erased, by what they count.
        events: events of the inbox.
        clean: whether the files were rewritten, so that no free page holds old text; False when
            another process was at work.
    """

    lines: int
    rows: int
    facts: int
    others: Mapping[str, int]
    events: int
    clean: bool

    def as_dict(self) -> dict[str, Any]:
        """The object of `audit erase --json`."""
        return {
            "lines": self.lines,
            "rows": self.rows,
            "facts": self.facts,
            **self.others,
            "events": self.events,
            "clean": self.clean,
        }


def erase_person(
    ledger: Ledger,
    external_userid: str,
    *,
    reason: str = "",
    inbox: Callable[[], Database] | None = None,
) -> Erasure:
    """Erase a customer everywhere.

    Args:
        ledger: the profile's ledger.
        external_userid: the customer.
        reason: why, for the journal (without naming the person).
        inbox: opens inbox.db; None when there is none.

    Raises:
        NotFoundError: no file knows the person.
        ConflictError: something about the person is still to be sent or answered.
        PolicyError: read-only.
    """
    db = ledger.db
    events = inbox() if inbox is not None else None
    with _overwriting(db):
        gone, heard = _erase(ledger, external_userid, reason, events)
    clean = _clean(db, search=True)
    if events is not None and heard:
        clean = _clean(events, search=False) and clean
    return Erasure(
        gone.lines,
        gone.rows,
        gone.others.get("facts", 0),
        {name: gone.others.get(name, 0) for name in registry().named("erase")},
        heard,
        clean,
    )


def _erase(
    ledger: Ledger, external_userid: str, reason: str, events: Database | None
) -> tuple[Erased, int]:
    connection = ledger.db.connection
    ids, names = mirror.words_of(connection, external_userid)
    erasers = {name: load(where) for name, (_domain, where) in registry().named("erase").items()}
    for each in erasers.values():
        if hasattr(each, "words_of"):
            more_ids, more_names = each.words_of(connection, external_userid)
            ids, names = ids | more_ids, names | more_names
    heard = 0
    try:
        gone = ledger_erase.erase(
            ledger,
            external_userid,
            reason=reason,
            words=Words(frozenset(ids), frozenset(names)),
            others={
                "facts": lambda open_: mirror.forget_customer(open_, external_userid),
                **{
                    name: partial(_forget, each, external_userid, ids)
                    for name, each in erasers.items()
                },
            },
        )
    except NotFoundError:
        heard = _forget_events(events, external_userid) if events is not None else 0
        if not heard:
            raise
        return Erased(0, 0), heard
    if events is not None:
        heard = _forget_events(events, external_userid)
    return gone, heard


def _forget(
    eraser: Any, external_userid: str, ids: set[str], connection: sqlite3.Connection
) -> int:
    rows: int = eraser.forget_customer(connection, external_userid, ids)
    return rows


def _forget_events(events: Database, external_userid: str) -> int:
    with _overwriting(events), events.atomic() as connection:
        connection.execute(
            "DELETE FROM delivery WHERE event_id IN"
            " (SELECT id FROM event WHERE external_userid = ?)",
            (external_userid,),
        )
        return connection.execute(
            "DELETE FROM event WHERE external_userid = ?", (external_userid,)
        ).rowcount


@contextlib.contextmanager
def _overwriting(db: Database) -> Any:
    """What is deleted meanwhile is overwritten with zeros, whatever SQLite was built with."""
    before = db.execute("PRAGMA secure_delete").fetchone()[0]
    db.execute("PRAGMA secure_delete = ON")
    try:
        yield
    finally:
        db.execute(f"PRAGMA secure_delete = {int(before)}")


def _clean(db: Database, *, search: bool) -> bool:
    """Rewrite a file, so that pages freed long ago hold no old text either. Whether it worked."""
    from storeops.database.backup import vacuum

    try:
        if search:
            with db.atomic() as connection:
                mirror.tidy_search(connection)
        vacuum(db.path)
        busy = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except (StoreOpsError, sqlite3.Error):
        return False
    return not busy
