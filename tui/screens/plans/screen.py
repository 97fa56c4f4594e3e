"""Plans: what will change, row by row, before it happens; and how each row ended."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on
from textual.containers import Vertical
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import Input, Static

from storeops.changes.action import kind_title
from storeops.changes.plan_summary import PlanSummary, summary
from storeops.i18n import N_, _, ngettext
from tui import plan_words
from tui.cells import moment, shown
from tui.flowing import flowing
from tui.keys import DO, LIST, LOOK, MARK, Key
from tui.plan_rows import PlanRows, columns, detail
from tui.screens.base import BaseScreen
from tui.screens.ledger import LedgerWatch
from tui.screens.plans import reasons
from tui.screens.plans.card import about, full
from tui.screens.plans.changes import PlanChanges, PlanSelection
from tui.widgets.bars import Piece
from tui.widgets.panes import ListPane
from tui.widgets.rows import Line, ListColumn, TableRows
from tui.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from storeops.changes.plan_cards import Card

TALL = 36  # lines from which the plans get more of the screen
NOT_DONE = (
    "planned", "blocked", "asked", "queued", "waiting", "refused", "taker_full", "no_record",
    "vanished",
    "failed", "unknown", "cancelled",
)  # fmt: skip
FILTERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (N_("all rows"), ()),
    (N_("blocked"), ("blocked",)),
    (N_("not done"), NOT_DONE),
    (N_("done"), ("done", "undone")),
)


class PlansScreen(BaseScreen):
    """Plans above, the rows of the one under the cursor below."""

    FIRST: ClassVar[str] = "plans"
    CSS_PATH = Path(__file__).with_name("plans.tcss")
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("open", "", N_("Details"), N_("Enter on a plan goes to its rows; on a row shows all "
            "about it."), LOOK, shown="Enter"),
        Key("about", "i,f6", N_("About"), N_("All about the plan: problems, who, when, reason."),
            LOOK, footer=True),
        Key("filter", "slash,f3", N_("Filter"),
            N_("Narrow the rows to those whose customer or member has all the words typed in the "
               "name."), LOOK, footer=True),
        Key("rows", "f", N_("Which rows"),
            N_("All rows, only blocked ones, only those not done, only those done; what there is "
               "none of is left out."), LOOK),
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
        self._statuses: tuple[str, ...] = ()  # of the rows shown; all when empty
        self._shown: tuple[int, tuple[str, ...], str] | None = None  # plan.id, statuses, words
        self._summary: PlanSummary | None = None  # of the plan under the cursor
        self.wanted = ""  # the plan to go to when the list has been read
        self._awaited = False  # it may be newer than the plans that are known
        self.chosen: set[int] = set()  # numbers of the marked rows
        self.parts = (
            LedgerWatch(self),
            PlanChanges(self, self._selected, self.chosen.clear, self.arrive),
        )

    def body(self) -> Iterable[Widget]:
        """Plans, what the one under the cursor is, its rows."""
        plans = [
            ListColumn("plan", _("Plan"), 15, keep=9, tone="dim"),
            ListColumn("title", _("What"), 12, 4, keep=7),
            ListColumn("state", _("Status"), 20, keep=8, fit=True),
            ListColumn("ready", _("Ready"), 7, right=True, keep=6, fit=True),
            ListColumn("blocked", _("Blocked"), 7, right=True, keep=5, fit=True),
            ListColumn("by", _("By"), 8, keep=4, fit=True),
            ListColumn("made", _("Made"), 11, keep=4, tone="dim"),
            ListColumn("expires", _("Expires"), 12, keep=2, fit=True, tone="dim"),
        ]
        with Vertical(id="body"):
            yield ListPane(VirtualList(plans, *self.list_workers(), id="plans"), title=_("Plans"))
            yield ListPane(
                VirtualList(columns(), *self.list_workers(".below"), id="rows"),
                Static("", id="about"),
                Input(placeholder=_("/ words"), id="words", select_on_focus=False),
            )

    # -- reading -------------------------------------------------------------------------------

    def read_again(self) -> None:
        """Plans and the rows shown, in place."""
        from storeops.changes.plan_listing import newest_cards

        core = self.app.core
        self.read(lambda: newest_cards(core.ledger, core.governor), self._show, key="plans")

    def arrive(self, target: str) -> None:
        """Come to review a plan, by its id, or the newest draft ("draft"); "" looks at all."""
        self.wanted, self._awaited = target, True
        if target:
            self._show_all()
            self.listing("rows").focus()
        else:
            self.listing("plans").focus()
        self.read_again()

    def _show_all(self) -> None:
        """Every row again: a review begins whole."""
        self._statuses = ()
        self.query_one("#words", Input).value = ""
        self.remove_class("words")

    def _show(self, cards: list[Card]) -> None:
        self._cards, self._awaited = cards, False
        lines = [self._line(card) for card in cards]
        rows = self.listing("plans")
        rows.show(TableRows(lines), stay=True)
        self.paint_about()
        self.paint_frame()

    def _line(self, card: Card) -> Line:
        plan, now = card.plan, self.app.core.clock.now()
        draft = plan.status == "draft"
        return Line(
            plan.id,
            (
                plan.name,
                shown(plan.heading) or kind_title(plan.kind),
                plan_words.state_of(card),
                f"{plan.ready:,}",
                f"{plan.blocked:,}" if plan.blocked and not draft else "",
                shown(plan.created_by),
                moment(plan.created_at, now),
                "" if draft or card.state not in ("planned", "expired") else moment(
                    plan.expires_at, now),
            ),
            plan_words.tone(card.state),
            card,
        )  # fmt: skip

    @property
    def card(self) -> Card | None:
        """The plan under the cursor."""
        line = self.listing("plans").line
        if line is None:
            return None
        return next((each for each in self._cards if each.plan.id == line.key), None)

    def _selected(self) -> PlanSelection:
        line = self.listing("rows").line
        rows = sorted(self.chosen) or ([cast("int", line.key)] if line is not None else [])
        return PlanSelection(cast("Card", self.card), rows, self.hidden)

    def paint_about(self) -> None:
        """The head of the plan under the cursor, and its rows."""
        card, core = self.card, self.app.core
        text = self.query_one("#about", Static)
        if card is None:
            none = _("No plan yet. Mark customers; t and r gather a draft, o hands them over.")
            text.update(flowing(none))
            self.pane("rows").entitle("")
            self.listing("rows").show(TableRows())
            self._shown = self._summary = None
            return
        words = self.query_one("#words", Input).value.strip()
        key = (card.plan.id, self._statuses, words)
        if self._shown is None or key[0] != self._shown[0]:
            self._summary = None
            self.chosen.clear()
        stay, self._shown = key == self._shown, key
        text.update(flowing(about(card, core.clock.now(), self._summary)))
        source = PlanRows(core.data, card.plan.id, self._statuses, self.chosen, words)
        self.listing("rows").show(source, stay=stay)
        self._paint_pane(card)
        name = card.plan.id
        self.read(
            lambda: summary(core.data, name),
            lambda found: self._show_summary(name, found),
            key="sum",
        )

    def _show_summary(self, plan_id: int, found: PlanSummary) -> None:
        """What the plan comes to."""
        card = self.card
        if card is not None and card.plan.id == plan_id:
            self._summary = found
            text = about(card, self.app.core.clock.now(), found)
            self.query_one("#about", Static).update(flowing(text))

    def _paint_pane(self, card: Card) -> None:
        rows, notes = self.listing("rows"), []
        if self.hidden:
            said = ngettext(
                "{shown} of {all} row",
                "{shown} of {all} rows",
                card.plan.rows,
            ).format(shown=f"{rows.total:,}", all=f"{card.plan.rows:,}")
            notes.append(Piece(f" {said} · ", "warn"))
            notes.append(Piece(_("show all") + " ", "key", self.do_all_rows))
        else:
            said = ngettext("{count} row", "{count} rows", card.plan.rows)
            notes.append(Piece(f" {said.format(count=f'{card.plan.rows:,}')} "))
        if self.chosen:
            said = _("{count} marked").format(count=f"{len(self.chosen):,}")
            notes.append(Piece(f" ✓ {said} ", "mark"))
        self.pane("rows").entitle(card.plan.name, notes)

    @property
    def hidden(self) -> int:
        """Rows of the plan under the cursor that the filter hides."""
        card = self.card
        words = self.query_one("#words", Input).value.strip()
        if card is None or not (self._statuses or words):
            return 0
        return max(0, card.plan.rows - self.listing("rows").total)

    def _which(self) -> str:
        """Which rows are shown."""
        which = next((_(name) for name, statuses in FILTERS if statuses == self._statuses), "")
        words = self.query_one("#words", Input).value.strip()
        return " ".join(each for each in (which if self._statuses else "", shown(words)) if each)

    @on(VirtualList.Counted, "#rows")
    def _counted(self) -> None:
        rows, text = self.listing("rows"), ""
        if not rows.total and self._shown is not None and self.card is not None:
            text = (
                _("No row is {which}; f shows all.").format(which=self._which())
                if self._statuses
                else _("No row has these words; Esc takes them away.")
            )
        if text != rows.empty:
            rows.empty = text
            rows.refresh()
        if self.card is not None:
            self._paint_pane(self.card)

    @on(Input.Changed, "#words")
    def _typed(self) -> None:
        self.paint_about()

    @on(Input.Submitted, "#words")
    def _entered(self) -> None:
        self.listing("rows").focus()

    @on(events.DescendantFocus)
    def _focus_moved(self) -> None:
        """Who reads rows needs the room; the list of plans comes back with Esc."""
        reading = self.focused in (self.listing("rows"), self.query_one("#words", Input))
        if reading != self.has_class("review"):
            self.set_class(reading, "review")
        self.paint_frame()

    @on(VirtualList.Moved, "#plans")
    def _moved(self, event: VirtualList.Moved) -> None:
        plans = self.listing("plans")
        if self.wanted and plans.held and not self._awaited and event.line is not None:
            names = [card.plan.name for card in self._cards]
            at = names.index(self.wanted) if self.wanted in names else 0
            self.wanted = ""
            plans.go_to(at)
        card = self.card
        if card is not None and (self._shown is None or self._shown[0] != card.plan.id):
            if self._shown is not None:
                self._show_all()
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

    def fold(self, size: Size) -> None:
        """Give the plans more lines where there are many."""
        super().fold(size)
        self.set_class(size.height >= TALL, "tall")

    def crumbs(self) -> list[str]:
        """The plan, and which of its rows."""
        card = self.card
        if card is None:
            return []
        return [card.plan.name, self._which()] if self.hidden else [card.plan.name]

    def command_line(self) -> str:
        """The command that shows, or goes on with, the plan."""
        card = self.card
        if card is None:
            return "storeops plan list"
        verb = {"draft": "freeze", "planned": "apply"}.get(card.state, "show")
        words = ["storeops", "plan", verb, card.plan.name]
        core = self.app.core
        if core.profile.name != core.settings.profile:
            words += ["--profile", core.profile.name]
        return shlex.join(words)

    def step_back(self) -> bool:
        """From the words to the rows, to all rows, to the plans."""
        words, rows = self.query_one("#words", Input), self.listing("rows")
        if self.focused is words and not words.value:
            self.remove_class("words")
        if self.focused is words:
            rows.focus()
            return True
        if self.focused is rows and (self.chosen or self._statuses or words.value):
            self.do_all_rows()
            return True
        if self.focused is not self.listing("plans") and not self.app.linked:
            self.remove_class("review")
            self.call_after_refresh(self.listing("plans").focus)
            return True
        return False

    def do_all_rows(self) -> None:
        """Every row, no marks."""
        self.chosen.clear()
        self._show_all()
        self._shown = None
        self.paint_about()
        self.paint_frame()

    def label_of(self, key: Key) -> str:
        """What makes a plan of a draft is no applying yet."""
        draft = self.card is not None and self.card.state == "draft"
        return _("Check") if draft and key.action == "apply" else super().label_of(key)

    def moment(self) -> Sequence[str]:
        """By the state of the plan under the cursor."""
        card = self.card
        if card is None:
            return ()
        if self.chosen:
            return "remove", "mark", "apply"
        return {
            "draft": ("apply", "remove", "mark", "cancel"),
            "planned": ("apply", "remove", "filter", "cancel"),
            "running": ("pause", "jobs", "cancel", "rows"),
            "paused": ("resume", "jobs", "cancel", "rows"),
            "waiting": ("jobs", "rows", "export"),
            "expired": ("cancel", "about", "rows"),
            "asked": ("about", "rows"),
            "approved": ("jobs", "about", "rows"),
            "refused": ("about", "rows"),
        }.get(card.state, ("undo", "retry", "rows", "export", "jobs"))

    # -- why not -------------------------------------------------------------------------------

    def why_not(self, action: str) -> str:
        """Reasons by the state of the plan under the cursor."""
        card = self.card
        acts = ("apply", "undo", "cancel", "pause", "resume", "retry", "remove")
        if action in (*acts, "open", "about", "rows", "filter", "jobs", "export", "copy", "mark"):
            if card is None:
                return _("There is no plan under the cursor.")
            if action in acts and (reason := self.app.why_no_write()):
                return reason
            row = self.listing("rows").line is not None
            return reasons.why_not(action, card, row=row, sending=self.app.working.running)
        if action == "jump" and card is None:
            return _("The list is empty.")
        return super().why_not(action)

    # -- looking -------------------------------------------------------------------------------

    def do_open(self) -> None:
        """From a plan to its rows, or all about a row."""
        rows = self.listing("rows")
        if self.focused is not rows:
            rows.focus()
        elif rows.line is not None:
            title = _("Row {row} of {plan}").format(
                row=rows.line.key, plan=cast("Card", self.card).plan.name
            )
            self.open_text(title, detail(rows.line))

    def do_about(self) -> None:
        """All about the plan."""
        card = cast("Card", self.card)
        self.open_text(card.plan.name, full(card, self.app.core.clock.now()))

    def do_rows(self) -> None:
        """The next choice of rows among those that there are."""
        card = cast("Card", self.card)
        there = [
            statuses for _name, statuses in FILTERS
            if not statuses or any(card.rows.get(each) for each in statuses)
        ]  # fmt: skip
        at = there.index(self._statuses) if self._statuses in there else -1
        self._statuses = there[(at + 1) % len(there)]
        self.paint_about()
        self.paint_frame()

    def do_filter(self) -> None:
        """To the words."""
        self.add_class("words")
        self.call_after_refresh(self.query_one("#words", Input).focus)

    def do_jobs(self) -> None:
        """Its jobs."""
        self.app.go("jobs", cast("Card", self.card).plan.name)

    def do_copy(self) -> None:
        """The plan's id."""
        self.app.copy(cast("Card", self.card).plan.name, _("the id"))

    def list_with_keys(self) -> VirtualList:
        """The plans, or the rows of one."""
        return self.listing("plans" if self.focused is self.listing("plans") else "rows")

    def do_export(self) -> None:
        """Results as CSV."""
        from storeops.changes.plan_listing import export_results
        from tui.modals.file import FileModal, Target

        name, db = cast("Card", self.card).plan.name, self.app.core.data

        def then(file: Target | None) -> None:
            if file is None:
                return

            def done(rows: int) -> None:
                self.app.notify(
                    ngettext(
                        "{count} row written to {path}.", "{count} rows written to {path}.", rows
                    ).format(count=f"{rows:,}", path=file.path.absolute()),
                    timeout=8,
                )

            self.work(lambda: export_results(db, name, file.path, over=file.over), done)

        text = _("How each row of {plan} ended: status, code, meaning, next step.")
        self.open_window(FileModal(text.format(plan=name), f"{name}.csv"), then)

    # -- rows ----------------------------------------------------------------------------------

    def do_mark(self) -> None:
        """Mark the row under the cursor, go down one."""
        rows = self.listing("rows")
        if rows.line is not None:
            self._toggle(rows.line)
            rows.focus()
            rows.action_move(1)

    def _toggle(self, line: Line) -> None:
        self.chosen ^= {cast("int", line.key)}
        self.listing("rows").flip(line.key)
        self._paint_pane(cast("Card", self.card))
        self.paint_frame()
