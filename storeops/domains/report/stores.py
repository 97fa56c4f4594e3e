"""Shop by shop, with who ended relations, tags given, and chats and replies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from statistics import fmean
from typing import Any

from storeops.database.database import Database
from storeops.domains.report.behaviour import Replies, china_days, replies, wanted
from storeops.domains.report.daily import (
    columns,
    curves,
    full,
    store_columns,
    tiles,
    with_week_before,
)
from storeops.domains.report.figures import DaysFigures
from storeops.i18n import _, ngettext
from storeops.mirror import meta
from storeops.operations.reports import (
    COUNT,
    MINUTES,
    SHARE,
    NamedReport,
    Period,
    ReportColumn,
    ReportTable,
)

SHOWN = (
    "customers", "new", "lost", "lost_by_customer", "lost_by_guide", "handed_over", "taken_over",
    "waiting", "refused", "untagged", "tags_given",
)  # fmt: skip
LESS = ("lost_by_customer", "lost_by_guide", "taken_over", "tags_given", "refused", "waiting")
UNKNOWN: dict[str, Any] = {
    "chat_cnt": None, "message_cnt": None, "reply_percentage": None, "avg_reply_time": None,
    "negative_feedback_cnt": None,
}  # fmt: skip


def stores(db: Database, period: Period, now: float) -> NamedReport:
    """Each shop, beside the week before."""
    found, before = with_week_before(db, period, now)
    earlier = {each.department_id: each.figures for each in before.stores} if before else {}
    heard = replies(db, period)
    by_store: dict[int, list[Replies]] = defaultdict(list)
    for guide in found.guides:
        if guide.userid.lower() in heard:
            by_store[guide.department_id].append(heard[guide.userid.lower()])
    rows = [
        {
            "store_code": each.store_code,
            "store": each.store,
            **full(each.figures),
            **together(by_store.get(each.department_id, ())),
            "week_before": earlier[each.department_id].main()
            if each.department_id in earlier
            else None,
        }
        for each in found.stores
    ]
    notes = [*found.notes, *missing_replies(found, heard, now)]
    return NamedReport(
        "store",
        _("Shops"),
        period,
        found.complete,
        {
            "since": period.since,
            "until": period.until,
            "complete": found.complete,
            "totals": full(found.totals),
            "week_before": before.totals.main() if before is not None else None,
            "stores": rows,
            "notes": notes,
        },
        [
            ReportTable(
                "stores", _("Shops"),
                [*store_columns(rows), *columns(SHOWN, LESS), *reply_columns()], rows,
                bar="new", empty=_("No shop is known yet."),
                subjects=[each.department_id for each in found.stores],
            )
        ],
        tiles(found, before, ("customers", "new", "lost", "handed_over", "untagged", "tags_given")),
        curves(db, period, now),
        notes,
        [*found.next_steps, *fetch_step(db, found, heard, period, now)],
    )  # fmt: skip


def reply_columns() -> list[ReportColumn]:
    """What WeCom's statistics tell."""
    return [
        ReportColumn("chat_cnt", _("Chats"), COUNT, secondary=True),
        ReportColumn("reply_percentage", _("Replied"), SHARE, secondary=True, good=1),
        ReportColumn("avg_reply_time", _("First reply"), MINUTES, secondary=True, good=-1),
    ]


def together(heard: Iterable[Replies]) -> dict[str, Any]:
    """Chats summed, the two ratios averaged, as WeCom does it for several people."""
    several = list(heard)
    if not several:
        return dict(UNKNOWN)
    shares = [each.reply_percentage for each in several if each.reply_percentage is not None]
    waits = [each.avg_reply_time for each in several if each.avg_reply_time is not None]
    return {
        "chat_cnt": sum(each.chat_cnt for each in several),
        "message_cnt": sum(each.message_cnt for each in several),
        "reply_percentage": round(fmean(shares), 2) if shares else None,
        "avg_reply_time": round(fmean(waits), 1) if waits else None,
        "negative_feedback_cnt": sum(each.negative_feedback_cnt for each in several),
    }


def missing_replies(found: DaysFigures, heard: dict[str, Replies], now: float) -> list[str]:
    """A note when chats and replies of some guides, or days, are not known."""
    days = len(china_days(found.period))
    silent = sum(
        each.userid.lower() not in heard or heard[each.userid.lower()].days < days
        for each in found.guides
    )
    if not silent:
        return []
    return [
        ngettext(
            "Chats and replies of {count} guide are not known for every day.",
            "Chats and replies of {count} guides are not known for every day.",
            silent,
        ).format(count=silent)
    ]


def fetch_step(
    db: Database, found: DaysFigures, heard: dict[str, Replies], period: Period, now: float
) -> list[str]:
    """The command that reads them, where WeCom still tells them; at head office."""
    if meta.is_fed(db.connection) or not wanted_here(period, now):
        return []
    if not missing_replies(found, heard, now):
        return []
    if period.days == 1:
        return [f"storeops report fetch --on {period.since}"]
    return [f"storeops report fetch --since {period.since} --until {period.until}"]


def wanted_here(period: Period, now: float) -> bool:
    """Whether WeCom still tells statistics of some day of it."""
    return bool(wanted(period, now))
