"""Requests go with the plans that were made of them, at head office and at the shop that asked.

What is gone is not known again when it comes once more: it is refused then for its age.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from storeops.hub.requests import REFUSED, WITHDRAWN


def held(_connection: sqlite3.Connection, _before: float) -> Iterable[int]:
    """plan.id of plans that are not over: their rows say that already."""
    return ()


def prune(connection: sqlite3.Connection, plans: Sequence[int]) -> None:
    """Take out the requests of these plans (plan.id), in the caller's transaction.

    Those that were refused without a plan go with the ones that came in after them.
    """
    marks = ",".join(map(str, map(int, plans)))
    connection.execute(
        "DELETE FROM hub_request WHERE plan_id IS NULL AND status IN (?, ?) AND id <"
        f" (SELECT max(id) FROM hub_request WHERE plan_id IN ({marks}))",
        (REFUSED, WITHDRAWN),
    )
    connection.execute(f"DELETE FROM hub_request WHERE plan_id IN ({marks})")
    connection.execute(f"DELETE FROM hub_asked WHERE plan_id IN ({marks})")
