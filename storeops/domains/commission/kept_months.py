"""What closed months hold: when and by whom each was closed, its rules and entries."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from storeops.changes.seal import keyed_hash
from storeops.database.database import Database
from storeops.domains.commission import rules_in_force
from storeops.domains.commission.allocation import (
    NO_RULE,
    PaidShare,
    SaleShare,
    reason_of,
    reason_text,
)
from storeops.domains.commission.entries import CommissionEntry
from storeops.domains.commission.rules import CommissionRule
from storeops.domains.orders.sold import LineKey

ERASED = "erased/"  # stands before what is left of the number of an order whose customer was erased
_COLUMNS = (
    "month, kind, source, order_no, line, paid_at, amount_fen, userid, role, share_fen, pay_fen,"
    " shop, rule, rule_version, reason, external_userid"
)


def closed_months(db: Database) -> dict[str, dict[str, Any]]:
    """month → when and by whom it was closed, with its sums and rules; the oldest first."""
    return {row["month"]: row for row in db.rows("SELECT * FROM commission_month ORDER BY month")}


def rules_in(row: Mapping[str, Any]) -> list[CommissionRule]:
    """The rules that a month of `closed_months` was reckoned with."""
    return [CommissionRule.from_dict(each) for each in json.loads(row["rules"])]


def _entry(row: Sequence[Any]) -> CommissionEntry:
    (month, kind, source, order_no, line, paid_at, amount, userid, role, fen, pay, shop, rule,
     version, reason, external) = row  # fmt: skip
    share = SaleShare(userid, role, fen, reason_of(reason))
    return CommissionEntry(month, kind, (source, order_no, line), paid_at, amount, share, pay,
                           shop, rule, version, external)  # fmt: skip


def entries_of(db: Database, month: str) -> tuple[CommissionEntry, ...]:
    """What a closed month holds, in the order it was booked."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM commission_entry WHERE month = ? ORDER BY id", (month,)
    )
    return tuple(_entry(each) for each in rows)


def booked(
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


def basis_of(db: Database, key: LineKey) -> dict[str, list[PaidShare]]:
    """Closed month → what a line was reckoned from when it was closed; what is paid is in the
    entries."""
    rules = {(row["name"].casefold(), row["version"]): CommissionRule.from_dict(row["rule"])
             for row in rules_in_force.versions(db)}  # fmt: skip
    found: dict[str, list[PaidShare]] = defaultdict(list)
    for month, userid, role, fen, rule, version, weight, total, before, after, reason in db.execute(
        "SELECT month, userid, role, share_fen, rule, rule_version, weight, weight_total,"
        " before_fen, after_fen, reason FROM commission_basis"
        " WHERE source = ? AND order_no = ? AND line = ? ORDER BY month, part",
        key,
    ):
        share = SaleShare(userid, role, fen, reason_of(reason))
        named = rules.get((rule.casefold(), version), NO_RULE)
        found[month].append(PaidShare(share, 0, named, weight, total, before, after))
    return found


def lines_of(db: Database, order_no: str) -> list[LineKey]:
    """The lines of this number that closed months hold."""
    return db.execute(
        "SELECT DISTINCT source, order_no, line FROM commission_entry WHERE order_no = ?"
        " ORDER BY source, line",
        (order_no,),
    ).fetchall()


def keep(
    connection: sqlite3.Connection, entries: Sequence[CommissionEntry],
    basis: Mapping[LineKey, Sequence[PaidShare]], month: str, now: int, who: str,
    rules: Iterable[CommissionRule],
) -> str:  # fmt: skip
    """Write a month that is closed, in a write transaction. Returns the digest of its entries."""
    rows = [_row(each) for each in entries]
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    connection.executemany(
        f"INSERT INTO commission_entry ({_COLUMNS})"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    connection.executemany(
        "INSERT INTO commission_basis VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ((order_no, source, line, month, at, each.share.userid, each.share.role,
          each.share.share_fen, each.rule.name, each.rule.version, each.weight, each.weight_total,
          each.before_fen, each.after_fen, reason_text(each.share.reason))
         for (source, order_no, line), several in basis.items()
         for at, each in enumerate(several)),
    )  # fmt: skip
    connection.execute(
        "INSERT INTO commission_month VALUES (?, ?, ?, ?, ?, ?, ?)",
        (month, now, who, len(rows), sum(each.share.share_fen for each in entries), digest,
         json.dumps([each.as_dict() for each in rules], ensure_ascii=False)),
    )  # fmt: skip
    return digest


def _row(entry: CommissionEntry) -> tuple[Any, ...]:
    share = entry.share
    return (
        entry.month, entry.kind, *entry.key, entry.paid_at, entry.amount_fen, share.userid,
        share.role, share.share_fen, entry.pay_fen, entry.shop, entry.rule, entry.rule_version,
        reason_text(share.reason), entry.external_userid,
    )  # fmt: skip


def erased_number(connection: sqlite3.Connection) -> Callable[[str], str]:
    """What is left of an order's number when its customer is erased: it tells nobody the number,
    and is known again when the same order is taken in, so that nobody is paid twice."""
    folder = Path(connection.execute("PRAGMA database_list").fetchone()[2]).parent
    hashed = keyed_hash(folder, "order", make=True)
    assert hashed is not None  # it was made
    return lambda number: f"{ERASED}{hashed(number)}"
