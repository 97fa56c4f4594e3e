"""CSV as people and programs save it: encodings, separators, line ends, quotes left open.

A quote that is never closed, or closed only lines later, must not swallow rows: its line is
named, and reading goes on with the next one.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator

from storeops.errors import UsageError
from storeops.i18n import _
from storeops.tables.rows import MAX_COLUMNS, MAX_ROWS, RawRow, too_many_rows

SEPARATORS = ",\t;|，；"
_LINES = 100  # that one quoted cell may go over
_RESTARTS = 1_000
_WIDE = 1_000_000  # characters of a line
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UNREADABLE = re.compile("[\x00\udc80-\udcff]")
_UTF8_CHINESE = re.compile(rb"[\xe0-\xef][\x80-\xbf]{2}")


def decode(content: bytes, source: str) -> tuple[str, str]:
    """(text, encoding): by byte order mark, else UTF-8, else GB18030, else line by line.

    Bytes that are neither become lone surrogates, so that their rows can be named.

    Raises:
        UsageError: it is no text.
    """
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            try:
                return content.decode(encoding), encoding
            except UnicodeDecodeError:
                if encoding != "utf-8-sig":
                    raise _no_text(source) from None
                content = content.removeprefix(mark)
    sample = content[:4_000]
    for encoding, zeros in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
        if len(sample) > 3 and zeros.count(0) > 0.3 * len(zeros):  # ASCII saved as “Unicode”
            try:
                return content.decode(encoding), encoding
            except UnicodeDecodeError:
                raise _no_text(source) from None
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        pass
    lines = content.splitlines(keepends=True)
    odd = [each for each in lines if not each.isascii()]
    chinese = {each for each in odd if _is_utf8(each)}
    if not chinese:
        try:
            return content.decode("gb18030"), "gb18030"
        except UnicodeDecodeError:
            pass
    text = "".join(_line(each, each in chinese) for each in lines)
    bad = sum(1 for each in lines if _UNREADABLE.search(_line(each, each in chinese)))
    if (bad > 1 and bad * 2 > len(lines)) or (bad and len(lines) < 2):
        raise _no_text(source)
    return text, "mixed" if chinese else "gb18030"


def encoding_of(pieces: Iterable[bytes]) -> str:
    """The encoding of a text that is too large to hold: by its mark, else UTF-8, else GB18030.

    Args:
        pieces: its bytes, in order; read as far as needed.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    first = True
    try:
        for piece in pieces:
            if first:
                for mark, encoding in _BOMS:
                    if piece.startswith(mark):
                        return encoding
                first = False
            decoder.decode(piece)
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8"


def _is_utf8(line: bytes) -> bool:
    """Whether a line is UTF-8 for certain: two bytes alone could as well be GB18030."""
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return _UTF8_CHINESE.search(line) is not None


def _line(line: bytes, is_utf8: bool) -> str:
    return line.decode("utf-8" if is_utf8 else "gb18030", "surrogateescape")


def _no_text(source: str) -> UsageError:
    return UsageError(
        _("{file} is neither UTF-8 nor GB18030 text.").format(file=source),
        hint=_("Save it as “CSV UTF-8”, or as a workbook (.xlsx)."),
    )


def records(text: str, separator: str, source: str) -> Iterator[RawRow]:
    """The rows of a CSV text, each with the line it begins at; blank lines are left out.

    Raises:
        UsageError: more rows than a sheet has, or hardly a row that is closed.
    """
    odd = _UNREADABLE.search(text) is not None
    return _records(io.StringIO(text, newline=""), separator, source, odd, MAX_ROWS)


def long_records(lines: Iterable[str], separator: str, source: str) -> Iterator[RawRow]:
    """The same of lines that come one by one, however many there are: memory stays flat."""
    return _records(lines, separator, source, True, None)


def _records(
    lines: Iterable[str], separator: str, source: str, unreadable: bool, most: int | None
) -> Iterator[RawRow]:
    feed = _Feed(lines)
    reader = csv.reader(feed, delimiter=separator, strict=True)
    restarts = rows = width = 0
    while True:
        number = feed.begin()
        fault = ""
        cells: list[str] | None
        try:
            cells = next(reader, None)
        except csv.Error as error:
            cells, fault = [], str(error)
        if cells is None:
            return
        if fault or (len(feed.taken) > 1 and _swallows(cells, separator, width)):
            restarts += 1
            if restarts > _RESTARTS:
                raise UsageError(
                    _("{file} has more than {limit} rows with quotation marks left open.").format(
                        file=source, limit=f"{_RESTARTS:,}"
                    ),
                    hint=_("Export it again as CSV, or as a workbook (.xlsx)."),
                )
            feed.keep_one()
            cells, fault = _alone(feed.taken[0], separator)
        if feed.wide or len(cells) > MAX_COLUMNS:
            cells, fault = [], _("more than {limit} cells").format(limit=f"{MAX_COLUMNS:,}")
        if not cells and not fault:
            continue
        rows += 1
        if most is not None and rows > most:
            raise too_many_rows(source)
        width = len(cells) - 1 if cells else width
        if unreadable and not fault and (found := _UNREADABLE.search("".join(feed.taken))):
            fault = (
                _("it holds a NUL character, which no text has")
                if found[0] == "\x00"
                else _("it is in another encoding than the rest of the file")
            )
        yield RawRow(number, dict(enumerate(cells)), fault=fault)


def _alone(line: str, separator: str) -> tuple[list[str], str]:
    """(cells, fault) of one line by itself."""
    reader = csv.reader([line, "\n"], delimiter=separator)
    try:
        cells = next(reader)
    except csv.Error:
        return [], _("a cell is too long")
    if reader.line_num > 1:
        return cells, _("a quotation mark is opened and not closed")
    return cells, ""


def _swallows(cells: list[str], separator: str, width: int) -> bool:
    """Whether a cell over several lines looks like rows that a stray quote swallowed.

    Args:
        cells: of the row.
        separator: between cells.
        width: separators of the row before; 0 when there was none, or a single column.
    """
    return width > 0 and (
        len(cells) - 1 != width
        or any("\n" in each and each.count(separator) >= width for each in cells)
    )


class _Feed:
    """Lines for the reader, which can be given back."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._back: deque[str] = deque()
        self._number = 0
        self.taken: list[str] = []
        self.wide = False

    def begin(self) -> int:
        """A row begins; returns the number of its line."""
        self.taken = []
        self.wide = False
        return self._number + 1

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        if len(self.taken) > _LINES:
            raise StopIteration  # the reader then says that a quote is open
        line = self._back.popleft() if self._back else next(self._lines)
        if len(line) > _WIDE:  # it would be a million cells, or one that the reader refuses
            self.wide = True
            line = "\n"
        self.taken.append(line)
        self._number += 1
        return line

    def keep_one(self) -> None:
        """Take all lines of this row back but the first."""
        more = self.taken[1:]
        self._back.extendleft(reversed(more))
        self._number -= len(more)
        del self.taken[1:]
