"""Forget one customer: closed months keep their sums and lose the orders' numbers."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from storeops.domains.commission.allocation import reason_of, reason_text
from storeops.domains.commission.kept_months import erased_number
from storeops.domains.orders import sold


def forget_customer(
    connection: sqlite3.Connection, external_userid: str, ids: Iterable[str] = ()
) -> int:
    """Take a customer's orders out of closed months, in a write transaction before the orders go.

    An order that was the person's then and is another one's now keeps its number; one that was
    nobody's when it was paid and is the person's loses it. Returns the lines.
    """
    mine = set(sold.of_person(connection, external_userid, ids))
    rows = connection.execute(
        "SELECT id, source, order_no, external_userid FROM commission_entry"
        " WHERE external_userid = ? OR order_no IN (SELECT value FROM json_each(?))",
        (external_userid, json.dumps(sorted({number for _source, number in mine}))),
    ).fetchall()
    hidden = erased_number(connection) if rows else str
    gone: set[tuple[str, str]] = set()
    changed: list[tuple[str, int]] = []
    for key, source, number, whose in rows:
        named = whose == external_userid
        if (source, number) in mine or (named and not sold.is_kept(connection, source, number)):
            gone.add((source, number))
            changed.append((hidden(number), key))
        elif named:
            changed.append((number, key))
    connection.executemany(
        "UPDATE commission_entry SET order_no = ?, external_userid = '' WHERE id = ?", changed
    )
    # the line of a sale stands in what gives it back, and in what changed of that
    told = {key: (source, number) for key, source, number, reason in connection.execute(
        "SELECT id, source, order_no, reason FROM commission_entry"
        " WHERE reason LIKE '%[\"return\",%'"
    ) if (source, _given_back(reason)) in gone} if gone else {}  # fmt: skip
    connection.executemany(
        "UPDATE commission_entry SET reason = ? WHERE id = ?",
        [(reason_text(("return", {"line": "?"})), key) for key in told],
    )
    # what was paid stays; what it was reckoned from is the person's
    connection.executemany(
        "DELETE FROM commission_basis WHERE source = ? AND order_no = ?", {*gone, *told.values()}
    )
    return len({key for _number, key in changed} | set(told))


def _given_back(reason: str) -> str:
    """The number of the order that a reason says is given back."""
    _code, about = reason_of(reason)
    line = str(about["line"] if "line" in about else about["then"][1]["line"])
    return line.rpartition("#")[0] or line
