"""Tables of the queue: jobs, their rows and order keys, workers, events.

Finished jobs stay; partial indexes hold only the open ones, so a claim costs the same beside a
million finished jobs as beside none. Keys are deleted when their job ends.
"""

from __future__ import annotations

from storeops.database.migrations import Migration, statements

QUEUE = """
CREATE TABLE job (
    id INTEGER PRIMARY KEY,            -- order of sending within a key
    plan_id INTEGER NOT NULL,          -- plan.id
    action TEXT NOT NULL,              -- Action.name
    size INTEGER NOT NULL,             -- rows it answers for
    status TEXT NOT NULL,              -- queued | sending | unknown | waiting | succeeded | failed | cancelled
    held INTEGER NOT NULL DEFAULT 0,   -- 1: its plan is paused
    priority INTEGER NOT NULL DEFAULT 0, -- larger first
    run_at REAL NOT NULL DEFAULT 0,    -- not before this moment of WeCom's clock
    attempts INTEGER NOT NULL DEFAULT 0,
    asks INTEGER NOT NULL DEFAULT 0,   -- how often WeCom was asked whether it happened, since it was last sent
    worker INTEGER,                    -- worker.id while somebody holds it
    errcode INTEGER,                   -- of the last answer
    error TEXT NOT NULL DEFAULT '',    -- category of the last trouble: limit, network, wecom …
    created_at REAL NOT NULL,
    started_at REAL,
    finished_at REAL
);
CREATE INDEX job_ready ON job (priority DESC, id, run_at) WHERE status = 'queued' AND held = 0;
CREATE INDEX job_held ON job (plan_id) WHERE status = 'queued' AND held = 1;
CREATE INDEX job_sending ON job (worker) WHERE status = 'sending';
CREATE INDEX job_unknown ON job (id, run_at) WHERE status = 'unknown';
CREATE INDEX job_by_plan ON job (plan_id, status);
CREATE TABLE job_row (
    job_id INTEGER NOT NULL,
    row INTEGER NOT NULL,              -- plan_row.row of the job's plan
    PRIMARY KEY (job_id, row)
) WITHOUT ROWID;
CREATE TABLE job_key (
    key TEXT NOT NULL,                 -- Call.keys
    job_id INTEGER NOT NULL,           -- an unfinished job
    PRIMARY KEY (key, job_id)
) WITHOUT ROWID;
CREATE INDEX job_key_by_job ON job_key (job_id);
CREATE TABLE job_event (
    id INTEGER PRIMARY KEY,
    job_id INTEGER NOT NULL,
    at REAL NOT NULL,                  -- WeCom's clock
    kind TEXT NOT NULL,                -- requeued | unknown | read_back | failed | cancelled | retried | held | resumed
    detail TEXT NOT NULL DEFAULT ''    -- English, no names, no numbers of people
);
CREATE INDEX job_event_by_job ON job_event (job_id);
CREATE TABLE worker (
    id INTEGER PRIMARY KEY,
    holder TEXT NOT NULL,              -- host/pid/start/nonce (limits/lease_owners.py)
    started_at REAL NOT NULL,          -- this machine's clock, as all of this table
    heartbeat_at REAL NOT NULL,
    finished_at REAL
);
CREATE INDEX worker_alive ON worker (heartbeat_at) WHERE finished_at IS NULL;
"""

DOUBTS = """
-- how often it was sent without an answer: what WeCom refuses afterwards may be our own doing
ALTER TABLE job ADD COLUMN doubts INTEGER NOT NULL DEFAULT 0;
"""

HALT = """
-- what becomes of a call that is out when WeCom shows that it did not happen:
-- 0 it is sent again, 1 it is held (its plan is paused), 2 it is cancelled
ALTER TABLE job ADD COLUMN halt INTEGER NOT NULL DEFAULT 0;
"""

MIGRATIONS: tuple[Migration, ...] = (
    statements("jobs", "m001_queue", QUEUE),
    statements("jobs", "m002_doubts", DOUBTS),
    statements("jobs", "m003_halt", HALT),
)
