"""Moments of a cron expression, in the zone of the settings, on the days of a calendar."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from storeops import times
from storeops.errors import UsageError
from storeops.i18n import N_, _
from storeops.spelling import did_you_mean
from storeops.workdays import is_workday

if TYPE_CHECKING:
    from cronsim import CronSim

CALENDARS = ("every", "workdays", "holidays")
FIELDS = 5
FURTHEST = timedelta(days=4 * 366)  # 29 February comes within four years; nothing later is meant
ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELD_NAMES = {
    "minute": N_("the minute"),
    "hour": N_("the hour"),
    "day-of-month": N_("the day of the month"),
    "month": N_("the month"),
    "day-of-week": N_("the weekday"),
}


class Due(NamedTuple):
    """A moment at which a task is due.

    Attributes:
        at: Unix seconds.
        estimated: it hangs on a day whose kind has not been announced.
    """

    at: float
    estimated: bool


def fits(day: date, calendar: str) -> tuple[bool, bool]:
    """(whether a task of a calendar runs on a day, whether that is an estimate).

    Args:
        day: of the zone that tasks are reckoned in.
        calendar: one of `CALENDARS`.
    """
    if calendar == "every":
        return True, False
    works, estimated = is_workday(day)
    return works == (calendar == "workdays"), estimated


def must_be_understood(expression: str, calendar: str, now: float) -> str:
    """The expression as it is kept: aliases resolved, one blank between fields.

    Args:
        expression: as it was typed.
        calendar: one of `CALENDARS`.
        now: WeCom's time; a moment must come after it.

    Raises:
        UsageError: it is no cron expression, never comes, or there is no such calendar.
    """
    if calendar not in CALENDARS:
        raise UsageError(
            _("There is no calendar {name}.").format(name=calendar),
            hint=did_you_mean(
                calendar, CALENDARS, _("Known: {names}.").format(names=_(", ").join(CALENDARS))
            ),
        )
    kept = " ".join(ALIASES.get(expression.strip().lower(), expression).split())
    hint = _(
        "Five fields: minute, hour, day, month, weekday. “30 2 * * *” is every day at 02:30,"
        " “*/10 * * * *” every ten minutes, “0 9 * * MON-FRI” Monday to Friday at 09:00."
    )
    if len(kept.split()) != FIELDS:
        raise UsageError(
            _("--cron: “{text}” has {count} fields instead of five.").format(
                text=expression, count=len(kept.split())
            ),
            hint=hint,
        )
    from cronsim import CronSimError

    try:
        following = next(moments(kept, calendar, now), None)
    except CronSimError as error:
        name = str(error).removeprefix("Bad ")
        what = _(_FIELD_NAMES[name]) if name in _FIELD_NAMES else str(error)
        raise UsageError(
            _("--cron: {what} of “{text}” is not understood.").format(what=what, text=expression),
            hint=hint,
        ) from None
    if following is None:
        raise UsageError(
            _("--cron: “{text}” never comes.").format(text=expression),
            hint=_("No day fits: look at day, month and --calendar."),
        )
    return kept


def moments(expression: str, calendar: str, after: float) -> Iterator[Due]:
    """When it is due, after a moment (Unix seconds); at most four years on.

    Raises:
        CronSimError: the expression is not understood.
    """
    from cronsim import CronSim  # 5 ms, only when something was due

    begin = times.local(after)
    last = begin + FURTHEST
    found = CronSim(expression, begin)
    while (due := _next(found)) is not None and due <= last:
        runs, estimated = fits(due.date(), calendar)
        if runs:
            yield Due(due.timestamp(), estimated)
        else:  # no moment of this day fits
            end = due.replace(hour=23, minute=59, second=59, microsecond=0)
            found = CronSim(expression, end)


def _next(found: CronSim) -> datetime | None:
    try:
        return next(found)
    except StopIteration:
        return None


def next_due(expression: str, calendar: str, after: float) -> Due | None:
    """The first moment after one (Unix seconds); None when none comes."""
    return next(moments(expression, calendar, after), None)


def passed(
    expression: str, calendar: str, after: float, until: float, most: int
) -> tuple[float | None, int]:
    """The last moment in (after, until], and how many there were.

    Args:
        expression: of cron.
        calendar: its days.
        after, until: Unix seconds.
        most: count no further than this; the last moment is right all the same.
    """
    last, count = None, 0
    for due in moments(expression, calendar, after):
        if due.at > until:
            break
        last, count = due.at, count + 1
        if count >= most:
            last = _last_before(expression, calendar, until)
            break
    return last, count


def _last_before(expression: str, calendar: str, until: float) -> float | None:
    from cronsim import CronSim

    end = times.local(until)
    end = end.replace(microsecond=max(1, end.microsecond))  # a whole second counts as well
    found = CronSim(expression, end, reverse=True)
    first = end - FURTHEST
    while (due := _next(found)) is not None and due >= first:
        if fits(due.date(), calendar)[0]:
            return due.timestamp()
        found = CronSim(expression, times.midnight(due.timestamp()), reverse=True)
    return None
