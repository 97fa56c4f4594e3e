"""Tables of stock: what lies where now, and every difference that was found."""

from storeops.database.migrations import statements

MIGRATIONS = (
    statements(
        "stock",
        "m001_stock",
        """
CREATE TABLE stock_lot (
    store TEXT NOT NULL,             -- the chain's number of the shop
    item TEXT NOT NULL,              -- product id or barcode
    lot TEXT NOT NULL,               -- '' when not said
    expires TEXT NOT NULL,           -- last day of sale, YYYY-MM-DD; '' when not said
    qty REAL NOT NULL,               -- pieces
    counted_at REAL NOT NULL,        -- Unix seconds
    PRIMARY KEY (store, item, expires, lot)
) WITHOUT ROWID;
CREATE INDEX stock_by_expiry ON stock_lot (expires);
CREATE TABLE stock_difference (
    id INTEGER PRIMARY KEY,
    store TEXT NOT NULL,
    item TEXT NOT NULL,
    lot TEXT NOT NULL,
    expires TEXT NOT NULL,
    before REAL NOT NULL,            -- pieces that were known
    after REAL NOT NULL,             -- pieces that were counted
    at REAL NOT NULL,                -- Unix seconds
    who TEXT NOT NULL,
    source TEXT NOT NULL             -- import | count
);
""",
    ),
    statements(
        "stock",
        "m002_photos",
        """
CREATE TABLE stock_spot (
    store TEXT NOT NULL COLLATE NOCASE, -- the chain's number of the shop; '' for every shop
    spot TEXT NOT NULL,              -- what is to be photographed each day
    due TEXT NOT NULL,               -- HH:MM by which the picture is there
    added_at REAL NOT NULL,          -- Unix seconds
    removed_at REAL,                 -- asked for no more since
    PRIMARY KEY (store, spot)
) WITHOUT ROWID;
CREATE TABLE stock_photo (
    id INTEGER PRIMARY KEY,
    store TEXT NOT NULL COLLATE NOCASE, -- '' while nobody knows
    spot TEXT NOT NULL,              -- '' for one that nothing asked for
    day TEXT NOT NULL,               -- YYYY-MM-DD that it shows
    at REAL NOT NULL,                -- Unix seconds: sent, or found in the folder
    userid TEXT NOT NULL,            -- who sent it; '' out of a folder
    source TEXT NOT NULL,            -- media id, or name in the folder
    status TEXT NOT NULL,            -- kept | again | refused | unfiled
    why TEXT NOT NULL,               -- code of a refusal
    sha256 TEXT NOT NULL,
    kind TEXT NOT NULL,              -- jpeg | png
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    file TEXT NOT NULL,              -- below the folder of photos; '' when refused
    of_photo INTEGER                 -- the earlier one that is the same, when again
);
CREATE INDEX stock_photo_by_day ON stock_photo (day, store, spot);
CREATE INDEX stock_photo_by_content ON stock_photo (sha256);
CREATE INDEX stock_photo_by_source ON stock_photo (source);
CREATE TABLE stock_chased (
    day TEXT NOT NULL,
    store TEXT NOT NULL COLLATE NOCASE,
    spot TEXT NOT NULL,
    status TEXT NOT NULL,            -- why it was chased: missing | again | refused
    message TEXT NOT NULL,           -- its id in the log of messages
    at REAL NOT NULL,                -- Unix seconds
    PRIMARY KEY (day, store, spot, status)
) WITHOUT ROWID;
""",
    ),
)
