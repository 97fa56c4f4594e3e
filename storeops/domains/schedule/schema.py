"""Tables of the schedule: tasks, each with its next moment, and every run of them.

What a list shows of a task stands in its row, so that a thousand tasks with their last runs are one
small read. Times are Unix seconds of WeCom's clock.
"""

from __future__ import annotations

from storeops.database.migrations import Migration, statements

TASKS = """
CREATE TABLE schedule_task (
    name TEXT PRIMARY KEY COLLATE NOCASE,
    cron TEXT NOT NULL,                 -- five fields
    calendar TEXT NOT NULL,             -- every | workdays | holidays
    words TEXT NOT NULL,                -- JSON: the words behind storeops
    folder TEXT NOT NULL,               -- where it runs
    enabled INTEGER NOT NULL,
    jitter_s INTEGER NOT NULL,
    timeout_s INTEGER NOT NULL,
    retries INTEGER NOT NULL,
    catch_up INTEGER NOT NULL,
    added_at REAL NOT NULL,
    zone TEXT NOT NULL,                 -- in which due_at was reckoned
    answered_at REAL NOT NULL,          -- moments up to this one have had their run, or never will
    due_at REAL,                        -- the next moment; NULL when none comes
    estimated INTEGER NOT NULL,         -- 1: what kind of day that is has not been announced
    next_at REAL,                       -- when run-due starts it: due_at and jitter, or a retry
    retry_due REAL,                     -- the moment whose run is tried again; NULL usually
    attempt INTEGER NOT NULL DEFAULT 0, -- tries that this moment has had
    last_run_at REAL,                   -- the newest run, also by hand
    last_exit_code INTEGER,             -- NULL while it runs, or when nobody saw its end
    last_duration_s REAL,
    last_status TEXT NOT NULL DEFAULT '',
    missed INTEGER NOT NULL DEFAULT 0   -- moments without a run of their own, before the last one
) WITHOUT ROWID;
CREATE INDEX schedule_task_next ON schedule_task (next_at) WHERE enabled = 1;
CREATE TABLE schedule_run (
    id INTEGER PRIMARY KEY,
    task TEXT NOT NULL COLLATE NOCASE,
    due_at REAL,                        -- NULL: by hand
    started_at REAL NOT NULL,
    finished_at REAL,
    exit_code INTEGER,
    duration_s REAL,
    status TEXT NOT NULL,               -- running | ended | timeout | stopped | lost | skipped
    attempt INTEGER NOT NULL,           -- 1 is the first
    missed INTEGER NOT NULL,            -- earlier moments that it stands for
    pid INTEGER                         -- of the task's process
);
CREATE INDEX schedule_run_by_task ON schedule_run (task, id);
CREATE INDEX schedule_run_open ON schedule_run (task) WHERE status = 'running';
"""

MIGRATIONS: tuple[Migration, ...] = (statements("schedule", "m001_tasks", TASKS),)
