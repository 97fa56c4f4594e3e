"""Who works with a profile's files: every process that opened them, however it ends.

Each holds a shared lock on one file of the profile's folder; who is about to take the files away
asks to be alone. Locks of the operating system end with their process.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storeops.private_file import open_own

NAME = ".in-use"  # in the folder of a profile
_PLACES = 1 << 20  # Windows knows no shared lock: each process holds one byte of so many


def enter(folder: Path) -> int | None:
    """Be counted among those who work here, until the handle is closed or the process ends.

    Returns:
        A handle to close; None where the folder cannot be written: nobody removes it then.

    Raises:
        BlockingIOError: the files are being taken away just now.
    """
    try:
        handle = open_own(folder / NAME, os.O_RDWR)
    except OSError:
        return None
    if not _lock(handle, alone=False):
        os.close(handle)
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN), str(folder))
    return handle


@contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Whether no other process works here; nobody is counted in while the block runs.

    Raises:
        OSError: the folder cannot be written.
    """
    handle = open_own(folder / NAME, os.O_RDWR)
    try:
        yield _lock(handle, alone=True)
    finally:
        os.close(handle)


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int, *, alone: bool) -> bool:
        place = 0 if alone else int.from_bytes(os.urandom(4), "big") % _PLACES
        os.lseek(handle, place, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, _PLACES if alone else 1)
        except OSError:
            return False
        return True

else:

    def _lock(handle: int, *, alone: bool) -> bool:
        import fcntl

        try:
            fcntl.flock(handle, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
