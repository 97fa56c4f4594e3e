"""How far WeCom's clock is ahead of this machine's, kept for all processes.

Beside it stands what this machine's clock and its time since start said then: when they have come
apart since, somebody has set the clock, and the offset is off by as much.
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from pathlib import Path

from storeops.database.database import Database

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def _since_start() -> tuple[str, float]:
    """(which start of this machine, seconds since); ("", 0.0) where that cannot be told."""
    if sys.platform == "linux":
        with suppress(OSError):
            return _BOOT.read_text("ascii").strip(), time.clock_gettime(time.CLOCK_BOOTTIME)
    return "", 0.0


def known(db: Database) -> bool:
    """Whether an offset is kept, and this machine's clock was not set since, as far as one sees.

    A clock may be set across a restart, too; where starts cannot be told apart, what is kept is
    believed.
    """
    row = db.execute("SELECT start, since_start, clock FROM clock_offset WHERE one = 1").fetchone()
    if row is None:
        return False
    start, since, clock = row
    now_start, now_since = _since_start()
    return bool(start == now_start and (not start or abs(_jumped(since, clock, now_since)) <= 2.0))


def _jumped(since: float, clock: float, now_since: float) -> float:
    """Seconds that the clock and the time since start have come apart."""
    return (time.time() - clock) - (now_since - since)


def load(db: Database) -> float:
    """Seconds that WeCom's clock is ahead, as last saved; 0.0 when never."""
    row = db.execute(
        "SELECT offset_s, start, since_start, clock FROM clock_offset WHERE one = 1"
    ).fetchone()
    if row is None:
        return 0.0
    offset, start, since, clock = row
    now_start, now_since = _since_start()
    if not start or start != now_start:
        return float(offset)
    jumped = _jumped(since, clock, now_since)
    return float(offset) - (jumped if abs(jumped) > 2.0 else 0.0)


def save(db: Database, offset_s: float) -> None:
    """Keep the offset (seconds); writes only when it moved by a second, or after a start."""
    row = db.execute("SELECT offset_s, start FROM clock_offset WHERE one = 1").fetchone()
    start, since = _since_start()
    if row is not None and row[1] == start and abs(row[0] - offset_s) < 1.0:
        return
    with db.atomic() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO clock_offset (one, offset_s, start, since_start, clock)"
            " VALUES (1, ?, ?, ?, ?)",
            (offset_s, start, since, time.time()),
        )
