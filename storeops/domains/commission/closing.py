"""Closing a month: what it holds never changes from now on. Journaled."""

from __future__ import annotations

from storeops import times
from storeops.changes.journal import JournalLine
from storeops.changes.ledger import Ledger
from storeops.database.database import Database
from storeops.domain import TodayLine
from storeops.domains.commission import rules_in_force
from storeops.domains.commission.calendar_months import following, last_month, span_of
from storeops.domains.commission.kept_months import closed_months, keep
from storeops.domains.commission.months import CommissionMonth, reckon
from storeops.domains.orders import importing, sold
from storeops.errors import ConflictError
from storeops.i18n import _


def close(ledger: Ledger, month: str) -> CommissionMonth:
    """Close a month: what it holds never changes from now on. Journaled.

    Raises:
        ConflictError: it is closed, not over yet, an earlier one must be closed before it, or
            nothing was sold until its end; an import is at work, whose orders would count as there
            before the month was closed.
    """
    db, now = ledger.db, ledger.clock.now()
    _start, end = span_of(month)
    with importing.alone(db), db.atomic() as connection:
        closed = closed_months(db)
        if month in closed:
            raise ConflictError(
                _("{month} is closed since {at}.").format(
                    month=month, at=times.minute(closed[month]["closed_at"])
                )
            )
        if now < end:
            raise ConflictError(
                _("{month} is not over yet.").format(month=month),
                hint=_("Look at it before: storeops commission run --month {month}").format(
                    month=month
                ),
            )
        if closed and month != following(max(closed)):
            raise ConflictError(
                _("After {last} the next month to close is {next}.").format(
                    last=max(closed), next=following(max(closed))
                )
            )
        if not closed and not _sold_anything(db, month):
            first = sold.first_paid_at(db)
            raise ConflictError(
                _("Nothing was sold until the end of {month}.").format(month=month),
                hint=_("The first order is of {first}.").format(first=times.month(first))
                if first is not None
                else _("Take orders in: storeops order import FILE"),
            )
        rules = rules_in_force.in_force(db)
        if not rules:
            raise ConflictError(
                _("No commission rule is in force."),
                hint=_("Adopt some: storeops commission rule use FILE"),
            )
        found = reckon(db, month, rules)
        digest = keep(connection, found.entries, found.basis, month, int(now), ledger.who, rules)
        about = {
            "month": month, "entries": len(found.entries), "share_fen": found.share_fen,
            "pay_fen": sum(each.pay_fen for each in found.entries), "digest": digest,
            "rules": [f"{each.name} v{each.version}" for each in rules],
        }  # fmt: skip
        ledger.journal.append(connection, [JournalLine("commission.closed", payload=about)], now)
    ledger.journal.seal(db, now)
    return CommissionMonth(month, int(now), ledger.who, found.entries)


def left_out(db: Database, month: str) -> tuple[int, str]:
    """(orders, the first month of them) that would be in no month for good, were this one closed as
    the first."""
    first = sold.first_paid_at(db)
    if first is None or closed_months(db):
        return 0, ""
    return sold.count_before(db, span_of(month)[0]), times.month(first)


def came_too_late(db: Database, month: str) -> tuple[int, str]:
    """(orders, the first month that was closed) of what was paid before that and came since, asked
    for the month that is open next: they are in none."""
    closed = closed_months(db)
    if not closed or month != following(max(closed)):
        return 0, ""
    first = min(closed)
    return sold.count_before(db, span_of(first)[0], closed[first]["closed_at"]), first


def to_close(db: Database, now: float) -> str:
    """The month that is over and is to be closed next, once rules are in force; "" none."""
    if not rules_in_force.in_force(db):
        return ""
    closed = closed_months(db)
    month = following(max(closed)) if closed else last_month(now)
    return month if span_of(month)[1] <= now and _sold_anything(db, month) else ""


def today(db: Database, now: float) -> list[TodayLine]:
    """A month that is over and not closed, once rules are in force."""
    month = to_close(db, now)
    if not month:
        return []
    text = _("The commission of {month} is not closed yet.").format(month=month)
    step = f"storeops commission run --month {month}"
    return [TodayLine(text, step, screen="performance", request=month)]


def _sold_anything(db: Database, month: str) -> bool:
    first = sold.first_paid_at(db)
    return first is not None and first < span_of(month)[1]
