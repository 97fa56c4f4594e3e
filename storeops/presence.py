"""Who works with a profile's files: every process that opened them, however it ends.

Each holds a shared lock on one file of the profile's folder, in which it writes its pid and what it
is; who is about to take the files away asks to be alone. Locks of the operating system end with
their process; what a dead one has written is passed over.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storeops.file_lock import try_lock
from storeops.private_file import open_own

NAME = ".in-use"  # in the folder of a profile
LONG = 16_384  # bytes from which the list is begun anew: it is for a sentence, not for a decision


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
    with contextlib.suppress(OSError):  # a full disk keeps nobody out
        if os.fstat(handle).st_size > LONG:
            os.ftruncate(handle, 0)
        os.lseek(handle, 0, os.SEEK_END)
        os.write(handle, f"{os.getpid()} {begun(os.getpid())} {_noun()}\n".encode())
    return handle


def _noun() -> str:
    """What this process is: `tui`, `sync`, `job`; nothing that a person typed beside it."""
    noun = sys.argv[1] if len(sys.argv) > 1 else ""
    return noun if noun.isascii() and noun.isalpha() else ""


def others(folder: Path) -> list[tuple[int, str]]:
    """(pid, noun of its command or "") of the other processes that work here, as far as known."""
    try:
        lines = (folder / NAME).read_text("ascii", "replace").splitlines()
    except OSError:
        return []
    found = {}
    for line in lines:
        pid, tick, noun = (*line.split(" "), "", "")[:3]
        if pid.isdecimal() and int(pid) != os.getpid() and tick and begun(int(pid)) == tick:
            found[int(pid)] = noun
    return list(found.items())


def begun(pid: int) -> str:
    """When a process started, in the kernel's ticks; "" where that cannot be read."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()  # the name before it may hold blanks
    if fields[0] in "ZX":
        return "dead"
    return fields[19]


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
