"""Tables of orders: sources, buyers, orders with their lines and versions, and what follows from
them for each customer, kept beside so that pages of a million customers stay fast."""

from __future__ import annotations

from storeops.database.migrations import Migration, statements

TABLES = """
CREATE TABLE orders_source (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL COLLATE NOCASE UNIQUE,
    channel TEXT NOT NULL DEFAULT '',  -- of orders that name none
    zone TEXT NOT NULL DEFAULT '',     -- IANA name; '' for the one in force
    currency TEXT NOT NULL DEFAULT 'CNY',
    hashed INTEGER NOT NULL DEFAULT 0, -- 1: phones are kept as keyed hashes only
    mapping TEXT NOT NULL DEFAULT '{}', -- JSON: heading → field, as a person said it
    created_at INTEGER NOT NULL,
    imported_at INTEGER                -- when its last import ended
);
CREATE TABLE orders_file (
    source_id INTEGER NOT NULL,        -- files of a watched folder that were taken in whole
    name TEXT NOT NULL,
    size INTEGER NOT NULL,             -- bytes
    mtime_ns INTEGER NOT NULL,
    imported_at INTEGER NOT NULL,
    PRIMARY KEY (source_id, name)
) WITHOUT ROWID;
CREATE TABLE orders_product (
    code TEXT PRIMARY KEY COLLATE NOCASE,
    name TEXT NOT NULL DEFAULT '',
    category TEXT NOT NULL DEFAULT '', -- a path: phones/5G
    brand TEXT NOT NULL DEFAULT '',
    warranty_months INTEGER NOT NULL DEFAULT 0,
    replenish_days INTEGER NOT NULL DEFAULT 0,
    gtin TEXT NOT NULL DEFAULT '',     -- 14 digits
    updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX orders_product_by_category ON orders_product (category);
CREATE TABLE orders_member (
    number TEXT PRIMARY KEY COLLATE NOCASE, -- of the chain's own membership
    external_userid TEXT NOT NULL DEFAULT '',
    unionid TEXT NOT NULL DEFAULT '',
    phone TEXT NOT NULL DEFAULT '',
    phone_hash TEXT NOT NULL DEFAULT '',
    updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE orders_buyer (
    id INTEGER PRIMARY KEY,            -- who an order says it was: the same words, the same buyer
    external_userid TEXT NOT NULL DEFAULT '',
    unionid TEXT NOT NULL DEFAULT '',
    phone TEXT NOT NULL DEFAULT '',    -- digits, or 138****1234
    phone_hash TEXT NOT NULL DEFAULT '', -- hex of a foreign file, or k: and our keyed hash
    member TEXT NOT NULL DEFAULT '' COLLATE NOCASE,
    customer_id INTEGER,               -- customer.id, NULL while nobody is certain
    matched_by TEXT NOT NULL DEFAULT '', -- external_userid | unionid | phone | phone_hash | masked_phone | member | person
    reason TEXT NOT NULL DEFAULT 'new', -- why nobody is certain: new | no_key | bad_phone | unknown | ambiguous; '' matched
    candidates TEXT NOT NULL DEFAULT '[]', -- JSON customer.id
    UNIQUE (external_userid, unionid, phone, phone_hash, member)
);
CREATE INDEX orders_buyer_by_phone ON orders_buyer (phone) WHERE phone <> '';
CREATE INDEX orders_buyer_by_hash ON orders_buyer (phone_hash) WHERE phone_hash <> '';
CREATE INDEX orders_buyer_by_unionid ON orders_buyer (unionid) WHERE unionid <> '';
CREATE INDEX orders_buyer_by_member ON orders_buyer (member) WHERE member <> '';
CREATE INDEX orders_buyer_by_customer ON orders_buyer (customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX orders_buyer_waiting ON orders_buyer (reason) WHERE reason <> '';
CREATE TABLE orders_order (
    id INTEGER PRIMARY KEY,
    source_id INTEGER NOT NULL,
    order_no TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 1, -- grows with every correction
    status TEXT NOT NULL,              -- paid | return | cancelled
    paid_at INTEGER NOT NULL,          -- Unix seconds
    amount_fen INTEGER NOT NULL,       -- sum of its lines; negative for a return, 0 when cancelled
    currency TEXT NOT NULL,
    channel TEXT NOT NULL DEFAULT '',
    shop TEXT NOT NULL DEFAULT '',     -- as the file writes it
    store_id INTEGER NOT NULL DEFAULT 0, -- department id, 0 unknown
    seller TEXT NOT NULL DEFAULT '' COLLATE NOCASE, -- userid of who rang it up
    server TEXT NOT NULL DEFAULT '' COLLATE NOCASE, -- userid of who served or shared the link
    original TEXT NOT NULL DEFAULT '', -- a return's order_no of the sale
    buyer_id INTEGER NOT NULL,
    customer_id INTEGER,               -- customer.id once it is certain; stays what it was then
    matched_at INTEGER,
    digest INTEGER NOT NULL,
    first_seen_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,       -- of its content
    UNIQUE (source_id, order_no)
);
CREATE INDEX orders_by_customer ON orders_order (customer_id, paid_at) WHERE customer_id IS NOT NULL;
CREATE INDEX orders_by_time ON orders_order (paid_at, id);
CREATE INDEX orders_by_buyer ON orders_order (buyer_id);
CREATE INDEX orders_by_number ON orders_order (order_no);
CREATE INDEX orders_by_change ON orders_order (updated_at);
CREATE INDEX orders_by_match ON orders_order (matched_at) WHERE matched_at IS NOT NULL;
CREATE INDEX orders_by_original ON orders_order (original) WHERE original <> '';
CREATE TABLE orders_line (
    order_id INTEGER NOT NULL,
    line INTEGER NOT NULL,             -- from 1, in the order of the file
    code TEXT NOT NULL DEFAULT '' COLLATE NOCASE,
    name TEXT NOT NULL DEFAULT '',
    quantity INTEGER NOT NULL,         -- thousandths of a piece
    amount_fen INTEGER NOT NULL,
    original_line INTEGER NOT NULL DEFAULT 0, -- a return's line of the sale, 0 not said
    PRIMARY KEY (order_id, line)
) WITHOUT ROWID;
CREATE TABLE orders_version (
    order_id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    replaced_at INTEGER NOT NULL,
    content TEXT NOT NULL,             -- JSON: the order and its lines as they were
    PRIMARY KEY (order_id, version)
) WITHOUT ROWID;
CREATE TABLE orders_stage (
    run TEXT NOT NULL,                 -- an import under way; emptied when it ends
    order_no TEXT NOT NULL,
    line INTEGER NOT NULL,             -- of the file; heads of a second file have a negative one
    head TEXT NOT NULL,                -- JSON list
    body TEXT NOT NULL,                -- JSON list; '' for a head alone
    PRIMARY KEY (run, order_no, line)
) WITHOUT ROWID;
CREATE TABLE orders_customer (
    customer_id INTEGER PRIMARY KEY,   -- customer.id
    external_userid TEXT NOT NULL,     -- for erasing
    orders INTEGER NOT NULL,           -- purchases
    days INTEGER NOT NULL,             -- days with a purchase
    returns INTEGER NOT NULL,
    spent_fen INTEGER NOT NULL,        -- purchases less returns
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL           -- of a purchase; 0 when there is none
);
CREATE INDEX orders_customer_by_spent ON orders_customer (spent_fen);
CREATE INDEX orders_customer_by_orders ON orders_customer (orders);
CREATE INDEX orders_customer_by_last ON orders_customer (last_at);
CREATE UNIQUE INDEX orders_customer_by_external ON orders_customer (external_userid);
CREATE TABLE orders_article (
    customer_id INTEGER NOT NULL,
    code TEXT NOT NULL COLLATE NOCASE,
    days INTEGER NOT NULL,             -- days on which it was bought
    quantity INTEGER NOT NULL,         -- thousandths, less returns
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    gap_s INTEGER,                     -- mean seconds between purchases, with three and more
    next_at INTEGER,                   -- when the next one is due; NULL unknown
    warranty_until INTEGER,            -- NULL without one
    PRIMARY KEY (customer_id, code)
) WITHOUT ROWID;
CREATE INDEX orders_article_by_code ON orders_article (code, customer_id);
CREATE INDEX orders_article_by_next ON orders_article (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX orders_article_by_warranty ON orders_article (warranty_until) WHERE warranty_until IS NOT NULL;
CREATE TABLE orders_place (
    what TEXT NOT NULL,                -- channel | shop
    value TEXT NOT NULL COLLATE NOCASE,
    customer_id INTEGER NOT NULL,
    PRIMARY KEY (what, value, customer_id)
) WITHOUT ROWID;
CREATE INDEX orders_place_of_customer ON orders_place (customer_id);
CREATE TABLE orders_value (
    customer_id INTEGER PRIMARY KEY,   -- customer.id; as of the last `value run`
    recency_days INTEGER NOT NULL,     -- since the last purchase
    frequency INTEGER NOT NULL,        -- purchases
    monetary_fen INTEGER NOT NULL,     -- purchases less returns
    r INTEGER NOT NULL,                -- 1 to 5, 5 best
    f INTEGER NOT NULL,
    m INTEGER NOT NULL,
    segment TEXT NOT NULL,
    score REAL NOT NULL,               -- days with a purchase, each counting half after 180 days
    expected REAL,                     -- purchases in the next 30 days; NULL without a model
    alive REAL                         -- chance to still be a customer; NULL unknown
);
CREATE INDEX orders_value_by_segment ON orders_value (segment);
CREATE INDEX orders_value_by_score ON orders_value (score);
CREATE TABLE orders_meta (
    key TEXT PRIMARY KEY,              -- currency, position, as_of …
    value TEXT NOT NULL
) WITHOUT ROWID;
"""

RENAMED = """
CREATE TRIGGER orders_member_renamed AFTER UPDATE OF userid ON staff
WHEN old.userid <> new.userid BEGIN
    UPDATE orders_order SET seller = new.userid WHERE seller = old.userid;
    UPDATE orders_order SET server = new.userid WHERE server = old.userid;
END;
"""

MEMBER_KEYS = """
CREATE INDEX orders_member_by_external ON orders_member (external_userid);
CREATE INDEX orders_member_by_unionid ON orders_member (unionid) WHERE unionid <> '';
CREATE INDEX orders_member_by_phone ON orders_member (phone) WHERE phone <> '';
CREATE INDEX orders_member_by_hash ON orders_member (phone_hash) WHERE phone_hash <> '';
"""

BIRTHDAYS = """
ALTER TABLE orders_member ADD COLUMN birthday TEXT NOT NULL DEFAULT ''; -- 05-01, '' unknown
CREATE INDEX orders_member_by_birthday ON orders_member (birthday) WHERE birthday <> '';
"""

UNUSED = (
    "DROP INDEX orders_value_by_score;"  # nobody asks in that order, and every night paid for it
)

UNTIL = """
-- two mean gaps and a week after its day a next purchase is not expected any more
ALTER TABLE orders_article ADD COLUMN next_until INTEGER; -- NULL with next_at
UPDATE orders_article SET next_until = next_at + 2 * coalesce(gap_s, 0) + 604800
    WHERE next_at IS NOT NULL;
CREATE INDEX orders_article_by_until ON orders_article (next_until, next_at, customer_id)
    WHERE next_until IS NOT NULL;
"""

SETS = """
CREATE TABLE orders_set (             -- sets of customers, as `value run` left them
    what TEXT NOT NULL,                -- channel | shop | segment | category
    value TEXT NOT NULL,
    dense INTEGER NOT NULL,            -- 1: a bit for each customer.id; 0: their numbers, 4 bytes each
    customers BLOB NOT NULL
);
CREATE UNIQUE INDEX orders_set_value ON orders_set (what, value);
CREATE TABLE orders_changed (customer_id INTEGER PRIMARY KEY); -- who is to be looked up since then
CREATE TRIGGER orders_category_new AFTER INSERT ON orders_product WHEN new.category <> ''
    BEGIN DELETE FROM orders_set WHERE what = 'category'; END;
CREATE TRIGGER orders_category_other AFTER UPDATE OF category ON orders_product
    WHEN new.category <> old.category
    BEGIN DELETE FROM orders_set WHERE what = 'category'; END;
CREATE TRIGGER orders_category_gone AFTER DELETE ON orders_product WHEN old.category <> ''
    BEGIN DELETE FROM orders_set WHERE what = 'category'; END;
"""

CARDS = """
ALTER TABLE orders_member ADD COLUMN since INTEGER NOT NULL DEFAULT 0; -- Unix seconds, 0 since ever
CREATE TABLE orders_member_former (
    number TEXT NOT NULL COLLATE NOCASE, -- whose a member number was before it passed on
    external_userid TEXT NOT NULL DEFAULT '',
    unionid TEXT NOT NULL DEFAULT '',
    phone TEXT NOT NULL DEFAULT '',
    phone_hash TEXT NOT NULL DEFAULT '',
    since INTEGER NOT NULL,            -- Unix seconds, 0 since ever
    until INTEGER NOT NULL,            -- exclusive
    PRIMARY KEY (number, since)
) WITHOUT ROWID;
"""

MIGRATIONS: tuple[Migration, ...] = (
    statements("orders", "m001_orders", TABLES),
    statements("orders", "m002_renamed", RENAMED),
    statements("orders", "m003_member_keys", MEMBER_KEYS),
    statements("orders", "m004_birthdays", BIRTHDAYS),
    statements("orders", "m005_unused", UNUSED),
    statements("orders", "m006_until", UNTIL),
    # what a shop's back office gets is looked for by its shop
    statements(
        "orders", "m007_by_store", "CREATE INDEX orders_by_store ON orders_order (store_id)"
    ),
    # customer.id of whom orders changed, and what follows from them is not reckoned yet
    statements(
        "orders", "m008_stale", "CREATE TABLE orders_stale (customer_id INTEGER PRIMARY KEY)"
    ),
    # the folder of a source that is looked at again every night, "" none
    statements(
        "orders",
        "m009_folder",
        "ALTER TABLE orders_source ADD COLUMN folder TEXT NOT NULL DEFAULT ''",
    ),
    statements("orders", "m010_sets", SETS),
    # orders paid before it are of nobody by this buyer: its number was somebody else's; Unix seconds
    statements("orders", "m011_since", "ALTER TABLE orders_buyer ADD COLUMN since INTEGER"),
    statements("orders", "m012_cards", CARDS),
)
