"""Flat rows as lines of CSV, byte by byte what `csv.writer` makes of their safe cells."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from typing import Any

from storeops.domains.export.export_easy import Easy, picker
from storeops.reading.export_rows import NUMBERS, Flatten

Cell = Callable[[Any], str]

# A cell with one of these must be quoted or made visible …
_HARD = re.compile(
    '[\x00-\x1f",\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]'
)
# … and one that begins so may be a formula, or a number that a spreadsheet spoils: `cell` decides.
_CARE = re.compile(r"'|[ \u3000]*[=+\-@|＝＋－＠]|0\d|\d{12}|\d+[eE]\d")


class CsvLines:
    """Makes a row a line.

    Args:
        flatten: where the rows come from.
        names: the columns, in order.
        cell: makes a value safe for a spreadsheet.
    """

    def __init__(self, flatten: Flatten, names: Sequence[str], cell: Cell) -> None:
        self._cell = cell
        self._numbers = [name in NUMBERS for name in names]
        self._format = ",".join(["%s"] * len(names)) + "\r\n"
        self._lines: list[str] = []
        self._writer = csv.writer(_Sink(self._lines), lineterminator="\r\n")
        self._pick = picker(names)
        # one empty cell alone is quoted, so that its line is not empty
        self._easy = Easy(flatten, names, _is_easy).row if len(names) > 1 else _never

    def line(self, row: tuple[Any, ...]) -> str:
        """The line of one row of `Flatten`, with its line end."""
        if self._easy(row):
            return self._format % self._pick(row)
        self._writer.writerow(
            [
                value if number else self._cell(value)
                for value, number in zip(self._pick(row), self._numbers, strict=True)
            ]
        )
        return self._lines.pop()


def _is_easy(text: str) -> bool:
    return not (_HARD.search(text) or _CARE.match(text))


def _never(_row: tuple[Any, ...]) -> bool:
    return False


class _Sink:
    """A file for `csv.writer` that is a list."""

    def __init__(self, lines: list[str]) -> None:
        self.write = lines.append
