"""What the morning says of the night: tasks that failed, were missed, or that nobody starts."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from storeops.database.database import Database
from storeops.domain import TodayLine
from storeops.domains.schedule import tasks
from storeops.domains.schedule.runs import STATUSES
from storeops.domains.schedule.tasks import Task
from storeops.durations import ago
from storeops.i18n import _, ngettext

NAMED = 3  # tasks with a line of their own; more are one line


def today(db: Database, now: float) -> list[TodayLine]:
    """Lines of Today and `status`; none when all went as it should."""
    found = [task for task in tasks.every(db) if task.enabled]
    return [*_late(found, now), *_failed(found, now), *_missed(found)]


def how_it_ended(status: str, exit_code: int | None) -> str:
    """How a run that failed ended, a few words.

    Args:
        status: of the run, a key of `runs.STATUSES`.
        exit_code: of its process; negative for a signal.
    """
    if status in ("timeout", "stopped", "lost"):
        return _(STATUSES[status])
    if exit_code is None:
        return _(STATUSES["lost"])
    if exit_code < 0:
        return _("killed by signal {number}").format(number=-exit_code)
    return _("exit code {code}").format(code=exit_code)


def _failed(found: Sequence[Task], now: float) -> Iterator[TodayLine]:
    failed = [task for task in found if task.failed]
    if len(failed) > NAMED:
        text = ngettext(
            "{count} task failed: {names}.", "{count} tasks failed: {names}.", len(failed)
        ).format(count=len(failed), names=_names(failed))
        yield TodayLine(text, "storeops schedule list", "bad", "night")
        return
    for task in failed:
        text = _("The task {name} failed {ago}: {how}.").format(
            name=task.name,
            ago=ago(task.last_run_at, now),
            how=how_it_ended(task.last_status, task.last_exit_code),
        )
        step = f"storeops schedule show {shlex.quote(task.name)}"
        yield TodayLine(text, step, "bad", "night", task.name)


def _missed(found: Sequence[Task]) -> Iterator[TodayLine]:
    missed = [task for task in found if task.missed]
    count = sum(task.missed for task in missed)
    if count:
        text = ngettext(
            "{count} run of tasks was missed: {names}.",
            "{count} runs of tasks were missed: {names}.",
            count,
        ).format(count=count, names=_names(missed))
        yield TodayLine(text, "storeops schedule list", "warn", "night")


def _late(found: Sequence[Task], now: float) -> Iterator[TodayLine]:
    late = [task for task in found if task.late(now)]
    if late:
        first = min(task.next_at or now for task in late)
        text = ngettext(
            "{count} task was due {ago}, and nothing starts it: {names}.",
            "{count} tasks were due {ago}, and nothing starts them: {names}.",
            len(late),
        ).format(count=len(late), ago=ago(first, now), names=_names(late))
        yield TodayLine(text, "storeops schedule install", "bad", "night")


def _names(found: Sequence[Task]) -> str:
    some = _(", ").join(task.name for task in found[:NAMED])
    return f"{some} …" if len(found) > NAMED else some
