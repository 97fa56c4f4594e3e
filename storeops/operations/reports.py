"""Reports: what happened, by name. Domains bring them; here is what one is, and who finds it.

A report is figures in tables, pictures of some of them, and notes on what could not be known. It
is made from the database alone, so that the same days give the same report whenever it is asked
for. How it is shown (terminal, JSON, CSV, workbook, Markdown, HTML) is not its concern.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from storeops import times
from storeops.database.database import Database
from storeops.domain import load, registry
from storeops.errors import NotFoundError, UsageError
from storeops.i18n import _
from storeops.mirror import meta
from storeops.mirror.meta import kept_at_head_office
from storeops.reading.filter_dates import normal, span
from storeops.spelling import did_you_mean

TEXT, COUNT, SHARE, MINUTES, MOMENT = "text", "count", "share", "minutes", "moment"
MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of the calendar (`storeops.times`).

    Attributes:
        since, until: the first and the last day, 2026-11-27.
        start, end: Unix seconds, [start, end).
    """

    since: str
    until: str
    start: int
    end: int

    @property
    def days(self) -> int:
        """How many."""
        return len(self.starts()) - 1

    @property
    def words(self) -> str:
        """The day, or the first and the last."""
        return self.since if self.since == self.until else f"{self.since} – {self.until}"

    def starts(self) -> list[int]:
        """The first second of each day, and of the day after the last."""
        found, day = [], times.local(self.start)
        while day.timestamp() < self.end:
            found.append(int(day.timestamp()))
            day = times.midnight((day + timedelta(days=1)).timestamp())
        return [*found, self.end]

    def back(self, days: int) -> Period:
        """As many days, so much earlier."""
        start, end = (
            times.midnight((times.local(each) - timedelta(days=days)).timestamp())
            for each in (self.start, self.end)
        )
        return _period(int(start.timestamp()), int(end.timestamp()))


def _period(start: int, end: int) -> Period:
    return Period(times.day(start), times.day(end - 1), start, end)


def period(now: float, *, on: str = "", since: str = "", until: str = "") -> Period:
    """The days that are meant; yesterday when none is named.

    Args:
        now: WeCom's time, Unix seconds.
        on: a day, a month, a year, `yesterday`, `last-week` …
        since, until: the first and the last day; until yesterday when only the first is given.

    Raises:
        UsageError: no date, days that have not begun, or more than a year of them.
    """
    if on and (since or until):
        raise UsageError(_("Give either --on, or --since and --until."))
    if until and not since:
        raise UsageError(_("--until needs --since."))
    if since:
        start = _days(since, now)[0]
        end = _days(until, now)[1] if until else int(times.midnight(now).timestamp())
        if start >= end:
            raise UsageError(
                _("{since} does not lie before {until}.").format(
                    since=since, until=until or times.day(end)
                ),
                hint=_("Name the first day in --since, the last one in --until."),
            )
    else:
        start, end = _days(on or "yesterday", now)
    found = _period(start, min(end, int(times.midnight(now + 86_400).timestamp())))
    if found.end - found.start > (MOST_DAYS + 1) * 86_400:
        raise UsageError(
            _("A report covers {most} days at most.").format(most=MOST_DAYS),
            hint=_("Name a shorter span in --since and --until."),
        )
    return found


def _days(word: str, now: float) -> tuple[int, int]:
    """The whole days that a word of the calendar means."""
    date = normal(word)
    hint = _("Write 2026-05-01, 2026-05 or yesterday.")
    if date is None:
        raise UsageError(_("“{text}” is not a date.").format(text=word), hint=hint)
    start, end = span(date, now)
    first = times.midnight(start)
    last = times.midnight((times.midnight(end - 1) + timedelta(days=1, hours=2)).timestamp())
    if first.timestamp() > now:
        raise UsageError(_("{text} has not come yet.").format(text=word), hint=hint)
    return int(first.timestamp()), int(last.timestamp())


@dataclass(frozen=True, slots=True)
class ReportColumn:
    """One column.

    Attributes:
        key: of its value in a row.
        title: in the user's language.
        kind: text | count | share (0 to 100) | minutes | moment (Unix seconds).
        secondary: left out where there is little room.
        good: +1 when more is better, -1 when less is, 0 when neither.
        blank: what people read in place of an empty text, with other keys of the row in braces.
    """

    key: str
    title: str
    kind: str = COUNT
    secondary: bool = False
    good: int = 0
    blank: str = ""

    def of(self, row: Mapping[str, Any]) -> Any:
        """Its value in a row for people; None when it is not known."""
        value = row.get(self.key)
        return self.blank.format_map(row) if value == "" else value


@dataclass(frozen=True, slots=True)
class ReportTable:
    """One table; a value of None is not known, and never zero.

    Attributes:
        key: stable and English: name of the sheet in JSON.
        title: in the user's language.
        columns: what is shown.
        rows: dictionaries of JSON types, in their order.
        bar: key of the column that a picture shows, "" for none.
        empty: what to say when there is no row.
        subjects: whom each row is about, in their order: department id of a shop, userid of a
            member; () where rows are about something else.
    """

    key: str
    title: str
    columns: Sequence[ReportColumn]
    rows: Sequence[Mapping[str, Any]]
    bar: str = ""
    empty: str = ""
    subjects: Sequence[int | str] = ()


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure that stands out.

    Attributes:
        title: in the user's language.
        value: None when it is not known.
        before: the same of the week before; None when it is not known.
        good: +1 when more is better, -1 when less is, 0 when neither.
        kind: as of a column.
    """

    title: str
    value: float | None
    before: float | None = None
    good: int = 0
    kind: str = COUNT


@dataclass(frozen=True, slots=True)
class Curve:
    """A figure day by day.

    Attributes:
        title: in the user's language.
        points: (day, value); None where it is not known.
    """

    title: str
    points: Sequence[tuple[str, float | None]]


@dataclass(frozen=True, slots=True)
class ReportPicture:
    """A photo that belongs to a report, whole or as a thumbnail.

    Attributes:
        title: what it shows, in the user's language.
        note: one line below it.
        kind: jpeg | png.
        path: its file.
        size: bytes of the file.
    """

    title: str
    note: str
    kind: str
    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class NamedReport:
    """A report of some days.

    Attributes:
        name: under which it is asked for.
        title: in the user's language.
        period: which days.
        complete: whether everything it says could be known.
        data: its object for programs (`--json`), JSON types.
        tables: the first is what CSV writes.
        tiles: figures that stand out.
        curves: pictures over time.
        notes: what could not be known and what is to be done, a sentence each.
        next_steps: commands that would make it complete.
        pictures: photos, which a page shows small.
    """

    name: str
    title: str
    period: Period
    complete: bool
    data: Mapping[str, Any]
    tables: Sequence[ReportTable]
    tiles: Sequence[Tile] = ()
    curves: Sequence[Curve] = ()
    notes: Sequence[str] = ()
    next_steps: Sequence[str] = field(default=())
    pictures: Sequence[ReportPicture] = ()


class MakesReport(Protocol):
    """What a domain brings under a name in `Domain.reports`."""

    def __call__(self, db: Database, period: Period, now: float) -> NamedReport:
        """The report of some days, from data.db alone; `now` is WeCom's time, Unix seconds."""


def names() -> list[str]:
    """Every report there is, in the order of domains."""
    return list(registry().named("reports"))


def make(db: Database, name: str, days: Period, now: float) -> NamedReport:
    """The report of that name.

    Args:
        db: data.db.
        name: as a domain calls it.
        days: which days.
        now: WeCom's time, Unix seconds.

    Raises:
        NotFoundError: there is none of that name.
        PolicyError: this is a back office, which does not have what it is made of.
    """
    found = registry().named("reports").get(name)
    if found is None:
        known = names()
        raise NotFoundError(
            _("There is no report {name}.").format(name=name),
            hint=did_you_mean(
                name, known, _("Reports: {names}.").format(names=_(", ").join(known))
            ),
        )
    if found[0].office and meta.is_fed(db.connection):
        raise kept_at_head_office(found[0].title)
    maker: MakesReport = load(found[1])
    return maker(db, days, now)
