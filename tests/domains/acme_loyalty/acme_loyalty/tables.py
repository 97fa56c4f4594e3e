"""The table."""

from storeops.database.migrations import statements

MIGRATIONS = (
    statements(
        "loyalty",
        "m001_points",
        """
CREATE TABLE loyalty_points (
    external_userid TEXT PRIMARY KEY,
    points INTEGER NOT NULL,
    level TEXT NOT NULL DEFAULT 'silver'
);
CREATE INDEX loyalty_by_points ON loyalty_points (points);
CREATE TABLE loyalty_guide (
    userid TEXT PRIMARY KEY
);
CREATE TABLE loyalty_bell (
    event_id INTEGER PRIMARY KEY
);
CREATE TABLE loyalty_refreshed (
    at REAL NOT NULL
);
""",
    ),
)
