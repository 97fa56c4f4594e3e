"""A columnar copy of follows, their tags and customers: what millions of rows are counted by.

One array a column, a row's value at the place of its key: a condition is one comparison over an
array, and nothing is looked up. The copy lies in the mirror's own file, in parts of 8,192 keys. A
large mirror gets it at the end of a sync, or when many rows are first counted. From then on
triggers note the keys of rows that change, whoever writes them; who counts next reads those rows
again, and where they have become many, parts are written anew. 2,000,000 follows take some 50 MB,
in the file and in the process that counts; numpy is needed there only.

It holds numbers only, but numbers about people: `drop` takes all of it away with one of them.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from storeops.database.database import let_pass, streaming
from storeops.mirror import meta

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from storeops.database.database import Database

    Mask = NDArray[np.bool_]

PART = 1 << 13  # keys a part: 0.2 MB, written in some 20 ms
# changes from which on the parts are written anew (7 s), ten times as many by who only reads: so
# many are read again in a second
RENEW = 20_000
SMALL = 20_000  # customers of a mirror whose rows are sooner read than its columns

PHONE, REMARK, DESCRIPTION, DELETED = 1, 2, 4, 8  # flags of a follow
KNOWN, UNIONID = 1, 2  # flags of a customer

# the columns of the copy, by table of the mirror
TABLES: dict[str, dict[str, str]] = {
    "follow": {
        "customer": "customer_id", "staff": "staff_id", "store": "store_id",
        "createtime": "createtime", "way": "add_way", "status": "status", "state": "state",
        "flags": f"{PHONE} * (mobiles <> '[]') + {REMARK} * (remark <> '')"
        f" + {DESCRIPTION} * (description <> '')"
        f" + {DELETED} * (deleted_by_customer_at IS NOT NULL)",
    },
    "customer": {
        "type": "type", "gender": "gender", "flags": f"{KNOWN} + {UNIONID} * (unionid <> '')",
    },
}  # fmt: skip
TEXTS = frozenset({"status", "state"})  # kept as numbers of words

# table → what a change of its rows is noted as: follow.id, or -customer.id; columns that matter
_NOTED = {
    "follow": ("{row}.id", "customer_id, staff_id, store_id, createtime, add_way, status, state,"
               " mobiles, remark, description, deleted_by_customer_at"),
    "follow_tag": ("{row}.follow_id", "follow_id, tag_id"),
    "customer": ("-{row}.id", "type, gender, unionid"),
}  # fmt: skip


class Moment(NamedTuple):
    """What the mirror is like when the copy is read.

    Attributes:
        copy: names the copy, so that one made after a `drop` is another; "" while there is none.
        number: of the last change that was noted.
        revision: of the mirror's facts; it alone tells while there is no copy.
    """

    copy: str
    number: int
    revision: int


@dataclass(frozen=True, eq=False)
class ColumnSnapshot:
    """The columns as they were at one moment; never changed.

    Attributes:
        at: the moment.
        tables: table → column → its values by key, 0 where there is no row.
        tags: (follow.id, tag.id) of every tag of a follow, in no order.
        words: text → its number in the columns of TEXTS.
        known: what was found out about this moment, for all filters.
    """

    at: Moment
    tables: Mapping[str, Mapping[str, NDArray[Any]]]
    tags: tuple[NDArray[Any], NDArray[Any]]
    words: Mapping[str, int]
    known: dict[str, Any] = field(default_factory=dict)

    @property
    def follow(self) -> Mapping[str, NDArray[Any]]:
        """ColumnSnapshot by follow.id."""
        return self.tables["follow"]

    @property
    def everybody(self) -> Mask:
        """Which places of the customers' columns hold one."""
        known: Mask = self.tables["customer"]["flags"] != 0
        return known

    def among(self, name: str, keys: Sequence[int], table: str = "follow") -> Mask:
        """Rows whose value in a column is one of `keys`."""
        import numpy as np

        column = self.tables[table][name]
        if len(keys) == 1:
            found: Mask = column == keys[0]
        elif column.dtype.kind != "u" or column.itemsize > 2:
            found = np.isin(column, keys)
        else:  # of so few values that asking a table of them is seven times as quick
            values = np.zeros(np.iinfo(column.dtype).max + 1, bool)
            values[[key for key in keys if 0 <= key < len(values)]] = True
            found = values.take(column)
        return found

    def text(self, name: str, matches: Callable[[str], bool]) -> Mask:
        """Follows whose text in a column of TEXTS is one of which `matches` says so."""
        return self.among(name, [code for word, code in self.words.items() if matches(word)])

    def flagged(self, bits: int, table: str = "follow") -> Mask:
        """Rows with one of these flags."""
        found: Mask = (self.tables[table]["flags"] & bits) != 0
        return found

    def tagged(self, keys: Sequence[int] | None) -> Mask:
        """Follows with one of these tags; None: with any."""
        import numpy as np

        of, tag = self.tags
        found = np.zeros(len(self.follow["customer"]), bool)
        if keys is not None:  # `compress` takes a quarter of the time of an array of yes and no
            of = of.compress(tag == keys[0] if len(keys) == 1 else np.isin(tag, keys))
        found[of] = True
        return found

    def customers_of(self, follows: Mask) -> Mask:
        """The customers of some follows."""
        import numpy as np

        found = np.zeros(len(self.everybody), bool)
        found[self.follow["customer"].compress(follows)] = True
        found[0] = False
        return found

    def owners(self) -> NDArray[Any]:
        """How many active follows each customer has."""
        import numpy as np

        if "owners" not in self.known:
            customer = self.follow["customer"].compress(self.text("status", "active".__eq__))
            owners = np.bincount(customer, minlength=len(self.everybody))
            self.known["owners"] = owners.astype(np.min_scalar_type(owners.max()))
        found: NDArray[Any] = self.known["owners"]
        return found


_known: WeakKeyDictionary[Database, ColumnSnapshot] = WeakKeyDictionary()
_lock = threading.Lock()


def small(db: Database) -> bool:
    """Whether the mirror is so small that its rows are sooner read than its columns."""
    return (db.execute("SELECT max(id) FROM customer").fetchone()[0] or 0) < SMALL


def snapshot(db: Database) -> ColumnSnapshot:
    """The columns as of now, 0.2 s for 2,000,000 follows; what other threads of the process have
    read is used again.

    A copy that is not there, or far behind, is written (seconds), unless somebody else is writing
    or nothing can be written: then it is made in memory.
    """
    with _lock:
        known = _known.get(db)
        connection = db.connection
        if connection.in_transaction:  # what is not committed yet is nothing to remember
            return _read(connection, known)
        if known is None or known.at != _moment(connection):
            with let_pass():
                refresh(db, db.at_leisure, patience=10)
        connection.execute("BEGIN")
        try:
            found = _known[db] = _read(connection, known)
        finally:
            connection.rollback()
        return found


def refresh(
    db: Database,
    writing: Callable[[], AbstractContextManager[sqlite3.Connection | None]],
    patience: int = 1,
) -> None:
    """Write the parts that the file lacks, and when many rows have changed, theirs.

    Args:
        db: the mirror.
        writing: begins each of the short transactions; gives None when there can be none.
        patience: how many times RENEW changes may be noted.

    Raises:
        sqlite3.OperationalError, StoreOpsError: as `writing` does; the changes stay noted.
    """
    if not meta.read(db.connection, "columns"):
        with writing() as connection:
            if connection is None:
                return
            _begin(connection)
    copy = meta.read(db.connection, "columns")
    parts, number = _stale(db.connection, patience * RENEW)
    for table, part in parts:
        with writing() as connection:
            if connection is None or meta.read(connection, "columns") != copy:
                return  # dropped meanwhile: changes were not noted, or this is another copy
            connection.execute(
                "INSERT INTO column_part (kind, part, data) VALUES (?, ?, ?)"
                " ON CONFLICT (kind, part) DO UPDATE SET data = excluded.data",
                (table, part, _packed(connection, table, part)),
            )
    if number:
        with writing() as connection:
            if connection is not None and meta.read(connection, "columns") == copy:
                connection.execute("DELETE FROM column_change WHERE number < ?", (number,))
                connection.execute("UPDATE column_change SET key = 0 WHERE number = ?", (number,))


def drop(connection: sqlite3.Connection) -> None:
    """Take the copy out of the file, in a write transaction."""
    if not meta.read(connection, "columns"):
        return
    for table in _NOTED:
        for event in ("insert", "update", "delete"):
            connection.execute(f"DROP TRIGGER IF EXISTS column_{table}_{event}")
    connection.execute("DELETE FROM column_part")
    # numbers go on, so that no copy is ever mistaken for another
    connection.execute(
        "DELETE FROM column_change WHERE number < (SELECT max(number) FROM column_change)"
    )
    connection.execute("UPDATE column_change SET key = 0")
    meta.write(connection, "columns", "")


# -- reading --------------------------------------------------------------------------------------


def _moment(connection: sqlite3.Connection) -> Moment:
    (number,) = connection.execute("SELECT max(number) FROM column_change").fetchone()
    return Moment(meta.read(connection, "columns"), number or 0, meta.revision(connection))


def _read(connection: sqlite3.Connection, known: ColumnSnapshot | None) -> ColumnSnapshot:
    now = _moment(connection)
    if known is not None and known.at == now:
        return known
    words = dict(known.words) if known is not None else {}
    (first,) = connection.execute("SELECT min(number) FROM column_change").fetchone()
    if known is not None and now.copy and known.at.copy == now.copy and known.at.number >= first:
        tables, tags = {table: dict(each) for table, each in known.tables.items()}, known.tags
        since = known.at.number
    else:
        with streaming(connection):
            tables, tags = _parts(connection, words)
        since = 0
    for table, keys in _changed(connection, since).items():
        if keys:
            tables[table], tags = _patched(connection, table, tables[table], tags, keys, words)
    return ColumnSnapshot(now, tables, tags, words)


def _changed(connection: sqlite3.Connection, since: int) -> dict[str, list[int]]:
    """Table → keys of the rows that changed after a change."""
    rows = connection.execute(
        "SELECT DISTINCT key FROM column_change WHERE number > ? AND key <> 0", (since,)
    )
    keys = [row[0] for row in rows]
    return {
        "follow": [key for key in keys if key > 0], "customer": [-key for key in keys if key < 0],
    }  # fmt: skip


def _stale(connection: sqlite3.Connection, most: int) -> tuple[set[tuple[str, int]], int]:
    """(table, part) that the file lacks, and when many rows have changed, those that hold one; the
    change up to which these then have all, 0 for none."""
    there = set(connection.execute("SELECT kind, part FROM column_part"))
    found = {
        (table, part) for table in TABLES for part in range(_last(connection, table) + 1)
    } - there
    first, last = connection.execute(
        "SELECT min(number), max(number) FROM column_change"
    ).fetchone()
    if last - first <= most:
        return found, 0
    for table, keys in _changed(connection, 0).items():
        found.update((table, key // PART) for key in keys)
    return found, last


def _last(connection: sqlite3.Connection, table: str) -> int:
    return (connection.execute(f"SELECT max(id) FROM {table}").fetchone()[0] or 0) // PART


def _parts(
    connection: sqlite3.Connection, words: dict[str, int]
) -> tuple[dict[str, dict[str, NDArray[Any]]], tuple[NDArray[Any], NDArray[Any]]]:
    """All columns from the file, and from the rows where it lacks a part."""
    import numpy as np

    tables: dict[str, dict[str, NDArray[Any]]] = {}
    tags: dict[str, list[NDArray[Any]]] = {"tag of": [], "tag": []}
    for table in TABLES:
        made: dict[str, NDArray[Any]] = {}
        parts = _last(connection, table) + 1
        for part, data in _data(connection, table, parts):
            place = slice(part * PART, (part + 1) * PART)
            for name, column in _unpacked(data, words).items():
                if name in tags:
                    tags[name].append(column.copy())  # a view would keep the whole part
                elif name not in made:
                    made[name] = np.zeros(parts * PART, column.dtype)
                elif made[name].dtype != column.dtype:
                    made[name] = made[name].astype(np.result_type(made[name], column), copy=False)
                if name in made:
                    made[name][place] = column
        tables[table] = made
    return tables, (np.concatenate(tags["tag of"]), np.concatenate(tags["tag"]))


def _data(connection: sqlite3.Connection, table: str, parts: int) -> Iterator[tuple[int, bytes]]:
    """The parts of a table, those that the file lacks made of the rows."""
    there = 0
    stored = connection.execute(
        "SELECT part, data FROM column_part WHERE kind = ? AND part < ? ORDER BY part",
        (table, parts),
    )
    for part, data in stored:
        yield from ((each, _packed(connection, table, each)) for each in range(there, part))
        yield part, data
        there = part + 1
    yield from ((each, _packed(connection, table, each)) for each in range(there, parts))


def _patched(
    connection: sqlite3.Connection,
    table: str,
    before: Mapping[str, NDArray[Any]],
    tags: tuple[NDArray[Any], NDArray[Any]],
    keys: list[int],
    words: dict[str, int],
) -> tuple[dict[str, NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]:
    """The columns with the rows of `keys` as they are now, and the tags."""
    import numpy as np

    listed = (json.dumps(keys),)
    ids, rows, of, tag = _rows(connection, table, "IN (SELECT value FROM json_each(?))", listed)
    size = (max(keys) // PART + 1) * PART
    found = {}
    for name, column in before.items():
        values = np.array(_coded(rows[name], words) if name in TEXTS else rows[name], np.int64)
        kinds = [np.min_scalar_type(each) for each in (values.min(), values.max())] if ids else []
        made = np.zeros(max(size, len(column)), np.result_type(column.dtype, *kinds))
        made[: len(column)] = column
        made[keys] = 0
        made[ids] = values
        found[name] = made
    if table == "follow":
        stays = np.ones(len(found["customer"]), bool)
        stays[keys] = False
        left = stays.take(tags[0])
        tags = (
            np.concatenate([tags[0].compress(left), _least(of)]),
            np.concatenate([tags[1].compress(left), _least(tag)]),
        )
    return found, tags


def _least(keys: list[int]) -> NDArray[Any]:
    import numpy as np

    return np.array(keys, np.min_scalar_type(max(keys, default=0)))


def _rows(
    connection: sqlite3.Connection, table: str, bounds: str, params: tuple[Any, ...]
) -> tuple[list[int], dict[str, list[Any]], list[int], list[int]]:
    """The keys within `bounds`, their values by column, and (follow.id, tag.id) of their tags;
    each column as one JSON text, which is a third as dear as row by row."""

    def lists(columns: Sequence[str], source: str) -> list[list[Any]]:
        arrays = ", ".join(f"json_group_array({each})" for each in columns)
        sql = f"SELECT {arrays} FROM {source} {bounds}"
        return [json.loads(each) for each in connection.execute(sql, params).fetchone()]

    ids, *values = lists(["id", *TABLES[table].values()], f"{table} WHERE id")
    tags: list[list[int]] = [[], []]
    if table == "follow":
        tags = lists(["follow_id", "tag_id"], "follow_tag WHERE follow_id")
    return ids, dict(zip(TABLES[table], values, strict=True)), tags[0], tags[1]


def _coded(texts: Sequence[str], words: dict[str, int]) -> list[int]:
    """The numbers of texts, from 1; 0 is what is not there."""
    for text in set(texts).difference(words):
        words[text] = len(words) + 1
    return list(map(words.__getitem__, texts))


# -- keeping --------------------------------------------------------------------------------------


def _begin(connection: sqlite3.Connection) -> None:
    """Note changes from now on; a part of before would lack those that nobody noted."""
    connection.execute("DELETE FROM column_part")
    for table, (key, matter) in _NOTED.items():
        for event, row, of in (
            ("insert", "new", ""), ("update", "new", f" OF {matter}"), ("delete", "old", ""),
        ):  # fmt: skip
            connection.execute(
                f"CREATE TRIGGER IF NOT EXISTS column_{table}_{event} AFTER {event}{of} ON {table}"
                f" BEGIN INSERT INTO column_change (key) VALUES ({key.format(row=row)}); END"
            )
    number = connection.execute("INSERT INTO column_change (key) VALUES (0)").lastrowid
    meta.write(connection, "columns", str(number))


def _packed(connection: sqlite3.Connection, table: str, part: int) -> bytes:
    """One part of the rows: a line that says what follows, then the arrays."""
    first = part * PART
    ids, rows, of, tag = _rows(connection, table, "BETWEEN ? AND ?", (first, first + PART - 1))
    whole = not ids or ids[-1] - ids[0] + 1 == len(ids)
    start = ids[0] - first if ids else 0
    head: list[Any] = []
    body = []

    def put(name: str, values: list[int], words: Sequence[str] = ()) -> None:
        low, high = min(values, default=0), max(values, default=0)
        code = next((each for each, most in _CODES.items() if low >= 0 and high <= most), "q")
        head.append([name, code, len(values), [*words]])
        body.append(array(code, values).tobytes())

    for name, values in rows.items():
        words: dict[str, int] = {}
        if name in TEXTS:
            values = _coded(values, words)
        if whole:
            column = [0] * start + values + [0] * (PART - start - len(values))
        else:
            column = [0] * PART
            for key, value in zip(ids, values, strict=True):
                column[key - first] = value
        put(name, column, list(words))
    if table == "follow":
        put("tag of", of)
        put("tag", tag)
    return json.dumps(head).encode() + b"\n" + b"".join(body)


_CODES = {"B": 0xFF, "H": 0xFFFF, "I": 0xFFFF_FFFF}  # of array and of numpy alike


def _unpacked(data: bytes, words: dict[str, int]) -> dict[str, NDArray[Any]]:
    """The arrays of a part, its texts by the numbers of `words`, which grow."""
    import numpy as np

    start = data.index(b"\n") + 1
    found = {}
    for name, code, size, texts in json.loads(data[:start]):
        column = np.frombuffer(data, code, size, start)
        start += column.nbytes
        if texts:
            numbers = [0, *_coded(texts, words)]
            column = np.array(numbers, np.min_scalar_type(max(numbers))).take(column)
        found[name] = column
    return found
