"""A table file whatever it is called: its bytes, what they are, its pages with their rows."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from storeops import os_errors
from storeops.errors import ConflictError, NotFoundError, UsageError
from storeops.i18n import _
from storeops.tables import csv_file
from storeops.tables.rows import MAX_BYTES, RawRow
from storeops.tables.workbook import Workbook

_HTML = re.compile(r"\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype|html|table|head|meta|\?mso)", re.I)
_XML = re.compile(r"\s*<\?xml\b")
_JSON = re.compile(r"\s*(?:\[\s*)?\{\s*(?:\}|\"(?:[^\"\\]|\\.)*\"\s*:)|\s*\[\s*\]\s*\Z")
_JSON_LINE = re.compile(r"\s*\{.*\}\s*$", re.M)
_JSON_START = re.compile(r"\s*[\[{]")
_LARGE = 4_000_000  # bytes from which a CSV is better read line by line
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_FOREIGN = (
    (b"%PDF", "PDF"), (b"\x1f\x8b", "gzip"), (b"\x89PNG", "PNG"), (b"\xff\xd8\xff", "JPEG"),
    (b"Rar!", "RAR"), (b"7z\xbc\xaf", "7-Zip"), (b"SQLite format 3", "SQLite"),
    (b"PAR1", "Parquet"), (b"\x7fELF", "ELF"),
)  # fmt: skip
_ZIPS = (
    (b"xl/workbook.bin", "XLSB"), (b"opendocument", "OpenDocument"), (b"word/document", "DOCX"),
    (b"ppt/presentation", "PPTX"), (b"Index/Document.iwa", "Numbers"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TablePage:
    """One table of a file.

    Attributes:
        name: of the sheet; "" for CSV.
        hidden: the spreadsheet does not show it.
        rows: reads its rows, once.
        merges: (column, first row, last row) of cells merged downwards, filled by `rows`.
    """

    name: str
    hidden: bool
    rows: Callable[[], Iterator[RawRow]]
    merges: list[tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class Table:
    """A file's tables.

    Attributes:
        encoding: of the text; "xlsx" for a workbook, "ndjson" or "parquet" for records.
        pages: the ways to read it: sheets of a workbook; of a CSV one for each separator.
    """

    encoding: str
    pages: list[TablePage]

    @property
    def is_workbook(self) -> bool:
        """Whether it has sheets."""
        return self.encoding == "xlsx"

    @property
    def guarded(self) -> bool:
        """Whether its cells may carry the guards of a CSV (`typed.csv_text`)."""
        return self.encoding not in ("xlsx", "ndjson", "parquet")


def read_table(source: str, *, large: bool = False) -> Table:
    """Open a file by what it holds, not by its name.

    Args:
        source: path, or "-" for stdin.
        large: a CSV of any size is read line by line, never as a whole.

    Raises:
        NotFoundError: it cannot be read.
        ConflictError: it changed meanwhile.
        UsageError: it is no table.
    """
    if large and (found := _large_csv(source)) is not None:
        return found
    content = read_bytes(source)
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        for mark, kind in _ZIPS:
            if mark in content[:200] or mark in content[-65_536:]:
                raise _foreign(source, kind)
        book = Workbook(content, source)
        pages = []
        for each in book.pages:
            merges: list[tuple[int, int, int]] = []
            pages.append(
                TablePage(each.name, each.hidden, partial(book.rows, each, merges), merges)
            )
        return Table("xlsx", pages)
    if content.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise UsageError(
                _("{file} is protected by a password.").format(file=source),
                hint=_("Open it, take the password off and save it as .xlsx."),
            )
        raise _foreign(source, "XLS 97–2003")
    for mark, kind in _FOREIGN:
        if content.startswith(mark):
            raise (_export_kind if kind == "Parquet" else _foreign)(source, kind)
    text, encoding = csv_file.decode(content, source)
    del content
    text = text.removeprefix("\ufeff")
    if _HTML.match(text[:2_000]):
        raise _foreign(source, "HTML")
    if _XML.match(text[:2_000]):
        raise _foreign(source, "XML")
    if _JSON.match(text[:2_000]):
        raise _export_kind(source, "NDJSON" if _JSON_LINE.match(text) else "JSON")
    separators = csv_file.SEPARATORS
    if text[:4].lower() == "sep=" and text[5:6] in ("\r", "\n"):  # Excel's own word for it
        separators = text[4]
        text = "\n" + text[5:].lstrip("\r\n")

    def page(separator: str) -> TablePage:
        return TablePage("", False, partial(csv_file.records, text, separator, source), [])

    return Table(encoding, [page(each) for each in _separators(text[:20_000], separators)])


def _separators(head: str, possible: str) -> list[str]:
    """What may part the cells, the most frequent first."""
    order = sorted(possible, key=head.count, reverse=True)
    return [each for each in order if each in head] or order[:1]


def _large_csv(source: str) -> Table | None:
    """A CSV that is read line by line; None for what is small, another kind, or no file."""
    path = Path(source).expanduser()
    try:
        status = path.stat()
        if source == "-" or not stat.S_ISREG(status.st_mode) or status.st_size < _LARGE:
            return None
        with path.open("rb") as file:
            start = file.read(4_000)
            kinds = (b"PK\x03\x04", b"PK\x05\x06", _OLE, *(mark for mark, _kind in _FOREIGN))
            head = start.decode("utf-8", "replace").removeprefix("\ufeff")
            if start.startswith(kinds) or any(
                each.match(head) for each in (_HTML, _XML, _JSON_START)
            ):
                return None
            file.seek(0)
            encoding = csv_file.encoding_of(iter(partial(file.read, 1 << 20), b""))
    except (OSError, ValueError):
        return None  # the usual way says why

    def lines() -> Iterator[str]:
        with path.open(encoding=encoding, errors="surrogateescape", newline="") as text:
            yield from text
            after = os.fstat(text.fileno())
        if (after.st_size, after.st_mtime_ns) != (status.st_size, status.st_mtime_ns):
            raise _changed(source)

    def page(separator: str) -> TablePage:
        return TablePage("", False, lambda: csv_file.long_records(lines(), separator, source), [])

    with path.open(encoding=encoding, errors="surrogateescape", newline="") as text:
        sample = text.read(20_000)
    return Table(encoding, [page(each) for each in _separators(sample, csv_file.SEPARATORS)])


def _changed(source: str) -> ConflictError:
    return ConflictError(
        _("{file} changed while it was read.").format(file=source),
        hint=_("Wait until it is written, then run the command again."),
    )


def _foreign(source: str, kind: str) -> UsageError:
    return UsageError(
        _("{file} is a file of another kind: {kind}.").format(file=source, kind=kind),
        hint=_("Open it in Excel or WPS and save it as .xlsx or CSV."),
    )


def _export_kind(source: str, kind: str) -> UsageError:
    """A kind that is written for programs, by `customer export` as well, and not read here."""
    return UsageError(
        _("{file} is a file of another kind: {kind}.").format(file=source, kind=kind),
        hint=_("Read here are CSV and workbooks: export the customers as .csv or .xlsx."),
        next_steps=["storeops customer export --help"],
    )


def read_bytes(source: str) -> bytes:
    """The bytes of a file, at most `MAX_BYTES`.

    Raises:
        NotFoundError: it cannot be read.
        ConflictError: it changed while it was read.
        UsageError: it is larger.
    """
    try:
        if source == "-":
            content = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(source).expanduser().open("rb") as file:
                before = os.fstat(file.fileno())
                regular = stat.S_ISREG(before.st_mode)
                size = min(before.st_size, MAX_BYTES) if regular else MAX_BYTES
                content = file.read(size + 1)  # so much room is made at once
                after = os.fstat(file.fileno())
            if regular and len(content) <= MAX_BYTES:
                moved = (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)
                if moved or len(content) != after.st_size:
                    raise _changed(source)
    except OSError as error:
        raise NotFoundError(
            _("{file} cannot be read: {error}.").format(file=source, error=os_errors.reason(error)),
            hint=_("Check the path, or pass - to read from a pipe."),
        ) from None
    except ValueError:  # a NUL in the name
        raise NotFoundError(
            _("{file} cannot be read: {error}.").format(file=source, error=_("no such name")),
            hint=_("Check the path, or pass - to read from a pipe."),
        ) from None
    if len(content) > MAX_BYTES:
        raise UsageError(
            _("{file} is larger than {limit} MB.").format(file=source, limit=MAX_BYTES // 10**6),
            hint=_("Split it."),
        )
    return content
