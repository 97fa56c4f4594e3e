"""One sync at a time: the lease, and how others join the one that runs.

The lease is a lock of the operating system beside data.db, so that it ends with its process
however that ends; a heartbeat in `sync_run` tells people that the owner is alive.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from storeops.database.database import Database

if TYPE_CHECKING:
    from filelock import FileLock


def _lock(db: Database) -> FileLock:
    from filelock import FileLock  # 8 ms

    return FileLock(f"{db.path}.sync.lock", thread_local=False, mode=0o600)


@contextmanager
def lease(db: Database) -> Iterator[bool]:
    """Hold the lease while the block runs; yields False at once when another sync holds it."""
    from filelock import Timeout

    lock = _lock(db)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def running(db: Database) -> bool:
    """Whether a sync of this mirror runs now, in any process."""
    with lease(db) as ours:
        return not ours
