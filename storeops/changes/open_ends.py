"""What people have begun and not ended: drafts, plans, calls to send."""

from __future__ import annotations

from dataclasses import dataclass, field

from storeops.changes.plan_listing import draft_sizes
from storeops.changes.plans import MADE
from storeops.database.database import Database


@dataclass(frozen=True, slots=True)
class OpenEnds:
    """Where a person left off.

    Attributes:
        drafts: rows of the open drafts, per kind.
        plans: plans that can still be applied.
        plan_rows: rows of them that are ready.
        newest: plan_id of the newest of them, "" without any.
        queued: calls of applied plans that wait to be sent.
        held: calls whose plan is paused.
    """

    drafts: dict[str, int] = field(default_factory=dict)
    plans: int = 0
    plan_rows: int = 0
    newest: str = ""
    queued: int = 0
    held: int = 0


def open_ends(db: Database, now: float) -> OpenEnds:
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
    return OpenEnds(draft_sizes(db), plans, rows, name, queued, held)
