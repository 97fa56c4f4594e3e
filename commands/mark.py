"""`storeops mark`: frozen sets of customers, shared with the screens."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from commands import cells, output
from commands.completing import completion
from commands.context import current
from commands.option_sets import option_sets
from commands.options import Reveal
from commands.output import Column
from commands.page_options import PageOptions
from commands.selecting import selected, selecting
from storeops.errors import UsageError
from storeops.i18n import _, ngettext

if TYPE_CHECKING:
    from storeops.reading.customers import Selection

app = typer.Typer(help=_("Frozen sets of customers: add, remove, list, show, clear."))

Name = Annotated[
    str, typer.Argument(metavar="NAME", autocompletion=completion("mark"), help=_("The mark."))
]
Ids = Annotated[
    list[str] | None,
    typer.Option("--id", metavar="CUSTOMER", help=_("This external_userid; - reads a list.")),
]


def _chosen(ids: list[str] | None, selection: Selection) -> list[int]:
    """The customers chosen by --id or by filter."""
    from storeops.operations.marks import keys_of_ids
    from storeops.reading.customers import Selection

    if ids:
        if selection != Selection():
            raise UsageError(
                _("Choose customers by --id or by a filter, not by both."),
                hint=_("Run the command twice; a mark grows with each."),
            )
        import sys

        names = [each for each in ids if each != "-"]
        if "-" in ids:
            names += [each.strip() for each in sys.stdin if each.strip()]
        return keys_of_ids(current().app.data, names)
    if selection == Selection():
        raise UsageError(
            _("Which customers? No filter was given."),
            hint=_("Add --where, --store, --tag … or --id; --where '' --store all for everybody."),
        )
    return list(selected(selection).ids())


@app.command("add", help=_("Put customers into a mark; it is made when there is none."))
@selecting
def add(
    name: Name,
    selection: Selection,
    ids: Ids = None,
) -> None:
    """Add to a mark."""
    from storeops.notebook import marks

    call = current()
    keys = _chosen(ids, selection)
    added = marks.add_ids(call.app.data, name, keys, call.app.clock.now())
    rows = marks.count(call.app.data, name)
    output.result(
        {"name": name, "added": added, "rows": rows},
        ngettext(
            "{added} customer added; “{name}” holds {rows}.",
            "{added} customers added; “{name}” holds {rows}.",
            added,
        ).format(added=cells.amount(added), name=name, rows=cells.amount(rows)),
    )


@app.command("remove", help=_("Take customers out of a mark."))
@selecting
def remove(
    name: Name,
    selection: Selection,
    ids: Ids = None,
) -> None:
    """Take out of a mark."""
    from storeops.notebook import marks

    call = current()
    marks.get_mark(call.app.data, name)
    keys = _chosen(ids, selection)
    removed = marks.remove_ids(call.app.data, name, keys, call.app.clock.now())
    rows = marks.count(call.app.data, name)
    output.result(
        {"name": name, "removed": removed, "rows": rows},
        ngettext(
            "{removed} customer taken out; “{name}” holds {rows}.",
            "{removed} customers taken out; “{name}” holds {rows}.",
            removed,
        ).format(removed=cells.amount(removed), name=name, rows=cells.amount(rows)),
    )


@app.command("list", help=_("List the marks."))
@option_sets
def list_(page: PageOptions = PageOptions(limit=500)) -> None:
    """List marks."""
    from storeops.notebook.marks import list_marks

    output.paged(
        ({key: value for key, value in asdict(each).items() if key != "id"}
         for each in list_marks(current().app.data)),
        [
            Column("name", _("Name"), max_width=30),
            Column("rows", _("Customers"), right=True, show=cells.amount),
            Column("created_at", _("Made"), show=cells.when),
            Column("updated_at", _("Changed"), show=cells.when),
        ],
        page=page,
        empty=_("There is no mark: storeops mark add NAME --where FILTER"),
    )  # fmt: skip


@app.command("show", help=_("List the customers of a mark."))
@option_sets
def show(name: Name, page: PageOptions = PageOptions(limit=100), reveal: Reveal = False) -> None:
    """Show who is in a mark."""
    from commands.customer import listing
    from storeops.notebook.marks import get_mark
    from storeops.reading.customers import Selection

    mark = get_mark(current().app.data, name)
    query = selected(Selection(mark=mark.name, store=("all",)))
    listing(query, page=page, reveal=reveal, explain=False)


@app.command("clear", help=_("Take a mark away; customers are not touched."))
def clear(name: Name) -> None:
    """Clear a mark."""
    from storeops.notebook import marks

    rows = marks.clear(current().app.data, name)
    output.result(
        {"name": name, "cleared": rows},
        ngettext(
            "“{name}” is gone; it held {rows} customer.",
            "“{name}” is gone; it held {rows} customers.",
            rows,
        ).format(name=name, rows=cells.amount(rows)),
    )
