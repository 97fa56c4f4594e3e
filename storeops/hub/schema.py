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

REQUESTS = """
-- head office: what back offices asked for
CREATE TABLE hub_request (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    store INTEGER NOT NULL,            -- hub_store.department_id
    request_id TEXT NOT NULL,          -- of the back office; the same twice is one
    digest BLOB NOT NULL,              -- of what was asked
    asked_by TEXT NOT NULL,            -- who, as the shop's journal has it
    machine TEXT NOT NULL,
    kind TEXT NOT NULL,                -- Action.name
    rows INTEGER NOT NULL,
    asked_at REAL NOT NULL,            -- by the shop's clock
    at REAL NOT NULL,                  -- when it was taken in, WeCom's clock
    status TEXT NOT NULL,              -- taken | asked | approved | refused
    reason TEXT NOT NULL DEFAULT '',   -- why it waits for approval, or is refused
    decided_by TEXT NOT NULL DEFAULT '', -- '' for the rules
    decided_at REAL,
    skip_changed INTEGER NOT NULL DEFAULT 0,
    plan_id INTEGER,                   -- plan.id of head office's plan
    plan TEXT,                         -- its name
    applied INTEGER NOT NULL DEFAULT 0,
    repeats INTEGER NOT NULL DEFAULT 0, -- how often it came again
    body BLOB,                         -- compressed; NULL once it is planned or refused
    UNIQUE (store, request_id)
);
CREATE INDEX hub_request_open ON hub_request (id)
    WHERE status = 'taken' OR (status = 'approved' AND applied = 0);
CREATE TABLE hub_request_part (
    store INTEGER NOT NULL,
    request_id TEXT NOT NULL,
    digest BLOB NOT NULL,
    part INTEGER NOT NULL,             -- from 0
    data BLOB NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (store, request_id, digest, part)
) WITHOUT ROWID;
CREATE TABLE hub_rule (
    store INTEGER NOT NULL,            -- what a shop may ask for otherwise than others
    name TEXT NOT NULL,                -- field of HubSettings
    value TEXT NOT NULL,               -- JSON
    PRIMARY KEY (store, name)
) WITHOUT ROWID;
CREATE TABLE hub_attempt (
    what TEXT NOT NULL,                -- forged | replayed | another_shop | …
    who TEXT NOT NULL,                 -- a shop's number, or what a server says of a connection
    detail TEXT NOT NULL DEFAULT '',
    count INTEGER NOT NULL,
    first_at REAL NOT NULL,            -- WeCom's clock
    last_at REAL NOT NULL,
    PRIMARY KEY (what, who)
) WITHOUT ROWID;
-- a back office: what it asked for
CREATE TABLE hub_asked (
    plan_id INTEGER PRIMARY KEY,       -- plan.id
    request_id TEXT NOT NULL UNIQUE,
    body BLOB,                         -- compressed; NULL once head office's decision is here
    at REAL NOT NULL,
    sent_at REAL,                      -- when head office said that it has it
    refused TEXT NOT NULL DEFAULT ''   -- why head office did not take it
);
CREATE INDEX hub_asked_unsent ON hub_asked (plan_id) WHERE sent_at IS NULL;
-- what comes down of it
CREATE TABLE hub_decision (
    id INTEGER PRIMARY KEY,            -- hub_request.id
    request_id TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    decided_by TEXT NOT NULL
);
CREATE INDEX hub_decision_by_request ON hub_decision (request_id);
"""

# a thing is noted once, however often it changes while nobody publishes
ONE_NOTE = """
DELETE FROM hub_outbox WHERE number NOT IN (SELECT max(number) FROM hub_outbox GROUP BY kind, key);
CREATE INDEX hub_outbox_by_thing ON hub_outbox (kind, key);
"""

# a back office: what it asked for and wants back
WITHDRAWN = """
ALTER TABLE hub_asked ADD COLUMN withdrawn_at REAL; -- when somebody took it back here
ALTER TABLE hub_asked ADD COLUMN withdrawn_why TEXT NOT NULL DEFAULT '';
ALTER TABLE hub_asked ADD COLUMN withdrawn_by TEXT NOT NULL DEFAULT '';
ALTER TABLE hub_asked ADD COLUMN withdrawn_told INTEGER NOT NULL DEFAULT 0; -- head office knows
"""

SUBMISSIONS = """
-- head office: submissions of back offices that it has had, so that each counts once
CREATE TABLE hub_submission (
    store INTEGER NOT NULL,
    name TEXT NOT NULL,                -- submission.name there
    at REAL NOT NULL,                  -- WeCom's clock
    refused TEXT NOT NULL,             -- why it was not written; '' when it was
    PRIMARY KEY (store, name)
) WITHOUT ROWID;
"""

POSITION = """
-- head office: number of the newest message that went to a shop; NULL for none
ALTER TABLE hub_store ADD COLUMN position INTEGER;
"""

MIGRATIONS: tuple[Migration, ...] = (
    statements("hub", "m001_hub", TABLES),
    statements("hub", "m002_requests", REQUESTS),
    statements("hub", "m003_one_note", ONE_NOTE),
    statements("hub", "m004_withdrawn", WITHDRAWN),
    statements("hub", "m005_submissions", SUBMISSIONS),
    statements("hub", "m006_position", POSITION),
)
