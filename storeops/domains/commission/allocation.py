"""How one line is shared: who had the customer at that time, which roles there were, to the fen.

Everything here is a plain function of facts, so that the same facts give the same fen whatever the
order they arrived in, and `explain` can say each of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from storeops import times
from storeops.database.database import Database
from storeops.domains.commission.rules import WHOLE, CommissionRule
from storeops.domains.handover import dated
from storeops.domains.handover.dated import DatedHandover
from storeops.domains.orders import matching, sold
from storeops.domains.orders.sold import SoldLine
from storeops.domains.orders.values import apportioned
from storeops.errors import StoreOpsError
from storeops.i18n import N_, _, plural
from storeops.mirror.members import Members
from storeops.reading import identities
from storeops.reading.ownership import CustomerOwners, OwnerSpan, owners_of

DAY_S = 86_400
POOL = ""
NO_RULE = CommissionRule("", 0, "first-bind", (("owner", WHOLE),))
Reason = tuple[str, dict[str, Any]]

REASONS = {
    "owner": N_("had the customer since {since}"),
    "former": N_("handed the customer over on {at}, protected for {term}"),
    "heir": N_("took the customer over on {at}; the former owner is protected for {term}"),
    "server": N_("served the customer, as the order says"),
    "service": N_("served the customer last, on {at}"),
    "seller": N_("rang it up"),
    "pool_share": N_("the shop's own share"),
    "no_rule": N_("no rule fits: shop pool"),
    "no_customer": N_("customer not known ({why}): shop pool"),
    "unknown_owner": N_("owner before the first sync unknown: shop pool"),
    "no_owner": N_("nobody had the customer then: shop pool"),
    "bind_over": N_("the bind since {since} was over: shop pool"),
    "no_server": N_("nobody is named as having served: shop pool"),
    "no_seller": N_("nobody is named as seller: shop pool"),
    "stranger": N_("“{word}” is no member: shop pool"),
    "several": N_("several members are called “{word}”: shop pool"),
    "return": N_("gives back {line}"),
    "return_unknown": N_("the sale it gives back is not known: shop pool"),
    "return_too_much": N_("more than was sold: shop pool"),
    "late": N_("came after {month} was closed"),
    "changed": N_("changed after {month} was closed"),
    "cancelled": N_("cancelled after {month} was closed"),
    "matched": N_("its customer became known after {month} was closed"),
}
ROLE_NAMES = {
    "owner": N_("owner"), "former": N_("former owner"), "server": N_("served"),
    "seller": N_("seller"), "pool": N_("shop pool"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a line before it is money.

    Attributes:
        userid: "" the shop's pool.
        role: owner | former | server | seller | pool.
        weight: hundredths of hundredths of a per cent; 10^8 in all.
        reason: code and details.
    """

    userid: str
    role: str
    weight: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class SaleShare:
    """What a member (or the pool) has of a line, in fen."""

    userid: str
    role: str
    share_fen: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class PaidShare:
    """A share of a line, what is paid of it, and what it was reckoned from.

    Attributes:
        share, pay: what is paid in fen.
        rule: `NO_RULE` where none fits.
        weight, weight_total: its part of the line; of what a return takes from its sale, what that
            gave, in fen.
        before_fen, after_fen: 0 and the amount of the line; of what a return takes from a line of
            its sale, how much of that was given back before, and with it.
    """

    share: SaleShare
    pay: int
    rule: CommissionRule
    weight: int = 1
    weight_total: int = 1
    before_fen: int = 0
    after_fen: int = 0


def describe(reason: Reason) -> str:
    """A reason in the user's language; one that another followed from stands behind it."""
    code, about = reason
    words = dict(about)
    if code == "no_customer":
        words["why"] = _(matching.REASONS.get(str(about["why"]), str(about["why"])))
    if "days" in words:
        words["term"] = plural("{count} day", "{count} days", words["days"])
    text = _(REASONS[code]).format(**words)
    inner = about.get("then")
    return _("; ").join((text, describe((inner[0], inner[1])))) if inner else text


def paid_of(share_fen: int, rate: int, userid: str = "?") -> int:
    """What is paid of a share at a rate in millionths; half a fen away from zero.

    Args:
        share_fen: the share.
        rate: millionths.
        userid: whose; the shop's pool is paid nothing.
    """
    if userid == POOL:
        return 0
    sign = -1 if share_fen < 0 else 1
    return sign * ((abs(share_fen) * rate * 2 + 1_000_000) // 2_000_000)


class SharingFacts:
    """What sharing needs to know of many lines, looked up at once.

    Args:
        db: data.db.
        lines: the lines that are to be shared.
    """

    def __init__(self, db: Database, lines: Iterable[SoldLine]) -> None:
        self._db = db
        self._members = Members(db.connection)
        self._words: dict[str, str | None] = {}
        customers = sorted({each.customer for each in lines if each.customer is not None})
        self.owners: dict[int, CustomerOwners] = {}
        self.people: dict[int, tuple[str, str]] = {}
        self.moves: dict[int, list[DatedHandover]] = {}
        connection = db.connection
        for start in range(0, len(customers), 2_000):
            piece = customers[start : start + 2_000]
            people = identities.people(connection, piece)
            moves = dated.of_customers(connection, [external for external, _ in people.values()])
            found = owners_of(connection, piece)
            for key, (external, _name) in people.items():
                self.moves[key] = [self._spelled(each) for each in moves.get(external, ())]
                if key in found:
                    self.owners[key] = _moved(found[key], self.moves[key])
            self.people.update(people)

    def member(self, word: str) -> str | None:
        """The userid that an order's word for a member means; None for nobody."""
        if word not in self._words:
            try:
                self._words[word] = self._members.find(word).userid
            except StoreOpsError:
                self._words[word] = None
        return self._words[word]

    def is_shared(self, word: str) -> bool:
        """Whether a word means several members, so that none of them is meant for certain."""
        return self._members.is_shared(word)

    def _spelled(self, move: DatedHandover) -> DatedHandover:
        """A handover with the members as WeCom writes them today."""
        giver, taker = (
            self.member(f"userid:{each}") or each
            for each in (move.handover_userid, move.takeover_userid)
        )
        return replace(move, handover_userid=giver, takeover_userid=taker)

    def service(self, customer: int, before: int, since: int) -> tuple[str, int] | None:
        """(member as named, Unix seconds) of whoever served a customer last."""
        return sold.last_service(self._db, customer, before, since)

    def external(self, customer: int | None) -> str:
        """external_userid, "" for nobody."""
        return self.people.get(customer, ("", ""))[0] if customer is not None else ""


def _moved(owners: CustomerOwners, moves: Sequence[DatedHandover]) -> CustomerOwners:
    """The spans with the moments of handovers: the mirror noticed them only with its next sync."""
    spans = list(owners.spans)
    for move in moves:
        from_owner, to_owner = move.handover_userid.casefold(), move.takeover_userid.casefold()
        taken = any(each.userid.casefold() == to_owner and each.covers(move.at) for each in spans)
        for at, each in enumerate(spans):
            who = each.userid.casefold()
            if (
                who == from_owner
                and each.start <= move.at
                and (each.end is None or each.end > move.at)
            ):
                spans[at] = replace(each, end=move.at, ended="handed_over")
            elif who == to_owner and not taken and each.start > move.at:
                spans[at] = replace(each, start=move.at)
                taken = True
    ordered = tuple(sorted(spans, key=lambda each: (each.start, each.userid.casefold())))
    return replace(owners, spans=ordered)


def owner_at(owners: CustomerOwners, at: int) -> OwnerSpan | None:
    """The first who added the customer of those who had it at a moment."""
    return next((each for each in owners.spans if each.covers(at)), None)


def parts_of(line: SoldLine, rule: CommissionRule | None, facts: SharingFacts) -> list[Part]:
    """Who has which part of a line, and why; the weights sum to 10^8."""
    whole = WHOLE * WHOLE
    if rule is None:
        return [Part(POOL, "pool", whole, ("no_rule", {}))]
    found: list[Part] = []
    left = 0
    for role, share in rule.shares:
        for part in _of_role(role, line, rule, facts):
            weight = part.weight * share
            if part.role == "pool" and role != "pool" and rule.missing == "others":
                left += weight
                continue
            if part.role == "pool" and role not in ("pool", "owner") and rule.missing == "owner":
                found += [replace(each, weight=each.weight * share * part.weight // WHOLE)
                          for each in _owner(line, rule, facts)]  # fmt: skip
                continue
            found.append(replace(part, weight=weight))
    named = [each for each in found if each.userid]
    if left and not named:
        found.append(Part(POOL, "pool", left, _owner(line, rule, facts)[0].reason))
    elif left:
        more = apportioned(left, [each.weight for each in named])
        extra = dict(zip(map(id, named), more, strict=True))
        found = [replace(each, weight=each.weight + extra.get(id(each), 0)) for each in found]
    return _merged(found)


def _merged(parts: Iterable[Part]) -> list[Part]:
    """One part for a member and role, in the order they came; nothing for parts of nothing."""
    found: dict[tuple[str, str], Part] = {}
    for each in parts:
        key = (each.userid.casefold(), each.role)
        before = found.get(key)
        found[key] = each if before is None else replace(before, weight=before.weight + each.weight)
    return [each for each in found.values() if each.weight] or list(found.values())[:1]


def _of_role(role: str, line: SoldLine, rule: CommissionRule, facts: SharingFacts) -> list[Part]:
    if role == "pool":
        return [Part(POOL, "pool", WHOLE, ("pool_share", {}))]
    if role == "owner":
        return _owner(line, rule, facts)
    word = line.server if role == "server" else line.seller
    if word:
        userid = facts.member(word)
        if userid is None:
            why = "several" if facts.is_shared(word) else "stranger"
            return [Part(POOL, "pool", WHOLE, (why, {"word": word}))]
        return [Part(userid, role, WHOLE, (role, {}))]
    if role == "server" and rule.scheme == "last-touch":
        return _served(line, rule, facts)
    return [Part(POOL, "pool", WHOLE, (f"no_{role}", {}))]


def _served(line: SoldLine, rule: CommissionRule, facts: SharingFacts) -> list[Part]:
    """Who served last within the days of the rule; else the owner."""
    if line.customer is not None:
        since = line.paid_at - rule.within_days * DAY_S if rule.within_days else 0
        found = facts.service(line.customer, line.paid_at, since)
        userid = facts.member(found[0]) if found else None
        if found and userid is not None:
            return [Part(userid, "server", WHOLE, ("service", {"at": _day(found[1])}))]
    return _owner(line, rule, facts)


def _owner(line: SoldLine, rule: CommissionRule, facts: SharingFacts) -> list[Part]:
    def pool(code: str, **about: Any) -> list[Part]:
        return [Part(POOL, "pool", WHOLE, (code, about))]

    if line.customer is None:
        return pool("no_customer", why=line.reason or "unknown")
    owners = facts.owners.get(line.customer)
    span = owner_at(owners, line.paid_at) if owners is not None else None
    if owners is None or span is None:
        early = owners is not None and line.paid_at < owners.first_seen_at
        return pool("unknown_owner" if early else "no_owner")
    if rule.bind_days and line.paid_at >= span.start + rule.bind_days * DAY_S:
        return pool("bind_over", since=_day(span.start))
    if rule.protection_days and rule.protected:
        for move in reversed(facts.moves.get(line.customer, ())):
            fresh = move.at <= line.paid_at < move.at + rule.protection_days * DAY_S
            if fresh and move.takeover_userid.casefold() == span.userid.casefold():
                about = {"at": _day(move.at), "days": rule.protection_days}
                return [
                    Part(move.handover_userid, "former", rule.protected, ("former", about)),
                    Part(span.userid, "owner", WHOLE - rule.protected, ("heir", about)),
                ]
    return [Part(span.userid, "owner", WHOLE, ("owner", {"since": _day(span.start)}))]


def _day(at: int) -> str:
    return times.day(at) or "?"


def shares_of(amount_fen: int, parts: Sequence[Part]) -> list[SaleShare]:
    """The parts as money that sums to the amount; the largest remainders are rounded up."""
    amounts = apportioned(amount_fen, [each.weight for each in parts])
    return [
        SaleShare(part.userid, part.role, fen, part.reason)
        for part, fen in zip(parts, amounts, strict=True)
    ]


def given_back(given: Sequence[int], fen: int) -> list[int]:
    """What of each share is given back when so much of the line is; all of it when all is.

    Fen by fen, each from whoever is furthest behind (Sainte-Laguë): of more that is given back
    nobody gives back less. Largest remainders would now and then hand a fen to somebody when
    another piece of the line comes back.

    Args:
        given: what each has of the line, in fen.
        fen: at most all of it.

    Returns:
        In fen, in the order of the shares; they sum to `fen`.
    """
    whole, several = sum(given), len(given)
    found = [max(0, (each * (2 * fen - several) + whole) // (2 * whole)) if each else 0
             for each in given]  # fmt: skip
    for _each in range(fen - sum(found)):
        at = min((at for at, each in enumerate(given) if each),
                 key=lambda at: Fraction(2 * found[at] + 1, given[at]))  # fmt: skip
        found[at] += 1
    return found


def reason_text(reason: Reason) -> str:
    """A reason as it is kept."""
    return json.dumps(reason, ensure_ascii=False, sort_keys=True)


def reason_of(text: str) -> Reason:
    """A reason as it was kept."""
    code, about = json.loads(text)
    return code, about
