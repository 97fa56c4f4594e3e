"""What the screens over plans, jobs and the journal share: a list above, its detail below."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on

from storeops.i18n import _, ngettext
from tui.background import BackgroundWorker
from tui.keys import Key
from tui.screens.base import BaseScreen
from tui.widgets.panes import Pane
from tui.widgets.virtual_list import VirtualList


class LedgerScreen(BaseScreen):
    """A screen that reads itself again whenever the ledger moves, in this process or another.

    A subclass gives `FIRST`, the id of the list that has the keys at first, and `read_again`.
    """

    FIRST: ClassVar[str] = ""
    KEYS: ClassVar[tuple[Key, ...]] = ()
    _ledger_at = -1  # how far the ledger was when it was read
    wanted = ""

    def ready(self) -> None:
        """The first list has the keys."""
        self.table(self.FIRST).focus()
        self.read_again()

    def table(self, name: str) -> VirtualList:
        """A list by its id."""
        return self.query_one(f"#{name}", VirtualList)

    def list_workers(self, name: str = "") -> tuple[BackgroundWorker, BackgroundWorker]:
        """Reader and counter of a list; lists of one worker would drop each other's reads."""
        return self.app.background(f"rows{name}"), self.app.background(f"counts{name}")

    def jobs_moved(self) -> None:
        """The worker of this process is further."""
        if self.is_mounted:
            self.read_again()

    def others_wrote(self) -> None:
        """See whether the ledger has moved."""
        if self.app.working.running:
            return
        from storeops.changes.jobs.progress import ledger_revision

        self.read(lambda: ledger_revision(self.app.core.data), self._looked, key="ledger")

    def _looked(self, ledger_at: int) -> None:
        before, self._ledger_at = self._ledger_at, ledger_at
        if before >= 0 and ledger_at != before:
            self.read_again()

    def why_no_write(self) -> str:
        """Why nothing may be changed here, "" when it may."""
        return self.app.why_no_write()

    def pane(self, name: str) -> Pane:
        """The pane around a list."""
        return self.query_one(f"#{name}-pane", Pane)

    @on(VirtualList.Failed)
    def _failed(self, event: VirtualList.Failed) -> None:
        self.app.failed(event.error)

    # -- asking --------------------------------------------------------------------------------

    def ask(self, title: str, text: str, yes: Callable[[], object]) -> None:
        """Ask; `yes` is called only on an explicit yes."""
        from tui.modals.ask import AskModal

        def then(answer: bool | None) -> None:
            if answer:
                yes()

        self.app.push_screen(AskModal(title, text), then)

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
            self.read_again()

        def go_on() -> None:
            if paused:
                self.work(lambda: pause(ledger, name, resume=True), done)
            else:
                done(0)

        self.ask(
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
            self.read_again()

        self.ask(
            _("Send failed rows of {plan} again?").format(plan=name),
            _("Only rows that may succeed unchanged; what failed for good stays."),
            lambda: self.work(lambda: retry_failed(ledger, name, job_id=job_id), done),
        )
