"""Tables of suppliers and their papers."""

from storeops.database.migrations import statements

MIGRATIONS = (
    statements(
        "suppliers",
        "m001_suppliers",
        """
CREATE TABLE suppliers_supplier (
    code TEXT PRIMARY KEY,           -- the chain's own number
    name TEXT NOT NULL,
    role TEXT NOT NULL,              -- a role of the rules
    uscc TEXT NOT NULL,              -- unified social credit code; '' when not said
    address TEXT NOT NULL,
    categories TEXT NOT NULL,        -- JSON: what it supplies
    updated_at REAL NOT NULL         -- Unix seconds
);
CREATE TABLE suppliers_paper (
    id INTEGER PRIMARY KEY,
    supplier TEXT NOT NULL,          -- its code
    kind TEXT NOT NULL,              -- a kind of the rules
    number TEXT NOT NULL,
    holder_uscc TEXT NOT NULL,
    address TEXT NOT NULL,
    categories TEXT NOT NULL,        -- JSON: what it covers
    lot TEXT NOT NULL,               -- that a report is about; '' for all
    valid_from TEXT NOT NULL,        -- YYYY-MM-DD; '' when not said
    valid_until TEXT NOT NULL,       -- YYYY-MM-DD; 'long-term'; '' when not said
    status TEXT NOT NULL,            -- valid | revoked | cancelled | suspended
    file TEXT NOT NULL,              -- name of the scan in the profile's folder; '' for none
    sha256 TEXT NOT NULL,            -- of the scan
    added_at REAL NOT NULL,          -- Unix seconds
    UNIQUE (supplier, kind, number, lot)
);
CREATE INDEX suppliers_paper_number ON suppliers_paper (number);
CREATE INDEX suppliers_paper_until ON suppliers_paper (valid_until);
""",
    ),
)
