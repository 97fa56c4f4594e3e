"""Orders: the newest, those whose customer is not known, and sums by shop, channel and day."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, ClassVar

from textual.content import Content

from storeops import times
from storeops.domains.orders import matching, orders
from storeops.domains.orders.orders import OrderFilter
from storeops.domains.orders.values import STATUSES, yuan
from storeops.errors import NotFoundError
from storeops.i18n import N_, _, aside, ngettext
from storeops.mirror import members
from storeops.operations import reports
from storeops.operations.reports import Period
from storeops.reading import customers
from storeops.reading.customer_rows import customer_id
from storeops.reading.filter import quoted
from storeops.sparks import bar
from tui.cells import moment, shown
from tui.fields import fields, title
from tui.keys import DO, LIST, LOOK, Key
from tui.names import NameLookup
from tui.screens.listing import ListScreen
from tui.widgets.bars import Piece
from tui.widgets.panes import Pane, TextPane
from tui.widgets.rows import Line, ListColumn, TableRows

MOST = 1_000  # orders that are listed; `order list --all` has the others
SPANS = (1, 7, 30, 365)  # days
FOUND = 20  # customers that are offered
BAR = 12  # cells of the longest bar
LISTS = {"unmatched": N_("without a customer")}
SUMS = {"shop": N_("by shop"), "channel": N_("by channel"), "day": N_("by day")}
CONDITIONS = {"shop": "shop-bought", "channel": "channel"}


class OrdersScreen(ListScreen):
    """What customers bought; whose order it was; sums."""

    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("unmatched", "u,f4", N_("No customer"),
            N_("The orders whose customer is not known, with the reason; or all orders again."),
            LOOK, footer=True),
        Key("assign", "a,f8", N_("Whose"),
            N_("Say which of the customers who fit it is, or look for one where nobody does; the "
               "buyer's other orders follow."), DO, footer=True),
        Key("sums", "v", N_("Sums"), N_("By shop, by channel, by day; then the orders again."),
            LOOK, footer=True),
        Key("earlier", "left_square_bracket", N_("Earlier"),
            N_("As many days, just before these."), LOOK, footer=True),
        Key("later", "right_square_bracket", N_("Later"),
            N_("As many days, just after these."), LOOK),
        Key("span", "d", N_("Span"), N_("A day, a week, thirty days or a year until this day."),
            LOOK, footer=True),
        Key("open", "c,f6", N_("Customers"),
            N_("The customer of the order, or those who bought there."), LOOK, footer=True),
        Key("match", "r", N_("Look again"),
            N_("Look once more for the customers of orders that wait."), DO),
        Key("filter", "slash,f3", N_("Filter"),
            N_("Narrow the list to rows that hold all the words typed."), LOOK, footer=True),
        Key("copy", "y", N_("Copy"), N_("Copy the id of the row under the cursor."), LOOK),
        *LIST,
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._view = ""  # a key of LISTS or SUMS; "" all orders
        self._within: tuple[str, str] | None = None  # (a key of SUMS, which one): one came from it
        self._days: Period | None = None  # None: thirty days until today
        self._card: Any = None  # the order of the card at the side
        self._known = True  # whether any order is

    def columns(self) -> list[ListColumn]:
        """Of the orders, or of the sums."""
        if self._view in SUMS:
            first = {"shop": _("Shop"), "channel": _("Channel"), "day": _("Day")}[self._view]
            return [
                ListColumn("name", first, 12, 1, keep=9, last=True),
                ListColumn("orders", _("Orders"), 8, right=True, keep=8),
                ListColumn("returns", _("Returns"), 8, right=True, keep=5),
                ListColumn("unmatched", _("No customer"), 11, right=True, keep=4),
                ListColumn("amount", _("Amount"), 13, right=True, keep=8),
                ListColumn("bar", "", BAR, keep=3),
            ]
        waiting = self._view == "unmatched"
        return [
            ListColumn("paid", _("Paid"), 11, keep=7, tone="dim"),
            ListColumn("order", _("Order no."), 14, keep=6),
            ListColumn("amount", _("Amount"), 10, right=True, keep=8),
            ListColumn("status", _("Status"), 6, keep=4, fit=True),
            ListColumn("customer", _("Why no customer") if waiting else _("Customer"),
                       24 if waiting else 12, 1, keep=9),
            ListColumn("shop", _("Shop"), 12, 1, keep=5, last=True),
            ListColumn("channel", _("Channel"), 8, keep=3, fit=True),
        ]  # fmt: skip

    def _period(self) -> Period:
        if self._within is not None and self._within[0] == "day":
            return reports.period(self._now(), on=self._within[1])
        return self._days or self._ending(reports.period(self._now(), on="today"), 30)

    def _now(self) -> float:
        return self.app.core.clock.now()

    def _ending(self, last: Period, number: int) -> Period:
        """So many days that end with the last of these."""
        day = reports.period(self._now(), on=last.until)
        return reports.period(self._now(), since=day.back(number - 1).since, until=last.until)

    def read_again(self) -> None:
        """Read beside the lists, whose columns may be others."""
        view, stay = (self._view, self._within, self._days), bool(self.rows.lines)

        def then(lines: Sequence[Line]) -> None:
            if view == (self._view, self._within, self._days):
                self.rows = TableRows(lines)
                self.table.set_columns(self.columns())
                self.query_one("#list-pane", Pane).entitle(
                    shown(_(self.spec.title)), [Piece(f" {self._period().words} ")]
                )
                self._show(stay=stay)

        self.read(self.load, then, key="load")

    def load(self) -> Sequence[Line]:
        """The orders of the days, or their sums (background)."""
        db, days, view = self.app.core.data, self._period(), self._view
        which = self._which(days)
        self._known = orders.any_order(db)
        if view in SUMS:
            return _sums(orders.totals(db, view, which, self._now()), view)
        now = self._now()
        return [_order(row, now) for row in islice(orders.list_orders(db, which), MOST)]

    def _which(self, days: Period) -> OrderFilter:
        shop = channel = ""
        if self._within is not None:
            by, name = self._within
            shop, channel = (name if by == each else "" for each in ("shop", "channel"))
        match = "waiting" if self._view == "unmatched" else ""
        return OrderFilter(
            shop=shop, channel=channel, since=days.start, until=days.end, match=match
        )

    # -- one order -----------------------------------------------------------------------------

    def order_here(self) -> dict[str, Any] | None:
        """The order under the cursor; None in sums."""
        line = self.table.line
        data = line.data if line is not None else None
        return data if isinstance(data, dict) and "order_no" in data else None

    def put_card(self, line: Line | None) -> None:
        """The order beside the list; it is read in the background."""
        if not self.has_class("wide") or line is None or _by(line):
            self._card = None
            super().put_card(line)
            return

        def put(found: Any) -> None:
            if found != self._card and self.is_under_cursor(line):
                self._card = found
                self.query_one("#card", TextPane).put(_card(found))
                self.query_one("#card-pane", Pane).entitle(self.name_of(line))

        self._read_order(line, put)

    def enter(self, line: Line) -> None:
        """Into the order; from a sum to its orders."""
        if by := _by(line):
            if line.key:
                self._within = (by, str(line.key))
                self._go("")
            else:
                self.app.notify(_("These orders do not say where."), severity="warning")
        elif self.has_class("wide"):
            super().enter(line)
        else:
            self._read_order(line, lambda found: self.open_text(self.name_of(line), _card(found)))

    def _read_order(self, line: Line, then: Callable[[Any], None]) -> None:
        db = self.app.core.data
        row = line.data
        assert isinstance(row, dict)

        def read() -> Any:
            try:
                found = orders.show_order(db, row["order_no"], row["source"])
            except NotFoundError:
                return None  # forgotten meanwhile
            staff = members.by_userids(db, {found["seller"], found["server"]})

            def name(userid: str) -> str:
                member = staff.get(userid.lower())
                return (member.name if member else "") or userid

            return found | {each: name(found[each]) for each in ("seller", "server")}

        self.read(read, then, key="card")

    def card(self, line: Line) -> Content:
        """Of a sum: its figures."""
        titles = (_("Orders"), _("Returns"), _("No customer"), _("Amount"))
        return fields(line.cells[0], zip(titles, line.cells[1:5], strict=True))

    def name_of(self, line: Line) -> str:
        """The order's number, or what is summed."""
        return line.cells[0 if _by(line) else 1]

    # -- words ---------------------------------------------------------------------------------

    def nothing(self) -> str:
        """Where orders come from."""
        if not self._known:
            return _("No order is known: `storeops order import FILE --source NAME` takes some in.")
        if self._view == "unmatched":
            return _("Every order of these days has its customer.")
        return _("No order in these days; [ goes to earlier ones.")

    def crumbs(self) -> list[str]:
        """Which ones, how many."""
        words = [_((LISTS | SUMS)[self._view])] if self._view else []
        if self._within is not None:
            words.insert(0, shown(self._within[1]))
        more = [_("only the first")] if len(self.rows.lines) >= MOST else []
        return [*words, *super().crumbs(), *more]

    def filter_of(self, line: Line) -> str:
        """The customer of an order; the customers of a shop or channel."""
        row = line.data
        assert isinstance(row, dict)
        if by := _by(line):
            return f"{CONDITIONS[by]}:{quoted(row['name'])}"
        return f"id:{row['external_userid']}"

    def command_line(self) -> str:
        """The command that lists the same."""
        days = self._period()
        if self._view in SUMS:
            return (
                f"storeops order totals --by {self._view} --since {days.since} --until {days.until}"
            )
        words = ["storeops", "order", "list"]
        if self._within is not None and self._within[0] in CONDITIONS:
            words.append(f"--{self._within[0]}={self._within[1]}")
        if self._view == "unmatched":
            words += ["--unmatched", "--ambiguous"]
        return shlex.join([*words, "--since", days.since, "--until", days.until])

    def arrive(self, target: str) -> None:
        """Come with the name of a list."""
        if target in LISTS | SUMS:
            self._within = None
            self._go(target)

    # -- keys ----------------------------------------------------------------------------------

    def why_not(self, action: str) -> str:
        """An order is needed for some, candidates to choose from, days that have been."""
        if action == "later" and self._period().end > self._now():
            return _("These days reach until today.")
        if action == "assign":
            row = self.order_here()
            if row is None:
                return _("There is no order under the cursor.")
            return "" if row["reason"] else _("Its customer is known.")
        if action == "open" and self.table.line is not None:
            by = _by(self.table.line)
            if by == "day":
                return _("Enter shows the orders of the day.")
            if by and not self.table.line.key:
                return _("These orders do not say where.")
            row = self.order_here()
            if row is not None and not row["external_userid"]:
                return _("Its customer is not known.")
        return super().why_not(action)

    def _go(self, view: str) -> None:
        self._view = view
        self.rows = TableRows()
        self.read_again()

    def do_unmatched(self) -> None:
        """The work list, or all."""
        self._go("" if self._view == "unmatched" else "unmatched")

    def do_sums(self) -> None:
        """The next sums."""
        views = ["", *SUMS]
        at = views.index(self._view) if self._view in views else 0
        self._within = None
        self._go(views[(at + 1) % len(views)])

    def step_back(self) -> bool:
        """From the orders of a sum to the sums; from a list to all orders."""
        if super().step_back():
            return True
        if self._within is not None:
            (view, _name), self._within = self._within, None
            self._go(view)
            return True
        if self._view and not self.app.linked:
            self._go("")
            return True
        return False

    def _turn(self, days: Period) -> None:
        """To other days, out of the one that was entered."""
        self._days = days
        if self._within is not None and self._within[0] == "day":
            self._within = None
        self.read_again()

    def do_earlier(self) -> None:
        """The days before."""
        days = self._period()
        self._turn(days.back(days.days))

    def do_later(self) -> None:
        """The days after, until today."""
        days, today = self._period(), reports.period(self._now(), on="today")
        after = days.back(-days.days)
        self._turn(after if after.end <= today.end else self._ending(today, days.days))

    def do_span(self) -> None:
        """A day, a week, thirty days, a year."""
        days = self._period()
        self._turn(self._ending(days, next((each for each in SPANS if each > days.days), 1)))

    def do_assign(self) -> None:
        """Choose among the customers who fit; where nobody does, among those that words find."""
        from tui.modals.note import NoteModal

        row, core = self.order_here(), self.app.core
        if row is None:
            return
        number, source = row["order_no"], row["source"]
        title_ = _("Whose is {order}?").format(order=shown(number))

        def among() -> Sequence[int]:
            candidates = orders.show_order(core.data, number, source)["candidates"]
            return [customer_id(core.data, each["external_userid"]) or 0 for each in candidates]

        def found_by(words: str) -> Sequence[int]:
            return customers.open_query(core.data, words, now=self._now()).page(limit=FOUND).ids

        def searched(words: str | None) -> None:
            if words:
                self._choose(row, title_, lambda: found_by(words))

        if row["reason"] == "ambiguous":
            self._choose(row, title_, among)
            return
        text = _("Nobody fits. Name the customer: words of the name or remark, a phone, a filter.")
        self.open_window(NoteModal(title_, text, _("name, remark, phone"), _("Look")), searched)

    def _choose(self, row: dict[str, Any], title_: str, find: Callable[[], Sequence[int]]) -> None:
        """Offer some customers, and give the order to the one that is chosen."""
        from tui.modals.choose import ChooseModal

        core = self.app.core

        def load() -> list[tuple[str, str]]:
            lookup = NameLookup(core.data)
            return [(each["external_userid"], _told_apart(each, lookup))
                    for each in customers.rows_of(core.data).load(find())]  # fmt: skip

        def ask(ways: list[tuple[str, str]]) -> None:
            if not ways:
                self.app.notify(_("No customer fits these words."), severity="warning")
                return
            nameless = row["reason"] == "no_key"
            text = "" if nameless else _("The buyer's other orders will be this customer's, too.")
            self.open_window(ChooseModal(title_, text, ways), then)

        def then(customer: str | None) -> None:
            if customer:
                self._change(
                    lambda: matching.assign(
                        core.data, row["order_no"], customer, self._now(), row["source"]
                    )
                )

        self.read(load, ask, key="whose")

    def do_match(self) -> None:
        """Look for everybody who waits."""
        core = self.app.core
        self._change(lambda: matching.look_again(core.data, self._now()).new)

    def _change(self, change: Callable[[], int]) -> None:
        def then(count: int) -> None:
            text = ngettext("{count} order has its customer now.",
                            "{count} orders have their customer now.", count)  # fmt: skip
            self.app.notify(text.format(count=count), severity="information", timeout=4)
            self.read_again()

        self.work(change, then)


def _told_apart(row: dict[str, Any], lookup: NameLookup) -> str:
    """A customer among namesakes: name, remarks, guides."""
    follows = row["follows"]
    remarks = dict.fromkeys(each["remark"] for each in follows if each["remark"])
    guides = dict.fromkeys(lookup.member(each["userid"]) for each in follows)
    words = [row["name"] or row["external_userid"], *remarks, *list(guides)[:2]]
    return " · ".join(words)


def _by(line: Line) -> str:
    """A key of SUMS when the row is a sum, else ""."""
    return str(line.data.get("by", "")) if isinstance(line.data, dict) else ""


def _order(row: dict[str, Any], now: float) -> Line:
    why = _(matching.REASONS[row["reason"]]) if row["reason"] in matching.REASONS else ""
    return Line(
        (row["source"], row["order_no"]),
        (
            moment(row["paid_at"], now),
            shown(row["order_no"]),
            yuan(row["amount_fen"]),
            "" if row["status"] == "paid" else _(STATUSES[row["status"]]),
            shown(f"– {why}" if why else row["customer"] or row["external_userid"]),
            shown(row["shop"]),
            shown(row["channel"]),
        ),
        "gone" if row["status"] == "cancelled" else "warn" if row["reason"] == "ambiguous" else "",
        row,
    )


def _sums(rows: Sequence[dict[str, Any]], by: str) -> list[Line]:
    most = max((row["amount_fen"] for row in rows), default=0)
    lines = []
    for row in rows:
        picture = bar(row["amount_fen"], most, BAR)
        cells = (shown(row["name"] or "–"), f"{row['orders']:,}", f"{row['returns']:,}",
                 f"{row['unmatched']:,}", yuan(row["amount_fen"]), picture)  # fmt: skip
        lines.append(Line(row["name"], cells, "", row | {"by": by}, {5: [(picture, "chip0")]}))
    return lines


def _card(found: Any) -> Content:
    """An order with its lines, and whose it is."""
    if found is None:
        return Content(_("This order is gone."))
    whose = found["customer"] or found["external_userid"] or ""
    if found["matched_by"]:
        whose = aside(whose, _(matching.WAYS[found["matched_by"]]))
    candidates = [each["name"] or each["external_userid"] for each in found["candidates"]]
    buyer = found["buyer"]
    said = [buyer["phone"], buyer["member"]]  # what a person can read
    return Content("").join([
        fields(
            shown(found["order_no"]),
            [
                (_("Customer"), whose),
                (_("Why no customer"), _(matching.REASONS.get(found["reason"], ""))
                 if found["reason"] else ""),
                (_("May be"), _(", ").join(candidates)),
                (_("Status"), _(STATUSES[found["status"]])),
                (_("Paid"), times.minute(found["paid_at"])),
                (_("Amount"), f"{yuan(found['amount_fen'])} {found['currency']}"),
                (_("Shop"), " · ".join(filter(None, (found["shop"], found["channel"])))),
                (_("Sold by"), found["seller"]),
                (_("Served by"), found["server"]),
                (_("Returns order"), found["original"]),
                (_("Returned by"), _(", ").join(found["returned_by"])),
                (_("Source"), found["source"]),
                (_("The order names"), _(", ").join(filter(None, said))),
            ],
        ),
        title(_("Order lines")),
        *(
            fields("", [(f"{each['line']}", f"{each['name'] or each['code']} × "
                         f"{each['quantity']:g}  {yuan(each['amount_fen'])}")])
            for each in found["lines"]
        ),
    ])  # fmt: skip
