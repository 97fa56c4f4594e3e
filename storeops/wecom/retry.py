"""How often, and after how long, a call is tried again (06 §3)."""

from __future__ import annotations

import random
from dataclasses import dataclass

from storeops.retrying import CALL, Waits


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Figures of the retry policy.

    Attributes:
        tries: calls in all for -1, 6000, HTTP 5xx and a transport that failed (doc 90313: 3).
        first_s: seconds before the second try; doubles each time, with jitter.
        longest_s: the longest back-off, seconds.
        crowded_tries: calls in all when WeCom says 45033 or 45035.
        ban_tries: calls in all when WeCom says 45009 (the first pause is 60 s, the next 1 h).
    """

    tries: int = CALL.tries or 1
    first_s: float = CALL.first_s
    longest_s: float = CALL.longest_s
    crowded_tries: int = 8
    ban_tries: int = 3

    def back_off(self, failures: int) -> float:
        """Seconds to wait after the `failures`-th failure (1 = first): half fixed, half jitter."""
        return Waits(self.tries, self.first_s, self.longest_s).after(failures)

    def step_aside(self) -> float:
        """Seconds to wait after 45033 or 45035: 0.2 to 2."""
        return 0.2 + random.random() * 1.8
