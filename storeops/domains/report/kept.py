"""Figures of days that are over, which head office keeps for shops' back offices.

What flows to a back office is how things are now: a customer who was handed to another shop is gone
from it, so that its past, counted there, would come out too small. Head office counts it
(`report keep`, every morning) and keeps the lines of each shop and its guides; those flow.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from storeops import times
from storeops.database.database import Database
from storeops.domains.report import figures as counting
from storeops.domains.report.figures import (
    NAMES,
    DaysFigures,
    Figures,
    GuideFigures,
    StoreFigures,
)
from storeops.errors import PolicyError
from storeops.i18n import N_, _, said
from storeops.mirror import meta
from storeops.notebook.stores import list_shops
from storeops.operations import reports
from storeops.operations.reports import Period
from storeops.reading import directory

LOOK_BACK = 30  # days that are kept when they are not there yet, such as on the first morning
AGAIN = 7  # days that are counted again while something of them could not be known
DAYS_KEPT, LONG_KEPT = 92, 400  # days: of single days and running weeks, and of longer spans
_SEVERAL = N_("This shop has several departments; who is a customer of two counts twice in all.")


@dataclass(frozen=True, slots=True)
class KeepReport:
    """What was kept.

    Attributes:
        spans: the days that were counted.
        lines: shops' figures that were written, those that stayed the same left out.
        removed: shops' figures that were too old.
    """

    spans: Sequence[Period]
    lines: int
    removed: int


def keep(db: Database, now: float, spans: Sequence[Period] = ()) -> KeepReport:
    """Count days and keep every shop's figures.

    Args:
        db: data.db of head office.
        now: WeCom's time, Unix seconds.
        spans: which; () for those that are due this morning.

    Raises:
        PolicyError: this is a back office.
    """
    meta.must_have_past(db.connection)
    spans = spans or due(db, now)
    lines = 0
    for found in counting.figures_of(db, spans, now):
        documents = _documents(found)
        with db.atomic() as connection:
            for store, document in documents.items():
                lines += connection.execute(
                    "INSERT INTO report_kept (store_id, start, ends, complete, made_at, document)"
                    " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (store_id, start, ends) DO UPDATE SET"
                    " complete = excluded.complete, made_at = excluded.made_at,"
                    " document = excluded.document WHERE document <> excluded.document"
                    " OR complete <> excluded.complete",
                    (store, found.period.start, found.period.end, found.complete, now, document),
                ).rowcount
    with db.atomic() as connection:
        removed = connection.execute(
            "DELETE FROM report_kept WHERE ends < ? AND (ends - start <= ? OR ends < ?)",
            (now - DAYS_KEPT * 86_400, 7.5 * 86_400, now - LONG_KEPT * 86_400),
        ).rowcount
    return KeepReport(spans, lines, removed)


def due(db: Database, now: float) -> list[Period]:
    """What a morning keeps: yesterday, the week that ends with it, last week and last month, and
    days before that are not there, or of which something was not known when they were kept."""
    yesterday = reports.period(now)
    known = dict(
        db.execute(
            "SELECT start, min(complete) FROM report_kept WHERE start >= ? AND ends - start < ?"
            " GROUP BY start",
            (yesterday.back(LOOK_BACK).start, 1.5 * 86_400),
        ).fetchall()
    )
    days = [yesterday.back(back) for back in range(1, LOOK_BACK)]
    wanted = [
        yesterday,
        reports.period(now, since=yesterday.back(6).since),
        reports.period(now, on="last-week"),
        reports.period(now, on="last-month"),
        *(day for day in days if day.start not in known),
        *(day for day in days[: AGAIN - 1] if known.get(day.start) == 0),
    ]
    return list({(each.start, each.end): each for each in wanted}.values())


def figures_of(db: Database, periods: Sequence[Period], now: float) -> list[DaysFigures]:
    """The figures of several periods: counted, and at a back office those that are kept.

    Args:
        db: data.db.
        periods: which days; at a back office those after the first may be unknown.
        now: WeCom's time, Unix seconds.

    Raises:
        PolicyError: head office keeps no figures of the first for this shop.
    """
    if not meta.is_fed(db.connection):
        return counting.figures_of(db, periods, now)
    first, *others = (_read(db, each) for each in periods)
    if first is None:
        raise _not_kept(db, periods[0])
    nothing = Figures(**dict.fromkeys(NAMES))
    return [
        first,
        *(
            each or DaysFigures(period, False, nothing, (), (), (), ())
            for each, period in zip(others, periods[1:], strict=True)
        ),
    ]


def curve(
    db: Database, period: Period, now: float, store: int | None = None
) -> list[tuple[str, int | None, int | None]]:
    """(day, new, lost) of each day, as `figures.curve`; at a back office of the days kept."""
    if not meta.is_fed(db.connection):
        return counting.curve(db, period, now, store)
    starts = period.starts()
    found = []
    for start, end in pairwise(starts):
        day = _read(db, Period(times.day(start), times.day(start), start, end))
        line = day.totals if day is not None else Figures(new=None, lost=None)
        found.append((times.day(start), line.new, line.lost))
    return found


def _not_kept(db: Database, period: Period) -> PolicyError:
    (newest,) = db.execute("SELECT max(ends) FROM report_kept").fetchone()
    hint = _("Head office counts them: `report keep`, every morning.")
    if newest is not None:
        hint = _("The newest that it keeps are of {day}.").format(day=times.day(newest - 1))
    return PolicyError(
        _("The head office keeps no figures of {days} for this shop.").format(days=period.words),
        hint=hint,
    )


# -- one shop's days as a text --------------------------------------------------------------------


def _documents(found: DaysFigures) -> dict[int, str]:
    """Department id → its figures and its guides'; where there are none there is no text."""
    guides: dict[int, dict[str, dict[str, int | None]]] = {}
    for each in found.guides:
        guides.setdefault(each.department_id, {})[each.userid] = _packed(each.figures)
    return {
        each.department_id: json.dumps(
            {
                "store": _packed(each.figures),
                "guides": guides.get(each.department_id, {}),
                "notes": list(found.kept_notes),
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )
        for each in found.stores
        if each.department_id and (each.figures.any() or each.department_id in guides)
    }


def _packed(figures: Figures) -> dict[str, int | None]:
    """What is not zero."""
    return {name: value for name, value in figures.as_dict().items() if value != 0}


def _unpacked(values: dict[str, int | None]) -> Figures:
    """What a later version counts besides is left out."""
    return Figures(**{name: value for name, value in values.items() if name in NAMES})


def _read(db: Database, period: Period) -> DaysFigures | None:
    """This shop's figures of a period; None when they are not kept."""
    rows = db.execute(
        "SELECT store_id, complete, document FROM report_kept WHERE start = ? AND ends = ?"
        " ORDER BY store_id",
        (period.start, period.end),
    ).fetchall()
    if not rows:
        return None
    shops = {each.department_id: each for each in list_shops(db)}
    departments = directory.department_names(db)
    people = {userid.lower(): name for userid, name in directory.member_keys(db).values()}
    stores: list[StoreFigures] = []
    guides: list[GuideFigures] = []
    notes: dict[str, None] = {}
    for store, _complete, document in rows:
        found = json.loads(document)
        shop = shops.get(store)
        name = (shop.name if shop else "") or departments.get(store, "")
        code = shop.code if shop else ""
        stores.append(StoreFigures(store, code, name, _unpacked(found["store"])))
        guides += (
            GuideFigures(userid, people.get(userid.lower(), ""), store, name, _unpacked(values))
            for userid, values in found["guides"].items()
        )
        notes.update(dict.fromkeys(map(said, found["notes"])))
    if len(stores) > 1:
        notes[_(_SEVERAL)] = None
    guides.sort(key=lambda each: (each.department_id, each.name, each.userid))
    complete = all(row[1] for row in rows)
    return DaysFigures(
        period, complete, _together(each.figures for each in stores), stores, guides,
        tuple(notes), (),
    )  # fmt: skip


def _together(lines: Iterable[Figures]) -> Figures:
    """The sums; what is not known of one is not known."""
    several = [each.as_dict() for each in lines]
    sums = {}
    for name in NAMES:
        values = [each[name] for each in several]
        sums[name] = None if None in values else sum(value or 0 for value in values)
    return Figures(**sums)
