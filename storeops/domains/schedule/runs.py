"""Runs of tasks: begun, ended, taken over from a process that died, listed."""

from __future__ import annotations

import shlex
import sqlite3
from dataclasses import dataclass, fields, replace
from typing import Any

from storeops.database.database import Database
from storeops.domains.schedule import tasks
from storeops.domains.schedule.cron import passed
from storeops.domains.schedule.tasks import Task
from storeops.errors import ExitCode, NotFoundError
from storeops.i18n import N_, _
from storeops.retrying import Waits

KEPT = 1000  # runs of one task that history goes back to
AGAIN = (ExitCode.LIMIT, ExitCode.NETWORK, ExitCode.STILL_RUNNING)  # may well go better later
WAITS = Waits(None, 240.0, 3600.0)  # before a run is tried again
STATUSES = {
    "running": N_("runs"),
    "ended": N_("ended"),
    "timeout": N_("ended for taking too long"),
    "stopped": N_("stopped"),
    "lost": N_("its end was not seen"),
    "skipped": N_("too late to be made up for"),
}
REASONS = {
    "running": N_("still runs"),
    "busy": N_("another run-due is at work"),
    "too_late": N_("too late to be made up for"),
    "stopped": N_("stopped before its turn"),
}


@dataclass(frozen=True, slots=True)
class TaskRun:
    """One run. Times in Unix seconds of WeCom's clock.

    Attributes:
        id: its number.
        task: the task's name.
        due_at: the moment it was for; None when started by hand.
        started_at, finished_at: from when to when; None while it runs.
        exit_code: of the process; negative for the signal that ended it; None when nobody saw it.
        duration_s: how long it took.
        status: one of `STATUSES`.
        attempt: which try for this moment it was, from 1.
        missed: earlier moments that it stands for.
        pid: of the task's process, None when it never had one.
    """

    id: int
    task: str
    due_at: float | None
    started_at: float
    finished_at: float | None
    exit_code: int | None
    duration_s: float | None
    status: str
    attempt: int
    missed: int
    pid: int | None

    def as_dict(self) -> dict[str, Any]:
        """The item of `schedule history --json`; times in Unix seconds."""
        return {
            "run": self.id,
            "name": self.task,
            "due_at": self.due_at,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "exit_code": self.exit_code,
            "duration_s": self.duration_s,
            "status": self.status,
            "attempt": self.attempt,
            "missed": self.missed,
        }


_COLUMNS = ", ".join(each.name for each in fields(TaskRun))


def history(
    db: Database, task: str = "", *, before: int | None = None, limit: int | None = 50
) -> list[TaskRun]:
    """Runs, newest first.

    Args:
        db: data.db.
        task: only of this one; "" for all.
        before: only runs below this number.
        limit: rows at most; None for all.
    """
    where, values = ["id < ?"], [before if before is not None else 1 << 62]
    if task:
        where.insert(0, "task = ?")
        values.insert(0, task)  # type: ignore[arg-type]
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM schedule_run WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?",
        (*values, -1 if limit is None else limit),
    )
    return [TaskRun(*row) for row in rows]


def run_of(db: Database, task: str, number: int | None = None) -> TaskRun:
    """A run of a task by its number, else the newest.

    Raises:
        NotFoundError: there is none.
    """
    found = history(db, task, before=None if number is None else number + 1, limit=1)
    if not found or (number is not None and found[0].id != number):
        raise NotFoundError(
            _("{task} has no run {number}.").format(task=task, number=number)
            if number is not None
            else _("{task} has not run yet.").format(task=task),
            hint=_("`storeops schedule history {task}` lists its runs.").format(
                task=shlex.quote(task)
            ),
        )
    return found[0]


def last_due(db: Database) -> float | None:
    """When a run began last that nobody started by hand, Unix seconds; None: none ever did."""
    row = db.execute(
        "SELECT max(started_at) FROM schedule_run WHERE due_at IS NOT NULL AND status <> 'skipped'"
    ).fetchone()
    return None if row[0] is None else float(row[0])


def unfinished(db: Database) -> list[TaskRun]:
    """Runs that were begun and not ended: they run, or their keeper died."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM schedule_run WHERE status = 'running' ORDER BY id")
    return [TaskRun(*row) for row in rows]


def _insert(
    connection: sqlite3.Connection, task: Task, due_at: float | None, now: float, status: str,
    *, attempt: int = 1, missed: int = 0,
) -> TaskRun:  # fmt: skip
    cursor = connection.execute(
        "INSERT INTO schedule_run (task, due_at, started_at, status, attempt, missed)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (task.name, due_at, now, status, attempt, missed),
    )
    assert cursor.lastrowid is not None
    connection.execute(
        "DELETE FROM schedule_run WHERE task = ? AND id <= (SELECT id FROM schedule_run"
        " WHERE task = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
        (task.name, task.name, KEPT),
    )
    return TaskRun(
        cursor.lastrowid, task.name, due_at, now, None, None, None, status, attempt, missed, None
    )


def claim(db: Database, name: str, now: float) -> TaskRun | None:
    """Begin the run that is due, in one transaction with the next moment; hold the task's lock.

    Of moments that were slept through only the last one runs; the others count as missed.

    Returns:
        The run; of status `skipped` when it is too late for it; None when nothing is due.
    """
    with db.atomic() as connection:
        task = tasks.find(db, name)
        if task is None or not task.enabled or task.next_at is None or task.next_at > now:
            return None
        last, count = passed(
            task.cron, task.calendar, task.answered_at, now - task.delay_s, tasks.MOST_MISSED
        )
        if last is None:
            if task.retry_due is None:  # what was reckoned does not hold any more: a new calendar
                tasks.keep(connection, task.reckoned(now))
                return None
            due_at, attempt, missed = task.retry_due, task.attempt + 1, task.missed
        else:
            due_at, attempt, missed = last, 1, count - 1
        answered = now - task.delay_s  # a moment whose jitter is not over still comes
        late = now - due_at - task.delay_s > tasks.LATE_S
        if late and not task.catch_up and attempt == 1:
            tasks.keep(connection, replace(task.reckoned(answered), missed=missed + 1))
            return _insert(connection, task, due_at, now, "skipped", missed=missed)
        following = replace(
            task.reckoned(answered), attempt=attempt, last_run_at=now, last_exit_code=None,
            last_duration_s=None, last_status="running", missed=missed,
        )  # fmt: skip
        tasks.keep(connection, following)
        return _insert(connection, task, due_at, now, "running", attempt=attempt, missed=missed)


def begin_by_hand(db: Database, name: str, now: float) -> TaskRun:
    """Begin a run that nobody waits for; hold the task's lock.

    Raises:
        NotFoundError: there is no such task.
    """
    with db.atomic() as connection:
        task = tasks.get(db, name)
        tasks.keep(
            connection,
            replace(task, last_run_at=now, last_exit_code=None, last_duration_s=None,
                    last_status="running"),
        )  # fmt: skip
        return _insert(connection, task, None, now, "running")


def note_process(db: Database, run: TaskRun, pid: int) -> None:
    """Keep which process it is."""
    with db.atomic() as connection:
        connection.execute("UPDATE schedule_run SET pid = ? WHERE id = ?", (pid, run.id))


def finish(
    db: Database, run: TaskRun, now: float, *, status: str, exit_code: int | None,
    duration_s: float | None,
) -> TaskRun:  # fmt: skip
    """Keep how a run ended, and plan its next try where one may help.

    Args:
        db: data.db.
        run: as it was begun.
        now: WeCom's time.
        status: ended | timeout | stopped | lost.
        exit_code: of the process; None when nobody saw it.
        duration_s: seconds; None when nobody saw its end.
    """
    took = None if duration_s is None else round(duration_s, 3)
    ended = replace(run, finished_at=now, exit_code=exit_code, duration_s=took, status=status)
    with db.atomic() as connection:
        changed = connection.execute(
            "UPDATE schedule_run SET finished_at = ?, exit_code = ?, duration_s = ?, status = ?"
            " WHERE id = ? AND status = 'running'",
            (now, exit_code, took, status, run.id),
        ).rowcount
        task = tasks.find(db, run.task)
        if not changed or task is None:
            return ended
        newest = connection.execute(
            "SELECT max(id) FROM schedule_run WHERE task = ? AND status <> 'skipped'", (run.task,)
        ).fetchone()[0]
        if newest != run.id:  # another one has begun since
            return ended
        task = replace(task, last_exit_code=exit_code, last_duration_s=took, last_status=status)
        if run.due_at is not None and task.enabled and _again(ended, task):
            at = now if status in ("lost", "stopped") else now + WAITS.after(run.attempt)
            if task.next_at is None or at < task.next_at:
                task = replace(task, next_at=at, retry_due=run.due_at, attempt=run.attempt)
        tasks.keep(connection, task)
    return ended


def _again(run: TaskRun, task: Task) -> bool:
    """Whether another try may go better: passing trouble, or the process was killed."""
    if run.attempt > task.retries:
        return False
    if run.status in ("lost", "stopped"):
        return True
    killed = run.exit_code is not None and run.exit_code < 0
    return run.status == "ended" and (killed or run.exit_code in AGAIN)
