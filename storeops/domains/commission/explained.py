"""Why a line was shared as it was: every fact, the rule, and the arithmetic in its own words."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from storeops import times
from storeops.database.database import Database
from storeops.domains.commission import rule_book
from storeops.domains.commission.allocation import (
    ROLE_NAMES,
    SharingFacts,
    describe,
    parts_of,
    shares_of,
)
from storeops.domains.commission.calendar_months import following
from storeops.domains.commission.entries import CHANGE, CommissionEntry
from storeops.domains.commission.kept_months import closed_months
from storeops.domains.commission.months import CommissionMonth, reckon
from storeops.domains.commission.rules import CommissionRule, chosen
from storeops.domains.orders import sold
from storeops.domains.orders.sold import SoldLine
from storeops.domains.orders.values import yuan
from storeops.errors import NotFoundError, UsageError
from storeops.i18n import _, aside


def find_line(db: Database, text: str, source: str = "") -> SoldLine:
    """The line that S1#2 (or S1, when it has one line) means.

    Raises:
        NotFoundError: there is none.
        UsageError: several are meant.
    """
    order_no, mark, number = text.rpartition("#")
    if not mark or not number.isdecimal():
        order_no, number = text, ""
    lines = [each for each in sold.named(db, order_no)
             if not source or each.source.casefold() == source.casefold()]  # fmt: skip
    if number:
        lines = [each for each in lines if each.line == int(number)]
    if not lines:
        raise NotFoundError(
            _("There is no order line {line}.").format(line=text),
            hint=_("Write the order's number and the line: S1#2"),
        )
    if len({each.source for each in lines}) > 1:
        names = _(", ").join(sorted({each.source for each in lines}))
        raise UsageError(
            _("Several sources have an order {order}: {names}.").format(
                order=order_no, names=names
            ),
            hint=_("Say which one: --source NAME"),
        )
    if len(lines) > 1:
        raise UsageError(
            _("The order {order} has {several} lines.").format(order=order_no, several=len(lines)),
            hint=_("Write the order's number and the line: S1#2"),
        )
    return lines[0]


def explain(db: Database, line: SoldLine) -> dict[str, Any]:
    """A line with its facts, rule, parts and entries; times in Unix seconds.

    The shares can be made again from what is said: `amount_fen` by the `weight` of each part of
    `weight_total`, the largest remainders rounded up.
    """
    month = times.month(line.paid_at)
    closed = closed_months(db)
    rules = rule_book.in_force(db)
    if month in closed:
        rules = [CommissionRule.from_dict(each) for each in json.loads(closed[month]["rules"])]
    facts = SharingFacts(db, [line])
    rule = chosen(rules, line)
    parts = parts_of(line, rule, facts)
    shares = shares_of(line.amount_fen, parts)
    owners = facts.owners.get(line.customer) if line.customer is not None else None
    external, name = facts.people.get(line.customer or 0, ("", ""))
    back = line.amount_fen < 0
    return {
        "order_line": line.name,
        "order_no": line.order_no,
        "source": line.source,
        "paid_at": line.paid_at,
        "amount_fen": line.amount_fen,
        "currency": line.currency,
        "summed": sold.is_summed(db, line),
        "month": month,
        "closed": month in closed,
        "customer": name,
        "external_userid": external,
        "first_seen_at": owners.first_seen_at if owners else None,
        "owners": [
            {"userid": each.userid, "start": each.start, "end": each.end, "ended": each.ended,
             "then": each.covers(line.paid_at)}
            for each in (owners.spans if owners else ())
        ],
        "handovers": [
            {"at": each.at, "handover_userid": each.handover_userid,
             "takeover_userid": each.takeover_userid}
            for each in facts.moves.get(line.customer or 0, ())
        ],
        "seller": line.seller,
        "server": line.server,
        "gives_back": line.original if back else "",
        "rule": rule.name if rule else "",
        "rule_version": rule.version if rule else 0,
        "scheme": rule.scheme if rule else "",
        "weight_total": 0 if back else sum(each.weight for each in parts),
        "parts": [] if back else [
            {"userid": part.userid, "role": part.role, "weight": part.weight,
             "share_fen": share.share_fen, "reason": describe(part.reason)}
            for part, share in zip(parts, shares, strict=True)
        ],
        "entries": [
            {"month": each.month, "kind": each.kind, "userid": each.share.userid,
             "role": each.share.role, "share_fen": each.share.share_fen, "pay_fen": each.pay_fen,
             "reason": describe(each.share.reason)}
            for each in _entries(db, line, month, set(closed))
        ],
    }  # fmt: skip


def _same(userid: str) -> str:
    return userid


def facts(found: dict[str, Any], name: Callable[[str], str] = _same) -> list[tuple[str, str]]:
    """What `explain` found, as (what, words); "" where there is nothing.

    Args:
        found: of `explain`, times in Unix seconds.
        name: how a userid is called.
    """
    owners = []
    for each in found["owners"]:
        span = _("{userid} from {start} to {end}").format(
            userid=name(each["userid"]), start=times.minute(each["start"]) or "?",
            end=times.minute(each["end"]) or _("today"),
        )  # fmt: skip
        owners.append(_("{span} (then)").format(span=span) if each["then"] else span)
    moves = [
        _("{at}: {giver} to {taker}").format(
            at=times.minute(each["at"]), giver=name(each["handover_userid"]),
            taker=name(each["takeover_userid"]),
        )
        for each in found["handovers"]
    ]  # fmt: skip
    rule = (
        aside(f"{found['rule']} v{found['rule_version']}", found["scheme"]) if found["rule"] else ""
    )
    return [
        (_("Order line"), found["order_line"]),
        (_("Paid"), times.minute(found["paid_at"])),
        (
            _("Amount"),
            yuan(found["amount_fen"])
            if found["summed"]
            else _("in {currency}, and in no sum").format(currency=found["currency"]),
        ),
        (_("Customer"), found["customer"]),
        (_("Owners"), "\n".join(owners)),
        (_("Handovers"), "\n".join(moves)),
        (_("First seen"), times.minute(found["first_seen_at"])),
        (_("Sold by"), name(found["seller"])),
        (_("Served by"), name(found["server"])),
        (_("Returns order"), found["gives_back"]),
        (_("Rule"), rule),
    ]


def sentences(found: dict[str, Any], name: Callable[[str], str] = _same) -> list[str]:
    """The arithmetic of what `explain` found, a line each.

    Args:
        found: of `explain`.
        name: how a userid is called.
    """
    lines = [
        _("  {who}, {role}: {amount} × {weight} % = {share}: {reason}").format(
            who=name(part["userid"]) or _("shop pool"), role=_(ROLE_NAMES[part["role"]]),
            amount=yuan(found["amount_fen"]),
            weight=f"{part['weight'] * 100 / found['weight_total']:g}",
            share=yuan(part["share_fen"]), reason=part["reason"],
        )
        for part in found["parts"]
    ]  # fmt: skip
    return lines + [
        _("  {month}: {who} {share}, pay {pay}: {reason}").format(
            month=each["month"], who=name(each["userid"]) or _("shop pool"),
            share=yuan(each["share_fen"]), pay=yuan(each["pay_fen"]), reason=each["reason"],
        )
        for each in found["entries"]
    ]  # fmt: skip


def _entries(db: Database, line: SoldLine, month: str, closed: set[str]) -> list[CommissionEntry]:
    """What months hold of a line, and what the next open one would."""
    months: list[CommissionMonth] = [reckon(db, each) for each in sorted({month, *closed})
                                     if each >= month]  # fmt: skip
    if month in closed:
        months.append(reckon(db, following(max(closed))))
    return [each for one in months for each in one.entries
            if each.key == line.key and (one.month == month or each.kind == CHANGE)]  # fmt: skip
