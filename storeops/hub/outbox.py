"""The outbox of head office: which things changed, noted by triggers in the writing transaction.

Without `hub init` there are no triggers, and a sync writes what it always wrote. A note names a
thing and no more: what is published is read when it is published, so that a note lost nothing by a
crash and holds nobody's data.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Collection, Mapping

from storeops.database.database import Database
from storeops.hub import state
from storeops.hub.things import things
from storeops.mirror.shared import department_parents

DEPARTMENTS = "hub_department"


def install(db: Database) -> None:
    """Note changes from now on; triggers of an earlier version give way. What that version did not
    know, or a domain that was away, is noted as it is: nobody noted how it became so."""
    with db.atomic() as connection:
        before = {name.split("_")[2] for name in _triggers(connection)}
        remove(connection)
        for kind, thing in things().items():
            for number, noted in enumerate(thing.noted):
                for event, rows in (
                    ("insert", ("NEW",)), ("update", ("OLD", "NEW")), ("delete", ("OLD",)),
                ):  # fmt: skip
                    of = f" OF {noted.columns}" if noted.columns and event == "update" else ""
                    keys = " UNION ".join(noted.keys.format(row=row) for row in rows)
                    connection.execute(
                        f"CREATE TRIGGER hub_note_{kind}_{number}_{event}"
                        f" AFTER {event.upper()}{of} ON {noted.table}"
                        f" BEGIN {_noted(kind, keys)} END"
                    )
        new = things().keys() - before
        if new and state.read(connection, "installed"):
            now = time.time()
            for (store,) in connection.execute(
                "SELECT department_id FROM hub_store WHERE status = 'active'"
            ).fetchall():
                note_all(connection, store, now, new)
            for kind in sorted(new):
                published = "SELECT DISTINCT kind, key FROM hub_published WHERE kind = :kind"
                _note(connection, published, {"kind": kind}, now)
        state.write(connection, "installed", "1")


def _noted(kind: str, keys: str) -> str:
    """Statements that note things, each once: a new note takes the place of an older one, so that
    an outbox that nobody serves holds no more rows than there are things.

    A conflict would be settled as the statement settles it that fires the trigger, so there must be
    none: what is older is deleted, not replaced.
    """
    named = f"SELECT NULL AS key WHERE 0 UNION {keys}"
    return (
        "INSERT INTO hub_outbox (kind, key, at)"
        f" SELECT '{kind}', k.key, coalesce((SELECT min(o.at) FROM hub_outbox AS o"
        f" WHERE o.kind = '{kind}' AND o.key = k.key), strftime('%s', 'now')) FROM ({named}) AS k"
        " WHERE k.key IS NOT NULL;"
        f" DELETE FROM hub_outbox WHERE kind = '{kind}' AND key IN ({keys}) AND number <"
        " (SELECT max(n.number) FROM hub_outbox AS n"
        f" WHERE n.kind = '{kind}' AND n.key = hub_outbox.key);"
    )


def _note(
    connection: sqlite3.Connection, select: str, values: Mapping[str, object], at: float
) -> None:
    """Note things, each once, in a write transaction.

    Args:
        connection: of data.db.
        select: SELECT of (kind, key).
        values: for it.
        at: Unix seconds.
    """
    (before,) = connection.execute("SELECT coalesce(max(number), 0) FROM hub_outbox").fetchone()
    connection.execute(
        f"INSERT INTO hub_outbox (kind, key, at) SELECT *, :at FROM ({select})",
        {**values, "at": int(at)},
    )
    connection.execute(
        "DELETE FROM hub_outbox WHERE number IN (SELECT o.number FROM hub_outbox AS n"
        " JOIN hub_outbox AS o ON o.kind = n.kind AND o.key = n.key AND o.number < n.number"
        " WHERE n.number > ?)",
        (before,),
    )


def note(connection: sqlite3.Connection, kind: str, key: int, at: float) -> None:
    """Let one thing be published as it is now, in a write transaction."""
    _note(connection, "SELECT :kind, :key", {"kind": kind, "key": key}, at)


def installed(db: Database) -> bool:
    """Whether this is a head office: `hub init` was run here."""
    return state.read(db.connection, "installed") == "1"


def remove(connection: sqlite3.Connection) -> None:
    """Note nothing any more, in a write transaction."""
    for name in _triggers(connection):
        connection.execute(f"DROP TRIGGER {name}")


def _triggers(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'hub\\_note\\_%'"
        " ESCAPE '\\'"
    )
    return [name for (name,) in rows]


def note_all(
    connection: sqlite3.Connection, store: int, at: float, kinds: Collection[str] | None = None
) -> None:
    """Let everything that a shop gets be published once more, in a write transaction.

    Args:
        connection: of data.db.
        store: department id of the shop.
        at: Unix seconds.
        kinds: only things of these; None for all.
    """
    for kind, thing in things().items():
        if kinds is not None and kind not in kinds:
            continue
        every = thing.every.format(departments=DEPARTMENTS)
        _note(connection, f"SELECT :kind, * FROM ({every})", {"kind": kind, "store": store}, at)


def publish_again(
    connection: sqlite3.Connection, kind: str, key: int, store: int, at: float
) -> None:
    """Let one thing be published to a shop in any case, in a write transaction.

    Args:
        connection: of data.db.
        kind: of the thing.
        key: its number.
        store: department id of the shop.
        at: Unix seconds.
    """
    connection.execute(
        "UPDATE hub_published SET digest = x'' WHERE kind = ? AND key = ? AND store = ?",
        (kind, key, store),
    )
    _note(connection, "SELECT :kind, :key", {"kind": kind, "key": key}, at)


def forget_published(connection: sqlite3.Connection, store: int) -> None:
    """Believe that a shop has nothing yet, so that what is noted is published in any case."""
    connection.execute("DELETE FROM hub_published WHERE store = ?", (store,))


def doubt_published(connection: sqlite3.Connection, store: int, at: float) -> None:
    """Let what a shop had be published in any case, as it is now: it may be the shop's no longer,
    and nobody has told it yet.

    Args:
        connection: of data.db, in a write transaction.
        store: department id of the shop, 0 for what all get.
        at: Unix seconds.
    """
    connection.execute("UPDATE hub_published SET digest = x'' WHERE store = ?", (store,))
    _note(
        connection, "SELECT kind, key FROM hub_published WHERE store = :store", {"store": store}, at
    )  # fmt: skip


def waiting(db: Database) -> tuple[int, float | None]:
    """How many notes wait to be published, and since when the oldest does (Unix seconds)."""
    count, oldest = db.execute("SELECT count(*), min(at) FROM hub_outbox").fetchone()
    return int(count), oldest


def spread_departments(connection: sqlite3.Connection, at: float) -> None:
    """Find anew which departments belong to which shop, and note what that changes.

    A department is the nearest shop's at or above it; a shop also gets to know those above it.

    Args:
        connection: of data.db, in a write transaction.
        at: Unix seconds.
    """
    parents = department_parents(connection)
    shops = {
        row[0]
        for row in connection.execute("SELECT department_id FROM hub_store WHERE status = 'active'")
    }
    wanted: set[tuple[int, int, int]] = set()
    for department in {*parents, *shops}:
        path = _upwards(department, parents)
        nearest = next((each for each in path if each in shops), None)
        if nearest is not None:
            wanted.add((department, nearest, 1))
        if department in shops:
            wanted.update((each, department, 0) for each in path[1:])
    known = set(connection.execute("SELECT department_id, store, below FROM hub_department"))
    if wanted == known:
        return
    connection.executemany(
        "DELETE FROM hub_department WHERE department_id = ? AND store = ? AND below = ?",
        known - wanted,
    )
    connection.executemany(
        "INSERT OR REPLACE INTO hub_department (department_id, store, below) VALUES (?, ?, ?)",
        wanted - known,
    )
    changed = known ^ wanted
    departments = sorted({each[0] for each in changed})
    _note(
        connection, "SELECT 'department', value FROM json_each(:departments)",
        {"departments": json.dumps(departments)}, at,
    )  # fmt: skip
    for store in sorted({store for _department, store, below in changed if below} & shops):
        note_all(connection, store, at)
    # what a shop had of a department that is no longer its own is looked at again, too
    for store in sorted({store for _department, store, below in known - wanted if below}):
        _note(
            connection, "SELECT kind, key FROM hub_published WHERE store = :store",
            {"store": store}, at,
        )  # fmt: skip


def _upwards(department: int, parents: dict[int, int]) -> list[int]:
    """A department and those above it, the nearest first; a circle ends where it began."""
    found: list[int] = []
    while department and department not in found:
        found.append(department)
        department = parents.get(department, 0)
    return found


def departments_of(connection: sqlite3.Connection, store: int) -> set[int]:
    """Departments that are a joined shop's own."""
    rows = connection.execute(
        "SELECT department_id FROM hub_department WHERE store = ? AND below = 1", (store,)
    )
    return {row[0] for row in rows}
