"""`storeops value`: what customers are worth, and by which facts."""

from __future__ import annotations

from typing import Annotated

import typer

from commands import cells, output
from commands.context import current
from commands.output import Column
from storeops.durations import span
from storeops.i18n import _, ngettext, sentences

app = typer.Typer(help=_("What customers are worth: segments, reasons, next purchases."))


def _money(amount_fen: int) -> str:
    from storeops.domains.orders.values import yuan

    return yuan(amount_fen)


@app.command("run", help=_("Reckon recency, frequency, spending and segments at the end of a day."))
def run(
    as_of: Annotated[
        str, typer.Option("--as-of", metavar="DAY", help=_("The day; else yesterday: 2026-05-31."))
    ] = "",
    renew: Annotated[
        bool,
        typer.Option("--renew", help=_("Make new cut points; else they stay as they were made.")),
    ] = False,
    model: Annotated[
        bool,
        typer.Option("--model", help=_("Also expect purchases by BG/NBD (the extra value).")),
    ] = False,
) -> None:
    """Run the nightly reckoning."""
    from storeops.domains.orders import value
    from storeops.reading import filter_dates

    call = current()
    now = call.app.clock.now()
    end = filter_dates.read_span(as_of, now, "--as-of")[1] if as_of else None
    done = value.run_value(call.app.data, now, end=end, renew=renew, model=model)
    text = ngettext(
        "{count} customer as of {day}, cut points of {made_on}.",
        "{count} customers as of {day}, cut points of {made_on}.",
        done.customers,
    ).format(count=cells.amount(done.customers), day=done.as_of, made_on=done.cuts.made_on)
    if done.model == "rate":
        text = sentences(
            text, _("The model ran to the edge, nobody seems to leave: only the rate is kept.")
        )
    if not done.customers:
        text = _("No matched purchase until the end of {day}.").format(day=done.as_of)
    output.result(done.as_dict(), text)
    if done.customers and not call.settings.machine:
        _table()


def _table() -> None:
    from storeops.domains.orders import value

    output.items(
        value.segments(current().app.data),
        [
            Column("segment", _("Segment")),
            Column("name", _("Name"), max_width=20),
            Column("customers", _("Customers"), right=True, show=cells.amount),
            Column("spent_fen", _("Spent"), right=True, show=_money),
            Column("hint", _("What helps"), max_width=36),
        ],
        as_of=current().app.clock.now(),
        empty=_("Nothing was reckoned yet: storeops value run"),
    )


@app.command("segments", help=_("Segments with their customers and spending."))
def segments() -> None:
    """Show the segments of the last run."""
    _table()


@app.command("show", help=_("What one customer is worth, why, and what is due."))
def show(
    who: Annotated[str, typer.Argument(metavar="ID", help=_("The customer's external_userid."))],
) -> None:
    """Show one customer's value."""
    from storeops.domains.orders import value
    from storeops.errors import NotFoundError
    from storeops.reading import identities

    call = current()
    db, now = call.app.data, call.app.clock.now()
    key = identities.ids_of(db.connection, [who]).get(who)
    if key is None:
        raise NotFoundError(
            _("The mirror knows no customer {who}.").format(who=who),
            hint=_("`storeops customer list` names them."),
        )
    found = value.show(db, key, now)
    for each in found["next"]:
        for name in ("next_at", "warranty_until"):
            each[name] = cells.iso(each[name])
        each["last"] = [cells.iso(at) for at in each["last"]]
    if call.settings.machine or call.settings.fields:
        output.item(found, [])
        return
    output.item(
        found,
        [
            Column("name", _("Customer")),
            Column("segment_name", _("Segment")),
            Column("as_of", _("As of")),
            Column("expected", _("Purchases expected in 30 days")),
            Column("alive", _("Chance to come back")),
        ],
    )
    for line in found["reasons"]:
        output.line(f"  {line}")
    for each in found["next"]:
        days = _(", ").join(cells.day(at) for at in each["last"])
        gap = span(each["mean_gap_s"]) if each["mean_gap_s"] else "-"
        due = cells.day(each["next_at"]) or cells.day(each["warranty_until"])
        output.line(
            _("  {name}: due {due}; bought {days}; mean gap {gap}; {text}").format(
                name=each["name"], due=due, days=days, gap=gap, text=each["text"]
            )
        )
