"""Why a line was shared as it was: every fact, the rule, and the arithmetic in its own words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from storeops import times
from storeops.database.database import Database
from storeops.domains.commission import kept_months, rules_in_force
from storeops.domains.commission.allocation import (
    ROLE_NAMES,
    PaidShare,
    SaleShare,
    describe,
    given_back,
)
from storeops.domains.commission.calendar_months import following
from storeops.domains.commission.entries import CHANGE, CommissionEntry
from storeops.domains.commission.reckoning import Reckoning
from storeops.domains.commission.returns import gives_back
from storeops.domains.orders import sold
from storeops.domains.orders.sold import LineKey, SoldLine
from storeops.domains.orders.values import yuan
from storeops.errors import NotFoundError, UsageError
from storeops.i18n import N_, _, aside, labelled


def find_line(db: Database, text: str, source: str = "") -> LineKey:
    """The line that S1#2 (or S1, when it has one line) means; also one that only closed months
    still hold.

    Raises:
        NotFoundError: there is none.
        UsageError: several are meant.
    """
    order_no, mark, number = text.rpartition("#")
    if not mark or not number.isdecimal():
        order_no, number = text, ""
    there = [each.key for each in sold.named(db, order_no)]
    kept = [each for each in kept_months.lines_of(db, order_no) if each not in there]
    found = [[each for each in several if not number or each[2] == int(number)]
             for several in (there, kept)]  # fmt: skip
    named = [[each for each in several if not source or each[0].casefold() == source.casefold()]
             for several in found]  # fmt: skip
    lines = named[0] or named[1]
    if not lines:
        others = _(", ").join(
            sorted({name for several in found for name, _order, _line in several})
        )
        raise NotFoundError(
            _("There is no order line “{line}”.").format(line=text),
            hint=_("Sources that have it: {names}.").format(names=others)
            if others
            else _("Write the order's number and the line: S1#2"),
        )
    if len({name for name, _order, _line in lines}) > 1:
        names = _(", ").join(sorted({name for name, _order, _line in lines}))
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


def explain(db: Database, key: LineKey) -> dict[str, Any]:
    """A line with its facts, and how it was reckoned each time; times in Unix seconds.

    `reckoned` has a row for every closed month that paid something of the line, with what it was
    reckoned from then, and one by the facts of now where they say something else:

    - closed: as `month` was closed;
    - open: as `month` would have it, being the first that does;
    - late: the difference to what was closed lands in `month`;
    - stands: the facts of now would share it otherwise, and nothing of that lands in a month;
    - before: it was paid before the first month that was closed, and is in none.

    The shares can be made again from what is said: `after_fen` by the `weight` of each part of
    `weight_total`, the largest remainders rounded up; of what is given back, `given_back` of the
    weights at `before_fen` less that at `after_fen`.
    """
    closed = kept_months.closed_months(db)
    line = next((each for each in sold.of_orders(db, [key[:2]])[key[:2]] if each.key == key), None)
    booked = kept_months.booked(db, [key[:2]], "~").get(key, [])
    paid_at = line.paid_at if line is not None else booked[-1].paid_at
    month = times.month(paid_at)
    outside = bool(closed) and not booked and month < min(closed)
    lands = max(month, following(max(closed))) if closed and not outside else month

    reckoning = Reckoning(db, lands, rules_in_force.in_force(db), _related(db, key, line))
    owed = [each for each in reckoning.entries() if each.key == key]
    now = reckoning.allocated(line) if line is not None and line.amount_fen else []
    basis = kept_months.basis_of(db, key)
    reckoned = [_Reckoned("closed", each, basis.get(each, ()), [
        entry for entry in booked if entry.month == each
    ]) for each in sorted({entry.month for entry in booked})]  # fmt: skip
    if outside:
        reckoned.append(_Reckoned("before", min(closed), now, ()))
    elif owed:
        late = booked or month in closed
        reckoned.append(_Reckoned("late" if late else "open", lands, now, owed))
    elif (
        line is not None  # what was erased, or forgotten with its source, is not known otherwise
        and key not in reckoning.settled
        and _totals(each.share for each in booked) != _totals(each.share for each in now)
    ):
        reckoned.append(_Reckoned("stands", reckoned[-1].month, now, ()))

    facts = reckoning.facts
    customer = line.customer if line is not None else None
    owners = facts.owners.get(customer or 0)
    external, name = facts.people.get(customer or 0, ("", ""))
    rule = next((part.rule for each in reckoned for part in each.parts if part.rule.name), None)
    return {
        "order_line": f"{key[1]}#{key[2]}",
        "order_no": key[1],
        "source": key[0],
        "paid_at": paid_at,
        "amount_fen": line.amount_fen if line is not None else 0,
        "currency": line.currency if line is not None else "",
        "summed": line is None or sold.is_summed(db, line),
        "month": month,
        "closed": month in closed,
        "customer": name,
        "external_userid": external,
        "first_seen_at": owners.first_seen_at if owners else None,
        "owners": [
            {"userid": each.userid, "start": each.start, "end": each.end, "ended": each.ended,
             "then": each.covers(paid_at)}
            for each in (owners.spans if owners else ())
        ],
        "handovers": [
            {"at": each.at, "handover_userid": each.handover_userid,
             "takeover_userid": each.takeover_userid}
            for each in facts.moves.get(customer or 0, ())
        ],
        "seller": line.seller if line is not None else "",
        "server": line.server if line is not None else "",
        "gives_back": line.original if line is not None and gives_back(line) else "",
        "rule": rule.name if rule else "",
        "rule_version": rule.version if rule else 0,
        "scheme": rule.scheme if rule else "",
        "reckoned": [each.as_dict() for each in reckoned],
    }  # fmt: skip


def _related(db: Database, key: LineKey, line: SoldLine | None) -> set[tuple[str, str]]:
    """The order of a line, the sale it gives back, and what else gives that back."""
    if line is None or not line.original:
        return {key[:2]}
    return {key[:2], (line.source, line.original), *sold.naming(db, line.source, line.original)}


def _totals(shares: Iterable[SaleShare]) -> dict[tuple[str, str], int]:
    """(userid, role) → fen, of whoever has something."""
    found: dict[tuple[str, str], int] = defaultdict(int)
    for each in shares:
        found[each.userid.casefold(), each.role] += each.share_fen
    return {who: fen for who, fen in found.items() if fen}


@dataclass(frozen=True, slots=True)
class _Reckoned:
    """How a line was reckoned once: from what, and what of it a month pays."""

    state: str
    month: str
    parts: Sequence[PaidShare]
    entries: Sequence[CommissionEntry]

    def as_dict(self) -> dict[str, Any]:
        """A row of `reckoned`."""
        return {
            "state": self.state,
            "month": self.month,
            "parts": [
                {"userid": each.share.userid, "role": each.share.role, "weight": each.weight,
                 "weight_total": each.weight_total, "before_fen": each.before_fen,
                 "after_fen": each.after_fen, "share_fen": each.share.share_fen,
                 "gives_back": _taken_from(each.share), "reason": describe(each.share.reason)}
                for each in self.parts
            ],
            "entries": [
                {"month": each.month, "kind": each.kind, "userid": each.share.userid,
                 "role": each.share.role, "share_fen": each.share.share_fen,
                 "pay_fen": each.pay_fen, "reason": describe(each.share.reason)}
                for each in self.entries
            ],
        }  # fmt: skip


def _taken_from(share: SaleShare) -> str:
    """The sale's line that a share gives back; "" when it is none of a return."""
    code, about = share.reason
    return str(about["line"]) if code == "return" else ""


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
    kept = any(each["state"] == "closed" for each in found["reckoned"])
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
        (_("Owners, as known today") if kept else _("Owners"), "\n".join(owners)),
        (_("Handovers, as known today") if kept else _("Handovers"), "\n".join(moves)),
        (_("First seen"), times.minute(found["first_seen_at"])),
        (_("Sold by"), name(found["seller"])),
        (_("Served by"), name(found["server"])),
        (_("Returns order"), found["gives_back"]),
        (_("Rule"), rule),
    ]


HEADINGS = {
    "closed": N_("As {month} was closed:"),
    "open": N_("As {month} would have it:"),
    "late": N_("By what is known today; the difference to what was closed lands in {month}:"),
    "stands": N_("By what is known today it would be shared otherwise. The order did not change"
                 " since {month} was closed, so nothing of this lands in a month:"),
    "before": N_("Paid before {month}, the first month that was closed: it is in no month. It"
                 " would be:"),
}  # fmt: skip


def sentences(found: dict[str, Any], name: Callable[[str], str] = _same) -> list[str]:
    """The arithmetic of what `explain` found, a line each.

    Args:
        found: of `explain`.
        name: how a userid is called.
    """
    lines = []
    for each in found["reckoned"]:
        lines.append(_(HEADINGS[each["state"]]).format(month=each["month"]))
        for part in each["parts"]:
            same = [one for one in each["parts"] if one["gives_back"] == part["gives_back"]]
            lines.append(_arithmetic(part, same, name))
        for entry in each["entries"]:
            text = _("  {month}: {who} {share}, pay {pay}").format(
                month=entry["month"], who=name(entry["userid"]) or _("shop pool"),
                share=yuan(entry["share_fen"]), pay=yuan(entry["pay_fen"]),
            )  # fmt: skip
            # why a part is so stands with the part; of who was erased there is none any more
            more = entry["kind"] == CHANGE or not each["parts"]
            lines.append(labelled(text, entry["reason"]) if more else text)
    return lines


def _arithmetic(
    part: dict[str, Any], same: Sequence[dict[str, Any]], name: Callable[[str], str]
) -> str:
    """A part in words, beside the others of the same line."""
    who = name(part["userid"])
    who = (
        _("{who}, {role}").format(who=who, role=_(ROLE_NAMES[part["role"]]))
        if who else _("shop pool")
    )  # fmt: skip
    if not part["gives_back"]:
        return _("  {who}: {amount} × {weight} % = {share}: {reason}").format(
            who=who, amount=yuan(part["after_fen"]),
            weight=f"{part['weight'] * 100 / part['weight_total']:g}",
            share=yuan(part["share_fen"]), reason=part["reason"],
        )  # fmt: skip
    earlier = given_back([one["weight"] for one in same], part["before_fen"])[same.index(part)]
    text = (
        _("  {who}: {line} gave {given} of {whole}; of {after} given back in all {due} are due,"
          " {earlier} of {before} were before: {share}")
        if part["before_fen"]
        else _("  {who}: {line} gave {given} of {whole}; of {after} given back {due} are due:"
               " {share}")
    )  # fmt: skip
    return text.format(
        who=who, line=part["gives_back"], given=yuan(part["weight"]),
        whole=yuan(part["weight_total"]), after=yuan(part["after_fen"]),
        due=yuan(earlier - part["share_fen"]), earlier=yuan(earlier),
        before=yuan(part["before_fen"]), share=yuan(part["share_fen"]),
    )  # fmt: skip
