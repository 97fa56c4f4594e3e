"""Forget one customer: every task."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable


def forget_customer(
    connection: sqlite3.Connection, external_userid: str, _ids: Iterable[str] = ()
) -> int:
    """Delete a customer's tasks, in a write transaction. Returns the rows."""
    return connection.execute(
        "DELETE FROM care_task WHERE external_userid = ?", (external_userid,)
    ).rowcount
