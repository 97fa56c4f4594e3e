"""Writing many customers to a file at flat memory: CSV, XLSX, NDJSON, Parquet.

Customers are read as every list reads them. One row a customer; what its follows say stands in one
cell each, newest follow first, `; ` between. NDJSON keeps the follows as they are in `customer show
--json`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Any

from storeops.database.database import Database
from storeops.errors import UsageError
from storeops.export_file import Progress, Taken, refuse_taken, text_file, whole_file
from storeops.i18n import _
from storeops.reading.columns import columns
from storeops.reading.customers import rows_of, stream
from storeops.reading.export_rows import NUMBERS, flat_columns, flattening
from storeops.reading.query import CustomerQuery
from storeops.spreadsheet import csv_cell, terminal_safe

FORMATS = ("csv", "xlsx", "ndjson", "parquet")


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


def format_of(path: str, wanted: str) -> str:
    """The format of an export: as wished, else by the file's ending.

    Raises:
        UsageError: none of csv, xlsx, ndjson, parquet, or one that cannot go to stdout.
    """
    found = (wanted or Path(path).suffix.lstrip(".")).lower()
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
    wanted: str = "",
    fields: Sequence[str] = (),
    reveal: bool = False,
    bom: bool = False,
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
        wanted: csv, xlsx, ndjson or parquet; "" by the file's ending.
        fields: columns, in order; () for all (not for NDJSON, which is always whole).
        reveal: phone numbers in full.
        bom: CSV begins with a byte order mark.
        over: replace a file of that name.
        words: CSV and XLSX for people: headings in their language, words for codes, dates.
        on_progress: called with the rows written so far, now and then and at the end.

    Raises:
        UsageError: an unknown format or column; the file exists, and `over` is false.
        ConfigError: the file cannot be written, or the Parquet library is not installed.
        ConflictError: another export is writing the same file.
    """
    kind = format_of(path, wanted)
    known = flat_columns()
    names = tuple(fields) or known
    unknown = [each for each in names if each not in known]
    if unknown:
        raise UsageError(
            _("There is no column {name}.").format(name=unknown[0]),
            hint=_("Columns: {names}.").format(names=_(", ").join(known)),
        )
    if not over:
        refuse_taken(path)
    reader = rows_of(db, reveal=reveal, columns=None if kind == "ndjson" else names)
    read = Taken(stream(query, reader, None)[0], on_progress)
    if kind == "ndjson":
        with text_file(path, over, stdout) as file:
            _write_ndjson(file, iter(read))
        return Exported(read.count, path, kind, not reveal)
    rows = map(flattening(names), read)
    headings: Sequence[str] = names
    words = words and kind != "parquet"
    if words:
        from storeops.domains.export.words import titles, worded

        rows, headings = map(worded(names, serial=kind == "xlsx"), rows), titles(names)
    if kind == "csv":
        with text_file(path, over, stdout, bom=bom) as file:
            _write_csv(file, chain([headings], rows))
    elif kind == "xlsx":
        from storeops.domains.export.words import dates
        from storeops.domains.export.xlsx import write_xlsx

        with whole_file(path, over) as whole:
            write_xlsx(whole, names, headings, rows, dates=dates(names) if words else ())
    else:
        from storeops.domains.export.parquet import write_parquet

        brought = {name: column.kind for name, (_domain, column) in columns().items()}
        kinds = {name: int if name in NUMBERS else brought.get(name, str) for name in names}
        with whole_file(path, over) as whole:
            write_parquet(whole, kinds, rows)
    return Exported(read.count, path, kind, not reveal)


def _write_csv(file: IO[str], lines: Iterable[Sequence[Any]]) -> None:
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerows([csv_cell(each) for each in line] for line in lines)


def _write_ndjson(file: IO[str], rows: Iterator[dict[str, Any]]) -> None:
    from msgspec.json import Encoder  # 8 ms, only here

    encode = Encoder(enc_hook=str).encode
    for row in rows:
        file.write(terminal_safe(encode(row).decode()) + "\n")
