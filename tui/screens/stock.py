"""Stock: what lies in shops, first expired first, and what to do with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import ClassVar

from textual.content import Content

from storeops import times
from storeops.domains.orders import products
from storeops.domains.stock import shelf
from storeops.domains.stock.words import todo
from storeops.i18n import N_, _, aside, plural
from storeops.notebook.stores import list_shops
from storeops.times import minute
from tui.cells import shown
from tui.fields import fields
from tui.keys import LIST, LOOK, Key
from tui.screens.listing import ListScreen
from tui.widgets.rows import Line, ListColumn

DAYS = (2, 14, 3_650)  # ahead
MOST = 5_000  # rows that are shown; `storeops stock list` has all
DIFFERENCES = 6  # of a product in a shop, on the card


class StockScreen(ListScreen):
    """Pieces by shop, product and lot; the card has the shop's other lots and what counts found."""

    SLOW_CARD: ClassVar[bool] = True
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("filter", "slash,f3", N_("Filter"),
            N_("Narrow the list to rows that hold all the words typed."), LOOK, footer=True),
        Key("days", "d,f4", N_("Days ahead"),
            N_("What expires within two days, two weeks, or at all."),
            LOOK, footer=True),
        Key("copy", "y", N_("Copy"), N_("Copy the id of the row under the cursor."), LOOK,
            footer=True),
        *LIST,
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._days = DAYS[1]
        self._cut = 0

    def columns(self) -> list[ListColumn]:
        """Expiry and what to do, product, shop, lot, pieces."""
        return [
            ListColumn("expires", _("Expiry"), 10, keep=8),
            ListColumn("left", _("Days"), 5, right=True, keep=7),
            ListColumn("product", _("Product"), 14, 3, keep=9),
            ListColumn("store", _("Store"), 10, 2, keep=8, last=True),
            ListColumn("lot", _("Lot"), 8, keep=4, fit=True),
            ListColumn("qty", _("Pieces"), 7, right=True, keep=9),
            ListColumn("todo", _("To do"), 18, 2, keep=5),
        ]

    def load(self) -> Sequence[Line]:
        """What expires (background)."""
        core = self.app.core
        db = core.data
        today = times.local(core.clock.now()).date()
        rows = shelf.expiring(db, today, days=self._days)
        self._cut = max(0, len(rows) - MOST)
        names = products.names(db)
        shops = {each.code: each.name for each in list_shops(db) if each.code}
        found = []
        for row in rows[:MOST]:
            tone = {"called_back": "bad", "expired": "bad", "today": "warn"}.get(row["due"], "")
            sign = "! " if tone else ""
            found.append(
                Line(
                    (row["store"], row["item"], row["expires"], row["lot"]),
                    (
                        row["expires"], f"{row['days_left']:,}",
                        shown(names.get(row["item"].lstrip("0"), row["item"])),
                        shown(f"{shops.get(row['store'], '')} {row['store']}".strip()),
                        shown(row["lot"]), f"{row['qty']:,g}", sign + todo(row["due"]),
                    ),
                    tone,
                    row,
                )
            )  # fmt: skip
        return found

    def card(self, line: Line) -> Content:
        """The row, the shop's other lots of the product, and what counts found."""
        row = line.data
        assert isinstance(row, dict)
        db = self.app.core.data
        others = shelf.stock(db, stores=[row["store"]], item=row["item"])
        by_day: dict[str, float] = defaultdict(float)
        for each in others:
            by_day[f"{each['expires'] or _('no expiry')} {each['lot']}".strip()] += each["qty"]
        counted = shelf.differences(db, stores=[row["store"]], item=row["item"])[:DIFFERENCES]
        return fields(
            line.cells[2],
            [
                (_("Product"), row["item"]),
                (_("Store"), line.cells[3]),
                (_("Lot"), row["lot"]),
                (_("Expiry"), aside(row["expires"], line.cells[1])),
                (_("Pieces"), line.cells[5]),
                (_("To do"), todo(row["due"])),
                (_("Counted at"), minute(row["counted_at"])),
                (_("All lots here"), "\n" + "\n".join(
                    f"{day}  {pieces:,g}" for day, pieces in by_day.items())),
                (_("Counts"), "\n" + "\n".join(
                    f"{minute(each['at'])}  {each['before']:g} → {each['after']:g}  {each['who']}"
                    for each in counted)),
            ],
        )  # fmt: skip

    def nothing(self) -> str:
        """Where stock comes from."""
        return _("Nothing expires in these days; lists come in with: storeops stock import FILE")

    def name_of(self, line: Line) -> str:
        """Product and shop."""
        return f"{line.cells[2]} · {line.cells[3]}"

    def crumbs(self) -> list[str]:
        """The days, how many, and how many are not shown."""
        days = _("all")
        if self._days < 1_000:
            days = plural("{count} day", "{count} days", self._days)
        cut = [_("{count} more: storeops stock expiring").format(count=f"{self._cut:,}")]
        return [days, *super().crumbs(), *(cut if self._cut else [])]

    def do_days(self) -> None:
        """The next span of days."""
        self._days = DAYS[(DAYS.index(self._days) + 1) % len(DAYS)]
        self.read_again()

    def do_copy(self) -> None:
        """The product's code."""
        line = self.table.line
        if line is not None and isinstance(line.data, dict):
            self.app.copy(str(line.data["item"]), _("the id"))

    def command_line(self) -> str:
        """The command."""
        return f"storeops stock expiring --days {self._days}"
