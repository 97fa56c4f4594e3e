"""What cells of an order file mean: money, pieces, conditions of an order."""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from storeops import times
from storeops.i18n import N_

if TYPE_CHECKING:
    from decimal import Decimal  # 4 ms, which every list of customers would pay

PAID, RETURN, CANCELLED = "paid", "return", "cancelled"
STATUSES = {PAID: N_("paid"), RETURN: N_("returned"), CANCELLED: N_("cancelled")}
REFUNDED = "refunded"  # a word of files only: the order itself was paid back, or a return
MOST_FEN = 10**15
_MONEY = re.compile(r"[¥￥$£€,\s元]|CNY|RMB|GBP|USD|EUR|HKD", re.IGNORECASE)
_BIRTHDAY = re.compile(
    r"(?:(?:\d{4}[-/.年])?(\d{1,2})[-/.月](\d{1,2})日?|(?:\d{4})?(\d\d)(\d\d))(?:[ T].*)?\Z"
)
_UNDER_WAY = re.compile("中|申请|pending refund", re.IGNORECASE)
_REFUNDED = re.compile("退款|refund", re.IGNORECASE)
_RETURN = re.compile("退|return|credit note", re.IGNORECASE)
_CANCELLED = re.compile(
    "取消|关闭|作废|未付|待付|待支付|未支付|cancel|void|closed|unpaid|pending", re.IGNORECASE
)


@lru_cache(maxsize=20_000)
def decimal(text: str) -> Decimal | None:
    """A number as a till writes it: ¥1,234.50, (12.00), 12-; None for what is none."""
    from decimal import Decimal, InvalidOperation

    from storeops.tables import typed

    if not text.isascii() or not text.replace(".", "", 1).isdigit():
        text = _MONEY.sub("", typed.word(text))
        if text.startswith("(") and text.endswith(")"):
            text = f"-{text[1:-1]}"
        elif text.endswith("-"):
            text = f"-{text[:-1]}"
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def fen(amount: Decimal) -> int:
    """Yuan as whole fen, half a fen away from zero."""
    from decimal import ROUND_HALF_UP, Decimal

    return int((amount * 100).quantize(Decimal(1), ROUND_HALF_UP))


def yuan(amount_fen: int) -> str:
    """Fen as people read them: -1,234.50."""
    sign = "-" if amount_fen < 0 else ""
    return f"{sign}{abs(amount_fen) // 100:,}.{abs(amount_fen) % 100:02d}"


def pieces(quantity: int) -> str:
    """Thousandths as people read them: 2, 0.35."""
    whole, part = divmod(abs(quantity), 1000)
    text = f"{whole}.{part:03d}".rstrip("0") if part else str(whole)
    return f"-{text}" if quantity < 0 else text


def condition_of(text: str) -> str:
    """paid, return, refunded or cancelled, by a status; what is under way is not yet so."""
    if not text or _UNDER_WAY.search(text):
        return PAID
    if _REFUNDED.search(text) and "退货" not in text:
        return REFUNDED
    if _RETURN.search(text):
        return RETURN
    return CANCELLED if _CANCELLED.search(text) else PAID


def birthday(text: str) -> str | None:
    """05-01 of a day of birth as cards write it (1990-05-01, 5月1日, 0501, 05/01); None for none.

    The year is dropped.
    """
    from storeops.tables import typed

    found = _BIRTHDAY.match(typed.word(text))
    if found is None:
        return None
    try:
        return f"{date(2000, int(found[1] or found[3]), int(found[2] or found[4])):%m-%d}"
    except ValueError:
        return None


def day_offset(now: float) -> int:
    """Seconds east of UTC, by which days are told apart in SQL."""
    offset = times.local(now).utcoffset() or timedelta(0)
    return int(offset.total_seconds())


def apportioned(total: int, weights: list[int]) -> list[int]:
    """A total in whole shares by weight, the largest remainders rounded up; the first of equals.

    The shares sum to the total; of a negative total they are those of its amount, negated.

    Args:
        total: fen.
        weights: not negative; when all are 0 the shares are equal.
    """
    if total < 0:
        return [-each for each in apportioned(-total, weights)]
    if not weights:
        return []
    if not any(weights):
        weights = [1] * len(weights)
    whole = sum(weights)
    shares = [total * each // whole for each in weights]
    rest = [(-(total * each % whole), at) for at, each in enumerate(weights)]
    for _remainder, at in sorted(rest)[: total - sum(shares)]:
        shares[at] += 1
    return shares
