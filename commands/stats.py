"""`storeops stats`: count customers, with small bars for a person at a terminal."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from commands import cells, freshness, output
from commands.context import current
from commands.options import All, Limit
from commands.output import Column
from commands.selecting import (
    NoTag,
    Owner,
    Since,
    State,
    Status,
    Store,
    Tag,
    Until,
    View,
    Way,
    Where,
    selected,
    several,
)
from storeops.i18n import N_, _

app = typer.Typer(help=_("Count customers by store, owner, tag, way or month."))

TITLES = {
    "store": N_("Store"),
    "owner": N_("Owner"),
    "tag": N_("Tag"),
    "way": N_("Came by"),
    "status": N_("Status"),
    "state": N_("State"),
    "month": N_("Month"),
}
BAR = 24  # cells
EIGHTHS = " ▏▎▍▌▋▊▉"


def _titles(incomplete: str) -> list[str]:
    return [each for each in TITLES if each.startswith(incomplete)]


@app.command("stats", help=_("Count customers by store, owner, tag, way, status, state or month."))
def stats(
    what: Annotated[
        str,
        typer.Argument(
            metavar="[BY]",
            autocompletion=_titles,
            help=_("store, owner, tag, way, status, state or month."),
        ),
    ] = "",
    by: Annotated[
        str,
        typer.Option("--by", metavar="BY", autocompletion=_titles, help=_("The same, as option.")),
    ] = "",
    where: Where = "",
    view: View = "",
    store: Store = None,
    owner: Owner = None,
    tag: Tag = None,
    no_tag: NoTag = None,
    status: Status = None,
    state: State = None,
    way: Way = None,
    since: Since = "",
    until: Until = "",
    limit: Limit = 50,
    all_: All = False,
) -> None:
    """Count; a customer counts once per value, so that columns may add up to more."""
    from storeops.operations.customers import Selection
    from storeops.operations.stats import count_by

    call = current()
    by = what or by or "store"
    selection = Selection(
        where, view, (), several(store), several(owner), several(tag), several(no_tag),
        several(status), several(state), several(way), since, until,
    )  # fmt: skip
    fresh = freshness.told()
    query = selected(selection)
    bars, more = count_by(call.app.data, query, by, 1_000_000 if all_ else limit)
    total = query.count().rows
    rows = [{"by": by, **asdict(each)} for each in bars]
    columns = [
        Column("name", _(TITLES[by]), max_width=32),
        Column("customers", _("Customers"), right=True, show=cells.amount),
    ]
    if sys.stdout.isatty() and not call.settings.machine and bars:
        top = max(each.customers for each in bars)
        for row in rows:
            row["bar"] = bar(int(str(row["customers"])), top)
        columns.append(Column("bar", ""))
    output.items(
        rows,
        columns,
        has_more=more,
        complete=fresh.complete,
        as_of=fresh.as_of,
        extra={"total": total},
        empty=_("No customer matches."),
    )
    if not call.settings.machine and not call.settings.fields:
        output.line(_("{count} customers in all.").format(count=cells.amount(total)))


def bar(value: int, top: int) -> str:
    """A bar of eighths of a cell, BAR cells for the largest."""
    eighths = round(value / top * BAR * 8) if top else 0
    whole, part = divmod(eighths, 8)
    return "█" * whole + (EIGHTHS[part] if part else "") or ("▏" if value else "")
