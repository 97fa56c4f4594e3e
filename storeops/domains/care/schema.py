"""Tables of care: rules in force, and tasks with how each one ended."""

from __future__ import annotations

from storeops.database.migrations import Migration, statements

TABLES = """
CREATE TABLE care_rule (
    name TEXT PRIMARY KEY COLLATE NOCASE,
    content TEXT NOT NULL,             -- JSON: the rule as it was checked
    adopted_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE care_task (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL,      -- customer.id
    external_userid TEXT NOT NULL,
    reason TEXT NOT NULL COLLATE NOCASE, -- name of the rule
    kind TEXT NOT NULL,                -- after-purchase | warranty | replenishment | silent | new-owner | recall …
    subject TEXT NOT NULL,             -- what made it: an order, an article, a handover
    userid TEXT NOT NULL COLLATE NOCASE, -- the owner of today
    due_at INTEGER NOT NULL,           -- Unix seconds; a snooze moves it
    day TEXT NOT NULL DEFAULT '',      -- 2026-05-01: the day it was given to the guide; '' not yet
    priority INTEGER NOT NULL,
    facts TEXT NOT NULL,               -- JSON: what the sentence is made of
    status TEXT NOT NULL DEFAULT 'open', -- open | done | skipped | lapsed | gone
    snoozes INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    ended_at INTEGER,
    ended_by TEXT NOT NULL DEFAULT '',
    note TEXT NOT NULL DEFAULT '',     -- result of a task that is done, reason of a skipped one
    UNIQUE (customer_id, reason, subject)
);
CREATE UNIQUE INDEX care_one_open ON care_task (customer_id, reason) WHERE status = 'open';
CREATE INDEX care_by_guide ON care_task (userid, day) WHERE status = 'open';
CREATE INDEX care_by_end ON care_task (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX care_by_external ON care_task (external_userid);
"""

RENAMED = """
CREATE TRIGGER care_member_renamed AFTER UPDATE OF userid ON staff
WHEN old.userid <> new.userid BEGIN
    UPDATE care_task SET userid = new.userid WHERE userid = old.userid;
END;
"""

MATTERS = """
CREATE TABLE care_matter (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,                -- complaint | quiet
    external_userid TEXT NOT NULL,
    customer_id INTEGER NOT NULL,      -- customer.id
    text TEXT NOT NULL DEFAULT '',
    opened_at INTEGER NOT NULL,        -- Unix seconds
    opened_by TEXT NOT NULL DEFAULT '',
    until INTEGER,                     -- when quiet ends; NULL until somebody closes it
    closed_at INTEGER,
    closed_by TEXT NOT NULL DEFAULT '',
    result TEXT NOT NULL DEFAULT ''
);
CREATE INDEX care_matter_of_customer ON care_matter (customer_id);
CREATE INDEX care_matter_by_external ON care_matter (external_userid);
CREATE INDEX care_matter_open ON care_matter (kind, opened_at) WHERE closed_at IS NULL;
CREATE TABLE care_birthday (
    external_userid TEXT PRIMARY KEY,
    day TEXT NOT NULL,                 -- 05-01
    noted_by TEXT NOT NULL DEFAULT '',
    noted_at INTEGER NOT NULL
) WITHOUT ROWID;
"""

TOLD = """
CREATE TABLE care_told (               -- of today: which message told a guide which task
    day TEXT NOT NULL,                 -- 2026-05-01
    task_id INTEGER NOT NULL,
    message TEXT NOT NULL,             -- id of the message in the log
    PRIMARY KEY (day, task_id)
) WITHOUT ROWID;
CREATE INDEX care_told_of_task ON care_told (task_id);
"""

MIGRATIONS: tuple[Migration, ...] = (
    statements("care", "m001_care", TABLES),
    statements("care", "m002_renamed", RENAMED),
    statements("care", "m003_matters", MATTERS),
    # what a shop's back office gets is looked for by its guides
    statements("care", "m004_by_member", "CREATE INDEX care_by_member ON care_task (userid)"),
    statements("care", "m005_told", TOLD),
)
