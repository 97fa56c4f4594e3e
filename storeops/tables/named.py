"""A table whose columns are named in its headings, read whole or refused with file and line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TypeVar

from storeops.errors import UsageError
from storeops.i18n import _, labelled, own_word
from storeops.tables import headings, typed
from storeops.tables.content import read_table
from storeops.tables.headings import SEARCHED, Field

Made = TypeVar("Made")
UNIT = Field("unit", ("uom", "单位"), "")  # of pieces: `typed.pieces`


@dataclass(frozen=True, slots=True)
class OtherTable:
    """How one sees that a file holds something else than what is wanted.

    Attributes:
        words: headings that only it has, lower case.
        refusal: what is said, with {file} and {name} of the column; hint: what to do (msgids).
    """

    words: tuple[str, ...]
    refusal: str
    hint: str


@dataclass(frozen=True, slots=True)
class NamedRow:
    """One row.

    Attributes:
        line: its number in the file.
        cells: text by field name, without guards and invisible marks; "" where there is none.
        fault: why it cannot be read, one clause; "" when it can.
    """

    line: int
    cells: Mapping[str, str]
    fault: str = ""

    def get(self, name: str) -> str:
        """The text of a field, "" without one."""
        return self.cells.get(name, "")


def read_each(
    source: str,
    fields: Sequence[Field],
    needed: Sequence[str],
    make: Callable[[NamedRow], Made],
    *,
    other: OtherTable | None = None,
) -> list[Made]:
    """What every row of a CSV or workbook becomes.

    Args:
        source, fields, needed, other: as `read_named`.
        make: makes it of a row; raises a UsageError that says why it cannot.

    Raises:
        NotFoundError, ConflictError: it cannot be read.
        UsageError: no table, no such column, or a row that cannot be taken, named with its line.
    """
    found = []
    for row in read_named(source, fields, needed, other=other):
        try:
            if row.fault:
                raise UsageError(row.fault)
            found.append(make(row))
        except UsageError as error:
            raise UsageError(
                _("{file}, line {line}: {reason}.").format(
                    file=source, line=row.line, reason=error.message.rstrip(".。")
                ),
                hint=_("Correct the file; nothing was changed."),
            ) from None
    return found


def read_named(
    source: str, fields: Sequence[Field], needed: Sequence[str], *, other: OtherTable | None = None
) -> list[NamedRow]:
    """The rows of a CSV or workbook.

    Args:
        source: path, or "-" for stdin.
        fields: columns that are understood; those that are `key` find the row of headings.
        needed: names of fields that must be there.
        other: what it must not be.

    Raises:
        NotFoundError, ConflictError: it cannot be read.
        UsageError: no table, a column that is needed is not there, or it is the other table.
    """
    best: tuple[int, list[NamedRow], list[str]] | None = None
    for page in read_table(source).pages:
        if page.hidden:
            continue
        rows = page.rows()
        first = list(islice(rows, SEARCHED))
        try:
            here = headings.find(first, fields, {})
        except UsageError as error:  # its hint is for readers that take --column
            raise UsageError(
                labelled(source, error.message), hint=_("Leave one of them out.")
            ) from None
        if here is None:
            continue
        missing = [each for each in needed if each not in here.columns]
        if best is not None and len(best[2]) <= len(missing):
            continue
        if other is not None and not missing:
            words = set(map(headings.loosely, other.words))
            for name in here.names.values():
                if headings.loosely(name) in words:
                    raise UsageError(
                        _(other.refusal).format(file=source, name=name), hint=_(other.hint)
                    )
        found = []
        for row in chain(first[here.index + 1 :], rows):
            fault = row.fault or next(
                (row.faults[at] for at in here.columns.values() if at in row.faults), ""
            )
            cells = {name: typed.word(row.cells.get(at, "")) for name, at in here.columns.items()}
            if fault or any(cells.values()):
                found.append(NamedRow(row.number, cells, fault))
        best = (here.row, found, missing)
    if best is None or best[2]:
        missing = best[2] if best else list(needed)
        known = {each.name: own_word(each.name, each.aliases) for each in fields}
        raise UsageError(
            _("{file} has no column {names}.").format(
                file=source, names=_(", ").join(known[each] for each in missing)
            ),
            hint=_("Its columns: {names}.").format(names=_(", ").join(known.values())),
        )
    return best[1]
