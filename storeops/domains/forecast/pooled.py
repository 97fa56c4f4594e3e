"""The default forecast: level x weekday x price.

The level is each series' own, an average in which a day counts half after five days; the index of
the weekday and the elasticity of price are pooled over the products of a category, the more so the
less the category has sold. Days out of stock for eight hours and more say nothing of demand and
are skipped. A factor for each band of volume, learnt from the two weeks before the as-of day, puts
right what is left over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from storeops.domains.forecast.daytypes import KINDS
from storeops.domains.forecast.history import Doubles, Numbers, SalesHistory

HALF_LIFE = 5.0  # days after which a day counts half for the level
SKIP_HOURS = 8  # out of stock: the day's sales are no demand
SMOOTH = 7.0  # days: half-life of the level, both ways, while indices are fitted
PRIOR_KIND = 500.0  # amount sold at which a category's own weekday index weighs half
PRIOR_PRICE = 100.0
ROUNDS = 3
BANDS = (0.0, 0.5, 1.0, 2.0, 4.0)  # of daily level
BACK = 2  # weeks whose forecasts are compared with what came
FIT_SERIES = 10_000  # pooled figures need no more
STEADY = 0.05  # of the level over all days: where the last ones were all out of stock
FACTORS = np.round(np.arange(0.70, 1.101, 0.01), 2)


@dataclass(frozen=True)
class PooledFit:
    """What is pooled over series.

    Attributes:
        path: categories of each group, coarse to fine (rows of different `history.categories`).
        index: (groups, kinds of day) factor of a day.
        elasticity: of each group: demand times price to the power of minus this.
        factors: for each band of volume.
    """

    path: Numbers
    index: Doubles
    elasticity: Doubles
    factors: Doubles

    def group(self, categories: Numbers) -> Numbers:
        """The row of each series; one whose category was not seen takes the nearest above it."""
        known: dict[tuple[int, ...], int] = {}
        for row, path in enumerate(self.path.tolist()):
            for depth in range(len(path), -1, -1):
                known.setdefault(tuple(path[:depth]), row)
        paths, back = np.unique(categories, axis=0, return_inverse=True)
        rows = []
        for path in paths.tolist():
            depth = len(path)
            while tuple(path[:depth]) not in known:
                depth -= 1
            rows.append(known[tuple(path[:depth])])
        return np.array(rows, np.int64)[np.asarray(back).ravel()]


def weights(history: SalesHistory) -> Doubles:
    """(days, series): 1 where a day's sales are demand, 0 where they are not or there are none."""
    usable = ~np.isnan(history.sold)
    good = usable & (history.out < SKIP_HOURS)
    # a series that was never in stock long enough has nothing better than what it sold
    return np.where(good.any(axis=0), good, usable).astype(np.float64)


def log_price(history: SalesHistory) -> Doubles:
    """Logarithm of the price factor, of the days ahead too; the last known price where none is."""
    price = np.array(history.price, np.float64)
    last = np.ones(history.series)
    for row in range(len(price)):
        price[row] = np.where(np.isnan(price[row]), last, price[row])
        last = price[row]
    found: Doubles = np.log(np.clip(price, 0.3, 1.2))
    return found


def _smooth(values: Doubles, half_life: float) -> Doubles:
    """Each day with its neighbours, both ways, less by half after so many days."""
    keep = 0.5 ** (1 / half_life)
    ahead, back = values.copy(), values.copy()
    for row in range(1, len(values)):
        ahead[row] += keep * ahead[row - 1]
        back[-1 - row] += keep * back[-row]
    return ahead + back - values


def _shrunk(amount: Doubles, expected: Doubles, paths: Numbers, prior: float) -> Doubles:
    """amount / expected of each category, drawn towards the category above it."""
    found = np.broadcast_to(
        (amount.sum(axis=0) + 1e-9) / (expected.sum(axis=0) + 1e-9), amount.shape
    )
    for depth in range(1, paths.shape[1] + 1):
        _paths, back = np.unique(paths[:, :depth], axis=0, return_inverse=True)
        back = np.asarray(back).ravel()
        size = int(back.max()) + 1
        above, some, much = (np.zeros((size, amount.shape[1])) for _each in range(3))
        above[back] = found
        np.add.at(some, back, amount)
        np.add.at(much, back, expected)
        found = ((some + prior * above) / (much + prior))[back]
    return found


def _fit(history: SalesHistory) -> tuple[Numbers, Doubles, Doubles]:
    """(paths, index, elasticity) of the categories."""
    days = history.days
    good = weights(history)
    sold = np.nan_to_num(history.sold).astype(np.float64) * good
    price = log_price(history)[:days]
    paths, back = np.unique(history.categories, axis=0, return_inverse=True)
    back = np.asarray(back).ravel()
    kinds = history.kinds[:days]
    index, elasticity = np.ones((len(paths), KINDS)), np.zeros(len(paths))

    def total(values: Doubles) -> Doubles:
        found: Doubles = np.bincount(back, values, len(paths)).astype(np.float64)
        return found

    for _round in range(ROUNDS):
        at_price = np.exp(-elasticity[back] * price)
        factor = index[back].T[kinds] * at_price * good
        level = (_smooth(sold, SMOOTH) + 1e-3) / (_smooth(factor, SMOOTH) + 1e-3)
        expected = level * at_price * good
        amount = np.zeros((len(paths), KINDS))
        hoped = np.zeros((len(paths), KINDS))
        for kind in range(KINDS):
            rows = kinds == kind
            amount[:, kind] = total(sold[rows].sum(axis=0))
            hoped[:, kind] = total(expected[rows].sum(axis=0))
        index = _shrunk(amount, hoped, paths, PRIOR_KIND)
        mean = expected * index[back].T[kinds]
        centre = price - (mean * price).sum(axis=0) / (mean.sum(axis=0) + 1e-9)
        slope = total(-((sold - mean) * centre).sum(axis=0))
        curve = total((mean * centre * centre).sum(axis=0))
        step = _shrunk(slope[:, None], curve[:, None], paths, PRIOR_PRICE)[:, 0]
        elasticity = np.clip(elasticity + step, 0.0, 6.0)
    return paths, index, elasticity


def sample(history: SalesHistory, most: int = FIT_SERIES) -> SalesHistory:
    """Series spread evenly over all, the same ones every time."""
    if history.series <= most:
        return history
    return history.pick(np.unique(np.linspace(0, history.series - 1, most).astype(np.int64)))


def band(level: Doubles) -> Numbers:
    """Which band of volume."""
    return np.searchsorted(np.array(BANDS[1:]), level, side="right")


def fit(history: SalesHistory) -> PooledFit:
    """Learn what is pooled, from at most `FIT_SERIES` series.

    Args:
        history: what was sold; nothing after its as-of day is looked at.
    """
    some = sample(history)
    wrong: list[tuple[Doubles, Doubles, Numbers]] = []
    for week in range(1, BACK + 1):
        if some.days < 7 * week + 21:
            break
        before = some.before(7 * week, 7)
        parts = PooledFit(*_fit(before), np.ones(len(BANDS)))
        ahead = Parts(before, parts)
        rows = slice(before.days, before.days + 7)
        came = some.sold[rows].astype(np.float64)
        seen = (some.out[rows] == 0) & ~np.isnan(came)
        bands = np.broadcast_to(band(ahead.level), seen.shape)
        wrong.append((ahead.forecast()[seen], came[seen], bands[seen]))
    factors = np.ones(len(BANDS))
    if wrong:
        said, came, bands = (np.concatenate([each[at] for each in wrong]) for at in range(3))
        for each in range(len(BANDS)):
            rows_ = bands == each
            if rows_.sum() >= 200:
                misses = [np.abs(said[rows_] * one - came[rows_]).sum() for one in FACTORS]
                factors[each] = FACTORS[int(np.argmin(misses))]
    return PooledFit(*_fit(some), factors)


def level(sold: Doubles, factor: Doubles, half_life: float) -> Doubles:
    """Of a common day at list price, per series; a day counts half after so many days.

    Args:
        sold: (days, series), 0 where a day does not count.
        factor: what the day and its price make of a common one, 0 where it does not count.
        half_life: days.
    """
    age = 0.5 ** (np.arange(len(sold) - 1, -1, -1) / half_life)[:, None]
    steady = (sold.sum(axis=0) + 1e-9) / (factor.sum(axis=0) + 1e-9)
    found: Doubles = ((sold * age).sum(axis=0) + STEADY * steady) / (
        (factor * age).sum(axis=0) + STEADY
    )
    return found


class Parts:
    """The forecast of some series, and what it is made of.

    Args:
        history: the series.
        fitted: what is pooled.

    Attributes:
        sold: (days, series), 0 where a day does not count.
        known: factor of weekday and price of those days, 0 where one does not count.
        log_price: of those days and the days ahead.
        level: of a common day at list price, per series.
        index: factor of the weekday, (days ahead, series).
        price: factor of the price, (days ahead, series).
        factor: for the band of volume, per series.
        elasticity: per series.
        used: days that counted, per series.
        skipped: days out of stock too long, per series.
    """

    def __init__(self, history: SalesHistory, fitted: PooledFit) -> None:
        days = history.days
        group = fitted.group(history.categories)
        good = weights(history)
        self.log_price = log_price(history)
        self.elasticity = fitted.elasticity[group]
        index = fitted.index[group].T
        at_price = np.exp(-self.elasticity * self.log_price)
        self.known = index[history.kinds[:days]] * at_price[:days] * good
        self.sold = np.nan_to_num(history.sold).astype(np.float64) * good
        self.level = level(self.sold, self.known, HALF_LIFE)
        self.index = index[history.kinds[days:]]
        self.price = at_price[days:]
        self.factor = fitted.factors[band(self.level)]
        self.used = good.sum(axis=0).astype(np.int64)
        self.skipped = (~np.isnan(history.sold)).sum(axis=0) - self.used

    def forecast(self) -> Doubles:
        """(days ahead, series)."""
        found: Doubles = self.level * self.index * self.price * self.factor
        return found


def predict(history: SalesHistory, fitted: PooledFit) -> Doubles:
    """Demand of the days ahead, (days ahead, series)."""
    return Parts(history, fitted).forecast()


def seasonal_naive(history: SalesHistory) -> Doubles:
    """The same weekday of last week; 0 where it has no row."""
    rows = [history.days - 7 + at % 7 for at in range(history.horizon)]
    return np.nan_to_num(history.sold[rows]).astype(np.float64)
