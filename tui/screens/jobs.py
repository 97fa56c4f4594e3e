"""Jobs: the calls that carry plans out, with a live tally; run, stop, retry, cancel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

from storeops.i18n import N_, _
from storeops.jobs.listing import JobRow, events, listing
from tui.cells import shown
from tui.keys import DO, Key
from tui.screens.two_lists import TwoLists
from tui.times import moment
from tui.widgets.rows import Column, Line

JOBS = 2_000


class JobsScreen(TwoLists):
    """Jobs above, what happened to the one under the cursor below."""

    NAME: ClassVar[str] = "jobs"
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("run", "s,f6", N_("Work"), N_("Work at the queue until it is empty."), DO, footer=True),
        Key("stop", "z,f8", N_("Stop"), N_("Stop after the calls in flight."), DO, footer=True),
        Key("cancel", "X", N_("Cancel"), N_("Cancel the queued job under the cursor."), DO,
            footer=True),
        Key("retry", "R", N_("Retry"), N_("Send its failed rows again."), DO),
        *TwoLists.KEYS,
    )  # fmt: skip

    def top_columns(self) -> list[Column]:
        """Number, plan, status, answer."""
        return [
            Column("job", _("Job"), 7, right=True, keep=9),
            Column("plan", _("Plan"), 12, keep=8),
            Column("action", _("Kind"), 10, 1, keep=5),
            Column("rows", _("Rows"), 6, right=True, keep=6),
            Column("status", _("Status"), 10, keep=9),
            Column("tries", _("Tries"), 6, right=True, keep=4),
            Column("code", _("Code"), 7, right=True, keep=7),
            Column("error", _("Trouble"), 12, 3, keep=6),
        ]

    def rows_columns(self) -> list[Column]:
        """When, what, details."""
        return [
            Column("at", _("When"), 16, keep=7),
            Column("kind", _("Event"), 12, 1, keep=9),
            Column("detail", _("Detail"), 20, 4, keep=8),
        ]

    def load_top(self) -> Sequence[Line]:
        """Jobs, newest first (lane)."""
        return [
            Line(
                job.job_id,
                (
                    str(job.job_id),
                    job.plan_id,
                    shown(job.action),
                    f"{job.rows:,}",
                    _("held") if job.held else job.status,
                    str(job.attempts),
                    str(job.errcode or ""),
                    shown(job.error or ""),
                ),
                {"failed": "bad", "unknown": "bad", "cancelled": "gone"}.get(job.status, ""),
                job,
            )
            for job in listing(self.house.core.data, limit=JOBS)
        ]

    def load_rows(self, line: Line) -> tuple[Sequence[Line], str]:
        """Steps out of the plain way (lane)."""
        job = cast("JobRow", line.data)
        found = events(self.house.core.data, job_id=job.job_id, limit=500)
        return [
            Line(at, (moment(event.at), shown(event.kind), shown(event.detail)))
            for at, event in enumerate(found)
        ], self._tally()

    def _tally(self) -> str:
        from storeops.jobs import queue

        counts = queue.counts(self.house.core.data)
        text = ", ".join(f"{count:,} {status}" for status, count in counts.items() if count)
        governor = self.house.core.governor
        left = queue.unfinished(self.house.core.data)
        if left:
            paths = {"tag": "externalcontact/mark_tag", "remark": "externalcontact/remark"}
            line = self.top.line
            kind = cast("JobRow", line.data).action if line is not None else "tag"
            forecast = governor.estimate(paths.get(kind, "externalcontact/mark_tag"), left)
            text += " · " + _("about {seconds} s left").format(seconds=round(forecast.seconds))
        return " · ".join(part for part in (text, self.house.working.line()) if part)

    def jobs_moved(self) -> None:
        """Answers came."""
        self.read_again()

    def command_line(self) -> str:
        """The command."""
        return "storeops job list"

    def why_not(self, action: str) -> str:
        """What the queue allows."""
        working = self.house.working.running
        if action == "stop":
            return "" if working else _("No work is done in this window.")
        if action in ("run", "cancel", "retry") and self.house.readonly:
            return _("Changes are refused in read-only mode.")
        if action == "run" and working:
            return _("It is at work already.")
        line = self.top.line
        if action in ("cancel", "retry"):
            if line is None:
                return _("There is no job.")
            status = cast("JobRow", line.data).status
            if action == "cancel" and status not in ("queued", "waiting"):
                return _("Only a queued job can be cancelled.")
            if action == "retry" and status != "failed":
                return _("This job has not failed.")
        return super().why_not(action)

    def do_run(self) -> None:
        """Work."""
        self.house.working.start()

    def do_stop(self) -> None:
        """Stop."""
        self.house.working.stop()
        self.house.tell(_("Stopping after the calls in flight …"))

    def do_cancel(self) -> None:
        """Cancel the job, after asking."""
        from storeops.changes.control import cancel_job
        from tui.modals.ask import AskModal

        line = self.top.line
        if line is None:
            return
        ledger, number = self.house.core.ledger, int(str(line.key))

        def then(yes: bool | None) -> None:
            if yes:
                self.work(lambda: cancel_job(ledger, number), lambda _rows: self.read_again())

        self.app.push_screen(
            AskModal(
                _("Cancel job {job}?").format(job=number),
                _("Its rows are not sent. Press y to cancel it."),
                keys=("y",),
            ),
            then,
        )

    def do_retry(self) -> None:
        """Send its failed rows again."""
        from storeops.changes.control import retry_failed

        line = self.top.line
        if line is None:
            return
        job = cast("JobRow", line.data)
        ledger = self.house.core.ledger

        def then(rows: int) -> None:
            self.house.tell(_("{rows} rows are on their way.").format(rows=f"{rows:,}"))
            self.read_again()
            self.house.working.start()

        self.work(lambda: retry_failed(ledger, job.plan_id, job_id=job.job_id), then)
