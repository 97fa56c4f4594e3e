"""What of reports flows to a shop's back office: the figures of its own days, and how its guides
chat and reply."""

from __future__ import annotations

from storeops.domains.report.behaviour import CHINA_S, DAY_S
from storeops.mirror.shared import MEMBERS_OF_WANTED, SHOP_OF_USERID, USERIDS_OF_STORE
from storeops.shared_rows import Noted, SharedTable, SharedThing

_OF_SHOP = SHOP_OF_USERID.format(row="b")
_DAY = f"({{row}}.day + {CHINA_S}) / {DAY_S}"  # a thing's number: the day, counted from 1970
_OF_DAY = f"b.day = {{row}}.key * {DAY_S} - {CHINA_S}"

THINGS = (
    SharedThing(
        kind="reportfigures",
        tables=(
            SharedTable(
                name="report_kept",
                rows="SELECT w.key, w.store, r.id, r.store_id, r.start, r.ends, r.complete,"
                " r.made_at, r.document FROM {wanted} AS w"
                " CROSS JOIN report_kept AS r ON r.id = w.key",
                held="id = :key",
            ),
        ),
        stores="SELECT k.key, d.store FROM {keys} AS k CROSS JOIN report_kept AS r ON r.id = k.key"
        " JOIN {departments} AS d ON d.department_id = r.store_id AND d.below = 1",
        every="SELECT id FROM report_kept WHERE store_id IN"
        " (SELECT department_id FROM {departments} WHERE store = :store AND below = 1)",
        noted=(Noted(table="report_kept"),),
    ),
    SharedThing(
        kind="reportreplies",  # of all guides of a shop, a day
        at_once=8,
        tables=(
            SharedTable(
                name="report_behaviour",
                rows="SELECT w.key, w.store, b.userid, b.day, b.chat_cnt, b.message_cnt,"
                " b.reply_percentage, b.avg_reply_time, b.negative_feedback_cnt, b.new_apply_cnt,"
                " b.new_contact_cnt, b.read_at FROM {wanted} AS w"
                # from the shop to its guides: a day has those of 1,500 shops
                f"{MEMBERS_OF_WANTED} CROSS JOIN report_behaviour AS b ON {_OF_DAY.format(row='w')}"
                " AND b.userid = s.userid ORDER BY b.userid",
                held=f"day = :key * {DAY_S} - {CHINA_S}",
            ),
        ),
        stores="SELECT DISTINCT k.key, d.store FROM {keys} AS k"
        f" CROSS JOIN report_behaviour AS b ON {_OF_DAY.format(row='k')}{_OF_SHOP}",
        every=f"SELECT DISTINCT {_DAY.format(row='report_behaviour')} FROM report_behaviour"
        f" WHERE userid IN ({USERIDS_OF_STORE})",
        noted=(
            Noted(table="report_behaviour", keys=f"SELECT {_DAY}"),
            Noted(
                table="staff",
                columns="main_department, userid",
                keys=f"SELECT {_DAY.format(row='report_behaviour')} FROM report_behaviour"
                " WHERE userid = {row}.userid",
            ),
        ),
    ),
)
