"""Guide by guide: what happened to their customers, how they chat and reply."""

from __future__ import annotations

from storeops.database.database import Database
from storeops.domains.report.behaviour import replies
from storeops.domains.report.daily import columns, full, tiles, with_week_before
from storeops.domains.report.stores import (
    LESS,
    SHOWN,
    UNKNOWN,
    fetch_step,
    missing_replies,
    reply_columns,
    together,
)
from storeops.i18n import _
from storeops.operations.reports import TEXT, NamedReport, Period, ReportColumn, ReportTable


def guides(db: Database, period: Period, now: float) -> NamedReport:
    """Everybody with customers or figures, by shop."""
    found, before = with_week_before(db, period, now)
    heard = replies(db, period)
    rows = [
        {
            "userid": each.userid,
            "name": each.name,
            "store": each.store,
            **full(each.figures),
            **(together([heard[each.userid.lower()]]) if each.userid.lower() in heard else UNKNOWN),
        }
        for each in found.guides
    ]
    notes = [*found.notes, *missing_replies(found, heard, now)]
    return NamedReport(
        "staff",
        _("Guides"),
        period,
        found.complete,
        {
            "since": period.since,
            "until": period.until,
            "complete": found.complete,
            "staff": rows,
            "notes": notes,
        },
        [
            ReportTable(
                "staff", _("Guides"),
                [
                    ReportColumn("name", _("Guide"), TEXT, blank="{userid}"),
                    ReportColumn("store", _("Shop"), TEXT, blank=_("(no store)")),
                    *columns(SHOWN, LESS),
                    *reply_columns(),
                ],
                rows, bar="new", empty=_("Nobody has customers yet."),
                subjects=[each.userid for each in found.guides],
            )
        ],
        tiles(found, before, ("new", "lost_by_customer", "lost_by_guide", "tags_given")),
        (),
        notes,
        [*found.next_steps, *fetch_step(db, found, heard, period, now)],
    )  # fmt: skip
