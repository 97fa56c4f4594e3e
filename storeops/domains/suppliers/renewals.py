"""Which papers another one has renewed, under whichever number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from storeops import workdays
from storeops.domains.suppliers.register import LONG_TERM, Paper
from storeops.domains.suppliers.rules import PaperRules

DAYS_AHEAD = 90  # before the end, from when on a later paper may be a renewal


def renewed(held: Sequence[Paper], rules: PaperRules, today: date) -> set[Paper]:
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
                    and (begins >= opens or (last - begins).days <= DAYS_AHEAD)
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


def same_address(one: str, other: str) -> bool:
    """Whether two addresses are one, as one may say more of it than the other."""
    first, second = (
        "".join(each for each in text.casefold() if each.isalnum()) for text in (one, other)
    )
    return first in second or second in first
