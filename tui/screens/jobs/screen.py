"""Jobs: the calls that carry plans out – live tallies, what holds them back, and every job."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import Static

from storeops.i18n import N_, _, ngettext
from storeops.times import second
from tui.cells import shown
from tui.keys import DO, LIST, LOOK, Key
from tui.position_rows import PositionRows
from tui.screens.base import BaseScreen
from tui.screens.jobs import rows as job_list
from tui.screens.jobs.card import details, event, summary
from tui.screens.ledger import LedgerWatch, PlanControl
from tui.widgets.panes import ListPane
from tui.widgets.rows import Line, ListColumn, TableRows
from tui.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from storeops.changes.jobs.listing import JobEvent, JobRow
    from storeops.changes.jobs.progress import JobProgress

TALL = 36
FILTERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (N_("all jobs"), ()),
    (N_("unfinished"), ("queued", "sending", "unknown", "waiting")),
    (N_("failed"), ("failed",)),
)


class JobsScreen(BaseScreen):
    """Tallies above, jobs, and what happened to the one under the cursor below."""

    FIRST: ClassVar[str] = "jobs"
    CSS_PATH = Path(__file__).with_name("jobs.tcss")
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("open", "", N_("Details"), N_("All about the job and what happened to it."), LOOK,
            footer=True, shown="Enter"),
        Key("narrow", "slash,f3", N_("Filter"), N_("All jobs, only unfinished, only failed."), LOOK,
            footer=True),
        Key("only", "o,f4", N_("Plan"),
            N_("Only the jobs of this job's plan, or those of all plans again."), LOOK,
            footer=True),
        Key("run", "s,f6", N_("Work"), N_("Send what is queued; asks first."), DO, footer=True),
        Key("stop", "b,f8", N_("Stop"),
            N_("Stop sending after the calls in flight; what is left stays queued."), DO,
            footer=True),
        Key("pause", "z", N_("Pause"),
            N_("Send nothing more of this job's plan until it is resumed."), DO),
        Key("resume", "w", N_("Resume"), N_("Go on with a paused plan; asks first."), DO),
        Key("retry", "t", N_("Retry"),
            N_("Send the failed rows of the job, or of its whole plan, again; asks first."), DO),
        Key("cancel", "c", N_("Cancel"),
            N_("Cancel the queued job, or what is queued of its plan; asks first."), DO),
        Key("plan", "p", N_("Plan's rows"), N_("The plan of the job, row by row."), LOOK),
        *LIST,
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._filter = 0
        self._only = ""  # plan_id, "" for all
        self._only_id: int | None = None
        self._read_job: int | None = None
        self._progress: JobProgress | None = None
        self.control = PlanControl(self)
        self.parts = (LedgerWatch(self), self.control)

    def body(self) -> Iterable[Widget]:
        """Tallies, jobs, events."""
        happened = [
            ListColumn("at", _("When"), 19, keep=7, tone="dim"),
            ListColumn("kind", _("Event"), 14, keep=9),
            ListColumn("detail", _("Detail"), 20, 4, keep=8),
        ]
        with Vertical(id="body"):
            yield ListPane(
                VirtualList(job_list.columns(), *self.list_workers(), id="jobs"),
                Static("", id="progress"),
                title=_("Jobs"),
            )
            yield ListPane(
                VirtualList(happened, *self.list_workers(".below"), id="events"),
                title=_("What happened"),
            )

    # -- reading -------------------------------------------------------------------------------

    def arrive(self, target: str) -> None:
        """Come for the jobs of a plan."""
        if target != self._only:
            self._choose(target)

    def _choose(self, name: str) -> None:
        from storeops.changes import plans

        db = self.app.core.data
        if not name:
            self._chosen("", None)
            return
        self.read(lambda: plans.get(db, name).id, lambda key: self._chosen(name, key), key="only")

    def _chosen(self, name: str, key: int | None) -> None:
        self._only, self._only_id = name, key
        self._read(stay=False)

    def read_again(self) -> None:
        """Tallies and jobs, in place."""
        self._read(stay=True)

    def _read(self, *, stay: bool) -> None:
        from storeops.changes.jobs import progress as job_rows

        core, plan, statuses = self.app.core, self._only_id, FILTERS[self._filter][1]

        def window(start: int, size: int) -> Sequence[JobRow]:
            return job_rows.window(core.data, plan, statuses, start, size)

        source = PositionRows(
            window, lambda: job_rows.count(core.data, plan, statuses), job_list.line
        )
        self._read_job = None
        self.listing("jobs").show(source, stay=stay)
        self.read(
            lambda: job_rows.progress_of(core.ledger, core.governor, plan),
            self._show_progress,
            key="progress",
        )

    def _show_progress(self, progress: JobProgress) -> None:
        self._progress = progress
        self.query_one("#progress", Static).update(summary(progress, self.app.working.line()))
        self.paint_frame()

    @on(VirtualList.Moved, "#jobs")
    def _moved(self, event: VirtualList.Moved) -> None:
        job = self.job
        if job is None:
            self._put_events([])
            return
        if self._read_job != job.job_id:
            self._read_job = job.job_id
            from storeops.changes.jobs.listing import events as happened

            db, key = self.app.core.data, job.job_id
            self.read(lambda: happened(db, job_id=key, limit=500), self._put_events, key="events")

    def _put_events(self, found: Sequence[JobEvent]) -> None:
        lines = [
            Line(at, (second(each.at), event(each.kind), shown(each.detail)), "", each)
            for at, each in enumerate(found)
        ]
        self.listing("events").empty = _("Nothing out of the plain way.")
        self.listing("events").show(TableRows(lines))
        self.paint_frame()

    @on(VirtualList.Opened)
    def _opened(self, event: VirtualList.Opened) -> None:
        self.perform("open")

    # -- frame ---------------------------------------------------------------------------------

    def fold(self, size: Size) -> None:
        """Give events more lines where there are many."""
        super().fold(size)
        self.set_class(size.height >= TALL, "tall")

    def crumbs(self) -> list[str]:
        """The plan and the filter."""
        crumbs = [self._only] if self._only else []
        if self._filter:
            crumbs.append(_(FILTERS[self._filter][0]))
        return crumbs

    def command_line(self) -> str:
        """The command that lists the same."""
        words = ["storeops", "job", "list"]
        core = self.app.core
        if core.profile.name != core.settings.profile:
            words += ["--profile", core.profile.name]
        if self._only:
            words += ["--plan", self._only]
        if statuses := FILTERS[self._filter][1]:
            words += ["--status", ",".join(statuses)]
        return shlex.join(words)

    def step_back(self) -> bool:
        """To the jobs, to all of them."""
        if self.focused is not self.listing("jobs"):
            self.listing("jobs").focus()
            return True
        if (self._filter or self._only) and not self.app.linked:
            self._filter = 0
            self._choose("")
            return True
        return False

    # -- why not -------------------------------------------------------------------------------

    @property
    def job(self) -> JobRow | None:
        """The job under the cursor."""
        line = self.listing("jobs").line
        return cast("JobRow", line.data) if line is not None else None

    def why_not(self, action: str) -> str:
        """What the queue allows now."""
        progress, working = self._progress, self.app.working.running
        if action == "stop":
            return "" if working else _("Nothing is being sent from this window.")
        if action in ("run", "pause", "resume", "retry", "cancel"):
            if reason := self.app.why_no_write():
                return reason
            if action == "run":
                if working:
                    return _("It is being sent already.")
                if progress is None or not progress.left:
                    return _("Nothing is left to send.")
                return ""
        if action in ("open", "only", "pause", "resume", "retry", "cancel", "plan", "jump"):
            if self.job is None:
                return _("There is no job under the cursor.")
            return self._why_not_job(action, self.job)
        return super().why_not(action)

    def _why_not_job(self, action: str, job: JobRow) -> str:
        if action == "pause" and (job.status != "queued" or job.held):
            return _("This job does not wait to be sent.")
        if action == "resume" and not job.held:
            return _("Its plan is not paused.")
        if action == "retry" and job.status != "failed":
            return _("This job has not failed.")
        if action == "cancel" and job.status != "queued":
            return _("Only what is queued can be cancelled.")
        return ""

    # -- actions -------------------------------------------------------------------------------

    def do_open(self) -> None:
        """All about the job."""
        from storeops.changes.jobs.listing import events as happened
        from storeops.changes.jobs.listing import show

        job, db = cast("JobRow", self.job), self.app.core.data

        def load() -> Content:
            found, rows = show(db, job.job_id)
            return details(found, rows, happened(db, job_id=job.job_id, limit=500))

        name = _("Job {job}").format(job=job.job_id)
        self.read(load, lambda content: self.open_text(name, content), key="open")

    def do_narrow(self) -> None:
        """The next filter."""
        self._filter = (self._filter + 1) % len(FILTERS)
        self._read(stay=False)
        self.paint_frame()

    def do_only(self) -> None:
        """Only this plan, or all."""
        self._choose("" if self._only else cast("JobRow", self.job).plan_id)

    def do_plan(self) -> None:
        """To the plan."""
        self.app.go("plans", cast("JobRow", self.job).plan_id)

    def do_run(self) -> None:
        """Send what is queued, after asking."""
        left = cast("JobProgress", self._progress).left
        self.confirm(
            _("Send what is queued?"),
            ngettext(
                "{count} call goes to WeCom; its plan was applied before.",
                "{count} calls go to WeCom; their plans were applied before.",
                left,
            ).format(count=f"{left:,}"),
            self.app.working.start,
        )

    def do_stop(self) -> None:
        """Stop after the calls in flight."""
        self.app.working.stop()
        self.app.notify(_("Stopping after the calls in flight …"))

    def do_pause(self) -> None:
        """Hold the plan."""
        from storeops.changes.control import pause

        ledger, name = self.app.core.ledger, cast("JobRow", self.job).plan_id
        self.work(lambda: pause(ledger, name), lambda _jobs: self.read_again())

    def do_resume(self) -> None:
        """Go on with the plan."""
        self.control.resume(cast("JobRow", self.job).plan_id, paused=True)

    def do_retry(self) -> None:
        """The job's rows, or all of its plan."""
        job = cast("JobRow", self.job)
        self._which(
            _("Send failed rows again?"),
            job,
            lambda: self.control.retry(job.plan_id, job.job_id),
            lambda: self.control.retry(job.plan_id),
        )

    def do_cancel(self) -> None:
        """The job, or what is queued of its plan."""
        from storeops.changes.control import CancelledRows, cancel_job, cancel_plan

        job, ledger = cast("JobRow", self.job), self.app.core.ledger

        def done(what: CancelledRows) -> None:
            said = ngettext("{count} row is cancelled.", "{count} rows are cancelled.", what.rows)
            self.app.notify(f"{said.format(count=f'{what.rows:,}')} {what.words()}".rstrip())
            self.read_again()

        self._which(
            _("Cancel what is queued?"),
            job,
            lambda: self.work(lambda: cancel_job(ledger, job.job_id), done),
            lambda: self.work(lambda: cancel_plan(ledger, job.plan_id), done),
        )

    def _which(
        self, question: str, job: JobRow, one: Callable[[], object], whole: Callable[[], object]
    ) -> None:
        from tui.modals.choose import ChooseModal

        ways = [
            ("one", _("Only job {job}").format(job=job.job_id)),
            ("whole", _("The whole plan {plan}").format(plan=job.plan_id)),
        ]

        def then(way: str | None) -> None:
            if way is not None:
                (one if way == "one" else whole)()

        self.open_window(ChooseModal(question, "", ways), then)
