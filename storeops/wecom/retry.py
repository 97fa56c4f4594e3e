"""How often, and after how long, a call is tried again (06 §3)."""

from __future__ import annotations

import random
from dataclasses import dataclass


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

    tries: int = 3
    first_s: float = 1.0
    longest_s: float = 30.0
    crowded_tries: int = 8
    ban_tries: int = 3

    def back_off(self, failures: int) -> float:
        """Seconds to wait after the `failures`-th failure (1 = first): half fixed, half jitter."""
        most = min(self.longest_s, self.first_s * 2.0 ** (failures - 1))
        return most * (0.5 + random.random() / 2)

    def step_aside(self) -> float:
        """Seconds to wait after 45033 or 45035: 0.2 to 2."""
        return 0.2 + random.random() * 1.8
