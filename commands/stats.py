"""`storeops stats`: count customers, with small bars for a person at a terminal."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from commands import cells, freshness, output
from commands.context import current
from commands.diagnostics import note
from commands.output import Column
from commands.page_options import All, Limit
from commands.selecting import selected, selecting
from storeops.i18n import N_, _, ngettext
from storeops.sparks import bar

if TYPE_CHECKING:
    from storeops.reading.customers import Selection
    from storeops.reading.past import Past

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


def _titles(incomplete: str) -> list[str]:
    return [each for each in titles() if each.startswith(incomplete)]


def titles() -> dict[str, str]:
    """Every way to count with its heading, those of domains last."""
    from storeops.reading.conditions import conditions

    own = {key: each.facet.title for key, each in conditions().items() if each.facet is not None}
    return {**TITLES, **own}


@app.command("stats", help=_("Count customers by store, owner, tag, way, status, state or month."))
@selecting
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
    *,
    selection: Selection,
    on: Annotated[
        str,
        typer.Option(
            "--on",
            metavar="DATE",
            help=_("As it was at the end of this day; with --store and --status only."),
        ),
    ] = "",
    limit: Limit = 50,
    all_: All = False,
) -> None:
    """Count; a customer counts once per value, so that columns may add up to more."""
    from storeops.reading.stats import count_by

    call = current()
    by = what or by or "store"
    fresh = freshness.noted()
    extra: dict[str, object] = {}
    if on:
        found = _past(selection, by, on, 1_000_000 if all_ else limit)
        bars, more, total = list(found.bars), found.more, found.total
        extra = {"known_since": cells.iso(found.known_since), "read_later": found.read_later}
    else:
        query = selected(selection)
        bars, more = count_by(call.app.data, query, by, 1_000_000 if all_ else limit)
        total = query.count().rows
    rows = [{"by": by, **asdict(each)} for each in bars]
    columns = [
        Column("name", _(titles()[by]), max_width=32),
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
        extra={"total": total, **extra},
        empty=_("No customer matches."),
    )
    if not call.settings.machine and not call.settings.fields:
        output.line(
            ngettext(
                "{count} customer in all.",
                "{count} customers in all.",
                total,
            ).format(count=cells.amount(total))
        )


def _past(selection: Selection, by: str, on: str, limit: int) -> Past:
    """The figures of a past day; what cannot be known is said on stderr.

    Raises:
        UsageError: not a date, a way that the timeline does not keep, or other conditions.
    """
    from dataclasses import replace

    from storeops.errors import UsageError
    from storeops.reading import past
    from storeops.reading.customers import EVERY_STORE, Selection

    app = current().app
    if replace(selection, status=(), store=()) != Selection():
        raise UsageError(
            _("--on counts whole days: of the conditions it takes --store and --status only."),
            hint=_("Leave the other conditions out, or leave out --on."),
        )
    end = past.end_of(on, app.clock.now())
    shops = tuple(each for each in selection.store if each.casefold() != EVERY_STORE)
    if app.profile.store and not app.profile.head_office and not selection.store:
        shops = (app.profile.store,)
        note(
            _("Only store {store}, this profile's own; `--store all` for every store.").format(
                store=app.profile.store
            )
        )
    found = past.figures(app.data, by, end, statuses=selection.status, stores=shops, limit=limit)
    if found.known_since is None or found.end <= found.known_since:
        note(
            _(
                "That day lies before the first complete reading: who was lost by then is not"
                " known, and stores, tags and statuses are as first read."
            )
        )
    elif found.read_later:
        note(
            ngettext(
                "{count} relation of that day was first read later: its store, tags and status"
                " are as first read.",
                "{count} relations of that day were first read later: their store, tags and"
                " status are as first read.",
                found.read_later,
            ).format(count=cells.amount(found.read_later))
        )
    return found
