"""Tables of the domain: which forecasts were made, and where they lie."""

from storeops.database.migrations import statements

MIGRATIONS = (
    statements(
        "forecast",
        "m001_runs",
        """
CREATE TABLE forecast_run (
    id INTEGER PRIMARY KEY,
    made_at REAL NOT NULL,           -- Unix seconds
    data TEXT NOT NULL,              -- folder that was read; '' for what tills sold
    as_of TEXT NOT NULL,             -- last day of history, YYYY-MM-DD
    horizon INTEGER NOT NULL,        -- days ahead
    method TEXT NOT NULL,            -- pooled | boosted
    out TEXT NOT NULL,               -- file that was written
    series INTEGER NOT NULL,
    sha256 TEXT NOT NULL             -- of that file
);
""",
    ),
)
