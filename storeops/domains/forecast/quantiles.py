"""How far off a forecast may be: ratios of what came to what was said, in bands of volume.

The forecasts of the weeks before the as-of day are made as they would have been made then, and
their ratios kept for days that were in stock. It asks nothing of the shape of demand, costs one
model, and was better than separate models of each quantile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from storeops.domains.forecast.history import Doubles, Numbers, SalesHistory

LEVELS = np.round(np.arange(0.01, 1.0, 0.01), 2)
WEEKS = 2
LEAST = 150  # ratios of a band
MOST_BANDS = 12
LONGEST = 7  # days of cover that are looked at together


@dataclass(frozen=True)
class RatioBands:
    """Ratios by volume.

    Attributes:
        edges: upper bounds of the forecast amount of each band but the last.
        ratios: (bands, `LEVELS`) quantiles of actual / forecast.
        counts: days behind each band.
    """

    edges: Doubles
    ratios: Doubles
    counts: Numbers

    def at(self, forecast: Doubles, level: float) -> Doubles:
        """The quantile of demand for each forecast.

        Args:
            forecast: of any shape.
            level: between 0 and 1.
        """
        column = [float(np.interp(level, LEVELS, row)) for row in self.ratios]
        found: Doubles = forecast * np.array(column)[np.searchsorted(self.edges, forecast)]
        return found


def learn(
    history: SalesHistory, predict: Callable[[SalesHistory], Callable[[SalesHistory], Doubles]],
    days: int = 1,
) -> RatioBands:  # fmt: skip
    """Ratios of the last weeks.

    Args:
        history: up to the as-of day.
        predict: fits on a history as it was, and gives what then forecasts it.
        days: that are looked at together, for a cover of several days.
    """
    said, came = [], []
    for week in range(1, WEEKS + 1):
        if history.days < 7 * week + 21:
            break
        before = history.before(7 * week, 7)
        then = predict(before)(before)
        rows = slice(before.days, before.days + 7)
        sold = history.sold[rows].astype(np.float64)
        seen = (history.out[rows] == 0) & ~np.isnan(sold)
        for start in range(7 - days + 1):
            here = slice(start, start + days)
            whole = seen[here].all(axis=0)
            said.append(then[here].sum(axis=0)[whole])
            came.append(sold[here].sum(axis=0)[whole])
    return of_pairs(
        np.concatenate(said) if said else np.zeros(0), np.concatenate(came) if came else np.zeros(0)
    )


def of_pairs(said: Doubles, came: Doubles) -> RatioBands:
    """Ratios of what was said and what came.

    Args:
        said, came: amounts, one for each day in stock.
    """
    use = said > 0
    said, came = said[use], came[use]
    if len(said) < LEAST:  # nothing to learn from: as wide as slow movers usually are
        ratios = np.interp(
            LEVELS, (0.01, 0.5, 0.8, 0.9, 0.95, 0.99), (0.0, 0.95, 1.5, 1.9, 2.3, 3.4)
        )
        return RatioBands(np.zeros(0), ratios[None], np.array([len(said)]))
    bands = int(min(MOST_BANDS, len(said) // LEAST))
    edges = np.unique(np.quantile(said, np.arange(1, bands) / bands))
    which = np.searchsorted(edges, said)
    ratio = came / said
    return RatioBands(
        edges,
        np.array([np.quantile(ratio[which == each], LEVELS) for each in range(len(edges) + 1)]),
        np.bincount(which, minlength=len(edges) + 1),
    )
