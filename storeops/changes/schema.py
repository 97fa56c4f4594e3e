"""Tables of the ledger: plans, their rows and answers, the journal.

A plan and the left half of its rows never change once made (a hash covers them); the right half
of a row is its answer. Never rebuilt, never emptied.
"""

from __future__ import annotations

from storeops.database.migrations import Migration, statements

PLANS = """
CREATE TABLE plan (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,         -- plan_id as people type it: tag-7Q2KXM
    kind TEXT NOT NULL,                -- Action.name
    status TEXT NOT NULL,              -- draft | planned | applied | cancelled
    title TEXT NOT NULL DEFAULT '',    -- one line for lists, in the planner's language
    params TEXT NOT NULL DEFAULT '{}', -- JSON: what the planner was asked, and what its Action needs
    problems TEXT NOT NULL DEFAULT '[]', -- JSON: input rows that could not be planned, warnings
    profile TEXT NOT NULL,
    revision INTEGER NOT NULL DEFAULT 0, -- mirror revision it was made from
    rows INTEGER NOT NULL DEFAULT 0,
    ready INTEGER NOT NULL DEFAULT 0,
    calls INTEGER NOT NULL DEFAULT 0,
    hash TEXT NOT NULL DEFAULT '',     -- sha256, hex, over header and row digests; '' for drafts
    undo_of INTEGER,                   -- plan.id that this plan puts back
    created_at REAL NOT NULL,          -- WeCom's clock, as every time here
    created_by TEXT NOT NULL DEFAULT '',
    expires_at REAL NOT NULL DEFAULT 0,
    applied_at REAL,
    applied_by TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '',
    paused INTEGER NOT NULL DEFAULT 0,
    paused_why TEXT NOT NULL DEFAULT ''
);
CREATE INDEX plan_by_status ON plan (status, id);
CREATE INDEX plan_by_undo ON plan (undo_of) WHERE undo_of IS NOT NULL;
CREATE TABLE plan_row (
    plan_id INTEGER NOT NULL,
    row INTEGER NOT NULL,              -- from 1
    subject TEXT NOT NULL,             -- Row.key, unique within the plan
    external_userid TEXT NOT NULL DEFAULT '',
    userid TEXT NOT NULL DEFAULT '',
    before TEXT,                       -- JSON; NULL once erased
    after TEXT,
    extra TEXT,
    code TEXT NOT NULL DEFAULT '',     -- Verdict.code when the plan was made; '' ready
    digest BLOB NOT NULL DEFAULT x'',  -- over everything above
    status TEXT NOT NULL,              -- one of the thirteen (changes/action.py)
    errcode INTEGER,
    meaning TEXT NOT NULL DEFAULT '',  -- '' = what the error table says
    next_step TEXT NOT NULL DEFAULT '',
    retryable INTEGER NOT NULL DEFAULT 0,
    retry_at REAL,                     -- blocked: from then on it would be ready
    due_at REAL,                       -- waiting: when the final answer is expected
    at REAL,                           -- when the status last changed
    job_id INTEGER,                    -- job that last carried it
    answer TEXT,                       -- JSON: RowResult.extra
    PRIMARY KEY (plan_id, row)
) WITHOUT ROWID;
CREATE INDEX plan_row_by_status ON plan_row (plan_id, status);
CREATE INDEX plan_row_by_customer ON plan_row (external_userid, plan_id) WHERE external_userid <> '';
CREATE INDEX plan_row_waiting ON plan_row (due_at, plan_id, row) WHERE status = 'waiting';
"""

JOURNAL = """
CREATE TABLE journal (
    seq INTEGER PRIMARY KEY,           -- from 1; a number is never given twice
    at REAL NOT NULL,                  -- WeCom's clock
    kind TEXT NOT NULL,                -- plan.made | plan.applied | call.intent | row.answer | audit.erased …
    who TEXT NOT NULL,
    machine TEXT NOT NULL,
    plan TEXT NOT NULL DEFAULT '',     -- plan.name
    row INTEGER,                       -- plan_row.row
    subject TEXT,                      -- external_userid; NULL when there is none or once erased
    payload TEXT,                      -- JSON: before, after, answer, reason …; NULL once erased
    salt BLOB,                         -- 16 random bytes; NULL once erased
    digest BLOB NOT NULL,              -- sha256(salt, subject, payload)
    hash BLOB NOT NULL                 -- sha256(hash of the line before, this line's open fields, digest)
);
CREATE INDEX journal_by_plan ON journal (plan, seq);
CREATE INDEX journal_by_subject ON journal (subject) WHERE subject IS NOT NULL;
"""

META = """
CREATE TABLE ledger_meta (
    key TEXT PRIMARY KEY,              -- sealed: lines sealed last; owner: whose data it is
    value TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO ledger_meta (key, value) SELECT 'sealed', '0' FROM journal LIMIT 1;
"""

MIGRATIONS: tuple[Migration, ...] = (
    statements("changes", "m001_plans", PLANS),
    statements("changes", "m002_journal", JOURNAL),
    statements("changes", "m003_ledger_meta", META),
)
