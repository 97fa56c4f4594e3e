"""The report of the morning: the chain's figures of a day, its shops, and what came before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from storeops.database.database import Database
from storeops.domains.report.figures import MAIN, DaysFigures, Figures
from storeops.domains.report.kept import curve, figures_of
from storeops.i18n import N_, _
from storeops.operations.reports import (
    TEXT,
    Curve,
    NamedReport,
    Period,
    ReportColumn,
    ReportTable,
    Tile,
)

WEEK, MONTH = 7, 30  # days
TITLES = {
    "customers": N_("Customers"),
    "new": N_("New"),
    "lost": N_("Lost"),
    "lost_by_customer": N_("Deleted by customer"),
    "lost_by_guide": N_("Deleted by guide"),
    "lost_found": N_("Found gone"),
    "handed_over": N_("Handed over"),
    "taken_over": N_("Taken over"),
    "waiting": N_("Pending"),
    "refused": N_("Refused"),
    "untagged": N_("Untagged"),
    "tags_given": N_("Tags given"),
}
GOOD = {
    "new": 1, "lost": -1, "lost_by_customer": -1, "lost_by_guide": -1, "lost_found": -1,
    "refused": -1, "untagged": -1, "tags_given": 1, "customers": 1,
}  # fmt: skip


def daily(db: Database, period: Period, now: float) -> NamedReport:
    """A day of the whole chain and of each shop, beside the same day of the week before."""
    found, before = with_week_before(db, period, now)
    head = {"on": period.until} if period.days == 1 else {"since": period.since, "on": period.until}
    stores = [
        {"store_code": each.store_code, "store": each.store, **each.figures.main()}
        for each in found.stores
    ]
    return NamedReport(
        "daily",
        _("Daily report"),
        period,
        found.complete,
        {
            **head,
            "complete": found.complete,
            "totals": found.totals.main(),
            "stores": stores,
            "notes": list(found.notes),
        },
        [
            ReportTable(
                "stores", _("Shops"), [*store_columns(stores), *columns(MAIN)], stores, bar="new",
                empty=_("No shop is known yet."),
                subjects=[each.department_id for each in found.stores],
            )
        ],
        tiles(found, before, MAIN),
        curves(db, period, now),
        found.notes,
        found.next_steps,
    )  # fmt: skip


def with_week_before(
    db: Database, period: Period, now: float
) -> tuple[DaysFigures, DaysFigures | None]:
    """The days' figures, and those of the same days of the week before.

    More than a week is set beside as many weeks before; None when nothing was known then.
    """
    earlier = period.back(max(WEEK, -(-period.days // WEEK) * WEEK))
    found, before = figures_of(db, [period, earlier], now)
    return found, before if before.totals.customers else None


def columns(names: Sequence[str], secondary: Sequence[str] = ()) -> list[ReportColumn]:
    """Columns of figures."""
    return [
        ReportColumn(each, _(TITLES[each]), secondary=each in secondary, good=GOOD.get(each, 0))
        for each in names
    ]


def store_columns(rows: Sequence[Mapping[str, Any]]) -> list[ReportColumn]:
    """The number of a shop, where the chain gave numbers, and its name."""
    numbers = [ReportColumn("store_code", _("Number"), TEXT)]
    numbered = any(row["store_code"] for row in rows)
    return [
        *(numbers if numbered else ()),
        ReportColumn("store", _("Shop"), TEXT, blank=_("(no store)")),
    ]


def tiles(found: DaysFigures, before: DaysFigures | None, names: Sequence[str]) -> list[Tile]:
    """The chain's figures as they stand out."""
    return [
        Tile(
            _(TITLES[name]),
            getattr(found.totals, name),
            None if before is None else getattr(before.totals, name),
            GOOD.get(name, 0),
        )
        for name in names
    ]


def curves(db: Database, period: Period, now: float) -> list[Curve]:
    """New and lost, day by day, of the month that ends with the period."""
    days = curve(db, month(period), now)
    return [
        Curve(_("New customers, 30 days"), [(day, new) for day, new, _lost in days]),
        Curve(_("Lost customers, 30 days"), [(day, lost) for day, _new, lost in days]),
    ]


def month(period: Period) -> Period:
    """The thirty days that end with it."""
    first = period.back(MONTH - 1) if period.days == 1 else period
    return Period(first.since, period.until, first.start, period.end)


def full(figure: Figures) -> dict[str, Any]:
    """All figures of a line, for programs."""
    return dict(figure.as_dict())
