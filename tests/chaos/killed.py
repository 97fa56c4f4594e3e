"""One command as a process that kills itself at its Nth touch of the disk.

    python tests/chaos/killed.py N FOLDER WORD …      N = 0: count them, print the number on stderr

A touch is what Python tells its audit hooks of a path below FOLDER (open, rename, remove, link,
mkdir, rmtree, a database opened), a flush to the disk, and every statement of every database; the
process dies before it.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

TOUCHES = {
    "open", "os.rename", "os.remove", "os.link", "os.mkdir", "os.rmdir", "os.truncate",
    "shutil.rmtree", "sqlite3.connect", "fcntl.flock",
}  # fmt: skip


class Fuse:
    """Counts touches; the process ends at the one that was chosen."""

    def __init__(self, at: int, folder: str) -> None:
        self.at = at
        self.folder = folder
        self.count = 0

    def touch(self) -> None:
        """One more."""
        self.count += 1
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def hear(self, event: str, args: tuple[Any, ...]) -> None:
        """An audit event."""
        if event in TOUCHES:
            words = [os.fsdecode(each) for each in args if isinstance(each, str | bytes | Path)]
            if event == "fcntl.flock" or any(self.folder in each for each in words):
                self.touch()


def main() -> int:
    fuse = Fuse(int(sys.argv[1]), sys.argv[2])
    from commands.main import run

    real = os.fsync

    def fsync(handle: Any) -> None:
        fuse.touch()
        real(handle)

    connect = sqlite3.connect

    def traced(*args: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*args, **options)
        connection.set_trace_callback(lambda _sql: fuse.touch())
        return connection

    os.fsync = fsync  # type: ignore[assignment]
    sqlite3.connect = traced  # type: ignore[assignment]
    sys.addaudithook(fuse.hear)
    code = run(sys.argv[3:])
    sys.stdout.flush()
    os.write(2, f"\ntouches {fuse.count}\n".encode())
    os._exit(code)


if __name__ == "__main__":
    main()
