"""Reckoning a month that is open: what each line of it is shared into, and what closed months owe.

An open month is reckoned from the facts of now. A closed one is what was kept: lines that come,
change, are cancelled, move to another month or find their customer later land in the first month
that is still open, as the difference between what they would be and what was paid, with the
reason; the returns of such a line change with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from storeops import times
from storeops.database.database import Database
from storeops.domains.commission.allocation import (
    NO_RULE,
    POOL,
    PaidShare,
    Reason,
    SaleShare,
    SharingFacts,
    paid_of,
    parts_of,
    shares_of,
)
from storeops.domains.commission.calendar_months import following, span_of
from storeops.domains.commission.entries import CHANGE, RETURN, SALE, CommissionEntry
from storeops.domains.commission.kept_months import booked, closed_months, rules_in
from storeops.domains.commission.returns import gives_back, shared_back, takings
from storeops.domains.commission.rules import CommissionRule, chosen
from storeops.domains.orders import sold
from storeops.domains.orders.sold import LineKey, SoldLine

NOTHING = PaidShare(SaleShare(POOL, "pool", 0, ("pool_share", {})), 0, NO_RULE)


class Reckoning:
    """One month while it is reckoned; of months that were closed, those before it count.

    Args:
        db: data.db.
        month: 2026-10.
        rules: for what is not in a closed month.
        only: (source, order_no) of all that is asked about, with their sales and the returns of
            these; absent: everything.
    """

    def __init__(
        self,
        db: Database,
        month: str,
        rules: Sequence[CommissionRule],
        only: Collection[tuple[str, str]] | None = None,
    ) -> None:
        self.db = db
        self.only = only
        self.month = month
        self.start, self.end = span_of(month)
        self.closed = {each: row for each, row in closed_months(db).items() if each < month}
        self.rules = {each: rules_in(row) for each, row in self.closed.items()}
        self.named = {(rule.name, rule.version): rule
                      for several in (rules, *self.rules.values()) for rule in several}  # fmt: skip
        self.open_rules = list(rules)
        self.done: dict[LineKey, list[PaidShare]] = {}
        self.booked: dict[LineKey, list[CommissionEntry]] = {}
        self.settled: set[LineKey] = set()  # of people who were erased since
        self.basis: dict[LineKey, Sequence[PaidShare]] = {}  # of every line that has an entry

    def entries(self) -> list[CommissionEntry]:
        """What the month pays, in the order of time and number; changes of closed months last."""
        asked: list[SoldLine] = []
        if self.only is None:
            own = sold.between(self.db, self.start, self.end)
        else:
            asked = [line for several in sold.of_orders(self.db, self.only).values()
                     for line in several]  # fmt: skip
            own = [each for each in asked if self.start <= each.paid_at < self.end]
        self._look_up(own)
        moved = {each.key[:2] for each in own} & {each[:2] for each in self.booked}
        self.changed = moved  # orders that are not what closed months hold
        late = self._late(own, moved)
        origins = {
            (each.source, each.original) for each in (*own, *late, *asked)
            if gives_back(each) and each.original
        }  # fmt: skip
        self.origins = sold.of_orders(self.db, origins)
        self.siblings = sold.returns_of(self.db, origins)
        sales = [each for several in self.origins.values() for each in several]
        self._look_up([*late, *sales, *self.siblings, *asked])
        self.late = {each.key for each in late} | {
            each.key for each in own if each.key[:2] in moved
        }
        self.facts = SharingFacts(self.db, [*own, *late, *sales, *asked])
        self.takings = takings(self.siblings, self.origins, self.booked, self._standing)
        found: list[CommissionEntry] = []
        for line in own:
            if line.key in self.booked:
                found += self._changes(line.key, line)
            elif line.amount_fen:
                found += self._of_line(line)
        for line in late:
            found += self._changes(line.key, line)
        for key in self._gone(own, late):
            found += self._changes(key, None)
        self.basis = {each.key: self.done.get(each.key, ()) for each in found}
        return found

    def _look_up(self, lines: Iterable[SoldLine]) -> None:
        """What closed months hold of these lines, and of others of the same orders."""
        wanted = {each.key[:2] for each in lines} - {each[:2] for each in self.booked}
        for key, several in booked(self.db, wanted, self.month).items():
            self.booked[key] = several
            if any(each.key != key for each in several):
                self.settled.add(key)

    def _late(self, own: Sequence[SoldLine], moved: set[tuple[str, str]]) -> list[SoldLine]:
        """Lines of closed months that changed since, and returns of theirs; they land in the first
        open month."""
        if not self.closed or following(max(self.closed)) != self.month:
            return []
        since = max(row["closed_at"] for row in self.closed.values())
        _start, until = span_of(max(self.closed))
        changed = sold.changed(self.db, since - 1, until, self.only)
        # what was paid before the first month is in none, unless it was once paid for in one
        early = [each for each in changed if times.month(each.paid_at) not in self.closed]
        self._look_up(early)
        known = {each[:2] for each in self.booked}
        found = {each.key: each for each in changed
                 if times.month(each.paid_at) in self.closed or each.key[:2] in known}  # fmt: skip
        self.changed = moved | {each.key[:2] for each in found.values()}
        # what a sale, or an earlier return of it, does not give any more nobody can give back
        named = {(each.source, each.original) for each in (*found.values(), *own)
                 if each.key in found or each.key[:2] in moved}  # fmt: skip
        # and what a sale of this month gives is not settled, though its return is dated earlier
        named |= (
            sold.returned_before(self.db, self.start, self.end)
            if self.only is None
            else {each.key[:2] for each in own}
        )
        for each in sold.returns_of(self.db, self.changed | named):
            if times.month(each.paid_at) in self.closed:
                found.setdefault(each.key, each)
        return list(found.values())

    def _gone(self, own: Sequence[SoldLine], late: Sequence[SoldLine]) -> list[LineKey]:
        """Lines that closed months hold, and their orders do not any more."""
        there = {each.key for each in (*own, *late)}
        return sorted(each for each in self.booked
                      if each[:2] in self.changed and each not in there)  # fmt: skip

    def _rules_of(self, line: SoldLine) -> Sequence[CommissionRule]:
        month = max(times.month(line.paid_at), min(self.closed, default=""))
        return self.rules.get(month, self.open_rules)

    def allocated(self, line: SoldLine) -> list[PaidShare]:
        """What a line is shared into by the facts of now."""
        if line.key not in self.done:
            self.done[line.key] = self._shared(line)
        return self.done[line.key]

    def _shared(self, line: SoldLine) -> list[PaidShare]:
        if gives_back(line):
            return shared_back(line, self.takings.get(line.key), self._standing)
        fits = chosen(self._rules_of(line), line)
        parts, rule = parts_of(line, fits, self.facts), fits or NO_RULE
        whole = sum(each.weight for each in parts)
        return [
            PaidShare(share, paid_of(share.share_fen, rule.rate, share.userid), rule, part.weight,
                      whole, 0, line.amount_fen)
            for part, share in zip(parts, shares_of(line.amount_fen, parts), strict=True)
        ]  # fmt: skip

    def _standing(self, line: SoldLine) -> list[PaidShare]:
        """What a sale gave: as it was paid, or as it will be."""
        booked = self.booked.get(line.key)
        if not booked or (line.key in self.late and line.key not in self.settled):
            return self.allocated(line)
        rule = self.named.get((booked[-1].rule, booked[-1].rule_version), NO_RULE)
        shares = [each.share for each in _summed(map(_as_paid, booked)).values()]
        return [PaidShare(each, paid_of(each.share_fen, rule.rate, each.userid), rule)
                for each in shares if each.share_fen]  # fmt: skip

    def _of_line(self, line: SoldLine) -> list[CommissionEntry]:
        external = self.facts.external(line.customer)
        kind = RETURN if gives_back(line) else SALE
        return [
            CommissionEntry(self.month, kind, line.key, line.paid_at, line.amount_fen, each.share,
                            each.pay, line.shop, each.rule.name, each.rule.version, external)
            for each in self.allocated(line) if kind == SALE or each.share.share_fen
        ]  # fmt: skip

    def _changes(self, key: LineKey, line: SoldLine | None) -> list[CommissionEntry]:
        """What a line of a closed month would be today, less what was paid of it."""
        if key in self.settled:
            return []
        booked = self.booked.get(key, [])
        assert line is not None or booked
        target = _summed(self.allocated(line) if line is not None and line.amount_fen else ())
        kept = _summed(map(_as_paid, booked))
        grown = (line.amount_fen if line is not None else 0) - sum(
            each.share.share_fen for each in kept.values()
        )
        paid_at, shop, external = (
            (line.paid_at, line.shop, self.facts.external(line.customer)) if line is not None
            else (booked[-1].paid_at, booked[-1].shop, booked[-1].external_userid)
        )  # fmt: skip
        about = {"month": times.month(booked[0].paid_at if booked else paid_at)}
        why = self._why(line, booked, grown)
        found = []
        for who in {**target, **kept}:
            due, had = target.get(who, NOTHING), kept.get(who, NOTHING)
            fen, pay = due.share.share_fen - had.share.share_fen, due.pay - had.pay
            if fen or pay:
                left = due is NOTHING  # who has nothing of it any more
                reason: Reason = (why, about if left else {**about, "then": list(due.share.reason)})
                one = had if left else due
                share = SaleShare(one.share.userid, who[1], fen, reason)
                found.append(
                    CommissionEntry(self.month, CHANGE, key, paid_at, grown, share, pay, shop,
                                    one.rule.name, one.rule.version, external)
                )  # fmt: skip
        return found

    @staticmethod
    def _why(line: SoldLine | None, booked: Sequence[CommissionEntry], grown: int) -> str:
        if not booked:
            return "late"
        if line is None or line.status == "cancelled":
            return "cancelled"
        was_nobody = any(each.share.reason[0] == "no_customer" for each in booked)
        return "matched" if was_nobody and line.customer is not None and not grown else "changed"


def _summed(shares: Iterable[PaidShare]) -> dict[tuple[str, str], PaidShare]:
    """(userid, role) → what that member has in all, with the newest reason."""
    found: dict[tuple[str, str], PaidShare] = {}
    for each in shares:
        who = (each.share.userid.casefold(), each.share.role)
        before = found.get(who, NOTHING)
        share = replace(each.share, share_fen=before.share.share_fen + each.share.share_fen)
        found[who] = replace(each, share=share, pay=before.pay + each.pay)
    return found


def _as_paid(entry: CommissionEntry) -> PaidShare:
    rule = replace(NO_RULE, name=entry.rule, version=entry.rule_version)
    return PaidShare(entry.share, entry.pay_fen, rule)
