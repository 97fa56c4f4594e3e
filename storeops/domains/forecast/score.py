"""How good forecasts of the past would have been, by level and volume, beside the naive one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storeops.domains.forecast import methods, pooled
from storeops.domains.forecast.history import DailySales, Doubles, SalesHistory, read_history
from storeops.errors import UsageError
from storeops.i18n import _, plural

VOLUMES = (0.5, 1.0, 2.0)  # mean daily sales
LEVELS = ("store-product-day", "store-product-week", "product-day", "store-day")


@dataclass(frozen=True, slots=True)
class LevelScore:
    """One line of a score.

    Attributes:
        level: what a cell is.
        volume: band of mean daily sales; "all".
        cells: how many were in stock (and counted).
        wmape: sum of absolute errors / sum of sales, in-stock cells; the lower the better.
        bias: sum of errors / sum of sales, same cells; above 0: too much was forecast.
        naive: wmape of the same weekday of last week, same cells.
        gain: 1 - wmape / naive.
        wmape_all: of all cells, also those where an empty shelf cut sales short.
    """

    level: str
    volume: str
    cells: int
    wmape: float | None
    bias: float | None
    naive: float | None
    gain: float | None
    wmape_all: float | None


@dataclass(frozen=True)
class Origin:
    """One look back.

    Attributes:
        history: as it was then, with its days ahead.
        said: forecast; naive: same weekday of last week; sold: what came (NaN: no row);
        stocked: no hour out of stock. All (days ahead, series).
    """

    history: SalesHistory
    said: Doubles
    naive: Doubles
    sold: Doubles
    stocked: NDArray[np.bool_]


def look_back(
    whole: SalesHistory, origins: int, horizon: int, method: str,
    fit_on: NDArray[np.bool_] | None = None,
) -> Iterator[Origin]:  # fmt: skip
    """Forecasts of the last weeks, each from what was known then.

    Args:
        whole: the history, up to the last day that is compared.
        origins: how many weeks to go back, one forecast each.
        horizon: days ahead of each.
        method: pooled or boosted.
        fit_on: series whose shops may be learnt from; None for all.

    Raises:
        UsageError: the history is too short.
    """
    for back in range(origins, 0, -1):
        gone = horizon + 7 * (back - 1)
        if whole.days - gone < 28:
            raise UsageError(
                _("A history of {days} is too short for {looks} of {horizon} each.").format(
                    days=plural("{count} day", "{count} days", whole.days),
                    looks=plural("{count} look back", "{count} looks back", origins),
                    horizon=plural("{count} day", "{count} days", horizon),
                ),
                hint=_("Ask for fewer --origins."),
            )  # fmt: skip
        then = whole.before(gone, horizon)
        fitted = methods.fit(then if fit_on is None else then.pick(fit_on), method)
        rows = slice(then.days, then.days + horizon)
        sold = whole.sold[rows].astype(np.float64)
        yield Origin(
            then, methods.predict(then, fitted), pooled.seasonal_naive(then), sold,
            (whole.out[rows] == 0) & ~np.isnan(sold),
        )  # fmt: skip


def _summed(values: Doubles, group: Any, size: int) -> Doubles:
    return np.stack([np.bincount(group, row, size) for row in values])


def _at_level(origin: Origin, level: str, seen: Any) -> tuple[Doubles, Doubles, Doubles, Any]:
    """(said, naive, sold, which cells count) of a level; what is not `seen` is left out of sums."""
    sold = np.nan_to_num(origin.sold)
    if level == "store-product-day":
        return origin.said, origin.naive, sold, seen
    said, naive, sold = (np.where(seen, each, 0.0) for each in (origin.said, origin.naive, sold))
    if level == "store-product-week":
        weeks = [each.sum(axis=0, keepdims=True) for each in (said, naive, sold)]
        return weeks[0], weeks[1], weeks[2], seen.any(axis=0, keepdims=True)
    group = origin.history.product if level == "product-day" else origin.history.store
    size = int(group.max()) + 1
    parts = [_summed(each, group, size) for each in (said, naive, sold)]
    return parts[0], parts[1], parts[2], _summed(seen.astype(np.float64), group, size) > 0


def _line(level: str, volume: str, parts: Sequence[Any]) -> LevelScore:
    said, naive, sold, seen, all_said, all_sold = (
        np.concatenate([each[at].ravel() for each in parts]) for at in range(6)
    )
    total, whole = float(sold[seen].sum()), float(all_sold.sum())
    if total <= 0:
        return LevelScore(level, volume, int(seen.sum()), None, None, None, None, None)
    wmape = float(np.abs(said - sold)[seen].sum()) / total
    plain = float(np.abs(naive - sold)[seen].sum()) / total
    return LevelScore(
        level, volume, int(seen.sum()), round(wmape, 4),
        round(float((said - sold)[seen].sum()) / total, 4), round(plain, 4),
        round(1 - wmape / plain, 4) if plain else None,
        round(float(np.abs(all_said - all_sold).sum()) / whole, 4) if whole else None,
    )  # fmt: skip


def lines(origins: Sequence[Origin]) -> list[LevelScore]:
    """The table: every level, and the first one by volume too."""
    found = []
    for level in LEVELS:
        parts = []
        for each in origins:
            said, _naive, sold, known = _at_level(each, level, ~np.isnan(each.sold))
            every = (np.where(known, said, 0.0), np.where(known, sold, 0.0))
            parts.append((*_at_level(each, level, each.stocked), *every))
        found.append(_line(level, "all", parts))
        if level != LEVELS[0]:
            continue
        for at, low in enumerate((0.0, *VOLUMES)):
            high = (*VOLUMES, np.inf)[at]
            some = []
            for origin, part in zip(origins, parts, strict=True):
                with np.errstate(all="ignore"):
                    mean = np.nan_to_num(np.nanmean(origin.history.sold[-28:], axis=0))
                here = (mean >= low) & (mean < high)
                some.append(tuple(each[:, here] for each in part))
            name = f"{low:g}-{high:g}" if high < np.inf else f">={low:g}"
            found.append(_line(level, name, some))
    return found


def score(
    data: str | DailySales,
    *,
    as_of: date | None = None,
    horizon: int = 7,
    origins: int = 3,
    method: str = "pooled",
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """What forecasts of the last weeks would have been worth.

    Args:
        data: the folder, or what tills sold.
        as_of: last day that is compared; None for the last one with sales.
        horizon: days ahead of each forecast.
        origins: how many forecasts, a week apart.
        method: pooled or boosted.
        on_progress: told forecasts made, and all.

    Returns:
        `items` (`LevelScore`), `origins` (last days of history), `method`, `horizon`, `notes`.

    Raises:
        UsageError, NotFoundError: as `read_history`; a history that is too short.
    """
    whole = read_history(data, as_of, 0)
    made = []
    for each in look_back(whole, origins, horizon, method):
        made.append(each)
        on_progress(len(made), origins)
    return {
        "items": [asdict(each) for each in lines(made)],
        "origins": [each.history.as_of.isoformat() for each in made],
        "method": method,
        "horizon": horizon,
        "notes": list(whole.notes),
    }
