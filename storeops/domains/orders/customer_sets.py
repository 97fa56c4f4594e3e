"""Sets of customers that filters and facets ask for again and again: who bought of a category,
through a channel, in a shop, and who is of a segment.

`value run` writes them, one blob a value: a bit for each customer, or their numbers where that is
shorter. Who changed since is noted beside and looked up at each reading, so that the answer is that
of the tables. Where too many changed, and on a small mirror, there are none and the tables are
asked.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from storeops.database.database import Database
from storeops.mirror import column_store
from storeops.mirror.bytemap import array_of
from storeops.reading import identities

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from storeops.mirror.column_store import Mask

    Keys = NDArray[np.int64]  # customer.id

CHANNEL, SHOP, SEGMENT, CATEGORY = "channel", "shop", "segment", "category"
MOST_CHANGED = 10_000  # customers; to look at each takes 5 µs
LEAST_OF_CATEGORY = 20_000  # customers; fewer are as soon listed by their index
_READY = "sets"  # in orders_meta: begun | ready
_PLACE = "SELECT customer_id AS key, value FROM orders_place WHERE what = '{what}'"
_PLACE_OF = (
    "SELECT c.customer_id AS key, p.value FROM orders_changed c CROSS JOIN orders_place p"
    " ON p.customer_id = c.customer_id WHERE p.what = '{what}'"
)
_EVERY = {
    CHANNEL: _PLACE.format(what=CHANNEL),
    SHOP: _PLACE.format(what=SHOP),
    SEGMENT: "SELECT customer_id AS key, segment AS value FROM orders_value",
}
_CHANGED = {
    CHANNEL: _PLACE_OF.format(what=CHANNEL),
    SHOP: _PLACE_OF.format(what=SHOP),
    SEGMENT: "SELECT c.customer_id AS key, v.segment AS value FROM orders_changed c"
    " CROSS JOIN orders_value v ON v.customer_id = c.customer_id",
    CATEGORY: "SELECT c.customer_id AS key, p.category AS value FROM orders_changed c"
    " CROSS JOIN orders_article a ON a.customer_id = c.customer_id"
    " JOIN orders_product p ON p.code = a.code",
}


# -- writing --------------------------------------------------------------------------------------


def note_changed(connection: sqlite3.Connection, customers: Sequence[int]) -> None:
    """Remember, in the transaction that changes what is kept of them, whose sets are old."""
    if not _state(connection):
        return
    connection.executemany(
        "INSERT OR IGNORE INTO orders_changed VALUES (?)", [(each,) for each in customers]
    )
    (count,) = connection.execute("SELECT count(*) FROM orders_changed").fetchone()
    if count > MOST_CHANGED:
        drop(connection)


def drop(connection: sqlite3.Connection) -> None:
    """Hold nothing any more, in the caller's transaction."""
    connection.execute("DELETE FROM orders_meta WHERE key = ?", (_READY,))
    connection.execute("DELETE FROM orders_set")
    connection.execute("DELETE FROM orders_changed")


def hold(db: Database) -> None:
    """Make the sets anew: a second for each million rows of what was bought. What changes meanwhile
    is noted; a run that is cut off leaves no set."""
    if column_store.small(db):
        return
    with db.atomic() as connection:
        drop(connection)
        connection.execute("INSERT INTO orders_meta VALUES (?, 'begun')", (_READY,))
    size = identities.position(db.connection).customer + 1
    made = [(what, value, *_packed(keys, size)) for what, value, keys in _sets(db.connection, size)]
    with db.atomic() as connection:
        if _state(connection) == "begun":  # else too many changed meanwhile
            connection.executemany("INSERT INTO orders_set VALUES (?, ?, ?, ?)", made)
            connection.execute("UPDATE orders_meta SET value = 'ready' WHERE key = ?", (_READY,))


def _state(connection: sqlite3.Connection) -> str:
    row = connection.execute("SELECT value FROM orders_meta WHERE key = ?", (_READY,)).fetchone()
    return str(row[0]) if row else ""


def _sets(connection: sqlite3.Connection, size: int) -> Iterator[tuple[str, str, Keys]]:
    import numpy as np

    for what, sql in _EVERY.items():
        for value, text in connection.execute(
            f"SELECT value, json_group_array(key) FROM ({sql}) GROUP BY value"
        ):
            yield what, value, np.fromstring(text[1:-1], np.int64, sep=",")
    open_: list[tuple[str, Mask]] = []  # the categories that hold the one at hand, the widest first
    categories = sorted(
        (path for (path,) in connection.execute("SELECT DISTINCT category FROM orders_product")),
        key=lambda path: path.split("/"),
    )
    for path in [*categories, ""]:
        while open_ and not path.startswith(f"{open_[-1][0]}/"):
            whole, mask = open_.pop()
            keys = np.flatnonzero(mask)
            if len(keys) >= LEAST_OF_CATEGORY:
                yield CATEGORY, whole, keys
        if not path:
            continue
        begun = len(open_[-1][0]) + 1 if open_ else 0
        for end in [
            *(at for at, sign in enumerate(path) if sign == "/" and at >= begun),
            len(path),
        ]:
            open_.append((path[:end], np.zeros(size, bool)))
        keys = array_of(
            connection,
            "SELECT a.customer_id AS key FROM orders_product p JOIN orders_article a"
            " ON a.code = p.code WHERE p.category = ?",
            (path,),
        )
        keys = keys[keys < size]
        for _whole, mask in open_:
            mask[keys] = True


def _packed(keys: Keys, size: int) -> tuple[int, bytes]:
    """(whether one bit stands for each customer, the bytes)."""
    import numpy as np

    if len(keys) * 32 < size:
        return 0, keys.astype("<i4").tobytes()
    mask = np.zeros(size, bool)
    mask[keys[keys < size]] = True
    return 1, np.packbits(mask, bitorder="little").tobytes()


# -- reading --------------------------------------------------------------------------------------
# Who changed is read before the set: who changes between the two is in the set as before.


def mask(connection: sqlite3.Connection, what: str, value: str, size: int) -> Mask | None:
    """Who is in a set, by customer.id; None where it is not kept.

    Args:
        connection: on data.db.
        what: channel | shop | segment | category.
        value: of a category also those below it.
        size: of the array; who has a larger number is left out.
    """
    test, params = "value = ?", [value]
    if what == CATEGORY:
        test, params = "value = ? OR value >= ? AND value < ?", [value, f"{value}/", f"{value}0"]
    changed = array_of(connection, _SINCE)
    now = array_of(connection, f"SELECT key FROM ({_CHANGED[what]}) WHERE {test}", tuple(params))
    row = connection.execute(f"{_SETS} AND h.value = ? {_IF_READY}", (what, value)).fetchone()
    if row is None or (row[0] is None and what == CATEGORY):
        return None
    import numpy as np

    found = np.zeros(size, bool)
    _add(found, *row[1:])
    for keys, there in ((changed, False), (now, True)):
        found[keys[keys < size]] = there
    return found


def every(
    connection: sqlite3.Connection, what: str, size: int
) -> list[tuple[int | str, Mask | Keys]] | None:
    """(value, who is in its set) of channel, shop or segment; None where they are not kept.

    Args:
        connection: on data.db.
        what: channel | shop | segment.
        size: of the arrays of yes and no by customer.id that stand for sets of many; of few there
            are the numbers, below `size` too.
    """
    import numpy as np

    changed = array_of(connection, _SINCE)
    now = connection.execute(f"SELECT value, key FROM ({_CHANGED[what]}) ORDER BY value").fetchall()
    rows = connection.execute(f"{_SETS} {_IF_READY}", (what,)).fetchall()
    if not rows:
        return None
    moved = np.zeros(size, bool)
    moved[changed[changed < size]] = True
    more = {
        value: keys[keys < size]
        for value, pairs in groupby(now, lambda row: row[0])
        for keys in [np.array([key for _value, key in pairs], np.int64)]
    }
    found: list[tuple[int | str, Mask | Keys]] = []
    who: Any
    for value, dense, blob in rows:
        if value is None:  # ready, and there is no set of that kind
            continue
        new = more.pop(value, None)
        if dense:
            who = _bits(blob, size)
            if len(changed):
                who &= ~moved
        else:
            who = _keys(blob)
            who = who[who < size]
            if len(changed):
                who = who[~moved.take(who)]
        if new is not None and dense:
            who[new] = True
        elif new is not None:
            who = np.concatenate([who, new])
        found.append((value, who))
    return [*found, *more.items()]


_SINCE = "SELECT customer_id AS key FROM orders_changed"
_SETS = (
    "SELECT h.value, h.dense, h.customers FROM orders_meta m LEFT JOIN orders_set h ON h.what = ?"
)
_IF_READY = f"WHERE m.key = '{_READY}' AND m.value = 'ready'"


def _add(mask: Mask, dense: int | None, blob: bytes | None) -> None:
    """Set the places of those in a set."""
    if dense:
        mask |= _bits(blob, len(mask))
    else:
        keys = _keys(blob)
        mask[keys[keys < len(mask)]] = True


def _bits(blob: bytes | None, size: int) -> Mask:
    import numpy as np

    bits = np.frombuffer(blob or b"", np.uint8)
    return np.unpackbits(bits, count=size, bitorder="little").view(bool)


def _keys(blob: bytes | None) -> NDArray[np.int32]:
    import numpy as np

    return np.frombuffer(blob or b"", "<i4")
