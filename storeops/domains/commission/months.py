"""Months: what each line of one is shared into, closing it, and what lands in the next.

An open month is reckoned from the facts of now. A closed one is what was kept: lines that come,
change, are cancelled, move to another month or find their customer later land in the first month
that is still open, as the difference between what they would be and what was paid, with the
reason; the returns of such a line change with it. A return takes back what its sale gave, wherever
that stands; when all is given back, the shares are cancelled to the fen. Returns of one sale count
in the order of their time and number, those of closed months first, so that the order in which
files arrive does not matter; none takes back what another has taken.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from storeops import times
from storeops.changes.journal import JournalLine
from storeops.changes.ledger import Ledger
from storeops.changes.seal import keyed_hash
from storeops.database.database import Database
from storeops.domain import TodayLine
from storeops.domains.commission import rules as rule_book
from storeops.domains.commission.allocation import (
    POOL,
    Reason,
    SaleShare,
    SharingFacts,
    describe,
    given_back,
    paid_of,
    parts_of,
    reason_of,
    reason_text,
    shares_of,
)
from storeops.domains.commission.rules import CommissionRule, chosen
from storeops.domains.orders import importing, sold
from storeops.domains.orders.sold import LineKey, SoldLine
from storeops.domains.orders.values import apportioned
from storeops.errors import ConflictError, UsageError
from storeops.i18n import _

SALE, RETURN, CHANGE = "sale", "return", "change"
ERASED = "erased/"  # stands before what is left of the number of an order whose customer was erased
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
NO_RULE = CommissionRule("", 0, "first-bind", (("owner", rule_book.WHOLE),))


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


@dataclass(frozen=True, slots=True)
class CommissionMonth:
    """A month, reckoned or closed.

    Attributes:
        month: 2026-10.
        closed_at: Unix seconds; None while it is open.
        closed_by: who closed it; "".
        entries: in the order of time and number.
    """

    month: str
    closed_at: int | None
    closed_by: str
    entries: tuple[CommissionEntry, ...]

    @property
    def share_fen(self) -> int:
        """Sum of all shares."""
        return sum(each.share.share_fen for each in self.entries)


def span_of(month: str) -> tuple[int, int]:
    """[start, end) of a month in Unix seconds.

    Raises:
        UsageError: it is no month.
    """
    try:
        if not _MONTH.fullmatch(month):
            raise ValueError
        year, number = (int(each) for each in month.split("-"))
        start = times.start(year, number)
        end = times.start(year + number // 12, number % 12 + 1)
    except ValueError:
        raise UsageError(
            _("“{month}” is no month.").format(month=month[:40]), hint=_("Write it as 2026-10.")
        ) from None
    return int(start.timestamp()), int(end.timestamp())


def last_month(now: float) -> str:
    """The month before the one of a moment (Unix seconds)."""
    return times.month(times.midnight(now).replace(day=1).timestamp() - 1)


def following(month: str) -> str:
    """The month after."""
    year, number = (int(each) for each in month.split("-"))
    return f"{year + number // 12:04d}-{number % 12 + 1:02d}"


# -- what was closed ------------------------------------------------------------------------------

_COLUMNS = (
    "month, kind, source, order_no, line, paid_at, amount_fen, userid, role, share_fen, pay_fen,"
    " shop, rule, rule_version, reason, external_userid"
)


def _entry(row: Sequence[Any]) -> CommissionEntry:
    (month, kind, source, order_no, line, paid_at, amount, userid, role, fen, pay, shop, rule,
     version, reason, external) = row  # fmt: skip
    share = SaleShare(userid, role, fen, reason_of(reason))
    return CommissionEntry(month, kind, (source, order_no, line), paid_at, amount, share, pay,
                           shop, rule, version, external)  # fmt: skip


def any_rule(db: Database) -> bool:
    """Whether any rule is in force; without one everything is the shops'."""
    return bool(rule_book.in_force(db))


def closed_months(db: Database) -> dict[str, dict[str, Any]]:
    """month → when and by whom it was closed, with its sums and rules; the oldest first."""
    return {row["month"]: row for row in db.rows("SELECT * FROM commission_month ORDER BY month")}


def _booked(
    db: Database, orders: Iterable[tuple[str, str]], before: str
) -> dict[LineKey, list[CommissionEntry]]:
    """What months closed before one hold of these (source, order_no), in the order it was booked.

    An order whose customer was erased is found by the hash of its number; its entries keep that.
    """
    wanted = set(orders)
    names = {number: number for _source, number in wanted}
    if db.execute("SELECT 1 FROM commission_entry WHERE order_no >= ? AND order_no < ? LIMIT 1",
                  (ERASED, f"{ERASED}~")).fetchone():  # fmt: skip
        hidden = erased_number(db.connection)
        names |= {hidden(number): number for number in list(names)}
    found: dict[LineKey, list[CommissionEntry]] = defaultdict(list)
    for row in db.execute(
        f"SELECT {_COLUMNS} FROM commission_entry WHERE month < ?"
        " AND order_no IN (SELECT value FROM json_each(?)) ORDER BY id",
        (before, json.dumps(sorted(names))),
    ):
        entry = _entry(row)
        source, number, line = entry.key
        if (source, names[number]) in wanted:
            found[source, names[number], line].append(entry)
    return found


# -- reckoning ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _PaidShare:
    """A share of a line, what is paid of it, and by which rule."""

    share: SaleShare
    pay: int
    rule: CommissionRule


@dataclass(frozen=True, slots=True)
class _Taking:
    """What a return takes back of one line of its sale: from so much taken to so much."""

    sale: SoldLine
    before: int
    after: int


class _Reckoning:
    """One month while it is reckoned; of months that were closed, those before it count."""

    def __init__(self, db: Database, month: str, rules: Sequence[CommissionRule]) -> None:
        self.db = db
        self.month = month
        self.start, self.end = span_of(month)
        self.closed = {each: row for each, row in closed_months(db).items() if each < month}
        self.rules = {each: _rules_in(row) for each, row in self.closed.items()}
        self.named = {(rule.name, rule.version): rule
                      for several in (rules, *self.rules.values()) for rule in several}  # fmt: skip
        self.open_rules = list(rules)
        self.done: dict[LineKey, list[_PaidShare]] = {}
        self.booked: dict[LineKey, list[CommissionEntry]] = {}
        self.settled: set[LineKey] = set()  # of people who were erased since

    def entries(self) -> list[CommissionEntry]:
        own = sold.between(self.db, self.start, self.end)
        self._look_up(own)
        moved = {each.key[:2] for each in own} & {each[:2] for each in self.booked}
        self.changed = moved  # orders that are not what closed months hold
        late = self._late(own, moved)
        origins = {(each.source, each.original)
                   for each in (*own, *late) if _gives_back(each) and each.original}  # fmt: skip
        self.origins = sold.of_orders(self.db, origins)
        self.siblings = sold.returns_of(self.db, origins)
        sales = [each for several in self.origins.values() for each in several]
        self._look_up([*late, *sales, *self.siblings])
        self.late = {each.key for each in late} | {
            each.key for each in own if each.key[:2] in moved
        }
        self.facts = SharingFacts(self.db, [*own, *late, *sales])
        self.takings = self._takings()
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
        return found

    def _look_up(self, lines: Iterable[SoldLine]) -> None:
        """What closed months hold of these lines, and of others of the same orders."""
        wanted = {each.key[:2] for each in lines} - {each[:2] for each in self.booked}
        for key, several in _booked(self.db, wanted, self.month).items():
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
        found = {
            each.key: each for each in sold.changed(self.db, since - 1, until)
            if times.month(each.paid_at) in self.closed
        }  # fmt: skip
        self.changed = moved | {each.key[:2] for each in found.values()}
        # what a sale, or an earlier return of it, does not give any more nobody can give back
        named = {(each.source, each.original) for each in (*found.values(), *own)
                 if each.key in found or each.key[:2] in moved}  # fmt: skip
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
        return self.rules.get(times.month(line.paid_at), self.open_rules)

    def _allocated(self, line: SoldLine) -> list[_PaidShare]:
        """What a line is shared into by the facts of now."""
        if line.key not in self.done:
            self.done[line.key] = self._return(line) if _gives_back(line) else self._sale(line)
        return self.done[line.key]

    def _sale(self, line: SoldLine) -> list[_PaidShare]:
        rule = chosen(self._rules_of(line), line)
        shares = shares_of(line.amount_fen, parts_of(line, rule, self.facts))
        return [_paid(each, rule or NO_RULE) for each in shares]

    def _standing(self, line: SoldLine) -> list[_PaidShare]:
        """What a sale gave: as it was paid, or as it will be."""
        booked = self.booked.get(line.key)
        if not booked or (line.key in self.late and line.key not in self.settled):
            return self._allocated(line)
        totals: dict[tuple[str, str], SaleShare] = {}
        for each in booked:
            key = (each.share.userid.casefold(), each.share.role)
            before = totals.get(key)
            fen = each.share.share_fen + (before.share_fen if before else 0)
            totals[key] = replace(each.share, share_fen=fen)
        rule = self.named.get((booked[-1].rule, booked[-1].rule_version), NO_RULE)
        return [_paid(each, rule) for each in totals.values() if each.share_fen]

    def _given(self, line: SoldLine) -> int:
        return sum(each.share.share_fen for each in self._standing(line))

    # returns

    def _takings(self) -> dict[LineKey, list[_Taking] | None]:
        """Return → what it takes of which lines of its sale; None where these are not known.

        Those of closed months come first, then by time; none takes what another has taken.
        """
        found: dict[LineKey, list[_Taking] | None] = {}
        taken: dict[LineKey, int] = defaultdict(int)
        for each in sorted(self.siblings, key=lambda each: (
            each.key not in self.booked, each.paid_at, each.order_no, each.line
        )):  # fmt: skip
            found[each.key] = None
            if (lines := self._sale_lines(each)) is None:
                continue
            left = [max(0, self._given(line) - taken[line.key]) for line in lines]
            takings = found[each.key] = []
            for line, fen in zip(lines, _drawn(-each.amount_fen, left, each), strict=True):
                if fen:
                    before = taken[line.key]
                    taken[line.key] += fen
                    takings.append(_Taking(line, before, before + fen))
        return found

    def _sale_lines(self, line: SoldLine) -> list[SoldLine] | None:
        """The lines of a sale that a return may give back; None where that is not known."""
        lines = [
            each for each in self.origins.get((line.source, line.original), ())
            if each.amount_fen > 0 or (not each.amount_fen and each.key in self.booked)
        ]  # fmt: skip
        if line.original_line:
            lines = [each for each in lines if each.line == line.original_line]
        elif line.code:
            same = [each for each in lines if each.code.casefold() == line.code.casefold()]
            lines = same if same else lines if len(lines) == 1 else []
        return lines or None

    def _return(self, line: SoldLine) -> list[_PaidShare]:
        takings = self.takings.get(line.key)
        if takings is None:
            unknown = SaleShare(POOL, "pool", line.amount_fen, ("return_unknown", {}))
            return [_PaidShare(unknown, 0, NO_RULE)]
        found: list[_PaidShare] = []
        for each in takings:
            given = self._standing(each.sale)
            shares = [one.share.share_fen for one in given]
            reason: Reason = ("return", {"line": each.sale.name})
            for one, old, new in zip(
                given, given_back(shares, each.before), given_back(shares, each.after), strict=True
            ):
                if new != old:
                    userid, rate = one.share.userid, one.rule.rate
                    pay = paid_of(old, rate, userid) - paid_of(new, rate, userid)
                    share = replace(one.share, share_fen=old - new, reason=reason)
                    found.append(_PaidShare(share, pay, one.rule))
        rest = line.amount_fen + sum(each.after - each.before for each in takings)
        if rest:
            much = SaleShare(POOL, "pool", rest, ("return_too_much", {}))
            found.append(_PaidShare(much, 0, found[0].rule if found else NO_RULE))
        return found

    # entries

    def _of_line(self, line: SoldLine) -> list[CommissionEntry]:
        external = self.facts.external(line.customer)
        kind = RETURN if _gives_back(line) else SALE
        return [
            CommissionEntry(self.month, kind, line.key, line.paid_at, line.amount_fen, each.share,
                            each.pay, line.shop, each.rule.name, each.rule.version, external)
            for each in self._allocated(line)
        ]  # fmt: skip

    def _changes(self, key: LineKey, line: SoldLine | None) -> list[CommissionEntry]:
        """What a line of a closed month would be today, less what was paid of it."""
        if key in self.settled:
            return []
        booked = self.booked.get(key, [])
        last = booked[-1] if booked else None
        paid_at = line.paid_at if line is not None else last.paid_at if last is not None else 0
        target: dict[tuple[str, str], _PaidShare] = {}
        for one in self._allocated(line) if line is not None and line.amount_fen else ():
            who = (one.share.userid.casefold(), one.share.role)
            if (before := target.get(who)) is not None:  # of several lines of a sale
                share = replace(one.share, share_fen=before.share.share_fen + one.share.share_fen)
                one = replace(one, share=share, pay=before.pay + one.pay)
            target[who] = one
        paid: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
        spelled: dict[tuple[str, str], str] = {}
        for each in booked:
            who = (each.share.userid.casefold(), each.share.role)
            paid[who][0] += each.share.share_fen
            paid[who][1] += each.pay_fen
            spelled[who] = each.share.userid
        grown = (line.amount_fen if line is not None else 0) - sum(
            each[0] for each in paid.values()
        )
        about = {"month": times.month(booked[0].paid_at if booked else paid_at)}
        why = self._why(line, booked, grown)
        found = []
        for who in {**target, **paid}:
            hit = target.get(who)
            fen = (hit.share.share_fen if hit is not None else 0) - paid[who][0]
            pay = (hit.pay if hit is not None else 0) - paid[who][1]
            if not (fen or pay):
                continue
            reason: Reason = (
                why, about if hit is None else {**about, "then": list(hit.share.reason)}
            )  # fmt: skip
            userid = hit.share.userid if hit is not None else spelled[who]
            rule = (hit.rule.name, hit.rule.version) if hit is not None else (
                (last.rule, last.rule_version) if last is not None else ("", 0))  # fmt: skip
            found.append(
                CommissionEntry(
                    self.month, CHANGE, key, paid_at, grown,
                    SaleShare(userid, who[1], fen, reason), pay,
                    line.shop if line is not None else last.shop if last else "", *rule,
                    self.facts.external(line.customer) if line is not None
                    else last.external_userid if last else "",
                )
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


def _rules_in(row: Mapping[str, Any]) -> list[CommissionRule]:
    return [CommissionRule.from_dict(each) for each in json.loads(row["rules"])]


def _paid(share: SaleShare, rule: CommissionRule) -> _PaidShare:
    return _PaidShare(share, paid_of(share.share_fen, rule.rate, share.userid), rule)


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


def _gives_back(line: SoldLine) -> bool:
    """Whether it is (part of) a return; a negative line of a sale is what it was cheaper by."""
    return line.amount_fen < 0 and (line.status == "return" or bool(line.original))


def rules_of(db: Database, month: str) -> list[CommissionRule]:
    """The rules that a month was closed with, or those in force."""
    row = closed_months(db).get(month)
    return rule_book.in_force(db) if row is None else _rules_in(row)


def reckon(
    db: Database, month: str, rules: Sequence[CommissionRule] | None = None
) -> CommissionMonth:
    """A month: as it was closed, or as the facts and rules of now make it.

    Args:
        db: data.db.
        month: 2026-10.
        rules: to try, by the facts of now, also on a closed month; None for those in force.

    Raises:
        UsageError: it is no month.
    """
    span_of(month)
    row = closed_months(db).get(month)
    if row is not None and rules is None:
        rows = db.execute(
            f"SELECT {_COLUMNS} FROM commission_entry WHERE month = ? ORDER BY id", (month,)
        )
        return CommissionMonth(
            month, row["closed_at"], row["closed_by"], tuple(_entry(each) for each in rows)
        )
    wanted = rule_book.in_force(db) if rules is None else rules
    return CommissionMonth(month, None, "", tuple(_Reckoning(db, month, wanted).entries()))


def close(ledger: Ledger, month: str) -> CommissionMonth:
    """Close a month: what it holds never changes from now on. Journaled.

    Raises:
        ConflictError: it is closed, not over yet, or an earlier one must be closed before it; an
            import is at work, whose orders would count as there before the month was closed.
    """
    db, now = ledger.db, ledger.clock.now()
    _start, end = span_of(month)
    with importing.alone(db), db.atomic() as connection:
        closed = closed_months(db)
        if month in closed:
            raise ConflictError(
                _("{month} is closed since {at}.").format(
                    month=month, at=times.minute(closed[month]["closed_at"])
                )
            )
        if now < end:
            raise ConflictError(
                _("{month} is not over yet.").format(month=month),
                hint=_("Look at it before: storeops commission run --month {month}").format(
                    month=month
                ),
            )
        if closed and month != following(max(closed)):
            raise ConflictError(
                _("After {last} the next month to close is {next}.").format(
                    last=max(closed), next=following(max(closed))
                )
            )
        rules = rule_book.in_force(db)
        if not rules:
            raise ConflictError(
                _("No commission rule is in force."),
                hint=_("Adopt some: storeops commission rule use FILE"),
            )
        found = reckon(db, month, rules)
        rows = [_row(each) for each in found.entries]
        digest = hashlib.sha256(
            json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()
        ).hexdigest()
        connection.executemany(
            f"INSERT INTO commission_entry ({_COLUMNS})"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        connection.execute(
            "INSERT INTO commission_month VALUES (?, ?, ?, ?, ?, ?, ?)",
            (month, int(now), ledger.who, len(rows), found.share_fen, digest,
             json.dumps([each.as_dict() for each in rules], ensure_ascii=False)),
        )  # fmt: skip
        about = {
            "month": month, "entries": len(rows), "share_fen": found.share_fen,
            "pay_fen": sum(each.pay_fen for each in found.entries), "digest": digest,
            "rules": [f"{each.name} v{each.version}" for each in rules],
        }  # fmt: skip
        ledger.journal.append(connection, [JournalLine("commission.closed", payload=about)], now)
    ledger.journal.seal(db, now)
    return CommissionMonth(month, int(now), ledger.who, found.entries)


def _row(entry: CommissionEntry) -> tuple[Any, ...]:
    share = entry.share
    return (
        entry.month, entry.kind, *entry.key, entry.paid_at, entry.amount_fen, share.userid,
        share.role, share.share_fen, entry.pay_fen, entry.shop, entry.rule, entry.rule_version,
        reason_text(share.reason), entry.external_userid,
    )  # fmt: skip


# -- rules that are adopted -----------------------------------------------------------------------


def adopt(ledger: Ledger, found: Sequence[CommissionRule]) -> list[CommissionRule]:
    """Take rules into force: what differs becomes a new version. Journaled.

    Returns:
        The rules that are new or changed, with their versions.
    """
    db, now = ledger.db, ledger.clock.now()
    known = {each.name.casefold(): each for each in rule_book.in_force(db)}
    fresh: list[CommissionRule] = []
    with db.atomic() as connection:
        for rule in found:
            before = known.get(rule.name.casefold())
            if before is not None and replace(before, version=0) == rule:
                continue
            version = (
                1
                + connection.execute(
                    "SELECT coalesce(max(version), 0) FROM commission_rule WHERE name = ?",
                    (rule.name,),
                ).fetchone()[0]
            )
            fresh.append(replace(rule, version=version))
            connection.execute(
                "INSERT INTO commission_rule VALUES (?, ?, ?, ?, ?, NULL)",
                (rule.name, version, json.dumps(fresh[-1].as_dict(), ensure_ascii=False), int(now),
                 ledger.who),
            )  # fmt: skip
        lines = [JournalLine("commission.rule", payload=each.as_dict()) for each in fresh]
        ledger.journal.append(connection, lines, now)
    if fresh:
        ledger.journal.seal(db, now)
    return fresh


def retire(ledger: Ledger, name: str) -> CommissionRule:
    """Take a rule out of force; closed months keep it. Journaled.

    Raises:
        ConflictError: no rule of that name is in force.
    """
    db, now = ledger.db, ledger.clock.now()
    rule = next(
        (each for each in rule_book.in_force(db) if each.name.casefold() == name.casefold()), None
    )
    if rule is None:
        raise ConflictError(
            _("No rule {name} is in force.").format(name=name),
            hint=_("`storeops commission rule list` names them."),
        )
    with db.atomic() as connection:
        connection.execute(
            "UPDATE commission_rule SET retired_at = ? WHERE name = ?", (int(now), rule.name)
        )
        about = {"name": rule.name, "version": rule.version}
        ledger.journal.append(connection, [JournalLine("commission.retired", payload=about)], now)
    ledger.journal.seal(db, now)
    return rule


def to_close(db: Database, now: float) -> str:
    """The month that is over and is to be closed next, once rules are in force; "" none."""
    if not rule_book.in_force(db):
        return ""
    closed = closed_months(db)
    month = following(max(closed)) if closed else last_month(now)
    return month if span_of(month)[1] <= now and _sold_anything(db, month) else ""


def today(db: Database, now: float) -> list[TodayLine]:
    """A month that is over and not closed, once rules are in force."""
    month = to_close(db, now)
    if not month:
        return []
    text = _("The commission of {month} is not closed yet.").format(month=month)
    step = f"storeops commission run --month {month}"
    return [TodayLine(text, step, screen="performance", request=month)]


def _sold_anything(db: Database, month: str) -> bool:
    first = sold.first_paid_at(db)
    return first is not None and first < span_of(month)[1]


def erased_number(connection: sqlite3.Connection) -> Callable[[str], str]:
    """What is left of an order's number when its customer is erased: it tells nobody the number,
    and is known again when the same order is taken in, so that nobody is paid twice."""
    folder = Path(connection.execute("PRAGMA database_list").fetchone()[2]).parent
    hashed = keyed_hash(folder, "order", make=True)
    assert hashed is not None  # it was made
    return lambda number: f"{ERASED}{hashed(number)}"


def forget(
    connection: sqlite3.Connection, external_userid: str, orders: Iterable[tuple[str, str]]
) -> int:
    """Take a person's name and orders out of closed months; their sums stay.

    Args:
        connection: in a write transaction on data.db, before the orders go.
        external_userid: the customer.
        orders: (source, order_no) of the person's, also those that were nobody's when they were
            paid. One that was the person's then and is another one's now keeps its number.

    Returns:
        The lines.
    """
    mine = set(orders)
    rows = connection.execute(
        "SELECT id, source, order_no, external_userid FROM commission_entry"
        " WHERE external_userid = ? OR order_no IN (SELECT value FROM json_each(?))",
        (external_userid, json.dumps(sorted({number for _source, number in mine}))),
    ).fetchall()
    hidden = erased_number(connection) if rows else str
    gone: set[str] = set()
    changed: list[tuple[str, int]] = []
    for key, source, number, whose in rows:
        named = whose == external_userid
        if (source, number) in mine or (named and not sold.is_kept(connection, source, number)):
            gone.add(number)
            changed.append((hidden(number), key))
        elif named:
            changed.append((number, key))
    connection.executemany(
        "UPDATE commission_entry SET order_no = ?, external_userid = '' WHERE id = ?", changed
    )
    # the line of a sale stands in what gives it back, and in what changed of that
    told = [key for key, reason in connection.execute(
        "SELECT id, reason FROM commission_entry WHERE reason LIKE '%[\"return\",%'"
    ) if _given_back(reason) in gone] if gone else []  # fmt: skip
    connection.executemany(
        "UPDATE commission_entry SET reason = ? WHERE id = ?",
        [(reason_text(("return", {"line": "?"})), key) for key in told],
    )
    return len({key for _number, key in changed} | set(told))


def _given_back(reason: str) -> str:
    """The number of the order that a reason says is given back."""
    _code, about = reason_of(reason)
    line = str(about["line"] if "line" in about else about["then"][1]["line"])
    return line.rpartition("#")[0] or line
