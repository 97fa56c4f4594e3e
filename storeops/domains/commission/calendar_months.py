"""Months of the calendar, in the zone in force."""

from __future__ import annotations

import re

from storeops import times
from storeops.errors import UsageError
from storeops.i18n import _

_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")


def span_of(month: str) -> tuple[int, int]:
    """[start, end) of a month in Unix seconds.

    Raises:
        UsageError: it is no month.
    """
    try:
        if not _MONTH.fullmatch(month):
            raise ValueError
        year, number = (int(each) for each in month.split("-"))
        start = times.start(year, number)
        end = times.start(year + number // 12, number % 12 + 1)
    except ValueError:
        raise UsageError(
            _("“{month}” is no month.").format(month=month[:40]), hint=_("Write it as 2026-10.")
        ) from None
    return int(start.timestamp()), int(end.timestamp())


def last_month(now: float) -> str:
    """The month before the one of a moment (Unix seconds)."""
    return times.month(times.midnight(now).replace(day=1).timestamp() - 1)


def following(month: str) -> str:
    """The month after."""
    year, number = (int(each) for each in month.split("-"))
    return f"{year + number // 12:04d}-{number % 12 + 1:02d}"
