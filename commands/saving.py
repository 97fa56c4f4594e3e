"""A list as a file for people: CSV or workbook, with the headings, words and dates of its table."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands import cells
from storeops.errors import UsageError
from storeops.i18n import _, aside, ngettext
from storeops.plain import cell_width

if TYPE_CHECKING:
    from commands.output import Column

_FEN = re.compile(r"_fen(?:_|$)")
SAMPLE = 200  # rows that decide the widths of a workbook
WIDEST = 60  # characters


def save(
    rows: Iterable[Mapping[str, Any]], columns: Sequence[Column], path: str, *, over: bool
) -> None:
    """Write the rows of a list to a file, whole or not at all; says how many on stdout.

    Args:
        rows: read once; memory stays flat.
        columns: headings, and how values become words.
        path: the file; its ending says CSV or workbook.
        over: replace a file of that name without asking.

    Raises:
        UsageError: another ending, or the file exists and nobody can be asked.
        DeclinedError: the person did not want it replaced.
        ConfigError: it cannot be written.
    """
    from commands.question import may_replace
    from storeops.export_file import Taken, text_file, whole_file

    ending = Path(path).suffix.lower()
    if ending not in (".csv", ".xlsx"):
        raise UsageError(
            _("“{path}” does not say which format to write.").format(path=path),
            hint=_("End the name in .csv or .xlsx; for programs: --csv, --ndjson or --json."),
        )
    over = may_replace(path, force=over)
    titles = _headings(columns)
    counted = Taken(map(_values(columns, serial=ending == ".xlsx"), rows), None)
    values = iter(counted)
    if ending == ".csv":
        with text_file(path, over, bom=True) as file:  # spreadsheets look for the mark
            writer = csv.writer(file, lineterminator="\r\n")
            writer.writerow([cells.csv_cell(each) for each in titles])
            writer.writerows([cells.csv_cell(each) for each in row] for row in values)
    else:
        from storeops.domains.export.xlsx import write_xlsx

        names = [str(number) for number in range(len(columns))]
        dates = [name for name, each in zip(names, columns, strict=True) if _moment(each)]
        sample = list(islice(values, SAMPLE))
        widths = {
            name: _width(titles[at], [row[at] for row in sample], dated=name in dates)
            for at, name in enumerate(names)
        }
        with whole_file(path, over) as whole:
            write_xlsx(whole, names, titles, chain(sample, values), dates, widths)
    _note_saved(counted.count, path)


def _note_saved(rows: int, path: str) -> None:
    from commands.output import line

    line(
        ngettext("{count} row written to {path}.", "{count} rows written to {path}.", rows).format(
            count=cells.amount(rows), path=path
        )
    )


def _headings(columns: Sequence[Column]) -> list[str]:
    """The titles; two of one name are told apart by their keys."""
    titles = [each.title for each in columns]
    return [
        title if titles.count(title) == 1 else aside(title, each.key)
        for title, each in zip(titles, columns, strict=True)
    ]


def _moment(column: Column) -> bool:
    return column.show in (cells.when, cells.day)


def _values(columns: Sequence[Column], *, serial: bool) -> Callable[[Mapping[str, Any]], list[Any]]:
    """What turns a row into the values of its columns."""
    from commands.output import reach

    def value(row: Mapping[str, Any], column: Column) -> Any:
        found = reach(row, column.key)
        if found is None or found == "":
            return ""
        if _moment(column):
            return _date(found, serial=serial, show=column.show)
        if serial and _FEN.search(column.key) and isinstance(found, int):
            return found / 100  # yuan, as the column shows them
        if column.show is None or column.show is cells.amount:
            if isinstance(found, int | float) and not isinstance(found, bool):
                return found
            return cells.table_cell(found)
        return cells.table_cell(column.show(found))

    return lambda row: [value(row, each) for each in columns]


def _date(moment: Any, *, serial: bool, show: Any) -> Any:
    if not serial:
        return show(moment)
    from storeops.domains.export.words import day_number
    from storeops.times import seconds_of

    return day_number(seconds_of(moment) if isinstance(moment, str) else moment)


def _width(title: str, values: Sequence[Any], *, dated: bool) -> int:
    if dated:
        return 17
    return min(WIDEST, 2 + max(map(cell_width, (title, *map(str, values)))))
