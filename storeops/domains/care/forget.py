"""Forget one customer: tasks, complaints, wishes for quiet, the birthday."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable


def forget_customer(
    connection: sqlite3.Connection, external_userid: str, _ids: Iterable[str] = ()
) -> int:
    """Delete what care knows of a customer, in a write transaction. Returns the rows."""
    connection.execute(
        "DELETE FROM care_told WHERE task_id IN"
        " (SELECT id FROM care_task WHERE external_userid = ?)",
        (external_userid,),
    )
    return sum(
        connection.execute(
            f"DELETE FROM {table} WHERE external_userid = ?", (external_userid,)
        ).rowcount
        for table in ("care_task", "care_matter", "care_birthday")
    )
