"""One number of a forecast, taken apart: level, weekday, price, what was left out, how sure."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from storeops.domains.forecast import methods, pooled
from storeops.domains.forecast.boosted import BoostedFit
from storeops.domains.forecast.daytypes import HOLIDAY, WORKED
from storeops.domains.forecast.history import EPOCH, DailySales, read_history
from storeops.domains.forecast.run import QUANTILES
from storeops.errors import UsageError
from storeops.i18n import _

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def explain(
    data: str | DailySales, store: str, product: str, day: date | None = None, *,
    as_of: date | None = None, horizon: int = 7, method: str = "pooled",
) -> dict[str, Any]:  # fmt: skip
    """What a forecast is made of.

    Args:
        data: folder of the history, or what tills sold.
        store, product: ids.
        day: the day that is forecast; None for the first one after the history.
        as_of: last day of history; None for the last one with sales.
        horizon: days ahead that are forecast.
        method: pooled or boosted.

    Returns:
        `forecast` = `level` x `weekday` x `price` x `correction` (x `boost`), and the facts behind
        each; `recent` days with what was sold, whether it counted, and why not.

    Raises:
        NotFoundError: no such shop or product.
        UsageError: a day that is not ahead; as `read_history`.
    """
    history = read_history(data, as_of, horizon)
    series = history.find(store, product)
    row = 0 if day is None else (day - EPOCH).days - history.first - history.days
    if not 0 <= row < horizon:
        raise UsageError(
            _("{day} is not among the days ahead, {first} to {last}.").format(
                day=day,
                first=history.day(history.days),
                last=history.day(history.days + horizon - 1),
            )
        )  # fmt: skip
    learnt = methods.prepare(history, method)
    fitted = learnt.fitted.base if isinstance(learnt.fitted, BoostedFit) else learnt.fitted
    which = np.array([series])
    one = history.pick(which)
    parts = pooled.Parts(one, fitted)
    others = methods.others(history, learnt.fitted)
    forecast = methods.predict(one, learnt.fitted, others and others.pick(which))[row]
    said = float(forecast[0])
    plain = float(parts.forecast()[row, 0])
    at = history.days + row
    price = float(np.exp(parts.log_price[at, 0]))
    good = parts.known[:, 0] > 0
    recent = []
    for back in range(max(0, history.days - 14), history.days):
        sold = float(one.sold[back, 0])
        recent.append({
            "dt": history.day(back).isoformat(), "sold": None if np.isnan(sold) else round(sold, 4),
            "hours_out": float(one.out[back, 0]),
            "price": None if np.isnan(one.price[back, 0]) else round(float(one.price[back, 0]), 4),
            "counted": bool(good[back]),
        })  # fmt: skip
    kind = int(history.kinds[at])
    return {
        "store_id": store, "product_id": product, "dt": history.day(at).isoformat(),
        "as_of": history.as_of.isoformat(), "method": method, "forecast": round(said, 4),
        "level": round(float(parts.level[0]), 4), "weekday": round(float(parts.index[row, 0]), 4),
        "kind": {HOLIDAY: "holiday", WORKED: "worked weekend"}.get(
            kind, WEEKDAYS[history.day(at).weekday()]
        ),
        "price": round(float(parts.price[row, 0]), 4), "price_factor": round(price, 4),
        "price_planned": not bool(np.isnan(one.price[at, 0])),
        "elasticity": round(float(parts.elasticity[0]), 3),
        "correction": round(float(parts.factor[0]), 4),
        "boost": round(said / plain, 4) if method == "boosted" and plain else None,
        "days_used": int(parts.used[0]), "days_skipped": int(parts.skipped[0]),
        "quantiles": {
            f"q{level * 100:g}": round(float(learnt.ratios.at(forecast, level)[0]), 4)
            for level in QUANTILES
        },
        "recent": recent, "notes": list(history.notes),
    }  # fmt: skip
