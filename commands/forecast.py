"""`storeops forecast`: demand of the days ahead, how good it is, why, and what to order."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import cells, output, table
from commands.context import current
from commands.diagnostics import note
from commands.options import After, All, Force, Limit, day_of
from commands.output import Column
from commands.progress import bars
from commands.question import may_replace
from commands.stock import Product, ProductId, Store, StoreId
from storeops.errors import ConfigError, ExitCode, UsageError
from storeops.i18n import _

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storeops.domains.forecast.history import DailySales
    from storeops.domains.forecast.ordering import HeldStock

SHOWN = 20  # rows of what cannot be made, on a terminal

app = typer.Typer(help=_("Demand of the days ahead: forecast, score, explain, order."))

Data = Annotated[
    str,
    typer.Option(
        "--data", metavar="DIR",
        help=_("Folder with sales.csv (or .csv.gz), products, calendar; else the orders."),
    ),
]  # fmt: skip
AsOf = Annotated[
    str,
    typer.Option(
        "--as-of", metavar="DAY", help=_("Last day that is known; else the last one with sales.")
    ),
]
Horizon = Annotated[
    int, typer.Option("--horizon", metavar="DAYS", min=1, max=28, help=_("Days ahead."))
]
Method = Annotated[
    str,
    typer.Option(
        "--method", metavar="NAME",
        help=_("pooled, or boosted (LightGBM: the extra `forecast`)."),
    ),
]  # fmt: skip

Ratio = Annotated[
    float | None,
    typer.Option(
        "--ratio", metavar="SHARE",
        help=_("Critical ratio, 0 to 1: on so many days the order is enough."),
    ),
]  # fmt: skip
Margin = Annotated[
    float | None, typer.Option("--margin", metavar="AMOUNT", help=_("What a piece sold earns."))
]
Waste = Annotated[
    float | None,
    typer.Option("--waste", metavar="AMOUNT", help=_("What a piece thrown away costs.")),
]
ShelfLife = Annotated[
    int, typer.Option("--shelf-life", metavar="DAYS", help=_("Days a piece can be sold."))
]
Lead = Annotated[
    int,
    typer.Option(
        "--lead", metavar="DAYS",
        help=_("Days until the delivery is on the shelf; 0: before opening tomorrow."),
    ),
]  # fmt: skip
Review = Annotated[
    int, typer.Option("--review", metavar="DAYS", help=_("Days until the delivery after it."))
]
Pack = Annotated[float, typer.Option("--pack", metavar="PIECES", help=_("Pieces of a pack."))]
StockFile = Annotated[
    str,
    typer.Option(
        "--stock", metavar="FILE",
        help=_("Stock: store_id, product_id, qty, expires; arrives for what is on the way."),
    ),
]  # fmt: skip


def _last() -> dict[str, Any]:
    """The last run of the profile, {} where there is no profile or no run."""
    from storeops.domains.forecast.run import last_run

    try:
        return dict(last_run(current().app.data) or {})
    except ConfigError:
        return {}


def _data(data: str, as_of: str, *, again: bool = True) -> tuple[str | DailySales, date | None]:
    """History and last day: as given, else those of the last run, else what tills sold.

    Args:
        data, as_of: as given, "" for not.
        again: look at what the last run looked at.

    Raises:
        UsageError: there is none of them.
    """
    from storeops.domains.forecast import source

    day = day_of(as_of, "--as-of")
    if data:
        return data, day
    call = current()
    with suppress(ConfigError):  # no profile
        db, now = call.app.data, call.app.clock.now()
        found = source.latest(db, now) if again else (source.own(db, now), None)
        if found is not None and found[0] is not None:
            return found[0], day or found[1]
    raise UsageError(
        _("Say where the history lies: --data DIR."),
        hint=_("The folder holds sales.csv with store_id, product_id, dt, sale_amount; or take"
               " in what tills sold: storeops order import FILE --source NAME"),
    )  # fmt: skip


def _held(
    store: str, given: Sequence[HeldStock] | None
) -> tuple[Sequence[HeldStock], Sequence[str]]:
    """(stock and what is on the way, what is to be said of it), from a file and the profile.

    What a file does not say of deliveries the profile's lots do; without a profile nobody does.

    Args:
        store: the shop's number.
        given: rows of the file; None without one.
    """
    from storeops.domains.forecast import on_hand

    if any(each.arrives for each in given or ()):
        return given or (), ()
    call = current()
    try:
        db, now = call.app.data, call.app.clock.now()
    except ConfigError:
        return given or (), ()
    if given is None:
        return on_hand.held(db, store, now)
    coming, notes = on_hand.on_the_way(db, store, now)
    return [*given, *coming], notes


def _names() -> dict[str, str]:
    """Names of products by code, without leading zeros; {} where there is no profile."""
    from storeops.domains.orders import products

    try:
        return products.names(current().app.data)
    except ConfigError:
        return {}


def _named(rows: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[Column]]:
    """Rows with the names of their products, and the columns that say which one it is."""
    names = _names()
    found = [{**each, "product": names.get(each["product_id"].lstrip("0"), "")} for each in rows]
    known = any(each["product"] for each in found)
    name = [Column("product", _("Name"), max_width=20)] if known else []
    return found, [Column("product_id", _("Product"), max_width=20, minor=len(name)), *name]


def _notes(found: Any) -> None:
    for each in found:
        note(each)


def number(value: float) -> str:
    """An amount for people."""
    return f"{value:,.2f}"


def hour(moment: str | None) -> str:
    """Day and hour in a table that a plant works by: 05-18 17:00."""
    from storeops import times

    return "" if moment is None else times.minute(times.seconds_of(moment))[5:]


def pieces(value: float) -> str:
    """Pieces for people: without a point where they are whole."""
    return f"{value:,.0f}" if abs(value - round(value)) < 0.005 else number(value)


def share(value: float) -> str:
    """A share for people."""
    return f"{value:.1%}"


@app.command("run", help=_("Forecast every shop and product of a history, into a file."))
def run(
    data: Data = "",
    as_of: AsOf = "",
    horizon: Horizon = 7,
    out: Annotated[str, typer.Option("--out", "-o", metavar="FILE", help=_("CSV to write."))] = "",
    method: Method = "pooled",
    workers: Annotated[
        int,
        typer.Option("--workers", metavar="N", min=0, max=64, help=_("Processes; 0 chooses.")),
    ] = 0,
    scheduler: Annotated[
        str,
        typer.Option(
            "--scheduler", metavar="ADDRESS",
            help=_("Of a Dask cluster that computes it, tcp://HOST:8786 (the extra `dask`)."),
        ),
    ] = "",
    force: Force = False,
) -> None:  # fmt: skip
    """Forecast."""
    import shlex
    from threading import Event

    from storeops.domains.forecast.run import remember, run_forecast

    call = current()
    if out in ("", "-"):
        raise UsageError(_("Say where to write: --out FILE."))
    over = may_replace(out, force=force)
    folder, day = _data(data, as_of, again=False)
    words = ["storeops", "forecast", "run", "--out", out, "--horizon", str(horizon)]
    words += ["--data", data] if data else []
    words += ["--as-of", as_of] if as_of else []
    words += ["--method", method] if method != "pooled" else []
    words += ["--scheduler", scheduler] if scheduler else []
    words += ["--force"] if over else []
    with bars() as shown, call.interruptible(shlex.join(words), Event()) as stop:
        made = run_forecast(
            folder, out, as_of=day, horizon=horizon, method=method, workers=workers,
            scheduler=scheduler, over=over, stop=stop,
            on_progress=lambda done, total: shown.show(
                "parts", _("Forecasting"), done=done, total=total
            ),
        )  # fmt: skip
    with suppress(ConfigError):  # without a profile nothing is remembered
        remember(call.app.data, made, data, call.app.clock.now())
    output.result(
        asdict(made),
        _("{rows} rows in {path}: {series} series of {stores} shops, {days} days after {day}.")
        .format(
            rows=f"{made.rows:,}", path=made.out, series=f"{made.series:,}",
            stores=f"{made.stores:,}", days=made.horizon, day=made.as_of,
        ),
    )  # fmt: skip
    _notes(made.notes)


@app.command("show", help=_("Rows of the forecast that was made last, or of a file."))
def show(
    file: Annotated[
        str, typer.Option("--file", metavar="FILE", help=_("A forecast; else the last one."))
    ] = "",
    store: Store = None,
    product: Product = "",
    day: Annotated[str, typer.Option("--day", metavar="DAY", help=_("Of this day only."))] = "",
    limit: Limit = 50,
    all_: All = False,
    after: After = "",
) -> None:
    """Show a forecast."""
    from storeops.domains.forecast import show as shown

    only = day_of(day, "--day")
    path = file or str(_last().get("out", ""))
    if not path:
        raise UsageError(
            _("No forecast was made here yet."),
            hint=_("Make one: storeops forecast run --data DIR --out FILE"),
        )
    output.paged(
        shown.rows(path, stores=store or (), product=product, day=only.isoformat() if only else ""),
        [
            Column("store_id", _("Store"), max_width=16),
            Column("product_id", _("Product"), max_width=20),
            Column("dt", _("Day")),
            Column("forecast", _("Forecast"), show=number, right=True),
            *(Column(f"q{each}", f"q{each}", show=number, right=True) for each in (50, 80, 90, 95)),
        ],
        limit=limit,
        all_=all_,
        after=after,
        empty=_("No row matches."),
    )


@app.command("score", help=_("How good forecasts of the last weeks would have been."))
def score(
    data: Data = "",
    as_of: Annotated[
        str,
        typer.Option(
            "--as-of", metavar="DAY",
            help=_("Last day that is compared; else the last one with sales."),
        ),
    ] = "",
    horizon: Horizon = 7,
    origins: Annotated[
        int,
        typer.Option(
            "--origins", metavar="N", min=1, max=26, help=_("So many looks back, a week apart.")
        ),
    ] = 3,
    method: Method = "pooled",
) -> None:  # fmt: skip
    """Score."""
    from storeops.domains.forecast.score import score as scored

    folder, day = _data(data, as_of)
    with bars() as shown:
        found = scored(
            folder, as_of=day, horizon=horizon, origins=origins, method=method,
            on_progress=lambda done, total: shown.show(
                "origins", _("Looking back"), done=done, total=total
            ),
        )  # fmt: skip
    levels = {
        "store-product-day": _("shop, product, day"),
        "store-product-week": _("shop, product, week"),
        "product-day": _("product, day (whole chain)"),
        "store-day": _("shop, day (all products)"),
    }
    output.items(
        found["items"],
        [
            Column("level", _("Level"), show=lambda name: levels.get(name, name)),
            Column("volume", _("Daily sales")),
            Column("cells", _("Cells"), right=True, show=cells.amount),
            Column("wmape", "wMAPE", right=True, show=share),
            Column("bias", _("Bias"), right=True, show=share),
            Column("naive", _("Naive"), right=True, show=share),
            Column("gain", _("Gain"), right=True, show=share),
            Column("wmape_all", _("All cells"), right=True, show=share),
        ],
        extra={key: found[key] for key in ("origins", "method", "horizon", "notes")},
    )
    note(
        _("Days in stock only, {count} looks back of {days} days, known up to {origins}.").format(
            count=len(found["origins"]), days=horizon, origins=_(", ").join(found["origins"])
        )
    )
    note(_("Naive: the same weekday of last week. Gain: how much smaller the error is than its."))
    _notes(found["notes"])


@app.command("explain", help=_("Take one number apart: level, weekday, price, days skipped."))
def explain(
    store: StoreId,
    product: ProductId,
    day: Annotated[
        str, typer.Argument(metavar="DAY", help=_("The day; else the first one ahead."))
    ] = "",
    data: Data = "",
    as_of: AsOf = "",
    horizon: Horizon = 7,
    method: Method = "pooled",
) -> None:
    """Explain."""
    from storeops.domains.forecast.explain import explain as explained

    folder, last = _data(data, as_of)
    found = explained(
        folder,
        store,
        product,
        day_of(day, _("The day")),
        as_of=last,
        horizon=horizon,
        method=method,
    )
    if current().settings.machine or current().settings.fields:
        output.item(found, [])
        return
    kinds = {
        "monday": _("Monday"), "tuesday": _("Tuesday"), "wednesday": _("Wednesday"),
        "thursday": _("Thursday"), "friday": _("Friday"), "saturday": _("Saturday"),
        "sunday": _("Sunday"), "holiday": _("holiday"), "worked weekend": _("worked weekend"),
    }  # fmt: skip
    lines = [
        (_("Forecast"), number(found["forecast"])),
        (_("Enough"), _(", ").join(
            _("{amount} on {share} of days").format(amount=number(value), share=f"{name[1:]}%")
            for name, value in found["quantiles"].items()
        )),
        (_("Level"), (
            _("{amount} on a common day at list price, of {used} days; {skipped} days with empty"
              " shelves skipped")
            if found["days_skipped"] else
            _("{amount} on a common day at list price, of {used} days")
        ).format(amount=number(found["level"]), used=found["days_used"],
                 skipped=found["days_skipped"])),
        (_("Weekday"), f"× {found['weekday']:.3f}  {kinds[found['kind']]}"),
        (_("Price"), f"× {found['price']:.3f}  " + _price(found)),
        (_("Correction"), f"× {found['correction']:.3f}  "
         + _("what forecasts of such volume came to lately")),
    ]  # fmt: skip
    if found["boost"] is not None:
        lines.append((_("LightGBM"), f"× {found['boost']:.3f}"))
    name = _names().get(product.lstrip("0"))
    output.heading(
        _("Store {store}, product {product}, {day} (known up to {as_of})").format(
            store=store, product=f"{name} {product}" if name else product, day=found["dt"],
            as_of=found["as_of"],
        )
    )  # fmt: skip
    table.pairs(lines)
    output.line("")
    weekdays = list(kinds.values())
    recent = [
        {**each, "weekday": weekdays[date.fromisoformat(each["dt"]).weekday()]}
        for each in found["recent"]
    ]
    # of what nothing is known, as of prices and shelves where tills say none, there is no column
    output.items(
        recent,
        [
            Column("dt", _("Day")),
            Column("weekday", _("Weekday")),
            Column("sold", _("Sold"), right=True, show=number),
            *([Column("hours_out", _("Hours empty"), right=True, show=lambda each: f"{each:g}")]
              if any(each["hours_out"] for each in recent) else []),
            *([Column("price", _("Price"), right=True, show=number)]
              if any(each["price"] is not None for each in recent) else []),
            Column("counted", _("Counted")),
        ],
    )  # fmt: skip
    _notes(found["notes"])


def _price(found: dict[str, Any]) -> str:
    """What is known of the price, and what it does."""
    if not found["price_planned"] and all(each["price"] is None for each in found["recent"]):
        return _("no price is known")
    text = (
        _("planned at {factor} of the list price; 10% off would sell {more} more")
        if found["price_planned"] else
        _("last known at {factor} of the list price; 10% off would sell {more} more")
    )  # fmt: skip
    more = 0.9 ** -float(found["elasticity"]) - 1
    return text.format(factor=f"{found['price_factor']:.2f}", more=f"{more:.0%}")


@app.command("order", help=_("What one shop should order tonight, and what that would have cost."))
def order(
    store: Annotated[str, typer.Option("--store", metavar="STORE", help=_("The shop's id."))],
    data: Data = "",
    as_of: AsOf = "",
    product: Product = "",
    ratio: Ratio = None,
    margin: Margin = None,
    waste: Waste = None,
    shelf_life: ShelfLife = 1,
    lead: Lead = 0,
    review: Review = 1,
    pack: Pack = 1.0,
    stock: StockFile = "",
    method: Method = "pooled",
    limit: Limit = 50,
    all_: All = False,
    after: After = "",
) -> None:  # fmt: skip
    """Order."""
    from storeops.domains.forecast import ordering

    how = ordering.terms(
        ratio=ratio, margin=margin, waste=waste, shelf_life=shelf_life, lead=lead, review=review,
        pack=pack,
    )  # fmt: skip
    folder, last = _data(data, as_of)
    held, said = _held(store, ordering.read_stock(stock) if stock else None)
    found = ordering.order(
        folder, store, how, as_of=last, method=method, stock=held, product=product
    )
    rows, which = _named(found["items"])
    output.paged(
        rows,
        [
            *which,
            Column("forecast", _("Forecast"), right=True, show=number),
            Column("target", _("Fill up to"), right=True, show=number),
            Column("on_hand", _("On hand"), right=True, show=pieces),
            Column("usable", _("Usable"), right=True, show=pieces),
            Column("on_the_way", _("On the way"), right=True, show=pieces),
            Column("order", _("To order"), right=True, show=lambda pieces: f"{pieces:g}"),
        ],
        limit=limit,
        all_=all_,
        after=after,
        extra={
            **{key: value for key, value in found.items() if key != "items"},
            "notes": [*found["notes"], *said],
        },
        empty=_("Nothing was sold there."),
    )
    note(
        _("For {first} to {last}, enough on {share} of days; shelf life {days} days.").format(
            first=found["from"], last=found["until"], share=share(found["ratio"]),
            days=found["shelf_life"],
        )
    )  # fmt: skip
    if all(each.arrives for each in held):
        note(_("No stock was given (--stock FILE): the shelves are taken for empty."))
    names = {
        "forecast": _("these orders"), "last week": _("same weekday last week"),
        "mean + z·sigma": _("mean plus z·sigma"),
    }  # fmt: skip
    for each in found["past"]:
        if each["lost"] is not None:
            note(
                _("In the last weeks {name} would have lost {lost} of demand and wasted {wasted}.")
                .format(name=names[each["by"]], lost=share(each["lost"]),
                        wasted=share(each["wasted"]))
            )  # fmt: skip
    _notes([*found["notes"], *said])


def _now() -> float:
    """WeCom's time, or the machine's where there is no profile."""
    from storeops.clock import SystemClock

    try:
        return current().app.clock.now()
    except ConfigError:
        return SystemClock().now()


@app.command(
    "production", help=_("What a plant must make for the shops' orders, and when at the latest.")
)
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
    data: Data = "",
    as_of: AsOf = "",
    ratio: Ratio = None,
    margin: Margin = None,
    waste: Waste = None,
    shelf_life: ShelfLife = 1,
    lead: Lead = 0,
    review: Review = 1,
    pack: Pack = 1.0,
    stock: StockFile = "",
    method: Method = "pooled",
    limit: Limit = 50,
    all_: All = False,
    after: After = "",
) -> None:  # fmt: skip
    """Production."""
    from datetime import timedelta

    from storeops import times
    from storeops.domains.forecast import ordering
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
    notes: Sequence[str] = ()
    if orders:
        ordered = plant.read_orders(orders)
        delivery = day_of(day, "--day") or times.local(now).date() + timedelta(days=1)
    elif day:
        raise UsageError(
            _("--day belongs to --orders."),
            hint=_("The day of a forecast follows from --as-of and --lead."),
        )
    else:
        how = ordering.terms(
            ratio=ratio, margin=margin, waste=waste, shelf_life=shelf_life, lead=lead,
            review=review, pack=pack,
        )  # fmt: skip
        source, last = _data(data, as_of)
        listed = ordering.by_store(ordering.read_stock(stock)) if stock else None
        said: dict[str, None] = {}

        def stock_of(store: str) -> Sequence[HeldStock]:
            rows, told = _held(store, None if listed is None else listed.get(store, ()))
            said.update(dict.fromkeys(told))
            return rows

        proposed, delivery, notes = ordering.orders_of_all(
            source, how, as_of=last, method=method, stock_of=stock_of,
            packs_of={each.product: each.pack for each in made_on.values()},
        )  # fmt: skip
        notes = (*notes, *said)
        # a chain sells more than one plant makes, and this one may bring to some shops only
        ordered = [
            plant.ShopOrder(*each) for each in proposed
            if each[1] in made_on and (each[0] in trips or plant.EVERY in trips)
        ]  # fmt: skip
        others = {each[1] for each in proposed if each[1] not in made_on}
        if others:
            notes = (*notes, _("Not of this plant, so left out: {count} products that no line"
                               " makes.").format(count=len(others)))  # fmt: skip
    midnight = times.start(delivery.year, delivery.month, delivery.day).timestamp()
    if start is None and now >= midnight:
        start = int(midnight) - 86_400
        notes = (*notes, _("{day} has begun: reckoned as if it were {begin} (--begin TIME).")
                 .format(day=delivery, begin=cells.when(start)))  # fmt: skip
    found = plant.production(ordered, made_on, trips, delivery, now if start is None else start)
    rows, which = _named(found["items"])
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
        limit=limit, all_=all_, after=after,
        extra={key: value for key, value in found.items() if key != "items"} | {
            "notes": list(notes)
        },
        empty=_("Nothing is to be made."),
    )  # fmt: skip
    short = found["not_in_time"]
    settings = current().settings
    if short and not (settings.machine or settings.fields or settings.save):
        why = {
            plant.NO_LINE: _("no line makes it"), plant.NO_TRUCK: _("no truck goes there"),
            plant.NO_TIME: _("no time left on the line"),
        }  # fmt: skip
        output.line("")
        output.heading(_("Cannot be made in time"))
        rows, which = _named(short[:SHOWN])
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
    note(
        _("For {day}: {ordered} pieces ordered, {stock} from the plant's stock, {made} to make"
          " ({spare} to spare), {short} not in time.").format(
            day=delivery, ordered=pieces(found["ordered"]), stock=pieces(found["from_stock"]),
            made=pieces(found["made"]), spare=pieces(found["spare"]), short=pieces(found["short"]),
        )
    )  # fmt: skip
    _notes(notes)
    if short:
        raise typer.Exit(ExitCode.PARTIAL)
