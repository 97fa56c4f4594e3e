"""The tables of the notebook; keys of the mirror appear in them, but nothing depends on order."""

from __future__ import annotations

from storeops.database.migrations import Migration, statements

TABLES = """
CREATE TABLE shop (
    department_id INTEGER PRIMARY KEY, -- WeCom's department id
    code TEXT NOT NULL DEFAULT '' COLLATE NOCASE, -- the chain's own number; '' while unknown
    name TEXT NOT NULL DEFAULT '',     -- '' to show the department's name
    region TEXT NOT NULL DEFAULT '',
    updated_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX shop_by_code ON shop (code) WHERE code <> '';
CREATE TABLE note (
    id INTEGER PRIMARY KEY,
    external_userid TEXT NOT NULL,
    at INTEGER NOT NULL,               -- Unix seconds
    author TEXT NOT NULL DEFAULT '',
    text TEXT NOT NULL
);
CREATE INDEX note_by_customer ON note (external_userid, at);
CREATE TABLE view (
    name TEXT PRIMARY KEY COLLATE NOCASE,
    filter TEXT NOT NULL,              -- canonical text of the filter language
    sort TEXT NOT NULL DEFAULT 'newest',
    columns TEXT NOT NULL DEFAULT '[]', -- JSON field names; [] for the usual ones
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE mark (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL COLLATE NOCASE UNIQUE,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE TABLE mark_item (
    mark_id INTEGER NOT NULL,
    customer_id INTEGER NOT NULL,      -- customer.id
    PRIMARY KEY (mark_id, customer_id)
) WITHOUT ROWID;
"""

MIGRATIONS: tuple[Migration, ...] = (statements("notebook", "m001_notebook", TABLES),)
