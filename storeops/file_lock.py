"""Locks of the operating system on a file: alone or with others; they end with their process."""

from __future__ import annotations

import os
import sys

_FIRST = 1 << 30  # Windows locks bytes, and nobody may read a locked one: far behind any content
_PLACES = 1 << 20  # it knows no shared lock: who shares holds one byte of so many

if sys.platform == "win32":
    import msvcrt

    def try_lock(handle: int, *, shared: bool = False) -> bool:
        """Take the lock of an open file, if those who have it allow that.

        Args:
            handle: of the file, open for writing.
            shared: with others who share it.

        Raises:
            OSError: the disk knows no locks.
        """
        place = int.from_bytes(os.urandom(4), "big") % _PLACES if shared else 0
        before = os.lseek(handle, 0, os.SEEK_CUR)
        os.lseek(handle, _FIRST + place, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1 if shared else _PLACES)
        except PermissionError:
            return False
        finally:
            os.lseek(handle, before, os.SEEK_SET)
        return True

else:

    def try_lock(handle: int, *, shared: bool = False) -> bool:
        """Take the lock of an open file, if those who have it allow that.

        Args:
            handle: of the file.
            shared: with others who share it.

        Raises:
            OSError: the disk knows no locks.
        """
        import fcntl

        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
