"""Writing many customers to a file at flat memory: CSV, XLSX, NDJSON, Parquet.

One row a customer; what its follows say stands in one cell each, newest follow first, `; ` between.
NDJSON keeps the follows as they are in `customer show --json`.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING

from storeops.database.database import Database
from storeops.errors import ConfigError, ConflictError, UsageError
from storeops.i18n import _
from storeops.mirror.query import CustomerQuery
from storeops.operations.export_csv import Cell, CsvLines
from storeops.operations.export_json import JsonLines
from storeops.operations.export_rows import COLUMNS, Flatten

if TYPE_CHECKING:
    from storeops.operations.export_process import FarBook
    from storeops.operations.export_xlsx import Book

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
    counted = _Counter(on_progress)
    masked = not reveal
    if kind == "ndjson":
        lines = JsonLines(db, reveal)
        with _target(path, stdout) as file:
            for ids in _ids(query):
                found = dict(lines.lines(db.connection, ids))
                _write(file, [found[key] for key in ids if key in found], counted)
        return Exported(counted.rows, path, kind, masked)
    flatten = Flatten(db, reveal)
    if kind == "csv":
        line = CsvLines(flatten, names, cell).line
        with _target(path, stdout) as file:
            file.write(("\ufeff" if bom else "") + ",".join(names) + "\r\n")
            for ids in _ids(query):
                found = {key: line(row) for key, row in flatten.rows(db.connection, ids)}
                _write(file, [found[key] for key in ids if key in found], counted)
    elif kind == "xlsx":
        with _whole(path) as part:
            _write_xlsx(db, query, part, flatten, names, counted)
    else:
        from storeops.operations.export_parquet import write_parquet

        with _whole(path) as part:
            write_parquet(db.connection, _ids(query), part.path, flatten, names, counted.add)
    return Exported(counted.rows, path, kind, masked)


def _write_xlsx(
    db: Database,
    query: CustomerQuery,
    part: _Part,
    flatten: Flatten,
    names: Sequence[str],
    counted: _Counter,
) -> None:
    batches = _ids(query)
    first = list(islice(batches, FEW + 1))
    with _book(part, flatten, names, large=len(first) > FEW) as book:
        for ids in chain(first, batches):
            while len(there := book.add(ids, flatten.rows(db.connection, ids))) < len(ids):
                ids = there  # somebody went meanwhile
            counted.add(len(ids))


def _book(part: _Part, flatten: Flatten, names: Sequence[str], *, large: bool) -> Book | FarBook:
    if large and part.lock is not None:
        from storeops.operations.export_process import FarBook, is_worth_it

        if is_worth_it():
            with suppress(OSError):  # no second process to be had: it takes longer
                return FarBook(part.path, part.lock, flatten, names)
    from storeops.operations.export_xlsx import Book

    return Book(part.path.open("wb"), part.path.parent, flatten, names)


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


@contextmanager
def _target(path: str, stdout: IO[str]) -> Iterator[IO[str]]:
    if path == "-":
        yield stdout
        return
    with (
        _whole(path) as part,
        part.path.open("w", encoding="utf-8", newline="", errors="replace") as file,
    ):
        yield file


@dataclass(frozen=True, slots=True)
class _Part:
    """What an export writes to.

    Attributes:
        path: a file beside the wished one; the wished one when that is a pipe or a device.
        lock: handle of the lock on that file; None for a pipe or a device.
    """

    path: Path
    lock: int | None


@contextmanager
def _whole(path: str) -> Iterator[_Part]:
    """A file beside the wished one, private, that takes its place when everything is written.

    What a killed export left there is written over; a pipe or a device is written to as it is.
    """
    target = Path(path).expanduser()
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if target.exists() and not target.is_file():
            yield _Part(target, None)
            return
        part = target.with_name(f".{target.name}.part")
        with _alone(part, target) as lock:
            try:
                yield _Part(part, lock)
                part.replace(target)
            finally:
                part.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(
            _("The file {path} cannot be written: {reason}.").format(
                path=target, reason=error.strerror or error
            ),
            hint=_("Choose another folder, or free some space."),
        ) from error


@contextmanager
def _alone(part: Path, target: Path) -> Iterator[int]:
    """Make a private file that no other export writes as long as this lasts; ended by any death.

    What it gives is the handle of the lock: a process that inherits it holds the lock as well.
    """
    while True:
        handle = os.open(part, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(handle, target)
            # the export that had it may have put it in its place since
            if part.exists() and os.path.samestat(part.stat(), os.fstat(handle)):
                yield handle
                return
        finally:
            os.close(handle)


def _lock(handle: int, target: Path) -> None:
    try:
        import fcntl
    except ImportError:  # not on Windows
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConflictError(
            _("Another export is writing {path}.").format(path=target),
            hint=_("Wait until it has ended, or choose another name."),
        ) from None
