"""`storeops staff`: list and show members and what happened to them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import cells, freshness, output
from commands.completing import completion
from commands.context import current
from commands.option_sets import option_sets
from commands.options import any_of
from commands.output import Column
from commands.page_options import Limit, PageOptions
from storeops.i18n import _
from storeops.terms import STAFF, term

if TYPE_CHECKING:
    from storeops.reading.directory import MemberRow

app = typer.Typer(help=_("Staff: list, show, history."))


def status_name(value: str) -> str:
    """A member's status in the user's language."""
    return term("staff", value)


def _rows(members: list[MemberRow]) -> list[dict[str, Any]]:
    from storeops.reading.customers import names_of

    names = names_of(current().app.data)
    rows = []
    for each in members:
        row = asdict(each)
        shop = names.shops.get(each.store_id)
        row["store"] = (shop.name if shop else "") or names.departments.get(each.store_id, ("",))[0]
        rows.append(row)
    return rows


def _columns() -> list[Column]:
    return [
        Column("name", _("Name"), max_width=20),
        Column("userid", _("Member id"), max_width=24),
        Column("store", _("Store"), max_width=24),
        Column("status", _("Status"), show=status_name),
        Column("contact", _("Contact")),
        Column("follows", _("Customers"), right=True, show=cells.amount),
        Column("unassigned", _("Unassigned"), right=True, show=cells.amount),
        Column("complete_at", _("Read at"), show=cells.when),
        Column("left_at", _("Left"), show=cells.when),
    ]


@app.command("list", help=_("List staff with their customers' numbers."))
@option_sets
def list_(
    store: Annotated[
        list[str] | None,
        typer.Option(
            "--store",
            metavar="STORE",
            autocompletion=completion("store"),
            help=_("Of this store; may be repeated."),
        ),
    ] = None,
    status: Annotated[
        list[str] | None,
        typer.Option(
            "--status",
            metavar="STATUS",
            help=_("active, left, out_of_scope or missing; may be repeated."),
        ),
    ] = None,
    page: PageOptions = PageOptions(limit=200),
) -> None:
    """List staff."""
    from storeops.reading.customers import names_of
    from storeops.reading.directory import members
    from storeops.reading.filter import one_of

    call = current()
    statuses = any_of(status, STAFF)
    fresh = freshness.noted()
    found = members(call.app.data)
    wanted = any_of(store) or any_of([call.app.profile.store])
    if wanted and "all" not in map(str.casefold, wanted):
        stores = set(names_of(call.app.data).resolve("", one_of("store", wanted, "--store")))
        found = [each for each in found if each.store_id in stores]
    if statuses:
        found = [each for each in found if each.status in statuses]
    output.paged(
        _rows(found),
        _columns(),
        page=page,
        complete=fresh.complete,
        as_of=fresh.as_of,
        empty=_("No staff member matches."),
    )


@app.command("show", help=_("Show one member: numbers, store, history."))
def show(
    who: Annotated[
        str,
        typer.Argument(
            metavar="STAFF", autocompletion=completion("owner"), help=_("userid or name.")
        ),
    ],
    limit: Limit = 50,
) -> None:
    """Show one member and the changes the timeline keeps."""
    from commands.history import described
    from storeops.reading.staff import find_staff, history

    call = current()
    fresh = freshness.noted()
    row = _rows([find_staff(call.app.data, who)])[0]
    changes = [asdict(each) for each in history(call.app.data, row["userid"], limit)]
    if call.settings.machine or call.settings.fields:
        output.item({**row, "history": changes, "as_of": cells.iso(fresh.as_of)}, [])
        return
    output.item(row, [*_columns(), Column("position", _("Position"))])
    output.line("")
    output.items(
        described(changes, call.app.data, status_name),
        [
            Column("at", _("When"), show=cells.when),
            Column("field", _("What")),
            Column("before", _("Before")),
            Column("after", _("After")),
            Column("source", _("Source")),
        ],
        empty=_("Nothing has changed since this member was first seen."),
    )
