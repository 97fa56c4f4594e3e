"""Before a backup takes its place: what it says of plans is older than what was done."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from storeops.changes import loss
from storeops.changes.jobs.queue import hold_after_restore
from storeops.changes.journal import JournalLine
from storeops.changes.ledger import Ledger
from storeops.database.database import open_database
from storeops.errors import StoreOpsError
from storeops.i18n import _


@dataclass(frozen=True, slots=True)
class RestoredLedger:
    """What was made safe.

    Attributes:
        held: jobs that were not finished, by plan_id; nothing of them is asked or sent before a
            person resumes the plan.
        cancelled: plans that were not applied when the backup was made.
        backup_count: number of the last line of the journal in the backup.
    """

    held: dict[str, int]
    cancelled: tuple[str, ...]
    backup_count: int


def make_safe(ledger: Ledger, present: Path | None = None) -> RestoredLedger:
    """Make a restored ledger safe, in one transaction, before anybody can use it.

    Every unfinished job is unknown and held, its plan paused. Plans that were not applied in the
    backup may have been applied since; they are cancelled. The journal goes on where it was: its
    lines since the backup are carried over, and one more tells of the restore. What cannot be
    carried over (the present file is damaged or lost) is noted as a loss. Seal it when the file is
    in place.

    Args:
        ledger: over the copy that is about to take the place of data.db.
        present: data.db as it is; None when there is none.
    """
    now = ledger.clock.now()
    with ledger.db.atomic() as connection:
        backup_count = loss.head(connection)[0]
        if present is not None:
            _carry(connection, present)
        jobs = hold_after_restore(connection, now)
        names = dict(connection.execute("SELECT id, name FROM plan").fetchall()) if jobs else {}
        held = {names.get(plan, str(plan)): count for plan, count in jobs.items()}
        why = _("a backup was restored; what is left may have been done, or undone, since")
        connection.executemany(
            "UPDATE plan SET paused = 1, paused_why = ? WHERE id = ?",
            [(why, plan) for plan in jobs],
        )
        connection.execute(
            "UPDATE plan_row SET status = 'unknown', at = ? WHERE status = 'queued'"
            " AND EXISTS (SELECT 1 FROM job JOIN job_row ON job_row.job_id = job.id"
            "  WHERE job.plan_id = plan_row.plan_id AND job_row.row = plan_row.row"
            "  AND job.status = 'unknown')",
            (now,),
        )
        cancelled = tuple(
            name
            for (name,) in connection.execute(
                "SELECT name FROM plan WHERE status = 'planned' ORDER BY id"
            )
        )
        connection.execute(
            "UPDATE plan_row SET status = 'cancelled', at = ? WHERE status = 'planned'"
            " AND plan_id IN (SELECT id FROM plan WHERE status = 'planned')",
            (now,),
        )
        connection.execute("UPDATE plan SET status = 'cancelled' WHERE status = 'planned'")
        note = {
            "backup_count": backup_count,
            "unknown_jobs": sum(held.values()),
            "held_plans": sorted(held)[:100],
            "cancelled_plans": len(cancelled),
        }
        ledger.journal.append(connection, [JournalLine("db.restored", payload=note)], now)
    return RestoredLedger(held, cancelled, backup_count)


def _carry(connection: sqlite3.Connection, present: Path) -> None:
    """Take the lines that the journal got since the backup, as far as they can be read."""
    count, head = loss.head(connection)
    names = ", ".join(
        row[0] for row in connection.execute("SELECT name FROM pragma_table_info('journal')")
    )
    marks = ", ".join("?" * (names.count(",") + 1))
    with suppress(sqlite3.DatabaseError, StoreOpsError):  # damaged: what was read stays
        database = open_database(present, None, readonly=True)
        try:
            if count and database.execute(
                "SELECT CAST(hash AS BLOB) FROM journal WHERE seq = ?", (count,)
            ).fetchone() != (head,):
                return  # another history: nothing of it continues this one
            for line in database.execute(
                f"SELECT {names} FROM journal WHERE seq > ? ORDER BY seq", (count,)
            ):
                connection.execute(f"INSERT INTO journal ({names}) VALUES ({marks})", line)
            known = max(loss.sealed(connection), loss.sealed(database.connection))
            if known:  # else there never was a line, and no seal is missing
                loss.remember(connection, known)
        finally:
            database.close()
