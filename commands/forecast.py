"""`storeops forecast`: demand of the days ahead, how good it is, why, and what to order."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

import typer

from commands import cells, output, table
from commands.context import current
from commands.diagnostics import note
from commands.forecast_options import (
    AsOf,
    Data,
    Horizon,
    Method,
    OrderOptions,
    StockReader,
    history,
    note_all,
    number,
    pieces,
    product_names,
    share,
    with_names,
)
from commands.option_sets import option_sets
from commands.options import Force, day_of
from commands.output import Column
from commands.page_options import PageOptions
from commands.production import production
from commands.progress import bars
from commands.question import may_replace
from commands.stock import Product, ProductId, Store, StoreId
from storeops.errors import ConfigError, UsageError
from storeops.i18n import _, plural

app = typer.Typer(help=_("Demand of the days ahead: forecast, score, explain, order."))


def _last() -> dict[str, Any]:
    """The last run of the profile, {} where there is no profile or no run."""
    from storeops.domains.forecast.run import last_run

    try:
        return dict(last_run(current().app.data) or {})
    except ConfigError:
        return {}


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
    folder, day = history(data, as_of, again=False)
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
        _("{rows} in {path}: {series} series of {stores}, {days} after {day}.").format(
            rows=plural("{count} row", "{count} rows", made.rows), path=made.out,
            series=f"{made.series:,}", stores=plural("{count} shop", "{count} shops", made.stores),
            days=plural("{count} day", "{count} days", made.horizon), day=made.as_of,
        ),
    )  # fmt: skip
    note_all(made.notes)


@app.command("show", help=_("Rows of the forecast that was made last, or of a file."))
@option_sets
def show(
    file: Annotated[
        str, typer.Option("--file", metavar="FILE", help=_("A forecast; else the last one."))
    ] = "",
    store: Store = None,
    product: Product = "",
    day: Annotated[str, typer.Option("--day", metavar="DAY", help=_("Of this day only."))] = "",
    page: PageOptions = PageOptions(limit=50),
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
        page=page,
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

    folder, day = history(data, as_of)
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
        _("Days in stock only, {looks} of {days} each, known up to {origins}.").format(
            looks=plural("{count} look back", "{count} looks back", len(found["origins"])),
            days=plural("{count} day", "{count} days", horizon),
            origins=_(", ").join(found["origins"]),
        )
    )
    note(_("Naive: the same weekday of last week. Gain: how much smaller the error is than its."))
    note_all(found["notes"])


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

    folder, last = history(data, as_of)
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
            _("{amount} on a common day at list price, of {used}; skipped with empty shelves:"
              " {skipped}")
            if found["days_skipped"] else
            _("{amount} on a common day at list price, of {used}")
        ).format(amount=number(found["level"]),
                 used=plural("{count} day", "{count} days", found["days_used"]),
                 skipped=plural("{count} day", "{count} days", found["days_skipped"]))),
        (_("Weekday"), f"× {found['weekday']:.3f}  {kinds[found['kind']]}"),
        (_("Price"), f"× {found['price']:.3f}  " + _price(found)),
        (_("Correction"), f"× {found['correction']:.3f}  "
         + _("what forecasts of such volume came to lately")),
    ]  # fmt: skip
    if found["boost"] is not None:
        lines.append((_("LightGBM"), f"× {found['boost']:.3f}"))
    name = product_names().get(product.lstrip("0"))
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
    note_all(found["notes"])


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
@option_sets
def order(
    store: Annotated[str, typer.Option("--store", metavar="STORE", help=_("The shop's id."))],
    product: Product = "",
    how: OrderOptions = OrderOptions(),
    page: PageOptions = PageOptions(limit=50),
) -> None:  # fmt: skip
    """Order."""
    from storeops.domains.forecast import ordering

    terms = how.terms()
    folder, last = history(how.data, how.as_of)
    reader = StockReader()
    held = reader.read(store, ordering.read_stock(how.stock) if how.stock else None)
    said = reader.notes()
    found = ordering.order(
        folder, store, terms, as_of=last, method=how.method, stock=held, product=product
    )
    rows, which = with_names(found["items"])
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
        page=page,
        extra={
            **{key: value for key, value in found.items() if key != "items"},
            "notes": [*found["notes"], *said],
        },
        empty=_("Nothing was sold there."),
    )
    note(
        _("For {first} to {last}, enough on {share} of days; shelf life {days}.").format(
            first=found["from"], last=found["until"], share=share(found["ratio"]),
            days=plural("{count} day", "{count} days", found["shelf_life"]),
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
    note_all([*found["notes"], *said])


app.command(
    "production", help=_("What a plant must make for the shops' orders, and when at the latest.")
)(production)
