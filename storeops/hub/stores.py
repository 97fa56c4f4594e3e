"""Shops that have joined: adding, refusing, giving a new key."""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_hex

from storeops.database.database import Database
from storeops.errors import ConflictError, NotFoundError
from storeops.hub import outbox, publishing, state
from storeops.hub.credentials import NatsKey, new_key
from storeops.i18n import _
from storeops.notebook.stores import Shop, list_shops
from storeops.reading.filter_names import Names


@dataclass(frozen=True, slots=True)
class JoinedStore:
    """A shop whose back office may follow, or might.

    Attributes:
        department_id: of the shop.
        code: its number, else the department id.
        name: of the shop.
        user: public key of its back office.
        status: active | revoked.
        issued_at: when its key was made, Unix seconds.
        revoked_at: when it was refused, None while active.
        last_seen_at: when its back office was last seen to follow, None never.
    """

    department_id: int
    code: str
    name: str
    user: str
    status: str
    issued_at: int
    revoked_at: int | None
    last_seen_at: int | None


def every(db: Database) -> list[JoinedStore]:
    """All that ever joined, by number."""
    return _joined(db, Names(db.connection, list_shops(db)), "1 = 1")


def any_joined(db: Database) -> bool:
    """Whether a back office may follow now."""
    return bool(
        db.execute("SELECT EXISTS (SELECT 1 FROM hub_store WHERE status = 'active')").fetchone()[0]
    )


def _joined(db: Database, names: Names, condition: str, *values: int) -> list[JoinedStore]:
    return [
        JoinedStore(row[0], row[1], names.store_name(row[0]), *row[2:])
        for row in db.execute(
            "SELECT department_id, code, user, status, issued_at, revoked_at, last_seen_at"
            f" FROM hub_store WHERE {condition} ORDER BY code, department_id",
            values,
        )
    ]


def find(db: Database, word: str) -> JoinedStore:
    """The joined shop that a number, department id or name means.

    Raises:
        NotFoundError: it has not joined, or there is none.
        UsageError: the word means several shops.
    """
    names = Names(db.connection, list_shops(db))
    for each in _joined(db, names, "department_id = ?", names.find_store(word)):
        return each
    raise NotFoundError(
        _("{store} has not joined.").format(store=word),
        hint=_("`storeops hub store add {store}` lets it join.").format(store=shlex.quote(word)),
    )


def department_of(db: Database, word: str) -> int:
    """The department of the shop that a number, department id or name means.

    Raises:
        NotFoundError, UsageError: there is none, or several.
    """
    return Names(db.connection, list_shops(db)).find_store(word)


def add(db: Database, word: str, now: float) -> tuple[JoinedStore, NatsKey]:
    """Let a shop join, with a key of its own; everything it gets is noted to be published.

    Args:
        db: data.db of head office.
        word: the shop's number, department id or name.
        now: Unix seconds.

    Raises:
        NotFoundError, UsageError: there is no such shop, or several.
        ConflictError: it has joined already.
    """
    names = Names(db.connection, list_shops(db))
    department = names.find_store(word)
    known = next(iter(_joined(db, names, "department_id = ?", department)), None)
    if known is not None and known.status == "active":
        raise ConflictError(
            _("{store} has joined already.").format(store=known.code),
            hint=_("`storeops hub store rotate {store}` gives it a new key.").format(
                store=shlex.quote(known.code)
            ),
        )
    return _add(db, names, [department], now)[0]


def missing(db: Database) -> list[Shop]:
    """Shops that have a number and have not joined, or were revoked."""
    joined = {each.department_id for each in every(db) if each.status == "active"}
    return [each for each in list_shops(db) if each.code and each.department_id not in joined]


def add_all(db: Database, now: float) -> list[tuple[JoinedStore, NatsKey]]:
    """Let every shop join that is `missing`, each with a key of its own; see `add`."""
    names = Names(db.connection, list_shops(db))
    return _add(db, names, [each.department_id for each in missing(db)], now)


def _add(
    db: Database, names: Names, departments: Sequence[int], now: float
) -> list[tuple[JoinedStore, NatsKey]]:
    keys = {department: new_key("user") for department in departments}
    with db.atomic() as connection:
        for department, key in keys.items():
            shop = names.shops.get(department)
            code = shop.code if shop and shop.code else str(department)
            connection.execute(
                "INSERT OR REPLACE INTO hub_store (department_id, code, user, status, issued_at)"
                " VALUES (?, ?, ?, 'active', ?)",
                (department, code, key.public, int(now)),
            )
            outbox.forget_published(connection, department)
            # what its mirror has of an earlier time is not told who left since
            state.write(connection, f"{state.JOINED}{department}", token_hex(4))
        outbox.spread_departments(connection, now)
        for department in departments:
            outbox.note_all(connection, department, now)
    found = {each.department_id: each for each in _joined(db, names, "status = 'active'")}
    return [(found[department], key) for department, key in keys.items()]


def revoke(db: Database, store: JoinedStore, now: float) -> None:
    """Refuse a shop from now on; servers must be told, see `revoking.tell`."""
    with db.atomic() as connection:
        _refuse(connection, store.user, now)
        connection.execute(
            "UPDATE hub_store SET status = 'revoked', revoked_at = ? WHERE department_id = ?",
            (int(now), store.department_id),
        )
        outbox.forget_published(connection, store.department_id)
        outbox.spread_departments(connection, now)
        state.write(connection, f"{state.PURGE}{store.department_id}", "1")


def rotate(db: Database, store: JoinedStore, now: float) -> NatsKey:
    """Give a shop's back office a new key; the old one is refused. What it has stays.

    Raises:
        ConflictError: it is revoked.
    """
    if store.status != "active":
        raise ConflictError(
            _("{store} is revoked.").format(store=store.code),
            hint=_("`storeops hub store add {store}` lets it join again.").format(
                store=shlex.quote(store.code)
            ),
        )
    key = new_key("user")
    with db.atomic() as connection:
        _refuse(connection, store.user, now)
        connection.execute(
            "UPDATE hub_store SET user = ?, issued_at = ? WHERE department_id = ?",
            (key.public, int(now), store.department_id),
        )
    return key


def _refuse(connection: sqlite3.Connection, user: str, now: float) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO hub_revoked (user, at) VALUES (?, ?)", (user, int(now) + 1)
    )


def revoked(db: Database) -> dict[str, int]:
    """Public keys that no server lets in any more → what was issued until then is refused."""
    return dict(db.execute("SELECT user, at FROM hub_revoked").fetchall())


def to_purge(db: Database) -> dict[int, bool]:
    """Department ids of shops that were revoked, of which the server may still keep what they had
    → whether they have joined again since."""
    rows = db.execute(
        "SELECT department_id, status FROM hub_store WHERE department_id IN"
        " (SELECT CAST(substr(key, length(:purge) + 1) AS INTEGER) FROM hub_state"
        "  WHERE key GLOB :purge || '*')",
        {"purge": state.PURGE},
    )
    return {department: status == "active" for department, status in rows.fetchall()}


def purged(db: Database, department: int, now: float) -> None:
    """Note that the server keeps nothing of such a shop; what is its own now is published once
    more.

    Args:
        db: data.db of head office.
        department: of the shop.
        now: Unix seconds.
    """
    for each in every(db):
        if each.department_id == department and each.status == "active":
            note_everything(db, now, each)
    with db.atomic() as connection:
        connection.execute("DELETE FROM hub_state WHERE key = ?", (f"{state.PURGE}{department}",))


def note_everything(db: Database, now: float, store: JoinedStore | None = None) -> None:
    """Let everything be published once more, whether it changed or not.

    Args:
        db: data.db of head office.
        now: Unix seconds.
        store: for this shop only, None for all.
    """
    with db.atomic() as connection:
        outbox.spread_departments(connection, now)
        for each in every(db):
            meant = store is None or store.department_id == each.department_id
            if each.status == "active" and meant:
                outbox.doubt_published(connection, each.department_id, now)
                outbox.note_all(connection, each.department_id, now)
        outbox.doubt_published(connection, publishing.EVERYBODY, now)


def code_of(db: Database, department: int) -> str:
    """The number of a shop, else its department id."""
    known = (s.code for s in list_shops(db) if s.department_id == department and s.code)
    return next(known, str(department))
