"""Forget one customer: notes, and saved views that name them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable


def forget_customer(
    connection: sqlite3.Connection, external_userid: str, ids: Iterable[str] = ()
) -> int:
    """Delete the notes on a customer, in a write transaction. Returns the rows.

    Args:
        connection: in a write transaction on data.db.
        external_userid: the customer.
        ids: ids and phone numbers: a saved view that looks for one of them goes, too.
    """
    rows = connection.execute(
        "DELETE FROM note WHERE external_userid = ?", (external_userid,)
    ).rowcount
    for each in ids:
        rows += connection.execute("DELETE FROM view WHERE instr(filter, ?)", (each,)).rowcount
    return rows
