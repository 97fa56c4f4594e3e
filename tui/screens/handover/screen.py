"""Handover: who gives, what moves, who takes; and everything that waits for WeCom's answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.containers import Container, Vertical
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import Static

from storeops.i18n import N_, _, ngettext
from storeops.notebook.marks import DEFAULT
from tui.customer_repository import Look
from tui.flowing import flowing
from tui.keys import DO, LOOK, MARK, Key
from tui.keys import LIST as MOVES
from tui.names import NameLookup
from tui.plan_rows import PlanRows
from tui.plan_rows import columns as plan_columns
from tui.screens.base import BaseScreen
from tui.screens.handover import rows as handover_rows
from tui.screens.handover.card import about_to_owner, sums
from tui.screens.handover.planning import HandoverPlanning, HandoverSelection
from tui.screens.handover.rows import ChosenHandover
from tui.screens.ledger import LedgerWatch
from tui.widgets.customer_list import columns as customer_columns
from tui.widgets.panes import ListPane
from tui.widgets.rows import Line, TableRows
from tui.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from storeops.domains.handover.options import Owner, PossibleOwner
    from storeops.domains.handover.plan_result import PlanResult
    from storeops.domains.handover.report import Waiting

    Loaded = tuple[
        list[Owner], list[Waiting], dict[str, str], dict[tuple[str, ...], dict[str, int]]
    ]

WIDE, TALL = 110, 36
COUNT_DOWN_EVERY = 10.0  # seconds between two paintings of the countdowns
SHOWN = ("name", "tags", "added")


class HandoverScreen(BaseScreen):
    """Givers, rows and takers above; sums and the waiting list below."""

    FIRST: ClassVar[str] = "from_owners"
    CSS_PATH = Path(__file__).with_name("handover.tcss")
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("make", "o,f8", N_("Plan"),
            N_("Make the plan: from the marked givers, or the one under the cursor, to the marked "
               "takers, or by rule among the colleagues of the shop. Nothing is sent."), DO,
            footer=True),
        Key("plan", "p,f6", N_("Review"), N_("Review the plan made, then apply it there."), DO,
            footer=True),
        Key("watch", "s,f4", N_("Ask now"),
            N_("Ask WeCom how the handovers ended that are due."), DO, footer=True),
        Key("mark", "space", N_("Mark"), N_("Mark a giver or a taker; several share."), MARK,
            footer=True),
        Key("from_owner", "m", N_("Giver"),
            N_("Name a member who is still there, to hand over on the job."), DO),
        Key("to_owner", "a,f3", N_("Taker"), N_("Name a taker from any shop."), DO, footer=True),
        Key("customers", "c", N_("Customers"), N_("The giver's customers."), LOOK),
        Key("open", "", N_("Details"), N_("Why a taker cannot take over; a row with its reason."),
            LOOK, shown="Enter"),
        Key("back_marked", "M", N_("All givers"),
            N_("From the owners of the marked customers back to everybody."), LOOK),
        *(key for key in MOVES if key.action != "jump"),
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._extra_from_owners: list[str] = []
        self._extra_to_owners: list[str] = []
        self._from_owners: set[str] = set()
        self._shown: tuple[str, ...] | None = None
        self.pairs: list[Waiting] = []
        self._names: dict[str, str] = {}
        self.only_marked = False  # only marked customers are meant
        self.to_owners: set[str] = set()  # userids of the marked takers
        self._applied: set[int] = set()  # plan.id of those whose marks are done with
        self.planning = HandoverPlanning(self, self._selected, self.show_rows)
        self.parts = (LedgerWatch(self), self.planning)

    # -- parts ---------------------------------------------------------------------------------

    def body(self) -> Iterable[Widget]:
        """Three panes, sums, waiting list."""
        with Vertical(id="body"):
            with Container(id="desk"):
                for name, title, columns in (
                    ("from_owners", _("Who gives"), handover_rows.from_owner_columns()),
                    ("rows", _("What moves"), customer_columns(SHOWN)),
                    ("to_owners", _("Who takes over"), handover_rows.to_owner_columns()),
                ):
                    rows = VirtualList(columns, *self.list_workers(f".{name}"), id=name)
                    yield ListPane(rows, title=title)
            yield Static("", id="sums")
            waiting = VirtualList(
                handover_rows.waiting_columns(), *self.list_workers(".waiting"), id="waiting"
            )
            waiting.empty = _("No handover waits for its answer.")
            yield ListPane(waiting, title=_("Waiting for WeCom's answer"))

    def ready(self) -> None:
        """The givers have the keys; the countdowns run."""
        super().ready()
        self.set_interval(COUNT_DOWN_EVERY, self._count_down)

    # -- reading -------------------------------------------------------------------------------

    def arrive(self, target: str) -> None:
        """Come for the marked customers ("marked"), or for everybody."""
        if self.only_marked != (target == "marked"):
            self.only_marked = target == "marked"
            self._forget()
        self.listing("from_owners").focus()
        self.read_again()

    def _forget(self) -> None:
        self._from_owners.clear()
        self.to_owners.clear()
        self.planning.made.clear()
        self._shown = None

    def read_again(self) -> None:
        """Givers, takers and the waiting list, in place."""
        from storeops.changes import plans
        from storeops.domains.handover import options
        from storeops.domains.handover.report import waiting
        from storeops.reading.directory import member_names

        core, extra, marked = self.app.core, tuple(self._extra_from_owners), self.only_marked
        ids = {owners: made.plan.id for owners, made in self.planning.made.items()}

        def load() -> Loaded:
            now = core.clock.now()
            if marked:
                found = options.owners_of_mark(core.data, DEFAULT, now)
            else:
                found = options.owners(core.data, now, extra)
            pairs = waiting(core.data, now)
            stands = {owners: plans.row_counts(core.data, plan) for owners, plan in ids.items()}
            return found, pairs, dict(member_names(core.data)) if pairs else {}, stands

        self.read(load, self._loaded, key="from_owners")

    def _loaded(self, found: Loaded) -> None:
        owners, self.pairs, self._names, self.planning.stands = found
        self._done_with()
        owners.sort(key=lambda each: each.days_left is not None and each.days_left < 1)
        lines = [handover_rows.from_owner(each) for each in owners]
        self.listing("from_owners").show(ChosenHandover(lines, self._from_owners), stay=True)
        self._count_down()
        if not owners:
            self._shown = None
            self.listing("rows").show(TableRows())
            self.listing("to_owners").show(TableRows())
            self._sums(None)
        elif self._shown is not None:
            self.listing("rows").reload()
            if (made := self.planning.made.get(self.from_owners)) is not None:
                self._sums(made)
            self._read_possible()
        self.paint_frame()

    def _done_with(self) -> None:
        """Free the marks of a plan that was applied: they are no part of the next one."""
        for owners, rows in self.planning.stands.items():
            made = self.planning.made.get(owners)
            if made is None or "planned" in rows or made.plan.id in self._applied:
                continue
            self._applied.add(made.plan.id)
            self.to_owners -= {each.userid for each in made.shares}
            self._from_owners -= set(owners)

    @on(VirtualList.Moved, "#from_owners")
    def _moved(self, event: VirtualList.Moved) -> None:
        from_owners = self.from_owners
        if from_owners and from_owners != self._shown:
            self.show_rows()

    def show_rows(self) -> None:
        """What moves: the customers, or the rows of the plan made of them."""
        from_owners = self.from_owners
        self._shown = from_owners
        made = self.planning.made.get(from_owners)
        rows = self.listing("rows")
        if made is not None:
            rows.set_columns(plan_columns())
            rows.show(PlanRows(self.app.core.data, made.plan.id, (), set()))
        else:
            where = " or ".join(map(NameLookup(self.app.core.data).member_filter, from_owners))
            look = Look(where, "newest", SHOWN, self.only_marked)
            rows.set_columns(customer_columns(SHOWN))
            rows.show(self.app.customers.rows(look))
        self._sums(made)
        self._read_possible()
        self.paint_frame()

    def _read_possible(self) -> None:
        from storeops.domains.handover.options import possible_owners

        core, from_owners = self.app.core, self.from_owners
        extra = tuple(dict.fromkeys((*self._extra_to_owners, *sorted(self.to_owners))))
        now = core.clock.now()
        self.read(
            lambda: possible_owners(core.data, from_owners, now, extra),
            self._show_possible,
            key="to_owners",
        )

    def _show_possible(self, found: list[PossibleOwner]) -> None:
        lines = [handover_rows.to_owner(each) for each in found]
        self.listing("to_owners").show(ChosenHandover(lines, self.to_owners), stay=True)
        if self.planning.made.get(self.from_owners) is None:
            self._sums(None, alone=not found)
        self.paint_frame()

    def _sums(self, made: PlanResult | None, *, alone: bool = False) -> None:
        if made is not None:
            at = self.from_owners
            planning = self.planning
            text = sums(made, planning.held_back.get(at, ""), planning.stands.get(at, {}))
        elif alone:
            text = Content(_("No colleague of the giver's shop is known; a names a taker."))
        elif self.to_owners:
            text = Content(
                ngettext(
                    "{count} taker is marked; o makes the plan. Nothing is sent before it was "
                    "reviewed and applied.",
                    "{count} takers are marked; o makes the plan. Nothing is sent before it was "
                    "reviewed and applied.",
                    len(self.to_owners),
                ).format(count=len(self.to_owners))
            )
        else:
            text = Content(
                _("Mark takers (Space), or none for the colleagues of the shop; o makes the "
                  "plan. Nothing is sent before it was reviewed and applied.")
            )  # fmt: skip
        self.query_one("#sums", Static).update(flowing(text))

    def _count_down(self) -> None:
        now = self.app.core.clock.now()
        lines = [handover_rows.waiting(pair, now, self._names) for pair in self.pairs]
        self.listing("waiting").show(TableRows(lines), stay=True)

    # -- frame ---------------------------------------------------------------------------------

    def fold(self, size: Size) -> None:
        """Panes beside each other where there is room."""
        super().fold(size)
        self.set_class(size.width >= WIDE, "wide")
        self.set_class(size.height >= TALL, "tall")

    def crumbs(self) -> list[str]:
        """Marked only; the plan made; what waits."""
        crumbs = [_("owners of the marked customers")] if self.only_marked else []
        made = self.planning.made.get(self.from_owners)
        if made is not None:
            crumbs.append(made.plan.name)
        rows = sum(pair.rows for pair in self.pairs)
        if rows:
            crumbs.append(
                ngettext("{count} row waits", "{count} rows wait", rows).format(count=f"{rows:,}")
            )
        return crumbs

    def command_line(self) -> str:
        """The command that makes the plan, or lists the leavers."""
        made = self.planning.made.get(self.from_owners)
        if made is not None:
            return str(made.plan.params.get("command") or "storeops leaver list")
        return "storeops leaver list"

    @property
    def from_owners(self) -> tuple[str, ...]:
        """The marked givers, or the one under the cursor."""
        if self._from_owners:
            return tuple(sorted(self._from_owners))
        line = self.listing("from_owners").line
        return (str(line.key),) if line is not None else ()

    def _selected(self) -> HandoverSelection:
        from_owners = self.from_owners
        source = self.listing("from_owners").source
        lines = source.lines if isinstance(source, ChosenHandover) else ()
        owners = [cast("Owner", line.data) for line in lines if line.key in from_owners]
        return HandoverSelection(
            from_owners, owners, tuple(sorted(self.to_owners)), self.only_marked
        )

    def step_back(self) -> bool:
        """To the givers; marks off; all givers."""
        if self.focused is not self.listing("from_owners"):
            self.listing("from_owners").focus()
            return True
        if self._from_owners or self.to_owners:
            self._from_owners.clear()
            self.to_owners.clear()
            self._shown = None
            self.read_again()
            return True
        if self.only_marked and not self.app.linked:
            self.do_back_marked()
            return True
        return False

    # -- why not -------------------------------------------------------------------------------

    def why_not(self, action: str) -> str:
        """Reasons by what is chosen."""
        if action in ("make", "watch") and (reason := self.app.why_no_write()):
            return reason
        if action in ("make", "customers", "to_owner") and not self.from_owners:
            return _("Nobody has left anything behind; m names a member who is still there.")
        if action == "plan" and self.planning.made.get(self.from_owners) is None:
            return _("No plan of this giver was made here yet; o makes one.")
        if action == "watch" and not self.pairs:
            return _("No handover waits for its answer.")
        if action == "back_marked" and not self.only_marked:
            return _("Everybody is shown already.")
        if action == "mark" and self._pane() is None:
            return _("Only givers and takers are marked.")
        if action == "open" and self._focused().line is None:
            return _("There is no row under the cursor.")
        return super().why_not(action)

    def moment(self) -> Sequence[str]:
        """Choose, plan, review, ask: one after the other."""
        if self.planning.made.get(self.from_owners) is not None:
            return "plan", "make", "watch"
        return "make", "mark", "to_owner", "watch", "from_owner"

    def _focused(self) -> VirtualList:
        for name in ("rows", "to_owners", "waiting"):
            if self.focused is self.listing(name):
                return self.listing(name)
        return self.listing("from_owners")

    def _pane(self) -> tuple[VirtualList, set[str]] | None:
        """The list that has the keys, when its rows can be marked, with its marks."""
        rows = self._focused()
        marks = {"from_owners": self._from_owners, "to_owners": self.to_owners}.get(rows.id or "")
        return None if marks is None or rows.line is None else (rows, marks)

    # -- actions -------------------------------------------------------------------------------

    @on(VirtualList.Gutter)
    def _gutter(self, event: VirtualList.Gutter) -> None:
        event.sender.focus()
        self.perform("mark")

    @on(VirtualList.Opened)
    def _opened(self, event: VirtualList.Opened) -> None:
        self.perform("open")

    def do_mark(self) -> None:
        """Mark or unmark the row under the cursor; of takers and rows, go down one.

        The cursor of the givers stays: it says whose rows are shown.
        """
        pane = self._pane()
        if pane is None:
            return
        rows, marks = pane
        line = cast("Line", rows.line)
        marks ^= {str(line.key)}
        rows.flip(line.key)
        source = rows.source
        if isinstance(source, ChosenHandover):
            source.chosen = frozenset(marks)
        if rows.id == "from_owners":
            self.show_rows()
        else:
            if self.planning.made.get(self.from_owners) is None:
                self._sums(None)
            rows.action_move(1)

    def do_open(self) -> None:
        """From a giver to its rows; all about a taker or a row."""
        from tui.plan_rows import detail

        rows = self._focused()
        line = cast("Line", rows.line)
        if rows.id == "from_owners":
            self.listing("rows").focus()
        elif rows.id == "to_owners":
            owner = cast("PossibleOwner", line.data)
            self.open_text(line.cells[0], about_to_owner(owner))
        elif rows.id == "rows" and isinstance(rows.source, PlanRows):
            self.open_text(_("Row {row}").format(row=line.key), detail(line))
        elif rows.id == "rows":
            customers, customer = self.app.customers, str(line.data)
            self.read(
                lambda: customers.card(customer),
                lambda content: self.open_text(line.cells[0], content),
                key="card",
            )

    def do_customers(self) -> None:
        """The givers' customers."""
        where = " or ".join(map(NameLookup(self.app.core.data).member_filter, self.from_owners))
        self.app.go("customers", where)

    def do_back_marked(self) -> None:
        """Everybody again."""
        self.only_marked = False
        self._forget()
        self.read_again()

    def do_plan(self) -> None:
        """Review the plan."""
        self.app.go("plans", self.planning.made[self.from_owners].plan.name)

    def do_from_owner(self) -> None:
        """Name a giver who is still there."""
        self._ask_member(_("Who hands over?"), self._extra_from_owners)

    def do_to_owner(self) -> None:
        """Name a taker; named ones are marked."""
        self._ask_member(_("Who takes over?"), self._extra_to_owners, self.to_owners)

    def _ask_member(self, question: str, into: list[str], marks: set[str] | None = None) -> None:
        from storeops.reading.directory import member_names
        from tui.modals.member import MemberModal

        def then(userid: str | None) -> None:
            if userid is None:
                return
            if userid not in into:
                into.append(userid)
            if marks is not None:
                marks.add(userid)
            self.read_again()

        def ask(names: list[tuple[str, str]]) -> None:
            self.open_window(MemberModal(question, names), then)

        db = self.app.core.data
        self.read(lambda: member_names(db), ask, key="names")
