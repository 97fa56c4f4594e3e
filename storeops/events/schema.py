"""The tables of inbox.db: events, every delivery of them as it came in, and what was refused.

Times are Unix seconds of WeCom's clock. The file is written with synchronous=FULL: what was
answered with "success" is never sent again, so it must have reached the disk before.
"""

from __future__ import annotations

from storeops.database.migrations import Migration, statements

INBOX = """
CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    identity BLOB NOT NULL UNIQUE,          -- SHA-256 of the message, of the ciphertext while that cannot be read
    received_at REAL NOT NULL,              -- first delivery
    create_time INTEGER NOT NULL DEFAULT 0, -- CreateTime of the message
    event TEXT NOT NULL DEFAULT '',         -- change_external_contact …; MsgType of a message
    change_type TEXT NOT NULL DEFAULT '',   -- add_external_contact …
    subject TEXT NOT NULL DEFAULT '',       -- what is read again: customer:ID, chat:ID, member:ID, tags …; '' nothing
    userid TEXT NOT NULL DEFAULT '' COLLATE NOCASE,
    external_userid TEXT NOT NULL DEFAULT '',
    message BLOB,                           -- as decrypted; NULL while it cannot be read
    status TEXT NOT NULL,                   -- received | handled | kept | failed | unreadable
    reason TEXT NOT NULL DEFAULT '',        -- why it failed, is unreadable or only kept
    errcode INTEGER,                        -- WeCom's code of the last failure
    attempts INTEGER NOT NULL DEFAULT 0,    -- failures in a row
    due_at REAL,                            -- when it is handled (again); NULL: nothing left to do
    handled_at REAL,
    deliveries INTEGER NOT NULL DEFAULT 1   -- how often it came in
);
CREATE INDEX event_due ON event (due_at, subject) WHERE due_at IS NOT NULL;
CREATE INDEX event_by_status ON event (status, id);
CREATE INDEX event_by_customer ON event (external_userid, id) WHERE external_userid <> '';
CREATE TABLE delivery (
    id INTEGER PRIMARY KEY,
    event_id INTEGER NOT NULL,              -- event.id
    received_at REAL NOT NULL,
    msg_signature TEXT NOT NULL,
    timestamp TEXT NOT NULL,
    nonce TEXT NOT NULL,
    body BLOB NOT NULL,                     -- the request body, byte by byte
    UNIQUE (event_id, msg_signature, timestamp, nonce)
);
CREATE TABLE refusal (
    reason TEXT PRIMARY KEY,                -- signature | malformed | too_large
    count INTEGER NOT NULL,
    last_at REAL NOT NULL
) WITHOUT ROWID;
"""

PROGRESS = """
CREATE TABLE progress (
    key TEXT PRIMARY KEY,                   -- sync_run: the newest finished run that was looked at
    value INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX event_handled ON event (handled_at) WHERE handled_at IS NOT NULL;
"""

# the domain of handovers reads these now
TRANSFER_FAIL = """
UPDATE event SET subject = 'change_external_contact/transfer_fail' || substr(subject, 9)
WHERE subject LIKE 'handover:%';
"""

MIGRATIONS: tuple[Migration, ...] = (
    statements("events", "m001_inbox", INBOX),
    statements("events", "m002_progress", PROGRESS),
    statements("events", "m003_transfer_fail", TRANSFER_FAIL),
)
