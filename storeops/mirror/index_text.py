"""Keeps the search index true to names, remarks and phone numbers while facts are written.

On a first load the index is built at the end (`indexes.build`): until then customers above the
watermark (`mirror_meta.search`) are not in it yet.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from storeops.mirror import meta
from storeops.mirror.keys import chunks, marks

EVERYTHING = "all"


def watermark(connection: sqlite3.Connection) -> int | None:
    """The highest customer.id that is indexed; None when all are."""
    value = meta.read(connection, "search", EVERYTHING)
    return None if value == EVERYTHING else int(value)


def texts(connection: sqlite3.Connection, customer_ids: Sequence[int]) -> dict[int, str]:
    """The search text of each customer, as `search.document` writes it, from the stored rows."""
    from storeops.mirror.search import document

    names: dict[int, str] = {}
    remarks: dict[int, list[str]] = {}
    mobiles: dict[int, list[str]] = {}
    for piece in chunks(customer_ids):
        for key, name in connection.execute(
            f"SELECT id, name FROM customer WHERE id IN ({marks()})", piece
        ):
            names[key] = name
            remarks[key] = []
            mobiles[key] = []
        for key, remark, numbers in connection.execute(
            f"SELECT customer_id, remark, mobiles FROM follow WHERE customer_id IN ({marks()})",
            piece,
        ):
            if remark:
                remarks[key].append(remark)
            if numbers != "[]":
                mobiles[key].extend(json.loads(numbers))
    return {key: document(name, remarks[key], mobiles[key]) for key, name in names.items()}


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
