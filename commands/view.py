"""`storeops view`: filters with a name."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from commands import cells, output
from commands.completing import completion
from commands.context import current
from commands.option_sets import option_sets
from commands.output import Column
from commands.page_options import PageOptions
from commands.selecting import Sort, Where
from storeops.i18n import _, ngettext

app = typer.Typer(help=_("Named filters: save, list, show, rename, delete."))

Name = Annotated[
    str, typer.Argument(metavar="NAME", autocompletion=completion("view"), help=_("The view."))
]


def _columns() -> list[Column]:
    return [
        Column("name", _("Name"), max_width=24),
        Column("filter", _("Filter"), max_width=60),
        Column("sort", _("Order")),
        Column("columns", _("Columns"), max_width=30),
        Column("updated_at", _("Saved"), show=cells.when),
    ]


def _row(view: Any) -> dict[str, Any]:
    return {**asdict(view), "columns": list(view.columns)}


@app.command("save", help=_("Keep a filter under a name; --fields keeps columns too."))
def save(
    name: Name,
    where: Where = "",
    sort: Sort = "newest",
    replace: Annotated[
        bool, typer.Option("--replace", help=_("Overwrite a view of this name."))
    ] = False,
) -> None:
    """Save a view after the filter was understood and every name in it found."""
    from storeops.notebook.views import save_view
    from storeops.reading.customers import open_query

    call = current()
    now = call.app.clock.now()
    query = open_query(call.app.data, where, now=now, sort=sort)
    view = save_view(
        call.app.data, name, query.text, sort=sort, columns=call.settings.fields, now=now,
        replace=replace,
    )  # fmt: skip
    call.set(fields=())
    count = query.count(limit=9_999)
    output.result(
        {**_row(view), "customers": count.rows, "customers_capped": count.capped},
        ngettext(
            "View “{name}” is saved: {filter} ({count} customer).",
            "View “{name}” is saved: {filter} ({count} customers).",
            count.rows,
        ).format(
            name=view.name,
            filter=view.filter or _("(everybody)"),
            count=cells.amount(count.rows) + ("+" if count.capped else ""),
        ),
    )


@app.command("list", help=_("List the saved views."))
@option_sets
def list_(page: PageOptions = PageOptions(limit=500)) -> None:
    """List views."""
    from storeops.notebook.views import list_views

    output.paged(
        (_row(each) for each in list_views(current().app.data)),
        _columns(),
        page=page,
        empty=_("No view is saved: storeops view save NAME --where FILTER"),
    )


@app.command("show", help=_("Show one view and how many customers it has."))
def show(name: Name) -> None:
    """Show a view."""
    from storeops.notebook.views import get_view
    from storeops.reading.customers import open_query

    call = current()
    view = get_view(call.app.data, name)
    query = open_query(call.app.data, view.filter, now=call.app.clock.now(), sort=view.sort)
    output.item(
        {**_row(view), "customers": query.count().rows},
        [*_columns(), Column("customers", _("Customers"), show=cells.amount)],
    )


@app.command("rename", help=_("Give a view another name."))
def rename(
    name: Name, to: Annotated[str, typer.Argument(metavar="NEW", help=_("The new name."))]
) -> None:
    """Rename a view."""
    from storeops.notebook.views import rename_view

    call = current()
    view = rename_view(call.app.data, name, to, call.app.clock.now())
    output.result(_row(view), _("The view is called “{name}” now.").format(name=view.name))


@app.command("delete", help=_("Take a view away; customers are not touched."))
def delete(name: Name) -> None:
    """Delete a view."""
    from storeops.notebook.views import delete_view

    view = delete_view(current().app.data, name)
    output.result(
        {"deleted": view.name},
        _("View “{name}” is gone. It was: {filter}").format(
            name=view.name, filter=view.filter or _("(everybody)")
        ),
    )
