"""Time as WeCom counts it.

Every due moment uses WeCom's clock, learnt from the `Date` header of its answers, so that a PC
with a wrong clock and a sandbox whose clock was moved both come out right.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

MOST_SECONDS = 99_999_999_999  # the year 5138; what is larger counts in smaller units


def in_seconds(moment: int) -> int:
    """A Unix time in seconds, whether it came in seconds, milliseconds, micro- or nanoseconds."""
    while moment > MOST_SECONDS:
        moment //= 1000
    return moment


class Clock(Protocol):
    """What operations may know of time."""

    def now(self) -> float:
        """WeCom's time, Unix seconds."""

    def monotonic(self) -> float:
        """Seconds that never jump, for durations."""

    def sleep(self, seconds: float) -> None:
        """Wait; negative and zero return at once."""

    def learn(self, server_time: float) -> None:
        """Take the moment (Unix seconds) that WeCom's answer carried."""


class SystemClock:
    """The machine's clock, corrected by WeCom's. Thread-safe.

    Args:
        offset: seconds that WeCom's clock is ahead of this machine's, as last learnt.
        keep: called with a new offset as soon as it is learnt, for all other processes.
    """

    def __init__(
        self, offset: float = 0.0, keep: Callable[[float], None] = lambda offset: None
    ) -> None:
        self._learnt = False
        self._offset = offset
        self._keep = keep
        self._lock = threading.Lock()

    @property
    def offset(self) -> float:
        """Seconds that WeCom's clock is ahead of this machine's."""
        return self._offset

    def now(self) -> float:
        """WeCom's time, Unix seconds."""
        return time.time() + self._offset

    def monotonic(self) -> float:
        """Seconds that never jump, for durations."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait `seconds` of real time."""
        if seconds > 0:
            time.sleep(seconds)

    def has_learnt(self) -> bool:
        """Whether WeCom has told the time in this process."""
        return self._learnt

    def learn(self, server_time: float) -> None:
        """Correct the offset; within 2 s it stays, since `Date` has whole seconds only."""
        offset = server_time - time.time()
        self._learnt = True
        with self._lock:
            if abs(offset - self._offset) <= 2.0:
                return
            self._offset = offset if abs(offset) > 2.0 else 0.0
        self._keep(self._offset)

    def adopt(self, offset: float) -> None:
        """Take the offset (seconds) that another process has learnt."""
        self._offset = offset
