"""Papers that end: how many days are left, and when renewal is due, in working days where ruled."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from storeops import times, workdays
from storeops.database.database import Database
from storeops.domain import TodayLine
from storeops.domains.suppliers import register
from storeops.domains.suppliers.check import same_address
from storeops.domains.suppliers.register import LONG_TERM, Paper
from storeops.domains.suppliers.rules import PaperRules, load_rules
from storeops.i18n import ngettext

STEPS = (90, 60, 30, 15, 7, 0)  # days before the end at which somebody is told


def expiring(
    held: list[Paper], rules: PaperRules, today: date, within: int = 90
) -> list[dict[str, Any]]:
    """Papers that end within some days, or have ended, the next first.

    One that another has renewed is over and done with; see `_renewed`.

    Args:
        held: papers.
        rules: of the profile.
        today: the day.
        within: days ahead.
    """
    found = []
    over = _renewed(held, rules, today)
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


def _renewed(held: list[Paper], rules: PaperRules, today: date) -> set[Paper]:
    """Papers that another of their supplier and kind has renewed, under whichever number.

    A paper of another truck or plant looks the same but for its days: it runs beside the first.
    So a renewal begins when renewing is usual, renews one paper, is of the same address where both
    say theirs, and is in force without a gap, or by today. One that does not say when it begins
    proves nothing.
    """
    groups: dict[tuple[str, str], list[Paper]] = {}
    for each in held:
        if each.status == "valid" and each.valid_until:
            groups.setdefault((each.supplier, each.kind), []).append(each)
    found: set[Paper] = set()
    for (_supplier, name), group in groups.items():
        days = getattr(rules.kinds.get(name), "renew_working_days", 0)
        later = sorted((each for each in group if each.valid_from), key=lambda one: one.valid_from)
        for each in sorted(group, key=lambda one: one.valid_until):
            if each.valid_until == LONG_TERM or not later:
                break
            last = date.fromisoformat(each.valid_until)
            opens, _estimated = workdays.before(last, days)

            def fits(
                one: Paper, each: Paper = each, last: date = last, opens: date = opens
            ) -> bool:
                begins = date.fromisoformat(one.valid_from)
                return (
                    each.valid_until < one.valid_until  # long-term is after all days
                    and (begins >= opens or (last - begins).days <= STEPS[0])
                    and (begins <= today or (begins - last).days <= 1)
                    and not (
                        each.address and one.address
                        and not same_address(each.address, one.address)
                    )
                )  # fmt: skip

            new = next(filter(fits, later), None)
            if new is not None:
                later.remove(new)
                found.add(each)
    return found


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
