"""Tables of commission: rules as they were adopted, months as they were closed, and their lines."""

from __future__ import annotations

from storeops.database.migrations import Migration, statements

TABLES = """
CREATE TABLE commission_rule (
    name TEXT NOT NULL COLLATE NOCASE,
    version INTEGER NOT NULL,          -- grows with every change that was adopted
    content TEXT NOT NULL,             -- JSON: the rule as it was checked
    adopted_at INTEGER NOT NULL,
    adopted_by TEXT NOT NULL,
    retired_at INTEGER,                -- NULL while it is in force
    PRIMARY KEY (name, version)
) WITHOUT ROWID;
CREATE TABLE commission_month (
    month TEXT PRIMARY KEY,            -- 2026-10, in the zone in force
    closed_at INTEGER NOT NULL,
    closed_by TEXT NOT NULL,
    entries INTEGER NOT NULL,
    share_fen INTEGER NOT NULL,
    digest TEXT NOT NULL,              -- of the entries, as the journal has it
    rules TEXT NOT NULL                -- JSON: the rules it was reckoned with
) WITHOUT ROWID;
CREATE TABLE commission_entry (
    id INTEGER PRIMARY KEY,
    month TEXT NOT NULL,               -- in which it is paid
    kind TEXT NOT NULL,                -- sale | return | change
    source TEXT NOT NULL,
    order_no TEXT NOT NULL,
    line INTEGER NOT NULL,
    paid_at INTEGER NOT NULL,
    amount_fen INTEGER NOT NULL,       -- of the line; of a change what the line grew by
    userid TEXT NOT NULL COLLATE NOCASE, -- '' the shop's pool
    role TEXT NOT NULL,                -- owner | former | server | seller | pool
    share_fen INTEGER NOT NULL,
    pay_fen INTEGER NOT NULL,
    shop TEXT NOT NULL,
    rule TEXT NOT NULL,
    rule_version INTEGER NOT NULL,
    reason TEXT NOT NULL,              -- JSON: [code, {details}]
    external_userid TEXT NOT NULL      -- for erasing; '' unknown or erased
);
CREATE INDEX commission_by_month ON commission_entry (month, userid);
CREATE INDEX commission_by_line ON commission_entry (order_no, source, line);
CREATE INDEX commission_by_customer ON commission_entry (external_userid)
    WHERE external_userid <> '';
"""

# nothing in a closed month changes; only a person's name goes, and a member's when WeCom changes it
CLOSED = """
CREATE TRIGGER commission_closed_stays BEFORE UPDATE OF month, amount_fen, share_fen, pay_fen
    ON commission_entry BEGIN
    SELECT RAISE(ABORT, 'a closed month never changes');
END;
CREATE TRIGGER commission_closed_kept BEFORE DELETE ON commission_entry BEGIN
    SELECT RAISE(ABORT, 'a closed month never changes');
END;
CREATE TRIGGER commission_member_renamed AFTER UPDATE OF userid ON staff
WHEN old.userid <> new.userid BEGIN
    UPDATE commission_entry SET userid = new.userid WHERE userid = old.userid;
END;
"""

# what each line of a closed month was reckoned from, so that `explain` says it as it was then
BASIS = """
CREATE TABLE commission_basis (
    order_no TEXT NOT NULL,
    source TEXT NOT NULL,
    line INTEGER NOT NULL,
    month TEXT NOT NULL,               -- when it was closed
    part INTEGER NOT NULL,             -- from 0
    userid TEXT NOT NULL COLLATE NOCASE, -- '' the shop's pool
    role TEXT NOT NULL,
    share_fen INTEGER NOT NULL,        -- of the line as it was then, also where a month has less
    rule TEXT NOT NULL,
    rule_version INTEGER NOT NULL,
    weight INTEGER NOT NULL,           -- of weight_total
    weight_total INTEGER NOT NULL,
    before_fen INTEGER NOT NULL,       -- of a return: given back of the sale's line before it
    after_fen INTEGER NOT NULL,        -- and with it; of a sale its amount
    reason TEXT NOT NULL,              -- JSON: [code, {details}]
    PRIMARY KEY (order_no, source, line, month, part)
) WITHOUT ROWID;
CREATE TRIGGER commission_basis_stays BEFORE UPDATE OF month, part, share_fen, weight, weight_total,
    before_fen, after_fen ON commission_basis BEGIN
    SELECT RAISE(ABORT, 'a closed month never changes');
END;
CREATE TRIGGER commission_basis_renamed AFTER UPDATE OF userid ON staff
WHEN old.userid <> new.userid BEGIN
    UPDATE commission_basis SET userid = new.userid WHERE userid = old.userid;
END;
"""

MIGRATIONS: tuple[Migration, ...] = (
    statements("commission", "m001_commission", TABLES),
    statements("commission", "m002_closed", CLOSED),
    statements("commission", "m003_basis", BASIS),
)
