"""Sync: run it, watch every scope and the limit that holds it back, its history."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from storeops.durations import span
from storeops.i18n import N_, _, labelled
from storeops.sparks import gauge
from storeops.sync.scopes import reading_order, scope_title
from storeops.times import minute
from storeops.wecom.oddities import sentence
from tui import words
from tui.cells import shown
from tui.fields import fields, title
from tui.keys import DO, LIST, LOOK, Key
from tui.screens.base import BaseScreen
from tui.widgets.panes import ListPane
from tui.widgets.rows import Line, ListColumn, TableRows
from tui.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from storeops.sync.results import ScopeResult, SyncResult

BAR = 16  # cells of a progress bar


class SyncScreen(BaseScreen):
    """Reading WeCom into the mirror."""

    FIRST: ClassVar[str] = "history"
    CSS_PATH = Path(__file__).with_name("sync.tcss")
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("run", "s,f6", N_("Sync now"),
            N_("Read what changed, or go on where a sync was interrupted; people can go on "
               "working."), DO, footer=True),
        Key("full", "F", N_("Read all"),
            N_("Forget an interrupted run and read everything anew; asks first."), DO, footer=True),
        Key("stop", "z,f8", N_("Stop"),
            N_("Stop after the calls in flight; the next sync goes on from there."), DO,
            footer=True),
        Key("open", "", N_("Details"), N_("What a run found, and who could not be read."), LOOK,
            footer=True, shown="Enter"),
        *(key for key in LIST if key.action != "jump"),
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._runs: list[SyncResult] = []

    def body(self) -> Iterable[Widget]:
        """Scopes above, history below."""
        workers = self.list_workers()
        scopes = [
            ListColumn("scope", _("What"), 12, 1, keep=9),
            ListColumn("outcome", _("Outcome"), 12, keep=8),
            ListColumn("bar", "", BAR, keep=5, fit=True),
            ListColumn("done", _("Rows"), 15, right=True, keep=7),
            ListColumn("rate", _("Rows/s"), 8, right=True, keep=4, fit=True),
            ListColumn("calls", _("Calls"), 7, right=True, keep=6),
        ]
        history = [
            ListColumn("started", _("Started"), 16, keep=9, tone="dim"),
            ListColumn("took", _("Took"), 8, right=True, keep=5),
            ListColumn("outcome", _("Outcome"), 12, keep=8),
            ListColumn("mode", _("Mode"), 8, 1, keep=3),
            ListColumn("added", _("New"), 9, right=True, keep=7),
            ListColumn("changed", _("Changed"), 9, right=True, keep=7),
            ListColumn("missing", _("Missing"), 8, right=True, keep=6),
            ListColumn("lost", _("Lost"), 7, right=True, keep=6),
            ListColumn("calls", _("Calls"), 8, right=True, keep=4),
        ]
        with Vertical(id="body"):
            yield ListPane(VirtualList(scopes, *workers, id="scopes"), title=_("Now"))
            yield Static("", id="held")
            yield ListPane(VirtualList(history, *workers, id="history"), title=_("History"))

    def read_again(self) -> None:
        """The history."""
        from storeops.sync.run import history

        self.read(lambda: history(self.app.core.data, limit=200), self._show, key="history")

    def _show(self, runs: list[SyncResult]) -> None:
        self._runs = runs
        self.sync_moved()
        lines = []
        for run in runs:
            took = span(run.finished_at - run.started_at) if run.finished_at else ""
            sums = [
                sum(getattr(scope, name) for scope in run.scopes)
                for name in ("added", "changed", "missing", "lost", "calls")
            ]
            lines.append(
                Line(
                    run.run_id,
                    (
                        minute(run.started_at),
                        took,
                        words.outcome(run.outcome),
                        self._mode(run.mode),
                        *(f"{number:,}" for number in sums),
                    ),
                    words.tone(run.outcome),
                    run,
                )
            )
        self._put("history", lines)
        self.paint_frame()

    @staticmethod
    def _mode(mode: str) -> str:
        return {"normal": _("normal"), "full": _("full"), "store": _("one shop")}.get(mode, mode)

    def sync_ended(self) -> None:
        """A new line of history."""
        self.read_again()

    def sync_moved(self) -> None:
        """The sync of this process is further: paint the scopes."""
        if not self.is_mounted:
            return
        syncing = self.app.syncing
        last = self._runs[0] if self._runs else None
        results = {scope.scope: scope for scope in (last.scopes if last else ())}
        lines = []
        held = ""
        current = list(syncing.progress)[-1] if syncing.progress else ""
        for name in reading_order():
            progress = syncing.progress.get(name)
            if syncing.running:
                outcome = "" if progress is None else _("✓ read")
                done, total, rate, calls = 0, None, 0.0, 0
                if progress is not None:
                    done, total = progress.done, progress.total
                    rate, calls = progress.rate, progress.calls
                if name == current and progress is not None:
                    outcome = {"index": _("… indexing"), "wait": _("… waiting")}.get(
                        progress.phase, _("… reading")
                    )
                    held = progress.held_back
            else:
                result: ScopeResult | None = results.get(name)
                outcome = words.outcome(result.outcome) if result else ""
                done, total = (result.seen, None) if result else (0, None)
                rate, calls = 0.0, result.calls if result else 0
            rows = f"{done:,}" + (f"/{total:,}" if total else "")
            lines.append(
                Line(
                    name,
                    (
                        scope_title(name),
                        outcome,
                        gauge(done, total, BAR) if syncing.running and total else "",
                        rows,
                        f"{rate:,.0f}" if rate else "",
                        f"{calls:,}",
                    ),
                    "" if syncing.running or name not in results
                    else words.tone(results[name].outcome),
                )
            )  # fmt: skip
        self._put("scopes", lines)
        text = _("held back: {reason}").format(reason=held) if held else ""
        self.query_one("#held", Static).update(Content(text))

    def _put(self, name: str, lines: list[Line]) -> None:
        rows = self.query_one(f"#{name}", VirtualList)
        rows.show(TableRows(lines), stay=True)

    @on(VirtualList.Opened, "#history")
    def _opened(self, event: VirtualList.Opened) -> None:
        self.do_open()

    def crumbs(self) -> list[str]:
        """Running or not."""
        return [_("running")] if self.app.syncing.running else []

    def command_line(self) -> str:
        """The command."""
        return "storeops sync run"

    # -- actions -------------------------------------------------------------------------------

    def why_not(self, action: str) -> str:
        """One sync at a time."""
        running = self.app.syncing.running
        if action in ("run", "full") and running:
            return _("A sync is running; z stops it.")
        if action == "stop" and not running:
            return _("No sync runs in this window; s starts one.")
        if action == "open" and not self._runs:
            return _("No sync has run yet; s runs the first.")
        return super().why_not(action)

    def do_run(self) -> None:
        """Run."""
        self.app.syncing.start()

    def do_full(self) -> None:
        """Run from the first page, after asking."""
        from tui.modals.ask import AskModal

        def then(answer: bool | None) -> None:
            if answer:
                self.app.syncing.start(full=True)

        text = _("An interrupted run is forgotten and everything is read anew; people can go on "
                 "working meanwhile.")  # fmt: skip
        self.open_window(AskModal(_("Read everything again?"), text), then)

    def do_stop(self) -> None:
        """Stop."""
        self.app.syncing.stop()
        self.app.notify(_("Stopping after the calls in flight …"))

    def do_open(self) -> None:
        """Details of the run under the cursor."""
        from tui.modals.text import TextModal

        line = self.listing("history").line
        if line is None:
            return
        run = cast("SyncResult", line.data)
        heading_text = _("Sync {number}").format(number=run.run_id)
        self.open_window(TextModal(heading_text, details(run)))

    def step_back(self) -> bool:
        """From the scopes to the history."""
        history = self.listing("history")
        if self.focused is not history:
            history.focus()
            return True
        return False


def details(run: SyncResult) -> Content:
    """A run scope by scope, with everybody who could not be read."""
    parts = [
        fields(
            "",
            [
                (_("Started"), minute(run.started_at)),
                (_("Finished"), minute(run.finished_at)),
                (_("Outcome"), words.outcome(run.outcome)),
                (_("Resumed"), _("yes") if run.resumed else ""),
            ],
        )
    ]
    if odd := sentence(run.odd_values):
        parts.append(Content.styled(f"{shown(odd)}\n", "$text-warning"))
    for scope in run.scopes:
        counts = [
            (_("seen"), scope.seen), (_("added"), scope.added), (_("changed"), scope.changed),
            (_("missing"), scope.missing), (_("lost"), scope.lost), (_("calls"), scope.calls),
        ]  # fmt: skip
        line = " · ".join(f"{count:,} {name}" for name, count in counts if count)
        parts.append(Content("\n"))
        parts.append(title(f"{scope_title(scope.scope)}  {words.outcome(scope.outcome)}"))
        parts.append(Content((line or _("nothing")) + "\n"))
        for failure in scope.failures[:200]:
            code = f" {failure.errcode}" if failure.errcode is not None else ""
            text = "✗ " + labelled(shown(failure.subject) + code, shown(failure.message)) + "\n"
            parts.append(Content.styled(text, "$text-error"))
        if len(scope.failures) > 200:
            more = _("… and {count} more; `storeops sync history --json` lists them all.")
            parts.append(Content(more.format(count=len(scope.failures) - 200) + "\n"))
    return Content("").join(parts)
