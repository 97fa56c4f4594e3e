"""Forget one customer: closed months keep their sums and lose the orders' numbers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from storeops.domains.commission import months
from storeops.domains.orders import sold


def forget_customer(
    connection: sqlite3.Connection, external_userid: str, ids: Iterable[str] = ()
) -> int:
    """Take a customer's orders out of closed months, in a write transaction. Returns the lines."""
    return months.forget(
        connection, external_userid, sold.of_person(connection, external_userid, ids)
    )
