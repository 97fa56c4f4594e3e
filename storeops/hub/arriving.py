"""Writing what arrived into a back office's mirror, position and all in one transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from storeops.database.database import Database
from storeops.hub import asking, state
from storeops.hub.things import things
from storeops.mirror import indexes, meta
from storeops.mirror.shared import customer_keys, customers_replaced
from storeops.shared_rows import SharedThing

VERSION = 1  # the newest message that is understood here


@dataclass(frozen=True, slots=True)
class ArrivedThing:
    """A message as the server delivered it.

    Attributes:
        kind, key: the thing, from the subject.
        payload: as `publishing.payload_of` made it.
        stream: its number in the stream; grows.
        pending: how many follow.
        at: when the server took it from head office, Unix seconds.
    """

    kind: str
    key: int
    payload: bytes
    stream: int
    pending: int
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class FollowState:
    """How far a back office has come.

    Attributes:
        stream: number of the newest message that was written; 0 for none.
        behind: how many were known to follow it.
        caught_up_at: when nothing followed, last, Unix seconds; None never yet.
        word_at: when head office published the newest of what was written since then while it was
            away, and nobody could say whether that was all; Unix seconds, None for nothing.
        waiting: kinds that this version does not know, each with how many things wait.
    """

    stream: int
    behind: int
    caught_up_at: float | None
    word_at: float | None
    waiting: dict[str, int]


def follow_state(db: Database) -> FollowState:
    """How far this back office has come."""
    connection = db.connection
    caught_up = state.read(connection, "caught_up_at")
    word = state.read(connection, "word_at")
    unknown = {
        kind: count
        for kind, count in connection.execute(
            "SELECT kind, count(*) FROM hub_waiting GROUP BY kind ORDER BY kind"
        )
        if kind not in things()
    }
    return FollowState(
        state.number(connection, "stream"),
        state.number(connection, "behind"),
        float(caught_up) if caught_up else None,
        float(word) if word else None,
        unknown,
    )


def begin_anew(db: Database) -> None:
    """Empty what came from head office: everything will be delivered once more.

    What people added (notes, marks, views) stays.
    """
    with db.atomic() as connection:
        replacing = customers_replaced(connection, customer_keys(connection))
        with meta.letting(connection), replacing:
            for thing in things().values():
                for table in reversed(thing.tables):
                    connection.execute(f"DELETE FROM {table.name}")
        connection.execute("DELETE FROM hub_waiting")
        connection.execute("DELETE FROM hub_arrived")
        for key in ("stream", "behind", "caught_up_at", "word_at", "refill"):
            state.write(connection, key, "")
        meta.bump_revision(connection)


def note_let_in(db: Database, let_in: bool) -> None:
    """Remember whether the server let this back office in when it was last asked.

    Args:
        db: data.db of the back office.
        let_in: whether it did.
    """
    wanted = "" if let_in else "1"
    if state.read(db.connection, "turned_away") != wanted:
        with db.atomic() as connection:
            state.write(connection, "turned_away", wanted)


def turned_away(db: Database) -> bool:
    """Whether the server did not let this back office in when it was last asked."""
    return bool(state.read(db.connection, "turned_away"))


def write(db: Database, messages: Sequence[ArrivedThing], now: float, *, sure: bool) -> int:
    """Write messages; of each thing the newest counts, in whatever order they come.

    A message is delivered again when it was not acknowledged. A thing's older message never
    undoes a newer one.

    Args:
        db: data.db of the back office.
        messages: as they were delivered.
        now: WeCom's time, Unix seconds.
        sure: nothing that comes before the last message is missing, and only what it says follows
            it. Else the position stays as it is, so that all of this comes once more.

    Returns:
        How many things changed.
    """
    if state.number(db.connection, "stream") == 0:
        indexes.postpone(db)
    behind = messages[-1].pending
    with db.atomic() as connection:
        due: dict[tuple[str, int], bytes] = {}
        for each in messages:
            if not _newer(connection, each):
                continue
            name = (each.kind, each.key)
            due.pop(name, None)
            connection.execute("DELETE FROM hub_waiting WHERE kind = ? AND key = ?", name)
            if _shown_at_once(each):
                due[name] = each.payload
            else:
                connection.execute(
                    "INSERT INTO hub_waiting (kind, key, payload) VALUES (?, ?, ?)",
                    (*name, each.payload),
                )
        if behind == 0 and sure:
            due.update(_due(connection))
            _everything_is_here(connection, now)
        _write(connection, due)
        if sure:
            newest = max(state.number(connection, "stream"), *(each.stream for each in messages))
            state.write(connection, "stream", newest)
            state.write(connection, "behind", behind)
        else:
            word = float(state.read(connection, "word_at") or 0)
            state.write(connection, "word_at", max(word, *(each.at for each in messages)))
        if due:
            meta.bump_revision(connection)
    return len(due)


def _newer(connection: sqlite3.Connection, message: ArrivedThing) -> bool:
    """Whether nothing newer of the thing was written; it is noted as the newest then."""
    cursor = connection.execute(
        "INSERT INTO hub_arrived (kind, key, stream) VALUES (?, ?, ?)"
        " ON CONFLICT (kind, key) DO UPDATE SET stream = excluded.stream"
        " WHERE excluded.stream > hub_arrived.stream",
        (message.kind, message.key, message.stream),
    )
    return cursor.rowcount > 0


def caught_up(db: Database, now: float) -> bool:
    """Note that nothing follows; what waited for that is shown now. Whether there was any."""
    with db.atomic() as connection:
        due = _due(connection)
        _write(connection, due)
        state.write(connection, "behind", 0)
        _everything_is_here(connection, now)
        if due:
            meta.bump_revision(connection)
    return bool(due)


def _everything_is_here(connection: sqlite3.Connection, now: float) -> None:
    state.write(connection, "caught_up_at", now)
    state.write(connection, "word_at", "")


def _shown_at_once(message: ArrivedThing) -> bool:
    thing = things().get(message.kind)
    return thing is not None and not thing.last and _tables(message.payload) is not None


def _due(connection: sqlite3.Connection) -> dict[tuple[str, int], bytes]:
    """What waited and can be written now; it waits no longer."""
    found = {
        (kind, key): payload
        for kind, key, payload in connection.execute("SELECT kind, key, payload FROM hub_waiting")
        if kind in things() and _tables(payload) is not None
    }
    connection.executemany("DELETE FROM hub_waiting WHERE kind = ? AND key = ?", found)
    return found


def _tables(payload: bytes) -> dict[str, Any] | None:
    """The tables of a message; None when it is of a later version, or broken."""
    try:
        message = json.loads(payload.decode("utf-8", "surrogatepass"))
    except ValueError:
        return None
    if not isinstance(message, dict) or message.get("v") != VERSION:
        return None
    tables = message.get("tables")
    return tables if isinstance(tables, dict) else None


def _write(connection: sqlite3.Connection, due: dict[tuple[str, int], bytes]) -> None:
    if not due:
        return
    searched = [key for kind, key in due if things()[kind].search]
    replacing = customers_replaced(connection, searched) if searched else nullcontext()
    with meta.letting(connection), replacing:
        for (kind, key), payload in due.items():
            _replace(connection, things()[kind], key, _tables(payload) or {})
    if any(kind in asking.ABOUT for kind, _key in due):
        asking.came(connection)


def _replace(
    connection: sqlite3.Connection, thing: SharedThing, key: int, tables: dict[str, Any]
) -> None:
    """Let what is here of a thing be what head office says, and nothing else."""
    for table in reversed(thing.tables):
        connection.execute(f"DELETE FROM {table.name} WHERE {table.held}", {"key": key})
    for table in thing.tables:
        if table.name not in tables:
            continue
        sent = list(tables[table.name]["columns"])
        known = _columns(connection, table.name)
        places = [at for at, column in enumerate(sent) if column in known]
        names = ", ".join(sent[at] for at in places)
        marks = ", ".join("?" * len(places))
        connection.executemany(
            f"INSERT OR REPLACE INTO {table.name} ({names}) VALUES ({marks})",
            [[row[at] for at in places] for row in tables[table.name]["rows"]],
        )


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    """Columns of a table, as it is here: head office may know more."""
    return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
