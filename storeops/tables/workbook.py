"""Workbooks (.xlsx) as a stream: whatever their XML says, every row comes once, with its number.

What the file says about itself is not believed: the size of a sheet, the order of its rows, the
number of shared texts. Nothing is unpacked that a sheet cannot hold, and no row or cell that is
not there is made, so that memory is that of the rows. openpyxl believes `<dimension>` or makes
every empty cell of a sheet; calamine ends the process where a cell lies far out, and neither
tells a formula that was never calculated from an empty cell.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from xml.parsers import expat

from storeops.errors import UsageError
from storeops.i18n import _
from storeops.tables.rows import MAX_COLUMNS, MAX_ROWS, MAX_TEXT, RawRow, too_many_rows

_CHUNK = 1 << 16
_UNPACKED = 1_000_000_000  # bytes of all parts that are read
_SMALL = 20_000_000  # bytes that a part may have however well it was packed
_RATIO = 100
_TAG = 1_000_000  # bytes of one tag
_DEPTH = 64
_CELLS = 20_000_000
_TEXTS = 300_000_000  # characters of shared texts
_PARTS = 20_000
_MERGES = 200_000
_DATES = frozenset([*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)])
_QUOTED = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_REFERENCE = re.compile(r"([A-Za-z]{1,7})([0-9]{1,10})\Z")


def _no_height(text: str) -> bool:
    """Whether a row of this height (points) cannot be seen."""
    try:
        return float(text) == 0
    except ValueError:
        return False


class _Refused(Exception):
    """Why a part cannot be read; a clause in the user's language."""


@dataclass(frozen=True, slots=True)
class SheetPage:
    """One sheet of a workbook.

    Attributes:
        name: on its tab.
        hidden: the spreadsheet does not show it.
        part: name of its part in the file.
    """

    name: str
    hidden: bool
    part: str


class Workbook:
    """An opened workbook.

    Args:
        content: the file.
        source: its name, for messages.

    Raises:
        UsageError: it is no workbook, or a bomb.
    """

    def __init__(self, content: bytes, source: str) -> None:
        self._source = source
        self._unpacked = 0
        self._texts: list[str] | None = None
        self._formats: list[str] | None = None
        if content.count(b"PK\x01\x02") > _PARTS:
            raise self._bad(_Refused(_("it has more than {limit} parts").format(limit=_PARTS)))
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
            self._sizes = {each.filename: each for each in self._zip.infolist()}
            self._main = self._target("", "/officeDocument", "xl/workbook.xml")
            found = self._outline()
        except (zipfile.BadZipFile, _Refused, ValueError, NotImplementedError) as error:
            raise self._bad(error) from error
        self.pages, self._1904 = found

    def rows(self, page: SheetPage, merges: list[tuple[int, int, int]]) -> Iterator[RawRow]:
        """The rows of a sheet that are written in it.

        Args:
            page: the sheet.
            merges: filled, when all rows have come, with (column, first row, last row) of cells
                that are merged downwards.

        Raises:
            UsageError: the sheet is damaged, or larger than a sheet can be.
        """
        try:
            if self._texts is None:
                self._texts = self._shared()
            if self._formats is None:
                self._formats = self._styles()
            sheet = _Sheet(self._texts, self._formats, self._1904, self._source, merges)
            for _piece in self._parse(page.part, sheet.start, sheet.end, sheet.chars):
                if sheet.rows:
                    yield from sheet.rows
                    sheet.rows.clear()
        except _Refused as error:
            raise self._bad(error) from error

    def _bad(self, error: Exception) -> UsageError:
        why = str(error) if isinstance(error, _Refused) else ""
        if why:
            text = _("{file} cannot be read as a workbook: {why}.").format(
                file=self._source, why=why
            )
        else:
            text = _("{file} is not an XLSX workbook.").format(file=self._source)
        return UsageError(text, hint=_("Open it in Excel or WPS and save it as .xlsx or CSV."))

    # -- parts -------------------------------------------------------------------------------

    def _parse(
        self,
        name: str,
        start: Callable[[str, Mapping[str, str]], None],
        end: Callable[[str], None] | None = None,
        chars: Callable[[str], None] | None = None,
    ) -> Iterator[None]:
        """Parse a part of the file; gives way after each piece.

        Raises:
            _Refused: it is missing, damaged, packed like a bomb, or no plain XML.
        """
        info = self._sizes.get(name)
        if info is None:
            raise _Refused(_("its part {part} is missing").format(part=name))
        self._unpacked += info.file_size
        if self._unpacked > _UNPACKED or (
            info.file_size > _SMALL and info.file_size > _RATIO * max(1, info.compress_size)
        ):
            raise _Refused(
                _("unpacked, its part {part} would have {size} MB").format(
                    part=name, size=info.file_size // 1_000_000
                )
            )
        if info.flag_bits & 1:
            raise _Refused(_("it is protected by a password"))
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.buffer_size = _CHUNK
        depth = 0

        def open_tag(tag: str, attributes: Mapping[str, str]) -> None:
            nonlocal depth
            depth += 1
            if depth > _DEPTH:
                raise _Refused(_("its XML is nested deeper than any sheet"))
            start(tag, attributes)

        def close_tag(tag: str) -> None:
            nonlocal depth
            depth -= 1
            if end is not None:
                end(tag)

        def refuse(*_words: Any) -> None:
            raise _Refused(_("its XML declares a document type or entities, as no sheet does"))

        parser.StartElementHandler = open_tag
        parser.EndElementHandler = close_tag
        parser.StartDoctypeDeclHandler = refuse
        if chars is not None:
            parser.CharacterDataHandler = chars
        fed = 0
        try:
            with self._zip.open(info) as part:
                while piece := part.read(_CHUNK):
                    parser.Parse(piece, False)
                    fed += len(piece)
                    if fed - parser.CurrentByteIndex > _TAG:
                        raise _Refused(_("one of its tags is longer than any sheet has"))
                    yield
                parser.Parse(b"", True)
                yield
        except expat.ExpatError as error:
            raise _Refused(
                _("its part {part} is damaged in line {line}").format(part=name, line=error.lineno)
            ) from error
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
            raise _Refused(_("its part {part} is damaged").format(part=name)) from error

    def _elements(self, name: str) -> list[tuple[str, dict[str, str]]]:
        """The tags of a small part with their attributes, prefixes left out."""
        found: list[tuple[str, dict[str, str]]] = []

        def start(tag: str, attributes: Mapping[str, str]) -> None:
            if len(found) > 100_000:
                raise _Refused(_("its part {part} is larger than any sheet has").format(part=name))
            words = {
                _local(key) if not key.endswith(":id") else ":id": value
                for key, value in attributes.items()
            }
            found.append((_local(tag), words))

        for _piece in self._parse(name, start):
            pass
        return found

    def _target(self, part: str, kind: str, default: str = "") -> str:
        """The part that another one (or the file, "") names for a kind of use."""
        for _id, (found, target) in self._relations(part).items():
            if found.endswith(kind):
                return target
        return default

    def _relations(self, part: str) -> dict[str, tuple[str, str]]:
        """id → (type, name of the part) of what a part uses."""
        folder, name = posixpath.split(part)
        listing = posixpath.join(folder, "_rels", f"{name}.rels")
        if listing not in self._sizes:
            return {}
        return {
            words.get("Id", ""): (
                words.get("Type", ""),
                posixpath.normpath(posixpath.join("/", folder, words.get("Target", ""))).lstrip(
                    "/"
                ),
            )
            for tag, words in self._elements(listing)
            if tag == "Relationship"
        }

    def _outline(self) -> tuple[list[SheetPage], bool]:
        """(sheets with cells, whether dates count from 1904)."""
        if self._main not in self._sizes:
            raise ValueError
        relations = self._relations(self._main)
        pages = []
        since_1904 = False
        for tag, words in self._elements(self._main):
            if tag == "workbookPr":
                since_1904 = words.get("date1904", "") in ("1", "true")
            elif tag == "sheet":
                kind, part = relations.get(words.get(":id", ""), ("", ""))
                if kind.endswith("/worksheet"):
                    hidden = words.get("state", "visible") != "visible"
                    pages.append(SheetPage(words.get("name", ""), hidden, part))
        if not pages:
            raise _Refused(_("it has no sheet with cells"))
        return pages, since_1904

    def _shared(self) -> list[str]:
        """The texts that cells name by number."""
        name = self._target(self._main, "/sharedStrings")
        if name not in self._sizes:
            return []
        texts: list[str] = []
        parts: list[str] = []
        size = 0
        reading = phonetic = False

        def start(tag: str, _attributes: Mapping[str, str]) -> None:
            nonlocal reading, phonetic
            tag = _local(tag)
            if tag == "si":
                parts.clear()
            elif tag == "rPh":
                phonetic = True
            elif tag == "t":
                reading = not phonetic

        def end(tag: str) -> None:
            nonlocal reading, phonetic
            tag = _local(tag)
            if tag == "t":
                reading = False
            elif tag == "rPh":
                phonetic = False
            elif tag == "si":
                texts.append("".join(parts))

        def chars(text: str) -> None:
            nonlocal size
            if reading:
                size += len(text)
                if size > _TEXTS:
                    raise _Refused(_("its texts are larger than any sheet has"))
                parts.append(text)

        for _piece in self._parse(name, start, end, chars):
            pass
        return texts

    def _styles(self) -> list[str]:
        """The number format of each style: "date", "text" of zeros ("00000"), "%" or ""."""
        name = self._target(self._main, "/styles")
        if name not in self._sizes:
            return []
        codes: dict[str, str] = {}
        found: list[str] = []
        inside = False
        for tag, words in self._elements(name):
            if tag == "numFmt":
                codes[words.get("numFmtId", "")] = words.get("formatCode", "")
            elif tag in ("cellXfs", "cellStyleXfs", "cellStyles", "dxfs"):
                inside = tag == "cellXfs"
            elif tag == "xf" and inside:
                number = words.get("numFmtId", "0")
                found.append(_format(number, codes.get(number, "")))
        return found


def _format(number: str, code: str) -> str:
    if number.isdecimal() and int(number) in _DATES:
        return "date"
    if number in ("9", "10"):
        return "%" if number == "9" else "%.00"
    plain = _QUOTED.sub("", code.partition(";")[0]).strip()
    if re.fullmatch(r"0{2,}", plain):
        return plain
    if re.fullmatch(r"0(\.0+)?%", plain):
        return "%" + plain[1:-1]
    if plain.lower() != "general" and re.search(r"[ymdhs年月日时]", plain, re.IGNORECASE):
        return "date"
    return ""


_LOCAL: dict[str, str] = {}


def _local(tag: str) -> str:
    """The name of a tag without its prefix; remembered, they repeat."""
    found = _LOCAL.get(tag)
    if found is None:
        found = tag.rpartition(":")[2]
        if len(_LOCAL) < 10_000:
            _LOCAL[tag] = found
    return found


class _Sheet:
    """Hears the XML of a sheet and makes rows of it."""

    def __init__(
        self,
        texts: list[str],
        formats: list[str],
        since_1904: bool,
        source: str,
        merges: list[tuple[int, int, int]],
    ) -> None:
        self.rows: list[RawRow] = []
        self.merges = merges
        self._texts = texts
        self._formats = formats
        self._epoch = datetime(1904, 1, 1) if since_1904 else datetime(1899, 12, 30)
        self._source = source
        self._number = 0
        self._count = 0
        self._cells: dict[int, str] = {}
        self._faults: dict[int, str] = {}
        self._hidden = False
        self._column = -1
        self._kind = self._style = ""
        self._formula = False
        self._phonetic = False
        self._parts: list[str] = []
        self._size = 0
        self._reading = False
        self._total = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """A tag opens."""
        tag = _LOCAL.get(tag) or _local(tag)
        if tag == "c":
            self._total += 1
            if self._total > _CELLS:
                raise _Refused(_("it has more than {limit} cells").format(limit=f"{_CELLS:,}"))
            self._column = self._place(attributes.get("r", ""))
            self._kind = attributes.get("t", "n")
            self._style = attributes.get("s", "")
            self._formula = False
            self._parts.clear()
            self._size = 0
        elif tag == "v":
            self._reading = True
        elif tag == "t":
            self._reading = not self._phonetic
        elif tag == "f":
            self._formula = True
        elif tag == "row":
            self._count += 1
            number = attributes.get("r", "")
            self._number = int(number[:12]) if number.isdecimal() else self._number + 1
            if self._count > MAX_ROWS:
                raise too_many_rows(self._source)
            if self._number > MAX_ROWS:
                raise _Refused(
                    _("it has a row {number}, and a sheet ends at row {limit}").format(
                        number=self._number, limit=f"{MAX_ROWS:,}"
                    )
                )
            self._cells, self._faults, self._column = {}, {}, -1
            self._hidden = attributes.get("hidden", "") in ("1", "true") or (
                _no_height(attributes.get("ht", ""))
            )
        elif tag == "rPh":
            self._phonetic = True
        elif tag == "mergeCell":
            self._merge(attributes.get("ref", ""))

    def end(self, tag: str) -> None:
        """A tag closes."""
        tag = _LOCAL.get(tag) or _local(tag)
        if tag in ("v", "t"):
            self._reading = False
        elif tag == "c":
            self._cell()
        elif tag == "row":
            if self._cells or self._faults:
                self.rows.append(
                    RawRow(self._number, self._cells, self._faults, hidden=self._hidden)
                )
        elif tag == "rPh":
            self._phonetic = False

    def chars(self, text: str) -> None:
        """Text comes, in pieces."""
        if self._reading:
            self._size += len(text)
            if self._size <= MAX_TEXT + _CHUNK:
                self._parts.append(text)

    def _place(self, reference: str) -> int:
        """The column of a cell, from 0; the one after the last where it does not say."""
        found = _REFERENCE.match(reference)
        if found is None:
            return self._column + 1
        column = 0
        for letter in found[1].upper():
            column = column * 26 + ord(letter) - 64
        if column > MAX_COLUMNS:
            raise _Refused(
                _("it has a cell {cell}, and a sheet ends at column XFD").format(cell=reference)
            )
        return column - 1

    def _merge(self, reference: str) -> None:
        first, _colon, last = reference.partition(":")
        one, other = _REFERENCE.match(first), _REFERENCE.match(last)
        if one and other and int(other[2]) > int(one[2]):
            if len(self.merges) >= _MERGES:
                raise _Refused(
                    _("it has more than {limit} merged cells").format(limit=f"{_MERGES:,}")
                )
            bottom = min(int(other[2]), MAX_ROWS)
            self.merges.append((self._place(first), int(one[2]), bottom))

    def _cell(self) -> None:
        text = "".join(self._parts)
        fault = ""
        if self._size > MAX_TEXT:
            fault = _("it has more than {limit} characters").format(limit=f"{MAX_TEXT:,}")
        elif self._kind == "e":
            fault = _("it holds the error {error}").format(error=text[:20])
        elif self._column in self._cells:
            fault = _("it stands in its row twice")
        elif self._formula and not text and self._kind != "str":
            fault = _("its formula was never calculated")
        elif self._kind == "s":
            number = text.strip()
            if number.isdecimal() and len(number) < 10 and int(number) < len(self._texts):
                text = self._texts[int(number)]
                if len(text) > MAX_TEXT:
                    fault = _("it has more than {limit} characters").format(limit=f"{MAX_TEXT:,}")
            elif number:
                fault = _("it names a text that the workbook does not hold")
        elif self._kind == "b":
            text = {"1": "TRUE", "0": "FALSE"}.get(text.strip(), text)
        elif self._kind == "d":
            text = text.removesuffix("Z").replace("T00:00:00", "").replace("T", " ")
        elif self._kind == "n" and text:
            text = self._shown(text.strip())
        if fault:
            self._faults[self._column] = fault
        elif text:
            self._cells[self._column] = text if "_x" not in text else _unescaped(text)

    def _shown(self, text: str) -> str:
        """A number as people see it: whole digits, a date, zeros in front, per cent."""
        if text.isascii() and text.isdigit() and not self._style and len(text) <= 15:
            return text
        try:
            number = Decimal(text)
        except InvalidOperation:
            return text
        if not number.is_finite() or abs(number.adjusted()) > 30:
            return text
        style = int(self._style) if self._style.isdecimal() else 0
        form = self._formats[style] if style < len(self._formats) else ""
        if form == "date" and -1 < number < 2_958_466:
            return _moment(number, self._epoch)
        if form.startswith("%") and abs(number) < 10**9:
            return f"{number * 100:.{max(0, len(form) - 2)}f}%"
        if number == number.to_integral_value():
            digits = str(int(number))
            if len(digits.lstrip("-")) > 15:  # a double holds no more; the rest is made up
                return f"{number:.5E}"
            return digits.zfill(len(form)) if form else digits
        return f"{float(number):.15g}"


_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


def _unescaped(text: str) -> str:
    """What XML cannot hold stands as _xHHHH_ (ECMA-376, ST_Xstring)."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def _moment(days: Decimal, epoch: datetime) -> str:
    """A spreadsheet's date as 2026-05-01, with its time when it has one; 09:30 without a day."""
    if 1 <= days < 60 and epoch.year == 1899:
        days += 1  # Excel's 1900 has a 29 February
    moment = epoch + timedelta(days=int(days), seconds=round(float(days % 1) * 86_400))
    time = moment.strftime("%H:%M:%S" if moment.second else "%H:%M")
    if days < 1:
        return time
    return moment.strftime("%Y-%m-%d") + (f" {time}" if time != "00:00" else "")
