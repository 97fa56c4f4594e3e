"""Exports for people: headings in their language, words for codes, dates they can read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

from storeops import times
from storeops.i18n import N_, _
from storeops.reading.columns import columns
from storeops.reading.filter_words import label

_SHEET_EPOCH = 25_569  # days from a spreadsheet's day 0 to 1970-01-01
_TITLES = {
    "external_userid": N_("Customer id"),
    "name": N_("Name"),
    "type": N_("Type"),
    "gender": N_("Gender"),
    "unionid": N_("unionid"),
    "status": N_("Status"),
    "createtime": N_("Added"),
    "userid": N_("Member id"),
    "staff_name": N_("Member name"),
    "store": N_("Shop"),
    "remark": N_("Remark"),
    "remark_mobiles": N_("Phone numbers"),
    "add_way": N_("Came by"),
    "state": N_("State"),
    "follow_status": N_("Status by member"),
    "tags": N_("Tags"),
}
_CODED = {
    "type": "type", "gender": "gender", "status": "status", "add_way": "way",
    "follow_status": "status",
}  # fmt: skip


def titles(names: Sequence[str]) -> list[str]:
    """Headings of these columns in the language of the person."""
    brought = columns()
    return [_(_TITLES[name] if name in _TITLES else brought[name][1].title) for name in names]


def worded(names: Sequence[str], *, serial: bool) -> Callable[[list[Any]], list[Any]]:
    """What gives a row of these columns words for codes, and the day for seconds.

    Args:
        names: the columns, in order.
        serial: days of a spreadsheet (China's time) instead of 2026-05-01 09:30.
    """

    words = lru_cache(10_000)(_words)  # they repeat, of one value or of several
    brought = columns()
    shows: list[tuple[int, Callable[[Any], Any]]] = []
    for at, name in enumerate(names):
        own = brought[name][1] if name in brought else None
        if name in _CODED:
            shows.append((at, partial(words, _CODED[name])))
        elif name == "createtime":
            shows.append((at, day_number if serial else _minute))
        elif own is not None and serial and own.moment:
            shows.append((at, _serial))
        elif own is not None and serial and own.number is not None:
            shows.append((at, own.number))
        elif own is not None and own.show is not str:
            shows.append((at, own.show))

    def change(row: list[Any]) -> list[Any]:
        for at, show in shows:
            if row[at] is not None:
                row[at] = show(row[at])
        return row

    return change


def dates(names: Sequence[str]) -> list[str]:
    """Those of these columns that hold moments."""
    brought = columns()
    return [
        name
        for name in names
        if name == "createtime" or (name in brought and brought[name][1].moment)
    ]


def _serial(moment: str) -> float | str:
    return day_number(times.seconds_of(moment))


def _words(key: str, values: object) -> str:
    return "; ".join(label(key, each) for each in str(values).split("; ")) if values != "" else ""


def _minute(seconds: int) -> str:
    return times.minute(seconds) if seconds else ""


def day_number(seconds: float) -> float | str:
    """A spreadsheet's date, which has no zone: what a clock shows in ours."""
    if not seconds:
        return ""
    shown = times.local(seconds)
    east = shown.utcoffset()
    assert east is not None
    return round((shown.timestamp() + east.total_seconds()) / 86_400 + _SHEET_EPOCH, 6)
