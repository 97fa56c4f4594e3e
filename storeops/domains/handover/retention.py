"""Which handovers are not over yet, and taking out those that are old."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from storeops.changes.rows import CHUNK, chunks


def held(connection: sqlite3.Connection, before: float) -> Iterable[int]:
    """plan.id of handovers that were asked for since, or whose relations were not restored yet.

    Args:
        connection: on data.db.
        before: Unix seconds; what is older may go.
    """
    return (
        plan
        for (plan,) in connection.execute(
            "SELECT DISTINCT h.plan_id FROM handover AS h JOIN plan AS p ON p.id = h.plan_id"
            " WHERE h.asked_at >= ? OR (h.status = 'done' AND h.snapshot IS NOT NULL"
            "  AND NOT EXISTS (SELECT 1 FROM plan AS r WHERE r.status = 'applied'"
            "   AND json_extract(r.params, '$.restores') = p.name))",
            (before,),
        )
    )


def prune(connection: sqlite3.Connection, plans: Sequence[int]) -> None:
    """Take out the attempts of these plans (plan.id), in the caller's transaction."""
    for piece in chunks(plans, CHUNK):
        connection.execute(
            f"DELETE FROM handover WHERE plan_id IN ({','.join('?' * len(piece))})", piece
        )
