"""Tables of lots. Events are only ever added; what is wrong is declared so by another event."""

from storeops.database.migrations import statements

MIGRATIONS = (
    statements(
        "lots",
        "m001_lots",
        """
CREATE TABLE lots_thing (
    id INTEGER PRIMARY KEY,
    item TEXT NOT NULL,              -- GTIN-14; '' for a pallet or a crate
    lot TEXT NOT NULL,               -- lot or serial number; '' when only the article is known; SSCC
    UNIQUE (item, lot)
);
CREATE INDEX lots_thing_by_lot ON lots_thing (lot);
CREATE TABLE lots_event (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,     -- of what it says, without its id, record time and declaration
    event_id TEXT NOT NULL,          -- its own eventID, else ni:///sha-256;… of the digest
    type TEXT NOT NULL,
    action TEXT NOT NULL,
    step TEXT NOT NULL,              -- bizStep
    disposition TEXT NOT NULL,
    at REAL NOT NULL,                -- Unix seconds
    place TEXT NOT NULL,             -- GLN or id of bizLocation, else of readPoint
    source TEXT NOT NULL,            -- where it came from
    destination TEXT NOT NULL,       -- where it goes
    papers TEXT NOT NULL,            -- JSON: [[type, number], …]
    void INTEGER NOT NULL DEFAULT 0, -- an error declaration says that it is wrong
    body BLOB NOT NULL               -- the event as it came, packed JSON
);
CREATE INDEX lots_event_by_id ON lots_event (event_id);
CREATE TABLE lots_line (
    thing INTEGER NOT NULL REFERENCES lots_thing (id),
    event INTEGER NOT NULL REFERENCES lots_event (id),
    role TEXT NOT NULL,              -- what | in | out | parent | child
    qty REAL,                        -- pieces, or of the unit; NULL when not said
    uom TEXT NOT NULL,               -- UN/ECE code; '' for pieces
    PRIMARY KEY (thing, event, role, uom)
) WITHOUT ROWID;
CREATE INDEX lots_line_by_event ON lots_line (event);
CREATE TABLE lots_edge (
    src INTEGER NOT NULL REFERENCES lots_thing (id),
    dst INTEGER NOT NULL REFERENCES lots_thing (id),
    event INTEGER NOT NULL REFERENCES lots_event (id),
    PRIMARY KEY (src, dst, event)
) WITHOUT ROWID;
CREATE INDEX lots_edge_back ON lots_edge (dst, src, event);
CREATE TABLE lots_declared (
    digest BLOB PRIMARY KEY,         -- of the event that is declared wrong
    at REAL NOT NULL,                -- Unix seconds of the declaration
    reason TEXT NOT NULL,
    corrective TEXT NOT NULL,        -- JSON: event ids
    body BLOB NOT NULL
);
CREATE TABLE lots_place (
    place TEXT PRIMARY KEY,          -- GLN or own number
    name TEXT NOT NULL,
    store TEXT NOT NULL              -- the chain's number of the shop; '' for none
);
CREATE TABLE lots_recall (
    id INTEGER PRIMARY KEY,
    lot TEXT NOT NULL,               -- GTIN/lot, or SSCC, that was found bad
    reason TEXT NOT NULL,
    made_at REAL NOT NULL,           -- Unix seconds
    made_by TEXT NOT NULL,
    closed_at REAL,
    closed_by TEXT NOT NULL DEFAULT '',
    closed_why TEXT NOT NULL DEFAULT ''
);
CREATE TABLE lots_recall_place (
    recall INTEGER NOT NULL REFERENCES lots_recall (id),
    item TEXT NOT NULL,
    lot TEXT NOT NULL,
    place TEXT NOT NULL,
    to_block REAL NOT NULL,          -- pieces there or on the way there when it was made
    sold REAL NOT NULL,              -- pieces sold there by then
    confirmed_at REAL,
    confirmed_by TEXT NOT NULL DEFAULT '',
    blocked REAL,                    -- pieces that the shop says it holds back
    PRIMARY KEY (recall, item, lot, place)
) WITHOUT ROWID;
""",
    ),
    statements(
        "lots",
        "m002_told",
        """
CREATE TABLE lots_recall_told (
    recall INTEGER NOT NULL REFERENCES lots_recall (id),
    place TEXT NOT NULL,
    target TEXT NOT NULL,            -- name of the target of the message
    message TEXT NOT NULL,           -- its id in the log of messages
    at REAL NOT NULL,                -- Unix seconds
    PRIMARY KEY (recall, place)
) WITHOUT ROWID;
""",
    ),
    statements(
        "lots",
        "m003_moves",
        """
CREATE INDEX lots_event_sent ON lots_event (destination, at) WHERE step = 'shipping';
CREATE INDEX lots_event_arrived ON lots_event (place, at)
    WHERE step IN ('receiving', 'accepting', 'arriving');
""",
    ),
    statements(
        "lots",
        "m004_growing",  # a place is told of what came to be known of it later, too
        """
ALTER TABLE lots_recall_place ADD COLUMN unit TEXT NOT NULL DEFAULT '';
ALTER TABLE lots_recall_told RENAME TO lots_recall_told_once;
CREATE TABLE lots_recall_told (
    recall INTEGER NOT NULL REFERENCES lots_recall (id),
    place TEXT NOT NULL,
    item TEXT NOT NULL,
    lot TEXT NOT NULL,
    target TEXT NOT NULL,            -- name of the target of the message
    message TEXT NOT NULL,           -- its id in the log of messages
    at REAL NOT NULL,                -- Unix seconds
    PRIMARY KEY (recall, place, item, lot)
) WITHOUT ROWID;
INSERT INTO lots_recall_told
    SELECT t.recall, t.place, p.item, p.lot, t.target, t.message, t.at
    FROM lots_recall_told_once t
    JOIN lots_recall_place p ON p.recall = t.recall AND p.place = t.place;
DROP TABLE lots_recall_told_once;
""",
    ),
    statements(
        "lots",
        "m005_false_alarm",  # its shops are told so in rows of lots_recall_told without item and lot
        """
ALTER TABLE lots_recall ADD COLUMN false_alarm_at REAL;
ALTER TABLE lots_recall ADD COLUMN false_alarm_by TEXT NOT NULL DEFAULT '';
ALTER TABLE lots_recall ADD COLUMN false_alarm_why TEXT NOT NULL DEFAULT '';
""",
    ),
)
