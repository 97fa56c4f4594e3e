"""run-due: start what is due, watch it, keep how it ended. What cron calls; one at a time works.

Tasks that are due at the same look run one after another, the longest due first: the night keeps
its order when it is made up for. Those that look at what others did come last. What becomes due
meanwhile runs beside them.
"""

from __future__ import annotations

import os
import shlex
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from storeops.domains.schedule import runs, tasks
from storeops.domains.schedule.process import Process, lock, outlives, output_of, take_lock
from storeops.domains.schedule.runs import TaskRun
from storeops.errors import ConfigError, ConflictError, ExitCode
from storeops.i18n import _

if TYPE_CHECKING:
    from storeops.clock import SystemClock
    from storeops.config import Profile
    from storeops.database.database import Database

BESIDE = 4  # rows of tasks at the same time
LOOK_S = 5.0  # between two looks for what became due
TURN_S = 0.05  # between two looks at processes


class ScheduleWiring(Protocol):
    """Ports that the schedule asks for; an `App` has them."""

    profile: Profile

    @property
    def data(self) -> Database:
        """data.db."""

    @property
    def clock(self) -> SystemClock:
        """WeCom's time."""

    def look_at_clock(self) -> None:
        """Take over what other processes have learnt of it."""


@dataclass(frozen=True, slots=True)
class SkippedTask:
    """A task that was due and was not started: its name, and why (a key of `runs.REASONS`)."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class DueReport:
    """What one run-due did: the runs that ended, and what was left alone."""

    ran: tuple[TaskRun, ...] = ()
    skipped: tuple[SkippedTask, ...] = ()

    @property
    def failed(self) -> tuple[TaskRun, ...]:
        """Runs that did not end as they should."""
        return tuple(
            each for each in self.ran if each.status != "ended" or each.exit_code not in tasks.WELL
        )

    def as_dict(self) -> dict[str, Any]:
        """As `run-due --json` shows it; times in Unix seconds."""
        return {
            "ran": [
                {
                    "name": each.task,
                    "due_at": each.due_at,
                    "started_at": each.started_at,
                    "exit_code": each.exit_code,
                    "duration_s": each.duration_s,
                }
                for each in self.ran
            ],
            "skipped": [{"name": each.name, "reason": each.reason} for each in self.skipped],
        }


def run_due(
    app: ScheduleWiring, stop: threading.Event, on_begin: Callable[[TaskRun], None] = lambda _: None
) -> DueReport:
    """Start what is due and wait for it. With nothing due: one small read, no write.

    Args:
        app: the profile's wiring.
        stop: end what runs, in good order, and return.
        on_begin: told each run that begins.

    Raises:
        ConfigError: locks or outputs cannot be written.
    """
    now = app.clock.now()
    if not tasks.anything_to_do(app.data, now):
        return DueReport()
    with lock(app.profile.name) as alone:
        if not alone:
            busy = tasks.due(app.data, now)
            return DueReport((), tuple(SkippedTask(each.name, "busy") for each in busy))
        return _DueShift(app, stop, on_begin).work()


def run_by_hand(app: ScheduleWiring, name: str, stop: threading.Event) -> TaskRun:
    """Run a task now, whatever its hours, and wait for it.

    Raises:
        NotFoundError: there is no such task.
        ConflictError: it runs.
    """
    task = tasks.get(app.data, name)
    handle = take_lock(app.profile.name, task.name)
    if handle is None:
        raise ConflictError(
            _("{task} runs already.").format(task=task.name),
            hint=_("`storeops schedule history {task}` says since when.").format(
                task=shlex.quote(task.name)
            ),
        )
    shift = _DueShift(app, stop, lambda _run: None)
    try:
        under_way = shift.start(runs.begin_by_hand(app.data, task.name, app.clock.now()), handle)
    except BaseException:
        os.close(handle)
        raise
    while under_way is not None and not shift.ended(under_way):
        app.clock.sleep(TURN_S)
    return shift.ran[-1]


class _UnderWay:
    """A run with its process and its lock."""

    def __init__(self, run: TaskRun, process: Process, handle: int, timeout_s: float) -> None:
        self.run, self.process, self.handle, self.timeout_s = run, process, handle, timeout_s
        self.began = 0.0
        self.why = "ended"


class _DueShift:
    """One run-due at work."""

    def __init__(
        self, app: ScheduleWiring, stop: threading.Event, on_begin: Callable[[TaskRun], None]
    ) -> None:
        self.app, self.stop, self.on_begin = app, stop, on_begin
        self.ran: list[TaskRun] = []
        self.skipped: list[SkippedTask] = []
        self._waiting: list[deque[str]] = []  # rows of names, each with at most one under way
        self._under_way: dict[int, _UnderWay] = {}  # by the place of the row

    def work(self) -> DueReport:
        clock = self.app.clock
        looked: float | None = None
        try:
            while True:
                idle = not any(self._waiting) and not self._under_way
                if idle or looked is None or clock.monotonic() - looked >= LOOK_S:
                    looked = clock.monotonic()
                    self._look()
                self._begin()
                if not any(self._waiting) and not self._under_way:
                    return DueReport(tuple(self.ran), tuple(self.skipped))
                for place, each in list(self._under_way.items()):
                    if self.ended(each):
                        del self._under_way[place]
                if self._under_way:
                    clock.sleep(TURN_S)
        except BaseException:  # nothing of ours runs on unseen; what ends so is taken over
            while left := [
                each for each in self._under_way.values() if each.process.poll() is None
            ]:
                for each in left:
                    each.process.end(clock.monotonic())
                clock.sleep(TURN_S)
            raise

    def _look(self) -> None:
        """Take over what others began and did not end, and find what is due."""
        db = self.app.data
        if self.stop.is_set():
            return
        self.app.look_at_clock()
        tasks.reckon_anew(db, self.app.clock.now())
        ours = {each.run.id for each in self._under_way.values()}
        for run in runs.unfinished(db):
            if run.id not in ours:
                self._take_over(run)
        known = {name for row in self._waiting for name in row}
        known |= {each.run.task for each in self._under_way.values()}
        known |= {each.name for each in self.skipped if each.reason == "running"}
        now = self.app.clock.now()  # after what was taken over, which is due at once
        found = deque(each.name for each in tasks.due(db, now) if each.name not in known)
        if not found:
            return
        for place, row in enumerate(self._waiting):
            if not row and place not in self._under_way:
                self._waiting[place] = found
                return
        if len(self._waiting) < BESIDE:
            self._waiting.append(found)

    def _take_over(self, run: TaskRun) -> None:
        """A run whose process and keeper are gone has ended, nobody knows how."""
        profile = self.app.profile.name
        handle = take_lock(profile, run.task)
        if handle is None:
            return
        try:
            if not outlives(output_of(profile, run.task, run.id)):
                now = self.app.clock.now()
                runs.finish(self.app.data, run, now, status="lost", exit_code=None, duration_s=None)
        finally:
            os.close(handle)

    def _begin(self) -> None:
        """Start the next task of every row that waits."""
        for place, row in enumerate(self._waiting):
            while row and place not in self._under_way:
                name = row.popleft()
                if self.stop.is_set():
                    self.skipped.append(SkippedTask(name, "stopped"))
                    continue
                under_way = self._claim(name)
                if under_way is not None:
                    self._under_way[place] = under_way

    def _claim(self, name: str) -> _UnderWay | None:
        handle = take_lock(self.app.profile.name, name)
        if handle is None:
            self.skipped.append(SkippedTask(name, "running"))
            return None
        try:
            run = runs.claim(self.app.data, name, self.app.clock.now())
            if run is not None and run.status != "skipped":
                return self.start(run, handle)
            if run is not None:
                self.skipped.append(SkippedTask(name, "too_late"))
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
        return None

    def start(self, run: TaskRun, handle: int) -> _UnderWay | None:
        """Start the process of a run; None when it cannot be: the run has ended with that."""
        app = self.app
        task = tasks.get(app.data, run.task)
        self.on_begin(run)
        try:
            process = Process(app.profile.name, task.name, run.id, task.words, task.folder, handle)
        except ConfigError as error:
            _write(output_of(app.profile.name, task.name, run.id), error.message)
            self.ran.append(
                runs.finish(
                    app.data, run, app.clock.now(), status="ended",
                    exit_code=int(ExitCode.CONFIG), duration_s=0.0,
                )
            )  # fmt: skip
            os.close(handle)
            return None
        under_way = _UnderWay(run, process, handle, task.timeout_s)
        under_way.began = app.clock.monotonic()
        runs.note_process(app.data, run, process.pid)
        return under_way

    def ended(self, each: _UnderWay) -> bool:
        """Whether a run has ended; ends it when it takes too long, or when we are to stop."""
        clock = self.app.clock
        code = each.process.poll()
        took = clock.monotonic() - each.began
        if code is None:
            if self.stop.is_set() and each.why == "ended":
                each.why = "stopped"
            if took > each.timeout_s and each.why == "ended":
                each.why = "timeout"
            if each.why != "ended":
                each.process.end(clock.monotonic())
            return False
        if each.why != "ended":
            each.process.reap()
        done = runs.finish(
            self.app.data, each.run, clock.now(), status=each.why, exit_code=code, duration_s=took
        )
        self.ran.append(done)
        os.close(each.handle)
        return True


def _write(path: Any, text: str) -> None:
    """Say in a run's output why there is none."""
    from contextlib import suppress

    from storeops import paths
    from storeops.private_file import write_bytes

    with suppress(OSError):
        paths.private_folder(path.parent)
        write_bytes(path, text.encode() + b"\n")
