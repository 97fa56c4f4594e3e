"""Night: tasks at their hours, how the last run ended, the next one, what was printed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.content import Content

from storeops.domains.schedule import runs, tasks
from storeops.domains.schedule.process import read_output
from storeops.domains.schedule.runs import STATUSES, TaskRun
from storeops.domains.schedule.tasks import WELL, Task
from storeops.domains.schedule.today import how_it_ended
from storeops.durations import span
from storeops.i18n import N_, _
from storeops.times import minute
from tui.cells import shown
from tui.fields import fields
from tui.keys import DO, LIST, LOOK, Key
from tui.screens.listing import ListScreen
from tui.widgets.rows import Line, ListColumn

PRINTED = 20_000  # bytes of a run's output that are shown, its end
RUNS = 8  # past runs on the card


class NightScreen(ListScreen):
    """Every task; Enter shows its last runs and what the last one printed."""

    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("filter", "slash,f3", N_("Filter"),
            N_("Narrow the list to rows that hold all the words typed."), LOOK, footer=True),
        Key("pause", "z,f6", N_("Pause"), N_("Let the task wait until it is resumed."), DO,
            footer=True),
        Key("resume", "w,f8", N_("Resume"), N_("Let the paused task go on."), DO, footer=True),
        Key("copy", "y", N_("Copy"), N_("Copy the id of the row under the cursor."), LOOK),
        *LIST,
    )  # fmt: skip

    def columns(self) -> list[ListColumn]:
        """Name, hours, next and last run, how it ended."""
        return [
            ListColumn("name", _("Task"), 14, 2, keep=9),
            ListColumn("cron", _("At"), 13, keep=4),
            ListColumn("next", _("Next"), 16, keep=8),
            ListColumn("last", _("Last"), 16, keep=6),
            ListColumn("how", _("How"), 14, 2, keep=7),
            ListColumn("missed", _("Missed"), 6, right=True, keep=3),
        ]

    def load(self) -> Sequence[Line]:
        """All tasks with their last runs (background)."""
        core = self.app.core
        now = core.clock.now()
        return [self._line(task, now) for task in tasks.every(core.data)]

    def _line(self, task: Task, now: float) -> Line:
        how = _(STATUSES[task.last_status]) if task.last_status else ""
        if task.failed:
            how = "! " + how_it_ended(task.last_status, task.last_exit_code)
        following = minute(task.next_at) if task.enabled else _("paused")
        late = task.late(now)
        tone = "bad" if task.failed or late else "warn" if task.missed else ""
        missed = task.missed_by(now)
        core = self.app.core
        past = runs.history(core.data, task.name, limit=RUNS)
        printed = read_output(core.profile.name, task.name, past[0].id, PRINTED) if past else ""
        return Line(
            task.name,
            (
                shown(task.name),
                shown(task.cron),
                f"! {following}" if late else following,
                minute(task.last_run_at),
                how,
                f"{missed:,}" if missed else "",
            ),
            tone if task.enabled else "gone",
            (task, past, printed),
        )

    def card(self, line: Line) -> Content:
        """Its command, its last runs, what the last one printed."""
        assert isinstance(line.data, tuple)
        task: Task = line.data[0]
        past: list[TaskRun] = line.data[1]
        printed: str = line.data[2]
        return fields(
            line.cells[0],
            [
                (_("Command"), task.command),
                (_("At"), task.cron),
                (_("Next"), line.cells[2]),
                (_("Missed"), line.cells[5]),
                (_("Runs"), "\n".join(map(_run_line, past))),
                (_("Printed"), "\n" + printed.rstrip() if printed else ""),
            ],
        )

    def nothing(self) -> str:
        """Where a first night comes from."""
        return _("There are no tasks; `storeops schedule defaults` proposes some.")

    def task_here(self) -> Task | None:
        """The task under the cursor."""
        line = self.table.line
        return line.data[0] if line is not None and isinstance(line.data, tuple) else None

    def why_not(self, action: str) -> str:
        """A task is needed, in the other condition."""
        if action in ("pause", "resume"):
            task = self.task_here()
            if task is None:
                return _("There is no task under the cursor.")
            if task.enabled == (action == "resume"):
                return _("It is paused already.") if action == "pause" else _("It is not paused.")
        return super().why_not(action)

    def do_pause(self) -> None:
        """Let the task wait."""
        self._enable(enabled=False)

    def do_resume(self) -> None:
        """Let it go on."""
        self._enable(enabled=True)

    def _enable(self, *, enabled: bool) -> None:
        task, core = self.task_here(), self.app.core
        if task is None:
            return
        name = task.name

        def change() -> list[Task]:
            return tasks.enable(core.data, [name], core.clock.now(), enabled=enabled)

        self.work(change, lambda _changed: self.read_again())

    def command_line(self) -> str:
        """The command."""
        return "storeops schedule list"


def _run_line(run: TaskRun) -> str:
    how = _(STATUSES[run.status])
    if run.exit_code not in (None, *WELL):
        how = "! " + how_it_ended(run.status, run.exit_code)
    took = "" if run.duration_s is None else span(run.duration_s)
    return "  ".join(filter(None, (minute(run.started_at), how, took)))
