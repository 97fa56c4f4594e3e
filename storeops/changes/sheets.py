"""Files of requests: which columns mean what, and every row either taken or named with its line."""

from __future__ import annotations

import csv
import io
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from storeops.changes.problems import Problem, Problems, of_line
from storeops.errors import NotFoundError, UsageError
from storeops.i18n import _, labelled, language, ngettext
from storeops.tables import headings, records, typed
from storeops.tables.content import Table, TablePage, read_table
from storeops.tables.headings import SEARCHED, Field, Headings, column_option
from storeops.tables.rows import RawRow

__all__ = ["EXTERNAL_USERID", "KEYS", "PHONE", "UNIONID", "USERID", "Field", "Sheet", "SheetLine"]

EXTERNAL_USERID = Field(
    "external_userid",
    ("external userid", "external_user_id", "customer_id", "customer id", "客户id", "外部联系人id",
     "客户编号", "外部联系人userid", "客户 id"),
    "wmExampleAAAA0000000000000000001",
    key=True,
)  # fmt: skip
PHONE = Field(
    "phone",
    ("mobile", "mobiles", "phone number", "phone numbers", "remark_mobiles", "手机", "手机号",
     "手机号码", "电话", "电话号码", "联系电话", "联系方式",
     *(who + what for who in ("客户", "会员", "顾客", "买家", "收货人")
       for what in ("手机", "手机号", "手机号码", "电话"))),
    "13800000000",
    key=True,
)  # fmt: skip
UNIONID = Field("unionid", ("union_id", "union id", "微信unionid"), key=True)
USERID = Field(
    "userid",
    ("owner", "owners", "staff", "member", "member id", "user_id", "成员", "成员账号",
     "员工", "员工账号", "导购",
     "负责人", "添加人", "跟进人"),
    "zhangsan",
)  # fmt: skip
KEYS = (EXTERNAL_USERID, PHONE, UNIONID)


@dataclass(frozen=True, slots=True)
class Source:
    """A file and how it is to be read.

    Attributes:
        path: CSV or workbook; "-" for stdin.
        sheet: name of the sheet; "" the visible one that has the headings.
        mapping: heading → field name, given by the person; "" switches a heading off.
        header_row: row of the headings; 0 looks for them in the first ten.
        hidden: read hidden rows and sheets, too.
        strict: one wrong row, also one that is found late, refuses the whole file.
    """

    path: str
    sheet: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)
    header_row: int = 0
    hidden: bool = False
    strict: bool = False


class SheetLine:
    """One row of a file.

    Attributes:
        number: its line in the file, from 1 (the heading is a line, too).
        surplus: cells behind the last heading of a CSV.
    """

    __slots__ = ("_names", "_values", "number", "surplus")

    def __init__(
        self, number: int, names: tuple[str, ...], values: tuple[str, ...], surplus: int = 0
    ) -> None:
        self.number = number
        self.surplus = surplus
        self._names = names
        self._values = values

    @property
    def cells(self) -> Mapping[str, str]:
        """Text by field name; only columns that are understood."""
        return dict(zip(self._names, self._values, strict=True))

    def get(self, name: str) -> str:
        """The text of a field, "" without one."""
        return self._values[self._names.index(name)] if name in self._names else ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file with its headings understood.

    Attributes:
        fields: field name → heading in the file.
        ignored: headings that mean nothing here.
        encoding: of the text, "xlsx" for a workbook.
        lines: rows that are not empty, in order.
        problems: rows that cannot be taken.
        optional: field name → heading, of texts that are only taken when asked for.
        name: of the sheet; "" for CSV.
        heading_row: the row of the headings.
        unread: sheets that were not read, with their rows.
    """

    fields: Mapping[str, str]
    ignored: tuple[str, ...]
    encoding: str
    lines: Sequence[SheetLine]
    problems: Problems = field(default_factory=Problems)
    optional: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    heading_row: int = 1
    unread: Mapping[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """What was found in the file, as `--json` of a planner has it under `file`."""
        return {
            "encoding": self.encoding,
            "sheet": self.name,
            "heading_row": self.heading_row,
            "columns": {heading: name for name, heading in self.fields.items()},
            "not_used": list(self.ignored),
            "sheets_not_read": dict(self.unread),
            "rows": len(self.lines) + self.problems.left_out,
        }

    def describe(self) -> list[str]:
        """The same in sentences: what was found, what was not used."""
        columns = _(", ").join(f"{heading} → {name}" for name, heading in self.fields.items())
        text = _("columns: {columns}").format(columns=columns)
        if self.ignored:
            text += _("; not used: {names}").format(names=_(", ").join(self.ignored))
        lines = [text]
        if self.heading_row > 1 or self.name:
            where = _("headings in row {row}").format(row=self.heading_row)
            if self.name:
                where += _(" of sheet {name}").format(name=self.name)
            lines.append(where)
        for name, rows in self.unread.items():
            lines.append(
                ngettext(
                    "sheet {name} was not read: {count} row",
                    "sheet {name} was not read: {count} rows",
                    rows,
                ).format(name=name, count=rows)
            )
        return lines

    def ask_for(self, wanted: Iterable[str]) -> str:
        """How to take a text that stands in the file, as a hint; "" when none does."""
        options = [
            column_option(self.optional[name], name) for name in wanted if name in self.optional
        ]
        return (
            _("The file has it: add {options}").format(options=" ".join(options)) if options else ""
        )


def read(asked: Source, fields: Sequence[Field]) -> Sheet:
    """Read a CSV or a workbook, whichever it is.

    Args:
        asked: which, and how.
        fields: columns that are understood; a row of headings has one whose `key` is set (of
            files about customers `*KEYS`).

    Raises:
        ValueError: none of the fields is a key.
        NotFoundError: no such file or sheet.
        ConflictError: the file changed while it was read.
        UsageError: no table, no heading that names customers, or several sheets have them.
    """
    table, page, here, rows, unread = _opened(asked, fields, read_table(asked.path))
    return _sheet(table, page, here, rows, unread, asked.hidden)


@dataclass(frozen=True, slots=True)
class SheetStream:
    """A file with its headings understood, its rows still to come.

    Attributes:
        fields: field name → heading in the file.
        ignored: headings that mean nothing here.
        lines: rows that are not empty and problems, in order; read once, at flat memory but for a
            workbook with merged cells.
    """

    fields: Mapping[str, str]
    ignored: tuple[str, ...]
    lines: Iterator[SheetLine | Problem]


def stream(asked: Source, fields: Sequence[Field]) -> SheetStream:
    """Read a CSV of any size, a workbook, NDJSON or Parquet row by row.

    Args:
        asked: which, and how.
        fields: columns that are understood.

    Raises:
        NotFoundError, ConflictError, UsageError: as `read`.
        ConfigError: Parquet, and pyarrow is not installed.
    """
    found = records.open_records(asked.path)
    table = read_table(asked.path, large=True) if found is None else found
    table, page, here, rows, _unread = _opened(asked, fields, table)
    names = {name: here.names[column] for name, column in here.columns.items()}
    used = set(here.columns.values())
    ignored = tuple(text for column, text in here.names.items() if column not in used)
    if not table.is_workbook:
        return SheetStream(names, ignored, _lines(table, here, rows, asked.hidden))
    sheet = _sheet(table, page, here, rows, {}, asked.hidden)
    return SheetStream(names, ignored, chain(sheet.lines, sheet.problems))


def _opened(
    asked: Source, fields: Sequence[Field], table: Table
) -> tuple[Table, TablePage, Headings, Iterator[RawRow], dict[str, int]]:
    """(table, page, headings, rows below them, rows of sheets that are not read)."""
    if not any(each.key for each in fields):
        raise ValueError("none of the fields is a key, by which a row of headings is known")
    source, header_row = asked.path, asked.header_row
    mapping = {typed.word(heading): name for heading, name in asked.mapping.items()}
    pages = _pages(source, table, asked.sheet, asked.hidden)
    heads: list[tuple[TablePage, list[RawRow], Iterator[RawRow]]] = []
    found: list[tuple[int, Headings]] = []
    for page in pages:
        rows = _filled(page.rows())
        first = list(islice(rows, max(SEARCHED, 1)))
        if header_row:
            for row in rows if first and first[-1].number < header_row else ():
                first.append(row)
                if row.number >= header_row or len(first) > 1_000:
                    break
        heads.append((page, first, rows))
        here = headings.find(first, fields, mapping, header_row=header_row)
        if here is not None:
            found.append((len(heads) - 1, here))
    if not any(first for _page, first, _rows in heads):
        raise UsageError(
            _("{file} is empty.").format(file=source),
            hint=_("See what is expected with --template."),
        )
    if not table.is_workbook and found:
        found = [max(found, key=lambda each: len(each[1].columns))]
    if not found:
        raise _nameless(source, fields, mapping, [first for _page, first, _rows in heads])
    if len(found) > 1:
        names = [heads[at][0].name for at, _here in found]
        raise UsageError(
            _("Several sheets of {file} name customers: {sheets}.").format(
                file=source, sheets=_(", ").join(names)
            ),
            hint=_("Say which one: --sheet NAME"),
        )
    at, here = found[0]
    page, first, rows = heads[at]
    headings.check_mapping(mapping, fields, list(here.names.values()), source)
    unread = {}
    if table.is_workbook:
        unread = _unread(table, heads, page)
    return table, page, here, chain(first[here.index + 1 :], rows), unread


def _pages(source: str, table: Table, sheet: str, hidden: bool) -> list[TablePage]:
    if not table.is_workbook:
        return table.pages
    names = [each.name for each in table.pages]
    if sheet:
        if sheet not in names:
            raise NotFoundError(
                _("{file} has no sheet {sheet}.").format(file=source, sheet=sheet),
                hint=_("Its sheets: {sheets}.").format(sheets=_(", ").join(names)),
            )
        return [each for each in table.pages if each.name == sheet][:1]
    seen = [each for each in table.pages if hidden or not each.hidden]
    if not seen:
        raise UsageError(
            _("All sheets of {file} are hidden.").format(file=source),
            hint=_("Say which one: --sheet NAME"),
        )
    return seen


def _unread(
    table: Table, heads: list[tuple[TablePage, list[RawRow], Iterator[RawRow]]], page: TablePage
) -> dict[str, int]:
    """Rows of the sheets that were not read."""
    begun = {each.name: (first, rows) for each, first, rows in heads}
    unread = {}
    for each in table.pages:
        if each is not page:
            first, rows = begun.get(each.name, ([], _filled(each.rows())))
            count = len(first) + sum(1 for _row in rows)
            if count:
                unread[each.name] = count
    return unread


def _filled(rows: Iterable[RawRow]) -> Iterator[RawRow]:
    """Rows that hold something."""
    for row in rows:
        if row.fault or row.faults or any(map(typed.word, row.cells.values())):
            yield row


def _nameless(
    source: str,
    fields: Sequence[Field],
    mapping: Mapping[str, str],
    pages: Sequence[Sequence[RawRow]],
) -> UsageError:
    """The error of a file without a column that says what its rows are about."""
    rows = next((each for each in pages if each), [])
    texts = [[text for text in map(typed.word, row.cells.values()) if text] for row in rows]
    names = next((each for each in texts if len(each) > 1), texts[0] if texts else [])
    headings.check_mapping(mapping, fields, names, source)
    keys = [each.name for each in fields if each.key]
    return UsageError(
        _("{file} has no column that names customers.").format(file=source)
        if EXTERNAL_USERID.name in keys
        else _("{file} has no column {names}.").format(file=source, names=_(", ").join(keys)),
        hint=headings.suggestion(names, fields),
        next_steps=["--template"],
        details={"headings": names},
    )


def _sheet(
    table: Table,
    page: TablePage,
    here: Headings,
    rows: Iterable[RawRow],
    unread: Mapping[str, int],
    hidden: bool,
) -> Sheet:
    fields = {name: here.names[column] for name, column in here.columns.items()}
    used = set(here.columns.values())
    problems = Problems()
    lines: list[SheetLine] = []
    for each in _lines(table, here, rows, hidden):
        if isinstance(each, SheetLine):
            lines.append(each)
        else:
            problems.append(each)
    names, columns = tuple(here.columns), tuple(here.columns.values())
    merges = [each for each in page.merges if each[0] in used]
    if merges:
        _fill_down(lines, here, names, columns, merges)
    return Sheet(
        fields,
        tuple(text for column, text in here.names.items() if column not in used),
        table.encoding,
        lines,
        problems,
        here.optional,
        page.name,
        here.row,
        unread,
    )


def _lines(
    table: Table, here: Headings, rows: Iterable[RawRow], hidden: bool
) -> Iterator[SheetLine | Problem]:
    """The rows below the headings, as they can be taken."""
    names = tuple(here.columns)
    columns = tuple(here.columns.values())
    last = max(here.names)
    for row in rows:
        if row.fault:
            yield of_line(row.number, "unreadable_row", row.fault)
            continue
        if row.hidden and not hidden:
            yield of_line(row.number, "hidden_row", _("the row is hidden (--hidden reads it)"))
            continue
        bad = next((each for each in columns if each in row.faults), None)
        if bad is not None:
            yield of_line(row.number, "unreadable_cell", labelled(here.names[bad], row.faults[bad]))
            continue
        surplus = 0
        cells = row.cells
        if table.guarded and len(cells) > last + 1:
            surplus = sum(1 for at, text in cells.items() if at > last and text.strip())
        values = tuple([cells.get(each, "") for each in columns])
        if table.guarded:
            values = tuple(map(typed.csv_text, values))
        yield SheetLine(row.number, names, values, surplus)


def _fill_down(
    lines: list[SheetLine],
    here: Headings,
    names: tuple[str, ...],
    columns: tuple[int, ...],
    merges: Sequence[tuple[int, int, int]],
) -> None:
    """Give each row of a merged cell its text; only the first one has it in the file."""
    places = {line.number: at for at, line in enumerate(lines)}
    numbers = sorted(places)
    room = len(lines) * len(columns)  # merged cells never overlap
    for column, first, last in merges:
        if first <= here.row or first not in places:
            continue
        text = lines[places[first]].get(names[columns.index(column)])
        start = bisect_left(numbers, first + 1)
        for number in numbers[start:]:
            room -= 1
            if number > last or room < 0:
                break
            line = lines[places[number]]
            values = dict(line.cells)
            values[names[columns.index(column)]] = text
            lines[places[number]] = SheetLine(
                number, names, tuple(values[each] for each in names), line.surplus
            )


def template(fields: Sequence[Field], *, bom: bool = False) -> str:
    """A CSV with headings and one example line, ready to fill in."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_heading(each) for each in fields])
    writer.writerow([each.example for each in fields])
    return ("\ufeff" if bom else "") + out.getvalue()


def _heading(column: Field) -> str:
    """The heading of a template: the first alias of the person's language, else the field."""
    if language() != "zh_CN":
        return column.name
    return next((each for each in column.aliases if not each.isascii()), column.name)


def parse_mapping(pairs: Sequence[str]) -> dict[str, str]:
    """`heading=field` pairs of `--column` as a dictionary; `heading=` switches a heading off.

    Raises:
        UsageError: one is not such a pair.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        heading, separator, name = pair.rpartition("=")
        if not separator or not heading.strip():
            raise UsageError(
                _("{text} is not a mapping.").format(text=pair),
                hint=_("Write the heading of the file and the field: --column 手机=phone"),
            )
        found[heading.strip()] = name.strip()
    return found
