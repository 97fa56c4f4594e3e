"""The tables of greetings: one row for each WelcomeCode, written first; uploads of pictures."""

from __future__ import annotations

from storeops.database.migrations import Migration, statements

GREETINGS = """
CREATE TABLE welcome_greeting (
    id INTEGER PRIMARY KEY,
    code TEXT NOT NULL UNIQUE,         -- WelcomeCode; worth nothing after 20 seconds
    userid TEXT NOT NULL COLLATE NOCASE,
    external_userid TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT '',    -- of the contact way that the customer came by
    store_id INTEGER NOT NULL DEFAULT 0, -- department id of the member's shop, 0 unknown
    rule TEXT NOT NULL DEFAULT '',     -- name of the rule that counted, '' when none fitted
    text TEXT NOT NULL DEFAULT '',     -- as it was sent
    happened_at REAL NOT NULL,         -- CreateTime of the event; WeCom's time, as every time here
    received_at REAL NOT NULL,
    ends_at REAL NOT NULL,             -- the code is good until then
    status TEXT NOT NULL,              -- sending | sent | other | late | failed | uncertain | no_rule
    begun_at REAL NOT NULL,            -- when a process last took it up
    tries INTEGER NOT NULL DEFAULT 0,
    settled_at REAL,                   -- when the last answer came
    errcode INTEGER,
    note TEXT NOT NULL DEFAULT ''      -- why not
);
CREATE INDEX welcome_greeting_open ON welcome_greeting (ends_at) WHERE status = 'sending';
CREATE INDEX welcome_greeting_of_customer ON welcome_greeting (external_userid);
CREATE INDEX welcome_greeting_at ON welcome_greeting (received_at);
"""

MEDIA = """
CREATE TABLE welcome_media (
    sha256 TEXT PRIMARY KEY,           -- of the picture
    media_id TEXT NOT NULL,            -- WeCom's, for three days
    uploaded_at REAL NOT NULL
) WITHOUT ROWID;
"""

MIGRATIONS: tuple[Migration, ...] = (
    statements("welcome", "m001_greetings", GREETINGS),
    statements("welcome", "m002_media", MEDIA),
)
