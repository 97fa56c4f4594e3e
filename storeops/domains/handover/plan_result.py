"""A made plan of handovers, with what a person wants to know before applying it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from storeops.changes.action import Row, Verdict
from storeops.changes.plans import Plan
from storeops.changes.sheets import Sheet
from storeops.domains.handover import rules
from storeops.domains.handover.assign import Candidate


@dataclass(frozen=True, slots=True)
class Share:
    """What one taker gets.

    Attributes:
        userid, name: the taker.
        customers, groups: ready rows.
        load: customers they had before, and that were on their way.
        capacity: customers they may hold.
    """

    userid: str
    name: str
    customers: int
    groups: int
    load: int
    capacity: int

    def as_dict(self) -> dict[str, Any]:
        """As JSON shows it."""
        return {
            "takeover_userid": self.userid,
            "name": self.name,
            "customers": self.customers,
            "group_chats": self.groups,
            "load": self.load,
            "capacity": self.capacity,
        }


@dataclass(frozen=True, slots=True)
class PlanResult:
    """A made plan with what a person wants to know before applying it.

    Attributes:
        plan: the plan.
        shares: takers, those who get most first.
        blocked: (code, reason of the first such row, rows), most first.
        friends: ready rows whose taker has the customer already: no add event will come.
        ways_out: what to do about blocked rows, by code, of the first such row.
        sheet: the file that asked for it; None without one.
    """

    plan: Plan
    shares: tuple[Share, ...]
    blocked: tuple[tuple[str, str, int], ...]
    friends: int
    ways_out: Mapping[str, str] = field(default_factory=dict)
    sheet: Sheet | None = None

    def as_dict(self) -> dict[str, Any]:
        """The object of every planner, with the takers behind."""
        return {
            **self.plan.as_dict(),
            "takers": [each.as_dict() for each in self.shares],
            "blocked_by": {code: count for code, _reason, count in self.blocked},
            "friends": self.friends,
            **({"file": self.sheet.as_dict()} if self.sheet else {}),
        }


def shares(
    rows: Sequence[Row],
    verdicts: Sequence[Verdict],
    to_owners: Mapping[str, Candidate],
    named: Sequence[str] = (),
) -> tuple[Share, ...]:
    """What each taker gets, those who get most first; `to_owners` by lower-cased userid.

    Takers who were `named` (userids) are told of also when they get nobody.
    """
    counts: dict[str, Counter[str]] = {userid: Counter() for userid in named}
    for row, verdict in zip(rows, verdicts, strict=True):
        if verdict.ready:
            counts.setdefault(str(row.extra["to"]), Counter())[str(row.extra["what"])] += 1
    found = []
    for userid, count in counts.items():
        to_owner = to_owners[userid.lower()]
        found.append(
            Share(
                userid,
                to_owner.member.name,
                count[rules.CUSTOMER],
                count[rules.GROUP],
                to_owner.load,
                to_owner.capacity,
            )
        )
    return tuple(sorted(found, key=lambda each: (-each.customers, -each.groups, each.userid)))


def by_code(verdicts: Sequence[Verdict]) -> tuple[tuple[str, str, int], ...]:
    """(code, reason of the first such row, rows) of what is blocked, most first."""
    counts = Counter(each.code for each in verdicts if not each.ready)
    reasons: dict[str, str] = {}
    for each in verdicts:
        reasons.setdefault(each.code, each.reason)
    return tuple((code, reasons[code], count) for code, count in counts.most_common())


def ways_out(verdicts: Sequence[Verdict]) -> dict[str, str]:
    """What to do about what is blocked, by code; codes without a way out are left out."""
    found: dict[str, str] = {}
    for each in verdicts:
        if each.way_out:
            found.setdefault(each.code, each.way_out)
    return found
