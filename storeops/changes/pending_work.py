"""What people have begun and not ended: drafts, plans, calls to send."""

from __future__ import annotations

from dataclasses import dataclass, field

from storeops.changes import drafts, relations
from storeops.changes.action import NOT_AS_PLANNED
from storeops.changes.plans import MADE
from storeops.database.database import Database

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class PendingWork:
    """Where a person left off.

    Attributes:
        drafts: rows of the open drafts, per kind.
        plans: plans that can still be applied.
        plan_rows: rows of them that are ready.
        newest: plan_id of the newest of them, "" without any.
        queued: calls of applied plans that wait to be sent.
        held: calls whose plan is paused.
        bad: rows, of plans applied in the last three days, that ended in the last one and were not
            done.
        bad_plan: plan_id of the newest plan with such rows, "" without any.
        over: those of the bad rows whose relation is gone, so that no plan can help them.
    """

    drafts: dict[str, int] = field(default_factory=dict)
    plans: int = 0
    plan_rows: int = 0
    newest: str = ""
    queued: int = 0
    held: int = 0
    bad: int = 0
    bad_plan: str = ""
    over: int = 0


def pending_work(db: Database, now: float) -> PendingWork:
    """Count them; some indexed statements.

    Args:
        db: data.db.
        now: WeCom's time, Unix seconds.
    """
    connection = db.connection
    plans, rows, newest = connection.execute(
        "SELECT count(*), coalesce(sum(ready), 0), max(id) FROM plan"
        " WHERE status = ? AND ready > 0 AND expires_at > ?",
        (MADE, now),
    ).fetchone()
    name = ""
    if newest is not None:
        name = connection.execute("SELECT name FROM plan WHERE id = ?", (newest,)).fetchone()[0]
    queued, held = connection.execute(
        "SELECT (SELECT count(*) FROM job WHERE status = 'queued' AND held = 0),"
        " (SELECT count(*) FROM job WHERE status IN ('queued', 'unknown') AND held = 1)"
    ).fetchone()
    rows_of = (
        " FROM plan JOIN plan_row ON plan_row.plan_id = plan.id"
        f" AND plan_row.status IN ({','.join('?' * len(NOT_AS_PLANNED))})"
        " WHERE plan.status = 'applied' AND plan.applied_at >= ? AND plan_row.at >= ?"
    )
    since = (*NOT_AS_PLANNED, now - 3 * DAY_S, now - DAY_S)
    bad, bad_plan = connection.execute(
        f"SELECT count(*), coalesce(max(plan.name), ''){rows_of}", since
    ).fetchone()
    over = 0
    if 0 < bad <= relations.CHUNK:  # of many, some can be helped
        pairs = connection.execute(f"SELECT userid, external_userid{rows_of}", since).fetchall()
        found = relations.by_pairs(db, pairs)
        over = sum(1 for each in found if each is not None and each.status in relations.GONE)
    return PendingWork(drafts.sizes(db), plans, rows, name, queued, held, bad, bad_plan, over)
