"""Dates of the filter language, in the zone of `storeops.times`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from storeops import times
from storeops.errors import UsageError
from storeops.i18n import _

# a span back from now; months and years are 30 and 365 days
_BACK = re.compile(r"(\d{1,4})(h|d|w|m|y|小时|天|日|周|月|年)")
_UNIT_S = {
    "h": 3600, "小时": 3600, "d": 86400, "天": 86400, "日": 86400, "w": 604800, "周": 604800,
    "m": 30 * 86400, "月": 30 * 86400, "y": 365 * 86400, "年": 365 * 86400,
}  # fmt: skip
PERIODS = {
    "today": "today", "今天": "today", "yesterday": "yesterday", "昨天": "yesterday",
    "week": "week", "本周": "week", "last-week": "last-week", "上周": "last-week",
    "month": "month", "本月": "month", "last-month": "last-month", "上月": "last-month",
    "year": "year", "今年": "year", "last-year": "last-year", "去年": "last-year",
}  # fmt: skip
_DATE = re.compile(r"(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2})(?:T(\d{1,2}):(\d{2}))?)?)?")


def normal(text: str) -> str | None:
    """The canonical spelling of a date of the language; None when it is none."""
    word = text.strip().lower()
    if word in PERIODS:
        return PERIODS[word]
    if _BACK.fullmatch(word):
        return word
    found = _DATE.fullmatch(text.strip().upper())
    if not found:
        return None
    year, month, day, hour, minute = found.groups()
    try:
        times.start(int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0))
    except ValueError:
        return None
    if int(year) < 1970 or int(year) > 9998:
        return None
    parts = [year] + [f"{int(each):02d}" for each in (month, day) if each]
    return "-".join(parts) + (f"T{int(hour):02d}:{minute}" if hour else "")


def read_span(text: str, now: float, option: str) -> tuple[int, int]:
    """The same as `span`, of an option as a person typed it.

    Raises:
        UsageError: it is no date of the language.
    """
    word = normal(text)
    if word is None:
        raise UsageError(
            _("{option}: “{value}” is no date.").format(option=option, value=text[:40]),
            hint=_("Write one as 2026-05-31, 2026-05, 7d or last-month."),
        )
    return span(word, now)


def span(word: str, now: float) -> tuple[int, int]:
    """The seconds [start, end) that a canonical date means.

    Args:
        word: as `normal` gives it.
        now: WeCom's time, Unix seconds.

    Returns:
        For a day, month, year or period its first second and the one after its last; for a span
        back or a minute the same moment twice (the end one second later).
    """
    back = _BACK.fullmatch(word)
    if back:
        moment = int(now) - int(back[1]) * _UNIT_S[back[2]]
        return moment, moment + 1
    if word in PERIODS.values():
        return _period(word, now)
    found = _DATE.fullmatch(word)
    assert found is not None
    year, month, day, hour, minute = (int(each) if each else None for each in found.groups())
    assert year is not None
    start = times.start(year, month or 1, day or 1, hour or 0, minute or 0)
    if hour is not None:
        return _second(start), _second(start) + 1
    if day is not None:
        end = start + timedelta(days=1)
    elif month is not None:
        end = _month_after(start)
    else:
        end = start.replace(year=start.year + 1)
    return _second(start), _second(end)


def _period(word: str, now: float) -> tuple[int, int]:
    midnight = times.midnight(now)
    if word in ("today", "yesterday"):
        start = midnight if word == "today" else midnight - timedelta(days=1)
        end = start + timedelta(days=1)
    elif word in ("week", "last-week"):
        start = midnight - timedelta(days=midnight.weekday() + (7 if word == "last-week" else 0))
        end = start + timedelta(days=7)
    elif word in ("month", "last-month"):
        start = midnight.replace(day=1)
        if word == "last-month":
            start = (start - timedelta(days=1)).replace(day=1)
        end = _month_after(start)
    else:
        start = midnight.replace(month=1, day=1)
        if word == "last-year":
            start = start.replace(year=start.year - 1)
        end = start.replace(year=start.year + 1)
    return _second(start), _second(end)


def _month_after(start: datetime) -> datetime:
    return (start.replace(day=1) + timedelta(days=32)).replace(day=1)


def _second(moment: datetime) -> int:
    return int(moment.timestamp())
