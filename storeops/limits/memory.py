"""Limits and token in memory: for tests and for one process that stays alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from storeops.clock import Clock
from storeops.errors import LimitError
from storeops.i18n import _
from storeops.wecom.errcodes import Retry, lookup
from storeops.wecom.errors import StoppedError
from storeops.wecom.ports import Fetch

SECOND_BAN_WITHIN_S = 600.0
MARGIN_S = 60.0


@dataclass
class _Api:
    in_flight: int = 0
    paused_until: float = 0.0
    banned_at: float = float("-inf")
    starts: list[float] = field(default_factory=list)


class MemoryLimiter:
    """A Limiter for one process: a place in flight, the minute window, and 45009's pause.

    Args:
        clock: measures windows and pauses.
        in_flight: calls at a time per API.
        per_minute: calls a minute per API.
    """

    def __init__(self, clock: Clock, *, in_flight: int = 4, per_minute: int = 10_000) -> None:
        self._clock = clock
        self._most = in_flight
        self._per_minute = per_minute
        self._apis: dict[str, _Api] = {}
        self._lock = threading.Lock()

    @contextmanager
    def acquire(
        self,
        path: str,
        *,
        urgent: bool = False,
        wait: bool = True,
        stop: threading.Event | None = None,
    ) -> Iterator[None]:
        """Hold one call's place; see `ports.Limiter.acquire`."""
        while (delay := self._take(path)) > 0:
            if stop is not None and stop.is_set():
                raise StoppedError(_("Stopped; what was answered is kept."))
            if not wait:
                raise LimitError(
                    _("The limit of {path} is reached.").format(path=path), retry_after_s=delay
                )
            self._clock.sleep(min(delay, 0.1) if stop is not None else delay)
        try:
            yield
        finally:
            with self._lock:
                self._apis[path].in_flight -= 1

    def _take(self, path: str) -> float:
        """0 when the place is ours, else seconds after which to look again."""
        with self._lock:
            api = self._apis.setdefault(path, _Api())
            now = self._clock.monotonic()
            if api.paused_until > now:
                return api.paused_until - now
            if api.in_flight >= self._most:
                return 0.01
            if len(api.starts) >= self._per_minute:
                api.starts = [each for each in api.starts if each > now - 60.0]
                if len(api.starts) >= self._per_minute:
                    return api.starts[0] + 60.0 - now
            api.starts.append(now)
            api.in_flight += 1
            return 0.0

    def report(self, path: str, errcode: int) -> None:
        """45009 pauses the API for 60 s, then for an hour; the rest needs nothing here."""
        if lookup(errcode).retry is not Retry.WAIT:
            return
        with self._lock:
            api = self._apis.setdefault(path, _Api())
            now = self._clock.monotonic()
            again = now - api.banned_at < SECOND_BAN_WITHIN_S
            if api.paused_until > now:
                return  # a call that was on its way when the pause began
            api.banned_at = now
            api.paused_until = now + (3600.0 if again else 60.0)


class MemoryTokenStore:
    """A TokenStore for one process.

    Args:
        clock: measures the token's life.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._token = ""
        self._until = 0.0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return "MemoryTokenStore()"

    def get(self, fetch: Fetch) -> str:
        """The token; fetched by one thread when there is none or it is about to end."""
        with self._lock:
            if not self._token or self._clock.monotonic() >= self._until:
                self._renew(fetch)
            return self._token

    def replace(self, bad: str, fetch: Fetch) -> str:
        """The token after `bad`; fetched only while `bad` is the one in use."""
        with self._lock:
            if self._token == bad:
                self._renew(fetch)
            return self._token

    def _renew(self, fetch: Fetch) -> None:
        token, lifetime = fetch()
        self._until = self._clock.monotonic() + max(lifetime - MARGIN_S, lifetime / 2)
        self._token = token
