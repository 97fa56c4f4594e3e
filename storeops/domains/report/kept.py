"""Figures of days that are over, which head office keeps for shops' back offices.

What flows to a back office is how things are now: a customer who was handed to another shop is gone
from it, so that its past, counted there, would come out too small. Head office counts it
(`report keep`, every morning) and keeps the lines of each shop and its guides; those flow.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

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
from storeops.notebook.stores import Shop, list_shops
from storeops.operations import reports
from storeops.operations.reports import Period
from storeops.reading import directory

LOOK_BACK = 30  # days that are kept when they are not there yet, such as on the first morning
AGAIN = 7  # days that are counted again while something of them could not be known
DAYS_KEPT, SPANS_KEPT, LONG_KEPT = 92, 35, 400  # days: of one, of some, of months and longer
RUNNING = (7, 30)  # days that end with yesterday, as screens show them
_DAY = 1.5 * 86_400  # one has 25 hours at most
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
        days = (found.period.start, found.period.end)
        with db.atomic() as connection:
            # who has none now had some by mistake, or is no shop any more
            connection.executemany(
                "DELETE FROM report_kept WHERE store_id = ? AND start = ? AND ends = ?",
                [
                    (store, *days)
                    for (store,) in connection.execute(
                        "SELECT store_id FROM report_kept WHERE start = ? AND ends = ?", days
                    ).fetchall()
                    if store not in documents
                ],
            )
            for store, document in documents.items():
                lines += connection.execute(
                    "INSERT INTO report_kept (store_id, start, ends, complete, made_at, document)"
                    " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (store_id, start, ends) DO UPDATE SET"
                    " complete = excluded.complete, made_at = excluded.made_at,"
                    " document = excluded.document WHERE document <> excluded.document"
                    " OR complete <> excluded.complete",
                    (store, *days, found.complete, now, document),
                ).rowcount
    removed = 0
    with db.atomic() as connection:
        for start, ends, made_at in connection.execute(
            "SELECT start, ends, max(made_at) FROM report_kept WHERE start < ?"
            " GROUP BY start, ends",
            (now - SPANS_KEPT * 86_400,),
        ).fetchall():
            if max(ends, made_at) < now - _days_kept(start, ends) * 86_400:
                removed += connection.execute(
                    "DELETE FROM report_kept WHERE start = ? AND ends = ?", (start, ends)
                ).rowcount
    return KeepReport(spans, lines, removed)


def _days_kept(start: int, ends: int) -> int:
    """How many days figures are kept after their end, or after they were made."""
    if ends - start < _DAY:
        return DAYS_KEPT
    month = times.local(start).day == times.local(ends).day == 1
    return LONG_KEPT if month or ends - start > 31.5 * 86_400 else SPANS_KEPT


def due(db: Database, now: float) -> list[Period]:
    """What a morning keeps: yesterday, the days that end with it, last week and last month, and
    what lies before and is not there: the days as many before, and single days, also those of
    which something was not known when they were kept."""
    yesterday = reports.period(now)
    known = {
        (start, ends): complete
        for start, ends, complete in db.execute(
            "SELECT start, ends, min(complete) FROM report_kept WHERE start >= ?"
            " GROUP BY start, ends HAVING min(made_at) >= ends",  # not one that was still going on
            (yesterday.back(2 * LOOK_BACK).start,),
        ).fetchall()
    }
    days = [yesterday.back(back) for back in range(1, LOOK_BACK)]
    running = [reports.period(now, since=yesterday.back(each - 1).since) for each in RUNNING]
    earlier = [each.back(each.days) for each in running]
    wanted = [
        yesterday,
        *running,
        reports.period(now, on="last-week"),
        reports.period(now, on="last-month"),
        *(each for each in (*earlier, *days) if (each.start, each.end) not in known),
        *(each for each in days[: AGAIN - 1] if known.get((each.start, each.end)) == 0),
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
    names = _Names.read(db)
    first, *others = (_read(db, each, names) for each in periods)
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
    names = _Names.read(db)
    found = []
    for start, end in pairwise(period.starts()):
        day = _read(db, Period(times.day(start), times.day(start), start, end), names)
        line = day.totals if day is not None else Figures(new=None, lost=None)
        found.append((times.day(start), line.new, line.lost))
    return found


def _not_kept(db: Database, period: Period) -> PolicyError:
    """Why there are no figures of a period, and of which day there are."""
    days = (period.start, period.end)
    if db.execute("SELECT 1 FROM report_kept WHERE start = ? AND ends = ?", days).fetchone():
        return PolicyError(
            _("What head office keeps of {days} cannot be read here.").format(days=period.words),
            hint=_("It may be of a newer version; head office publishes it anew: `hub republish`."),
        )
    newest, first = db.execute(
        "SELECT max(start), min(start) FROM report_kept WHERE ends - start < ?", (_DAY,)
    ).fetchone()
    hint = _("Head office counts them: `report keep`, a task of `schedule defaults` there.")
    steps = []
    if newest is not None and times.midnight(newest).timestamp() != newest:
        hint = _(
            "Its days begin at {time} by the time_zone here: set that as head office has it."
        ).format(time=f"{times.local(newest):%H:%M}")
    elif newest is not None:
        last = times.day(newest)
        hint = _("Single days are kept from {first} until {last}.").format(
            first=times.day(first), last=last
        )
        steps = [f"storeops report daily --on {last}"]
    return PolicyError(
        _("Head office keeps no figures of {days} for this shop.").format(days=period.words),
        hint=hint, next_steps=steps,
    )  # fmt: skip


# -- one shop's days as a text --------------------------------------------------------------------


def _documents(found: DaysFigures) -> dict[int, str]:
    """Department id → its figures and its guides'.

    A guide goes by staff.id, which stays when the userid changes; by which names the guide was
    known then is for shops from which the guide is gone since.
    """
    guides: dict[int, dict[int, dict[str, int | str | None]]] = {}
    for each in found.guides:
        line = {"userid": each.userid, "name": each.name, **_packed(each.figures)}
        guides.setdefault(each.department_id, {})[each.staff] = line
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
        if each.department_id
    }


def _packed(figures: Figures) -> dict[str, int | None]:
    """What is not zero."""
    return {name: value for name, value in figures.as_dict().items() if value != 0}


def _unpacked(values: dict[str, Any]) -> Figures:
    """What a later version counts besides is left out.

    Raises:
        ValueError: no figures.
    """
    found = {name: value for name, value in values.items() if name in NAMES}
    if any(value is not None and type(value) is not int for value in found.values()):
        raise ValueError(found)
    return Figures(**found)


@dataclass(frozen=True, slots=True)
class _Names:
    """What shops and people are called here: shops with numbers, departments, staff.id."""

    shops: Mapping[int, Shop]
    departments: Mapping[int, str]
    people: Mapping[int, tuple[str, str]]

    @classmethod
    def read(cls, db: Database) -> Self:
        return cls(
            {each.department_id: each for each in list_shops(db)},
            directory.department_names(db),
            directory.member_keys(db),
        )


def _read(db: Database, period: Period, names: _Names) -> DaysFigures | None:
    """This shop's figures of a period; None when they are not kept, or cannot be read."""
    rows = db.execute(
        "SELECT store_id, complete, document FROM report_kept WHERE start = ? AND ends = ?"
        " ORDER BY store_id",
        (period.start, period.end),
    ).fetchall()
    stores: list[StoreFigures] = []
    guides: list[GuideFigures] = []
    notes: dict[str, None] = {}
    try:
        for store, _complete, document in rows:
            found = json.loads(document)
            shop = names.shops.get(store)
            name = (shop.name if shop else "") or names.departments.get(store, "")
            code = shop.code if shop else ""
            stores.append(StoreFigures(store, code, name, _unpacked(found["store"])))
            for key, line in found["guides"].items():
                who = names.people.get(int(key)) or (str(line["userid"]), str(line["name"]))
                guides.append(GuideFigures(int(key), *who, store, name, _unpacked(line)))
            notes.update((said(each), None) for each in found["notes"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    if not rows:
        return None
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
