"""After a backup was put in place: what it says of plans is older than what was done."""

from __future__ import annotations

from dataclasses import dataclass

from storeops.changes.journal import Line
from storeops.changes.ledger import Ledger
from storeops.jobs.queue import mark_unknown_after_restore


@dataclass(frozen=True, slots=True)
class Restored:
    """What had to be done.

    Attributes:
        unknown: unfinished jobs; WeCom is asked before anything of them is sent.
        cancelled: plans that were not applied when the backup was made.
    """

    unknown: int
    cancelled: int


def after_restore(ledger: Ledger) -> Restored:
    """Make a restored ledger safe.

    Every unfinished job becomes unknown. Plans that were not applied in the backup may have been
    applied since; they are cancelled. The journal notes the end it had before, and is sealed
    anew, so that `audit verify` tells a restore from a cut.
    """
    unknown = mark_unknown_after_restore(ledger.db)
    now = ledger.clock.now()
    try:
        seal = ledger.journal.read_seal()
    except ValueError:
        seal = None
    with ledger.db.atomic() as connection:
        connection.execute(
            "UPDATE plan_row SET status = 'unknown', at = ? WHERE status = 'queued'"
            " AND EXISTS (SELECT 1 FROM job JOIN job_row ON job_row.job_id = job.id"
            "  WHERE job.plan_id = plan_row.plan_id AND job_row.row = plan_row.row"
            "  AND job.status = 'unknown')",
            (now,),
        )
        cancelled = connection.execute(
            "UPDATE plan SET status = 'cancelled' WHERE status = 'planned'"
        ).rowcount
        connection.execute(
            "UPDATE plan_row SET status = 'cancelled', at = ? WHERE status = 'planned'"
            " AND plan_id IN (SELECT id FROM plan WHERE status = 'cancelled')",
            (now,),
        )
        note = {
            "sealed_count": seal.count if seal else 0,
            "sealed_head": seal.head if seal else "",
            "unknown_jobs": unknown,
            "cancelled_plans": cancelled,
        }
        ledger.journal.append(connection, [Line("db.restored", payload=note)], now)
    ledger.journal.seal(ledger.db, now)
    return Restored(unknown, cancelled)
