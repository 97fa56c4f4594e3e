"""Marks: frozen sets of customers with a name, shared by commands and screens.

A mark holds the customers it was given, whatever happens to them later; it survives restarts and
filters. The screens' own mark is called `marked`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from storeops.database.database import Database
from storeops.errors import NotFoundError
from storeops.i18n import _
from storeops.notebook.views import check_name
from storeops.spelling import did_you_mean

DEFAULT = "marked"
_SLICE = 50_000  # rows a transaction: others wait less than 50 ms


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark.

    Attributes:
        id: its key; `mark_item.mark_id`.
        name: its name, upper and lower case alike.
        rows: customers in it.
        created_at, updated_at: Unix seconds.
    """

    id: int
    name: str
    rows: int
    created_at: int
    updated_at: int


def list_marks(db: Database) -> list[Mark]:
    """All marks, by name."""
    rows = db.execute(
        "SELECT id, name, (SELECT count(*) FROM mark_item WHERE mark_id = mark.id),"
        " created_at, updated_at FROM mark ORDER BY name"
    )
    return [Mark(*row) for row in rows]


def mark_keys(db: Database) -> dict[str, int]:
    """Name → key of every mark, for the filter language."""
    return dict(db.execute("SELECT name, id FROM mark").fetchall())


def get_mark(db: Database, name: str) -> Mark:
    """One mark.

    Raises:
        NotFoundError: with the nearest names.
    """
    row = db.execute(
        "SELECT id, name, (SELECT count(*) FROM mark_item WHERE mark_id = mark.id),"
        " created_at, updated_at FROM mark WHERE name = ?",
        (name.strip(),),
    ).fetchone()
    if row is None:
        names = list(mark_keys(db))
        known = _("Known: {names}.").format(names=_(", ").join(names[:5]))
        none = _("Make one with `storeops mark add NAME --where FILTER`.")
        raise NotFoundError(
            _("There is no mark “{name}”.").format(name=name),
            hint=did_you_mean(name, names, known if names else none, most=3),
        )
    return Mark(*row)


def add_ids(db: Database, name: str, ids: Iterable[int], now: float) -> int:
    """Put customers into a mark, which is made when there is none.

    Args:
        db: data.db.
        name: the mark.
        ids: customer.id, in any order, doubles allowed; read to the end before anything is written.
        now: Unix seconds.

    Returns:
        How many were not in it before.
    """
    name = check_name(name)
    keys = array("q", ids)
    ordered = sorted(keys)  # in key order the table grows at its end
    with db.atomic():
        db.execute(
            "INSERT OR IGNORE INTO mark (name, created_at, updated_at) VALUES (?, ?, ?)",
            (name, int(now), int(now)),
        )
        db.execute("UPDATE mark SET updated_at = ? WHERE name = ?", (int(now), name))
    mark = get_mark(db, name)
    for at in range(0, len(ordered), _SLICE):
        with db.atomic():
            db.executemany(
                "INSERT OR IGNORE INTO mark_item (mark_id, customer_id) VALUES (?, ?)",
                ((mark.id, key) for key in ordered[at : at + _SLICE]),
            )
    return count(db, name) - mark.rows


def remove_ids(db: Database, name: str, ids: Iterable[int], now: float) -> int:
    """Take customers out of a mark; how many were in it.

    Raises:
        NotFoundError: there is no such mark.
    """
    mark = get_mark(db, name)
    ordered = sorted(array("q", ids))
    for at in range(0, len(ordered), _SLICE):
        with db.atomic():
            db.executemany(
                "DELETE FROM mark_item WHERE mark_id = ? AND customer_id = ?",
                ((mark.id, key) for key in ordered[at : at + _SLICE]),
            )
    with db.atomic():
        db.execute("UPDATE mark SET updated_at = ? WHERE id = ?", (int(now), mark.id))
    return mark.rows - count(db, name)


def invert(db: Database, name: str, within: Iterable[int], now: float) -> int:
    """Of `within`, mark those that are not and free those that are; how many are in it then.

    Args:
        db: data.db.
        name: the mark; made when there is none.
        within: customer.id.
        now: Unix seconds.
    """
    before = set(ids_of(db, name)) if name in _names(db) else set()
    keys = set(within)
    if before & keys:
        remove_ids(db, name, before & keys, now)
    add_ids(db, name, keys - before, now)
    return count(db, name)


def count(db: Database, name: str) -> int:
    """Customers in a mark; 0 when there is no such mark."""
    row = db.execute(
        "SELECT count(*) FROM mark_item WHERE mark_id = (SELECT id FROM mark WHERE name = ?)",
        (name.strip(),),
    ).fetchone()
    return int(row[0])


def ids_of(db: Database, name: str) -> Iterator[int]:
    """The customer.id in a mark, ascending.

    Raises:
        NotFoundError: there is no such mark.
    """
    mark = get_mark(db, name)
    for row in db.execute(
        "SELECT customer_id FROM mark_item WHERE mark_id = ? ORDER BY customer_id", (mark.id,)
    ):
        yield row[0]


def clear(db: Database, name: str) -> int:
    """Take a mark away with everything in it; how many customers it held.

    Raises:
        NotFoundError: there is no such mark.
    """
    mark = get_mark(db, name)
    while True:
        with db.atomic():
            gone = db.execute(
                "DELETE FROM mark_item WHERE mark_id = ? AND customer_id IN"
                " (SELECT customer_id FROM mark_item WHERE mark_id = ? LIMIT ?)",
                (mark.id, mark.id, _SLICE),
            ).rowcount
            if gone < _SLICE:
                db.execute("DELETE FROM mark WHERE id = ?", (mark.id,))
                return mark.rows


def _names(db: Database) -> set[str]:
    return {name.casefold() for name in mark_keys(db)} | set(mark_keys(db))
