"""What the client needs from others: somebody who keeps the limits, somebody who keeps the token.

`storeops/limits/` implements both over run.db for all processes; `storeops/limits/memory.py`
implements them for one process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

Fetch = Callable[[], tuple[str, int]]  # asks WeCom for (token, lifetime in seconds)


class Limiter(Protocol):
    """Keeps WeCom's limits for one corp, API by API."""

    def acquire(
        self,
        path: str,
        *,
        urgent: bool = False,
        wait: bool = True,
        stop: threading.Event | None = None,
    ) -> AbstractContextManager[None]:
        """Hold one call's place: a permit of the minute and hour windows and a slot in flight.

        Args:
            path: the API, as `address.api_path` writes it ("externalcontact/get").
            urgent: may use the share that is kept free for short questions of people.
            wait: wait for the place; else refuse at once when there is none.
            stop: when set, waiting ends at once.

        Raises:
            LimitError: there is no place now and `wait` is false; `retry_after_s` says when.
            StoppedError: `stop` was set.
        """

    def report(self, path: str, errcode: int) -> None:
        """Take note of a limit that WeCom named: 45009 pauses, 45033 and 45035 halve the pool."""


class TokenStore(Protocol):
    """Keeps the access token of one corp and app."""

    def get(self, fetch: Fetch) -> str:
        """The token in use; `fetch` is called, by one caller only, when there is none."""

    def replace(self, bad: str, fetch: Fetch) -> str:
        """The token after `bad` (doc 91039); fetches only when `bad` is still the one in use."""
