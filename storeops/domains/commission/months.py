"""Months: what each line of one is shared into, closing it, and what lands in the next.

An open month is reckoned from the facts of now. A closed one is what was kept: lines that come,
change, are cancelled or find their customer later land in the first month that is still open, as
the difference between what they would be and what was paid, with the reason. A return takes back
what its sale gave, wherever that stands; when all is given back, the shares are cancelled to the
fen. Returns of one sale count in the order of their time and number, those of closed months first,
so that the order in which files arrive does not matter.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from storeops import times
from storeops.changes.journal import JournalLine
from storeops.changes.ledger import Ledger
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
from storeops.domains.orders import sold
from storeops.domains.orders.sold import LineKey, SoldLine
from storeops.errors import ConflictError, UsageError
from storeops.i18n import _

SALE, RETURN, CHANGE = "sale", "return", "change"
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
        year, number = (int(each) for each in month.split("-"))
        if len(month) != 7:
            raise ValueError
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


def _booked(db: Database, keys: Iterable[LineKey]) -> dict[LineKey, list[CommissionEntry]]:
    """What closed months hold of lines, in the order it was booked."""
    wanted = set(keys)
    found: dict[LineKey, list[CommissionEntry]] = defaultdict(list)
    numbers = json.dumps(sorted({order_no for _source, order_no, _line in wanted}))
    for row in db.execute(
        f"SELECT {_COLUMNS} FROM commission_entry"
        " WHERE order_no IN (SELECT value FROM json_each(?)) ORDER BY id",
        (numbers,),
    ):
        entry = _entry(row)
        if entry.key in wanted:
            found[entry.key].append(entry)
    return found


def _booked_lines(db: Database, orders: Iterable[tuple[str, str]]) -> set[LineKey]:
    """Lines of these orders that closed months hold."""
    wanted = set(orders)
    numbers = json.dumps(sorted({order_no for _source, order_no in wanted}))
    rows = db.execute(
        "SELECT DISTINCT source, order_no, line FROM commission_entry"
        " WHERE order_no IN (SELECT value FROM json_each(?))",
        (numbers,),
    )
    return {(source, number, line) for source, number, line in rows if (source, number) in wanted}


# -- reckoning ------------------------------------------------------------------------------------

_Allocation = tuple[
    list[SaleShare], list[int], CommissionRule
]  # shares, pay of each, by which rule


class _Reckoning:
    """One month while it is reckoned."""

    def __init__(self, db: Database, month: str, rules: Sequence[CommissionRule]) -> None:
        self.db = db
        self.month = month
        self.start, self.end = span_of(month)
        self.closed = closed_months(db)
        self.rules = {each: [CommissionRule.from_dict(rule) for rule in json.loads(row["rules"])]
                      for each, row in self.closed.items()}  # fmt: skip
        self.open_rules = list(rules)
        self.done: dict[LineKey, _Allocation] = {}
        self.late: dict[LineKey, SoldLine] = {}

    def entries(self) -> list[CommissionEntry]:
        own = sold.between(self.db, self.start, self.end)
        late = self._late()
        returns = [each for each in (*own, *late) if _gives_back(each)]
        origins = {(each.source, each.original) for each in returns if each.original}
        self.origins = sold.of_orders(self.db, origins)
        self.siblings = sold.returns_of(self.db, origins)
        lines = [*own, *late, *(each for several in self.origins.values() for each in several)]
        self.facts = SharingFacts(self.db, lines)
        self.late = {each.key: each for each in late}
        self.gone = _booked_lines(self.db, {(each.source, each.order_no) for each in late}) - {
            each.key for each in late
        }
        keys = {each.key for each in (*lines, *self.siblings)} | self.gone
        self.booked = _booked(self.db, keys)
        self.sequence = self._sequences()
        found: list[CommissionEntry] = []
        for line in own:
            if line.amount_fen:
                kind = RETURN if _gives_back(line) else SALE
                found += self._of_line(line, kind, self._allocated(line))
        for line in late:
            found += self._changes(line.key, line)
        for key in sorted(self.gone):
            found += self._changes(key, None)
        return found

    def _late(self) -> list[SoldLine]:
        """Lines of closed months that changed since; they land in the first open month."""
        if not self.closed:
            return []
        last = max(self.closed)
        if following(last) != self.month:
            return []
        since = max(row["closed_at"] for row in self.closed.values())
        _start, until = span_of(last)
        return [each for each in sold.changed(self.db, since - 1, until)
                if times.month(each.paid_at) in self.closed]  # fmt: skip

    def _rules_of(self, line: SoldLine) -> Sequence[CommissionRule]:
        return self.rules.get(times.month(line.paid_at), self.open_rules)

    def _allocated(self, line: SoldLine) -> _Allocation:
        """What a line is shared into by the facts of now."""
        if line.key not in self.done:
            self.done[line.key] = self._return(line) if _gives_back(line) else self._sale(line)
        return self.done[line.key]

    def _sale(self, line: SoldLine) -> _Allocation:
        rule = chosen(self._rules_of(line), line)
        shares = shares_of(line.amount_fen, parts_of(line, rule, self.facts))
        rule = rule or NO_RULE
        return shares, [paid_of(each.share_fen, rule.rate, each.userid) for each in shares], rule

    def _standing(self, line: SoldLine) -> _Allocation:
        """What a sale gave: as it was paid, or as it will be."""
        booked = self.booked.get(line.key)
        if not booked or line.key in self.late:
            return self._allocated(line)
        totals: dict[tuple[str, str], SaleShare] = {}
        for each in booked:
            key = (each.share.userid.casefold(), each.share.role)
            before = totals.get(key)
            fen = each.share.share_fen + (before.share_fen if before else 0)
            totals[key] = replace(each.share, share_fen=fen)
        shares = [each for each in totals.values() if each.share_fen]
        rule = self._rule_named(line, booked[-1])
        return shares, [paid_of(each.share_fen, rule.rate, each.userid) for each in shares], rule

    def _rule_named(self, line: SoldLine, entry: CommissionEntry) -> CommissionRule:
        return next(
            (each for each in self._rules_of(line)
             if (each.name, each.version) == (entry.rule, entry.rule_version)),
            NO_RULE,
        )  # fmt: skip

    # returns

    def _basis(self, line: SoldLine) -> tuple[LineKey, list[SoldLine]] | None:
        """The line (or all lines) of a sale that a return gives back."""
        lines = [each for each in self.origins.get((line.source, line.original), ())
                 if each.amount_fen > 0 or each.key in self.booked]  # fmt: skip
        if line.original_line:
            lines = [each for each in lines if each.line == line.original_line]
        elif line.code:
            same = [each for each in lines if each.code.casefold() == line.code.casefold()]
            enough = [each for each in same if each.amount_fen >= -line.amount_fen]
            lines = (enough or same)[:1] if same else lines if len(lines) == 1 else []
        if not lines:
            return None
        number = lines[0].line if len(lines) == 1 else 0
        return (line.source, line.original, number), lines

    def _sequences(self) -> dict[LineKey, list[SoldLine]]:
        """Basis → the returns that give it back: those of closed months, then by time."""
        found: dict[LineKey, list[SoldLine]] = defaultdict(list)
        for each in self.siblings:
            if each.amount_fen < 0 and (basis := self._basis(each)) is not None:
                found[basis[0]].append(each)
        for several in found.values():
            several.sort(key=lambda each: (
                each.key not in self.booked, each.paid_at, each.order_no, each.line
            ))  # fmt: skip
        return found

    def _return(self, line: SoldLine) -> _Allocation:
        basis = self._basis(line) if line.original else None
        if basis is None:
            unknown = SaleShare(POOL, "pool", line.amount_fen, ("return_unknown", {}))
            return [unknown], [0], NO_RULE
        key, lines = basis
        standing = [self._standing(each) for each in lines]
        shares = [share for each, _pay, _rule in standing for share in each]
        rule = standing[0][2]
        rates = [each[2].rate for each in standing for _share in each[0]]
        whole = sum(each.share_fen for each in shares)
        before = 0
        for each in self.sequence[key]:
            if each.key == line.key:
                break
            before -= each.amount_fen
        first = min(before, whole)
        last = min(before - line.amount_fen, whole)
        taken, now = given_back(shares, first), given_back(shares, last)
        name = lines[0].name if len(lines) == 1 else line.original
        found: list[SaleShare] = []
        pays: list[int] = []
        for share, old, new, rate in zip(shares, taken, now, rates, strict=True):
            if new != old:
                found.append(replace(share, share_fen=old - new, reason=("return", {"line": name})))
                pays.append(paid_of(old, rate, share.userid) - paid_of(new, rate, share.userid))
        rest = line.amount_fen + (last - first)
        if rest:
            found.append(SaleShare(POOL, "pool", rest, ("return_too_much", {})))
            pays.append(0)
        return found, pays, rule

    # entries

    def _of_line(self, line: SoldLine, kind: str, allocation: _Allocation) -> list[CommissionEntry]:
        shares, pays, rule = allocation
        external = self.facts.external(line.customer)
        return [
            CommissionEntry(self.month, kind, line.key, line.paid_at, line.amount_fen, share, pay,
                            line.shop, rule.name, rule.version, external)
            for share, pay in zip(shares, pays, strict=True)
        ]  # fmt: skip

    def _changes(self, key: LineKey, line: SoldLine | None) -> list[CommissionEntry]:
        """What a line of a closed month would be today, less what was paid of it."""
        booked = self.booked.get(key, [])
        shares, pays, rule = ([], [], NO_RULE) if line is None else self._allocated(line)
        if line is not None and not line.amount_fen:
            shares, pays = [], []
        target: dict[tuple[str, str], tuple[SaleShare, int]] = {}
        for one, fen in zip(shares, pays, strict=True):
            target[one.userid.casefold(), one.role] = (one, fen)
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
        last = booked[-1] if booked else None
        found = []
        share: SaleShare | None
        for who in {**target, **paid}:
            hit = target.get(who)
            share, pay = hit if hit is not None else (None, 0)
            fen = (share.share_fen if share is not None else 0) - paid[who][0]
            pay -= paid[who][1]
            if not (fen or pay):
                continue
            about: dict[str, Any] = {"month": times.month(self._paid_at(line, last))}
            if share is not None:
                about["then"] = list(share.reason)
            reason: Reason = (self._why(line, booked, grown), about)
            userid = share.userid if share is not None else spelled[who]
            found.append(
                CommissionEntry(
                    self.month, CHANGE, key, self._paid_at(line, last), grown,
                    SaleShare(userid, who[1], fen, reason), pay,
                    line.shop if line is not None else last.shop if last else "",
                    rule.name if line is not None else last.rule if last else "",
                    rule.version if line is not None else last.rule_version if last else 0,
                    self.facts.external(line.customer) if line is not None
                    else last.external_userid if last else "",
                )
            )  # fmt: skip
        return found

    @staticmethod
    def _paid_at(line: SoldLine | None, last: CommissionEntry | None) -> int:
        return line.paid_at if line is not None else last.paid_at if last is not None else 0

    @staticmethod
    def _why(line: SoldLine | None, booked: Sequence[CommissionEntry], grown: int) -> str:
        if not booked:
            return "late"
        if line is None or line.status == "cancelled":
            return "cancelled"
        was_nobody = any(each.share.reason[0] == "no_customer" for each in booked)
        return "matched" if was_nobody and line.customer is not None and not grown else "changed"


def _gives_back(line: SoldLine) -> bool:
    return line.amount_fen < 0


def reckon(
    db: Database, month: str, rules: Sequence[CommissionRule] | None = None
) -> CommissionMonth:
    """A month: as it was closed, or as the facts and rules of now make it.

    Args:
        db: data.db.
        month: 2026-10.
        rules: to try; None for those in force. A closed month is reckoned by none.

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
        ConflictError: it is closed, not over yet, or an earlier one must be closed before it.
    """
    db, now = ledger.db, ledger.clock.now()
    _start, end = span_of(month)
    with db.atomic() as connection:
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


def forget(connection: sqlite3.Connection, external_userid: str) -> int:
    """Take a person's name out of closed months; their sums stay. Returns the lines."""
    return connection.execute(
        "UPDATE commission_entry SET external_userid = '', order_no = 'erased/' || id,"
        # the line of a sale stands in what gives it back, and in what changed of that
        " reason = CASE WHEN reason LIKE '%[\"return\",%' THEN ? ELSE reason END"
        " WHERE external_userid = ?",
        (reason_text(("return", {"line": "?"})), external_userid),
    ).rowcount
