"""Exports for people: headings in their language, words for codes, dates they can read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from storeops import times
from storeops.database.database import Database
from storeops.i18n import N_, _
from storeops.reading.export_rows import COLUMNS, Flatten
from storeops.reading.filter_words import label

_REMEMBERED = 10_000
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
_CODED = {"type": "type", "gender": "gender", "status": "status"}
_JOINED = {"add_way": "way", "follow_status": "status"}
_PLACES = {name: COLUMNS.index(name) for name in (*_CODED, *_JOINED, "createtime")}


def titles(names: Sequence[str]) -> list[str]:
    """Headings of these columns in the language of the person."""
    return [_(_TITLES[name]) for name in names]


class Worded(Flatten):
    """Rows as `Flatten` has them, with words for codes and the day for seconds.

    Args:
        db: data.db.
        reveal: phone numbers in full.
        serial: days of a spreadsheet (China's time) instead of 2026-05-01 09:30.
    """

    def __init__(self, db: Database, reveal: bool, *, serial: bool) -> None:
        super().__init__(db, reveal)
        self._date = _serial if serial else times.minute
        self._known: dict[tuple[str, str], str] = {}

    def row(self, customer: Any, follows: list[Any]) -> tuple[Any, ...]:
        """The row of one customer."""
        found = list(super().row(customer, follows))
        for name, key in _CODED.items():
            found[_PLACES[name]] = self._words(key, str(found[_PLACES[name]]))
        for name, key in _JOINED.items():
            found[_PLACES[name]] = self._words(key, found[_PLACES[name]])
        created = found[_PLACES["createtime"]]
        found[_PLACES["createtime"]] = self._date(created) if created else ""
        return tuple(found)

    def _words(self, key: str, values: str) -> str:
        """The words of one value or of several; remembered, they repeat."""
        found = self._known.get((key, values))
        if found is None:
            found = "; ".join(label(key, each) for each in values.split("; ")) if values else ""
            if len(self._known) < _REMEMBERED:
                self._known[key, values] = found
        return found


def _serial(seconds: int) -> float:
    """A spreadsheet's date, which has no zone: what a clock shows in ours."""
    shown = times.local(seconds)
    east = shown.utcoffset()
    assert east is not None
    return round((shown.timestamp() + east.total_seconds()) / 86_400 + _SHEET_EPOCH, 6)
