"""Kinds of day: the seven weekdays, holidays on a weekday, and weekends that are worked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from storeops.workdays import is_workday

KINDS = 9
HOLIDAY, WORKED = 7, 8


def kinds(days: Sequence[date], known: Mapping[date, bool]) -> tuple[NDArray[np.int64], bool]:
    """The kind of each day: 0 to 6 from Monday, 7 a holiday, 8 a weekend that is worked.

    Args:
        days: of the calendar.
        known: day → it is free (a weekend or a holiday), as the user's own calendar says; where
            it says nothing, the Chinese one does.

    Returns:
        The kinds, and whether some day's holidays are not announced yet but reckoned.
    """
    found, estimated = [], False
    for day in days:
        free = known.get(day)
        if free is None:
            works, guessed = is_workday(day)
            free = not works
            estimated |= guessed
        weekend = day.weekday() >= 5
        found.append(
            day.weekday() if free == weekend else HOLIDAY if free else WORKED
        )  # fmt: skip
    return np.array(found, np.int64), estimated
