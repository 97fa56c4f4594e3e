"""Entries: shares of lines, as a month pays them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from storeops.domains.commission.allocation import SaleShare, describe
from storeops.domains.orders.sold import LineKey

SALE, RETURN, CHANGE = "sale", "return", "change"


@dataclass(frozen=True, slots=True)
class CommissionEntry:
    """A share of a line, as it is (or would be) paid in a month.

    Attributes:
        month: 2026-10.
        kind: sale | return | change.
        key: the line.
        paid_at: of the order, Unix seconds.
        amount_fen: of the line; of a change what it grew by.
        share: whose, and why.
        pay_fen: what is paid of it.
        shop: as the order names it.
        rule, rule_version: by which; "" and 0 for none.
        external_userid: the customer, "" unknown.
    """

    month: str
    kind: str
    key: LineKey
    paid_at: int
    amount_fen: int
    share: SaleShare
    pay_fen: int
    shop: str
    rule: str
    rule_version: int
    external_userid: str

    def as_dict(self) -> dict[str, Any]:
        """An item of `commission run --json`; paid_at in Unix seconds."""
        return {
            "order_line": f"{self.key[1]}#{self.key[2]}",
            "order_no": self.key[1],
            "paid_at": self.paid_at,
            "amount_fen": self.amount_fen,
            "userid": self.share.userid,
            "role": self.share.role,
            "share_fen": self.share.share_fen,
            "rule": self.rule,
            "rule_version": self.rule_version,
            "reason": describe(self.share.reason),
        }
