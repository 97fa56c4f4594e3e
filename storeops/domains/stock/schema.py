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
)
