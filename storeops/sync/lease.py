"""One sync at a time: the lease, and how others join the one that runs.

The lease is a lock of the operating system beside data.db, so that it ends with its process
however that ends; a heartbeat in `sync_run` tells people that the owner is alive.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storeops.database.database import Database


@contextmanager
def lease(db: Database) -> Iterator[bool]:
    """Hold the lease while the block runs; yields False at once when another sync holds it."""
    with lease_of_file(db.path) as ours:
        yield ours


@contextmanager
def lease_of_file(data_db: Path) -> Iterator[bool]:
    """The same for a data.db that may be damaged or absent (`storeops db restore`)."""
    from filelock import FileLock, Timeout  # 8 ms

    lock = FileLock(f"{data_db}.sync.lock", thread_local=False, mode=0o600)
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
    try:
        with lease(db) as ours:
            return not ours
    except OSError:  # no lock can be had on a disk that is full or read-only, and no sync either
        return False
