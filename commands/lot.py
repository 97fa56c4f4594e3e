"""`storeops lot`: take in what happened to lots, and show one."""

from __future__ import annotations

from typing import Annotated

import typer

from commands import cells, output
from commands.context import current
from commands.diagnostics import note
from commands.option_sets import option_sets
from commands.options import DryRun
from commands.output import Column
from commands.page_options import PageOptions
from commands.progress import bars
from storeops.errors import ExitCode
from storeops.i18n import _, ngettext, plural

app = typer.Typer(help=_("Lots: take in what happened to them, show one."))

LotArgument = Annotated[
    str,
    typer.Argument(
        metavar="LOT",
        help=_("GTIN/lot, a Digital Link, an urn:epc:class:lgtin:…, or the SSCC of a pallet."),
    ),
]


def quantity(value: float) -> str:
    """Pieces, or an amount of a unit."""
    from storeops.domains.lots.words import amount

    return amount(value)


def papers(value: list[dict[str, str]]) -> str:
    """Papers on one line, what the suppliers' register says of each before what may be cut."""
    words = {"ok": _("ok"), "warning": _("warning"), "error": _("error")}
    return _(", ").join(
        f"{words.get(each.get('state', ''), '')} {each['number']} {each['type']}".strip()
        for each in value
    )


@app.command(
    "import",
    help=_("Take in events: EPCIS 2.0 (JSON), or a CSV or workbook of papers."),
)
def import_(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help=_("EPCIS in JSON (also .gz), CSV or workbook."))
    ],
    kind: Annotated[
        str,
        typer.Option(
            "--kind", metavar="KIND",
            help=_(
                "What the rows of a table are: collection, production, delivery, receipt,"
                " stocking, sale, disposal; or places."
            ),
        ),
    ] = "",
    dry_run: DryRun = False,
) -> None:  # fmt: skip
    """Import."""
    from storeops.domains.lots.importing import import_file
    from storeops.domains.lots.places import import_places

    call = current()
    if kind == "places":
        count = import_places(call.app.data, file, dry_run=dry_run)
        text = ngettext("{count} place is known.", "{count} places are known.", count)
        if dry_run:
            text = ngettext(
                "{count} place can be taken; nothing was changed.",
                "{count} places can be taken; nothing was changed.",
                count,
            )
        output.result({"places": count}, text.format(count=count))
        return
    titles = {"check": _("Checking"), "keep": _("Keeping")}
    with bars() as shown:
        done = import_file(
            call.app.data, file, call.app.clock.now(), kind=kind, dry_run=dry_run,
            on_progress=lambda stage, count: shown.show(
                stage, titles[stage], done=count, total=None
            ),
        )  # fmt: skip
    text = _("{events}: {added} added, {known} known already.")
    if dry_run:
        text = _("Can be taken: {events}; nothing was changed.")
    if done.problems:
        text = _("Read: {events}; nothing was imported.")
    output.result(
        {
            "events": done.events, "added": done.added, "known": done.known,
            "problems": [{"line": line, "message": why} for line, why in done.problems],
        },
        text.format(
            events=plural("{count} event", "{count} events", done.events),
            added=cells.amount(done.added),
            known=cells.amount(done.known),
        ),
    )  # fmt: skip
    if not done.problems:
        return
    for line, why in done.problems[:20]:
        note(_("line {line}: {message}").format(line=line, message=why))
    if len(done.problems) > 20:
        note(_("… and {count} more; --json names them.").format(count=len(done.problems) - 20))
    raise typer.Exit(ExitCode.USAGE)


@app.command("show", help=_("Everything that is known of one lot, in the order of time."))
@option_sets
def show(lot: LotArgument, page: PageOptions = PageOptions(limit=200)) -> None:
    """Show."""
    from storeops.domains.lots import gs1, trace

    call = current()
    found = trace.history(call.app.data, gs1.asked(lot))
    output.paged(
        found,
        [
            Column("at", _("Time"), show=cells.when),
            Column("kind", _("Step")),
            Column("place", _("Place"), max_width=24),
            Column("qty", _("Quantity"), right=True, show=quantity),
            Column("papers", _("Papers"), show=papers, max_width=24),
        ],
        page=page,
        as_of=call.app.clock.now(),
        empty=_("Nothing happened to it yet."),
    )
    if found:
        note(_("Last heard of {time}.").format(time=cells.when(found[-1]["at"])))
