"""Returns: of which lines of its sale each takes how much back.

A return takes back what its sale gave, wherever that stands; when all is given back, the shares are
cancelled to the fen. Returns of one sale count in the order of their time and number, those of
closed months first, month by month, so that what was booked stays; none takes back what another has
taken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from storeops.domains.commission.allocation import (
    NO_RULE,
    POOL,
    PaidShare,
    Reason,
    SaleShare,
    given_back,
    paid_of,
)
from storeops.domains.commission.entries import CommissionEntry
from storeops.domains.orders.sold import LineKey, SoldLine
from storeops.domains.orders.values import apportioned

Standing = Callable[[SoldLine], Sequence[PaidShare]]  # what a line of a sale gave whom


@dataclass(frozen=True, slots=True)
class Taking:
    """What a return takes back of one line of its sale: from so much taken to so much."""

    sale: SoldLine
    before: int
    after: int


def gives_back(line: SoldLine) -> bool:
    """Whether it is (part of) a return; a negative line of a sale is what it was cheaper by."""
    return line.amount_fen < 0 and (line.status == "return" or bool(line.original))


def takings(
    returns: Iterable[SoldLine],
    sales: Mapping[tuple[str, str], Sequence[SoldLine]],
    booked: Mapping[LineKey, Sequence[CommissionEntry]],
    standing: Standing,
) -> dict[LineKey, list[Taking] | None]:
    """Return → what it takes of which lines of its sale; None where these are not known.

    Args:
        returns: every one of these sales.
        sales: (source, order_no) → its lines.
        booked: what closed months hold; their returns come first, as they were booked, the others
            by time.
        standing: what a line of a sale gave.
    """
    found: dict[LineKey, list[Taking] | None] = {}
    taken: dict[LineKey, int] = defaultdict(int)
    for each in sorted(returns, key=lambda each: (
        booked[each.key][0].month if each.key in booked else "~",
        each.paid_at, each.order_no, each.line,
    )):  # fmt: skip
        found[each.key] = None
        if (lines := _sale_lines(each, sales, booked)) is None:
            continue
        given = [sum(one.share.share_fen for one in standing(line)) for line in lines]
        left = [max(0, fen - taken[line.key]) for line, fen in zip(lines, given, strict=True)]
        several = found[each.key] = []
        for line, fen in zip(lines, _drawn(-each.amount_fen, left, each), strict=True):
            if fen:
                before = taken[line.key]
                taken[line.key] += fen
                several.append(Taking(line, before, before + fen))
    return found


def _sale_lines(
    line: SoldLine,
    sales: Mapping[tuple[str, str], Sequence[SoldLine]],
    booked: Container[LineKey],
) -> list[SoldLine] | None:
    """The lines of a sale that a return may give back; None where that is not known."""
    lines = [
        each for each in sales.get((line.source, line.original), ())
        if each.amount_fen > 0 or (not each.amount_fen and each.key in booked)
    ]  # fmt: skip
    if line.original_line:
        lines = [each for each in lines if each.line == line.original_line]
    elif line.code:
        same = [each for each in lines if each.code.casefold() == line.code.casefold()]
        lines = same if same else lines if len(lines) == 1 else []
    return lines or None


def _drawn(fen: int, left: list[int], line: SoldLine) -> list[int]:
    """What of so much is taken of lines of which so much is left; those of one article in turn,
    the first that has enough before others, a whole order's by what is left."""
    if not line.code or line.original_line:
        return apportioned(min(fen, sum(left)), left)
    found = [0] * len(left)
    for at in sorted(range(len(left)), key=lambda at: left[at] < fen):
        found[at] = min(fen, left[at])
        fen -= found[at]
    return found


def shared_back(
    line: SoldLine, several: Sequence[Taking] | None, standing: Standing
) -> list[PaidShare]:
    """What a return takes back from whom, also who gives nothing; the shop's pool has what no sale
    gave."""
    if several is None:
        unknown = SaleShare(POOL, "pool", line.amount_fen, ("return_unknown", {}))
        return [PaidShare(unknown, 0, NO_RULE, after_fen=line.amount_fen)]
    found: list[PaidShare] = []
    for each in several:
        given = standing(each.sale)
        fen = [one.share.share_fen for one in given]
        reason: Reason = ("return", {"line": each.sale.name})
        for one, old, new in zip(
            given, given_back(fen, each.before), given_back(fen, each.after), strict=True
        ):
            userid, rate, weight = one.share.userid, one.rule.rate, one.share.share_fen
            pay = paid_of(old, rate, userid) - paid_of(new, rate, userid)
            share = replace(one.share, share_fen=old - new, reason=reason)
            found.append(PaidShare(share, pay, one.rule, weight, sum(fen), each.before, each.after))
    rest = line.amount_fen + sum(each.after - each.before for each in several)
    if rest:
        much = SaleShare(POOL, "pool", rest, ("return_too_much", {}))
        found.append(PaidShare(much, 0, found[0].rule if found else NO_RULE, after_fen=rest))
    return found
