"""How often and how many at once: 45009 with bans, 45033, 45035 (doc 90312)."""

from __future__ import annotations

import dataclasses

from storeops.sandbox.refusals import Refusal
from storeops.sandbox.settings import Settings


@dataclasses.dataclass(slots=True)
class _Window:
    """Calls counted since a moment, and until when the API is blocked."""

    length: int
    started: int = 0
    count: int = 0
    banned_until: int = 0


class Throttle:
    """Counts calls per corp and API, per address and API, and writes per customer."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, str, int], _Window] = {}
        self._in_flight: dict[str, int] = {}
        self._writing: dict[str, int] = {}
        self._bad_secrets: dict[str, _Window] = {}

    def clear(self) -> None:
        """Forget all windows and bans; calls in flight stay counted."""
        self._windows.clear()
        self._bad_secrets.clear()

    def frequency(self, path: str, ip: str, now: int, rules: Settings, debug: bool) -> None:
        """Count one call; 45009 when a window is full or the API is still blocked."""
        hour = rules.hour_limit
        if path == "idconvert/unionid_to_external_userid":
            hour = min(hour, rules.idconvert_hour_limit)
        limits = [
            ("corp", 60, rules.minute_limit, rules.ban_minute_s),
            ("corp", 3600, hour, rules.ban_hour_s),
            (ip, 60, rules.ip_minute_limit, rules.ban_minute_s),
            (ip, 3600, rules.ip_hour_limit, rules.ban_hour_s),
        ]
        if debug:
            limits.append(("debug", 60, rules.debug_minute_limit, rules.ban_minute_s))
        refused = False
        for who, length, limit, ban_s in limits:
            window = self._window(path, who, length, now)
            if window.banned_until > now:
                refused = True
                if not rules.refused_calls_count:
                    continue
            window.count += 1
            if window.count > limit:
                if window.banned_until <= now:
                    window.banned_until = now + ban_s
                refused = True
        if refused:
            raise Refusal(45009)

    def _window(self, path: str, who: str, length: int, now: int) -> _Window:
        key = (path, who, length)
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = _Window(length, now)
        elif now - window.started >= length and window.banned_until <= now:
            window.started, window.count = now, 0
        return window

    def enter(self, path: str, customer: str, rules: Settings) -> None:
        """One more call in flight; 45033 or 45035 when there are too many."""
        if self._in_flight.get(path, 0) >= rules.in_flight_limit:
            raise Refusal(45033)
        if customer:
            if self._writing.get(customer, 0) >= rules.customer_write_limit:
                raise Refusal(45035)
            self._writing[customer] = self._writing.get(customer, 0) + 1
        self._in_flight[path] = self._in_flight.get(path, 0) + 1

    def leave(self, path: str, customer: str) -> None:
        """The call that entered is over."""
        self._in_flight[path] -= 1
        if customer:
            self._writing[customer] -= 1
            if not self._writing[customer]:
                del self._writing[customer]

    def secret_refused(self, ip: str, now: int, rules: Settings) -> None:
        """A wrong secret came from this address; too many block it for an hour."""
        window = self._bad_secrets.get(ip)
        if window is None or now - window.started >= 3600:
            window = self._bad_secrets[ip] = _Window(3600, now)
        window.count += 1
        if window.count >= rules.bad_secret_hour_limit:
            window.banned_until = now + 3600

    def address_blocked(self, ip: str, now: int) -> bool:
        """The address sent too many wrong secrets."""
        window = self._bad_secrets.get(ip)
        return window is not None and window.banned_until > now

    def bans(self, now: int) -> list[dict[str, object]]:
        """What is blocked right now."""
        return [
            {"path": path, "who": who, "window_s": length, "seconds_left": w.banned_until - now}
            for (path, who, length), w in self._windows.items()
            if w.banned_until > now
        ]
