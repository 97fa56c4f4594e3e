"""Papers that end: how many days are left, and when renewal is due, in working days where ruled."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from storeops import times, workdays
from storeops.database.database import Database
from storeops.domain import TodayLine
from storeops.domains.suppliers import register
from storeops.domains.suppliers.register import LONG_TERM, Paper
from storeops.domains.suppliers.renewals import DAYS_AHEAD, renewed
from storeops.domains.suppliers.rules import PaperRules, load_rules
from storeops.i18n import ngettext

STEPS = (DAYS_AHEAD, 60, 30, 15, 7, 0)  # days before the end at which somebody is told


def expiring(
    held: list[Paper], rules: PaperRules, today: date, within: int = 90
) -> list[dict[str, Any]]:
    """Papers that end within some days, or have ended, the next first.

    One that another has renewed is over and done with; see `renewals.renewed`.

    Args:
        held: papers.
        rules: of the profile.
        today: the day.
        within: days ahead.
    """
    found = []
    over = renewed(held, rules, today)
    for each in held:
        kind = rules.kinds.get(each.kind)
        if each.valid_until in ("", LONG_TERM) or each.status != "valid" or each in over:
            continue
        if kind is not None and kind.per_lot:
            continue
        last = date.fromisoformat(each.valid_until)
        left = (last - today).days
        renew, close, estimated = None, None, False
        if kind is not None and kind.renew_working_days:
            renew, estimated = workdays.before(last, kind.renew_working_days)
            if kind.renew_until_working_days:
                close, guessed = workdays.before(last, kind.renew_until_working_days)
                estimated |= guessed
        if left > within and not (renew is not None and renew <= today + timedelta(days=within)):
            continue
        working, guessed = workdays.between(today, last)
        step = next((one for one in reversed(STEPS) if left <= one), None)
        found.append({
            "supplier": each.supplier, "kind": each.kind, "number": each.number,
            "valid_until": each.valid_until, "days_left": left, "working_days_left": working,
            "renew_by": None if renew is None else renew.isoformat(),
            "renew_until": None if close is None else close.isoformat(),
            "step": step, "estimated": estimated or guessed,
            "status": "expired" if left < 0 else "renew" if renew and renew <= today else "valid",
        })  # fmt: skip
    return sorted(found, key=lambda row: (row["valid_until"], row["supplier"], row["kind"]))


def today(db: Database, now: float) -> list[TodayLine]:
    """How many papers have ended, and how many soon will."""
    listed = register.papers(db)
    if not listed:
        return []
    rows = expiring(listed, load_rules(db.path.parent.name), times.local(now).date(), 30)
    gone = sum(row["status"] == "expired" for row in rows)
    soon = len(rows) - gone
    lines = []
    if gone:
        lines.append(TodayLine(
            ngettext("{count} supplier's paper has expired.",
                     "{count} suppliers' papers have expired.", gone).format(count=gone),
            "storeops certificate expiring", tone="bad", screen="suppliers",
        ))  # fmt: skip
    if soon:
        lines.append(TodayLine(
            ngettext("{count} supplier's paper ends or is to be renewed within 30 days.",
                     "{count} suppliers' papers end or are to be renewed within 30 days.", soon)
            .format(count=soon),
            "storeops certificate expiring --within 30", tone="warn", screen="suppliers",
        ))  # fmt: skip
    return lines
