"""`storeops forecast production`: what a plant must make for the shops' orders, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import cells, output, table
from commands.context import current
from commands.diagnostics import note
from commands.forecast_options import (
    OrderOptions,
    StockReader,
    history,
    note_all,
    pieces,
    with_names,
)
from commands.option_sets import option_sets
from commands.options import day_of
from commands.output import Column
from commands.page_options import PageOptions
from storeops.errors import ConfigError, ExitCode, UsageError
from storeops.i18n import _, ngettext

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from storeops.domains.forecast.ordering import HeldStock
    from storeops.domains.forecast.production import MadeOn, ShopOrder, Trip

SHOWN = 20  # rows of what cannot be made, on a terminal


def hour(moment: str | None) -> str:
    """Day and hour in a table that a plant works by: 05-18 17:00."""
    from storeops import times

    return "" if moment is None else times.minute(times.seconds_of(moment))[5:]


def _now() -> float:
    """WeCom's time, or the machine's where there is no profile."""
    from storeops.clock import SystemClock

    try:
        return current().app.clock.now()
    except ConfigError:
        return SystemClock().now()


def _of_all(
    how: OrderOptions,
    made_on: Mapping[str, MadeOn], trips: Mapping[str, Trip],
) -> tuple[list[ShopOrder], date, Sequence[str]]:  # fmt: skip
    """(what `forecast order` says for all shops, for which day, what is to be said of it).

    A chain sells more than one plant makes, and this one may bring to some shops only.
    """
    from storeops.domains.forecast import ordering
    from storeops.domains.forecast.production import EVERY, ShopOrder

    terms = how.terms()
    source, last = history(how.data, how.as_of)
    listed = ordering.by_store(ordering.read_stock(how.stock)) if how.stock else None
    reader = StockReader()

    def stock_of(store: str) -> Sequence[HeldStock]:
        return reader.read(store, None if listed is None else listed.get(store, ()))

    proposed, delivery, told = ordering.orders_of_all(
        source, terms, as_of=last, method=how.method, stock_of=stock_of,
        packs_of={each.product: each.pack for each in made_on.values()},
    )  # fmt: skip
    ordered = [
        ShopOrder(*each) for each in proposed
        if each[1] in made_on and (each[0] in trips or EVERY in trips)
    ]  # fmt: skip
    said = [*told, *reader.notes()]
    if others := {each[1] for each in proposed if each[1] not in made_on}:
        said.append(ngettext(
            "Not of this plant, so left out: {count} product that no line makes.",
            "Not of this plant, so left out: {count} products that no line makes.",
            len(others),
        ).format(count=len(others)))  # fmt: skip
    return ordered, delivery, said


def _show_short(short: Sequence[dict[str, Any]]) -> None:
    """What cannot be made in time, for people."""
    from storeops.domains.forecast import production as plant

    why = {
        plant.NO_LINE: _("no line makes it"), plant.NO_TRUCK: _("no truck goes there"),
        plant.NO_TIME: _("no time left on the line"),
    }  # fmt: skip
    output.line("")
    output.heading(_("Cannot be made in time"))
    rows, which = with_names(short[:SHOWN])
    output.items(
        rows,
        [
            Column("store_id", _("Store"), max_width=16),
            *which,
            Column("pieces", _("Pieces"), right=True, show=pieces),
            Column("leaves", _("Truck leaves"), show=hour, kind=table.WHOLE),
            Column("reason", _("Why"), show=lambda reason: why[reason]),
        ],
    )
    if len(short) > SHOWN:
        note(_("{count} more: --json").format(count=f"{len(short) - SHOWN:,}"))


@option_sets
def production(
    lines: Annotated[
        str,
        typer.Option(
            "--lines", metavar="FILE",
            help=_("Lines: product_id, line, rate (pieces an hour), batch, change, ready, opens,"
                   " closes, stock, pack."),
        ),
    ],
    trucks: Annotated[
        str,
        typer.Option(
            "--trucks", metavar="FILE",
            help=_("Trucks: store_id (* for all others), by (on the shelf), hours (lead time),"
                   " truck."),
        ),
    ],
    orders: Annotated[
        str,
        typer.Option(
            "--orders", metavar="FILE",
            help=_("Orders: store_id, product_id, qty; else what `forecast order` says for all"
                   " shops."),
        ),
    ] = "",
    day: Annotated[
        str,
        typer.Option(
            "--day", metavar="DAY", help=_("Day of delivery of --orders; else tomorrow."),
        ),
    ] = "",
    begin: Annotated[
        str,
        typer.Option(
            "--begin", metavar="TIME",
            help=_("The plant can begin then, such as '2026-05-18 14:00'; else now."),
        ),
    ] = "",
    how: OrderOptions = OrderOptions(),
    page: PageOptions = PageOptions(limit=50),
) -> None:  # fmt: skip
    """Production."""
    from datetime import timedelta

    from storeops import times
    from storeops.domains.forecast import production as plant
    from storeops.tables import typed

    made_on, trips = plant.read_lines(lines), plant.read_trucks(trucks)
    start = typed.moment(begin, times.zone()) if begin else None
    if begin and start is None:
        raise UsageError(
            _("--begin: “{value}” is no time.").format(value=begin),
            hint=_("Write it as 2026-05-18 14:00."),
        )
    now = _now()
    said: Sequence[str] = ()
    if orders:
        ordered = plant.read_orders(orders)
        delivery = day_of(day, "--day") or times.local(now).date() + timedelta(days=1)
    elif day:
        raise UsageError(
            _("--day belongs to --orders."),
            hint=_("The day of a forecast follows from --as-of and --lead."),
        )
    else:
        ordered, delivery, said = _of_all(how, made_on, trips)
    midnight = times.start(delivery.year, delivery.month, delivery.day).timestamp()
    if start is None and now >= midnight:
        start = int(midnight) - 86_400
        said = (*said, _("{day} has begun: reckoned as if it were {begin} (--begin TIME).")
                 .format(day=delivery, begin=cells.when(start)))  # fmt: skip
    found = plant.production(ordered, made_on, trips, delivery, now if start is None else start)
    rows, which = with_names(found["items"])
    output.paged(
        rows,
        [
            Column("line", _("Plant line"), max_width=12),
            Column("start", _("Start by"), show=hour, kind=table.WHOLE),
            Column("end", _("End"), show=hour, kind=table.WHOLE),
            *which,
            Column("pieces", _("Pieces"), right=True, show=pieces),
            Column("batches", _("Batches"), right=True, show=cells.amount, minor=2),
            Column("ordered", _("Ordered"), right=True, show=pieces),
            Column("spare", _("To spare"), right=True, show=pieces),
            Column("stores", _("Stores"), right=True, show=cells.amount, minor=3),
            Column("leaves", _("First truck"), show=hour, kind=table.WHOLE),
        ],
        page=page,
        extra={key: value for key, value in found.items() if key != "items"} | {
            "notes": list(said)
        },
        empty=_("Nothing is to be made."),
    )  # fmt: skip
    short = found["not_in_time"]
    settings = current().settings
    if short and not (settings.machine or settings.fields or settings.save):
        _show_short(short)
    note(
        _("For {day}, in pieces: {ordered} ordered, {stock} from the plant's stock, {made} to make"
          " ({spare} to spare), {short} not in time.").format(
            day=delivery, ordered=pieces(found["ordered"]), stock=pieces(found["from_stock"]),
            made=pieces(found["made"]), spare=pieces(found["spare"]), short=pieces(found["short"]),
        )
    )  # fmt: skip
    note_all(said)
    if short:
        raise typer.Exit(ExitCode.PARTIAL)
