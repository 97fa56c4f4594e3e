"""Facets: the value of a follow as SQL, and the counts of everybody, kept until facts change."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import TypeVar, cast

from storeops import times
from storeops.clock import MOST_SECONDS
from storeops.database.database import Database, let_pass
from storeops.mirror import meta

NO_MONTH = "1970-01"  # of what has no time

Counts = list[tuple[int | str, int]]  # (stored value, customers)
T = TypeVar("T")

_VALUES = {
    "store": ("f.store_id", "", ""),
    "owner": ("f.staff_id", "", ""),
    "tag": ("x.tag_id", " JOIN follow_tag x ON x.follow_id = f.id", ""),
    "way": ("f.add_way", "", ""),
    "status": ("f.status", "", ""),
    "state": ("f.state", "", " WHERE value <> ''"),
}


def value_sql(connection: sqlite3.Connection, name: str, pairs: str) -> tuple[str, str, str]:
    """A facet's value on a follow `f`, the table to join for it, and which values count.

    Args:
        connection: will run it.
        name: store, owner, tag, way, status, state or month.
        pairs: a domain's SELECT of customer_id and value instead; "" for none.
    """
    if pairs:
        return "x.value", f" JOIN ({pairs}) x ON x.customer_id = f.customer_id", ""
    return _VALUES.get(name) or _month(connection)


def _month(connection: sqlite3.Connection) -> tuple[str, str, str]:
    """The month of Unix seconds, as `times.month` has it."""
    connection.create_function(
        "local_month", 1, lambda moment: times.month(moment) or NO_MONTH, deterministic=True
    )
    offset = times.fixed_offset()
    if offset is None:
        return "local_month(f.createtime)", "", ""
    text = f"strftime('%Y-%m', f.createtime + {offset}, 'unixepoch')"
    plain = f"f.createtime BETWEEN 1 AND {MOST_SECONDS}"
    return f"CASE WHEN {plain} THEN {text} ELSE local_month(f.createtime) END", "", ""


def of_everybody(db: Database, name: str, count: Callable[[], T]) -> T:
    """What was counted of everybody since facts last changed.

    Args:
        db: the mirror; what was counted is kept in it unless somebody else is writing.
        name: of the facet, or "count".
        count: counts it; plain JSON.
    """
    connection = db.connection
    revision = meta.revision(connection)
    key = f"facet {name} {times.zone()}" if name == "month" else f"facet {name}"
    kept = meta.read(connection, key)
    if kept:
        at, counted = json.loads(kept)
        if at == revision:
            return cast("T", counted)
    found = count()
    with let_pass(), db.at_leisure() as writing:
        if writing is not None and meta.revision(writing) == revision:
            text = json.dumps([revision, found], ensure_ascii=False, separators=(",", ":"))
            meta.write(writing, key, text)
    return found
