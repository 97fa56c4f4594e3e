"""Who holds a lease, and whether that process still lives."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from pathlib import Path


def _started(pid: int) -> str:
    """When a process started, in the kernel's ticks; "" where that cannot be read."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()  # the name before it may hold blanks
    if fields[0] in "ZX":
        return "dead"
    return fields[19]


def new_lease_owner() -> str:
    """A name for one lease holder in this process, never used twice."""
    pid = os.getpid()
    host = socket.gethostname().replace("/", "_")
    return f"{host}/{pid}/{_started(pid)}/{secrets.token_hex(4)}"


def is_alive(owner: str) -> bool:
    """Whether the process of `owner` lives; True when it cannot be known (its lease expires)."""
    host, pid_text, started, _nonce = owner.split("/")
    if host != socket.gethostname().replace("/", "_"):
        return True
    pid = int(pid_text)
    if started:
        return _started(pid) == started
    if sys.platform != "win32":  # there os.kill would end it
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
    return True
