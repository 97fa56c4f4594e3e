"""How often, and after how long, what failed is tried again: one policy for all that repeats.

All waits grow, half of each is jitter, and they end at moments of WeCom's clock. A try is counted
where it is kept (job.attempts, event.attempts, handover.asks), so that a restart forgets none.
"""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waits:
    """A row of waits.

    Attributes:
        tries: tries in all before trouble counts as the answer; None for no end.
        first_s: seconds after the first failure.
        longest_s: the longest wait, seconds.
        factor: how fast waits grow.
    """

    tries: int | None
    first_s: float
    longest_s: float
    factor: float = 2.0

    def after(self, failures: int) -> float:
        """Seconds to wait after the `failures`-th failure (1 = first): half fixed, half jitter."""
        steps = min(failures - 1, 60)  # far beyond every longest wait
        return min(self.longest_s, self.first_s * self.factor**steps) * (0.5 + random.random() / 2)

    def over(self, tries: int) -> bool:
        """Whether `tries` were all there are."""
        return self.tries is not None and tries >= self.tries


CALL = Waits(3, 1.0, 30.0)  # one call of the client, sync's as well (doc 90313: at most 3)
ONCE = Waits(1, 0.0, 0.0)  # a call that somebody waits for at a prompt
CROWDED = Waits(8, 0.4, 4.0)  # one call of the client that WeCom finds too many at once (45033)
BANNED = Waits(3, 0.0, 0.0)  # one call that comes too often (45009); the limiter does the waiting
JOB = Waits(6, 2.0, 120.0)  # a job's call, which the client sends once; all trouble counts here
READ_BACK = Waits(12, 2.0, 300.0)  # asking what became of a call nobody answered; about 18 min
EVENT = Waits(10, 15.0, 6 * 3600.0, 4.0)  # a subject that events named; about a day and a half
WATCH = Waits(None, 240.0, 6 * 3600.0)  # a handover whose end WeCom does not show yet
