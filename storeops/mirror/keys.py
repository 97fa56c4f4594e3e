"""WeCom's ids at the edges, integer keys inside: who is which row."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

CHUNK = 512  # values per IN list


def padded(values: Sequence[object], size: int = CHUNK) -> Iterator[tuple[object, ...]]:
    """`values` in pieces of exactly `size`, the last one padded with NULL.

    One size means one prepared statement, which SQLite then keeps.
    """
    for start in range(0, len(values), size):
        piece = tuple(values[start : start + size])
        yield piece + (None,) * (size - len(piece))


def marks(size: int = CHUNK) -> str:
    """The question marks of an IN list of `size`."""
    return ",".join("?" * size)


@dataclass(slots=True)
class StaffKey:
    """A member as rows know them.

    Attributes:
        id: staff.id.
        store_id: department id of the member's shop, 0 unknown.
        covered: the member's customers have been read completely before, so what is new is news.
    """

    id: int
    store_id: int
    covered: bool


@dataclass(slots=True)
class Keys:
    """Looked-up keys of members and tags, kept between batches by one writer.

    After a rolled-back transaction call `forget`: it may have made rows that are gone again.
    """

    staff: dict[str, StaffKey] = field(default_factory=dict)
    tags: dict[str, int] = field(default_factory=dict)

    def forget(self) -> None:
        """Look everything up again."""
        self.staff.clear()
        self.tags.clear()

    def staff_key(self, connection: sqlite3.Connection, userid: str, now: int) -> StaffKey:
        """The member's key; an unknown member gets a bare row (name "", not in any shop)."""
        folded = userid.lower()
        known = self.staff.get(folded)
        if known is not None:
            return known
        row = connection.execute(
            "SELECT s.id, s.main_department, c.complete_at FROM staff AS s"
            " LEFT JOIN staff_coverage AS c ON c.staff_id = s.id WHERE s.userid = ?",
            (userid,),
        ).fetchone()
        if row is None:  # perhaps as WeCom called them before
            row = connection.execute(
                "SELECT s.id, s.main_department, c.complete_at FROM staff_former AS f"
                " JOIN staff AS s ON s.id = f.staff_id"
                " LEFT JOIN staff_coverage AS c ON c.staff_id = s.id WHERE f.userid = ?",
                (userid,),
            ).fetchone()
        if row is None:
            cursor = connection.execute(
                "INSERT INTO staff (userid, first_seen_at, updated_at) VALUES (?, ?, ?)",
                (userid, now, now),
            )
            assert cursor.lastrowid is not None
            key = StaffKey(cursor.lastrowid, 0, False)
        else:
            key = StaffKey(row[0], row[1], row[2] is not None)
        self.staff[folded] = key
        return key

    def tag_keys(self, connection: sqlite3.Connection, tag_ids: Iterable[str]) -> tuple[int, ...]:
        """Sorted tag.id of WeCom's tag ids; an unknown tag gets a row without a name."""
        found = set()
        for tag_id in tag_ids:
            key = self.tags.get(tag_id)
            if key is None:
                key = self.tags[tag_id] = self._tag_key(connection, tag_id)
            found.add(key)
        return tuple(sorted(found))

    @staticmethod
    def _tag_key(connection: sqlite3.Connection, tag_id: str) -> int:
        row = connection.execute("SELECT id FROM tag WHERE tag_id = ?", (tag_id,)).fetchone()
        if row is not None:
            return int(row[0])
        # Strategy tags are listed elsewhere (doc 94882); their ids start with "st".
        cursor = connection.execute(
            "INSERT INTO tag (tag_id, kind) VALUES (?, ?)",
            (tag_id, 3 if tag_id.startswith("st") else 1),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid


def next_id(connection: sqlite3.Connection, table: str) -> int:
    """The first free integer key of `table`; valid while this transaction lasts."""
    row = connection.execute(f"SELECT max(id) FROM {table}").fetchone()
    return (row[0] or 0) + 1
