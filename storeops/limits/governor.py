"""The governor: WeCom's limits, kept together by all processes through run.db.

Permits and places are leased in blocks and used from memory, so that a call costs a few
microseconds and the file is touched a few times a second. A small keeper thread, alive only while
something is leased, gives back what is idle and hears of pauses and of others who wait.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable
from types import TracebackType

from storeops.clock import Clock
from storeops.database.database import Database
from storeops.errors import StoreOpsError
from storeops.i18n import _
from storeops.limits import conditions, outlook, places, windows
from storeops.limits.holders import is_alive, new_holder
from storeops.limits.holding import Holding, refusal
from storeops.limits.limits import Limits
from storeops.wecom.address import api_path
from storeops.wecom.errcodes import Retry, lookup
from storeops.wecom.errors import StoppedError

log = logging.getLogger("storeops.limits")

HOLD_S = 5.0  # a wait from which on somebody is told why
LOOK_S = 0.02  # how often a waiting thread asks the file again
KEEP_S = 0.1  # how often the keeper looks
IDLE_S = 0.2  # places unused for this long are given back
ALIVE_S = 0.5  # how long a holder is believed to live


class _Place:
    """One call's place, as a context manager."""

    __slots__ = ("_api", "_began", "_governor", "_stop", "_urgent", "_wait")

    def __init__(
        self,
        governor: Governor,
        api: Holding,
        urgent: bool,
        wait: bool,
        stop: threading.Event | None,
    ) -> None:
        self._governor = governor
        self._api = api
        self._urgent = urgent
        self._wait = wait
        self._stop = stop
        self._began = 0.0

    def __enter__(self) -> None:
        self._governor._enter(self._api, self._urgent, self._wait, self._stop)
        self._began = self._governor._clock.monotonic()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._governor._leave(self._api, self._governor._clock.monotonic() - self._began)


class Governor:
    """A Limiter for one corp, shared by every process that opens the same run.db.

    Args:
        db: run.db, opened with `limits.schema.MIGRATIONS`.
        corp_id: the corp whose limits are kept.
        limits: the figures.
        clock: sleeps, and tells this machine's time (WeCom's offset is taken off).
        alive: tells whether a lease holder's process lives.
        keeper: start the keeper thread when needed; without it call `tidy` yourself.
    """

    def __init__(
        self,
        db: Database,
        corp_id: str,
        limits: Limits | None = None,
        *,
        clock: Clock,
        alive: Callable[[str], bool] = is_alive,
        keeper: bool = True,
    ) -> None:
        #: told of a wait that takes long: path, cause (`outlook`), seconds
        self.on_hold: Callable[[str, str, float], None] | None = None
        self.corp_id = corp_id
        self.limits = limits or Limits()
        self._db = db
        self._clock = clock
        self._alive = alive
        self._keeps = keeper
        self._holder = new_holder()
        self._lock = threading.Lock()
        self._apis: dict[str, Holding] = {}
        self._known: dict[str, tuple[float, bool]] = {}  # holders, when asked, whether they live
        self._keeper: threading.Thread | None = None
        self._wake = threading.Event()
        self._closed = False
        _open.add(self)

    def _now(self) -> float:
        """This machine's time, which all processes share."""
        offset: float = getattr(self._clock, "offset", 0.0)
        return self._clock.now() - offset

    # -- the Limiter port -------------------------------------------------------------------------

    def acquire(
        self,
        path: str,
        *,
        urgent: bool = False,
        wait: bool = True,
        stop: threading.Event | None = None,
    ) -> _Place:
        """Hold one call's place; see `wecom.ports.Limiter.acquire`."""
        return _Place(self, self._api(path), urgent, wait, stop)

    def report(self, path: str, errcode: int) -> None:
        """45009 pauses the API for everybody; 45033 and 45035 halve its pool."""
        retry = lookup(errcode).retry
        if retry not in (Retry.WAIT, Retry.NARROW):
            return
        api = self._api(path)
        with self._lock:
            now = self._now()
            with self._db.atomic() as connection:
                if retry is Retry.WAIT:
                    until = conditions.ban(connection, self.corp_id, api.path, now, self.limits)
                    api.paused_until = until
                    log.warning("%s: %d, paused for %.0f s", api.path, errcode, until - now)
                else:
                    pool = conditions.narrow(connection, self.corp_id, api.path, now, self.limits)
                    log.info("%s: %d, %d at a time from now on", api.path, errcode, pool)
                    self._claim(connection, api, now)

    # -- forecasts --------------------------------------------------------------------------------

    def snapshot(self) -> list[outlook.ApiUse]:
        """How every API stands that was used within the last hour, by path (for `status`)."""
        return outlook.snapshot(self._db, self.corp_id, self._now(), self.limits)

    def estimate(self, path: str, calls: int) -> outlook.Estimate:
        """When `calls` more calls of `path` can be done, and what holds them back."""
        return outlook.estimate(
            self._db, self.corp_id, api_path(path), calls, self._now(), self.limits
        )

    # -- taking and giving back -------------------------------------------------------------------

    def _api(self, path: str) -> Holding:
        api = self._apis.get(path)
        if api is None:
            spelled = api_path(path)
            with self._lock:
                api = self._apis.get(spelled)
                if api is None:
                    api = Holding(spelled, self._lock)
                    self._apis[spelled] = api
                self._apis[path] = api
        return api

    def _enter(self, api: Holding, urgent: bool, wait: bool, stop: threading.Event | None) -> None:
        with self._lock:
            now = self._now()
            if self._take(api, urgent, now):
                return
            api.waiting += 1
            api.urgent += urgent
            if api.waiting == 1 and not api.busy:
                api.since = now
            told = ""
            try:
                while True:
                    delay, why = self._ask(api, urgent, wait)
                    if delay == 0.0:
                        return
                    if stop is not None and stop.is_set():
                        raise StoppedError(_("Stopped; what was answered is kept."))
                    if not wait:
                        raise refusal(api.path, why, delay)
                    if self.on_hold is not None and delay >= HOLD_S and why != told:
                        told = why
                        self.on_hold(api.path, why, delay)
                    if why == "in_flight":
                        api.freed.wait(LOOK_S)
                    else:
                        self._sleep(min(delay, 1.0 if stop is None else 0.1))
            finally:
                api.waiting -= 1
                api.urgent -= urgent

    def _sleep(self, seconds: float) -> None:
        self._lock.release()
        try:
            self._clock.sleep(seconds)
        finally:
            self._lock.acquire()

    def _take(self, api: Holding, urgent: bool, now: float) -> bool:
        """Use a leased place and a permit, from memory alone."""
        if (
            api.busy < api.leased
            and api.permits > 0
            and api.second == int(now)
            and now >= api.paused_until
            and (urgent or not api.urgent)
        ):
            api.busy += 1
            api.permits -= 1
            api.used_at = now
            api.since = now  # what is still wished for queues up behind the others
            return True
        return False

    def _ask(self, api: Holding, urgent: bool, wait: bool) -> tuple[float, str]:
        """Try memory, then the file; (0, "") when the place is ours, else delay and what holds."""
        now = self._now()
        if self._take(api, urgent, now):
            return 0.0, ""
        if api.urgent and not urgent:
            return LOOK_S, "in_flight"
        short = api.busy >= api.leased
        if short and wait and time.monotonic() - api.looked_at < LOOK_S / 2:
            return LOOK_S, "in_flight"
        with self._db.atomic() as connection:
            state = conditions.read(connection, self.corp_id, api.path, now, self.limits)
            api.paused_until = state.paused_until
            if api.paused_until > now:
                return api.paused_until - now, "pause"
            self._claim(connection, api, now, queue=wait or api.waiting > 1)
            if api.busy >= api.leased:
                return LOOK_S, "in_flight"
            self._return_stale(connection, api, int(now))
            if api.permits == 0:
                grant = windows.lease(
                    connection, self.corp_id, api.path, now, api.block, self.limits, urgent=urgent
                )
                if not grant.permits:
                    return grant.wait_s, grant.window
                if api.second == int(now):
                    api.block = min(self.limits.block, api.block * 2)
                else:
                    windows.sweep(connection, self.corp_id, api.path, now)
                api.second = int(now)
                api.permits = grant.permits
        self._start_keeper()
        return (0.0, "") if self._take(api, urgent, now) else (0.001, "in_flight")

    def _claim(
        self, connection: sqlite3.Connection, api: Holding, now: float, *, queue: bool = True
    ) -> None:
        state = conditions.read(connection, self.corp_id, api.path, now, self.limits)
        before = api.leased
        claim = places.claim(
            connection,
            self.corp_id,
            api.path,
            self._holder,
            busy=api.busy,
            wished=0 if self._closed else api.busy + api.waiting,
            since=api.since,
            urgent=api.urgent > 0,
            pool=state.pool,
            now=now,
            alive=self._lives,
            queue=queue,
        )
        api.leased = claim.places
        api.contended = claim.contended
        api.looked_at = time.monotonic()
        if claim.places > before:
            api.freed.notify_all()

    def _lives(self, holder: str) -> bool:
        """Whether a holder lives; asked of the system twice a second at most."""
        now = self._clock.monotonic()
        asked_at, answer = self._known.get(holder, (float("-inf"), True))
        if answer and now - asked_at > ALIVE_S:
            answer = self._alive(holder)
            self._known[holder] = (now, answer)
        return answer

    def _return_stale(self, connection: sqlite3.Connection, api: Holding, second: int) -> None:
        if api.permits and api.second != second:
            windows.give_back(connection, self.corp_id, api.path, api.second, api.permits)
            api.permits = 0
            api.block = max(1, api.block // 2)

    def _leave(self, api: Holding, took_s: float) -> None:
        with self._lock:
            api.busy -= 1
            api.latency_s = took_s if not api.latency_s else api.latency_s * 0.9 + took_s * 0.1
            now = self._now()
            api.used_at = now
            if api.contended or (api.waiting and time.monotonic() - api.looked_at > KEEP_S):
                self._settle(api, now)
            if api.waiting:
                api.freed.notify_all()

    def _settle(self, api: Holding, now: float) -> None:
        """Give others their share; a file that cannot be written now is asked again later."""
        with contextlib.suppress(StoreOpsError, sqlite3.Error), self._db.atomic() as connection:
            self._claim(connection, api, now)

    # -- the keeper -------------------------------------------------------------------------------

    def tidy(self) -> bool:
        """Give back what is idle or wished for by others, hear of pauses; whether to go on."""
        going_on = False
        with self._lock:
            now = self._now()
            for api in set(self._apis.values()):
                if api.leased or api.permits:
                    self._tidy_one(api, now)
                    going_on = going_on or bool(api.leased or api.permits)
        return going_on

    def _tidy_one(self, api: Holding, now: float) -> None:
        reader = self._db.connection
        state = conditions.read(reader, self.corp_id, api.path, now, self.limits)
        api.paused_until = state.paused_until
        idle = not api.waiting and not 0 <= now - api.used_at < IDLE_S
        stale = api.permits > 0 and api.second != int(now)
        wanted = places.others_wait(reader, self.corp_id, api.path, self._holder, now)
        if not (wanted or stale or (idle and api.leased > api.busy) or api.leased > state.pool):
            return
        with self._db.atomic() as connection:
            self._return_stale(connection, api, int(now))
            if api.latency_s and abs(api.latency_s - api.latency_noted) > 0.1 * api.latency_s:
                conditions.note_latency(connection, self.corp_id, api.path, api.latency_s)
                api.latency_noted = api.latency_s
            self._claim(connection, api, now)

    def _start_keeper(self) -> None:
        self._wake.set()
        if self._keeps and self._keeper is None and not self._closed:
            self._keeper = threading.Thread(
                target=_keep, args=(weakref.ref(self), self._wake), name="governor", daemon=True
            )
            self._keeper.start()

    def close(self) -> None:
        """Give everything back; calls in flight keep their places until they end."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            now = self._now()
            with contextlib.suppress(StoreOpsError, sqlite3.Error), self._db.atomic() as connection:
                for api in set(self._apis.values()):
                    if api.permits:
                        self._return_stale(connection, api, -1)
                    if api.leased or api.waiting:
                        self._claim(connection, api, now, queue=False)


_open: weakref.WeakSet[Governor] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Leave nothing leased when the process ends in order; else its death is noticed."""
    for governor in list(_open):
        governor.close()


def _keep(ref: weakref.ref[Governor], wake: threading.Event) -> None:
    """Tidy every 0.1 s while something is leased; then end."""
    pause = threading.Event()
    while True:
        pause.wait(KEEP_S)
        governor = ref()
        if governor is None or governor._closed:
            return
        wake.clear()
        try:
            going_on = governor.tidy()
        except (StoreOpsError, sqlite3.Error) as error:
            log.debug("keeper: %s", type(error).__name__)
            going_on = True
        if not going_on:
            with governor._lock:
                if not wake.is_set():
                    governor._keeper = None
                    governor._db.close_thread()
                    return
        del governor
