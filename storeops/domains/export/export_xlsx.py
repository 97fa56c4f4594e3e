"""Flat rows as a workbook, row by row; large ones in a process of their own (`export_process`).

xlsxwriter makes everything but the rows: it needs 5 µs a cell, 80 s for a million customers, so the
rows are put together here, letter by letter as it would write them.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from html import escape
from typing import IO, Any

from storeops.domains.export.export_easy import Easy, Known, picker
from storeops.plain import plain
from storeops.reading.export_rows import COLUMNS, NUMBERS, Columns

SHEET_ROWS = 1_048_576  # with the line of names
_SHEET_BYTES = 1_600_000_000  # of XML: zip files with more in one part are read by few
_CELL = 32_767  # characters
_PIECE = 500  # rows that are compressed at once: a larger piece leaves the processor's cache
_AHEAD = 40  # pieces, of half a MB, that wait for it
_LEVEL = 1  # of compression: 6 takes four times as long for a file one third smaller

_HARD = re.compile(
    "[\x00-\x1f&<>\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\u0300-\u036f"
    "\u0483-\u0489\u20d0-\u20ff\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U000e0000-\U000e0fff]"
)
_ESCAPED = re.compile("_(x[0-9a-fA-F]{4}_)")
_PLACE = re.compile(r'<dimension ref="[^"]*"/>')


class Book:
    """A workbook that is being written; use it as a context manager.

    Args:
        file: open for writing bytes; closed when the book is.
        known: the words that repeat in its rows.
        columns: the columns, in order.
        sheet_rows: of a sheet at most, with the line of names; 0 for as many as there can be.
    """

    def __init__(
        self,
        file: IO[bytes],
        known: Known,
        columns: Columns,
        sheet_rows: int = 0,
    ) -> None:
        self._file = file
        names = columns.names
        self._names = names
        self._pick = picker(names)
        self._whole = tuple(names) == COLUMNS and not columns.words
        self._easy = Easy(known, names, _is_easy).row
        self._cells = [
            _cell_format(
                at,
                name == "createtime" if columns.words else name in NUMBERS,
                ' s="1"' if columns.words else "",
            )
            for at, name in enumerate(names)
        ]
        try:
            self._head, self._next_head, self._tail = _frame(columns)
        except BaseException:
            file.close()
            raise
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL)
        self._sheets = 0
        self._most = sheet_rows or SHEET_ROWS
        self._rows = self._most
        self._bytes = 0
        self._part: IO[bytes] | None = None
        # zlib works outside Python's lock: the next rows are made while these are compressed
        self._thread = ThreadPoolExecutor(1, "xlsx")
        self._writing: deque[Future[int]] = deque()

    def __enter__(self) -> Book:
        return self

    def __exit__(self, kind: object, *_more: object) -> None:
        if kind is None:
            try:
                self._finish()
            except BaseException:
                self._give_up()
                raise
            self._thread.shutdown()
        else:
            self._give_up()

    def _finish(self) -> None:
        if self._part is None:
            self._begin_sheet()
        self._end_sheet()
        for name, data in _shell(self._names, self._sheets).items():
            if "worksheets/" not in name:
                self._zip.writestr(name, data)
        self._zip.close()
        self._file.close()

    def _give_up(self) -> None:
        """Let go of the file; on a full disk even that fails, but the first failure is told."""
        self._thread.shutdown(cancel_futures=True)
        for each in (self._part, self._zip, self._file):
            with suppress(OSError, ValueError):
                if each is not None:
                    each.close()

    def add(self, ids: Sequence[int], rows: Iterable[tuple[int, tuple[Any, ...]]]) -> list[int]:
        """Write these customers in their order.

        Args:
            ids: customer.id, at most as many as a sheet has rows.
            rows: their rows in any order, as `Flatten.rows` has them.

        Returns:
            The ids that had a row. If they are fewer, nothing was written: somebody went
            meanwhile, and a sheet has no empty row. Add those that are there again.
        """
        if self._rows + len(ids) > self._most or self._bytes > _SHEET_BYTES:
            self._end_sheet()
            self._begin_sheet()
        first = self._rows + 1
        number = {key: first + at for at, key in enumerate(ids)}
        found = {key: self._row(number[key], row) for key, row in rows}
        there = [key for key in ids if key in found]
        if len(there) == len(ids):
            for at in range(0, len(ids), _PIECE):
                self._send([found[key] for key in ids[at : at + _PIECE]])
            self._rows += len(ids)
        return there

    def _row(self, number: int, row: tuple[Any, ...]) -> str:
        """The XML of one row.

        Cells without text are left out, save the last: so every row has its width for readers
        that stream, since the size of a sheet, which stands before its rows, is not known yet.
        """
        if self._easy(row):
            made = _whole_row(number, row) if self._whole else ""
            made = made or self._easy_row(number, row)
            # so every cell is shorter, and none ends in a blank, as after an empty name: "a; "
            if len(made) < _CELL and " </t>" not in made:
                return made
        made = ""
        for (before, between, after), value in zip(self._cells, self._pick(row), strict=True):
            if isinstance(value, str):
                value = plain(value)[:_CELL]
                if value[:1].isspace() or value[-1:].isspace():
                    between = between.replace("<t>", '<t xml:space="preserve">')
                value = _xml(value)
            if value != "":
                made += f"{before}{number}{between}{value}{after}"
        if value == "":
            made += f'{before}{number}"/>'
        return f'<row r="{number}">{made}</row>'

    def _easy_row(self, number: int, row: tuple[Any, ...]) -> str:
        values = self._pick(row)
        cells = [
            f"{before}{number}{between}{value}{after}"
            for (before, between, after), value in zip(self._cells, values, strict=True)
            if value != ""
        ]
        if values[-1] == "":
            cells.append(f'{self._cells[-1][0]}{number}"/>')
        return f'<row r="{number}">{"".join(cells)}</row>'

    def _begin_sheet(self) -> None:
        self._sheets += 1
        part = zipfile.ZipInfo(f"xl/worksheets/sheet{self._sheets}.xml", _DAY)
        part.compress_type = zipfile.ZIP_DEFLATED
        part._compresslevel = _LEVEL  # type: ignore[attr-defined]
        self._part = self._zip.open(part, "w")
        self._rows, self._bytes = 1, 0
        self._send([self._head if self._sheets == 1 else self._next_head])

    def _end_sheet(self) -> None:
        if self._part is not None:
            self._send([self._tail])
            self._wait()
            self._part.close()
            self._part = None

    def _send(self, made: list[str]) -> None:
        if self._part is None or not made:
            return
        data = "".join(made).encode()
        self._bytes += len(data)
        self._wait(_AHEAD)
        self._writing.append(self._thread.submit(self._part.write, data))

    def _wait(self, most: int = 0) -> None:
        """Until at most so many pieces are still to be compressed."""
        while len(self._writing) > most:
            self._writing.popleft().result()


_WIDTHS = {
    "external_userid": 34, "name": 16, "unionid": 30, "createtime": 17, "userid": 16, "store": 18,
    "remark": 20, "remark_mobiles": 16, "add_way": 14, "tags": 30,
}  # fmt: skip
_DAY = (1980, 1, 1, 0, 0, 0)


def _whole_row(number: int, row: tuple[Any, ...]) -> str:
    """The XML of a row with all columns, in one go; "" when one is empty that hardly ever is."""
    (
        external, name, kind, gender, unionid, status, created, userids, members, shops,
        remarks, phones, ways, states, statuses, tags,
    ) = row  # fmt: skip
    if not (name and userids and members and shops):
        return ""
    e = f'<c r="E{number}" t="inlineStr"><is><t>{unionid}</t></is></c>' if unionid else ""
    k = f'<c r="K{number}" t="inlineStr"><is><t>{remarks}</t></is></c>' if remarks else ""
    el = f'<c r="L{number}" t="inlineStr"><is><t>{phones}</t></is></c>' if phones else ""
    n = f'<c r="N{number}" t="inlineStr"><is><t>{states}</t></is></c>' if states else ""
    p = (
        f'<c r="P{number}" t="inlineStr"><is><t>{tags}</t></is></c>'
        if tags
        else f'<c r="P{number}"/>'
    )
    return (
        f'<row r="{number}"><c r="A{number}" t="inlineStr"><is><t>{external}</t></is></c>'
        f'<c r="B{number}" t="inlineStr"><is><t>{name}</t></is></c>'
        f'<c r="C{number}"><v>{kind}</v></c><c r="D{number}"><v>{gender}</v></c>{e}'
        f'<c r="F{number}" t="inlineStr"><is><t>{status}</t></is></c>'
        f'<c r="G{number}"><v>{created}</v></c>'
        f'<c r="H{number}" t="inlineStr"><is><t>{userids}</t></is></c>'
        f'<c r="I{number}" t="inlineStr"><is><t>{members}</t></is></c>'
        f'<c r="J{number}" t="inlineStr"><is><t>{shops}</t></is></c>{k}{el}'
        f'<c r="M{number}" t="inlineStr"><is><t>{ways}</t></is></c>{n}'
        f'<c r="O{number}" t="inlineStr"><is><t>{statuses}</t></is></c>{p}</row>'
    )


def _is_easy(text: str) -> bool:
    return not (_HARD.search(text) or text[0].isspace() or text[-1].isspace() or "_x" in text)


def _xml(text: str) -> str:
    """Text as Excel has it in XML: what XML cannot hold, and what looks like it, as _xHHHH_."""
    text = escape(_ESCAPED.sub(r"_x005F_\1", text), quote=False)
    return text.replace("\ufffe", "_xFFFE_").replace("\uffff", "_xFFFF_")


def _cell_format(column: int, number: bool, style: str = "") -> tuple[str, str, str]:
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    if number:
        return f'<c r="{letters}', f'"{style}><v>', "</v></c>"
    return f'<c r="{letters}', '" t="inlineStr"><is><t>', "</t></is></c>"


def _shell(names: Sequence[str], sheets: int) -> dict[str, bytes]:
    """The parts of a workbook whose sheets have no row yet; made in memory alone.

    Args:
        names: the columns.
        sheets: how many.
    """
    import xlsxwriter  # 40 ms, only here

    data = io.BytesIO()
    book = xlsxwriter.Workbook(data, {"in_memory": True})
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    for _each in range(sheets):
        sheet = book.add_worksheet()
        sheet.freeze_panes(1, 0)
        for column, name in enumerate(names):
            dated = moment if name == "createtime" else None  # so that it is style 1
            sheet.set_column(column, column, _WIDTHS.get(name, 12), dated)
    book.close()
    with zipfile.ZipFile(data) as shell:
        return {name: shell.read(name) for name in shell.namelist()}


def _frame(columns: Columns) -> tuple[str, str, str]:
    """What stands before and after the rows: of the first sheet, of further ones, at the end."""
    parts = _shell(columns.names, 2)
    first, second = (
        _PLACE.sub("", parts[f"xl/worksheets/sheet{at}.xml"].decode()) for at in (1, 2)
    )
    headings = "".join(
        f"{before}1{between}{_xml(plain(name))}{after}"
        for (before, between, after), name in (
            (_cell_format(at, False), name) for at, name in enumerate(columns.headings)
        )
    )
    empty, begin, end = "<sheetData/>", "<sheetData>", "</sheetData>"
    above = f'{begin}<row r="1">{headings}</row>'
    return (
        first[: first.index(empty)] + above,
        second[: second.index(empty)] + above,
        end + first[first.index(empty) + len(empty) :],
    )
