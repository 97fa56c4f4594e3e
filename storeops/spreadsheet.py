"""A value as a cell of a CSV that a spreadsheet will open. Values may come from strangers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from storeops.plain import plain

# JSON leaves C1 controls, DEL, bidi marks and lone surrogates as they are; a terminal would not
_JSON_UNSAFE = re.compile(
    "[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
# a formula, or what would look like a guarded one: each guard can be taken off again
_FORMULA = re.compile("'*[ \n\u3000]*[=+\\-@\t|＝＋－＠]")
# what a spreadsheet would read as a number and thereby spoil: 0012, 1e5, 16 digits
_NUMBER_LIKE = re.compile(r"(?:0\d+|\d{12,}|\d+[eE]\d+)\t*")


def json_text(value: Any, *, indent: int | None = None) -> str:
    """JSON that a terminal may show: the same value, its dangerous characters as \\uXXXX."""
    import json  # 3 ms, and a table needs none

    return terminal_safe(json.dumps(value, ensure_ascii=False, indent=indent, default=str))


def terminal_safe(json: str) -> str:
    """The same JSON value with the characters that a terminal must not see as \\uXXXX."""
    if json.isprintable():
        return json
    return _JSON_UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", json)


def cell_text(value: Any) -> str:
    """A value as the text of a cell: nothing for None, "; " between texts, JSON for the rest."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
        return "; ".join(value)
    if isinstance(value, list | tuple | Mapping):
        return json_text(value)
    return str(value)


def csv_cell(value: Any) -> str:
    """A value for a spreadsheet.

    Text that a spreadsheet would take for a formula gets a leading apostrophe; digits that it
    would spoil (0012, 1e5, twelve and more) get a trailing tab, which keeps them text; control
    and direction characters become visible, line breaks stay.
    """
    text = value if isinstance(value, str) else cell_text(value)
    if not text or (text[0].isalpha() and text.isprintable()) or isinstance(value, int | float):
        return text  # nearly all
    if not text.isprintable():
        text = _CONTROL.sub(lambda match: plain(match[0]), text.replace("\r\n", "\n"))
    if _FORMULA.match(text):
        return "'" + text
    if _NUMBER_LIKE.fullmatch(text):
        return text + "\t"
    return text


def unguarded(text: str) -> str:
    """A cell without the guard that `csv_cell` gave it; other cells come back as they are."""
    if text.startswith("'") and _FORMULA.match(text, 1):
        return text[1:]
    if text.endswith("\t") and _NUMBER_LIKE.fullmatch(text):
        return text[:-1]
    return text
