"""Marks as the screens use them: which rows carry one, and the way back from a large change."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import compress

from storeops.database.database import Database
from storeops.notebook.marks import DEFAULT, count

SLICE = 50_000  # rows a transaction
BEFORE = "marked before"  # holds what DEFAULT held before the last large change


def among(db: Database, ids: Sequence[int], name: str = DEFAULT) -> frozenset[int]:
    """Which of these customers (customer.id) are in the mark."""
    rows = db.execute(
        "SELECT customer_id FROM mark_item WHERE mark_id = (SELECT id FROM mark WHERE name = ?)"
        " AND customer_id IN (SELECT value FROM json_each(?))",
        (name, json.dumps(list(ids))),
    )
    return frozenset(row[0] for row in rows)


def remember(db: Database, now: float, name: str = DEFAULT, before: str = BEFORE) -> None:
    """Copy the mark aside, replacing what was aside."""
    with db.atomic():
        _drop(db, before)
        db.execute(
            "INSERT INTO mark (name, created_at, updated_at) VALUES (?, ?, ?)",
            (before, int(now), int(now)),
        )
        db.execute(
            "INSERT INTO mark_item (mark_id, customer_id) SELECT (SELECT id FROM mark WHERE"
            " name = ?), customer_id FROM mark_item WHERE mark_id ="
            " (SELECT id FROM mark WHERE name = ?) ORDER BY customer_id",
            (before, name),
        )


def put_aside(db: Database, name: str = DEFAULT, before: str = BEFORE) -> int:
    """Empty the mark by laying it aside whole; returns how many it held. One row is written."""
    held = count(db, name)
    with db.atomic():
        _drop(db, before)
        db.execute("UPDATE mark SET name = ? WHERE name = ?", (before, name))
    return held


def swap(db: Database, name: str = DEFAULT, before: str = BEFORE) -> int | None:
    """Exchange the mark with what was laid aside; how many it holds then, None without such."""
    with db.atomic():
        there = db.execute("SELECT id FROM mark WHERE name = ?", (before,)).fetchone()
        if there is None:
            return None
        db.execute("UPDATE mark SET name = ? WHERE name = ?", ("\x00swap", name))
        db.execute("UPDATE mark SET name = ? WHERE id = ?", (name, there[0]))
        db.execute("UPDATE mark SET name = ? WHERE name = ?", (before, "\x00swap"))
    return count(db, name)


def flip(db: Database, ids: Iterable[int], now: float, name: str = DEFAULT) -> int:
    """Mark those that are not, free those that are; how many are in the mark then.

    Args:
        db: data.db.
        ids: customer.id, few.
        now: Unix seconds.
        name: the mark; made when there is none.
    """
    keys = sorted(set(ids))
    with db.atomic():
        db.execute(
            "INSERT OR IGNORE INTO mark (name, created_at, updated_at) VALUES (?, ?, ?)",
            (name, int(now), int(now)),
        )
        mark = db.execute("SELECT id FROM mark WHERE name = ?", (name,)).fetchone()[0]
        marked = among(db, keys, name)
        db.executemany(
            "DELETE FROM mark_item WHERE mark_id = ? AND customer_id = ?",
            ((mark, key) for key in keys if key in marked),
        )
        db.executemany(
            "INSERT INTO mark_item (mark_id, customer_id) VALUES (?, ?)",
            ((mark, key) for key in keys if key not in marked),
        )
    return count(db, name)


def add_all(db: Database, ids: Iterable[int], now: float, name: str = DEFAULT) -> None:
    """Mark very many: one byte per customer of the mirror is held, others wait at most 50 ms."""
    _write(db, name, now, _bitmap(db, ids), bytearray())


def flip_all(db: Database, ids: Iterable[int], now: float, name: str = DEFAULT) -> None:
    """Turn the marks of very many, as `add_all`."""
    wanted = _bitmap(db, ids)
    held = _bitmap(
        db,
        (
            row[0]
            for row in db.execute(
                "SELECT customer_id FROM mark_item"
                " WHERE mark_id = (SELECT id FROM mark WHERE name = ?)",
                (name,),
            )
        ),
    )
    both = (int.from_bytes(wanted, "big") & int.from_bytes(held, "big")).to_bytes(len(held), "big")
    new = (int.from_bytes(wanted, "big") ^ int.from_bytes(both, "big")).to_bytes(len(held), "big")
    _write(db, name, now, bytearray(new), bytearray(both))


def _bitmap(db: Database, ids: Iterable[int]) -> bytearray:
    """A byte per customer.id, 1 for those given."""
    last = db.execute("SELECT coalesce(max(id), 0) FROM customer").fetchone()[0]
    found = bytearray(last + 1)
    for key in ids:
        if key <= last:
            found[key] = 1
    return found


def _write(db: Database, name: str, now: float, add: bytearray, remove: bytearray) -> None:
    with db.atomic():
        db.execute(
            "INSERT OR IGNORE INTO mark (name, created_at, updated_at) VALUES (?, ?, ?)",
            (name, int(now), int(now)),
        )
        db.execute("UPDATE mark SET updated_at = ? WHERE name = ?", (int(now), name))
        mark = db.execute("SELECT id FROM mark WHERE name = ?", (name,)).fetchone()[0]
    for low in range(0, len(add), SLICE):
        high = low + SLICE
        part = (mark, low, high - 1)
        for bitmap, whole, single in (
            (remove, _REMOVE_RANGE, "DELETE FROM mark_item WHERE mark_id = ? AND customer_id = ?"),
            (
                add,
                _ADD_RANGE,
                "INSERT OR IGNORE INTO mark_item (mark_id, customer_id) VALUES (?, ?)",
            ),
        ):
            wanted = bitmap.count(1, low, high)
            if not wanted:
                continue
            with db.atomic():
                there = db.execute(
                    "SELECT count(*) FROM customer WHERE id BETWEEN ? AND ?", (low, high - 1)
                ).fetchone()[0]
                if wanted == there:  # all of them: one statement is three times as fast
                    db.execute(whole, part)
                else:
                    keys = compress(range(low, high), bitmap[low:high])
                    db.executemany(single, [(mark, key) for key in keys])


_ADD_RANGE = (
    "INSERT OR IGNORE INTO mark_item (mark_id, customer_id)"
    " SELECT ?, id FROM customer WHERE id BETWEEN ? AND ? ORDER BY id"
)
_REMOVE_RANGE = "DELETE FROM mark_item WHERE mark_id = ? AND customer_id BETWEEN ? AND ?"


def _drop(db: Database, name: str) -> None:
    db.execute(
        "DELETE FROM mark_item WHERE mark_id = (SELECT id FROM mark WHERE name = ?)", (name,)
    )
    db.execute("DELETE FROM mark WHERE name = ?", (name,))
