"""Handover: who gives, what moves, who takes; and everything that waits for WeCom's answer."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from storeops.i18n import N_, _, ngettext
from storeops.notebook.marks import DEFAULT
from storeops.operations.handover.wish import Wish
from tui import plan_words
from tui.book import Look
from tui.cells import shown
from tui.fields import quoted
from tui.keys import DO, LOOK, MARK, Key
from tui.keys import LIST as MOVES
from tui.plan_rows import PlanRows
from tui.plan_rows import columns as plan_columns
from tui.screens.ledger import LedgerScreen
from tui.times import moment, span
from tui.widgets.bars import Bar
from tui.widgets.customer_list import columns as customer_columns
from tui.widgets.rows import Column, Count, Line, TableRows, Window
from tui.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from storeops.operations.handover.desk import Offer, Owner
    from storeops.operations.handover.made import Made
    from storeops.operations.handover.report import Waiting
    from storeops.operations.handover.watched import Watched
    from tui.modals.handover import Terms

WIDE, TALL = 130, 36
COUNT_DOWN_EVERY = 10.0  # seconds between two paintings of the countdowns
SOON = 60  # days from which a leaver's deadline is near
SHOWN = ("name", "tags", "added")


class Chosen(TableRows):
    """Rows of which some carry a mark."""

    def __init__(self, lines: Sequence[Line], chosen: Iterable[str]) -> None:
        super().__init__(lines)
        self.chosen = frozenset(chosen)

    def window(self, start: int, count: int) -> Window:
        """Rows from `start` on."""
        lines = self.lines[start : start + count]
        return Window(
            start, lines, frozenset(line.key for line in lines if line.key in self.chosen)
        )

    def count(self, cap: int | None) -> Count:
        """All of them."""
        return Count(len(self.lines))


class HandoverScreen(LedgerScreen):
    """Givers, rows and takers above; sums and the waiting list below."""

    NAME: ClassVar[str] = "handover"
    FIRST: ClassVar[str] = "givers"
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
        Key("giver", "m", N_("Giver"),
            N_("Name a member who is still there, to hand over on the job."), DO),
        Key("taker", "a,f3", N_("Taker"), N_("Name a taker from any shop."), DO, footer=True),
        Key("customers", "c", N_("Customers"), N_("The giver's customers."), LOOK),
        Key("open", "", N_("Details"), N_("Why a taker cannot take over; a row with its reason."),
            LOOK, shown="Enter"),
        Key("back_marked", "M", N_("All givers"),
            N_("From the owners of the marked customers back to everybody."), LOOK),
        *(key for key in MOVES if key.action != "jump"),
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._marked = False  # only marked customers are meant
        self._extra_givers: list[str] = []
        self._extra_takers: list[str] = []
        self._givers: set[str] = set()
        self._takers: set[str] = set()
        self._shown: tuple[str, ...] | None = None
        self._made: dict[tuple[str, ...], Made] = {}
        self._stop = threading.Event()
        self._pairs: list[Waiting] = []

    # -- parts ---------------------------------------------------------------------------------

    def body(self) -> Iterable[Widget]:
        """Three panes, sums, waiting list."""
        with Vertical(id="body"):
            with Container(id="desk"):
                with Vertical(id="givers-side"):
                    yield Bar(id="givers-heading")
                    yield VirtualList(self._giver_columns(), *self.lanes(), id="givers")
                with Vertical(id="rows-side"):
                    yield Bar(id="rows-heading")
                    yield VirtualList(customer_columns(SHOWN), *self.lanes(".rows"), id="rows")
                with Vertical(id="takers-side"):
                    yield Bar(id="takers-heading")
                    yield VirtualList(self._taker_columns(), *self.lanes(".takers"), id="takers")
            yield Static("", id="sums")
            yield Bar(id="waiting-heading")
            yield VirtualList(self._waiting_columns(), *self.lanes(".waiting"), id="waiting")

    @staticmethod
    def _giver_columns() -> list[Column]:
        return [
            Column("name", _("Giver"), 10, 2, keep=9),
            Column("store", _("Store"), 8, 2, keep=3),
            Column("days", _("Days left"), 9, right=True, keep=8),
            Column("customers", _("Customers"), 9, right=True, keep=7),
            Column("groups", _("Groups"), 6, right=True, keep=6),
        ]

    @staticmethod
    def _taker_columns() -> list[Column]:
        return [
            Column("name", _("Taker"), 10, 2, keep=9),
            Column("load", _("Load"), 7, right=True, keep=8),
            Column("room", _("Room"), 7, right=True, keep=7),
            Column("why", _("Can take over"), 15, 4, keep=8),
        ]

    @staticmethod
    def _waiting_columns() -> list[Column]:
        return [
            Column("from", _("From"), 10, 2, keep=8),
            Column("to", _("To"), 10, 2, keep=9),
            Column("what", _("What"), 10, 1, keep=4),
            Column("rows", _("Waiting"), 7, right=True, keep=8),
            Column("due", _("First answer due"), 16, keep=3),
            Column("in", _("In"), 12, right=True, keep=9),
        ]

    def ready(self) -> None:
        """The givers have the keys; the countdowns run."""
        super().ready()
        self.set_interval(COUNT_DOWN_EVERY, self._count_down)

    # -- reading -------------------------------------------------------------------------------

    def arrive(self, wish: str) -> None:
        """Come for the marked customers ("marked"), or for everybody."""
        if wish == "marked":
            self._marked = True
            self._forget()
        self.table("givers").focus()
        self.read_again()

    def _forget(self) -> None:
        self._givers.clear()
        self._takers.clear()
        self._made.clear()
        self._shown = None

    def read_again(self) -> None:
        """Givers, takers and the waiting list, in place."""
        from storeops.operations.handover import desk
        from storeops.operations.handover.report import waiting

        core, extra, marked = self.house.core, tuple(self._extra_givers), self._marked

        def load() -> tuple[list[Owner], list[Waiting]]:
            now = core.clock.now()
            if marked:
                found = desk.owners_of_mark(core.data, DEFAULT, now)
            else:
                found = desk.owners(core.data, now, extra)
            return found, waiting(core.data, now)

        self.read(load, self._loaded, slot="givers")

    def _loaded(self, found: tuple[list[Owner], list[Waiting]]) -> None:
        owners, self._pairs = found
        lines = [self._giver(each) for each in owners]
        self.table("givers").show(Chosen(lines, self._givers), stay=True)
        self.head("givers")
        self._count_down()
        if not owners:
            self._shown = None
            self.table("rows").show(TableRows())
            self.table("takers").show(TableRows())
            self._sums(None)
        elif self._shown is not None:
            self.table("rows").reload()
            self._offers()
        self.paint_frame()

    @staticmethod
    def _giver(owner: Owner) -> Line:
        days = owner.days_left
        near = days is not None and days < SOON
        text = "" if days is None else ("! " if near else "") + f"{days:,}"
        return Line(
            owner.userid,
            (
                shown(owner.name or owner.userid),
                shown(owner.store),
                text if owner.left else _("on the job"),
                f"{owner.customers:,}",
                f"{owner.group_chats:,}",
            ),
            "bad" if days is not None and days < 1 else "warn" if near else "",
            owner,
        )

    @on(VirtualList.Moved, "#givers")
    def _moved(self, event: VirtualList.Moved) -> None:
        givers = self.givers
        if givers and givers != self._shown:
            self._show_rows()

    def _show_rows(self) -> None:
        """What moves: the customers, or the rows of the plan made of them."""
        givers = self.givers
        self._shown = givers
        made = self._made.get(givers)
        rows = self.table("rows")
        if made is not None:
            rows.set_columns(plan_columns())
            rows.show(PlanRows(self.house.core.data, made.plan.id, (), set()))
        else:
            where = " or ".join("@" + quoted(each) for each in givers)
            look = Look(where, "newest", SHOWN, self._marked)
            rows.set_columns(customer_columns(SHOWN))
            rows.show(self.house.book.rows(look))
        self.head("rows")
        self._sums(made)
        self._offers()
        self.paint_frame()

    def _offers(self) -> None:
        from storeops.operations.handover.desk import offers

        db, givers, extra = self.house.core.data, self.givers, tuple(self._extra_takers)
        self.read(lambda: offers(db, givers, extra), self._offered, slot="takers")

    def _offered(self, found: list[Offer]) -> None:
        lines = [
            Line(
                each.userid,
                (
                    shown(each.name or each.userid),
                    f"{each.load:,}",
                    f"{each.room:,}",
                    ("✗ " + shown(each.why_not)) if each.why_not else "✓ " + _("yes"),
                ),
                "gone" if each.why_not else "",
                each,
            )
            for each in found
        ]
        self.table("takers").show(Chosen(lines, self._takers), stay=True)
        if self._made.get(self.givers) is None:
            self._sums(None, alone=not found)
        self.head("takers")
        self.paint_frame()

    def _sums(self, made: Made | None, *, alone: bool = False) -> None:
        text = self.query_one("#sums", Static)
        if alone:
            text.update(Content(_("No colleague of the giver's shop is known; a names a taker.")))
            return
        if made is None:
            text.update(
                Content(
                    _("Mark takers (Space), or none for the colleagues of the shop; o makes the "
                      "plan. Nothing is sent before it was reviewed and applied.")
                )
            )  # fmt: skip
            return
        plan = made.plan
        head = _("{plan}: {rows} rows, {ready} ready, {blocked} blocked, {calls} calls").format(
            plan=plan.name, rows=f"{plan.rows:,}", ready=f"{plan.ready:,}",
            blocked=f"{plan.blocked:,}", calls=f"{plan.calls:,}",
        )  # fmt: skip
        parts = [Content.styled(head + "\n", "bold")]
        shares = "  ".join(
            f"{shown(each.name or each.userid)} +{each.customers + each.groups:,}"
            f" ({each.load:,}/{each.capacity:,})"
            for each in made.shares[:12]
        )
        parts.append(Content(_("To: {takers}").format(takers=shares or "–") + "\n"))
        for code, reason, count in made.blocked:
            parts.append(Content.styled(f"✗ {count:,} × {code}: {shown(reason)}\n", "$text-error"))
        for each in plan.problems[:3]:
            message = shown(str(each["message"]))
            parts.append(Content.styled(f"! {message}\n", "$text-warning"))
        text.update(Content("").join(parts))

    def _count_down(self) -> None:
        now = self.house.core.clock.now()
        lines = []
        for pair in self._pairs:
            left = pair.due_at - now
            due = span(left) if left > 0 else "! " + _("due now")
            lines.append(
                Line(
                    (pair.handover_userid, pair.takeover_userid, pair.what, pair.kind),
                    (
                        shown(pair.handover_userid),
                        shown(pair.takeover_userid),
                        _("group chats") if pair.what == "group" else _("customers"),
                        f"{pair.rows:,}",
                        moment(pair.due_at),
                        due,
                    ),
                    "" if left > 0 else "warn",
                    pair,
                )
            )
        self.table("waiting").show(TableRows(lines), stay=True)
        self.head("waiting")

    # -- frame ---------------------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        """Panes beside each other where there is room."""
        super().on_resize(event)
        self.set_class(event.size.width >= WIDE, "wide")
        self.set_class(event.size.height >= TALL, "tall")
        self.call_after_refresh(self.paint_headings)

    def crumbs(self) -> list[str]:
        """Marked only; the plan made; what waits."""
        crumbs = [_("owners of the marked customers")] if self._marked else []
        made = self._made.get(self.givers)
        if made is not None:
            crumbs.append(made.plan.name)
        rows = sum(pair.rows for pair in self._pairs)
        if rows:
            crumbs.append(
                ngettext("{count} row waits", "{count} rows wait", rows).format(count=f"{rows:,}")
            )
        return crumbs

    def command_line(self) -> str:
        """The command that makes the plan, or lists the leavers."""
        made = self._made.get(self.givers)
        if made is not None:
            return str(made.plan.params.get("command") or "storeops leaver list")
        return "storeops leaver list"

    @property
    def givers(self) -> tuple[str, ...]:
        """The marked givers, or the one under the cursor."""
        if self._givers:
            return tuple(sorted(self._givers))
        line = self.table("givers").line
        return (str(line.key),) if line is not None else ()

    def step_back(self) -> bool:
        """To the givers; marks off; all givers."""
        if not self.table("givers").has_focus:
            self.table("givers").focus()
            return True
        if self._givers or self._takers:
            self._givers.clear()
            self._takers.clear()
            self._shown = None
            self.read_again()
            return True
        if self._marked:
            self.do_back_marked()
            return True
        return False

    # -- why not -------------------------------------------------------------------------------

    def why_not(self, action: str) -> str:
        """Reasons by what is chosen."""
        if action in ("make", "watch") and (reason := self.why_no_write()):
            return reason
        if action in ("make", "customers", "taker") and not self.givers:
            return _("Nobody has left anything behind; m names a member who is still there.")
        if action == "plan" and self._made.get(self.givers) is None:
            return _("No plan of this giver was made here yet; o makes one.")
        if action == "watch" and not self._pairs:
            return _("No handover waits for its answer.")
        if action == "back_marked" and not self._marked:
            return _("Everybody is shown already.")
        if action == "mark" and self._pane() is None:
            return _("Only givers and takers are marked.")
        if action == "open" and self._focused().line is None:
            return _("There is no row under the cursor.")
        return super().why_not(action)

    def _focused(self) -> VirtualList:
        for name in ("rows", "takers", "waiting"):
            if self.table(name).has_focus:
                return self.table(name)
        return self.table("givers")

    def _pane(self) -> tuple[VirtualList, set[str]] | None:
        """The list that has the keys, when its rows can be marked, with its marks."""
        rows = self._focused()
        marks = {"givers": self._givers, "takers": self._takers}.get(rows.id or "")
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
        """Mark or unmark the row under the cursor."""
        pane = self._pane()
        if pane is None:
            return
        rows, marks = pane
        line = cast("Line", rows.line)
        marks ^= {str(line.key)}
        rows.flip(line.key)
        source = rows.source
        if isinstance(source, Chosen):
            source.chosen = frozenset(marks)
        if rows.id == "givers":
            self._show_rows()

    def do_open(self) -> None:
        """From a giver to its rows; all about a taker or a row."""
        from tui.fields import fields
        from tui.plan_rows import detail

        rows = self._focused()
        line = cast("Line", rows.line)
        if rows.id == "givers":
            self.table("rows").focus()
        elif rows.id == "takers":
            offer = cast("Offer", line.data)
            text = fields(
                "",
                [
                    (_("User id"), offer.userid),
                    (_("Same shop"), _("yes") if offer.same_store else _("no")),
                    (_("Customers, with those on their way"), f"{offer.load:,}"),
                    (_("May have"), f"{offer.capacity:,}"),
                    (_("Why not"), offer.why_not),
                    (_("Way out"), offer.way_out),
                ],
            )
            self.house.open_text(line.cells[0], text)
        elif rows.id == "rows" and isinstance(rows.source, PlanRows):
            self.house.open_text(_("Row {row}").format(row=line.key), detail(line))
        elif rows.id == "rows":
            book, customer = self.house.book, str(line.data)
            self.read(
                lambda: book.card(customer),
                lambda content: self.house.open_text(line.cells[0], content),
                slot="card",
            )

    def do_customers(self) -> None:
        """The givers' customers."""
        where = " or ".join("@" + quoted(each) for each in self.givers)
        self.house.go("customers", where)

    def do_back_marked(self) -> None:
        """Everybody again."""
        self._marked = False
        self._forget()
        self.read_again()

    def do_plan(self) -> None:
        """Review the plan."""
        self.house.go("plans", self._made[self.givers].plan.name)

    def do_giver(self) -> None:
        """Name a giver who is still there."""
        self._ask_member(_("Who hands over?"), self._extra_givers)

    def do_taker(self) -> None:
        """Name a taker; named ones are marked."""
        self._ask_member(_("Who takes over?"), self._extra_takers, self._takers)

    def _ask_member(self, question: str, into: list[str], marks: set[str] | None = None) -> None:
        from storeops.operations.overview import member_names
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
            self.app.push_screen(MemberModal(question, names), then)

        db = self.house.core.data
        self.read(lambda: member_names(db), ask, slot="names")

    def do_make(self) -> None:
        """Ask for the terms, then make the plan."""
        from tui.modals.handover import HandoverModal

        givers, takers = self.givers, tuple(sorted(self._takers))
        lines = self.table("givers").source
        owners = [cast("Owner", each.data) for each in lines.lines if each.key in givers]  # type: ignore[attr-defined]
        text = [
            _("{name}: {customers} customers, {groups} group chats").format(
                name=each.name or each.userid, customers=f"{each.customers:,}",
                groups=f"{each.group_chats:,}",
            )
            for each in owners[:5]
        ]  # fmt: skip
        text.append(
            _("to {takers}").format(takers=", ".join(takers))
            if takers
            else _("to the colleagues of the shop")
        )

        def then(terms: Terms | None) -> None:
            if terms is not None:
                self._plan(givers, takers, terms)

        on_job = any(not each.left for each in owners)
        self.app.push_screen(HandoverModal(text, takers=len(takers), on_job=on_job), then)

    def _plan(self, givers: tuple[str, ...], takers: tuple[str, ...], terms: Terms) -> None:
        from dataclasses import replace

        from storeops.operations.handover.desk import command_of
        from storeops.operations.handover.planner import plan_handover

        wish = Wish(
            givers=givers, takers=takers, rule=terms.rule, cap=terms.cap, message=terms.message,
            marked=DEFAULT if self._marked else "",
        )  # fmt: skip
        wish = replace(wish, command=command_of(wish))
        ledger = self.house.core.ledger

        def done(made: Made) -> None:
            self._made[givers] = made
            self._show_rows()
            self.house.tell(
                _("{plan}: {ready} ready, {blocked} blocked; p reviews it.").format(
                    plan=made.plan.name, ready=f"{made.plan.ready:,}",
                    blocked=f"{made.plan.blocked:,}",
                ),
                severity="warning" if made.plan.blocked else "information",
            )  # fmt: skip

        self.work(lambda: plan_handover(ledger, wish), done)

    def do_watch(self) -> None:
        """Ask about everything that is due."""
        from storeops.operations.handover.watch import watch

        core, self._stop = self.house.core, threading.Event()
        stop = self._stop
        self.house.tell(_("Asking WeCom …"), seconds=2)

        def done(watched: Watched) -> None:
            settled = plan_words.tally(watched.settled)
            if watched.settled:
                text = _("Settled: {rows}").format(rows=settled)
            else:
                text = _("Nothing was settled.")
            if watched.waiting:
                text += " " + ngettext(
                    "{count} row still waits.", "{count} rows still wait.", watched.waiting
                ).format(count=f"{watched.waiting:,}")
            troubles = tuple(each.error for each in watched.asked if each.error)
            self.house.tell(text, severity="warning" if troubles else "information",
                            steps=troubles[:2])  # fmt: skip
            self.read_again()

        self.house.lane("work").submit(
            lambda: watch(core.ledger, core.client, stop=stop), done, self.house.failed,
            stop=stop.set,
        )  # fmt: skip
