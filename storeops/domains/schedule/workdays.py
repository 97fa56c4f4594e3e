"""Which days are workdays in China: as announced, with days off and make-up days.

The State Council announces a year late in the year before. Of a year that is not announced,
weekends and the holidays of the law are known; bridges and make-up days are not: such an answer is
estimated.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import NamedTuple

CALENDARS = ("every", "workdays", "holidays")
SATURDAY = 5


class DayKind(NamedTuple):
    """What kind of day it is.

    Attributes:
        workday: people work.
        estimated: the year was not announced when this version of the library was made.
    """

    workday: bool
    estimated: bool


@lru_cache(maxsize=4096)
def kind_of(day: date) -> DayKind:
    """Whether a day is a workday in China."""
    import chinese_calendar  # 20 ms, only for tasks with a calendar

    try:
        return DayKind(bool(chinese_calendar.is_workday(day)), False)
    except NotImplementedError:
        return DayKind(day.weekday() < SATURDAY and day not in _holidays(day.year), True)


@lru_cache(maxsize=16)
def _holidays(year: int) -> frozenset[date]:
    import holidays  # 60 ms, only for years to come

    return frozenset(holidays.country_holidays("CN", years=year))


def fits(day: date, calendar: str) -> DayKind:
    """Whether a task of a calendar runs on a day; `workday` then means that it does.

    Args:
        day: of the zone that tasks are reckoned in.
        calendar: one of `CALENDARS`.
    """
    if calendar == "every":
        return DayKind(True, False)
    kind = kind_of(day)
    return DayKind(kind.workday == (calendar == "workdays"), kind.estimated)
