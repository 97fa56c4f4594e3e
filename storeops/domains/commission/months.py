"""Months: as they were closed, or as the facts and rules of now make them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from storeops.database.database import Database
from storeops.domains.commission import kept_months, rule_book
from storeops.domains.commission.calendar_months import span_of
from storeops.domains.commission.entries import CommissionEntry
from storeops.domains.commission.reckoning import Reckoning
from storeops.domains.commission.rules import CommissionRule


@dataclass(frozen=True, slots=True)
class CommissionMonth:
    """A month, reckoned or closed.

    Attributes:
        month: 2026-10.
        closed_at: Unix seconds; None while it is open.
        closed_by: who closed it; "".
        entries: in the order of time and number.
    """

    month: str
    closed_at: int | None
    closed_by: str
    entries: tuple[CommissionEntry, ...]

    @property
    def share_fen(self) -> int:
        """Sum of all shares."""
        return sum(each.share.share_fen for each in self.entries)


def rules_of(db: Database, month: str) -> list[CommissionRule]:
    """The rules that a month was closed with, or those in force."""
    row = kept_months.closed_months(db).get(month)
    return rule_book.in_force(db) if row is None else kept_months.rules_in(row)


def reckon(
    db: Database, month: str, rules: Sequence[CommissionRule] | None = None
) -> CommissionMonth:
    """A month: as it was closed, or as the facts and rules of now make it.

    Args:
        db: data.db.
        month: 2026-10.
        rules: to try, by the facts of now, also on a closed month; None for those in force.

    Raises:
        UsageError: it is no month.
    """
    span_of(month)
    row = kept_months.closed_months(db).get(month)
    if row is not None and rules is None:
        found = kept_months.entries_of(db, month)
        return CommissionMonth(month, row["closed_at"], row["closed_by"], found)
    wanted = rule_book.in_force(db) if rules is None else rules
    return CommissionMonth(month, None, "", tuple(Reckoning(db, month, wanted).entries()))
