"""Writing many customers to a file at flat memory: CSV, XLSX, NDJSON, Parquet.

One row a customer; what its follows say stands in one cell each, newest follow first, `; ` between.
NDJSON keeps the follows as they are in `customer show --json`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from storeops.database.database import Database
from storeops.errors import ConfigError, UsageError
from storeops.i18n import _
from storeops.mirror.query import CustomerQuery
from storeops.operations.export_json import JsonLines
from storeops.operations.export_rows import COLUMNS, NUMBERS, Flatten
from storeops.plain import plain

FORMATS = ("csv", "xlsx", "ndjson", "parquet")
BATCH = 2_000  # customers a query
_SHEET_ROWS = 1_000_000  # a sheet takes 1,048,576 rows
_CELL = 32_767  # characters

# A cell that begins so may be a formula, or a number that a spreadsheet spoils: `cell` decides.
_CARE = re.compile(r",(?: *[=+\-@|＝＋－＠]|0\d|\d{12}|\d+[eE]\d)")

Progress = Callable[[int], None]
Cell = Callable[[Any], str]


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
        on_progress: called with the rows written so far, once a batch.

    Raises:
        UsageError: an unknown format or column.
        ConfigError: the file cannot be written, or the Parquet library is not installed.
    """
    kind = format_of(path, wish)
    names = tuple(fields) or COLUMNS
    unknown = [each for each in names if each not in COLUMNS]
    if unknown:
        raise UsageError(
            _("There is no column {name}.").format(name=unknown[0]),
            hint=_("Columns: {names}.").format(names=", ".join(COLUMNS)),
        )
    counted = _Counter(on_progress)
    if kind == "ndjson":
        with _target(path, stdout) as file:
            _ndjson(db, query, file, reveal, counted)
        return Exported(counted.rows, path, kind, not reveal)
    batches = flat_rows(db, query, names, reveal=reveal, counted=counted)
    if kind == "csv":
        with _target(path, stdout) as file:
            _csv(batches, file, names, bom=bom, cell=cell)
    elif kind == "xlsx":
        with _whole(path) as part:
            _xlsx(batches, part, names)
    else:
        with _whole(path) as part:
            _parquet(batches, part, names)
    return Exported(counted.rows, path, kind, not reveal)


class _Counter:
    def __init__(self, on_progress: Progress | None) -> None:
        self.rows = 0
        self._tell = on_progress

    def add(self, rows: int) -> None:
        self.rows += rows
        if self._tell is not None:
            self._tell(self.rows)


def flat_rows(
    db: Database,
    query: CustomerQuery,
    names: Sequence[str] = COLUMNS,
    *,
    reveal: bool = False,
    counted: _Counter | None = None,
) -> Iterator[list[tuple[Any, ...]]]:
    """Batches of rows with the columns asked for; text as it is, phones masked unless `reveal`."""
    flatten = Flatten(db, reveal)
    places = [COLUMNS.index(name) for name in names]
    whole = tuple(names) == COLUMNS
    for keys in query.keys(BATCH):
        rows = flatten.batch(db.connection, [key[1] for key in keys])
        if counted is not None:
            counted.add(len(rows))
        yield rows if whole else [tuple(row[at] for at in places) for row in rows]


def _csv(
    batches: Iterator[list[tuple[Any, ...]]],
    file: IO[str],
    names: Sequence[str],
    *,
    bom: bool,
    cell: Cell,
) -> None:
    numbers = [name in NUMBERS for name in names]
    if bom:
        file.write("\ufeff")
    file.write(",".join(names) + "\r\n")
    care, commas = _CARE.search, len(names)
    for rows in batches:
        lines: list[str] = []
        writer = csv.writer(_Lines(lines), lineterminator="\r\n")
        for row in rows:
            # Nearly every row is plain: three looks at the whole line are enough.
            line = "," + ",".join(map(str, row))
            if (
                line.isprintable()
                and line.count(",") == commas
                and '"' not in line
                and not care(line)
                and line != ","
            ):
                lines.append(line[1:] + "\r\n")
            else:
                writer.writerow(
                    [
                        value if number else cell(value)
                        for value, number in zip(row, numbers, strict=True)
                    ]
                )
        file.write("".join(lines))


class _Lines:
    """A file for `csv.writer` that is a list."""

    def __init__(self, lines: list[str]) -> None:
        self.write = lines.append


def _ndjson(
    db: Database, query: CustomerQuery, file: IO[str], reveal: bool, counted: _Counter
) -> None:
    lines = JsonLines(db, reveal)
    for keys in query.keys(BATCH):
        found = lines.batch(db.connection, [key[1] for key in keys])
        file.write("".join(found))
        counted.add(len(found))


def _xlsx(batches: Iterator[list[tuple[Any, ...]]], path: Path, names: Sequence[str]) -> None:
    import xlsxwriter

    options = {
        "constant_memory": True,
        "strings_to_numbers": False,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "tmpdir": str(path.parent),
    }
    book = xlsxwriter.Workbook(str(path), options)
    sheet, at = None, _SHEET_ROWS
    numbers = [name in NUMBERS for name in names]
    for rows in batches:
        for row in rows:
            if at >= _SHEET_ROWS:
                sheet, at = book.add_worksheet(), 1
                sheet.freeze_panes(1, 0)
                for column, name in enumerate(names):
                    sheet.write_string(0, column, name)
            assert sheet is not None
            for column, value in enumerate(row):
                if numbers[column]:
                    sheet.write_number(at, column, value)
                elif value:
                    sheet.write_string(
                        at, column, value if value.isalpha() else plain(value)[:32_767]
                    )
            at += 1
    if sheet is None:
        sheet = book.add_worksheet()
        for column, name in enumerate(names):
            sheet.write_string(0, column, name)
    book.close()


def _parquet(batches: Iterator[list[tuple[Any, ...]]], path: Path, names: Sequence[str]) -> None:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise ConfigError(
            _("Parquet needs the library pyarrow, which is not installed."),
            hint=_("Install it with `pip install 'storeops[parquet]'`, or export CSV or NDJSON."),
        ) from None
    schema = pyarrow.schema(
        [(name, pyarrow.int64() if name in NUMBERS else pyarrow.string()) for name in names]
    )
    with parquet.ParquetWriter(str(path), schema, compression="zstd") as writer:
        for rows in batches:
            columns = [
                pyarrow.array(list(values), type=field.type)
                for values, field in zip(zip(*rows, strict=True), schema, strict=True)
            ]
            writer.write_table(pyarrow.Table.from_arrays(columns, schema=schema))


@contextmanager
def _target(path: str, stdout: IO[str]) -> Iterator[IO[str]]:
    if path == "-":
        yield stdout
        return
    with (
        _whole(path) as part,
        part.open("w", encoding="utf-8", newline="", errors="replace") as file,
    ):
        yield file


@contextmanager
def _whole(path: str) -> Iterator[Path]:
    """A file beside the wished one, private, that takes its place when everything is written."""
    target = Path(path).expanduser()
    part = target.with_name(f".{target.name}.part")
    try:
        part.touch(mode=0o600)
        yield part
        part.replace(target)
    except OSError as error:
        raise ConfigError(
            _("The file {path} cannot be written: {reason}.").format(
                path=target, reason=error.strerror or error
            ),
            hint=_("Choose another folder, or free some space."),
        ) from error
    finally:
        part.unlink(missing_ok=True)
