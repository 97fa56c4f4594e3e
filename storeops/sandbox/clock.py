"""The sandbox's own time: real time plus an offset that can be moved."""

from __future__ import annotations

import time
from email.utils import formatdate

DAY = 86_400
BEIJING = 8 * 3600  # seconds east of UTC; China has no summer time


class Clock:
    """Unix seconds as WeCom sees them. Only ever moves forward."""

    __slots__ = ("offset",)

    def __init__(self, start_at: int | None = None) -> None:
        self.offset = 0.0 if start_at is None else start_at - time.time()

    def now(self) -> int:
        """Seconds since 1970 in sandbox time."""
        return int(time.time() + self.offset)

    def advance(self, seconds: float) -> int:
        """Move time forward by some seconds and return the new now; backwards is ValueError."""
        if seconds < 0:
            raise ValueError("the clock only moves forward")
        self.offset += seconds
        return self.now()

    def http_date(self) -> bytes:
        """The Date header of an answer given now."""
        return formatdate(self.now(), usegmt=True).encode("ascii")


def day_start(moment: int) -> int:
    """00:00 China time of the day that holds this moment (Unix seconds)."""
    return (moment + BEIJING) // DAY * DAY - BEIJING
