"""One value as text: a table's cell, a CSV cell, JSON. Values may come from strangers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from storeops import times
from storeops.i18n import _
from storeops.plain import plain
from storeops.spreadsheet import csv_cell, json_text

if TYPE_CHECKING:
    from storeops.database.database import Database

__all__ = [
    "JSON_SAFE_INTEGER", "amount", "csv_cell", "iso", "json_text", "members", "table_cell", "when",
]  # fmt: skip
JSON_SAFE_INTEGER = 2**53


def table_cell(value: Any) -> str:
    """A value for people's eyes, on one line: lists with commas, None as nothing, plain text."""
    if value is None:
        return ""
    if value is True or value is False:
        return _("yes") if value else _("no")
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list | tuple):
        return _(", ").join(table_cell(each) for each in value)
    if isinstance(value, Mapping):
        return plain(json_text(value))
    return str(value)


def members(db: Database) -> Callable[[str], str]:
    """How people call a member: function of the userid, which stays where there is no name."""
    from storeops.reading.directory import member_names

    names = dict(member_names(db))
    return lambda userid: names.get(userid) or userid


def when(moment: float | str | None) -> str:
    """A moment for people, 2026-05-01 09:30: Unix seconds, or what `iso` made of them."""
    return times.minute(times.seconds_of(moment) if isinstance(moment, str) and moment else moment)  # type: ignore[arg-type]  # "" is none


def day(moment: float | str | None) -> str:
    """The same without the time of day."""
    return when(moment)[:10]


def iso(moment: float | None) -> str | None:
    """A moment (Unix seconds) for programs: 2026-05-01T01:30:00Z; None stays None."""
    return times.iso(moment)


def moments(rows: list[dict[str, Any]], *keys: str) -> list[dict[str, Any]]:
    """The same rows with these fields (Unix seconds) as `iso` writes them."""
    return [row | {key: iso(row[key]) for key in keys} for row in rows]


def amount(number: int | float) -> str:
    """A count for people: 12,345."""
    return f"{number:,}"
