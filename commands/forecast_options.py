"""What `forecast` and `forecast production` share: options, where history and stock come from."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.context import current
from commands.diagnostics import note
from commands.options import day_of
from commands.output import Column
from storeops.errors import ConfigError, UsageError
from storeops.i18n import _

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storeops.domains.forecast.history import DailySales
    from storeops.domains.forecast.ordering import HeldStock, OrderTerms

Data = Annotated[
    str,
    typer.Option(
        "--data", metavar="DIR",
        help=_("Folder with sales.csv (or .csv.gz), products, calendar; else the orders."),
    ),
]  # fmt: skip
AsOf = Annotated[
    str,
    typer.Option(
        "--as-of", metavar="DAY", help=_("Last day that is known; else the last one with sales.")
    ),
]
Horizon = Annotated[
    int, typer.Option("--horizon", metavar="DAYS", min=1, max=28, help=_("Days ahead."))
]
Method = Annotated[
    str,
    typer.Option(
        "--method", metavar="NAME",
        help=_("pooled, or boosted (LightGBM: the extra `forecast`)."),
    ),
]  # fmt: skip

Ratio = Annotated[
    float | None,
    typer.Option(
        "--ratio", metavar="SHARE",
        help=_("Critical ratio, 0 to 1: on so many days the order is enough."),
    ),
]  # fmt: skip
Margin = Annotated[
    float | None, typer.Option("--margin", metavar="AMOUNT", help=_("What a piece sold earns."))
]
Waste = Annotated[
    float | None,
    typer.Option("--waste", metavar="AMOUNT", help=_("What a piece thrown away costs.")),
]
ShelfLife = Annotated[
    int, typer.Option("--shelf-life", metavar="DAYS", help=_("Days a piece can be sold."))
]
Lead = Annotated[
    int,
    typer.Option(
        "--lead", metavar="DAYS",
        help=_("Days until the delivery is on the shelf; 0: before opening tomorrow."),
    ),
]  # fmt: skip
Review = Annotated[
    int, typer.Option("--review", metavar="DAYS", help=_("Days until the delivery after it."))
]
Pack = Annotated[float, typer.Option("--pack", metavar="PIECES", help=_("Pieces of a pack."))]
StockFile = Annotated[
    str,
    typer.Option(
        "--stock", metavar="FILE",
        help=_("Stock: store_id, product_id, qty, expires; arrives for what is on the way."),
    ),
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class OrderOptions:
    """What an order is made by and of; each as its option says."""

    data: Data = ""
    as_of: AsOf = ""
    ratio: Ratio = None
    margin: Margin = None
    waste: Waste = None
    shelf_life: ShelfLife = 1
    lead: Lead = 0
    review: Review = 1
    pack: Pack = 1.0
    stock: StockFile = ""
    method: Method = "pooled"

    def terms(self) -> OrderTerms:
        """The terms, checked.

        Raises:
            UsageError: something is out of bounds.
        """
        from storeops.domains.forecast import ordering

        return ordering.terms(
            ratio=self.ratio, margin=self.margin, waste=self.waste, shelf_life=self.shelf_life,
            lead=self.lead, review=self.review, pack=self.pack,
        )  # fmt: skip


def history(data: str, as_of: str, *, again: bool = True) -> tuple[str | DailySales, date | None]:
    """History and last day: as given, else those of the last run, else what tills sold.

    Args:
        data, as_of: as given, "" for not.
        again: look at what the last run looked at.

    Raises:
        UsageError: there is none of them.
    """
    from storeops.domains.forecast import source

    day = day_of(as_of, "--as-of")
    if data:
        return data, day
    call = current()
    with suppress(ConfigError):  # no profile
        db, now = call.app.data, call.app.clock.now()
        found = source.latest(db, now) if again else (source.own(db, now), None)
        if found is not None and found[0] is not None:
            return found[0], day or found[1]
    raise UsageError(
        _("Say where the history lies: --data DIR."),
        hint=_("The folder holds sales.csv with store_id, product_id, dt, sale_amount; or take"
               " in what tills sold: storeops order import FILE --source NAME"),
    )  # fmt: skip


class StockReader:
    """Reads what shops have and await: of a file, and what lots know of deliveries.

    What a file does not say of deliveries the profile's lots do; without a profile nobody does.
    """

    def __init__(self) -> None:
        from storeops.domains.forecast.on_hand import OnHand

        call = current()
        self._known: OnHand | None = None
        with suppress(ConfigError):
            self._known = OnHand(call.app.data, call.app.clock.now())

    def read(self, store: str, given: Sequence[HeldStock] | None) -> Sequence[HeldStock]:
        """What a shop has and awaits.

        Args:
            store: its number.
            given: its rows of a file; None without one.
        """
        if self._known is None or any(each.arrives for each in given or ()):
            return given or ()
        if given is None:
            return self._known.held(store)
        return [*given, *self._known.on_the_way(store)]

    def notes(self) -> Sequence[str]:
        """What is to be said of the lots of all shops that were read."""
        return () if self._known is None else self._known.notes()


def product_names() -> dict[str, str]:
    """Names of products by code, without leading zeros; {} where there is no profile."""
    from storeops.domains.orders import products

    try:
        return products.names(current().app.data)
    except ConfigError:
        return {}


def with_names(rows: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[Column]]:
    """Rows with the names of their products, and the columns that say which one it is."""
    names = product_names()
    found = [{**each, "product": names.get(each["product_id"].lstrip("0"), "")} for each in rows]
    known = any(each["product"] for each in found)
    name = [Column("product", _("Name"), max_width=20)] if known else []
    return found, [Column("product_id", _("Product"), max_width=20, minor=len(name)), *name]


def number(value: float) -> str:
    """An amount for people."""
    return f"{value:,.2f}"


def pieces(value: float) -> str:
    """Pieces for people: without a point where they are whole."""
    return f"{value:,.0f}" if abs(value - round(value)) < 0.005 else number(value)


def share(value: float) -> str:
    """A share for people."""
    return f"{value:.1%}"


def note_all(found: Sequence[str]) -> None:
    """Notes, one a line."""
    for each in found:
        note(each)
