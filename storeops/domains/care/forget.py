"""Forget one customer: tasks, complaints, wishes for quiet, the birthday."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from storeops.domains.notify import log


def forget_customer(
    connection: sqlite3.Connection, external_userid: str, _ids: Iterable[str] = ()
) -> int:
    """Delete what care knows of a customer, in a write transaction. Returns the rows."""
    mine = "task_id IN (SELECT id FROM care_task WHERE external_userid = ?)"
    told = connection.execute(f"SELECT message FROM care_told WHERE {mine}", (external_userid,))
    how = log.statuses(connection, {message for (message,) in told})
    connection.executemany(  # what names the customer is never sent: its other tasks wait again
        "DELETE FROM care_told WHERE message = ?",
        [(each,) for each in how if how[each] not in (log.SENT, log.PARTLY, log.UNCERTAIN)],
    )
    connection.execute(f"DELETE FROM care_told WHERE {mine}", (external_userid,))
    return sum(
        connection.execute(
            f"DELETE FROM {table} WHERE external_userid = ?", (external_userid,)
        ).rowcount
        for table in ("care_task", "care_matter", "care_birthday")
    )
