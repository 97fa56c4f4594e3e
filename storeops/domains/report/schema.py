"""Tables of reports: what WeCom's statistics said of each guide and day, kept for good, and the
figures that shops' back offices get.

WeCom answers for the last 180 days only; what was read stays reproducible here.
"""

from __future__ import annotations

from storeops.database.migrations import Migration, statements

BEHAVIOUR = """
CREATE TABLE report_behaviour (
    userid TEXT NOT NULL COLLATE NOCASE,
    day INTEGER NOT NULL,              -- 00:00 of the day in China, Unix seconds (stat_time)
    chat_cnt INTEGER NOT NULL,         -- single chats with messages of either side
    message_cnt INTEGER NOT NULL,      -- messages that the member sent
    reply_percentage REAL,             -- 0 to 100; NULL on a day without chats that customers began
    avg_reply_time INTEGER,            -- minutes to the first reply; NULL as above
    negative_feedback_cnt INTEGER NOT NULL, -- customers who deleted or blocked the member
    new_apply_cnt INTEGER NOT NULL,    -- friend requests that the member sent
    new_contact_cnt INTEGER NOT NULL,
    read_at REAL NOT NULL,             -- WeCom's time; before 09:00 of the next day it may change
    PRIMARY KEY (day, userid)
) WITHOUT ROWID;
CREATE TRIGGER report_member_renamed AFTER UPDATE OF userid ON staff
WHEN old.userid <> new.userid BEGIN
    UPDATE OR REPLACE report_behaviour SET userid = new.userid WHERE userid = old.userid;
END;
"""

KEPT = """
CREATE TABLE report_kept (
    id INTEGER PRIMARY KEY,
    store_id INTEGER NOT NULL,         -- department id
    start INTEGER NOT NULL,            -- first second of the days, Unix seconds
    ends INTEGER NOT NULL,             -- first second after them
    complete INTEGER NOT NULL,         -- whether all of it could be known
    made_at REAL NOT NULL,             -- WeCom's time
    document TEXT NOT NULL,            -- JSON: figures of the shop and of its guides, notes
    UNIQUE (store_id, start, ends)
);
CREATE INDEX report_kept_by_days ON report_kept (start, ends);
CREATE INDEX report_behaviour_by_member ON report_behaviour (userid);
"""

MIGRATIONS: tuple[Migration, ...] = (
    statements("report", "m001_behaviour", BEHAVIOUR),
    statements("report", "m002_kept", KEPT),
)
