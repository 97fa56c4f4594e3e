"""Plans: what will change, row by row, before it happens; and how each row ended."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from storeops.changes.action import kind_title
from storeops.i18n import N_, _, ngettext
from storeops.times import minute
from tui import plan_reasons, plan_words
from tui.cells import shown
from tui.keys import DO, LIST, LOOK, MARK, Key
from tui.plan_card import about, full
from tui.plan_rows import PlanRows, columns, detail
from tui.screens.plan_changes import PlanChanges
from tui.widgets.bars import Bar
from tui.widgets.rows import Column, Line, TableRows
from tui.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from storeops.changes.plan_cards import Card

TALL = 36  # lines from which the plans get more of the screen
NOT_DONE = ("blocked", "queued", "waiting", "refused", "taker_full", "no_record", "vanished",
            "failed", "unknown", "cancelled")  # fmt: skip
FILTERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (N_("all rows"), ()),
    (N_("blocked"), ("blocked",)),
    (N_("not done"), NOT_DONE),
    (N_("done"), ("done", "undone")),
)


class PlansScreen(PlanChanges):
    """Plans above, the rows of the one under the cursor below."""

    NAME: ClassVar[str] = "plans"
    FIRST: ClassVar[str] = "plans"
    CSS_PATH = Path(__file__).with_name("plans.tcss")
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("open", "", N_("Details"), N_("Enter on a plan goes to its rows; on a row shows all "
            "about it."), LOOK, shown="Enter"),
        Key("about", "i,f6", N_("About"), N_("All about the plan: problems, who, when, reason."),
            LOOK, footer=True),
        Key("rows", "slash,f3", N_("Which rows"),
            N_("All rows, only blocked ones, only those not done, only those done."), LOOK,
            footer=True),
        Key("apply", "ctrl+s,f8", N_("Apply"),
            N_("Carry out exactly this plan, after its count was typed. A draft is checked and "
               "made a plan first; nothing is sent by that."), DO, footer=True),
        Key("undo", "u", N_("Undo"),
            N_("Make the plan that puts back what this one has done, and show it."), DO,
            footer=True),
        Key("cancel", "c", N_("Cancel"),
            N_("Cancel the plan, or what of it has not been sent; asks first."), DO, footer=True),
        Key("pause", "z", N_("Pause"), N_("Send nothing more of it until it is resumed."), DO),
        Key("resume", "w", N_("Resume"), N_("Go on with a paused plan; asks first."), DO),
        Key("retry", "t", N_("Retry"), N_("Send its failed rows again; asks first."), DO),
        Key("mark", "space", N_("Mark"), N_("Mark the row, to remove several at once."), MARK),
        Key("remove", "delete,d", N_("Remove"),
            N_("Take the marked rows, or the one under the cursor, out of the plan before it is "
               "applied."), DO),
        Key("jobs", "o,f4", N_("Jobs"), N_("The calls that carry the plan out."), LOOK),
        Key("export", "e", N_("Export"), N_("Write how each row ended to a CSV."), DO),
        Key("copy", "y", N_("Copy"), N_("Copy the plan's id."), LOOK),
        *LIST,
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._cards: list[Card] = []
        self._filter = 0
        self._shown: tuple[int, int] | None = None  # plan.id and filter of the rows shown

    def body(self) -> Iterable[Widget]:
        """Plans, what the one under the cursor is, its rows."""
        with Vertical(id="body"):
            yield Bar(id="plans-heading")
            yield VirtualList(
                [
                    Column("plan", _("Plan"), 15, keep=9),
                    Column("title", _("What"), 18, 4, keep=7),
                    Column("state", _("Status"), 18, 1, keep=8),
                    Column("ready", _("Ready"), 7, right=True, keep=6),
                    Column("blocked", _("Blocked"), 7, right=True, keep=5),
                    Column("by", _("By"), 8, 1, keep=2),
                    Column("made", _("Made"), 16, keep=1),
                    Column("expires", _("Expires"), 16, keep=3),
                ],
                *self.lanes(),
                id="plans",
            )
            yield Static("", id="about")
            yield Bar(id="rows-heading")
            yield VirtualList(columns(), *self.lanes(".below"), id="rows")

    # -- reading -------------------------------------------------------------------------------

    def read_again(self) -> None:
        """Plans and the rows shown, in place."""
        from storeops.changes.plan_listing import overview

        core = self.house.core
        self.read(lambda: overview(core.ledger, core.governor), self._show, slot="plans")

    def arrive(self, wish: str) -> None:
        """Come for a plan, by its id, or for the newest draft ("")."""
        self.wanted = wish
        self.table("plans").focus()
        self.read_again()

    def _show(self, cards: list[Card]) -> None:
        self._cards = cards
        lines = [self._line(card) for card in cards]
        rows = self.table("plans")
        rows.show(TableRows(lines), stay=True)
        self.head("plans")
        self.paint_about()
        self.paint_frame()

    def _line(self, card: Card) -> Line:
        plan = card.plan
        draft = plan.status == "draft"
        return Line(
            plan.id,
            (
                plan.name,
                shown(plan.title) or kind_title(plan.kind),
                plan_words.state(card.state),
                f"{plan.ready:,}",
                "" if draft else f"{plan.blocked:,}",
                shown(plan.created_by),
                minute(plan.created_at),
                "" if draft or card.state not in ("planned", "expired") else minute(
                    plan.expires_at),
            ),
            plan_words.tone(card.state),
            card,
        )  # fmt: skip

    @property
    def card(self) -> Card | None:
        """The plan under the cursor."""
        line = self.table("plans").line
        if line is None:
            return None
        return next((each for each in self._cards if each.plan.id == line.key), None)

    @property
    def row(self) -> Line | None:
        """The row under the cursor."""
        return self.table("rows").line

    def paint_about(self) -> None:
        """The head of the plan under the cursor, and its rows."""
        card = self.card
        text = self.query_one("#about", Static)
        if card is None:
            none = _("No plan yet. Mark customers; t and r gather a draft, o hands them over.")
            text.update(Content(none))
            self.table("rows").show(TableRows())
            self._shown = None
            return
        text.update(about(card, self.house.core.clock.now()))
        key = (card.plan.id, self._filter)
        stay = key == self._shown
        if not stay:
            self.chosen.clear()
        self._shown = key
        source = PlanRows(self.house.core.data, card.plan.id, FILTERS[self._filter][1],
                          self.chosen)  # fmt: skip
        self.table("rows").show(source, stay=stay)
        self.head("rows")

    @on(VirtualList.Moved, "#plans")
    def _moved(self, event: VirtualList.Moved) -> None:
        if self.wanted and event.line is not None:
            names = [card.plan.name for card in self._cards]
            at = names.index(self.wanted) if self.wanted in names else 0
            self.wanted = ""
            self.table("plans").go_to(at)
        card = self.card
        if card is not None and self._shown != (card.plan.id, self._filter):
            self.paint_about()
            self.paint_frame()

    @on(VirtualList.Opened)
    def _opened(self, event: VirtualList.Opened) -> None:
        self.perform("open")

    @on(VirtualList.Gutter, "#rows")
    def _gutter(self, event: VirtualList.Gutter) -> None:
        if event.line is not None:
            self._toggle(event.line)

    # -- frame ---------------------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        """Give the plans more lines where there are many."""
        super().on_resize(event)
        self.set_class(event.size.height >= TALL, "tall")
        self.call_after_refresh(self.paint_headings)

    def crumbs(self) -> list[str]:
        """The plan, and which of its rows."""
        card = self.card
        if card is None:
            return []
        crumbs = [card.plan.name]
        if self._filter:
            crumbs.append(_(FILTERS[self._filter][0]))
        return crumbs

    def command_line(self) -> str:
        """The command that shows, or goes on with, the plan."""
        card = self.card
        if card is None:
            return "storeops plan list"
        verb = {"draft": "freeze", "planned": "apply"}.get(card.state, "show")
        words = ["storeops", "plan", verb, card.plan.name]
        core = self.house.core
        if core.profile.name != core.settings.profile:
            words += ["--profile", core.profile.name]
        return shlex.join(words)

    def step_back(self) -> bool:
        """From the rows to the plans, then to all rows."""
        if self.focused is not self.table("plans"):
            self.table("plans").focus()
            return True
        if self.chosen or self._filter:
            self._filter = 0
            self.chosen.clear()
            self._shown = None
            self.paint_about()
            self.paint_frame()
            return True
        return False

    # -- why not -------------------------------------------------------------------------------

    def why_not(self, action: str) -> str:
        """Reasons by the state of the plan under the cursor."""
        card = self.card
        acts = ("apply", "undo", "cancel", "pause", "resume", "retry", "remove")
        if action in (*acts, "open", "about", "rows", "jobs", "export", "copy", "mark"):
            if card is None:
                return _("There is no plan under the cursor.")
            if action in acts and (reason := self.why_no_write()):
                return reason
            row = self.row is not None
            return plan_reasons.why_not(action, card, row=row, sending=self.house.working.running)
        if action == "jump" and card is None:
            return _("The list is empty.")
        return super().why_not(action)

    # -- looking -------------------------------------------------------------------------------

    def do_open(self) -> None:
        """From a plan to its rows, or all about a row."""
        rows = self.table("rows")
        if self.focused is self.table("plans"):
            rows.focus()
        elif rows.line is not None:
            title = _("Row {row} of {plan}").format(row=rows.line.key, plan=self.plan.name)
            self.house.open_text(title, detail(rows.line))

    def do_about(self) -> None:
        """All about the plan."""
        card = cast("Card", self.card)
        self.house.open_text(card.plan.name, full(card, self.house.core.clock.now()))

    def do_rows(self) -> None:
        """The next filter of rows."""
        self._filter = (self._filter + 1) % len(FILTERS)
        self.paint_about()
        self.paint_frame()

    def do_jobs(self) -> None:
        """Its jobs."""
        self.house.go("jobs", self.plan.name)

    def do_copy(self) -> None:
        """The plan's id."""
        self.house.copy(self.plan.name, _("the id"))

    def do_jump(self) -> None:
        """To a row by number."""
        from tui.modals.jump import JumpModal

        rows = self.table("plans" if self.focused is self.table("plans") else "rows")

        def then(position: int | None) -> None:
            if position is not None:
                rows.go_to(position)

        self.app.push_screen(JumpModal(rows.total), then)

    def do_export(self) -> None:
        """Results as CSV."""
        from storeops.changes.plan_listing import export_results
        from tui.modals.file import FileModal, Target

        name, db = self.plan.name, self.house.core.data

        def then(file: Target | None) -> None:
            if file is None:
                return

            def done(rows: int) -> None:
                self.house.tell(
                    ngettext(
                        "{count} row written to {path}.", "{count} rows written to {path}.", rows
                    ).format(count=f"{rows:,}", path=file.path),
                    seconds=8,
                )

            self.work(lambda: export_results(db, name, file.path, over=file.over), done)

        text = _("How each row of {plan} ended: status, code, meaning, next step.")
        self.app.push_screen(FileModal(text.format(plan=name), f"{name}.csv"), then)

    # -- rows ----------------------------------------------------------------------------------

    def do_mark(self) -> None:
        """Mark the row under the cursor, go down one."""
        rows = self.table("rows")
        if rows.line is not None:
            self._toggle(rows.line)
            rows.focus()
            rows.action_move(1)

    def _toggle(self, line: Line) -> None:
        self.chosen ^= {cast("int", line.key)}
        self.table("rows").flip(line.key)
