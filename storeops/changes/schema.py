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
    status TEXT NOT NULL,              -- draft | planned | asked | approved | refused | applied | cancelled
    title TEXT NOT NULL DEFAULT '',    -- one line for lists; i18n.kept, or a text as it is
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
    status TEXT NOT NULL,              -- one of ROW_STATUSES (changes/action.py)
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

ELSEWHERE = """
-- who asked for a plan that is carried out here
CREATE TABLE plan_asker (
    plan_id INTEGER PRIMARY KEY,       -- plan.id
    request INTEGER NOT NULL UNIQUE,   -- number of the request, where these are kept
    store INTEGER NOT NULL             -- department id of the shop that gets the answers
);
CREATE TABLE plan_asker_row (
    plan_id INTEGER NOT NULL,
    row INTEGER NOT NULL,              -- plan_row.row here
    asker_row INTEGER NOT NULL,        -- plan_row.row where it was asked for
    PRIMARY KEY (plan_id, row)
) WITHOUT ROWID;
-- what has come in about plans that are carried out elsewhere
CREATE TABLE elsewhere_plan (
    request INTEGER PRIMARY KEY,
    status TEXT NOT NULL,
    paused INTEGER NOT NULL,
    paused_why TEXT NOT NULL
);
CREATE TABLE elsewhere_row (
    part INTEGER NOT NULL,             -- of which message
    request INTEGER NOT NULL,
    row INTEGER NOT NULL,              -- plan_row.row here
    status TEXT NOT NULL,
    errcode INTEGER,
    meaning TEXT NOT NULL,
    next_step TEXT NOT NULL,
    retryable INTEGER NOT NULL,
    due_at REAL,
    at REAL,
    job_id INTEGER,
    answer TEXT,
    PRIMARY KEY (request, row)
) WITHOUT ROWID;
CREATE INDEX elsewhere_row_by_part ON elsewhere_row (part);
CREATE TABLE elsewhere_job (
    id INTEGER PRIMARY KEY,            -- job.id elsewhere, and here
    request INTEGER NOT NULL,
    action TEXT NOT NULL,
    size INTEGER NOT NULL,
    status TEXT NOT NULL,
    held INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    run_at REAL NOT NULL,
    attempts INTEGER NOT NULL,
    asks INTEGER NOT NULL,
    errcode INTEGER,
    error TEXT NOT NULL,
    created_at REAL NOT NULL,
    started_at REAL,
    finished_at REAL
);
CREATE INDEX elsewhere_job_by_request ON elsewhere_job (request);
CREATE TABLE elsewhere_job_row (
    job_id INTEGER NOT NULL,
    row INTEGER NOT NULL,              -- plan_row.row here
    PRIMARY KEY (job_id, row)
) WITHOUT ROWID;
"""

SUBMISSIONS = """
-- a back office: what head office is asked to write that is no plan
CREATE TABLE submission (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,         -- by which head office knows it again
    kind TEXT NOT NULL,                -- of Domain.submissions
    body TEXT NOT NULL,                -- JSON
    asked_by TEXT NOT NULL,
    at REAL NOT NULL,                  -- WeCom's clock
    sent_at REAL,                      -- when head office had it
    refused TEXT NOT NULL DEFAULT ''   -- why that did not write it
);
CREATE INDEX submission_unsent ON submission (id) WHERE sent_at IS NULL;
"""

MIGRATIONS: tuple[Migration, ...] = (
    statements("changes", "m001_plans", PLANS),
    statements("changes", "m002_journal", JOURNAL),
    statements("changes", "m003_ledger_meta", META),
    statements("changes", "m004_elsewhere", ELSEWHERE),
    statements("changes", "m005_submissions", SUBMISSIONS),
)
