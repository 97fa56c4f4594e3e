"""Writing many customers to a file at flat memory: CSV, XLSX, NDJSON, Parquet.

One row a customer; what its follows say stands in one cell each, newest follow first, `; ` between.
NDJSON keeps the follows as they are in `customer show --json`.
"""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from storeops.database.database import Database
from storeops.errors import ConfigError, UsageError
from storeops.i18n import _
from storeops.mirror.query import CustomerQuery
from storeops.mirror.query_rows import CustomerRows, overall_status
from storeops.notebook import stores
from storeops.plain import mask_phone, mask_phones, plain

COLUMNS = (
    "external_userid", "name", "type", "gender", "unionid", "status", "createtime", "userid",
    "staff_name", "store", "remark", "remark_mobiles", "add_way", "state", "follow_status", "tags",
)  # fmt: skip
NUMBERS = frozenset({"type", "gender", "createtime"})
FORMATS = ("csv", "xlsx", "ndjson", "parquet")
BATCH = 2_000  # customers a query
_SHEET_ROWS = 1_000_000  # a sheet takes 1,048,576 rows
_CELL = 32_767  # characters

# A line of CSV in which no cell needs care: each is empty, a short number, or begins with a letter
# and goes on with letters, digits and signs that neither quote nor steer.
_NUMBER = r"(?:0|[1-9]\d{0,10})"
_CELL_OK = rf"(?:[^\W\d_][\w ;:./()\-·~!?*%&（）]*|{_NUMBER}(?:; {_NUMBER})*)?"
_HARMLESS = re.compile(f"{_CELL_OK}(?:,{_CELL_OK})*")

SQL = """
SELECT c.id, c.external_userid, c.name, c.type, c.gender, c.unionid, c.createtime,
    f.staff_id, f.store_id, f.remark, f.mobiles, f.add_way, f.state, f.status, f.createtime,
    (SELECT group_concat(t.tag_id) FROM follow_tag t WHERE t.follow_id = f.id)
FROM json_each(?) j CROSS JOIN customer c ON c.id = j.value
LEFT JOIN follow f ON f.customer_id = c.id
"""

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


def flat(row: dict[str, Any]) -> dict[str, Any]:
    """One row of a list (`CustomerRows.load`) with the columns of an export."""
    follows = row["follows"]

    def joined(values: Iterable[str]) -> str:
        return "; ".join(values)

    return {
        **{key: row[key] for key in COLUMNS[:6]},
        "createtime": follows[0]["createtime"] if follows else 0,
        **{key: joined(each[key] for each in follows) for key in ("userid", "staff_name", "store")},
        "remark": joined(each["remark"] for each in follows if each["remark"]),
        "remark_mobiles": joined(
            dict.fromkeys(phone for each in follows for phone in each["remark_mobiles"])
        ),
        "add_way": joined(str(each["add_way"]) for each in follows),
        "state": joined(each["state"] for each in follows if each["state"]),
        "follow_status": joined(each["status"] for each in follows),
        "tags": joined(
            f"{tag['group_name']}/{tag['name']}" if tag["group_name"] else tag["name"]
            for each in follows
            for tag in each["tags"]
        ),
    }


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
    flatten = _Flatten(db, reveal)
    places = [COLUMNS.index(name) for name in names]
    whole = tuple(names) == COLUMNS
    for keys in query.keys(BATCH):
        rows = flatten.batch(db.connection, [key[1] for key in keys])
        if counted is not None:
            counted.add(len(rows))
        yield rows if whole else [tuple(row[at] for at in places) for row in rows]


_NOBODY = ("", "")


class _Flatten:
    """Customers and their follows → one tuple a customer."""

    def __init__(self, db: Database, reveal: bool) -> None:
        shops = {each.department_id: each.name for each in stores.list_shops(db) if each.name}
        self.staff = {
            key: (userid, name)
            for key, userid, name in db.execute("SELECT id, userid, name FROM staff")
        }
        self.stores = {
            key: shops.get(key) or name
            for key, name in db.execute("SELECT id, name FROM department")
        }
        self.tags = {
            str(key): f"{group}/{name}" if group else name
            for key, group, name in db.execute(
                "SELECT t.id, g.name, t.name FROM tag t LEFT JOIN tag_group g ON g.id = t.group_id"
            )
        }
        self.sets: dict[str, str] = {}
        self.reveal = reveal

    def batch(self, connection: sqlite3.Connection, ids: list[int]) -> list[tuple[Any, ...]]:
        out: list[tuple[Any, ...]] = []
        rows = connection.execute(SQL, (json.dumps(ids),)).fetchall()
        start, count = 0, len(rows)
        while start < count:
            key, end = rows[start][0], start + 1
            while end < count and rows[end][0] == key:
                end += 1
            out.append(self.one(rows[start:end]))
            start = end
        return out

    def one(self, rows: list[Any]) -> tuple[Any, ...]:
        first = rows[0]
        if first[7] is None:
            return (*first[1:6], "lost", first[6], *[""] * 9)
        if len(rows) == 1:
            return self.single(first)
        rows.sort(key=_newest)
        (
            _keys, _ids, _names, _types, _genders, _unionids, _times, members, shops, remarks,
            mobiles, ways, states, statuses, _created, tags,
        ) = zip(*rows, strict=True)  # fmt: skip
        staff, stores, status = self.staff, self.stores, statuses[0]
        owners = [staff.get(each, _NOBODY) for each in members]
        if statuses.count(status) < len(statuses):
            own, status = "; ".join(statuses), overall_status(statuses)
        else:
            own = "; ".join(statuses)
        name, remark = first[2], "; ".join(filter(None, remarks))
        if not self.reveal:
            remark = mask_phones(remark) if remark else remark
            name = name if name.isalpha() else mask_phones(name)
        return (
            first[1], name, first[3], first[4], first[5], status, first[6],
            "; ".join([each[0] for each in owners]),
            "; ".join([each[1] for each in owners]),
            "; ".join([stores.get(each, "") for each in shops]),
            remark,
            self.phones(mobiles),
            "; ".join(map(str, ways)),
            "; ".join(filter(None, states)),
            own,
            "; ".join([self.names(each) for each in tags if each]),
        )  # fmt: skip

    def single(self, row: Any) -> tuple[Any, ...]:
        """The same for a customer whom one member follows: every second one."""
        name, remark = row[2], row[9]
        if not self.reveal:
            remark = mask_phones(remark) if remark else remark
            name = name if name.isalpha() else mask_phones(name)
        userid, staff = self.staff.get(row[7], _NOBODY)
        return (
            row[1], name, row[3], row[4], row[5], row[13], row[6], userid, staff,
            self.stores.get(row[8], ""), remark, self.phones((row[10],)),
            str(row[11]), row[12], row[13], self.names(row[15]) if row[15] else "",
        )  # fmt: skip

    def phones(self, lists: Sequence[str]) -> str:
        found = [phone for each in lists if each != "[]" for phone in json.loads(each)]
        if not found:
            return ""
        unique = dict.fromkeys(found)
        return "; ".join(unique if self.reveal else map(mask_phone, unique))

    def names(self, tags: str) -> str:
        found = self.sets.get(tags)
        if found is None:
            found = "; ".join(self.tags[each] for each in tags.split(",") if each in self.tags)
            if len(self.sets) < 50_000:
                self.sets[tags] = found
        return found


def _newest(row: Any) -> int:
    return -int(row[14])


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
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(names)
    harmless = _HARMLESS.fullmatch
    for rows in batches:
        for row in rows:
            # Nearly every row is letters and plain signs: one look at the whole line is enough.
            line = ",".join(map(str, row))
            if line.count(",") == len(row) - 1 and harmless(line):
                file.write(line + "\r\n")
            else:
                writer.writerow(
                    [
                        value if number else cell(value)
                        for value, number in zip(row, numbers, strict=True)
                    ]
                )


def _ndjson(
    db: Database, query: CustomerQuery, file: IO[str], reveal: bool, counted: _Counter
) -> None:
    shops = {each.department_id: each.name for each in stores.list_shops(db) if each.name}
    rows = CustomerRows(db, shops, None if reveal else (mask_phone, mask_phones))
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    for keys in query.keys(BATCH):
        found = rows.load([key[1] for key in keys])
        file.write("".join(_terminal_safe(encode(row)) + "\n" for row in found))
        counted.add(len(found))


def _terminal_safe(line: str) -> str:
    """JSON leaves C1 controls and direction marks as they are; the same value with \\u escapes."""
    if line.isprintable():
        return line
    return "".join(
        ch if ch.isprintable() else f"\\u{ord(ch):04x}" if ord(ch) < 0x10000 else _pair(ch)
        for ch in line
    )


def _pair(ch: str) -> str:
    raw = ch.encode("utf-16-be", "surrogatepass")
    return f"\\u{raw[:2].hex()}\\u{raw[2:].hex()}"


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
