"""Tasks: what runs, when, and what is known of the last run. Kept by name."""

from __future__ import annotations

import json
import re
import shlex
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from itertools import takewhile
from typing import Any

from storeops import times
from storeops.database.database import Database
from storeops.domain import registry
from storeops.domains.schedule import cron
from storeops.errors import ConflictError, NotFoundError, UsageError
from storeops.i18n import _
from storeops.spelling import did_you_mean

TIMEOUT_S = 3600
RETRIES = 3
LATE_S = 15 * 60.0  # so long after its moment a run, or its absence, is called late
WELL = (0, 10)  # exit codes of a run that ended as it should (10: changes present)
SKEW_S = 86_400.0  # the clock was set back by more than this: moments are reckoned anew
MOST_MISSED = 1000  # moments that passed are counted no further

_NAME = re.compile(r"\w[\w.-]{0,63}\Z")
_SECRET = re.compile(
    r"(?i)(access_token|corpsecret|secret|token|encodingaeskey|password|webhook\S*[?&]key)=\S"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task and how it stands. Times in Unix seconds of WeCom's clock.

    Attributes:
        name: what it is called.
        cron: five fields, in the zone of the settings.
        calendar: every | workdays | holidays.
        words: the words behind `storeops`.
        folder: where it runs, "" for the home.
        enabled: not paused.
        jitter_s: it starts up to so many seconds later, always by the same.
        timeout_s: it is ended after so long.
        retries: how often a run is tried again that ended with 7, 8, 69 or was killed.
        catch_up: a moment that was slept through is made up for.
        added_at: when it was added or changed.
        zone: in which `due_at` was reckoned.
        answered_at: moments up to here have had their run, or never will.
        due_at: the next moment, None when none comes.
        estimated: what kind of day that is has not been announced.
        next_at: when it starts: `due_at` and the jitter, or a retry.
        retry_due: the moment whose run is tried again, None usually.
        attempt: tries that this moment has had.
        last_run_at, last_exit_code, last_duration_s, last_status: of the newest run.
        missed: moments without a run of their own, before the last one.
    """

    name: str
    cron: str
    calendar: str = "every"
    words: tuple[str, ...]
    folder: str = ""
    enabled: bool = True
    jitter_s: int = 0
    timeout_s: int = TIMEOUT_S
    retries: int = RETRIES
    catch_up: bool = True
    added_at: float = 0.0
    zone: str = ""
    answered_at: float = 0.0
    due_at: float | None = None
    estimated: bool = False
    next_at: float | None = None
    retry_due: float | None = None
    attempt: int = 0
    last_run_at: float | None = None
    last_exit_code: int | None = None
    last_duration_s: float | None = None
    last_status: str = ""
    missed: int = 0

    @property
    def command(self) -> str:
        """The command line, as a person would type it."""
        return shlex.join(["storeops", *self.words])

    @property
    def delay_s(self) -> int:
        """Seconds of jitter: the same every time, other ones for other tasks."""
        import zlib

        if not self.jitter_s:
            return 0
        return zlib.crc32(self.name.lower().encode()) % (self.jitter_s + 1)

    @property
    def failed(self) -> bool:
        """Whether the newest run did not end as it should."""
        if self.last_status in ("", "running", "skipped"):
            return False
        return self.last_status != "ended" or self.last_exit_code not in WELL

    def late(self, now: float) -> bool:
        """Whether it should have begun, and nothing has begun it."""
        return self.enabled and self.next_at is not None and self.next_at < now - LATE_S

    def reckoned(self, after: float) -> Task:
        """The same with its next moment after one; a retry is given up."""
        due = cron.next_due(self.cron, self.calendar, after)
        return replace(
            self,
            zone=zone_name(),
            answered_at=after,
            due_at=due.at if due else None,
            estimated=bool(due and due.estimated),
            next_at=due.at + self.delay_s if due else None,
            retry_due=None,
            attempt=0,
        )

    def missed_by(self, now: float) -> int:
        """Moments without a run of their own: before the last run, and since it."""
        if not self.late(now) or self.retry_due is not None:
            return self.missed
        _last, count = cron.passed(
            self.cron, self.calendar, self.answered_at, now - self.delay_s, MOST_MISSED
        )
        return self.missed + count

    def as_dict(self, now: float) -> dict[str, Any]:
        """The item of `schedule list --json`; times in Unix seconds."""
        return {
            "name": self.name,
            "cron": self.cron,
            "command": self.command,
            "enabled": self.enabled,
            "next_run_at": self.next_at if self.enabled else None,
            "last_run_at": self.last_run_at,
            "last_exit_code": self.last_exit_code,
            "last_duration_s": self.last_duration_s,
            "missed": self.missed_by(now),
        }


COLUMNS = tuple(each.name for each in fields(Task))
_SELECT = f"SELECT {', '.join(COLUMNS)} FROM schedule_task"
_FLAGS = ("enabled", "catch_up", "estimated")


def zone_name() -> str:
    """The zone in which moments are reckoned."""
    return str(times.zone())


def _task(row: Sequence[Any]) -> Task:
    values = dict(zip(COLUMNS, row, strict=True))
    values["words"] = tuple(json.loads(values["words"]))
    for flag in _FLAGS:
        values[flag] = bool(values[flag])
    return Task(**values)


def keep(connection: sqlite3.Connection, task: Task) -> None:
    """Write a task's row."""
    values = {name: getattr(task, name) for name in COLUMNS}
    values["words"] = json.dumps(task.words, ensure_ascii=False)
    marks = ", ".join(f":{name}" for name in COLUMNS)
    connection.execute(
        f"INSERT OR REPLACE INTO schedule_task ({', '.join(COLUMNS)}) VALUES ({marks})", values
    )


def every(db: Database) -> list[Task]:
    """All tasks by name."""
    return [_task(row) for row in db.execute(f"{_SELECT} ORDER BY name")]


def find(db: Database, name: str) -> Task | None:
    """The task of a name."""
    row = db.execute(f"{_SELECT} WHERE name = ?", (name,)).fetchone()
    return _task(row) if row else None


def get(db: Database, name: str) -> Task:
    """The task of a name.

    Raises:
        NotFoundError: there is none.
    """
    found = find(db, name)
    if found is None:
        names = [row[0] for row in db.execute("SELECT name FROM schedule_task ORDER BY name")]
        raise NotFoundError(
            _("There is no task {name}.").format(name=name),
            hint=did_you_mean(
                name, names, _("`storeops schedule list` shows the tasks there are.")
            ),
            next_steps=["storeops schedule list"],
        )
    return found


_DUE = f" WHERE enabled = 1 AND (next_at <= :now OR zone <> :zone OR answered_at > :now + {SKEW_S})"


def anything_to_do(db: Database, now: float) -> bool:
    """Whether something is due, or was begun and not ended. One small read."""
    row = db.execute(
        f"SELECT EXISTS (SELECT 1 FROM schedule_task{_DUE})"
        " OR EXISTS (SELECT 1 FROM schedule_run WHERE status = 'running')",
        {"now": now, "zone": zone_name()},
    ).fetchone()
    return bool(row[0])


def due(db: Database, now: float) -> list[Task]:
    """Tasks whose moment has come, the longest due first; those that look at the others last."""
    rows = db.execute(
        f"{_SELECT} WHERE enabled = 1 AND next_at <= ? ORDER BY coalesce(retry_due, due_at), name",
        (now,),
    )
    looks = {_verb(spec.command) for _domain, spec in registry().named("tasks").values()
             if spec.looks}  # fmt: skip
    return sorted(map(_task, rows), key=lambda task: _verb(task.words) in looks)


def _verb(words: Sequence[str]) -> tuple[str, ...]:
    """The words before the first option: noun and verb."""
    return tuple(takewhile(lambda word: not word.startswith("-"), words))


def reckon_anew(db: Database, now: float) -> None:
    """Next moments of tasks whose zone is another now, or whose clock was set back by a day."""
    rows = db.execute(
        f"{_SELECT} WHERE enabled = 1 AND (zone <> ? OR answered_at > ?)",
        (zone_name(), now + SKEW_S),
    ).fetchall()
    if not rows:
        return
    with db.atomic() as connection:
        for task in map(_task, rows):
            keep(connection, task.reckoned(min(now, task.answered_at)))


def must_be_fit(name: str, words: Sequence[str]) -> None:
    """Refuse a name or a command that cannot be a task's.

    Raises:
        UsageError: which, and why.
    """
    if not _NAME.match(name):
        raise UsageError(
            _("“{name}” is no name of a task.").format(name=name[:80]),
            hint=_("Letters, digits, _ . and -, at most 64, beginning with a letter or digit."),
        )
    if not words:
        raise UsageError(
            _("The command of the task is missing."),
            hint=_("It stands behind --: {example}").format(
                example="--cron '0 2 * * *' -- sync run --quiet"
            ),
        )
    if any(_SECRET.search(word) for word in words):
        raise UsageError(
            _("The command holds something secret; everybody on this machine could read it."),
            hint=_("Secrets stand in the environment or in secrets.toml, never in a command."),
        )


def add(db: Database, task: Task, now: float, *, replace_it: bool = False) -> Task:
    """Keep a task; its first moment is the first one after now.

    Args:
        db: data.db.
        task: with what a person chose.
        now: WeCom's time.
        replace_it: take the place of the one of that name; its last run stays known.

    Raises:
        UsageError: expression, calendar, name or command do not do.
        ConflictError: there is one of that name.
    """
    must_be_fit(task.name, task.words)
    kept = cron.must_be_understood(task.cron, task.calendar, now)
    task = replace(task, cron=kept, added_at=now).reckoned(now)
    with db.atomic() as connection:
        before = find(db, task.name)
        if before is not None:
            if not replace_it:
                raise ConflictError(
                    _("There is a task {name} already.").format(name=before.name),
                    hint=_("Take another name, or --replace."),
                    next_steps=[f"storeops schedule show {shlex.quote(before.name)}"],
                )
            task = replace(
                task,
                name=before.name,
                last_run_at=before.last_run_at,
                last_exit_code=before.last_exit_code,
                last_duration_s=before.last_duration_s,
                last_status=before.last_status,
            )
        keep(connection, task)
    return task


def remove(db: Database, name: str) -> Task:
    """Forget a task; its history stays.

    Raises:
        NotFoundError: there is none.
    """
    with db.atomic() as connection:
        task = get(db, name)
        connection.execute("DELETE FROM schedule_task WHERE name = ?", (task.name,))
    return task


def enable(db: Database, names: Iterable[str], now: float, *, enabled: bool) -> list[Task]:
    """Pause tasks or let them go on; what passed while paused is not made up for.

    Raises:
        NotFoundError: there is no such task; nothing was changed.
    """
    changed = []
    with db.atomic() as connection:
        for name in names:
            task = get(db, name)
            if task.enabled != enabled:
                task = replace(task, enabled=enabled)
                keep(connection, task.reckoned(now) if enabled else task)
            changed.append(task)
    return changed


def completion_values(db: Database, start: str) -> list[tuple[str, str]]:
    """Completion: names that begin so, with their commands."""
    return [
        (task.name, task.command)
        for task in every(db)
        if task.name.lower().startswith(start.lower())
    ]
