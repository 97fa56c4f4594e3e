"""Performance: whose sales a month had, by guide and shop; down to a line and its why."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.content import Content

from storeops import times
from storeops.domains.commission import explained, months, rules_in_force
from storeops.domains.commission.allocation import ROLE_NAMES, describe
from storeops.domains.commission.calendar_months import following, span_of
from storeops.domains.commission.entries import CommissionEntry
from storeops.domains.commission.months import CommissionMonth
from storeops.domains.commission.statements import StatementRow, names_of, statement
from storeops.domains.orders.values import yuan
from storeops.i18n import N_, _
from storeops.sparks import bar
from tui.cells import moment, shown
from tui.fields import fields, title
from tui.keys import LIST, LOOK, Key
from tui.names import NameLookup
from tui.screens.listing import ListScreen
from tui.widgets.bars import Piece
from tui.widgets.panes import Pane
from tui.widgets.rows import Line, ListColumn, TableRows

BAR = 12  # cells of the longest bar
MOST = 5_000  # lines of a guide that are listed; `commission run --all` has the others


@dataclass(frozen=True, slots=True)
class _Month:
    """A month as it was read: its rows, and who is who."""

    month: CommissionMonth
    rows: Sequence[StatementRow]
    names: dict[str, str]
    rules: bool  # whether any is in force


class PerformanceScreen(ListScreen):
    """A month by guide and shop, then the lines of one, then why a line is shared so."""

    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("inside", "", N_("Lines, why"), N_("The lines of the guide; of a line, why it is "
            "shared so."), LOOK, footer=True, shown="Enter"),
        Key("earlier", "left_square_bracket", N_("Earlier"), N_("The month before."), LOOK,
            footer=True),
        Key("later", "right_square_bracket", N_("Later"), N_("The month after."), LOOK,
            footer=True),
        Key("open", "c,f6", N_("Customers"),
            N_("The customers of the guide; of a line, its customer."), LOOK, footer=True),
        Key("filter", "slash,f3", N_("Filter"),
            N_("Narrow the list to rows that hold all the words typed."), LOOK, footer=True),
        Key("copy", "y", N_("Copy"), N_("Copy the id of the row under the cursor."), LOOK),
        *LIST,
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._wanted = ""  # 2026-10; "" this month
        self._read: _Month | None = None
        self._inside: StatementRow | None = None  # whose lines are shown

    def columns(self) -> list[ListColumn]:
        """Of a month, or of the lines of one guide."""
        if self._inside is not None:
            return [
                ListColumn("paid", _("Paid"), 11, keep=6, tone="dim"),
                ListColumn("line", _("Order line"), 16, keep=7),
                ListColumn("amount", _("Amount"), 10, right=True, keep=5),
                ListColumn("share", _("Share, yuan"), 11, right=True, keep=9),
                ListColumn("pay", _("Pay, yuan"), 10, right=True, keep=4),
                ListColumn("role", _("Role"), 8, keep=3, fit=True),
                ListColumn("why", _("Why"), 16, 2, keep=8),
            ]
        return [
            ListColumn("guide", _("Guide"), 10, 1, keep=9),
            ListColumn("shop", _("Shop"), 10, 2, keep=6, last=True),
            ListColumn("lines", _("Lines"), 5, right=True, keep=3),
            ListColumn("sales", _("Sales"), 11, right=True, keep=5),
            ListColumn("returns", _("Returns"), 10, right=True, keep=4),
            ListColumn("changes", _("Later changes"), 13, right=True, keep=2, fit=True),
            ListColumn("share", _("Share, yuan"), 11, right=True, keep=8),
            ListColumn("pay", _("Pay, yuan"), 10, right=True, keep=7),
            ListColumn("bar", "", BAR, keep=6),
        ]

    def read_again(self) -> None:
        """Reckon the month again, beside the lists: a large one takes seconds."""
        core, wanted = self.app.core, self._wanted

        def make() -> _Month:
            db = core.data
            found = months.reckon(db, wanted or times.month(core.clock.now()))
            return _Month(found, statement(db, found), names_of(db, found.entries),
                          bool(rules_in_force.in_force(db)))  # fmt: skip

        def then(found: _Month) -> None:
            if wanted == self._wanted:
                self._read = found
                self._show_rows(stay=bool(self.rows.lines))

        self._submit("figures", make, then, "performance", None)

    def _show_rows(self, *, stay: bool) -> None:
        read = self._read
        if read is None:
            return
        lines = _guides(read.rows) if self._inside is None else self._lines(read, self._inside)
        self.rows = TableRows(lines)
        self.table.set_columns(self.columns())
        month = read.month
        pay = sum(each.pay_fen for each in month.entries)
        figures = _("{share} in shares, {pay} to pay").format(
            share=yuan(month.share_fen), pay=yuan(pay)
        )
        self.query_one("#list-pane", Pane).entitle(
            f"{month.month} · {month.state}", [Piece(f" {figures} ")]
        )
        self._show(stay=stay)

    def _lines(self, read: _Month, whose: StatementRow) -> list[Line]:
        now = self.app.core.clock.now()
        mine = [each for each in read.month.entries
                if (each.share.userid, each.shop) == (whose.userid, whose.shop)]  # fmt: skip
        return [
            Line(
                (*each.key, each.kind, at),
                (
                    moment(each.paid_at, now), shown(f"{each.key[1]}#{each.key[2]}"),
                    yuan(each.amount_fen), yuan(each.share.share_fen), yuan(each.pay_fen),
                    _(ROLE_NAMES[each.share.role]), shown(describe(each.share.reason)),
                ),
                "",
                each,
            )
            for at, each in enumerate(mine[:MOST])
        ]  # fmt: skip

    # -- words ---------------------------------------------------------------------------------

    def card(self, line: Line) -> Content:
        """Every figure of a guide; of a line what it is and why."""
        data = line.data
        if isinstance(data, CommissionEntry):
            rule = f"{data.rule} v{data.rule_version}" if data.rule else ""
            return fields(
                line.cells[1],
                [
                    (_("Paid"), times.minute(data.paid_at)),
                    (_("Amount"), line.cells[2]),
                    (_("Share, yuan"), line.cells[3]),
                    (_("Pay, yuan"), line.cells[4]),
                    (_("Role"), line.cells[5]),
                    (_("Rule"), rule),
                    (_("Why"), describe(data.share.reason)),
                ],
            )
        titles = [_("Shop"), _("Lines"), _("Sales"), _("Returns"), _("Later changes"),
                  _("Share, yuan"), _("Pay, yuan")]  # fmt: skip
        return fields(line.cells[0], zip(titles, line.cells[1:8], strict=True))

    def name_of(self, line: Line) -> str:
        """The guide, or the line of an order."""
        return line.cells[1] if isinstance(line.data, CommissionEntry) else line.cells[0]

    def nothing(self) -> str:
        """Why there is nothing."""
        if self._read is None:
            return _("The month is being reckoned.")
        return _("Nothing was sold in {month}.").format(month=self._read.month.month)

    def crumbs(self) -> list[str]:
        """Which month, whose lines, how many; whether rules are missing."""
        found = [self._read.month.month] if self._read is not None else []
        if self._inside is not None:
            found.append(shown(_who(self._inside)))
        more = [_("only the first")] if self._inside and len(self.rows.lines) >= MOST else []
        if self._read is not None and not self._read.rules:
            more.append(_("no rule is in force: everything is the shops'"))
        return [*found, *super().crumbs(), *more]

    def filter_of(self, line: Line) -> str:
        """The guide's customers, or the customer of a line."""
        data = line.data
        if isinstance(data, CommissionEntry):
            return f"id:{data.external_userid}"
        assert isinstance(data, StatementRow)
        return NameLookup(self.app.core.data).member_filter(data.userid)

    def arrive(self, target: str) -> None:
        """Come with a month."""
        if len(target) == 7 and target[:4].isdecimal():
            self._go(target)

    def command_line(self) -> str:
        """The command that says the same."""
        month = self._wanted or times.month(self.app.core.clock.now())
        line = self.table.line
        if self._inside is None:
            return f"storeops commission statement --month {month}"
        if line is not None and isinstance(line.data, CommissionEntry):
            source, order_no, number = line.data.key
            return shlex.join(["storeops", "commission", "explain", f"--source={source}", "--",
                               f"{order_no}#{number}"])  # fmt: skip
        return shlex.join(["storeops", "commission", "run", "--month", month,
                           f"--userid={self._inside.userid}"])  # fmt: skip

    # -- keys ----------------------------------------------------------------------------------

    def why_not(self, action: str) -> str:
        """A row is needed; the month after this one has not begun; a pool has no customers."""
        this = times.month(self.app.core.clock.now())
        if action == "later" and (self._wanted or this) >= this:
            return _("This is the month of today.")
        if action == "inside" and self.table.line is None:
            return self.table.empty or _("The list is empty.")
        if action == "open" and self.table.line is not None:
            data = self.table.line.data
            if isinstance(data, StatementRow) and not data.userid:
                return _("The shop's pool has no customers.")
            if isinstance(data, CommissionEntry) and not data.external_userid:
                return _("Its customer is not known.")
        return super().why_not(action)

    def _go(self, month: str) -> None:
        self._wanted, self._inside = month, None
        self.rows = TableRows()
        self.read_again()

    def do_earlier(self) -> None:
        """The month before."""
        start, _end = span_of(self._wanted or times.month(self.app.core.clock.now()))
        self._go(times.month(start - 1))

    def do_later(self) -> None:
        """The month after."""
        this = times.month(self.app.core.clock.now())
        after = following(self._wanted or this)
        self._go("" if after >= this else after)

    def enter(self, line: Line) -> None:
        """Into the lines of a guide; from a line to its why."""
        if isinstance(line.data, StatementRow):
            self._inside = line.data
            self._show_rows(stay=False)
        elif isinstance(line.data, CommissionEntry):
            db, key, name = self.app.core.data, line.data.key, self.name_of(line)

            def read() -> Content:
                found = explained.explain(db, explained.find_line(db, f"{key[1]}#{key[2]}", key[0]))
                lookup = NameLookup(db)
                return Content("").join([
                    fields("", explained.facts(found, lookup.member)),
                    title(_("Arithmetic")),
                    Content("\n".join(map(shown, explained.sentences(found, lookup.member)))),
                ])  # fmt: skip

            self._submit(
                "figures",
                read,
                lambda content: self.open_text(name, content),
                "performance.why",
                None,
            )

    def do_inside(self) -> None:
        """The same from the menu."""
        if self.table.line is not None:
            self.enter(self.table.line)

    def do_copy(self) -> None:
        """The userid; of a line what `commission explain` takes."""
        line = self.table.line
        if line is not None:
            data = line.data
            text = data.userid if isinstance(data, StatementRow) else line.cells[1]
            self.app.copy(text, _("the id"))

    def step_back(self) -> bool:
        """From the lines to the guides."""
        if super().step_back():
            return True
        if self._inside is not None:
            self._inside = None
            self._show_rows(stay=False)
            return True
        return False


def _who(row: StatementRow) -> str:
    return row.name or row.userid or _("shop pool")


def _guides(rows: Sequence[StatementRow]) -> list[Line]:
    most = max((each.share_fen for each in rows), default=0)
    found = []
    for each in rows:
        picture = bar(each.share_fen, most, BAR)
        cells = (
            shown(_who(each)), shown(each.shop), f"{each.lines:,}", yuan(each.sales_fen),
            yuan(each.returns_fen) if each.returns_fen else "",
            yuan(each.changes_fen) if each.changes_fen else "",
            yuan(each.share_fen), yuan(each.pay_fen), picture,
        )  # fmt: skip
        tone = "" if each.userid else "gone"
        found.append(Line((each.userid, each.shop), cells, tone, each, {8: [(picture, "chip0")]}))
    return found
