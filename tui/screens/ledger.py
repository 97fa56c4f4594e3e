"""What the screens over plans, jobs and the journal share."""

from __future__ import annotations

from storeops.i18n import _, ngettext
from tui.screens.base import BaseScreen, ScreenPart


class LedgerWatch(ScreenPart):
    """Reads its screen again whenever the ledger moves, in this process or another."""

    def __init__(self, screen: BaseScreen) -> None:
        super().__init__(screen)
        self._ledger_at = -1  # how far the ledger was before it was read; -1: nobody asked yet

    def came_back(self) -> None:
        """Meanwhile nobody told this screen, of the worker neither."""
        self._look()

    def jobs_moved(self) -> None:
        """The worker of this process is further."""
        self.screen.read_again()

    def others_wrote(self) -> None:
        """See whether the ledger has moved."""
        if not self.app.working.running:
            self._look()

    def _look(self) -> None:
        from storeops.changes.jobs.progress import ledger_revision

        self.screen.read(lambda: ledger_revision(self.app.core.data), self._looked, key="ledger")

    def _looked(self, ledger_at: int) -> None:
        before, self._ledger_at = self._ledger_at, ledger_at
        if ledger_at != before:  # the first time it may have moved since the screen read it
            self.screen.read_again()


class PlanControl(ScreenPart):
    """Lets a plan go on, or its failed rows be sent again."""

    def resume(self, name: str, *, paused: bool) -> None:
        """Go on with a plan, after asking.

        Args:
            name: plan_id.
            paused: whether it is held; when not, only a worker is missing.
        """
        from storeops.changes.control import pause

        ledger = self.app.core.ledger

        def done(_jobs: int) -> None:
            self.app.working.start()
            self.screen.read_again()

        def go_on() -> None:
            if paused:
                self.screen.work(lambda: pause(ledger, name, resume=True), done)
            else:
                done(0)

        self.screen.confirm(
            _("Go on with {plan}?").format(plan=name),
            _("What of it is still queued will be sent to WeCom."),
            go_on,
        )

    def retry(self, name: str, job_id: int | None = None) -> None:
        """Queue failed rows again, after asking.

        Args:
            name: plan_id.
            job_id: only the rows of this job.
        """
        from storeops.changes.control import retry_failed

        ledger = self.app.core.ledger

        def done(rows: int) -> None:
            self.app.notify(
                ngettext(
                    "{count} row of {plan} is sent again.",
                    "{count} rows of {plan} are sent again.",
                    rows,
                ).format(count=f"{rows:,}", plan=name)
            )  # fmt: skip
            self.app.working.start()
            self.screen.read_again()

        self.screen.confirm(
            _("Send failed rows of {plan} again?").format(plan=name),
            _("Only rows that may succeed unchanged; what failed for good stays."),
            lambda: self.screen.work(lambda: retry_failed(ledger, name, job_id=job_id), done),
        )
