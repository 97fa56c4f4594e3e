"""Handovers of some days: who accepted, refused, still waits; what leavers have left."""

from __future__ import annotations

from collections import Counter, defaultdict
from statistics import median
from typing import Any

from storeops.changes.action import DONE, REFUSED
from storeops.database.database import Database
from storeops.domains.handover import days as handovers
from storeops.domains.handover import leavers
from storeops.domains.report.figures import figures
from storeops.i18n import _
from storeops.operations.reports import (
    TEXT,
    NamedReport,
    Period,
    ReportColumn,
    ReportTable,
    Tile,
)
from storeops.reading import directory

TODAY_S = 48 * 3600  # so long after a day its report is that of the morning


def moves(db: Database, period: Period, now: float) -> NamedReport:
    """Each pair of former owner and new one; and the leavers whose customers wait today."""
    found = figures(db, period, now)
    attempts = handovers.within(db, period.start, period.end)
    names = {userid.lower(): name for userid, name in directory.member_names(db)}
    lines: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    hours: dict[tuple[str, str], list[float]] = defaultdict(list)
    for each in (*attempts.settled, *attempts.waiting):
        pair = (each.handover_userid, each.takeover_userid)
        lines[pair][each.status] += 1
        if each.status == DONE and each.settled_at is not None:
            hours[pair].append((each.settled_at - each.asked_at) / 3600)
    rows = [
        {
            "handover_userid": owner,
            "handover": names.get(owner.lower(), ""),
            "takeover_userid": to_owner,
            "takeover": names.get(to_owner.lower(), ""),
            "done": counts[DONE],
            "waiting": counts["waiting"],
            "refused": counts[REFUSED],
            "other": sum(counts.values()) - counts[DONE] - counts["waiting"] - counts[REFUSED],
            "median_hours": round(median(hours[owner, to_owner]), 1)
            if hours[owner, to_owner]
            else None,
        }
        for (owner, to_owner), counts in sorted(lines.items(), key=lambda each: each[0])
    ]
    # what leavers have left is known of today only
    left = _left(db, now) if now - period.end < TODAY_S else None
    totals = {
        name: sum(int(row[name] or 0) for row in rows)
        for name in ("done", "waiting", "refused", "other")
    }
    return NamedReport(
        "handover",
        _("Handovers"),
        period,
        found.complete,
        {
            "since": period.since,
            "until": period.until,
            "complete": found.complete,
            "totals": totals,
            "pairs": rows,
            "leavers": left,
            "notes": list(found.notes),
        },
        [
            ReportTable(
                "pairs", _("Who handed over to whom"),
                [
                    ReportColumn("handover", _("From"), TEXT),
                    ReportColumn("takeover", _("To"), TEXT),
                    ReportColumn("done", _("Done"), good=1),
                    ReportColumn("waiting", _("Waiting")),
                    ReportColumn("refused", _("Refused"), good=-1),
                    ReportColumn("other", _("Failed"), good=-1),
                    ReportColumn("median_hours", _("Hours"), secondary=True),
                ],
                rows, bar="done", empty=_("No handover ended or waited."),
            ),
            *([] if left is None else [_leaver_table(left)]),
        ],
        [
            Tile(_("Done"), totals["done"], None, 1),
            Tile(_("Waiting"), totals["waiting"]),
            Tile(_("Refused"), totals["refused"], None, -1),
            Tile(_("Failed"), totals["other"], None, -1),
        ],
        (),
        found.notes,
        found.next_steps,
    )  # fmt: skip


def _leaver_table(rows: list[dict[str, Any]]) -> ReportTable:
    return ReportTable(
        "leavers", _("Leavers whose customers wait today"),
        [
            ReportColumn("name", _("Leaver"), TEXT, blank="{userid}"),
            ReportColumn("customers", _("Customers")),
            ReportColumn("days_left", _("Days left")),
        ],
        rows, empty=_("No leaver has customers left."),
    )  # fmt: skip


def _left(db: Database, now: float) -> list[dict[str, Any]]:
    """The leavers, those whose year ends first at the top."""
    return [
        {
            "userid": each.userid,
            "name": each.name,
            "customers": each.customers,
            "days_left": each.days_left,
        }
        for each in leavers.leavers(db, now)
        if each.customers
    ]
