"""Writing many customers to a file at flat memory: CSV, XLSX, NDJSON, Parquet.

One row a customer; what its follows say stands in one cell each, newest follow first, `; ` between.
NDJSON keeps the follows as they are in `customer show --json`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING

from storeops.database.database import Database
from storeops.domains.export.export_csv import Cell, CsvLines
from storeops.domains.export.export_json import JsonLines
from storeops.errors import UsageError
from storeops.export_file import Part, refuse_taken, text_file, whole_file
from storeops.i18n import _
from storeops.reading.export_rows import COLUMNS, Columns, Flatten
from storeops.reading.query import CustomerQuery

if TYPE_CHECKING:
    from storeops.domains.export.export_process import FarBook
    from storeops.domains.export.export_xlsx import Book

FORMATS = ("csv", "xlsx", "ndjson", "parquet")
BATCH = 10_000  # customers a query: more are read quicker, and need more memory
FEW = 2  # batches a workbook is written with here: a second process would only just have begun
_PIECE = 500  # lines
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Exported:
    """How an export ended.

    Attributes:
        rows: customers written.
        path: the file, "-" for stdout.
        format: csv, xlsx, ndjson or parquet.
        masked: phone numbers were masked.
    """

    rows: int
    path: str
    format: str
    masked: bool


def format_of(path: str, wish: str) -> str:
    """The format of an export: as wished, else by the file's ending.

    Raises:
        UsageError: none of csv, xlsx, ndjson, parquet, or one that cannot go to stdout.
    """
    found = (wish or Path(path).suffix.lstrip(".")).lower()
    found = {"jsonl": "ndjson", "": "csv" if path == "-" else ""}.get(found, found)
    if found not in FORMATS:
        raise UsageError(
            _("“{path}” does not say which format to write.").format(path=path),
            hint=_("End the name in .csv, .xlsx, .ndjson or .parquet, or add --format."),
        )
    if path == "-" and found in ("xlsx", "parquet"):
        raise UsageError(
            _("{format} cannot be written to stdout.").format(format=found),
            hint=_("Give the name of a file."),
        )
    return found


def export_customers(
    db: Database,
    query: CustomerQuery,
    path: str,
    stdout: IO[str],
    *,
    wish: str = "",
    fields: Sequence[str] = (),
    reveal: bool = False,
    bom: bool = False,
    cell: Cell,
    over: bool = True,
    words: bool = False,
    on_progress: Progress | None = None,
) -> Exported:
    """Write every customer of a query, in its order.

    Args:
        db: data.db.
        query: which and in which order.
        path: the file, replaced only when the export is whole; "-" for stdout.
        stdout: where "-" goes.
        wish: csv, xlsx, ndjson or parquet; "" by the file's ending.
        fields: columns, in order; () for all (not for NDJSON, which is always whole).
        reveal: phone numbers in full.
        bom: CSV begins with a byte order mark.
        cell: makes a value safe for a spreadsheet's CSV.
        over: replace a file of that name.
        words: CSV and XLSX for people: headings in their language, words for codes, dates.
        on_progress: called with the rows written so far, once a batch.

    Raises:
        UsageError: an unknown format or column; the file exists, and `over` is false.
        ConfigError: the file cannot be written, or the Parquet library is not installed.
        ConflictError: another export is writing the same file.
    """
    kind = format_of(path, wish)
    names = tuple(fields) or COLUMNS
    unknown = [each for each in names if each not in COLUMNS]
    if unknown:
        raise UsageError(
            _("There is no column {name}.").format(name=unknown[0]),
            hint=_("Columns: {names}.").format(names=", ".join(COLUMNS)),
        )
    if not over:
        refuse_taken(path)
    counted = _Counter(on_progress)
    masked = not reveal
    if kind == "ndjson":
        lines = JsonLines(db, reveal)
        with text_file(path, over, stdout) as file:
            for ids in _ids(query):
                found = dict(lines.lines(db.connection, ids))
                _write(file, [found[key] for key in ids if key in found], counted)
        return Exported(counted.rows, path, kind, masked)
    flatten = Flatten(db, reveal)
    headings: Sequence[str] = names
    if words and kind in ("csv", "xlsx"):
        from storeops.domains.export.export_words import Worded, titles

        flatten, headings = Worded(db, reveal, serial=kind == "xlsx"), titles(names)
    if kind == "csv":
        line = CsvLines(flatten, names, cell).line
        with text_file(path, over, stdout) as file:
            file.write(("\ufeff" if bom else "") + ",".join(headings) + "\r\n")
            for ids in _ids(query):
                found = {key: line(row) for key, row in flatten.rows(db.connection, ids)}
                _write(file, [found[key] for key in ids if key in found], counted)
    elif kind == "xlsx":
        with whole_file(path, over) as part:
            _write_xlsx(db, query, part, flatten, Columns(names, headings, words), counted)
    else:
        from storeops.domains.export.export_parquet import write_parquet

        with whole_file(path, over) as part:
            write_parquet(db.connection, _ids(query), part.file, flatten, names, counted.add)
    return Exported(counted.rows, path, kind, masked)


def _write_xlsx(
    db: Database,
    query: CustomerQuery,
    part: Part,
    flatten: Flatten,
    columns: Columns,
    counted: _Counter,
) -> None:
    batches = _ids(query)
    first = list(islice(batches, FEW + 1))
    with _book(part, flatten, columns, large=len(first) > FEW) as book:
        for ids in chain(first, batches):
            while len(there := book.add(ids, flatten.rows(db.connection, ids))) < len(ids):
                ids = there  # somebody went meanwhile
            counted.add(len(ids))


def _book(part: Part, flatten: Flatten, columns: Columns, *, large: bool) -> Book | FarBook:
    if large and part.lock is not None:
        from storeops.domains.export.export_process import FarBook, is_worth_it

        if is_worth_it():
            with suppress(OSError):  # no second process to be had: it takes longer
                return FarBook(part.file, part.lock, flatten, columns)
    from storeops.domains.export.export_xlsx import Book

    return Book(part.again(), flatten, columns)


class _Counter:
    def __init__(self, on_progress: Progress | None) -> None:
        self.rows = 0
        self._tell = on_progress

    def add(self, rows: int) -> None:
        self.rows += rows
        if self._tell is not None:
            self._tell(self.rows)


def _ids(query: CustomerQuery) -> Iterator[list[int]]:
    for keys in query.keys(BATCH):
        yield [key[1] for key in keys]


def _write(file: IO[str], lines: list[str], counted: _Counter) -> None:
    for at in range(0, len(lines), _PIECE):  # a larger piece leaves the processor's cache
        file.write("".join(lines[at : at + _PIECE]))
    counted.add(len(lines))
