"""Who works with a profile's files: every process that opened them, however it ends.

Each holds a shared lock on one empty file of the profile's folder; who is about to take the files
away asks to be alone. Locks of the operating system end with their process.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storeops.file_lock import try_lock
from storeops.private_file import open_own

NAME = ".in-use"  # in the folder of a profile


def enter(folder: Path) -> int | None:
    """Be counted among those who work here, until the handle is closed or the process ends.

    Returns:
        A handle to close; None where the folder cannot be written, or its disk knows no locks:
        nobody removes it then.

    Raises:
        BlockingIOError: the files are being taken away just now.
    """
    try:
        handle = open_own(folder / NAME, os.O_RDWR)
    except OSError:
        return None
    try:
        counted = try_lock(handle, shared=True)
    except OSError:
        os.close(handle)
        return None
    if not counted:
        os.close(handle)
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN), str(folder))
    return handle


def others(folder: Path) -> list[tuple[int, str]]:
    """(pid, noun of its command or "") of the other processes that work here, as far as the system
    tells: those that have the file open, on Linux."""
    file = str((folder / NAME).resolve())
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended, or is somebody else's
            if any(str(each.readlink()) == file for each in (process / "fd").iterdir()):
                found.append((int(process.name), _noun((process / "cmdline").read_bytes())))
    return sorted(each for each in found if each[0] != os.getpid())


def _noun(command: bytes) -> str:
    """What a process is: `tui`, `sync`, `job`; nothing that a person typed beside it."""
    words = iter(command.split(b"\0"))
    for word in words:
        if word.rpartition(b"/")[2] == b"storeops":
            noun = next(words, b"")
            return noun.decode() if noun.isascii() and noun.isalpha() else ""
    return ""


@contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Whether no other process works here; nobody is counted in while the block runs.

    Raises:
        OSError: the folder cannot be written, or its disk knows no locks.
    """
    handle = open_own(folder / NAME, os.O_RDWR)
    try:
        yield try_lock(handle)
    finally:
        os.close(handle)
