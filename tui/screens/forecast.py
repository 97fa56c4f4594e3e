"""Forecast: what shops sold and will sell, as a picture; and what to order by shelf life."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

from textual.content import Content

from storeops.domains.orders import products
from storeops.i18n import N_, _, aside, ngettext
from storeops.notebook.stores import list_shops
from storeops.sparks import columns, curve
from tui.cells import shown
from tui.fields import fields
from tui.keys import LIST, LOOK, Key
from tui.screens.listing import ListScreen
from tui.widgets.rows import Line, ListColumn

if TYPE_CHECKING:
    from storeops.domains.forecast.history import DailySales
    from storeops.domains.forecast.outlook import Outlook

AHEAD = 7  # days
CURVE = 21  # days of the curve in the list
PICTURE = 26  # days of history: with seven days ahead and a scrollbar as wide as the card at 120
HEIGHT = 8  # lines of the picture
MOST = 5_000  # rows that are shown; `storeops forecast run` writes all
LIVES = (1, 2, 3, 5, 7, 10, 14, 21, 30)  # days of shelf life that can be tried
BLANK = " "


class ForecastScreen(ListScreen):
    """Every product of every shop; the card shows its days, and what to order tonight."""

    SLOW_CARD: ClassVar[bool] = True
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("filter", "slash,f3", N_("Filter"),
            N_("Narrow the list to rows that hold all the words typed."), LOOK, footer=True),
        Key("order", "o,f8", N_("Order tonight"),
            N_("What the shop should order of it tonight, from stock and shelf life."), LOOK,
            footer=True),
        Key("shorter", "left_square_bracket", N_("Shorter life"),
            N_("What if it could be sold for fewer days."), LOOK, footer=True),
        Key("longer", "right_square_bracket", N_("Longer life"),
            N_("What if it could be sold for more days."), LOOK, footer=True),
        Key("copy", "y", N_("Copy"), N_("Copy the id of the row under the cursor."), LOOK),
        *LIST,
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._outlook: Outlook | None = None
        self._source: tuple[str | DailySales, date | None] | None = None
        self._life: int | None = None  # days of shelf life that are tried; None: no order asked

    def columns(self) -> list[ListColumn]:
        """Shop, product, a curve, last week, tomorrow."""
        return [
            ListColumn("store", _("Store"), 10, 2, keep=8, last=True),
            ListColumn("product", _("Product"), 12, 3, keep=9),
            ListColumn("curve", _("Last three weeks"), CURVE, keep=5),
            ListColumn("week", _("7 days"), 8, right=True, keep=4),
            ListColumn("next", _("Next day"), 9, right=True, keep=8),
            ListColumn("most", _("9 of 10"), 8, right=True, keep=6),
        ]

    def read_again(self) -> None:
        """Forecast again, beside the lists: a large chain takes some seconds."""
        stay = bool(self.rows.lines)

        def then(lines: Sequence[Line]) -> None:
            from tui.widgets.rows import TableRows

            self.rows = TableRows(lines)
            self._show(stay=stay)

        self._submit("figures", self.load, then, "forecast", None)

    def load(self) -> Sequence[Line]:
        """All series (background)."""
        from storeops.domains.forecast import source
        from storeops.domains.forecast.outlook import outlook

        core = self.app.core
        self._source = source.latest(core.data, core.clock.now())
        if self._source is None:
            self._outlook = None
            return []
        found = outlook(self._source[0], as_of=self._source[1], horizon=AHEAD)
        self._outlook = found
        names = products.names(core.data)
        shops = {each.code: each.name for each in list_shops(core.data) if each.code}
        history = found.history
        rows = []
        for at in range(min(history.series, MOST)):
            store = history.stores[history.store[at]]
            product = history.products[history.product[at]]
            sold = found.sold(at, CURVE)
            week = [each for each in sold[-7:] if each is not None]
            rows.append(
                Line(
                    (store, product),
                    (
                        shown(f"{shops.get(store, '')} {store}".strip()),
                        shown(names.get(product.lstrip("0"), product)),
                        curve(sold),
                        f"{sum(week):,.0f}",
                        f"{found.bands[0.5][0, at]:,.1f}",
                        f"{found.bands[0.9][0, at]:,.1f}",
                    ),
                    "",
                    at,
                    {2: [(curve(sold), "chip0")]},
                )
            )  # fmt: skip
        return rows

    def card(self, line: Line) -> Content:
        """The picture, the days ahead, and the order that was asked for (background)."""
        found, at = self._outlook, line.data
        if found is None or not isinstance(at, int) or at >= found.history.series:
            return Content("")
        history = found.history
        sold = found.sold(at, PICTURE)
        ahead = [float(each) for each in found.bands[0.5][:, at]]
        most = [float(each) for each in found.bands[0.9][:, at]]
        top = max([*(each or 0.0 for each in sold), *most, 1e-9])
        past, middle, high = (columns(each, HEIGHT, top) for each in (sold, ahead, most))
        parts = []
        for row in range(HEIGHT):
            label = f"{top:,.0f}" if row == 0 else "0" if row == HEIGHT - 1 else ""
            parts.append(
                Content.assemble(
                    (f"{label:>5} ", "$text-muted"), (past[row], "$text-primary"),
                    ("│", "$text-muted"),
                    *(
                        (one, "$text-success") if one != BLANK
                        else ("░" if other != BLANK else BLANK, "$text-muted")
                        for one, other in zip(middle[row], high[row], strict=True)
                    ),
                    "\n",
                )
            )  # fmt: skip
        first, last = history.day(history.days - len(sold)), history.day(history.days)
        gap = " " * max(1, len(sold) - 10)
        parts.append(Content.styled(f"      {first:%m-%d}{gap}{last:%m-%d}│\n", "$text-muted"))
        parts.append(
            Content.styled(
                _("Bars: sold. Behind the line: expected, shaded up to enough on 9 of 10 days.")
                + "\n\n",
                "$text-muted",
            )
        )  # fmt: skip
        head = "".join(f"{each:>10}" for each in ("50 %", "80 %", "90 %"))
        days = f"{BLANK:5}{head}\n" + "\n".join(
            f"{history.day(history.days + day):%m-%d}  {found.bands[0.5][day, at]:>8.1f}"
            f"  {found.bands[0.8][day, at]:>8.1f}  {found.bands[0.9][day, at]:>8.1f}"
            for day in range(len(ahead))
        )
        parts.append(fields(f"{line.cells[1]} · {line.cells[0]}",
                            [(_("Enough on so many days"), "\n" + days)]))  # fmt: skip
        if self._life is not None:
            parts.append(self._order(line, self._life))
        else:
            parts.append(
                Content.styled(_("o: what to order tonight; [ and ]: by shelf life.") + "\n",
                               "$text-muted")
            )  # fmt: skip
        return Content("").join(parts)

    def _order(self, line: Line, life: int) -> Content:
        from storeops.domains.forecast import ordering
        from storeops.domains.forecast.on_hand import OnHand

        assert self._source is not None
        assert isinstance(line.key, tuple)
        store, product = line.key
        core = self.app.core
        held = OnHand(core.data, core.clock.now()).held(store)
        how = ordering.terms(shelf_life=life)
        made = ordering.order(
            self._source[0], store, how, as_of=self._source[1], stock=held, product=product
        )
        row: dict[str, Any] = made["items"][0] if made["items"] else {}
        past = {each["by"]: each for each in made["past"] if each["lost"] is not None}
        mine, habit = past.get("forecast"), past.get("last week")
        words = _("{lost} lost, {wasted} thrown away")

        def shares(each: dict[str, Any] | None) -> str:
            return "" if each is None else words.format(
                lost=f"{each['lost']:.1%}", wasted=f"{each['wasted']:.1%}"
            )  # fmt: skip

        return fields(
            ngettext(
                "Order tonight, {days} day of shelf life",
                "Order tonight, {days} days of shelf life",
                life,
            ).format(days=life),
            [
                (_("To order"), f"{row.get('order', 0):g}"),
                (_("Fill up to"), aside(f"{row.get('target', 0):,.1f}", f"{made['ratio']:.0%}")),
                (_("On hand, usable"), f"{row.get('usable', 0):,.1f}"),
                (_("On the way"), f"{row.get('on_the_way', 0):,.1f}"),
                (_("In the last weeks"), shares(mine)),
                (_("Same weekday last week"), shares(habit)),
            ],
        )

    def nothing(self) -> str:
        """Where a history comes from."""
        return _("Nothing is known of sales: storeops order import FILE --source NAME")

    def name_of(self, line: Line) -> str:
        """Product and shop."""
        return f"{line.cells[1]} · {line.cells[0]}"

    def crumbs(self) -> list[str]:
        """The last day that is known, how many, and how many are not shown."""
        if self._outlook is None:
            return super().crumbs()
        day = _("known until {day}").format(day=self._outlook.history.as_of)
        left = max(0, self._outlook.history.series - MOST)
        more = [_("{count} more: storeops forecast run --out FILE").format(count=f"{left:,}")]
        return [day, *super().crumbs(), *(more if left else [])]

    def why_not(self, action: str) -> str:
        """A row is needed; shelf lives have an end."""
        if action in ("order", "shorter", "longer"):
            if self.table.line is None:
                return self.table.empty or _("The list is empty.")
            if action == "shorter" and self._life == LIVES[0]:
                return _("It is the shortest that can be tried.")
            if action == "longer" and self._life == LIVES[-1]:
                return _("It is the longest that can be tried.")
        return super().why_not(action)

    def do_order(self) -> None:
        """With the order, or without it."""
        self._try(None if self._life is not None else LIVES[2])

    def do_shorter(self) -> None:
        """A shorter shelf life."""
        self._try(LIVES[max(0, LIVES.index(self._life) - 1)] if self._life else LIVES[2])

    def do_longer(self) -> None:
        """A longer shelf life."""
        self._try(
            LIVES[min(len(LIVES) - 1, LIVES.index(self._life) + 1)] if self._life else LIVES[2]
        )

    def _try(self, life: int | None) -> None:
        self._life = life
        line = self.table.line
        if self.has_class("wide"):
            self.put_card(line)
        elif line is not None:
            self.enter(line)

    def do_copy(self) -> None:
        """Shop and product as commands take them."""
        line = self.table.line
        if line is not None and isinstance(line.key, tuple):
            self.app.copy(" ".join(map(str, line.key)), _("the id"))

    def command_line(self) -> str:
        """The command that explains the row's number, or makes the order."""
        line = self.table.line if self.is_mounted else None
        if line is None or not isinstance(line.key, tuple):
            return "storeops forecast show"
        store, product = line.key
        if self._life is not None:
            return shlex.join(["storeops", "forecast", "order", "--store", store,
                               "--product", product, "--shelf-life", str(self._life)])  # fmt: skip
        return shlex.join(["storeops", "forecast", "explain", store, product])
