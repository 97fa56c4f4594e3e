"""Tables of alarms: each with its life, what is to be sent of it, and when each kind was looked at."""

from __future__ import annotations

from storeops.database.migrations import Migration, statements

ALARMS = """
CREATE TABLE alert (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,               -- of what; '' where there is only one
    tone TEXT NOT NULL,              -- warn | bad
    rank INTEGER NOT NULL,           -- the worst it has been
    content TEXT NOT NULL,           -- JSON: what its sentence is made of
    raised_at REAL NOT NULL,         -- WeCom's clock, as every time here
    worse_at REAL NOT NULL,          -- when it was last raised
    seen_at REAL NOT NULL,           -- when it was last there
    times INTEGER NOT NULL,          -- how often it was raised
    acked_at REAL,                   -- NULL: nobody has taken note
    acked_by TEXT NOT NULL DEFAULT '',
    note TEXT NOT NULL DEFAULT '',
    cleared_at REAL                  -- NULL: it stands
);
CREATE UNIQUE INDEX alert_open ON alert (kind, key) WHERE cleared_at IS NULL;
CREATE TABLE alert_notice (
    id INTEGER PRIMARY KEY,
    alert_id INTEGER NOT NULL,       -- alert.id
    what TEXT NOT NULL,              -- raised | worse | cleared
    at REAL NOT NULL,
    target TEXT NOT NULL,            -- way:name, as rules say it
    sent_at REAL                     -- NULL: not handed over yet
);
CREATE INDEX alert_notice_unsent ON alert_notice (target) WHERE sent_at IS NULL;
CREATE TABLE alert_look (
    kind TEXT PRIMARY KEY,
    at REAL NOT NULL                 -- when it was last looked at
) WITHOUT ROWID;
"""

# a sender knows a notice by its number, also after it was withdrawn: none is given twice
NUMBERS = """
ALTER TABLE alert_notice RENAME TO alert_notice_m001;
DROP INDEX alert_notice_unsent;
CREATE TABLE alert_notice (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    alert_id INTEGER NOT NULL,       -- alert.id
    what TEXT NOT NULL,              -- raised | worse | cleared
    at REAL NOT NULL,
    target TEXT NOT NULL,            -- way:name, as rules say it
    sent_at REAL                     -- NULL: not handed over yet
);
INSERT INTO alert_notice SELECT * FROM alert_notice_m001;
DROP TABLE alert_notice_m001;
CREATE INDEX alert_notice_unsent ON alert_notice (target) WHERE sent_at IS NULL;
"""

MIGRATIONS: tuple[Migration, ...] = (
    statements("alert", "m001_alarms", ALARMS),
    statements("alert", "m002_numbers", NUMBERS),
)
