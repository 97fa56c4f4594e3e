"""Where customers came from, who ended relations, which tags were given."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from storeops.database.database import Database
from storeops.domains.report.daily import TITLES, curves, tiles, with_week_before
from storeops.i18n import _
from storeops.mirror.tag_names import TagNames
from storeops.operations.reports import TEXT, NamedReport, Period, ReportColumn, ReportTable
from storeops.reading import directory
from storeops.reading import flows as relations
from storeops.reading.filter_words import label

_HOW = {
    relations.BY_CUSTOMER: "lost_by_customer",
    relations.BY_MEMBER: "lost_by_guide",
    relations.FOUND: "lost_found",
}


def people(db: Database, period: Period, now: float) -> NamedReport:
    """New customers by way and channel, losses by guide and cause, tags by name."""
    found, before = with_week_before(db, period, now)
    flow = relations.flows(db, relations.span(db, period.start, period.end))
    ways, channels = defaultdict[int, set[int]](set), defaultdict[str, set[int]](set)
    for (customer, _staff), (way, state) in relations.origins(db, flow.added).items():
        ways[way].add(customer)
        if state:
            channels[state].add(customer)
    came = [
        {"add_way": way, "way": label("way", way), "new": len(who)}
        for way, who in sorted(ways.items(), key=lambda each: (-len(each[1]), each[0]))
    ]
    by_state = [
        {"state": state, "new": len(who)}
        for state, who in sorted(channels.items(), key=lambda each: (-len(each[1]), each[0]))
    ]
    library = TagNames(db).tags
    given = [
        {
            "tag_id": tag,
            "tag": library[tag].path if tag in library else tag,
            "tags_given": number,
        }
        for tag, number in sorted(flow.by_tag.items(), key=lambda each: (-each[1], each[0]))
    ]
    lost = _lost(db, flow)
    return NamedReport(
        "customers",
        _("Customers"),
        period,
        found.complete,
        {
            "since": period.since,
            "until": period.until,
            "complete": found.complete,
            "totals": found.totals.as_dict(),
            "ways": came,
            "states": by_state,
            "lost": lost,
            "tags": given,
            "notes": list(found.notes),
        },
        [
            ReportTable(
                "ways", _("How they came"),
                [ReportColumn("way", _("Came by"), TEXT), ReportColumn("new", _("New"), good=1)],
                came, bar="new", empty=_("Nobody came."),
            ),
            ReportTable(
                "states", _("Through which channel"),
                [ReportColumn("state", _("State"), TEXT), ReportColumn("new", _("New"), good=1)],
                by_state, bar="new", empty=_("Nobody came through a channel with a state."),
            ),
            ReportTable(
                "lost", _("Who lost whom"),
                [
                    ReportColumn("name", _("Guide"), TEXT),
                    *(
                        ReportColumn(name, _(TITLES[name]), good=-1)
                        for name in ("lost_by_customer", "lost_by_guide", "lost_found")
                    ),
                ],
                lost, empty=_("Nobody was lost."),
            ),
            ReportTable(
                "tags", _("Tags given"),
                [
                    ReportColumn("tag", _("Tag"), TEXT),
                    ReportColumn("tags_given", _("Times"), good=1),
                ],
                given, bar="tags_given", empty=_("No tag was given."),
            ),
        ],
        tiles(
            found, before,
            ("customers", "new", "lost_by_customer", "lost_by_guide", "untagged", "tags_given"),
        ),
        curves(db, period, now),
        found.notes,
        found.next_steps,
    )  # fmt: skip


def _lost(db: Database, flow: relations.Flows) -> list[dict[str, Any]]:
    """Guides with losses, most first."""
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for (_customer, staff), how in flow.lost.items():
        counts[staff][_HOW[how]] += 1
    names = directory.member_keys(db)
    rows = [
        {
            "userid": names[staff][0],
            "name": names[staff][1] or names[staff][0],
            **{name: kinds[name] for name in _HOW.values()},
        }
        for staff, kinds in counts.items()
    ]
    return sorted(rows, key=lambda row: (-sum(row[each] for each in _HOW.values()), row["userid"]))
