"""What one governor holds of one API, and how it says that there is nothing to hold."""

from __future__ import annotations

import threading

from storeops.errors import LimitError
from storeops.i18n import _


class Holding:
    """Places and permits in memory; guarded by the governor's lock."""

    def __init__(self, path: str, lock: threading.Lock) -> None:
        self.path = path
        self.freed = threading.Condition(lock)
        self.leased = 0  # places held
        self.busy = 0  # places in a call
        self.waiting = 0  # threads that wait
        self.urgent = 0  # of them, urgent ones
        self.since = 0.0  # when this governor was last served, or began to wish
        self.permits = 0  # of `second`
        self.second = 0
        self.block = 1  # how many permits to lease next time
        self.paused_until = 0.0
        self.contended = False
        self.looked_at = float("-inf")  # monotonic: when the file was last asked for places
        self.used_at = 0.0
        self.latency_s = 0.0
        self.latency_noted = 0.0


def refusal(path: str, why: str, delay: float) -> LimitError:
    """The error for who does not wait; `why` is pause, minute, hour or in_flight."""
    words = {
        "pause": _("WeCom asked for a pause of {path}."),
        "minute": _("The calls of this minute for {path} are used up."),
        "hour": _("The calls of this hour for {path} are used up."),
        "in_flight": _("All places in flight for {path} are taken."),
    }
    return LimitError(
        words[why].format(path=path),
        hint=_("Try again in {seconds} s.").format(seconds=max(1, round(delay))),
        retry_after_s=round(delay, 3),
        details={"path": path, "held_by": why},
    )
