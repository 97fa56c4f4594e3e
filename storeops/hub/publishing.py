"""From notes to messages: what each shop gets of a thing now, unless it has that already."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from storeops.database.database import Database
from storeops.hub import outbox
from storeops.hub.things import things
from storeops.shared_rows import SharedThing

VERSION = 1  # of a message; a back office keeps what it does not understand until it does
EVERYBODY = 0  # instead of a shop: what all get
BATCH = 500  # notes read at a time


@dataclass(frozen=True, slots=True)
class ThingMessage:
    """One thing as one shop gets it.

    Attributes:
        kind: SharedThing.kind.
        key: its number.
        store: department id of the shop, 0 for all.
        payload: JSON; without rows when the shop has it no longer.
        digest: of the payload.
        number: the newest note that it answers.
    """

    kind: str
    key: int
    store: int
    payload: bytes
    digest: bytes
    number: int

    @property
    def subject(self) -> str:
        """Where it is published."""
        return subject(self.store, self.kind, self.key)

    @property
    def ident(self) -> str:
        """The same for the same content in answer to the same note: published twice, kept once."""
        return f"{self.store}-{self.kind}-{self.key}-{self.number}-{self.digest.hex()[:8]}"


def subject(store: int, kind: str, key: int) -> str:
    """The subject of a thing of a shop (0: of all)."""
    return f"facts.{store}.{kind}.{key}"


@dataclass(frozen=True, slots=True)
class OutboxBatch:
    """What is to be published next.

    Attributes:
        messages: in the order of their notes, one per thing and shop.
        last: the newest note that they answer; 0 when nothing waits.
        more: whether further notes may wait.
    """

    messages: tuple[ThingMessage, ...]
    last: int
    more: bool


def take(db: Database, at: float, limit: int = BATCH) -> OutboxBatch:
    """Read the oldest notes and what shops shall get of them.

    Everything is read at one moment. Nothing is removed: `done` does that, after the server has
    acknowledged every message.

    Args:
        db: data.db of head office.
        at: Unix seconds.
        limit: notes at a time.
    """
    connection = db.connection
    rows = _notes(connection, limit)
    if any(kind == "department" for _number, kind, _key in rows):
        with db.atomic() as writing:
            outbox.spread_departments(writing, at)
    connection.execute("BEGIN")
    try:
        rows = _notes(connection, limit)
        newest: dict[tuple[str, int], int] = {}
        for number, kind, key in rows:
            newest.pop((kind, key), None)
            newest[kind, key] = number
        messages: list[ThingMessage] = []
        for (kind, key), number in newest.items():
            if kind in things():
                messages += _messages(connection, things()[kind], key, number)
    finally:
        connection.rollback()
    return OutboxBatch(tuple(messages), rows[-1][0] if rows else 0, len(rows) == limit)


def _notes(connection: sqlite3.Connection, limit: int) -> list[tuple[int, str, int]]:
    return connection.execute(
        "SELECT number, kind, key FROM hub_outbox ORDER BY number LIMIT ?", (limit,)
    ).fetchall()


def done(db: Database, batch: OutboxBatch) -> None:
    """Note that the server has kept every message of a batch."""
    with db.atomic() as connection:
        for each in batch.messages:
            row = (each.kind, each.key, each.store)
            if each.payload == GONE:
                connection.execute(
                    "DELETE FROM hub_published WHERE kind = ? AND key = ? AND store = ?", row
                )
            else:
                connection.execute(
                    "INSERT OR REPLACE INTO hub_published (kind, key, store, digest)"
                    " VALUES (?, ?, ?, ?)",
                    (*row, each.digest),
                )
        connection.execute("DELETE FROM hub_outbox WHERE number <= ?", (batch.last,))


def _messages(
    connection: sqlite3.Connection, thing: SharedThing, key: int, number: int
) -> Iterator[ThingMessage]:
    had = dict(
        connection.execute(
            "SELECT store, digest FROM hub_published WHERE kind = ? AND key = ?", (thing.kind, key)
        ).fetchall()
    )
    stores = _stores(connection, thing, key)
    for store in (*sorted(stores), *sorted(had.keys() - stores)):
        payload = payload_of(connection, thing, key, store) if store in stores else GONE
        digest = blake2b(payload, digest_size=16).digest()
        if had.get(store) != digest and (payload != GONE or store in had):
            yield ThingMessage(thing.kind, key, store, payload, digest, number)


def _stores(connection: sqlite3.Connection, thing: SharedThing, key: int) -> set[int]:
    if not thing.stores:
        return {EVERYBODY}
    sql = thing.stores.format(departments=outbox.DEPARTMENTS)
    return {row[0] for row in connection.execute(sql, {"key": key})}


def payload_of(connection: sqlite3.Connection, thing: SharedThing, key: int, store: int) -> bytes:
    """What a shop gets of a thing, as it is now.

    Args:
        connection: of data.db.
        thing: its kind.
        key: its number.
        store: department id of the shop, 0 for what all get.

    Returns:
        JSON: `{"v": 1, "tables": {name: {"columns": […], "rows": [[…]]}}}`.
    """
    tables: dict[str, Any] = {}
    for table in thing.tables:
        cursor = connection.execute(
            table.rows.format(departments=outbox.DEPARTMENTS), {"key": key, "store": store}
        )
        rows = cursor.fetchall()
        if rows:
            tables[table.name] = {"columns": [each[0] for each in cursor.description], "rows": rows}
    return _encoded(tables)


def _encoded(tables: dict[str, Any]) -> bytes:
    return json.dumps(
        {"v": VERSION, "tables": tables}, ensure_ascii=False, separators=(",", ":")
    ).encode("utf-8", "surrogatepass")


GONE = _encoded({})


def shops(connection: sqlite3.Connection) -> Iterable[int]:
    """Department ids of the shops that have joined and are not revoked."""
    rows = connection.execute(
        "SELECT department_id FROM hub_store WHERE status = 'active' ORDER BY department_id"
    )
    return [row[0] for row in rows]
