"""A sync that runs while people work: started here, watched by every screen."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storeops.errors import StoreOpsError
from storeops.i18n import _, sentences
from storeops.sync.scopes import scope_title, scopes
from storeops.wecom.oddities import sentence
from tui import words

if TYPE_CHECKING:
    from storeops.clock import Clock
    from storeops.database.database import Database
    from storeops.sync.results import Progress, SyncResult
    from storeops.wecom.client import WeComClient
    from tui.host import Host


@dataclass(frozen=True, slots=True)
class SyncPorts:
    """What a sync needs: data.db, the WeCom API, WeCom's time."""

    data: Database
    client: WeComClient
    clock: Clock


class Syncing:
    """The sync of this process.

    Attributes:
        progress: the latest word of each scope of the present run.
        running: whether a sync runs in this process.
        result: how the last one here ended.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._stop = threading.Event()
        self.progress: dict[str, Progress] = {}
        self.running = False
        self.result: SyncResult | None = None

    def start(self, *, full: bool = False) -> None:
        """Begin, or go on with an interrupted run; nothing when one runs here."""
        if self.running:
            return
        self.running, self.progress = True, {}
        self._stop = threading.Event()
        self._host.background("sync").submit(
            lambda: self._run(full=full), self._done, self._failed, stop=self._stop.set
        )
        self._host.sync_moved()

    def stop(self) -> None:
        """End after the calls in flight; the next sync goes on from there."""
        self._stop.set()

    def _run(self, *, full: bool) -> SyncResult:
        from storeops.sync.run import run_sync

        core, stop = self._host.core, self._stop
        core.client  # noqa: B018 - an App that has one keeps WeCom's time for the next process
        # a client of its own: stop ends its waits for a limit too, and nobody else's
        client = core.make_client(core.tokens, stop)
        try:
            return run_sync(
                SyncPorts(core.data, client, core.clock),
                full=full,
                on_progress=self._moved,
                stop=stop,
                held_back=self._held_back,
            )
        finally:
            client.close()

    def _held_back(self, scope: str) -> str:
        wanted = scopes()[scope].path
        for use in self._host.core.governor.snapshot():
            if use.path == wanted and use.held_by:
                return words.held(use)
        return ""

    def _moved(self, progress: Progress) -> None:  # in the background
        self.progress[progress.scope] = progress
        self._host.call_later(self._host.sync_moved)

    def _done(self, result: SyncResult) -> None:
        self.running, self.result = False, result
        self._host.sync_ended()
        self._host.look()
        severity = {"complete": "information", "partial": "warning"}.get(
            result.outcome or "", "error"
        )
        failures = sum(len(scope.failures) for scope in result.scopes)
        text = _("Sync {outcome}.").format(outcome=words.outcome(result.outcome))
        if failures:
            text = sentences(
                text,
                _("{count} could not be read; the mirror keeps what it knew.").format(
                    count=failures
                ),
            )
        if odd := sentence(result.odd_values):
            text = sentences(text, odd)
        self._host.notify(text, severity=severity)  # type: ignore[arg-type]

    def _failed(self, error: Exception) -> None:
        self.running = False
        self._host.sync_ended()
        self._host.look()
        if isinstance(error, StoreOpsError) and error.category == "interrupted":
            self._host.notify(
                _("The sync has stopped; what was read is kept. s goes on from there.")
            )
        else:
            self._host.failed(error)

    def share(self) -> tuple[int, int]:
        """(done, total) of what is being read now; total 0 while it is not known."""
        if not self.progress:
            return 0, 0
        current = list(self.progress.values())[-1]
        return current.done, current.total or 0

    def line(self) -> str:
        """The running sync in a few words, "" when none runs here."""
        if not self.running:
            return ""
        if not self.progress:
            return _("sync begins")
        current = list(self.progress.values())[-1]
        text = f"{scope_title(current.scope)} {current.done:,}"
        if current.total:
            text += f"/{current.total:,}"
        return _("sync: {progress}").format(progress=text)
