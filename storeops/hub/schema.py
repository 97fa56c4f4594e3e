"""Tables of the hub: the outbox and what was published (head office), the position (back office)."""

from __future__ import annotations

from storeops.database.migrations import Migration, statements

TABLES = """
CREATE TABLE hub_store (
    department_id INTEGER PRIMARY KEY, -- the shop that has joined
    code TEXT NOT NULL,                -- its number when it joined
    user TEXT NOT NULL,                -- public key of its back office
    status TEXT NOT NULL,              -- active | revoked
    issued_at INTEGER NOT NULL,
    revoked_at INTEGER,
    last_seen_at INTEGER               -- when its back office was last seen to follow
);
CREATE TABLE hub_revoked (
    user TEXT PRIMARY KEY,             -- a public key that no server lets in any more
    at INTEGER NOT NULL                -- what was issued until then is refused
) WITHOUT ROWID;
CREATE TABLE hub_department (
    department_id INTEGER NOT NULL,
    store INTEGER NOT NULL,            -- hub_store.department_id
    below INTEGER NOT NULL,            -- 1: of the shop; 0: above it
    PRIMARY KEY (department_id, store)
) WITHOUT ROWID;
CREATE INDEX hub_department_by_store ON hub_department (store, below, department_id);
CREATE TABLE hub_outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,                -- SharedThing.kind
    key INTEGER NOT NULL,              -- its number
    at INTEGER NOT NULL                -- Unix seconds of this machine
);
CREATE TABLE hub_published (
    kind TEXT NOT NULL,
    key INTEGER NOT NULL,
    store INTEGER NOT NULL,            -- who has it; 0 for all
    digest BLOB NOT NULL,              -- of what was published last
    PRIMARY KEY (kind, key, store)
) WITHOUT ROWID;
CREATE INDEX hub_published_by_store ON hub_published (store);
CREATE TABLE hub_state (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
-- a back office: what came and cannot be shown yet
CREATE TABLE hub_waiting (
    kind TEXT NOT NULL,
    key INTEGER NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE TABLE hub_arrived (
    kind TEXT NOT NULL,
    key INTEGER NOT NULL,
    stream INTEGER NOT NULL,           -- number of the message that was written last of it
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE TABLE hub_elsewhere (
    customer_id INTEGER PRIMARY KEY,   -- customer.id
    follows INTEGER NOT NULL           -- how many active follows other shops have
);
"""

MIGRATIONS: tuple[Migration, ...] = (statements("hub", "m001_hub", TABLES),)
