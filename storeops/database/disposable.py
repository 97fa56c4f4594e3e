"""A file that holds nothing which cannot be learnt again: damage is put aside, not reported."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from storeops.database.database import Database, open_database
from storeops.database.migrations import Migration
from storeops.database.trouble import Trouble, trouble

log = logging.getLogger("storeops.database")


def open_disposable(path: Path, migrations: Sequence[Migration]) -> Database:
    """Open a small file that may be thrown away; a damaged one is kept as NAME.damaged.

    Reads the whole file (0.2 ms for 40 kB), so it is not for large ones.

    Raises:
        ConfigError: unreadable, or written by a newer storeops.
    """
    if _damaged(path):
        from filelock import FileLock  # 8 ms, only after damage

        with FileLock(f"{path}.lock", timeout=120, mode=0o600):
            if _damaged(path):  # nobody else was first
                log.warning("%s is damaged; put aside, and made anew", path.name)
                for suffix in ("-wal", "-shm", ""):
                    part = path.with_name(path.name + suffix)
                    if part.exists():
                        part.replace(path.with_name(f"{path.name}.damaged{suffix}"))
    return open_database(path, migrations)


def _damaged(path: Path) -> bool:
    if not path.exists() or path.stat().st_size == 0:
        return False
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=15)) as connection:
            found: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            return found != "ok"
    except sqlite3.Error as error:
        return trouble(error, path) in (Trouble.DAMAGED, Trouble.NO_DATABASE)
