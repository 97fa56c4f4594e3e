"""What every scope of a run shares: databases, client, counts, failures, progress."""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

from storeops.clock import Clock
from storeops.database.database import Database
from storeops.errors import StoreOpsError
from storeops.i18n import _
from storeops.mirror.facts import Applied, Batch, Counts, Keys, apply_facts
from storeops.sync import refusals
from storeops.sync.results import OnProgress, Outcome, Progress, Scope
from storeops.sync.runs import Run
from storeops.wecom.failures import lost_row
from storeops.wecom.oddities import LostRow

if TYPE_CHECKING:
    from storeops.wecom.client import WeComClient

J = TypeVar("J")
R = TypeVar("R")

IN_FLIGHT = 4  # calls at a time; the governor may allow fewer
_REPORT_EVERY_S = 0.2
_ASK_EVERY_S = 2.0
_RATE_OVER_S = 10.0


class Ports(Protocol):
    """What a sync needs from the wiring; an `App` has it."""

    @property
    def data(self) -> Database:
        """data.db."""

    @property
    def client(self) -> WeComClient:
        """The WeCom API."""

    @property
    def clock(self) -> Clock:
        """WeCom's time."""


@dataclass(slots=True)
class ScopeCounters:
    """Counts of one scope; written with each transaction, so that others can see them."""

    scope: Scope
    counts: Counts = field(default_factory=Counts)
    calls: int = 0
    done: int = 0
    total: int | None = None


class Session:
    """One run in this process. Reading threads use `client`, `count_call` and `halted` only.

    Args:
        ports: databases, client, clock.
        run: the open run.
        stop: when set, the run stops between two calls and stays open.
        on_progress: told how far it is; called by the thread that runs the sync.
        held_back: says in words what holds a path back; "" when nothing does.
    """

    def __init__(
        self,
        ports: Ports,
        run: Run,
        *,
        stop: threading.Event,
        on_progress: OnProgress | None = None,
        held_back: Callable[[str], str] | None = None,
    ) -> None:
        self.db = ports.data
        self.client = ports.client
        self.clock = ports.clock
        self.run = run
        self.stop = stop
        self.keys = Keys()
        self.counters = ScopeCounters(run.scopes[0] if run.scopes else "follows")
        self._on_progress = on_progress
        self._held_back = held_back
        self._reported_at = 0.0
        self._asked_at = float("-inf")
        self._held = ""
        self._marks: deque[tuple[float, int]] = deque()
        self._lock = threading.Lock()

    @property
    def now(self) -> int:
        """Unix seconds of WeCom's clock."""
        return int(self.clock.now())

    def check_stop(self) -> None:
        """End here when somebody asked to stop.

        Raises:
            StoppedError: the run stays open and is resumed by the next `sync run`.
        """
        check_stop(self.stop)

    def count_call(self) -> None:
        """Count one call to WeCom; any thread."""
        with self._lock:
            self.counters.calls += 1

    # -- scopes -----------------------------------------------------------------------------------

    def enter(self, scope: Scope) -> None:
        """Begin a scope, or go on with what a stopped process counted."""
        row = self.db.execute(
            "SELECT seen, added, changed, missing, lost, calls, done, total FROM sync_scope"
            " WHERE run_id = ? AND scope = ?",
            (self.run.id, scope),
        ).fetchone()
        self.counters = ScopeCounters(scope, Counts(*row[:5]), *row[5:])
        self._marks.clear()
        with self.db.atomic() as connection:
            connection.execute(
                "UPDATE sync_scope SET started_at = coalesce(started_at, ?)"
                " WHERE run_id = ? AND scope = ?",
                (self.now, self.run.id, scope),
            )

    def began(self) -> int:
        """When this scope of the run was begun, by whichever process; Unix seconds."""
        row = self.db.execute(
            "SELECT started_at FROM sync_scope WHERE run_id = ? AND scope = ?",
            (self.run.id, self.counters.scope),
        ).fetchone()
        return int(row[0])

    def leave(self, outcome: Outcome) -> None:
        """End the scope."""
        with self.db.atomic() as connection:
            self.save(connection)
            connection.execute(
                "UPDATE sync_scope SET outcome = ?, finished_at = ? WHERE run_id = ? AND scope = ?",
                (outcome, self.now, self.run.id, self.counters.scope),
            )
        self.report_progress(force=True)

    def save(self, connection: sqlite3.Connection) -> None:
        """Write the counts and a sign of life, inside the caller's transaction."""
        counts = self.counters.counts
        connection.execute(
            "UPDATE sync_scope SET seen = ?, added = ?, changed = ?, missing = ?, lost = ?,"
            " calls = ?, done = ?, total = ? WHERE run_id = ? AND scope = ?",
            (
                counts.seen,
                counts.added,
                counts.changed,
                counts.missing,
                counts.lost,
                self.counters.calls,
                self.counters.done,
                self.counters.total,
                self.run.id,
                self.counters.scope,
            ),
        )
        connection.execute(
            "UPDATE sync_run SET heartbeat_at = ? WHERE id = ?", (self.now, self.run.id)
        )

    def apply(self, batch: Batch) -> Applied:
        """Write facts and count them."""
        try:
            applied = apply_facts(
                self.db, "sync", batch, self.now, str(self.run.id), keys=self.keys
            )
        except BaseException:
            self.keys.forget()
            raise
        self.count(applied.counts)
        return applied

    def count(self, more: Counts) -> None:
        """Add to the scope's counts."""
        counts = self.counters.counts
        counts.seen += more.seen
        counts.added += more.added
        counts.changed += more.changed
        counts.missing += more.missing
        counts.lost += more.lost
        self.counters.done += more.seen

    def fail(self, subject: str, error: StoreOpsError) -> None:
        """Name something that could not be read; inside or outside a transaction."""
        with self.db.atomic() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO sync_failure VALUES (?, ?, ?, ?, ?)",
                (self.run.id, self.counters.scope, subject, error.errcode, error.message),
            )

    def fail_rows(self, lost: Iterable[LostRow]) -> None:
        """Name rows that cannot be read; what the mirror knows of them stays."""
        for row in lost:
            self.fail(row.name, lost_row(row))

    def failures(self) -> set[str]:
        """Subjects that failed in this scope of this run."""
        rows = self.db.execute(
            "SELECT subject FROM sync_failure WHERE run_id = ? AND scope = ?",
            (self.run.id, self.counters.scope),
        )
        return {row[0] for row in rows}

    # -- progress ---------------------------------------------------------------------------------

    def report_progress(self, *, phase: str = "read", force: bool = False) -> None:
        """Report progress, a few times a second at most."""
        if self._on_progress is None:
            return
        now = self.clock.monotonic()
        if not force and now - self._reported_at < _REPORT_EVERY_S:
            return
        self._reported_at = now
        marks = self._marks
        marks.append((now, self.counters.done))
        while marks[0][0] < now - _RATE_OVER_S and len(marks) > 2:
            marks.popleft()
        before, span = marks[0][1], now - marks[0][0]
        rate = (self.counters.done - before) / span if span > 0 else 0.0
        self._on_progress(
            Progress(
                self.run.id,
                self.counters.scope,
                phase,
                self.counters.done,
                self.counters.total,
                rate,
                self.counters.calls,
                self._held_back_by(now),
            )
        )

    def _held_back_by(self, now: float) -> str:
        """What holds the scope back; asked every other second at most."""
        if self._held_back is not None and now - self._asked_at >= _ASK_EVERY_S:
            self._asked_at = now
            self._held = self._held_back(self.counters.scope)
        return self._held

    # -- reading many things ----------------------------------------------------------------------

    def read_many(
        self, jobs: Iterable[J], read: Callable[[J], R]
    ) -> Iterator[tuple[J, R | None, StoreOpsError | None]]:
        """`read_many` for this run: each `read` counts as one call, and progress is told.

        When the network is gone the jobs that are left fail like the last, without a call.
        """

        silent = 0
        gave_up: StoreOpsError | None = None

        def counted(job: J) -> R:
            if gave_up is not None:
                raise gave_up
            self.count_call()
            return read(job)

        for job, answer, error in read_many(jobs, counted, self.stop):
            silent = silent + 1 if error is not None and refusals.unreachable(error) else 0
            if silent >= refusals.SILENCES and self.client.circuit_open:
                gave_up = error  # the network is gone: the others are named, not asked
            self.report_progress()
            yield job, answer, error


def read_many(
    jobs: Iterable[J], read: Callable[[J], R], stop: threading.Event
) -> Iterator[tuple[J, R | None, StoreOpsError | None]]:
    """Read each job with a few calls in flight; answers come as they arrive.

    The caller may write between two answers; never more than a handful of answers wait.

    Yields:
        (job, answer, None) or (job, None, error).

    Raises:
        StoppedError: `stop` was set.
    """

    def one(job: J) -> tuple[R | None, StoreOpsError | None]:
        if stop.is_set():
            return None, None
        try:
            return read(job), None
        except StoreOpsError as error:
            return None, error

    source = iter(jobs)
    waiting: dict[Future[tuple[R | None, StoreOpsError | None]], J] = {}
    with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="sync") as pool:
        try:
            while True:
                while len(waiting) < 2 * IN_FLIGHT:
                    job = next(source, None)
                    if job is None:
                        break
                    waiting[pool.submit(one, job)] = job
                if not waiting:
                    return
                done, _rest = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
                for future in done:
                    job = waiting.pop(future)
                    answer, error = future.result()
                    check_stop(stop)
                    yield job, answer, error
                check_stop(stop)
        finally:
            for future in waiting:
                future.cancel()


def check_stop(stop: threading.Event) -> None:
    """End here when somebody asked to stop.

    Raises:
        StoppedError: the run stays open and is resumed by the next `sync run`.
    """
    if stop.is_set():
        from storeops.wecom.errors import StoppedError

        raise StoppedError(
            _("Stopped; what was read is kept."),
            hint=_("`storeops sync run` goes on from here."),
            next_steps=["storeops sync run"],
        )
