"""Rows of a table file before anybody knows what they mean, and the bounds of such files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from storeops.errors import UsageError
from storeops.i18n import _

MAX_BYTES = 100_000_000
MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384
MAX_TEXT = 32_767  # characters of a cell, as many as Excel takes


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row of a file.

    Attributes:
        number: its line, or its number in the sheet, from 1.
        cells: text by column from 0; empty cells may be left out.
        faults: why a cell cannot be taken, by column.
        fault: why the whole row cannot be taken; "" when it can.
        hidden: the spreadsheet does not show it.
    """

    number: int
    cells: Mapping[int, str]
    faults: Mapping[int, str] = field(default_factory=dict)
    fault: str = ""
    hidden: bool = False


def too_many_rows(source: str) -> UsageError:
    """The error for a file with more rows than a sheet can have."""
    return UsageError(
        _("{file} has more than {limit} rows.").format(file=source, limit=f"{MAX_ROWS:,}"),
        hint=_("Split it."),
    )
