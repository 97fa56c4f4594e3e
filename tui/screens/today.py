"""Today: health, coverage by shop, leavers, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from textual import events, on
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget

from storeops.durations import ago
from storeops.i18n import N_, _
from storeops.operations import today
from storeops.operations.health import Health
from storeops.operations.today import Step, Today
from storeops.reading.overview import ShopRow
from storeops.sync.scopes import scope_title
from storeops.wecom.oddities import sentence
from tui import words
from tui.cells import shown
from tui.fields import title
from tui.keys import GO, LIST, Key
from tui.screens.base import HouseScreen
from tui.widgets.bars import Bar, Piece
from tui.widgets.panes import TextPane
from tui.widgets.rows import Column, Line, TableRows
from tui.widgets.virtual_list import VirtualList, heading

WIDE = 110


class TodayScreen(HouseScreen):
    """How the mirror stands."""

    NAME: ClassVar[str] = "today"
    CSS_PATH = Path(__file__).with_name("today.tcss")
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("step", "", N_("Do it"), N_("Go to the screen where the step is done."), GO,
            footer=True, shown="Enter"),
        *(key for key in LIST if key.action != "jump"),
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._shown = False

    def body(self) -> Iterable[Widget]:
        """Steps and health; coverage at the side."""
        lanes = self.house.lane("rows"), self.house.lane("counts")
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield Bar(id="steps-heading")
                yield VirtualList([Column("step", _("What to do next"), 20, 1)], *lanes, id="steps")
                yield TextPane(id="health")
            with Vertical(id="coverage-side"):
                yield Bar(id="coverage-heading")
                yield VirtualList(
                    [
                        Column("name", _("Coverage by store"), 14, 2, keep=9),
                        Column("covered", _("Members read"), 12, right=True, keep=8),
                        Column("read", _("Oldest"), 12, right=True, keep=7),
                    ],
                    *lanes,
                    id="coverage",
                )

    def ready(self) -> None:
        """The steps have the keys."""
        self.query_one("#steps", VirtualList).focus()
        self.read_again()

    def read_again(self) -> None:
        """Health and coverage."""
        core = self.house.core

        def look() -> Today:
            return today.read(core.data, core.clock.now(), core.settings.stale_after)

        self.read(look, self._show, slot="health")

    def _show(self, seen: Today) -> None:
        state, coverage, now = seen.health, seen.shops, seen.at
        self._shown = True
        lines = [Line(at, (_said(step),), step.tone, step) for at, step in enumerate(seen.steps)]
        rows = self.query_one("#steps", VirtualList)
        rows.styles.height = len(lines)
        rows.show(TableRows(lines), stay=True)
        self.query_one("#health", TextPane).put(self._health(state, coverage, now))
        by_need = sorted(
            (row for row in coverage if row.members),
            key=lambda row: (row.covered == row.members, row.complete_at or 0),
        )
        self.query_one("#coverage", VirtualList).show(
            TableRows(
                [
                    Line(
                        row.department_id,
                        (
                            shown(row.name),
                            ("" if row.covered == row.members else "! ")
                            + f"{row.covered}/{row.members}",
                            ago(row.complete_at, now),
                        ),
                        "" if row.covered == row.members else "warn",
                        row,
                    )
                    for row in by_need
                ]
            ),
            stay=True,
        )
        self.paint_headings()

    def sync_ended(self) -> None:
        """Fresh again, perhaps."""
        self.read_again()

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Back again: drafts and plans move without the mirror."""
        super().on_screen_resume(event)
        if self._shown:
            self.read_again()

    def paint_headings(self) -> None:
        """Titles over both lists."""
        for name in ("steps", "coverage"):
            rows = self.query_one(f"#{name}", VirtualList)
            text = heading(rows.columns, rows.places, "")
            self.query_one(f"#{name}-heading", Bar).set([Piece(text, "key")])

    def _health(self, state: Health, coverage: Sequence[ShopRow], now: float) -> Content:
        parts = [Content("\n"), title(_("The mirror"))]
        counts = [
            (state.customers, _("customers in the mirror")),
            (state.staff, _("members with customer contact")),
            (state.shops, _("shops with such members")),
            (state.unassigned, _("waiting for a new owner")),
            (state.changed, _("changes in the last 24 hours")),
        ]
        for number, name in counts:
            parts.append(Content(f"{number:>11,} {name}\n"))
        whole = sum(row.covered == row.members for row in coverage if row.members)
        text = _("shops read completely, of {all}").format(
            all=f"{sum(row.members > 0 for row in coverage):,}"
        )
        parts.append(Content(f"{whole:>11,} {text}\n"))
        parts += [Content("\n"), title(_("Scopes"))]
        for scope in state.scopes:
            tone = words.tone(scope.outcome)
            never = scope.completed_at is None
            outcome = words.outcome(scope.outcome) if scope.outcome else "! " + _("never read")
            style = {"warn": "$text-warning", "bad": "$text-error"}.get(tone, "")
            if scope.stale:
                style = "$text-warning"
            age = _("last complete {age}").format(age=ago(scope.completed_at, now))
            sign = " ! " + _("stale") if scope.stale and not never else ""
            name = scope_title(scope.scope)
            text = _("{subjects}: {message}").format(subjects=name, message=f"{outcome} · {age}")
            line = f"  {text}{sign}\n"
            parts.append(Content.styled(line, style))
            failures = state.failures.get(scope.scope, ())
            for subject, code, message in failures[:3]:
                errcode = f" {code}" if code is not None else ""
                parts.append(
                    Content.styled(f"    ✗ {shown(subject)}{errcode}: {shown(message)}\n", style)
                )
            if scope.failures > 3:
                more = _("… and {count} more").format(count=scope.failures - 3)
                parts.append(Content.styled(f"    {more}\n", style))
        if odd := sentence(state.odd_values):
            parts.append(Content.styled(f"  {shown(odd)}\n", "$text-warning"))
        return Content("").join(parts)

    @on(VirtualList.Opened, "#steps")
    def _opened(self, event: VirtualList.Opened) -> None:
        self.do_step()

    @on(VirtualList.Opened, "#coverage")
    def _shop(self, event: VirtualList.Opened) -> None:
        if event.line is not None:
            self.house.go("stores", event.line.cells[0])

    @on(VirtualList.Failed)
    def _failed(self, event: VirtualList.Failed) -> None:
        self.house.failed(event.error)

    def on_resize(self, event: events.Resize) -> None:
        """Unfold the coverage when there is room."""
        super().on_resize(event)
        self.set_class(event.size.width >= WIDE, "wide")
        self.call_after_refresh(self.paint_headings)

    def command_line(self) -> str:
        """The command."""
        return "storeops status"

    def do_step(self) -> None:
        """Go where the step is done."""
        line = self.query_one("#steps", VirtualList).line
        if line is not None and isinstance(line.data, Step):
            self.house.go(line.data.screen or "today", line.data.request)

    def step_back(self) -> bool:
        """Back to the steps."""
        steps = self.query_one("#steps", VirtualList)
        if self.focused is not steps:
            steps.focus()
        return True


def _said(step: Step) -> str:
    """A step; with its command where no screen does it."""
    return step.text if step.screen else f"{step.text} {step.command}".rstrip()
