"""Flat rows as a workbook, row by row.

xlsxwriter makes everything but the rows: it needs 5 µs a cell, 80 s for a million customers, so the
rows are put together here, letter by letter as it would write them.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import IO, Any

from storeops.plain import plain
from storeops.spreadsheet import cell_text

SHEET_ROWS = 1_048_576  # with the line of headings
_SHEET_BYTES = 1_600_000_000  # of XML: zip files with more in one part are read by few
_CELL = 32_767  # characters
_DIGITS = 1e15  # larger numbers a spreadsheet rounds: they are text
_PIECE = 500  # rows compressed at once
_LEVEL = 1  # of compression: 6 takes four times as long for a file one third smaller
_ESCAPED = re.compile("_(x[0-9a-fA-F]{4}_)")
_PLACE = re.compile(r'<dimension ref="[^"]*"/>')
_WIDTHS = {
    "external_userid": 34, "name": 16, "unionid": 30, "createtime": 17, "userid": 16, "store": 18,
    "remark": 20, "remark_mobiles": 16, "add_way": 14, "tags": 30,
}  # fmt: skip


def write_xlsx(
    file: IO[bytes],
    names: Sequence[str],
    headings: Sequence[str],
    rows: Iterable[Sequence[Any]],
    dates: Sequence[str] = (),
    widths: Mapping[str, int] | None = None,
) -> None:
    """Write rows in their order, on as many sheets as they need.

    Args:
        file: open for writing.
        names: the columns.
        headings: the first line of every sheet.
        rows: the values of each, in the order of the columns.
        dates: names of the columns that hold a spreadsheet's dates.
        widths: characters of the columns; None for those of exported customers.
    """
    look = _Look(names, tuple(dates), _WIDTHS if widths is None else widths)
    cells = [(_letters(at), ' s="1"' if name in dates else "") for at, name in enumerate(names)]
    first, further, tail = _frame(look, _row(1, headings, [(at, "") for at, _style in cells]))
    rows = iter(rows)
    sheets, row = 0, next(rows, None)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        while row is not None or not sheets:
            sheets += 1
            with closing(_Part(archive, f"xl/worksheets/sheet{sheets}.xml")) as part:
                part.write(first if sheets == 1 else further)
                number = 1
                while row is not None and number < SHEET_ROWS and part.size < _SHEET_BYTES:
                    number += 1
                    part.write(_row(number, row, cells))
                    row = next(rows, None)
                part.write(tail)
        for name, data in _shell(look, sheets).items():
            if "worksheets/" not in name:
                archive.writestr(name, data)


class _Part:
    """A part of the file, written piece by piece."""

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self._file = archive.open(name, "w")
        self._waiting: list[str] = []
        self.size = 0

    def write(self, text: str) -> None:
        self._waiting.append(text)
        if len(self._waiting) == _PIECE:
            self._flush()

    def _flush(self) -> None:
        data = "".join(self._waiting).encode()
        self._waiting.clear()
        self._file.write(data)
        self.size += len(data)

    def close(self) -> None:
        try:
            self._flush()
        finally:
            self._file.close()


def _row(number: int, values: Sequence[Any], cells: Sequence[tuple[str, str]]) -> str:
    """The XML of one row.

    Cells without text are left out, save the last: so every row has its width for readers that
    stream, since the size of a sheet, which stands before its rows, is not known yet.
    """
    made = ""
    for (letters, style), value in zip(cells, values, strict=True):
        if type(value) in (int, float) and abs(value) < _DIGITS:
            made += f'<c r="{letters}{number}"{style}><v>{value}</v></c>'
            continue
        if text := _text(value if isinstance(value, str) else cell_text(value)):
            made += f'<c r="{letters}{number}" t="inlineStr"><is>{text}</is></c>'
        elif letters == cells[-1][0]:
            made += f'<c r="{letters}{number}"/>'
    return f'<row r="{number}">{made}</row>'


@lru_cache(10_000)  # what members, shops and tags are called repeats
def _text(text: str) -> str:
    """Text as Excel has it in XML: what XML cannot hold, and what looks like it, as _xHHHH_."""
    if text.isalnum() and len(text) <= _CELL:
        return f"<t>{text}</t>"
    text = plain(text)[:_CELL]
    if not text:
        return ""
    space = ' xml:space="preserve"' if text[0].isspace() or text[-1].isspace() else ""
    text = escape(_ESCAPED.sub(r"_x005F_\1", text) if "_x" in text else text, quote=False)
    text = text.replace("\ufffe", "_xFFFE_").replace("\uffff", "_xFFFF_")
    return f"<t{space}>{text}</t>"


def _letters(column: int) -> str:
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


@dataclass(frozen=True, slots=True)
class _Look:
    """How the columns of a workbook look: their names, which hold dates, how wide they are."""

    names: Sequence[str]
    dates: Sequence[str]
    widths: Mapping[str, int]


def _shell(look: _Look, sheets: int) -> dict[str, bytes]:
    """The parts of a workbook whose sheets have no row yet; made in memory alone."""
    import xlsxwriter  # 40 ms, only here

    data = io.BytesIO()
    archive = xlsxwriter.Workbook(data, {"in_memory": True})
    moment = archive.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    for _each in range(sheets):
        sheet = archive.add_worksheet()
        sheet.freeze_panes(1, 0)
        for column, name in enumerate(look.names):
            dated = moment if name in look.dates else None  # so that it is style 1
            sheet.set_column(column, column, look.widths.get(name, 17 if dated else 12), dated)
    archive.close()
    with zipfile.ZipFile(data) as shell:
        return {name: shell.read(name) for name in shell.namelist()}


def _frame(look: _Look, headings: str) -> tuple[str, str, str]:
    """What stands before and after the rows: of the first sheet, of further ones, at the end."""
    shell = _shell(look, 2)
    first, further = (
        _PLACE.sub("", shell[f"xl/worksheets/sheet{at}.xml"].decode()).split("<sheetData/>")
        for at in (1, 2)
    )
    begin = f"<sheetData>{headings}"
    return first[0] + begin, further[0] + begin, "</sheetData>" + first[1]
