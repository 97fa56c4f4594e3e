"""Tables of messages: where they can go, and every one that was handed over."""

from __future__ import annotations

from storeops.database.migrations import Migration, statements

OUTBOX = """
CREATE TABLE notify_target (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL COLLATE NOCASE UNIQUE,
    sender TEXT NOT NULL,              -- robot | app | chat
    receivers TEXT NOT NULL DEFAULT '{}', -- JSON: touser, toparty of an app; a robot's key is a secret
    quiet TEXT NOT NULL DEFAULT '',    -- 22:00-08:00 in the zone of the settings, '' for none
    created_at REAL NOT NULL
);
CREATE TABLE notify_message (
    seq INTEGER PRIMARY KEY,           -- the order in which they are sent
    id TEXT NOT NULL UNIQUE,
    target TEXT NOT NULL COLLATE NOCASE,
    kind TEXT NOT NULL,                -- text | markdown | image | file | news
    body TEXT NOT NULL,                -- the text, else what it is
    content TEXT NOT NULL DEFAULT '{}', -- JSON: file (name in the outbox), sha256, filename, articles, about
    fold INTEGER NOT NULL DEFAULT 1,
    posted_at REAL NOT NULL,           -- WeCom's time, as every time here
    posted_by TEXT NOT NULL DEFAULT '',
    due_at REAL NOT NULL,
    status TEXT NOT NULL DEFAULT 'waiting', -- waiting | queued | sent | partly | failed | uncertain | cancelled
    plan TEXT NOT NULL DEFAULT '',     -- plan.name that carries it
    plan_id INTEGER,                   -- plan.id of it
    settled_at REAL,
    errcode INTEGER,
    note TEXT NOT NULL DEFAULT '',     -- why not, or who did not get it
    msgid TEXT NOT NULL DEFAULT ''     -- for a recall
);
CREATE INDEX notify_message_open ON notify_message (target, seq)
    WHERE status IN ('waiting', 'queued');
"""

MIGRATIONS: tuple[Migration, ...] = (statements("notify", "m001_outbox", OUTBOX),)
