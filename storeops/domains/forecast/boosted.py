"""The better forecast, with the extra `forecast`: one LightGBM model over all series.

It learns what the default forecast (`pooled`) leaves over: the target is actual / default forecast,
weighted by the forecast, so that what is made smaller is the sum of absolute errors in the unit of
sales. Its features are known on the as-of day: levels over several spans, the last weeks' same
weekday, empty shelves, price and promotion planned ahead, how the product goes in other shops.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from storeops.domains.forecast import pooled
from storeops.domains.forecast.history import Doubles, SalesHistory
from storeops.domains.forecast.pooled import PooledFit
from storeops.errors import ConfigError
from storeops.i18n import _

WEEKS = 5  # of the past that are forecast as they would have been, to learn from
FIT_SERIES = 8_000
SPANS = (3.0, 10.0, 28.0)  # days: half-lives of further levels
THREADS = 1  # two threads beside a busy process take twenty times as long
TREES = 120
PARAMETERS = {
    "objective": "regression_l1", "learning_rate": 0.04, "num_leaves": 15,
    "min_data_in_leaf": 300, "feature_fraction": 0.7, "bagging_fraction": 0.7, "bagging_freq": 1,
    "lambda_l2": 1.0, "verbosity": -1, "seed": 7, "deterministic": True, "force_row_wise": True,
    "num_threads": THREADS,
}  # fmt: skip


@dataclass(frozen=True)
class BoostedFit:
    """A model and the default one beneath it.

    Attributes:
        base: the default forecast.
        text: the trees, as LightGBM writes them.
    """

    base: PooledFit
    text: str


def library() -> Any:
    """LightGBM.

    Raises:
        ConfigError: it is not installed, or the system lacks what it needs.
    """
    try:
        import lightgbm
    except ImportError:
        raise ConfigError(
            _("The method boosted needs LightGBM, which is not installed."),
            hint=_("Install the extra: pip install 'storeops[forecast]'"),
        ) from None
    except OSError as error:  # a shared library, most often libgomp
        raise ConfigError(
            _("LightGBM is installed but cannot be loaded: {error}.").format(error=error),
            hint=_("Install the system's OpenMP library (libgomp1), or use --method pooled."),
        ) from None
    return lightgbm


def _others(values: Doubles, weight: Doubles, group: Any) -> Doubles:
    """Mean of a group's other members, weighted; 1 where there are none."""
    size = int(group.max()) + 1 if len(group) else 0
    total = np.bincount(group, values * weight, size)[group] - values * weight
    whole = np.bincount(group, weight, size)[group] - weight
    found: Doubles = (total + 1.0) / (whole + 1.0)
    return found


@dataclass(frozen=True)
class ChainTrend:
    """What the other shops know, per series: learnt from all series, not of a partition.

    Attributes:
        product: how the product goes lately against its own level, over all shops.
        store: the same of the shop, over all products.
    """

    product: Doubles
    store: Doubles

    def pick(self, which: Any) -> ChainTrend:
        """Of some of the series."""
        return ChainTrend(self.product[which], self.store[which])


def chain(history: SalesHistory, fitted: PooledFit) -> ChainTrend:
    """How products and shops go lately."""
    parts = pooled.Parts(history, fitted)
    weight = pooled.level(parts.sold, parts.known, 21.0)
    lately = pooled.level(parts.sold, parts.known, 3.0) / (weight + 1e-6)
    lately = np.clip(lately, 0.2, 5.0)
    return ChainTrend(
        _others(lately, weight, history.product), _others(lately, weight, history.store)
    )


def features(history: SalesHistory, fitted: PooledFit, others: ChainTrend) -> tuple[Any, Doubles]:
    """(float32 rows of features, the default forecast), series within days ahead."""
    parts = pooled.Parts(history, fitted)
    base = parts.forecast()
    days, ahead = history.days, history.horizon
    sold, factor, price = parts.sold, parts.known, parts.log_price
    good = factor > 0
    level = parts.level + 1e-6
    ratio = np.where(good, sold / (factor * level + 1e-9), np.nan)
    recent = max(0, days - 28)
    with np.errstate(all="ignore"):
        spread = np.nan_to_num(np.nanstd(np.where(good, ratio, 0.0)[recent:], axis=0))
    usual_price = (price[recent:days] * good[recent:]).sum(axis=0) / (
        good[recent:].sum(axis=0) + 1e-9
    )
    promoted = history.promoted[recent:days].mean(axis=0)
    common = [
        np.log(level),
        *(np.log(pooled.level(sold, factor, span) / level + 1e-3) for span in SPANS),
        spread,
        history.out[-7:].mean(axis=0),
        history.out[recent:].mean(axis=0),
        np.log(others.product),
        np.log(others.store),
        promoted,
        parts.elasticity,
        parts.used / max(1, days),
        *(history.categories[:, column] for column in range(history.categories.shape[1])),
    ]
    rows = np.empty((ahead, history.series, len(common) + 11), np.float32)
    for column, values in enumerate(common):
        rows[:, :, column] = values
    at = len(common)
    for day in range(ahead):
        same = [days + day - 7 * week for week in range(1, 5)]
        same = [each for each in same if 0 <= each < days]
        past = ratio[same]
        with np.errstate(all="ignore"):
            count = (~np.isnan(past)).sum(axis=0)
            mean = np.where(count > 0, np.nansum(past, axis=0) / np.maximum(count, 1), 1.0)
        last = ratio[same[0]] if same else np.full(history.series, np.nan)
        own = (
            last, mean, count, history.out[same[0]] if same else 0.0, parts.index[day],
            np.log(parts.price[day]), price[days + day], price[days + day] - usual_price,
            price[days + day] - price[days - 1], history.promoted[days + day], float(day),
        )  # fmt: skip
        for column, values in enumerate(own):
            rows[day, :, at + column] = values
    return rows.reshape(-1, at + 11), base


def fit(history: SalesHistory) -> BoostedFit:
    """Learn from the last weeks, of at most `FIT_SERIES` series.

    Raises:
        ConfigError: LightGBM is not there.
    """
    lightgbm = library()
    some = pooled.sample(history, FIT_SERIES)
    inputs, targets, weights = [], [], []
    for week in range(1, WEEKS + 1):
        if some.days < 7 * week + 21:
            break
        before = some.before(7 * week, 7)
        fitted = pooled.fit(before)
        rows, base = features(before, fitted, chain(before, fitted))
        here = slice(before.days, before.days + 7)
        came = some.sold[here].astype(np.float64)
        use = ((some.out[here] == 0) & ~np.isnan(came) & (base > 1e-3)).ravel()
        inputs.append(rows[use])
        targets.append((came / (base + 1e-9)).ravel()[use])
        weights.append(base.ravel()[use])
    base_fit = pooled.fit(history)
    if not inputs or sum(map(len, targets)) < 1_000:
        return BoostedFit(base_fit, "")  # too little to learn from: the default alone
    data = lightgbm.Dataset(
        np.concatenate(inputs),
        np.clip(np.concatenate(targets), 0.0, 20.0),
        weight=np.concatenate(weights),
        free_raw_data=True,
        params={"verbosity": -1},
    )
    model = lightgbm.train(PARAMETERS, data, num_boost_round=TREES)
    return BoostedFit(base_fit, model.model_to_string())


def predict(history: SalesHistory, fitted: BoostedFit, others: ChainTrend | None = None) -> Doubles:
    """Demand of the days ahead, (days ahead, series).

    Args:
        history: the series; a partition, when `others` is given.
        fitted: what was learnt.
        others: what the whole chain knows of these series; None to take it from these alone.
    """
    rows, base = features(history, fitted.base, others or chain(history, fitted.base))
    if not fitted.text:
        return base
    model = library().Booster(model_str=fitted.text)
    found = model.predict(rows, num_threads=THREADS)
    # half of what it says, in logarithms: five weeks teach less than the trees believe
    result: Doubles = base * np.sqrt(np.clip(found, 0.05, 5.0)).reshape(base.shape)
    return result
