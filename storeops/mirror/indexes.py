"""Secondary indexes and the search index: late on the first load, always afterwards.

Two million follows load twice as fast without them, and building them at the end costs 2 s each.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from storeops.database.database import Database
from storeops.mirror import column_store, index_text, meta
from storeops.mirror.bulk import sorting
from storeops.mirror.schema import INDEXES
from storeops.mirror.search_pinyin import readings

_SLICE_S = 0.02  # a building transaction never holds the file much longer
_STEP = 500  # customers indexed between two looks at the watch


def postpone(db: Database) -> bool:
    """Leave the indexes for later when nobody is in the mirror yet; returns whether they are."""
    connection = db.connection
    if meta.read(connection, "indexes") == "none":
        return True
    if connection.execute("SELECT 1 FROM customer LIMIT 1").fetchone():
        return False
    with db.atomic():
        for name in INDEXES:
            connection.execute(f"DROP INDEX IF EXISTS {name}")
        meta.write(connection, "indexes", "none")
        meta.write(connection, "search", "0")
    return True


def built(db: Database) -> bool:
    """Whether the secondary indexes are there."""
    return meta.read(db.connection, "indexes") == "built"


def build(db: Database, on_progress: Callable[[str, int, int], None] | None = None) -> None:
    """Create what is missing, resuming where a killed process stopped; cheap when all is there.

    Args:
        db: the mirror; each index is one transaction, the search index many short ones.
        on_progress: called with ("index" | "search", done, total).
    """
    connection = db.connection
    if not built(db):
        for done, (name, columns) in enumerate(INDEXES.items()):
            if on_progress is not None:
                on_progress("index", done, len(INDEXES))
            with sorting(connection), db.atomic():
                connection.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {columns}")
        with db.atomic():
            meta.write(connection, "indexes", "built")
    if index_text.watermark(connection) is not None:
        _build_search(db, on_progress)
        refresh_statistics(db)
    if not column_store.small(db):
        column_store.refresh(db, db.atomic)


def refresh_statistics(db: Database) -> None:
    """Tell the query planner how the rows are spread (a sample, not a full reading)."""
    connection = db.connection
    connection.execute("PRAGMA analysis_limit = 1000")
    with db.atomic():
        connection.execute("ANALYZE")


def warm_up() -> None:
    """Load the table of readings: better before a transaction than in it."""
    readings()


def build_search_slice(
    db: Database, customers: int, seconds: float = 0.0, *, at_least: int = 1
) -> bool:
    """Put some more customers into the search index, in one transaction.

    Args:
        db: the mirror.
        customers: how many at a time.
        seconds: goes on that long, as long as there are any; 0 for one time.
        at_least: with fewer waiting nothing is done: each transaction leaves FTS5 a segment to
            merge, so that four times as many in one cost a quarter less.

    Returns:
        Whether there was anything to do.
    """
    from storeops.mirror.search import index_customers

    connection = db.connection
    limit = index_text.watermark(connection)
    if limit is None:
        return False
    newest = connection.execute("SELECT max(id) FROM customer").fetchone()[0] or 0
    if newest - limit < max(at_least, 1):
        return False
    with db.atomic():
        started = time.perf_counter()
        while limit < newest:
            last = min(newest, limit + customers)
            texts = index_text.texts_between(connection, limit + 1, last)
            index_customers(connection, [(key, None, text) for key, text in texts.items()])
            limit = last
            if time.perf_counter() - started >= seconds:
                break
        meta.write(connection, "search", str(limit))
    return True


def _build_search(db: Database, on_progress: Callable[[str, int, int], None] | None) -> None:
    connection = db.connection
    warm_up()
    while index_text.watermark(connection) is not None:
        while build_search_slice(db, _STEP, _SLICE_S):
            if on_progress is not None:
                total = connection.execute("SELECT max(id) FROM customer").fetchone()[0] or 0
                on_progress("search", index_text.watermark(connection) or total, total)
        with db.atomic():
            newest = connection.execute("SELECT max(id) FROM customer").fetchone()[0] or 0
            if (index_text.watermark(connection) or 0) >= newest:  # nobody came in between
                meta.write(connection, "search", index_text.EVERYTHING)
