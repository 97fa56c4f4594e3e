"""The tables of the mirror and its ledger: facts, timeline, sync runs.

Inside, rows point at each other by integer keys; WeCom's ids live once, in `customer`, `staff`,
`tag`, `group_chat`. Times are Unix seconds of WeCom's clock.
"""

from __future__ import annotations

import sqlite3

from storeops.database.migrations import Migration, statements

FACTS = """
CREATE TABLE department (
    id INTEGER PRIMARY KEY,            -- WeCom's own number; root = 1
    name TEXT NOT NULL DEFAULT '',
    name_en TEXT NOT NULL DEFAULT '',
    parentid INTEGER NOT NULL DEFAULT 0,
    ord INTEGER NOT NULL DEFAULT 0,
    leaders TEXT NOT NULL DEFAULT '[]', -- JSON userids
    status TEXT NOT NULL DEFAULT 'active', -- active | missing | lost
    digest INTEGER NOT NULL DEFAULT 0,
    first_seen_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE TABLE staff (
    id INTEGER PRIMARY KEY,
    userid TEXT NOT NULL COLLATE NOCASE UNIQUE,
    name TEXT NOT NULL DEFAULT '',
    position TEXT NOT NULL DEFAULT '',
    main_department INTEGER NOT NULL DEFAULT 0, -- WeCom's department id, 0 unknown; the shop of the member
    departments TEXT NOT NULL DEFAULT '[]',     -- JSON ints
    wecom_status INTEGER NOT NULL DEFAULT 0,    -- 1 active, 2 disabled, 4 not activated, 5 left, 0 unknown
    is_follow_user INTEGER NOT NULL DEFAULT 0,  -- customer contact switched on
    status TEXT NOT NULL DEFAULT 'active',      -- active | left | out_of_scope | missing
    left_at INTEGER,
    digest INTEGER NOT NULL DEFAULT 0,
    first_seen_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX staff_by_store ON staff (main_department, id);
CREATE TABLE customer (
    id INTEGER PRIMARY KEY,
    external_userid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL DEFAULT '',
    type INTEGER NOT NULL DEFAULT 1,   -- 1 WeChat user, 2 WeCom user
    gender INTEGER NOT NULL DEFAULT 0,
    unionid TEXT NOT NULL DEFAULT '',
    avatar TEXT NOT NULL DEFAULT '',
    position TEXT NOT NULL DEFAULT '',
    corp_name TEXT NOT NULL DEFAULT '',
    createtime INTEGER NOT NULL DEFAULT 0, -- newest createtime of its follows: the order of lists
    digest INTEGER NOT NULL DEFAULT 0,
    first_seen_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE TABLE follow (
    id INTEGER PRIMARY KEY,
    staff_id INTEGER NOT NULL,         -- staff.id
    customer_id INTEGER NOT NULL,      -- customer.id
    store_id INTEGER NOT NULL DEFAULT 0, -- department id of the member's shop, copied from staff.main_department
    createtime INTEGER NOT NULL DEFAULT 0,
    remark TEXT NOT NULL DEFAULT '',
    description TEXT NOT NULL DEFAULT '',
    remark_corp_name TEXT NOT NULL DEFAULT '',
    mobiles TEXT NOT NULL DEFAULT '[]',  -- JSON strings (remark_mobiles)
    add_way INTEGER NOT NULL DEFAULT 0,
    oper_userid TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL DEFAULT 'active', -- active | missing | lost | handed_over | unassigned | out_of_scope
    tags_known INTEGER NOT NULL DEFAULT 1, -- 0: known from the unassigned list only
    deleted_by_customer_at INTEGER,
    digest INTEGER NOT NULL DEFAULT 0,
    first_seen_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (customer_id, staff_id)
);
CREATE TABLE follow_tag (
    follow_id INTEGER NOT NULL,
    tag_id INTEGER NOT NULL,           -- tag.id
    createtime INTEGER NOT NULL,       -- the follow's, for ordered walks by tag
    PRIMARY KEY (follow_id, tag_id)
) WITHOUT ROWID;
CREATE TABLE tag_group (
    id INTEGER PRIMARY KEY,
    group_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL DEFAULT '',
    ord INTEGER NOT NULL DEFAULT 0,
    create_time INTEGER NOT NULL DEFAULT 0,
    deleted_at INTEGER,
    digest INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE tag (
    id INTEGER PRIMARY KEY,
    tag_id TEXT NOT NULL UNIQUE,
    group_id INTEGER,                  -- tag_group.id; NULL while only the id is known
    name TEXT NOT NULL DEFAULT '',
    ord INTEGER NOT NULL DEFAULT 0,
    create_time INTEGER NOT NULL DEFAULT 0,
    kind INTEGER NOT NULL DEFAULT 1,   -- 1 corp tag, 3 strategy tag
    deleted_at INTEGER,
    digest INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE group_chat (
    id INTEGER PRIMARY KEY,
    chat_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL DEFAULT '',
    owner_userid TEXT NOT NULL DEFAULT '' COLLATE NOCASE,
    owner_status INTEGER NOT NULL DEFAULT 0, -- groupchat/list: 0 normal, 1 owner left, 2 handover running, 3 done
    create_time INTEGER NOT NULL DEFAULT 0,
    notice TEXT NOT NULL DEFAULT '',
    admins TEXT NOT NULL DEFAULT '[]',
    member_version TEXT NOT NULL DEFAULT '',
    member_count INTEGER NOT NULL DEFAULT 0,
    external_count INTEGER NOT NULL DEFAULT 0,
    detail_known INTEGER NOT NULL DEFAULT 0, -- 0: listed, groupchat/get not read yet
    status TEXT NOT NULL DEFAULT 'active',   -- active | missing | dissolved
    digest INTEGER NOT NULL DEFAULT 0,
    first_seen_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX group_chat_by_owner ON group_chat (owner_userid, id);
CREATE TABLE group_member (
    group_id INTEGER NOT NULL,         -- group_chat.id
    member TEXT NOT NULL,              -- userid (type 1) or external_userid (type 2)
    type INTEGER NOT NULL,
    name TEXT NOT NULL DEFAULT '',
    group_nickname TEXT NOT NULL DEFAULT '',
    join_time INTEGER NOT NULL DEFAULT 0,
    join_scene INTEGER NOT NULL DEFAULT 0,
    invitor TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (group_id, member)
) WITHOUT ROWID;
CREATE INDEX group_member_by_member ON group_member (member, group_id);
CREATE TABLE unassigned (
    handover_userid TEXT NOT NULL COLLATE NOCASE,
    external_userid TEXT NOT NULL,
    dimission_time INTEGER NOT NULL,
    PRIMARY KEY (handover_userid, external_userid)
) WITHOUT ROWID;
CREATE TABLE timeline (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    source TEXT NOT NULL,              -- sync | event | job | note
    ref TEXT NOT NULL DEFAULT '',      -- run, event or job id
    customer_id INTEGER,               -- customer.id; NULL when it is about a member, shop or tag
    staff_id INTEGER,                  -- staff.id
    field TEXT NOT NULL,               -- follow | status | tag | remark | description | mobiles | state | owner | store | name | left | ...
    before TEXT,                       -- JSON scalar or list; NULL when there was nothing
    after TEXT
);
CREATE INDEX timeline_by_customer ON timeline (customer_id, at) WHERE customer_id IS NOT NULL;
CREATE INDEX timeline_by_staff ON timeline (staff_id, at) WHERE staff_id IS NOT NULL;
CREATE TABLE mirror_meta (
    key TEXT PRIMARY KEY,              -- revision (grows with every change of facts), indexes ('none'|'built'), ...
    value TEXT NOT NULL
) WITHOUT ROWID;
"""

# Secondary indexes come late on the first load (2 s each at two million follows).
INDEXES = {
    "customer_newest": "customer (createtime DESC, id DESC)",
    "customer_by_name": "customer (name, id)",
    "follow_by_staff": "follow (staff_id, createtime DESC, customer_id DESC)",
    "follow_by_store": "follow (store_id, createtime DESC, customer_id DESC)",
    "follow_newest": "follow (createtime DESC, customer_id DESC)",
    "follow_by_state": "follow (state, createtime DESC, customer_id DESC) WHERE state <> ''",
    # state last: a state comes by scanning, so that both together are rare where each is frequent
    "follow_by_way": "follow (add_way, createtime DESC, customer_id DESC, state)",
    "follow_by_status": "follow (status, createtime DESC, customer_id DESC) WHERE status <> 'active'",
    "follow_tag_by_tag": "follow_tag (tag_id, createtime DESC, customer_id DESC, follow_id)",
    "customer_of_wecom": "customer (createtime DESC, id DESC) WHERE type <> 1",
    "follow_deleted": "follow (createtime DESC, customer_id DESC) WHERE deleted_by_customer_at IS NOT NULL",
}

RUNS = """
CREATE TABLE sync_run (
    id INTEGER PRIMARY KEY,
    started_at INTEGER NOT NULL,
    finished_at INTEGER,
    heartbeat_at INTEGER NOT NULL,
    owner TEXT NOT NULL DEFAULT '',    -- host:pid of the process that runs it
    mode TEXT NOT NULL,                -- normal | full | store
    store_id INTEGER NOT NULL DEFAULT 0, -- department id of the shop when mode = store
    scopes TEXT NOT NULL,              -- JSON list in order
    outcome TEXT                       -- NULL while open; complete | partial | failed
);
CREATE TABLE sync_scope (
    run_id INTEGER NOT NULL,
    scope TEXT NOT NULL,
    outcome TEXT,                      -- NULL while open
    started_at INTEGER,
    finished_at INTEGER,
    seen INTEGER NOT NULL DEFAULT 0,
    added INTEGER NOT NULL DEFAULT 0,
    changed INTEGER NOT NULL DEFAULT 0,
    missing INTEGER NOT NULL DEFAULT 0,
    lost INTEGER NOT NULL DEFAULT 0,
    calls INTEGER NOT NULL DEFAULT 0,
    total INTEGER,                     -- expected rows, when known: for progress
    done INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (run_id, scope)
) WITHOUT ROWID;
CREATE TABLE sync_failure (
    run_id INTEGER NOT NULL,
    scope TEXT NOT NULL,
    subject TEXT NOT NULL,             -- userid, chat_id, or the scope itself
    errcode INTEGER,
    message TEXT NOT NULL,
    PRIMARY KEY (run_id, scope, subject)
) WITHOUT ROWID;
CREATE TABLE sync_chain (
    id INTEGER PRIMARY KEY,            -- one cursor chain of an open run, emptied when its scope ends
    run_id INTEGER NOT NULL,
    scope TEXT NOT NULL,
    members TEXT NOT NULL DEFAULT '[]', -- JSON userids the chain reads
    expected INTEGER NOT NULL DEFAULT 0, -- rows known before
    cursor TEXT NOT NULL DEFAULT '',
    pages INTEGER NOT NULL DEFAULT 0,
    restarts INTEGER NOT NULL DEFAULT 0,
    outcome TEXT                       -- NULL while open; complete | failed | split
);
CREATE INDEX sync_chain_by_run ON sync_chain (run_id, scope);
CREATE TABLE sync_page (
    chain_id INTEGER NOT NULL,
    page INTEGER NOT NULL,
    seen BLOB NOT NULL,                -- the rows of the page: follow.id as native 8-byte integers
    PRIMARY KEY (chain_id, page)
);
CREATE TABLE sync_listed (
    run_id INTEGER NOT NULL,           -- rows of a list that is compared when it was read whole
    scope TEXT NOT NULL,               -- groups | unassigned
    subject TEXT NOT NULL,             -- chat_id or external_userid
    owner TEXT NOT NULL DEFAULT '' COLLATE NOCASE, -- handover_userid
    value INTEGER NOT NULL DEFAULT 0,  -- owner_status or dimission_time
    done INTEGER NOT NULL DEFAULT 0,   -- groups: detail read
    PRIMARY KEY (run_id, scope, subject, owner)
) WITHOUT ROWID;
CREATE TABLE staff_coverage (
    staff_id INTEGER PRIMARY KEY,      -- staff.id
    complete_at INTEGER,               -- when this member's customers were last read completely
    complete_run INTEGER,
    failed_at INTEGER,                 -- last failure since then, NULL when none
    errcode INTEGER,
    gone_once_run INTEGER              -- 84061/60111 for a member who had customers: counts only when read twice
);
"""


def _way_with_state(connection: sqlite3.Connection) -> None:
    """Build `follow_by_way` anew where it is there already; a first load builds it at its end."""
    there = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'follow_by_way'")
    if there.fetchone() is not None:
        connection.execute("DROP INDEX follow_by_way")
        connection.execute(f"CREATE INDEX follow_by_way ON {INDEXES['follow_by_way']}")


def _tag_with_customer(connection: sqlite3.Connection) -> None:
    """Let a tag's index know the customers, so that these need not be looked up follow by follow."""
    connection.execute("ALTER TABLE follow_tag ADD COLUMN customer_id INTEGER NOT NULL DEFAULT 0")
    connection.execute(
        "UPDATE follow_tag SET customer_id ="
        " (SELECT f.customer_id FROM follow f WHERE f.id = follow_tag.follow_id)"
    )
    there = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'follow_tag_by_tag'")
    if there.fetchone() is not None:
        connection.execute("DROP INDEX follow_tag_by_tag")
        connection.execute(f"CREATE INDEX follow_tag_by_tag ON {INDEXES['follow_tag_by_tag']}")


FORMER = """
CREATE TABLE staff_former (
    userid TEXT PRIMARY KEY COLLATE NOCASE, -- a userid that WeCom changed: it still means the person
    staff_id INTEGER NOT NULL,         -- staff.id
    changed_at INTEGER NOT NULL
) WITHOUT ROWID;
-- who is meant by a userid, as it is or as it was
CREATE VIEW staff_by_userid AS
    SELECT userid, id AS staff_id FROM staff
    UNION ALL
    SELECT userid, staff_id FROM staff_former;
"""


# written before times in milliseconds were known for what they are
SECONDS = "".join(
    f"UPDATE {table} SET {column} = {column} / {divisor} WHERE {column} > 99999999999;\n"
    for divisor in (1000, 1000, 1000)  # milli-, micro-, nanoseconds
    for table, column in (
        ("follow", "createtime"), ("follow_tag", "createtime"), ("customer", "createtime"),
        ("staff", "left_at"), ("unassigned", "dimission_time"),
    )
)  # fmt: skip


# reports read what one day brought, of a history of years
BY_TIME = "CREATE INDEX timeline_by_time ON timeline (at);"

ODD_VALUES = """
-- JSON object: values that could not be read as they came, by field
ALTER TABLE sync_run ADD COLUMN odd_values TEXT NOT NULL DEFAULT '{}';
"""


COPY = """
CREATE TABLE column_part (
    kind TEXT NOT NULL,                -- follow | customer: a columnar copy of it (column_store.py)
    part INTEGER NOT NULL,             -- of keys, 8,192 each
    data BLOB NOT NULL,
    PRIMARY KEY (kind, part)
);
CREATE TABLE column_change (
    number INTEGER PRIMARY KEY,        -- never used again: the last row stays
    key INTEGER NOT NULL               -- follow.id, or -customer.id; 0 where a copy begins or ends
);
"""


MIGRATIONS: tuple[Migration, ...] = (
    statements("mirror", "m001_facts", FACTS),
    statements("mirror", "m002_runs", RUNS),
    Migration("mirror", "m003_way_with_state", _way_with_state),
    Migration("mirror", "m004_tag_with_customer", _tag_with_customer),
    statements("mirror", "m005_former_userids", FORMER),
    statements("mirror", "m006_seconds", SECONDS),
    statements("mirror", "m007_odd_values", ODD_VALUES),
    statements("mirror", "m008_timeline_by_time", BY_TIME),
    statements("mirror", "m009_columns", COPY),
)
