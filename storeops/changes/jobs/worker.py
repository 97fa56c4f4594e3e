"""The worker: claims jobs, sends them on a few threads, keeps what came back.

One thread (the caller's) owns the database: each of its turns is one transaction that keeps all
answers that have come and claims as many new jobs, so that commits are grouped. Sender threads
only talk to WeCom. What is sent was claimed and journaled in a committed transaction before.
"""

from __future__ import annotations

import queue as thread_queue
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

from storeops.changes.action import Action, Call
from storeops.changes.jobs import lease, queue
from storeops.changes.jobs.ports import JobRecords
from storeops.changes.jobs.queue import Job
from storeops.changes.jobs.report import Report
from storeops.changes.jobs.result_handler import JobOutcome, ResultHandler
from storeops.clock import Clock
from storeops.database.database import Database
from storeops.domain import registry
from storeops.errors import StoreOpsError

LINGER_S = 0.004  # after an answer, wait so long for others to share its commit
POLL_S = 0.5  # how often an idle worker looks for new work
UNSECURED_S = 2.0  # before what could not be secured is tried again
RECOVER_S = 10.0  # how often it looks for dead workers

Connect = Callable[[threading.Event], Any]  # makes a client whose waits end when the event is set


class Worker:
    """Works at the queue of one profile; one `run` at a time.

    Args:
        db: data.db.
        records: keeps plans, answers and the journal.
        actions: kinds of change by name.
        connect: makes the client; closed at the end of a run when it can be.
        clock: WeCom's time.
        threads: calls in flight at most (the limiter may allow fewer).
        stop: set from outside (Ctrl-C): finish the calls in flight, keep their answers, end.
        on_progress: called with the growing Report after every commit.
        secure: called between claiming calls and sending them; raises when what was claimed is
            not where it must be before it is sent.
    """

    def __init__(
        self,
        db: Database,
        records: JobRecords,
        actions: Mapping[str, Action],
        connect: Connect,
        clock: Clock,
        *,
        threads: int = 4,
        stop: threading.Event | None = None,
        on_progress: Callable[[Report], None] | None = None,
        secure: Callable[[], None] = lambda: None,
    ) -> None:
        self._secure = secure
        self._db = db
        self._records = records
        self._actions = actions
        self._connect = connect
        self._clock = clock
        self._threads = threads
        self._stop = stop or threading.Event()
        self._progress = on_progress or (lambda report: None)

    def run(
        self, *, once: bool = False, seconds: float | None = None, forever: bool = False,
        plan_id: int | None = None,
    ) -> Report:  # fmt: skip
        """Work until there is nothing left to do.

        Args:
            once: end as soon as nothing can be claimed now; later due jobs stay.
            seconds: end after so long (real time), finishing what is in flight.
            forever: wait for new jobs when there are none (ends by `seconds` or `stop`).
            plan_id: end when this plan has nothing left to send; others are served, too.

        Raises:
            StoreOpsError: the database cannot be written.
        """
        shift = _Shift(self, once=once, seconds=seconds, forever=forever, plan_id=plan_id)
        return shift.run()


class _Shift:
    """The state of one run."""

    def __init__(
        self, worker: Worker, *, once: bool, seconds: float | None, forever: bool,
        plan_id: int | None,
    ) -> None:  # fmt: skip
        self.w = worker
        self.once, self.forever, self.plan_id = once, forever, plan_id
        self.until = None if seconds is None else worker._clock.monotonic() + seconds
        self.asked_to_stop = threading.Event()
        self.came: thread_queue.SimpleQueue[JobOutcome] = thread_queue.SimpleQueue()
        self.flying = 0
        self.report = Report()
        self.result_handler = ResultHandler(
            worker._records, worker._actions, worker._clock, self.report
        )
        self.client: Any = None
        self.bug: BaseException | None = None
        self.beat_at = self.recover_at = 0.0

    def run(self) -> Report:
        db = self.w._db
        with db.atomic() as connection:
            self.id = lease.register(connection)
        db.execute("PRAGMA synchronous = FULL")  # what is sent must be known after a power cut
        try:
            with ThreadPoolExecutor(self.w._threads, "sender") as pool:
                try:
                    self._work(pool)
                except BaseException:
                    self.asked_to_stop.set()
                    raise
            with db.atomic() as connection:
                lease.finish(connection, self.id)
            self.w._records.close()
        finally:
            db.execute("PRAGMA synchronous = NORMAL")
            if hasattr(self.client, "close"):
                self.client.close()
        if self.bug is not None:
            raise self.bug
        self.report.left = queue.unfinished(db, self.plan_id)
        self.w._progress(self.report)
        return self.report

    def _work(self, pool: ThreadPoolExecutor) -> None:
        while True:
            came = self._collect()
            ending = self._ending()
            claimed = self._turn(pool, came, claiming=not ending)
            if self.flying:
                continue
            if ending:
                self.report.ended = ending
                return
            if claimed or came:
                continue
            if self._idle():
                return

    def _ending(self) -> str:
        """Why no new job is to be claimed; "" while the work goes on."""
        if self.w._stop.is_set():
            self.asked_to_stop.set()
            return "stopped"
        if self.bug is not None:
            return "stopped"
        if self.until is not None and self.w._clock.monotonic() >= self.until:
            self.asked_to_stop.set()
            return "time"
        if self.plan_id is not None and not self.forever and self._plan_is_over():
            return "paused" if self.plan_id in self.report.pauses else "empty"
        return ""

    def _plan_is_over(self) -> bool:
        """Whether the plan has nothing left to send or to ask."""
        return (
            self.w._db.execute(
                "SELECT 1 FROM job WHERE plan_id = :plan AND status = 'queued' AND held = 0"
                " UNION ALL SELECT 1 FROM job WHERE plan_id = :plan AND status = 'sending'"
                " UNION ALL SELECT 1 FROM job"
                "  WHERE plan_id = :plan AND status = 'unknown' AND held = 0 LIMIT 1",
                {"plan": self.plan_id},
            ).fetchone()
            is None
        )

    def _idle(self) -> bool:
        """Nothing could be claimed: end, or wait for what is due. Whether the run is over."""
        if self.report.pauses and not queue.pending_beside(self.w._db, self.report.pauses):
            self.report.ended = "paused"
            return True
        due = queue.next_due(self.w._db)
        if self.once:
            self.report.ended = "once"
            return True
        if due is None and not queue.under_way(self.w._db) and not self.forever:
            self.report.ended = "empty"
            return True
        wait = POLL_S
        if due is not None:
            soon = due - self.w._clock.now()
            wait = min(POLL_S, soon) if soon > 0 else POLL_S / 5  # due, but its key is taken
        if self.until is not None:
            wait = min(wait, max(0.0, self.until - self.w._clock.monotonic()))
        self.w._stop.wait(wait)
        return False

    def _collect(self) -> list[JobOutcome]:
        """Answers that have come; waits for the first while calls are in flight."""
        came: list[JobOutcome] = []
        if not self.flying:
            return came
        with suppress(thread_queue.Empty):
            came.append(self.came.get(timeout=POLL_S))
            while len(came) < min(self.flying, self.w._threads * 2):
                came.append(self.came.get(timeout=LINGER_S))
        self.flying -= len(came)
        return came

    def _turn(self, pool: ThreadPoolExecutor, came: list[JobOutcome], *, claiming: bool) -> int:
        """One transaction: keep what came, claim as many. Returns how many were claimed."""
        room = self.w._threads * 3 - self.flying if claiming else 0
        now = self.w._clock.monotonic()
        recover = now >= self.recover_at
        if not came and not recover and not (room > 0 and self._due()):
            self._heartbeat(now)
            return 0
        calls: list[tuple[Job, Call, bool]] = []
        with self.w._db.atomic() as connection:
            self.w._records.begin(connection)
            self._heartbeat(now, connection)
            if recover:
                self.recover_at = now + RECOVER_S
                self._recover(connection)
            for outcome in came:
                self._keep(connection, outcome)
            if room > 0 and self.bug is None:
                calls = self._claim(connection, room)
        calls = self._secured(calls)
        for job, call, asking in calls:
            self.flying += 1
            pool.submit(self._carry, job, call, asking)
        if came:
            self.w._progress(self.report)
        return len(calls)

    def _secured(self, calls: list[tuple[Job, Call, bool]]) -> list[tuple[Job, Call, bool]]:
        """What of these may be sent: all, once it is known elsewhere that they are; else only
        questions, and the rest is queued again."""
        sends = [job for job, _call, asking in calls if not asking]
        if not sends:
            return calls
        try:
            self.w._secure()
            return calls
        except StoreOpsError as error:
            now = self.w._clock.now()
            with self.w._db.atomic() as connection:
                for job in sends:
                    queue.put_back(
                        connection, job.id, run_at=now + UNSECURED_S, errcode=None,
                        error=error.category, count=False,
                    )  # fmt: skip
                detail = "not sent: no copy of it"
                queue.event(connection, [(job.id, "requeued", detail) for job in sends], now)
        return [each for each in calls if each[2]]

    def _keep(self, connection: sqlite3.Connection, outcome: JobOutcome) -> None:
        """Keep one outcome; one that a stranger's Action fails over stays unknown."""
        if outcome.bug is None:
            try:
                with self.w._db.atomic():
                    self.result_handler.keep(connection, outcome)
                return
            except Exception as error:
                if registry().at_fault(error) is None:
                    raise
                outcome = replace(outcome, answer=None, error=None, bug=error)
        if not self.result_handler.keep_fault(connection, outcome):
            self.bug = outcome.bug

    def _due(self) -> bool:
        due = queue.next_due(self.w._db)
        return due is not None and due <= self.w._clock.now()

    def _heartbeat(self, now: float, connection: sqlite3.Connection | None = None) -> None:
        if now < self.beat_at:
            return
        self.beat_at = now + lease.BEAT_S
        if connection is not None:
            lease.heartbeat(connection, self.id)
            return
        with self.w._db.atomic() as own:
            lease.heartbeat(own, self.id)

    def _recover(self, connection: sqlite3.Connection) -> None:
        for job, plan_id in lease.orphans(connection, lease.dead(connection)):
            self.result_handler.lost(connection, job, plan_id, "its worker died")

    def _claim(self, connection: sqlite3.Connection, room: int) -> list[tuple[Job, Call, bool]]:
        now = self.w._clock.now()
        asked = queue.claim_unknown(connection, self.id, now, room)
        jobs = queue.claim(connection, self.id, now, room - len(asked)) if room > len(asked) else []
        if not asked and not jobs:
            return []
        numbers = queue.rows_of(connection, [job.id for job in (*asked, *jobs)])
        calls = []
        for job in (*asked, *jobs):
            try:
                with self.w._db.atomic():
                    call = self._call(connection, job, numbers[job.id])
            except Exception as error:
                if not self.result_handler.not_sent(connection, job, error):
                    raise
                call = None
            if call is not None:
                call = replace(
                    call,
                    attempts=job.attempts,
                    reconcile_attempts=job.reconcile_attempts,
                    ambiguous_sends=job.ambiguous_sends,
                )
                calls.append((job, call, job.status == queue.UNKNOWN))
        intents = [(job, call) for job, call, asking in calls if not asking]
        if intents:
            self.w._records.record_intent(connection, intents)
        return calls

    def _call(
        self, connection: sqlite3.Connection, job: Job, numbers: Sequence[int]
    ) -> Call | None:
        """The call of a claimed job; None when none of its rows may be sent."""
        rows, params, refused = self.w._records.rows(connection, job.plan_id, numbers)
        if refused:
            self.w._records.record_results(connection, job, refused, "job")
            queue.shrink(connection, job.id, [row.row for row, _answer in refused])
        if not rows:
            queue.end(connection, [(job.id, queue.CANCELLED, None, "")], self.w._clock.now())
            return None
        return self.w._actions[job.action].call(rows, params)

    def _carry(self, job: Job, call: Call, asking: bool) -> None:
        """Runs on a sender thread; touches no database."""
        answer: Any = None
        error: StoreOpsError | None = None
        bug: BaseException | None = None
        try:
            if self.client is None:
                self._make_client()
            action = self.w._actions[job.action]
            answer = (action.read_back if asking else action.send)(self.client, call)
        except StoreOpsError as raised:
            error = raised
        except BaseException as raised:
            bug = raised
        self.came.put(JobOutcome(job, call, asking, answer, error, bug))

    _making = threading.Lock()

    def _make_client(self) -> None:
        with self._making:
            if self.client is None:
                self.client = self.w._connect(self.asked_to_stop)
