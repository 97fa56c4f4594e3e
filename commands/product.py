"""`storeops product`: what is sold, with warranties and how long it lasts."""

from __future__ import annotations

from typing import Annotated

import typer

from commands import cells, output
from commands.context import current
from commands.file_options import HeaderRow, Heading, Hidden, RecordsFile, SheetName, Template
from commands.option_sets import option_sets
from commands.order import note_problems
from commands.output import Column
from commands.page_options import PageOptions
from storeops.errors import ExitCode
from storeops.i18n import _, plural

app = typer.Typer(help=_("Products: import and list names, categories, warranties."))


@app.command("import", help=_("Take in products: code, name, category, brand, warranty, GTIN."))
def import_(
    path: RecordsFile = "",
    column: Heading = None,
    sheet: SheetName = "",
    header_row: HeaderRow = 0,
    hidden: Hidden = False,
    template: Template = False,
) -> None:
    """Import products."""
    from storeops.changes import sheets
    from storeops.changes.sheets import Source, parse_mapping
    from storeops.domains.orders.products import FIELDS, import_products
    from storeops.errors import UsageError

    call = current()
    if template:
        output.write(sheets.template(FIELDS, bom=call.settings.bom))
        return
    if not path:
        raise UsageError(_("Say which file."), hint=_("See what is expected with --template."))
    asked = Source(path, sheet, parse_mapping(column or []), header_row, hidden)
    with call.interruptible() as stop:
        done = import_products(call.app.data, asked, call.app.clock.now(), stop)
    text = _("{lines}: products added {added}, changed {changed}, known already {unchanged}.")
    about = {key: cells.amount(value) for key, value in done.as_dict().items() if key != "problems"}
    about["lines"] = plural("{count} row", "{count} rows", done.lines)
    output.result(done.as_dict(), text.format(**about))
    note_problems(done.problems)
    if any(not each.warning for each in done.problems):
        raise typer.Exit(ExitCode.PARTIAL)


@app.command("list", help=_("List products by code."))
@option_sets
def list_(
    category: Annotated[
        str, typer.Option("--category", metavar="PATH", help=_("Of this category and below."))
    ] = "",
    page: PageOptions = PageOptions(limit=100),
) -> None:
    """List products."""
    from storeops.domains.orders.products import listing

    call = current()
    wanted = category.strip("/").casefold()
    output.paged(
        (
            row
            for row in listing(call.app.data)
            if not wanted or f"{row['category'].casefold()}/".startswith(f"{wanted}/")
        ),
        [
            Column("code", _("Article"), max_width=18),
            Column("name", _("Name"), max_width=30),
            Column("category", _("Category"), max_width=20),
            Column("brand", _("Brand"), max_width=12),
            Column("warranty_months", _("Warranty, months"), right=True),
            Column("replenish_days", _("Lasts, days"), right=True),
        ],
        page=page,
        as_of=call.app.clock.now(),
        empty=_("No product matches.")
        if category
        else _("No product is known; take a list in: storeops product import FILE"),
    )
