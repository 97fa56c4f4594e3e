"""The governor: WeCom's limits, kept together by all processes through run.db.

Every call is one short transaction before and one after it: pause, windows and places are looked
at, and what the call takes of them is written down, so that nothing has to be handed back.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator

from storeops.clock import Clock
from storeops.database.database import Database
from storeops.errors import LimitError
from storeops.i18n import _
from storeops.limits import conditions, flight, outlook, windows
from storeops.limits.lease_owners import is_alive, new_lease_owner
from storeops.limits.limits import Api, Limits
from storeops.wecom.address import api_path
from storeops.wecom.errcodes import Retry, lookup
from storeops.wecom.errors import StoppedError

log = logging.getLogger("storeops.limits")

HOLD_S = 5.0  # a wait from which on somebody is told why
LOOK_S = 0.01  # how often a waiting thread asks the file again
ALIVE_S = 0.5  # how often it is asked whether those who hold the places live


class Governor:
    """A Limiter for one corp, shared by every process that opens the same run.db.

    Args:
        db: run.db, opened with `limits.schema.MIGRATIONS`.
        corp_id: the corp whose limits are kept.
        limits: the figures.
        clock: sleeps, and tells this machine's time (WeCom's offset is taken off).
        alive: tells whether a process that holds places lives.
        may_call: asked right before each call begins; raises when none may from here.
    """

    def __init__(
        self,
        db: Database,
        corp_id: str,
        limits: Limits | None = None,
        *,
        clock: Clock,
        alive: Callable[[str], bool] = is_alive,
        may_call: Callable[[], None] = lambda: None,
    ) -> None:
        #: told of a wait that takes long: path, cause (`outlook`), seconds
        self.on_hold: Callable[[str, str, float], None] | None = None
        self.corp_id = corp_id
        self.limits = limits or Limits()
        self._db = db
        self._clock = clock
        self._alive = alive
        self._may_call = may_call
        self._owner = new_lease_owner()
        self._freed = threading.Condition()  # one thread at a time at the file
        self._ended: list[int] = []  # numbers of calls whose places are still to be freed
        self._took: dict[Api, list[float]] = {}  # seconds of calls that are still to be noted
        self._looked_at: dict[Api, float] = {}  # monotonic: when the dead were last looked for

    def _now(self) -> float:
        """This machine's time, which all processes share."""
        offset: float = getattr(self._clock, "offset", 0.0)
        return self._clock.now() - offset

    # -- the Limiter port -------------------------------------------------------------------------

    @contextlib.contextmanager
    def acquire(
        self,
        path: str,
        *,
        urgent: bool = False,
        wait: bool = True,
        stop: threading.Event | None = None,
    ) -> Iterator[None]:
        """Hold one call's place; see `wecom.ports.Limiter.acquire`."""
        api = (self.corp_id, api_path(path))
        with self._freed:
            number = self._enter(api, urgent, wait, stop)
        began = self._clock.monotonic()
        try:
            self._may_call()
            yield
        finally:
            with self._freed:
                self._took.setdefault(api, []).append(self._clock.monotonic() - began)
                self._end(number)

    def report(self, path: str, errcode: int) -> None:
        """45009 pauses the API for everybody; 45033 and 45035 halve its pool."""
        retry = lookup(errcode).retry
        if retry not in (Retry.WAIT, Retry.NARROW):
            return
        api = (self.corp_id, api_path(path))
        now = self._now()
        with self._freed, self._db.atomic() as connection:
            if retry is Retry.WAIT:
                until = conditions.ban(connection, api, now, self.limits.of(api[1]))
                log.warning("%s: %d, paused for %.0f s", api[1], errcode, until - now)
            else:
                pool = conditions.narrow(connection, api, now, self.limits.of(api[1]))
                log.info("%s: %d, %d at a time from now on", api[1], errcode, pool)

    # -- forecasts --------------------------------------------------------------------------------

    def snapshot(self) -> list[outlook.ApiUse]:
        """How every API stands that was used within the last hour, by path (for `status`)."""
        return outlook.snapshot(self._db, self.corp_id, self._now(), self.limits)

    def estimate(self, path: str, calls: int) -> outlook.Estimate:
        """When `calls` more calls of `path` can be done, and what holds them back."""
        api = (self.corp_id, api_path(path))
        return outlook.estimate(self._db, api, calls, self._now(), self.limits.of(api[1]))

    # -- waiting ----------------------------------------------------------------------------------

    def _enter(self, api: Api, urgent: bool, wait: bool, stop: threading.Event | None) -> int:
        ticket: int | None = None
        told = ""
        try:
            while True:
                ticket, delay, why = self._ask(api, ticket, urgent, wait)
                if ticket is not None and not why:
                    return ticket
                if stop is not None and stop.is_set():
                    raise StoppedError(_("Stopped; what was answered is kept."))
                if not wait:
                    raise _refusal(api[1], why, delay)
                if self.on_hold is not None and delay >= HOLD_S and why != told:
                    told = why
                    self.on_hold(api[1], why, delay)
                if why == "in_flight":
                    self._freed.wait(LOOK_S)
                else:
                    self._sleep(min(delay, 1.0 if stop is None else 0.1))
        except BaseException:
            if ticket is not None:
                self._end(ticket)
            raise

    def _sleep(self, seconds: float) -> None:
        self._freed.release()
        try:
            self._clock.sleep(seconds)
        finally:
            self._freed.acquire()

    def _ask(
        self, api: Api, ticket: int | None, urgent: bool, wait: bool
    ) -> tuple[int | None, float, str]:
        """(number of the call, 0, "") when it may begin, else (of the queue, delay, cause)."""
        now = self._now()
        with self._db.atomic() as connection:
            for number in self._ended:
                flight.end(connection, number)
            limits = self.limits.of(api[1])
            state = conditions.read(connection, api, now, limits)
            if state.paused_until > now:
                return ticket, state.paused_until - now, "pause"
            delay, window = windows.closed(connection, api, now, limits, urgent=urgent)
            if window:
                return ticket, delay, window
            mine = (connection, api, now, ticket, self._owner)
            turn = flight.may_begin(*mine, urgent=urgent, pool=state.pool)
            if not turn and self._bury(connection, api, now):
                turn = flight.may_begin(*mine, urgent=urgent, pool=state.pool)
            if turn and windows.count(connection, api, now) and api in self._took:
                # once a second is enough for forecasts
                conditions.note_latency(connection, api, self._took.pop(api))
            if turn or wait:
                ticket = flight.keep(*mine, urgent=urgent, calling=turn)
            return (ticket, 0.0, "") if turn else (ticket, LOOK_S, "in_flight")

    def _bury(self, connection: sqlite3.Connection, api: Api, now: float) -> bool:
        """Free the places of the dead; asked of the system twice a second at most."""
        moment = self._clock.monotonic()
        if moment - self._looked_at.get(api, float("-inf")) < ALIVE_S:
            return False
        self._looked_at[api] = moment
        return flight.bury(connection, api, now, self._alive)

    def _end(self, number: int) -> None:
        """Free a place; where the file cannot be written now, with the next call."""
        self._ended.append(number)
        with contextlib.suppress(sqlite3.Error):
            for each in self._ended:
                flight.end(self._db.connection, each)
            self._ended.clear()
        self._freed.notify_all()


def _refusal(path: str, why: str, delay: float) -> LimitError:
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
