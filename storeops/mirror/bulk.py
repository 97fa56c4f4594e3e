"""Connection settings for writing a great deal: more cache, fewer checkpoints, sorting on disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

CACHE_KB = 64 * 1024
SORT_KB = 16 * 1024
CHECKPOINT_PAGES = 16_000  # 64 MB of log; a page written often is copied into the file once


@contextmanager
def bulk_writing(connection: sqlite3.Connection) -> Iterator[None]:
    """Settings for the time of the block; call it outside a transaction.

    Indexes are sorted in temporary files, so that memory stays flat whatever the size of the corp.
    """
    names = ("cache_size", "wal_autocheckpoint", "temp_store")
    before = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names}
    connection.execute(f"PRAGMA cache_size = -{CACHE_KB}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    connection.execute("PRAGMA temp_store = FILE")
    try:
        yield
    finally:
        for name, value in before.items():
            connection.execute(f"PRAGMA {name} = {value}")


@contextmanager
def sorting(connection: sqlite3.Connection) -> Iterator[None]:
    """A small cache while indexes are built: SQLite sorts in as much memory again."""
    before = connection.execute("PRAGMA cache_size").fetchone()[0]
    connection.execute(f"PRAGMA cache_size = -{SORT_KB}")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA cache_size = {before}")
