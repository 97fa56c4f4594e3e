"""CSV and XLSX as people save them: encodings, separators, headings; rows keep their line."""

from __future__ import annotations

import codecs
import csv
import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from storeops.errors import NotFoundError, UsageError
from storeops.i18n import _

MAX_BYTES = 200_000_000
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Field:
    """One column that a planner understands.

    Attributes:
        name: its key, WeCom's field name.
        aliases: other headings it is known by, lower case.
        example: a cell of the template.
    """

    name: str
    aliases: tuple[str, ...] = ()
    example: str = ""


EXTERNAL_USERID = Field(
    "external_userid",
    ("external userid", "external_user_id", "customer_id", "customer id", "客户id", "外部联系人id",
     "客户编号", "外部联系人userid"),
    "wmExampleAAAA0000000000000000001",
)  # fmt: skip
PHONE = Field(
    "phone",
    ("mobile", "mobiles", "phone number", "remark_mobiles", "手机", "手机号", "手机号码", "电话",
     "电话号码", "客户手机号"),
    "13800000000",
)  # fmt: skip
UNIONID = Field("unionid", ("union_id", "union id", "微信unionid"))
USERID = Field(
    "userid",
    ("owner", "staff", "member", "user_id", "成员", "成员账号", "员工", "员工账号", "导购",
     "负责人", "添加人", "跟进人"),
    "zhangsan",
)  # fmt: skip
KEYS = (EXTERNAL_USERID, PHONE, UNIONID)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a file.

    Attributes:
        number: its line in the file, from 1 (the heading is a line, too).
        cells: text by field name; only columns that are understood.
        surplus: cells behind the last heading.
        missing: headings without a cell.
    """

    number: int
    cells: Mapping[str, str]
    surplus: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file with its headings understood.

    Attributes:
        fields: field name → heading in the file.
        ignored: headings that mean nothing here.
        encoding: of the text, "xlsx" for a workbook.
        lines: rows that are not empty, in order.
    """

    fields: Mapping[str, str]
    ignored: tuple[str, ...]
    encoding: str
    lines: Sequence[Line]


def read_csv(
    source: str, fields: Sequence[Field], *, mapping: Mapping[str, str] | None = None
) -> Sheet:
    """Read a CSV file.

    Args:
        source: path, or "-" for stdin.
        fields: columns that are understood.
        mapping: heading → field name, given by the person.

    Raises:
        NotFoundError: no such file.
        UsageError: not text, no heading, a heading that is mapped twice, or no key column.
    """
    content = _bytes(source)
    text, encoding = decode(content, source)
    sample = text[:20_000].split("\n", 1)[0]
    separator = max(",\t;|，", key=sample.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)

    def rows() -> Iterator[tuple[int, list[str]]]:
        start = 1
        try:
            for row in reader:
                yield start, row
                start = reader.line_num + 1
        except csv.Error as error:
            raise UsageError(
                _("{file}, line {line}: not CSV ({error}).").format(
                    file=source, line=start, error=error
                )
            ) from None

    return _sheet(source, rows(), fields, mapping or {}, encoding)


def read_xlsx(
    source: str,
    fields: Sequence[Field],
    *,
    sheet: str = "",
    mapping: Mapping[str, str] | None = None,
) -> Sheet:
    """Read one sheet of a workbook; numbers that stand for phones and ids come as whole digits.

    Args:
        source: path.
        fields: columns that are understood.
        sheet: name of the sheet; "" the first one.
        mapping: heading → field name, given by the person.

    Raises:
        NotFoundError: no such file or sheet.
        UsageError: not a workbook, no heading, or no key column.
    """
    import openpyxl  # 150 ms, only for --xlsx

    content = _bytes(source)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except Exception as error:  # openpyxl lets errors of zipfile and of its XML parser through
        raise UsageError(
            _("{file} is not an XLSX workbook.").format(file=source),
            hint=_("Save it as .xlsx, or as CSV and pass it with --csv."),
        ) from error
    try:
        if sheet and sheet not in book.sheetnames:
            raise NotFoundError(
                _("{file} has no sheet {sheet}.").format(file=source, sheet=sheet),
                hint=_("Its sheets: {sheets}.").format(sheets=", ".join(book.sheetnames)),
            )
        page = book[sheet] if sheet else book[book.sheetnames[0]]
        rows = (
            (number, [_text(cell) for cell in row])
            for number, row in enumerate(page.iter_rows(values_only=True), start=1)
        )
        return _sheet(source, rows, fields, mapping or {}, "xlsx")
    finally:
        book.close()


def decode(content: bytes, source: str) -> tuple[str, str]:
    """(text, encoding): by byte order mark, else UTF-8, else GB18030, each taken strictly.

    Raises:
        UsageError: neither fits.
    """
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            try:
                return content.decode(encoding), encoding
            except UnicodeDecodeError:
                break
    for encoding in ("utf-8", "gb18030"):
        try:
            return content.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise UsageError(
        _("{file} is neither UTF-8 nor GB18030 text.").format(file=source),
        hint=_("Save it as “CSV UTF-8”, or pass a workbook with --xlsx."),
    )


def template(fields: Sequence[Field], *, bom: bool = False) -> str:
    """A CSV with headings and one example line, ready to fill in."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([each.name for each in fields])
    writer.writerow([each.example for each in fields])
    return ("\ufeff" if bom else "") + out.getvalue()


def parse_mapping(pairs: Sequence[str]) -> dict[str, str]:
    """`heading=field` pairs of `--map` as a dictionary.

    Raises:
        UsageError: one is not such a pair.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        heading, separator, name = pair.rpartition("=")
        if not separator or not heading.strip() or not name.strip():
            raise UsageError(
                _("{text} is not a mapping.").format(text=pair),
                hint=_("Write the heading of the file and the field: --map 手机=phone"),
            )
        found[heading.strip()] = name.strip()
    return found


def _bytes(source: str) -> bytes:
    try:
        if source == "-":
            content = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(source).expanduser().open("rb") as file:
                content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise NotFoundError(
            _("{file} cannot be read: {error}.").format(file=source, error=error.strerror),
            hint=_("Check the path, or pass - to read from a pipe."),
        ) from None
    if len(content) > MAX_BYTES:
        raise UsageError(
            _("{file} is larger than {limit} MB.").format(file=source, limit=MAX_BYTES // 10**6),
            hint=_("Split it."),
        )
    return content


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # a phone number that the spreadsheet took for a number
    return str(cell)


def _sheet(
    source: str,
    rows: Iterator[tuple[int, list[str]]],
    fields: Sequence[Field],
    mapping: Mapping[str, str],
    encoding: str,
) -> Sheet:
    heading: list[str] = []
    for _number, cells in rows:
        if any(cell.strip() for cell in cells):
            heading = [cell.strip().strip("\ufeff") for cell in cells]
            break
    while heading and not heading[-1]:
        heading.pop()
    if not heading:
        raise UsageError(
            _("{file} is empty.").format(file=source),
            hint=_("See what is expected with --template."),
        )
    columns = _columns(source, heading, fields, mapping)
    lines = []
    for number, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        surplus = sum(1 for cell in cells[len(heading) :] if cell.strip())
        missing = max(0, len(heading) - len(cells))
        values = {
            name: cells[index].strip() if index < len(cells) else ""
            for name, index in columns.items()
        }
        lines.append(Line(number, values, surplus, missing))
    names = {name: heading[index] for name, index in columns.items()}
    used = set(columns.values())
    ignored = tuple(text for index, text in enumerate(heading) if text and index not in used)
    return Sheet(names, ignored, encoding, lines)


def _columns(
    source: str, heading: Sequence[str], fields: Sequence[Field], mapping: Mapping[str, str]
) -> dict[str, int]:
    """Field name → column number."""
    by_word = {word: each.name for each in fields for word in (each.name, *each.aliases)}
    names = {each.name for each in fields}
    for text, name in mapping.items():
        if name not in names:
            raise UsageError(
                _("There is no field {name}.").format(name=name),
                hint=_("Fields: {names}.").format(names=", ".join(sorted(names))),
            )
        if text not in heading:
            near = get_close_matches(text, heading, n=1)
            raise UsageError(
                _("{file} has no heading {name}.").format(file=source, name=text),
                hint=_("Did you mean {name}?").format(name=near[0])
                if near
                else _("Its headings: {names}.").format(names=", ".join(heading)),
            )
    columns: dict[str, int] = {}
    for index, text in enumerate(heading):
        known = mapping.get(text, by_word.get(text.lower()))
        if known is None or (known in mapping.values() and text not in mapping):
            continue
        if known in columns:
            raise UsageError(
                _("{file}: the headings {first} and {second} both mean {name}.").format(
                    file=source, first=heading[columns[known]], second=text, name=known
                ),
                hint=_("Say which one counts: --map HEADING={name}").format(name=known),
            )
        columns[known] = index
    if not any(each.name in columns for each in KEYS):
        raise UsageError(
            _("{file} has no column that names customers.").format(file=source),
            hint=_suggestion(heading, by_word),
            next_steps=["--template"],
            details={"headings": list(heading)},
        )
    return columns


def _suggestion(heading: Sequence[str], by_word: Mapping[str, str]) -> str:
    for text in heading:
        near = get_close_matches(text.lower(), list(by_word), n=1, cutoff=0.6)
        if near:
            return _("Is {heading} the {field}? Then add --map {heading}={field}").format(
                heading=text, field=by_word[near[0]]
            )
    return _("Expected one of: {names}. Name yours with --map HEADING=FIELD.").format(
        names=", ".join(each.name for each in KEYS)
    )
