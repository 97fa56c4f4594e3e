"""One value as text: a table's cell, a CSV cell, JSON. Values may come from strangers."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from storeops.i18n import _
from storeops.plain import plain

# JSON leaves C1 controls, DEL, bidi marks and lone surrogates as they are; a terminal would not
_JSON_UNSAFE = re.compile(
    "[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_FORMULA = tuple("=+-@\t|＝＋－＠")
# what a spreadsheet would read as a number and thereby spoil: 0012, 1e5, 16 digits
_NUMBER_LIKE = re.compile(r"0\d+|\d{12,}|\d+[eE]\d+")
JSON_SAFE_INTEGER = 2**53


def json_text(value: Any, *, indent: int | None = None) -> str:
    """JSON that a terminal may show: the same value, its dangerous characters as \\uXXXX."""
    import json  # 3 ms, and a table needs none

    text = json.dumps(value, ensure_ascii=False, indent=indent, default=str)
    return _JSON_UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def table_cell(value: Any) -> str:
    """A value for people's eyes, on one line: lists with commas, None as nothing, plain text."""
    if value is None:
        return ""
    if value is True or value is False:
        return _("yes") if value else _("no")
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list | tuple):
        return ", ".join(table_cell(each) for each in value)
    if isinstance(value, Mapping):
        return plain(json_text(value))
    return str(value)


def csv_cell(value: Any) -> str:
    """A value for a spreadsheet.

    Text that a spreadsheet would take for a formula gets a leading apostrophe; digits that it
    would spoil (0012, 1e5, twelve and more) get a trailing tab, which keeps them text; control
    and direction characters become visible, line breaks stay.
    """
    if value is None:
        return ""
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, list | tuple | Mapping):
        if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
            value = "; ".join(value)
        else:
            value = json_text(value)
    if not isinstance(value, str):
        return str(value)
    text = value.replace("\r\n", "\n")
    text = _CONTROL.sub(lambda match: plain(match[0]), text)
    if text.lstrip(" \n\u3000").startswith(_FORMULA):
        return "'" + text
    if _NUMBER_LIKE.fullmatch(text):
        return text + "\t"
    return text


def when(seconds: float | None) -> str:
    """A moment (Unix seconds) for people, in the machine's zone: 2026-05-01 09:30."""
    if not seconds:
        return ""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def iso(seconds: float | None) -> str | None:
    """A moment (Unix seconds) for programs: 2026-05-01T01:30:00Z; None stays None."""
    if seconds is None:
        return None
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def amount(number: int | float) -> str:
    """A count for people: 12,345."""
    return f"{number:,}"


def span(seconds: float) -> str:
    """A length of time for people, in its two largest units: 3 h 20 min, 45 s."""
    total = max(0, round(seconds))
    days, hours, minutes = total // 86400, total // 3600 % 24, total // 60 % 60
    if days:
        return _("{days} d {hours} h").format(days=days, hours=hours)
    if hours:
        return _("{hours} h {minutes} min").format(hours=hours, minutes=minutes)
    if minutes:
        return _("{minutes} min {seconds} s").format(minutes=minutes, seconds=total % 60)
    return _("{seconds} s").format(seconds=total)
