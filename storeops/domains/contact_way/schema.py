"""The table of contact ways: what WeCom said of each, also of those that are deleted since."""

from __future__ import annotations

from storeops.database.migrations import Migration, statements

WAYS = """
CREATE TABLE contact_way (
    id INTEGER PRIMARY KEY,
    config_id TEXT NOT NULL UNIQUE,
    type INTEGER NOT NULL DEFAULT 0,       -- 1 one member, 2 several
    scene INTEGER NOT NULL DEFAULT 0,      -- 1 button of a mini-program, 2 QR code
    style INTEGER NOT NULL DEFAULT 0,      -- of the button
    remark TEXT NOT NULL DEFAULT '',       -- its name
    state TEXT NOT NULL DEFAULT '',        -- comes back with the customers who came by it
    skip_verify INTEGER NOT NULL DEFAULT 1,
    is_exclusive INTEGER NOT NULL DEFAULT 0,
    qr_code TEXT NOT NULL DEFAULT '',      -- address of the picture
    user TEXT NOT NULL DEFAULT '[]',       -- JSON userids, as WeCom names them
    party TEXT NOT NULL DEFAULT '[]',      -- JSON department ids
    mark TEXT NOT NULL DEFAULT '',         -- of the row of a plan that made it, '' when none of ours
    first_seen_at INTEGER NOT NULL,
    read_at INTEGER NOT NULL,              -- when WeCom last said all this, 0 not since a job wrote
    gone_at INTEGER                        -- when WeCom said that there is none any more
);
CREATE INDEX contact_way_by_state ON contact_way (state);
CREATE INDEX contact_way_by_remark ON contact_way (remark);
CREATE INDEX contact_way_by_mark ON contact_way (mark) WHERE mark <> '';
"""

# what a job wrote, it had not read: when WeCom last said all is one thing, when we wrote another
WRITTEN = "ALTER TABLE contact_way ADD COLUMN written_at INTEGER NOT NULL DEFAULT 0"

MIGRATIONS: tuple[Migration, ...] = (
    statements("contact_way", "m001_ways", WAYS),
    statements("contact_way", "m002_written", WRITTEN),
)
