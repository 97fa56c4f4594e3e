"""`storeops stock`: what lies in shops, counted, and what must go."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from commands import cells, output
from commands.context import current
from commands.file_options import TableFile
from commands.option_sets import option_sets
from commands.options import day_of
from commands.output import Column
from commands.page_options import PageOptions
from commands.photos import app as photos_app
from storeops.errors import UsageError
from storeops.i18n import _, ngettext

app = typer.Typer(help=_("Stock of shops: import, list, count, what expires, photos."))
app.add_typer(photos_app, name="photos")

Store = Annotated[
    list[str] | None, typer.Option("--store", metavar="STORE", help=_("Of this shop only."))
]
Product = Annotated[
    str, typer.Option("--product", metavar="PRODUCT", help=_("Of this product only."))
]
StoreId = Annotated[str, typer.Argument(metavar="STORE", help=_("The shop's id."))]
ProductId = Annotated[str, typer.Argument(metavar="PRODUCT", help=_("The product's id."))]


def pieces(value: float) -> str:
    """A number of pieces for people."""
    return f"{value:,g}"


def _columns() -> list[Column]:
    return [
        Column("store", _("Store"), max_width=16),
        Column("item", _("Product"), max_width=20),
        Column("lot", _("Lot"), max_width=16),
        Column("expires", _("Expiry")),
        Column("qty", _("Quantity"), right=True, show=pieces),
    ]


@app.command("import", help=_("Take in a stock list: store_id, product_id, lot, expires, qty."))
def import_(
    file: TableFile,
    store: Annotated[
        str, typer.Option("--store", metavar="STORE", help=_("The shop, where no column says it."))
    ] = "",
    whole: Annotated[
        bool, typer.Option("--whole", help=_("The list is all that lies in its shops."))
    ] = False,
) -> None:
    """Import."""
    from storeops.domains.stock import shelf

    call = current()
    rows = shelf.read_stock_list(file, store)
    done = shelf.take(call.app.data, rows, call.app.ledger.who, call.app.clock.now(), whole=whole)
    output.result(
        asdict(done),
        ngettext(
            "{rows} row: {changed} changed, {gone} gone, {unchanged} as known.",
            "{rows} rows: {changed} changed, {gone} gone, {unchanged} as known.",
            done.rows,
        ).format(rows=done.rows, changed=done.changed, gone=done.gone, unchanged=done.unchanged),
    )


@app.command("list", help=_("What lies in shops, first expired first."))
@option_sets
def list_(
    store: Store = None,
    item: Product = "",
    differences: Annotated[
        bool, typer.Option("--differences", help=_("The differences that counts found."))
    ] = False,
    page: PageOptions = PageOptions(limit=200),
) -> None:
    """List."""
    from storeops.domains.stock import shelf

    call = current()
    if differences:
        output.paged(
            cells.moments(
                shelf.differences(call.app.data, stores=store or (), item=item), "at"
            ),
            [
                Column("at", _("Time"), show=cells.when),
                *_columns()[:4],
                Column("before", _("Known"), right=True, show=pieces),
                Column("after", _("Counted pieces"), right=True, show=pieces),
                Column("who", _("Who"), max_width=16),
            ],
            page=page, as_of=call.app.clock.now(),
            empty=_("No count found a difference."),
        )  # fmt: skip
        return
    output.paged(
        cells.moments(
            shelf.stock(call.app.data, stores=store or (), item=item), "counted_at"
        ),
        [*_columns(), Column("counted_at", _("Counted at"), show=cells.when)],
        page=page, as_of=call.app.clock.now(),
        empty=_("No stock is known; take a list in: storeops stock import FILE"),
    )  # fmt: skip


@app.command("count", help=_("Note a count of one product in one shop."))
def count(
    store: StoreId,
    item: ProductId,
    qty: Annotated[str, typer.Argument(metavar="PIECES", help=_("So many pieces are there."))],
    lot: Annotated[str, typer.Option("--lot", metavar="LOT", help=_("Of this lot."))] = "",
    expires: Annotated[
        str, typer.Option("--expires", metavar="DAY", help=_("Last day of sale."))
    ] = "",
) -> None:
    """Count."""
    from storeops.domains.stock import shelf
    from storeops.tables import typed

    call = current()
    if not (store.strip() and item.strip()):
        raise UsageError(_("A count is of one shop and one product."))
    last = day_of(expires, "--expires")
    row = shelf.ShelfRow(
        store.strip(), item.strip(), lot, last.isoformat() if last else "", typed.pieces(qty)
    )
    done = shelf.take(
        call.app.data, [row], call.app.ledger.who, call.app.clock.now(), source="count"
    )
    text = _("Counted: {qty}, as known.")
    if done.difference:
        text = _("Counted: {qty}, {difference} against what was known; the difference is kept.")
    output.result(
        {**asdict(row), "difference": done.difference},
        text.format(qty=pieces(row.qty), difference=f"{done.difference:+,g}"),
    )


@app.command("expiring", help=_("What has expired, expires today or tomorrow, and what to do."))
@option_sets
def expiring(
    store: Store = None,
    days: Annotated[
        int, typer.Option("--days", metavar="DAYS", min=0, max=3650, help=_("Days ahead."))
    ] = 1,
    page: PageOptions = PageOptions(limit=200),
) -> None:
    """Expiring."""
    from storeops import times
    from storeops.domains.stock import shelf
    from storeops.domains.stock.words import todo

    call = current()
    now = call.app.clock.now()
    output.paged(
        cells.moments(
            shelf.expiring(call.app.data, times.local(now).date(), days=days, stores=store or ()),
            "counted_at",
        ),
        [
            *_columns(),
            Column("days_left", _("Days"), right=True, show=cells.amount),
            Column("due", _("To do"), show=todo),
        ],
        page=page, as_of=now,
        empty=ngettext(
            "Nothing expires within {days} day.", "Nothing expires within {days} days.", days
        ).format(days=days),
    )  # fmt: skip
