"""Tables of handovers: every attempt that WeCom accepted, and troubles its answers named.

An attempt lives beside its plan row. It outlives the 24 hours, for the 90-day rule, the restoring
of tags and remarks, and the report.
"""

from __future__ import annotations

from storeops.database.migrations import Migration, statements

ATTEMPTS = """
CREATE TABLE handover (
    plan_id INTEGER NOT NULL,          -- plan.id
    row INTEGER NOT NULL,              -- plan_row.row
    what TEXT NOT NULL,                -- customer | group
    kind TEXT NOT NULL,                -- on_job | resigned
    handover_userid TEXT NOT NULL COLLATE NOCASE,
    takeover_userid TEXT NOT NULL COLLATE NOCASE,
    subject TEXT NOT NULL,             -- external_userid or chat_id
    asked_at REAL NOT NULL,            -- WeCom's clock, as every time here
    due_at REAL NOT NULL,              -- when it happens by itself
    ask_at REAL,                       -- when watch asks next; NULL once settled
    asks INTEGER NOT NULL DEFAULT 0,   -- how often watch asked since it was due
    status TEXT NOT NULL,              -- waiting, or a final row status
    settled_at REAL,                   -- when it happened (takeover_time), else when it was learnt
    friend INTEGER NOT NULL DEFAULT 0, -- 1: the taker had the customer before: no add event comes
    snapshot TEXT,                     -- JSON: the relation before it moved; NULL for groups
    PRIMARY KEY (plan_id, row)
) WITHOUT ROWID;
CREATE INDEX handover_waiting ON handover (ask_at, kind, handover_userid, takeover_userid)
    WHERE status = 'waiting';
CREATE INDEX handover_by_pair ON handover (handover_userid, takeover_userid, kind, status);
CREATE INDEX handover_by_taker ON handover (takeover_userid, asked_at);
CREATE INDEX handover_by_subject ON handover (subject, asked_at);
CREATE TABLE handover_trouble (
    subject TEXT NOT NULL COLLATE NOCASE, -- userid, external_userid or chat_id that an answer complained about
    errcode INTEGER NOT NULL,
    at REAL NOT NULL,
    held INTEGER NOT NULL DEFAULT 0,   -- 40099: customers the taker had then
    PRIMARY KEY (subject, errcode)
) WITHOUT ROWID;
"""

RENAMED = """
CREATE TRIGGER handover_member_renamed AFTER UPDATE OF userid ON staff
WHEN old.userid <> new.userid BEGIN
    UPDATE handover SET handover_userid = new.userid WHERE handover_userid = old.userid;
    UPDATE handover SET takeover_userid = new.userid WHERE takeover_userid = old.userid;
    UPDATE OR REPLACE handover_trouble SET subject = new.userid WHERE subject = old.userid;
    UPDATE OR REPLACE handover_trouble
        SET subject = new.userid || substr(subject, length(old.userid) + 1)
        WHERE substr(lower(subject), 1, length(old.userid) + 1) = lower(old.userid) || '>';
    UPDATE OR REPLACE handover_trouble
        SET subject = substr(subject, 1, length(subject) - length(old.userid)) || new.userid
        WHERE substr(lower(subject), -length(old.userid) - 1) = '>' || lower(old.userid);
END;
"""

MIGRATIONS: tuple[Migration, ...] = (
    statements("handover", "m001_attempts", ATTEMPTS),
    statements("handover", "m002_renamed", RENAMED),
)
