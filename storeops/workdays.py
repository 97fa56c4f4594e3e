"""Working days in China: as announced, and estimated where nothing is announced yet.

The State Council announces a year late in the year before. Of a year that the library has no
announcement of (those to come, and those before 2004), weekends and the holidays of the law are
known; bridges and make-up days are not.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

ONE = timedelta(days=1)


@lru_cache(maxsize=4_000)
def is_workday(day: date) -> tuple[bool, bool]:
    """(whether people work, whether that is an estimate)."""
    reckoned = _reckoned(day.year)
    if reckoned is not None:
        return day.weekday() < 5 and day not in reckoned, True
    import chinese_calendar  # 20 ms, only where working days are counted

    return bool(chinese_calendar.is_workday(day)), False


@lru_cache(maxsize=50)
def _reckoned(year: int) -> frozenset[date] | None:
    """Holidays of a year without an announcement; None for one that has it."""
    import chinese_calendar

    try:
        chinese_calendar.is_workday(date(year, 1, 1))
    except NotImplementedError:  # so it says, of a day, that it lacks the year
        import holidays  # 60 ms, only for years without an announcement

        return frozenset(holidays.country_holidays("CN", years=year))
    return None


def before(end: date, count: int) -> tuple[date, bool]:
    """The day that lies `count` working days before another, and whether it is an estimate."""
    estimated = False
    day = end
    while count > 0 and day > date.min:  # a paper's misread day may lie at the end of all days
        day -= ONE
        works, guessed = is_workday(day)
        estimated |= guessed
        count -= works
    return day, estimated


def between(first: date, last: date) -> tuple[int, bool]:
    """Working days after `first` up to `last`, negative when it is over; whether estimated."""
    if last < first:
        count, guessed = between(last, first)
        return -count, guessed
    count, estimated, day = 0, False, first
    while day < last:
        day += ONE
        works, guessed = is_workday(day)
        estimated |= guessed
        count += works
    return count, estimated
