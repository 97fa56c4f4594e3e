"""From notes to messages: what each shop gets of a thing now, unless it has that already."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from storeops.database.database import Database
from storeops.hub import outbox, rights, state
from storeops.hub.things import things
from storeops.shared_rows import SharedThing

VERSION = 1  # of a message; a back office keeps what it does not understand until it does
EVERYBODY = 0  # instead of a shop: what all get
BATCH = 2000  # notes read at a time


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
    def places(self) -> list[tuple[int, str]]:
        """Where it is published: (part, subject)."""
        parts = range(rights.PARTS) if self.store == EVERYBODY else [rights.part(self.store)]
        return [(part, f"{subjects(part, self.store)}.{self.kind}.{self.key}") for part in parts]


def subjects(part: int, store: int) -> str:
    """What the subjects of all things of a shop (0: of all shops) begin with, in a part."""
    return f"facts-{part}.{store}"


def kept(connection: sqlite3.Connection) -> dict[int, int]:
    """Number of the newest message that is known to be in each part; 0 for none."""
    return {part: state.number(connection, _kept(part)) for part in range(rights.PARTS)}


def note_kept(connection: sqlite3.Connection, newest: Mapping[int, int]) -> None:
    """Note the number of the newest message of parts."""
    for part, number in newest.items():
        state.write(connection, _kept(part), number)


def _kept(part: int) -> str:
    return f"last_seq:{part}"


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
    with at_one_moment(connection):
        rows = _notes(connection, limit)
        newest: dict[str, dict[int, int]] = {}
        for number, kind, key in rows:
            newest.setdefault(kind, {})[key] = number
        messages: list[ThingMessage] = []
        for kind, thing in things().items():
            noted = sorted(newest.get(kind, {}).items(), key=lambda each: each[1])
            for first in range(0, len(noted), thing.at_once):
                piece = dict(noted[first : first + thing.at_once])
                messages += _messages(connection, thing, piece)
    return OutboxBatch(tuple(messages), rows[-1][0] if rows else 0, len(rows) == limit)


@contextmanager
def at_one_moment(connection: sqlite3.Connection) -> Iterator[None]:
    """What the block reads is of one moment; with the tables that `who` and `payloads` fill."""
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS hub_keys (key INTEGER PRIMARY KEY)")
    connection.execute(
        "CREATE TEMP TABLE IF NOT EXISTS hub_wanted"
        " (key INTEGER, store INTEGER, PRIMARY KEY (key, store)) WITHOUT ROWID"
    )
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.rollback()


def _notes(connection: sqlite3.Connection, limit: int) -> list[tuple[int, str, int]]:
    return connection.execute(
        "SELECT number, kind, key FROM hub_outbox ORDER BY number LIMIT ?", (limit,)
    ).fetchall()


def done(db: Database, batch: OutboxBatch, newest: Mapping[int, int]) -> None:
    """Note that the server has kept every message of a batch.

    Args:
        db: data.db of head office.
        batch: what was published.
        newest: part → number of the newest message in its stream: one that has it no longer is
            another one.
    """
    with db.atomic() as connection:
        note_kept(connection, newest)
        for each in batch.messages:
            _remember(connection, each.kind, each.key, each.store, each.payload, each.digest)
        connection.execute("DELETE FROM hub_outbox WHERE number <= ?", (batch.last,))


def _remember(
    connection: sqlite3.Connection, kind: str, key: int, store: int, payload: bytes, digest: bytes
) -> None:
    """Note what a shop has of a thing."""
    if payload == GONE:
        connection.execute(
            "DELETE FROM hub_published WHERE kind = ? AND key = ? AND store = ?",
            (kind, key, store),
        )
        return
    connection.execute(
        "INSERT OR REPLACE INTO hub_published (kind, key, store, digest) VALUES (?, ?, ?, ?)",
        (kind, key, store, digest),
    )


def learn(
    db: Database,
    messages: Iterable[tuple[str, int, int, bytes]],
    newest: Mapping[int, int],
    at: float,
) -> None:
    """Note what shops have got by messages that this database did not know of; each thing of them
    is published again as it is now, unless that is the same.

    Args:
        db: data.db of head office.
        messages: (kind, number, shop, payload).
        newest: part → number of the newest message in its stream.
        at: Unix seconds.
    """
    with db.atomic() as connection:
        for kind, key, store, payload in messages:
            if kind not in things():
                continue
            if store == EVERYBODY:  # other parts may lack it: it is published in each once more
                _remember(connection, kind, key, store, b"", b"")
            else:
                _remember(connection, kind, key, store, payload, digest_of(payload))
            outbox.note(connection, kind, key, at)
        note_kept(connection, newest)


def _messages(
    connection: sqlite3.Connection, thing: SharedThing, numbers: Mapping[int, int]
) -> list[ThingMessage]:
    """What is to be published of things of one kind.

    Args:
        connection: of data.db.
        thing: their kind.
        numbers: number of each → the newest note of it.
    """
    wanted = who(connection, thing, numbers)
    had = {
        (key, store): digest
        for key, store, digest in connection.execute(
            "SELECT p.key, p.store, p.digest FROM hub_keys AS k CROSS JOIN hub_published AS p"
            " ON p.kind = ? AND p.key = k.key",
            (thing.kind,),
        )
    }
    found = payloads(connection, thing, wanted)
    messages = []
    for place in sorted(found.keys() | had.keys(), key=lambda each: (numbers[each[0]], each[1])):
        payload = found.get(place, GONE)
        digest = digest_of(payload)
        if had.get(place) != digest and (payload != GONE or place in had):
            key, store = place
            messages.append(ThingMessage(thing.kind, key, store, payload, digest, numbers[key]))
    return messages


def who(
    connection: sqlite3.Connection, thing: SharedThing, keys: Iterable[int]
) -> list[tuple[int, int]]:
    """(number, shop) of who gets which of some things; the shop is 0 when all get it.

    Args:
        connection: of data.db, `at_one_moment`.
        thing: their kind.
        keys: their numbers; each once.
    """
    connection.execute("DELETE FROM hub_keys")
    connection.executemany("INSERT OR IGNORE INTO hub_keys VALUES (?)", [(key,) for key in keys])
    if not thing.stores:
        return [(key, EVERYBODY) for key in keys]
    return connection.execute(thing.stores.format(**_TABLES)).fetchall()


def payloads(
    connection: sqlite3.Connection, thing: SharedThing, wanted: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], bytes]:
    """What shops get of things, as they are now.

    Args:
        connection: of data.db, `at_one_moment`.
        thing: their kind.
        wanted: (number, department id of the shop, 0 for what all get).

    Returns:
        JSON: `{"v": 1, "tables": {name: {"columns": […], "rows": [[…]]}}}`.
    """
    connection.execute("DELETE FROM hub_wanted")
    connection.executemany("INSERT OR IGNORE INTO hub_wanted VALUES (?, ?)", wanted)
    tables: dict[tuple[int, int], list[str]] = {each: [] for each in wanted}
    for table in thing.tables:
        cursor = connection.execute(table.rows.format(**_TABLES))
        columns = _json([each[0] for each in cursor.description[2:]])
        rows: dict[tuple[int, int], list[tuple[Any, ...]]] = {}
        for key, store, *row in cursor:
            rows.setdefault((key, store), []).append(row)
        for place, each in rows.items():
            tables[place].append(f'"{table.name}":{{"columns":{columns},"rows":{_json(each)}}}')
    return {place: _encoded(",".join(texts)) for place, texts in tables.items()}


_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_TABLES = {"keys": "hub_keys", "wanted": "hub_wanted", "departments": outbox.DEPARTMENTS}


def _encoded(tables: str) -> bytes:
    return f'{{"v":{VERSION},"tables":{{{tables}}}}}'.encode("utf-8", "surrogatepass")


def digest_of(payload: bytes) -> bytes:
    """By which what was published is known again."""
    return blake2b(payload, digest_size=16).digest()


GONE = _encoded("")


def shops(connection: sqlite3.Connection) -> Iterable[int]:
    """Department ids of the shops that have joined and are not revoked."""
    rows = connection.execute(
        "SELECT department_id FROM hub_store WHERE status = 'active' ORDER BY department_id"
    )
    return [row[0] for row in rows]
