"""Keeps the search index true to names, remarks and phone numbers while facts are written.

On a first load the index is built at the end (`indexes.build`): until then customers above the
watermark (`mirror_meta.search`) are not in it yet.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from storeops.mirror import meta
from storeops.mirror.keys import marks, padded

EVERYTHING = "all"


def watermark(connection: sqlite3.Connection) -> int | None:
    """The highest customer.id that is indexed; None when all are."""
    value = meta.read(connection, "search", EVERYTHING)
    return None if value == EVERYTHING else int(value)


def texts(connection: sqlite3.Connection, customer_ids: Sequence[int]) -> dict[int, str]:
    """The search text of each customer, as `search.document` writes it, from the stored rows."""
    found: dict[int, str] = {}
    for piece in padded(customer_ids):
        found.update(_texts(connection, f"IN ({marks()})", piece))
    return found


def texts_between(connection: sqlite3.Connection, first: int, last: int) -> dict[int, str]:
    """The search text of each customer from `first` to `last`, both included: one walk."""
    return _texts(connection, "BETWEEN ? AND ?", (first, last))


def _texts(
    connection: sqlite3.Connection, which: str, parameters: Sequence[object]
) -> dict[int, str]:
    from storeops.mirror.search import document

    names = dict(
        connection.execute(f"SELECT id, name FROM customer WHERE id {which}", parameters).fetchall()
    )
    remarks: dict[int, list[str]] = {}
    mobiles: dict[int, list[str]] = {}
    for key, remark, numbers in connection.execute(
        f"SELECT customer_id, remark, mobiles FROM follow WHERE customer_id {which}"
        " AND (remark <> '' OR mobiles <> '[]')",
        parameters,
    ):
        if remark:
            remarks.setdefault(key, []).append(remark)
        if numbers != "[]":
            mobiles.setdefault(key, []).extend(json.loads(numbers))
    return {
        key: document(name, remarks.get(key, ()), mobiles.get(key, ()))
        for key, name in names.items()
    }


def touched_texts(connection: sqlite3.Connection, customer_ids: Sequence[int]) -> dict[int, str]:
    """The search text of those customers that are in the index, before they change."""
    limit = watermark(connection)
    if limit is not None:
        customer_ids = [key for key in customer_ids if key <= limit]
    return texts(connection, customer_ids)


def reindex(
    connection: sqlite3.Connection,
    touched: Sequence[int],
    before: dict[int, str],
    added: Sequence[int],
) -> None:
    """Bring the index up to date after the rows were written.

    Args:
        connection: in the transaction that wrote the rows.
        touched: stored customers whose text may have changed.
        before: their texts from before (`texts`).
        added: customers that are new.
    """
    limit = watermark(connection)
    if limit is not None:
        touched = [key for key in touched if key <= limit]
        added = [key for key in added if key <= limit]
    if not touched and not added:
        return
    from storeops.mirror.search import index_customers

    after = texts(connection, [*touched, *added])
    changes = [(key, before.get(key), after[key]) for key in touched]
    index_customers(connection, changes + [(key, None, after[key]) for key in added])
