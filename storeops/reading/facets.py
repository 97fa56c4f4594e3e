"""Facets of everybody: counted along one index each, and kept until facts change.

Distinct customers of two million follows take half a second (tags more), so that the answer is kept
in `mirror_meta` with the revision it was counted at.
"""

from __future__ import annotations

import json
import sqlite3

from storeops import times
from storeops.clock import MOST_SECONDS
from storeops.database.database import Database
from storeops.mirror import meta
from storeops.reading.branch import OF_CUSTOMER

NO_MONTH = "1970-01"  # of what has no time

Counts = list[tuple[int | str, int]]  # (stored value, customers)

# index → SQL of (value, customers): a member follows a customer once, so owners need no DISTINCT
_ALONG = {
    "store": (
        "follow_by_store",
        "SELECT store_id, count(DISTINCT customer_id)"
        " FROM follow INDEXED BY follow_by_store GROUP BY store_id",
    ),
    "owner": (
        "follow_by_staff",
        "SELECT staff_id, count(*) FROM follow INDEXED BY follow_by_staff GROUP BY staff_id",
    ),
    "way": (
        "follow_by_way",
        "SELECT add_way, count(DISTINCT customer_id)"
        " FROM follow INDEXED BY follow_by_way GROUP BY add_way",
    ),
    "state": (
        "follow_by_state",
        "SELECT state, count(DISTINCT customer_id)"
        " FROM follow INDEXED BY follow_by_state WHERE state <> '' GROUP BY state",
    ),
}
_OTHERS = (
    "SELECT status, count(DISTINCT customer_id) FROM follow INDEXED BY follow_by_status"
    " WHERE status <> 'active' GROUP BY status"
)
# who has an active follow: everybody but those among the few others who have none
_ACTIVE = (
    f"SELECT (SELECT count(*) FROM (SELECT 1 FROM follow {OF_CUSTOMER} GROUP BY customer_id))"
    " - (SELECT count(*) FROM (SELECT DISTINCT customer_id AS id FROM follow"
    " INDEXED BY follow_by_status WHERE status <> 'active') o WHERE NOT EXISTS"
    f" (SELECT 1 FROM follow f {OF_CUSTOMER} WHERE f.customer_id = o.id AND f.status = 'active'))"
)
_MONTH = (
    "SELECT count(DISTINCT customer_id) FROM follow INDEXED BY follow_newest"
    " WHERE createtime >= ? AND createtime < ?"
)


def of_everybody(db: Database, name: str, indexes: frozenset[str]) -> Counts | None:
    """Customers per value of a facet, in no order; None while the index it needs is not built.

    Args:
        db: the mirror; what was counted is kept in it unless somebody else is writing.
        name: store, owner, tag, way, state, status or month.
        indexes: names of the indexes that exist (none during a first load).
    """
    connection = db.connection
    revision = meta.revision(connection)
    key = f"{name} {times.zone()}" if name == "month" else name
    kept = meta.read(connection, f"facet {key}")
    if kept:
        at, counts = json.loads(kept)
        if at == revision:
            return [(value, rows) for value, rows in counts]
    found = _counted(connection, name, indexes)
    if found is not None:
        _keep(db, key, revision, found)
    return found


def _counted(connection: sqlite3.Connection, name: str, indexes: frozenset[str]) -> Counts | None:
    if name in _ALONG:
        index, sql = _ALONG[name]
        return connection.execute(sql).fetchall() if index in indexes else None
    if name == "status" and "follow_by_status" in indexes:
        active = connection.execute(_ACTIVE).fetchone()[0]
        return [*([("active", active)] if active else []), *connection.execute(_OTHERS)]
    if name == "month" and "follow_newest" in indexes:
        return _months(connection)
    if name == "tag" and "follow_tag_by_tag" in indexes:
        return _tags(connection)
    return None


def _tags(connection: sqlite3.Connection) -> Counts:
    found: Counts = []
    for (tag,) in connection.execute("SELECT id FROM tag").fetchall():
        rows = connection.execute(
            "SELECT count(DISTINCT customer_id) FROM follow_tag INDEXED BY follow_tag_by_tag"
            " WHERE tag_id = ?",
            (tag,),
        ).fetchone()[0]
        if rows:
            found.append((tag, rows))
    return found


def _months(connection: sqlite3.Connection) -> Counts:
    """Months that have follows, each found by the one before: odd times cost nothing."""
    (first,) = connection.execute("SELECT min(createtime) FROM follow").fetchone()
    found: Counts = []
    while first is not None:
        if first <= 0:
            name, end = NO_MONTH, 1
        else:
            month = times.local(first).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            year, following = month.year + month.month // 12, month.month % 12 + 1
            name = f"{month:%Y-%m}"
            # what counts in other units than seconds is each a step of its own
            end = max(
                int(month.replace(year=year, month=following).timestamp()),
                first + 1 if first > MOST_SECONDS else 0,
            )
        rows = connection.execute(_MONTH, (first, end)).fetchone()[0]
        if rows:
            found.append((name, rows))
        (first,) = connection.execute(
            "SELECT min(createtime) FROM follow WHERE createtime >= ?", (end,)
        ).fetchone()
    return found


def month_sql(connection: sqlite3.Connection, column: str) -> str:
    """SQL that gives the month of a column of Unix seconds, as `times.month` does."""
    offset = times.fixed_offset()
    if offset is not None:
        text = f"strftime('%Y-%m', {column} + {offset}, 'unixepoch')"
        return f"CASE WHEN {column} > 0 THEN {text} ELSE '{NO_MONTH}' END"
    connection.create_function(
        "local_month", 1, lambda moment: times.month(moment) or NO_MONTH, deterministic=True
    )
    return f"local_month({column})"


def _keep(db: Database, name: str, revision: int, found: Counts) -> None:
    """Remember the answer; not when that would mean waiting for a writer."""
    connection = db.connection
    if db.readonly or connection.in_transaction:
        return
    patience = connection.execute("PRAGMA busy_timeout").fetchone()[0]
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        connection.execute("BEGIN IMMEDIATE")  # not `atomic`, which waits for its turn
        try:
            if meta.revision(connection) == revision:
                text = json.dumps([revision, found], ensure_ascii=False, separators=(",", ":"))
                meta.write(connection, f"facet {name}", text)
            connection.execute("COMMIT")
        finally:
            connection.rollback()  # nothing, after COMMIT
    except sqlite3.OperationalError:
        return  # busy, or a full disk: counted again next time
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience}")
