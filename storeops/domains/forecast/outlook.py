"""Every series of a history with its forecast and what demand stays below: for looking at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from storeops.domains.forecast import methods
from storeops.domains.forecast.history import DailySales, Doubles, SalesHistory, read_history

LEVELS = (0.5, 0.8, 0.9)


@dataclass(frozen=True, slots=True)
class Outlook:
    """A history and the days ahead.

    Attributes:
        history: what was sold.
        forecast: (days ahead, series).
        bands: level → (days ahead, series): demand stays below it on so many of all days.
    """

    history: SalesHistory
    forecast: Doubles
    bands: dict[float, Doubles]

    def sold(self, series: int, days: int) -> list[float | None]:
        """What was sold on the last days; None where nothing is known."""
        column = self.history.sold[-0 if days <= 0 else max(0, self.history.days - days) :, series]
        column = column[: self.history.days]
        return [None if np.isnan(each) else float(each) for each in column]


def outlook(data: str | DailySales, *, as_of: date | None = None, horizon: int = 7) -> Outlook:
    """Forecast all series of a history by the default method.

    Args:
        data: folder of the history, or what tills sold.
        as_of: last day that is known; None for the last one with sales.
        horizon: days ahead.

    Raises:
        NotFoundError, UsageError: as `read_history`.
    """
    history = read_history(data, as_of, horizon)
    learnt = methods.prepare(history, "pooled")
    forecast = methods.predict(history, learnt.fitted)
    bands = {
        level: np.array([learnt.ratios.at(row, level) for row in forecast]) for level in LEVELS
    }
    return Outlook(history, forecast, bands)
