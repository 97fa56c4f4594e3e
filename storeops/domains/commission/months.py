"""Months: as they were closed, or as the facts and rules of now make them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from storeops import times
from storeops.database.database import Database
from storeops.domains.commission import kept_months, rules_in_force
from storeops.domains.commission.allocation import PaidShare
from storeops.domains.commission.calendar_months import span_of
from storeops.domains.commission.entries import CommissionEntry
from storeops.domains.commission.reckoning import Reckoning
from storeops.domains.commission.rules import CommissionRule
from storeops.domains.orders.sold import LineKey
from storeops.i18n import _


@dataclass(frozen=True, slots=True)
class CommissionMonth:
    """A month, reckoned or closed.

    Attributes:
        month: 2026-10.
        closed_at: Unix seconds; None while it is open.
        closed_by: who closed it; "".
        entries: in the order of time and number.
        outside: it lies before the first month that was closed: it is paid nowhere.
        basis: what every line with an entry was reckoned from; of an open month only.
    """

    month: str
    closed_at: int | None
    closed_by: str
    entries: tuple[CommissionEntry, ...]
    outside: bool = False
    basis: Mapping[LineKey, Sequence[PaidShare]] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """Whether it is closed, in the user's language."""
        if self.closed_at is not None:
            return _("closed on {at} by {who}").format(
                at=times.minute(self.closed_at), who=self.closed_by
            )
        if self.outside:
            return _("before the first month that was closed, paid nowhere")
        return _("open, may still change")

    @property
    def share_fen(self) -> int:
        """Sum of all shares."""
        return sum(each.share.share_fen for each in self.entries)


def rules_of(db: Database, month: str) -> list[CommissionRule]:
    """The rules that a month was closed with, or those in force."""
    row = kept_months.closed_months(db).get(month)
    return rules_in_force.in_force(db) if row is None else kept_months.rules_in(row)


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
    closed = kept_months.closed_months(db)
    row = closed.get(month)
    if row is not None and rules is None:
        found = kept_months.entries_of(db, month)
        return CommissionMonth(month, row["closed_at"], row["closed_by"], found)
    wanted = rules_in_force.in_force(db) if rules is None else rules
    reckoning = Reckoning(db, month, wanted)
    outside = month < min(closed, default="")
    return CommissionMonth(month, None, "", tuple(reckoning.entries()), outside, reckoning.basis)
