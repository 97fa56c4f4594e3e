"""Tables of run.db: limits, token, clock. Disposable: without the file everything starts afresh.

All moments are Unix seconds of this machine's own clock, not WeCom's: the processes that share the
file share that clock, while each may have learnt another offset.
"""

from __future__ import annotations

from storeops.database.migrations import Migration, statements

MIGRATIONS: tuple[Migration, ...] = (
    statements(
        "limits",
        "m001_limits",
        """
CREATE TABLE limit_api (
    corp_id TEXT NOT NULL,
    path TEXT NOT NULL,                -- as wecom.address.api_path writes it
    pool REAL,                         -- calls at a time since narrowed_at; NULL: as configured
    narrowed_at REAL NOT NULL DEFAULT 0,
    paused_until REAL NOT NULL DEFAULT 0,
    banned_at REAL NOT NULL DEFAULT 0, -- when the last pause began
    latency_s REAL NOT NULL DEFAULT 0, -- moving average of one call; 0: not known
    PRIMARY KEY (corp_id, path)
) WITHOUT ROWID;
CREATE TABLE limit_use (               -- permits given out, by second and by minute
    corp_id TEXT NOT NULL,
    path TEXT NOT NULL,
    span INTEGER NOT NULL,             -- 1 or 60 seconds
    slot INTEGER NOT NULL,             -- moment // span
    used INTEGER NOT NULL,
    PRIMARY KEY (corp_id, path, span, slot)
) WITHOUT ROWID;
CREATE TABLE limit_holder (            -- places in flight, leased by one governor of one process
    corp_id TEXT NOT NULL,
    path TEXT NOT NULL,
    holder TEXT NOT NULL,              -- host/pid/start/nonce
    places INTEGER NOT NULL,
    want INTEGER NOT NULL DEFAULT 0,   -- more places wished for
    want_since REAL NOT NULL DEFAULT 0,
    want_at REAL NOT NULL DEFAULT 0,   -- the wish was last repeated; an old wish counts no more
    urgent INTEGER NOT NULL DEFAULT 0,
    expires_at REAL NOT NULL,
    PRIMARY KEY (corp_id, path, holder)
) WITHOUT ROWID;
CREATE TABLE token (
    corp_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    value TEXT NOT NULL DEFAULT '',    -- '' until the first fetch
    expires_at REAL NOT NULL DEFAULT 0,
    fetches INTEGER NOT NULL DEFAULT 0,
    holder TEXT NOT NULL DEFAULT '',   -- who is fetching
    held_until REAL NOT NULL DEFAULT 0,
    PRIMARY KEY (corp_id, agent_id)
) WITHOUT ROWID;
CREATE TABLE clock_offset (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    offset_s REAL NOT NULL             -- WeCom's clock is ahead of ours by this
);
""",
    ),
    statements(
        "limits",
        "m002_token_of_a_secret",
        # ties a token to the secret it was got with: HMAC-SHA256 of the token under the secret
        "ALTER TABLE token ADD COLUMN mark TEXT NOT NULL DEFAULT '';",
    ),
    statements(
        "limits",
        "m003_clock_that_was_set",
        # what the machine's clock and its time since start said when the offset was saved
        """
ALTER TABLE clock_offset ADD COLUMN start TEXT NOT NULL DEFAULT '';
ALTER TABLE clock_offset ADD COLUMN since_start REAL NOT NULL DEFAULT 0;
ALTER TABLE clock_offset ADD COLUMN clock REAL NOT NULL DEFAULT 0;
""",
    ),
    statements(
        "limits",
        "m004_calls_in_flight",
        # one row a call instead of leases of several places by each process
        """
DROP TABLE limit_holder;
CREATE TABLE limit_flight (            -- calls under way, and calls that wait for a place
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order of the queue
    corp_id TEXT NOT NULL,
    path TEXT NOT NULL,
    holder TEXT NOT NULL,              -- of which process: host/pid/start/nonce
    urgent INTEGER NOT NULL,
    calling INTEGER NOT NULL,          -- 1: under way, 0: it waits
    asked_at REAL NOT NULL             -- when it began, or last said that it waits
);
""",
    ),
)
