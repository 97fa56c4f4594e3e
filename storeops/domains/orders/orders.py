"""Looking at orders: lists by shop, channel, day, customer and match; one order with everything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from storeops import times
from storeops.changes import sheets
from storeops.changes.problems import Problem, Problems, of_line
from storeops.changes.seal import keyed_hash
from storeops.changes.sheets import EXTERNAL_USERID, PHONE, UNIONID, Field
from storeops.database.database import Database
from storeops.domains.orders import cards, matching, sources, summary, values
from storeops.domains.orders.cards import MemberCard
from storeops.errors import UsageError
from storeops.i18n import _
from storeops.mirror import meta
from storeops.plain import mask_phone
from storeops.reading import identities
from storeops.tables import typed

_PAGE = 500


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders; "" and None mean all.

    Attributes:
        source, channel, shop, seller: as orders name them.
        customer: customer.id.
        match: matched | unmatched | ambiguous | waiting (either of the last two).
        since, until: paid in this span, Unix seconds, until exclusive.
        status: any of paid, return and cancelled; () for all.
    """

    source: str = ""
    channel: str = ""
    shop: str = ""
    seller: str = ""
    customer: int | None = None
    match: str = ""
    since: int | None = None
    until: int | None = None
    status: tuple[str, ...] = ()


_MATCH = {
    "matched": "o.customer_id IS NOT NULL",
    "unmatched": f"o.customer_id IS NULL AND {matching.WHY} <> 'ambiguous'",
    "ambiguous": f"o.customer_id IS NULL AND {matching.WHY} = 'ambiguous'",
    "waiting": "o.customer_id IS NULL",
}


def list_orders(db: Database, which: OrderFilter) -> Iterator[dict[str, Any]]:
    """Orders, the newest first, page by page.

    Raises:
        NotFoundError: no such source.
    """
    where, params = _conditions(db, which)
    key: tuple[int, int] = (2**62, 2**62)
    while True:
        rows = db.rows(
            "SELECT o.id, o.order_no, s.name AS source, o.version, o.status, o.paid_at,"
            " o.amount_fen, o.currency, o.channel, o.shop, o.seller, o.customer_id,"
            f" CASE WHEN o.customer_id IS NULL THEN {matching.WHY} ELSE '' END AS reason"
            " FROM orders_order o JOIN orders_source s ON s.id = o.source_id"
            " JOIN orders_buyer b ON b.id = o.buyer_id"
            f" WHERE {' AND '.join(where)} AND (o.paid_at, o.id) < (?, ?)"
            f" ORDER BY o.paid_at DESC, o.id DESC LIMIT {_PAGE}",
            [*params, *key],
        )
        names = identities.people(
            db.connection, {row["customer_id"] for row in rows if row["customer_id"] is not None}
        )
        for row in rows:
            key = (row["paid_at"], row.pop("id"))
            customer = row.pop("customer_id")
            external, name = names.get(customer, (None, ""))
            row["external_userid"], row["customer"] = external, name
            yield row
        if len(rows) < _PAGE:
            return


def _conditions(db: Database, which: OrderFilter) -> tuple[list[str], list[Any]]:
    """SQL over orders `o` and buyers `b`, and what is bound in it."""
    where, params = ["1"], list[Any]()
    if which.source:
        where.append("o.source_id = ?")
        params.append(sources.find(db, which.source).id)
    for column in ("channel", "shop", "seller"):
        if value := getattr(which, column):
            where.append(f"o.{column} = ? COLLATE NOCASE")
            params.append(value)
    if which.status:
        where.append(f"o.status IN ({','.join('?' * len(which.status))})")
        params += which.status
    if which.customer is not None:
        where.append("o.customer_id = ?")
        params.append(which.customer)
    if which.match:
        where.append(_MATCH[which.match])
    if which.since is not None:
        where.append("o.paid_at >= ?")
        params.append(which.since)
    if which.until is not None:
        where.append("o.paid_at < ?")
        params.append(which.until)
    return where, params


def show_order(db: Database, order_no: str, source: str = "", *, reveal: bool = False) -> Any:
    """One order with its lines, versions, returns, and whose it is or why that is not known.

    Raises:
        NotFoundError: there is none.
        UsageError: several sources have one of that number.
    """
    key = matching.find_order(db, order_no, source)
    found = summary.content_of(db.connection, key)
    buyer = found.pop("buyer_id")
    customer, first_seen, updated = db.execute(
        "SELECT customer_id, first_seen_at, updated_at FROM orders_order WHERE id = ?", (key,)
    ).fetchone()
    external, unionid, phone, hashed, member, way, reason, candidates = db.execute(
        "SELECT external_userid, unionid, phone, phone_hash, member, matched_by, reason,"
        " candidates FROM orders_buyer WHERE id = ?",
        (buyer,),
    ).fetchone()
    people = identities.people(
        db.connection, [*json.loads(candidates), *([customer] if customer is not None else [])]
    )
    found["first_seen_at"], found["updated_at"] = first_seen, updated
    found["buyer"] = {
        "external_userid": external,
        "unionid": unionid,
        "phone": phone if reveal else mask_phone(phone),
        "phone_hash": hashed if reveal else hashed[:8],
        "member": member,
    }
    matched = customer is not None
    found["external_userid"], found["customer"] = people.get(customer, (None, ""))
    found["matched_by"] = (way or "person") if matched else None
    found["reason"] = "" if matched else reason or "ambiguous"
    found["candidates"] = [] if matched else [
        {"external_userid": one, "name": name} for one, name in people.values()
    ]  # fmt: skip
    found["returned_by"] = [each for (each,) in db.execute(
        "SELECT order_no FROM orders_order WHERE original = ? AND status = 'return'", (order_no,)
    )]  # fmt: skip
    found["versions"] = [
        {"version": version, "replaced_at": at, **json.loads(content)}
        for version, at, content in db.execute(
            "SELECT version, replaced_at, content FROM orders_version WHERE order_id = ?"
            " ORDER BY version",
            (key,),
        )
    ]
    for version in found["versions"]:
        version.pop("buyer_id", None)
    return found


MEMBER_FIELDS = (
    Field("member", ("member_no", "member no", "number", "card_no", "会员号", "会员编号",
                     "会员卡号", "卡号"), "M0001", key=True),
    *(Field(each.name, each.aliases, each.example) for each in (EXTERNAL_USERID, UNIONID, PHONE)),
    Field("since", ("valid from", "valid_from", "card since", "开卡日期", "生效日期", "绑定日期",
                    "开卡时间", "绑定时间"), "2026-05-01"),
    Field("birthday", ("date of birth", "born", "生日", "出生日期", "会员生日"), "05-01"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ImportedMembers:
    """How an import of member numbers ended: rows read, numbers written, and problems."""

    lines: int
    written: int
    problems: Problems


def import_members(
    db: Database, asked: sheets.Source, now: float, *, hashed: bool = False
) -> ImportedMembers:
    """Take in which customer a member number is: the mapping that orders with numbers need.

    Args:
        db: data.db.
        asked: the file.
        now: Unix seconds.
        hashed: keep its phones as keyed hashes only.

    Raises:
        NotFoundError, ConflictError, UsageError: as `sheets.stream`.
    """
    meta.must_be_kept_here(db.connection)
    hash_phone = keyed_hash(db.path.parent, "phone", make=True) if hashed else None
    problems, rows, lines = Problems(), list[MemberCard](), 0
    for line in sheets.stream(asked, MEMBER_FIELDS).lines:
        lines += 1
        if isinstance(line, Problem):
            problems.append(line)
            continue
        number, external, unionid, phone, begin, born = (
            typed.word(line.get(each.name)) for each in MEMBER_FIELDS
        )
        if not number or not (external or unionid or phone):
            text = _("it needs a member number and a customer id, unionid or phone")
            problems.append(of_line(line.number, "no_key", text))
            continue
        if phone and typed.phone_fault(phone):
            problems.append(of_line(line.number, "bad_phone", _("this is not a phone number")))
            continue
        since = typed.moment(begin, times.zone()) if begin else None
        if begin and since is None:
            text = _("“{value}” is no time (2026-05-01 14:30)").format(value=begin[:40])
            problems.append(of_line(line.number, "bad_time", text))
            continue
        birthday = values.birthday(born) if born else ""
        if birthday is None:
            problems.append(of_line(line.number, "bad_day", _("this is not a birthday")))
            birthday = ""
        phone = typed.phone(phone) if phone else ""
        secret = f"k:{hash_phone(phone)}" if phone and hash_phone is not None else ""
        rows.append(MemberCard(number, external, unionid, "" if secret else phone, secret,
                               birthday, since))  # fmt: skip
    for start in range(0, len(rows), _CARDS):
        with db.atomic() as connection:
            cards.keep(connection, rows[start : start + _CARDS], int(now), hash_phone)
    touched = matching.match_all(db, int(now)) | summary.stale(db)
    summary.refresh(db, touched, int(now))
    return ImportedMembers(lines, len(rows), problems)


_CARDS = 5_000  # a transaction
SUMS = ("shop", "channel", "source", "day")


def totals(db: Database, by: str, which: OrderFilter, now: float) -> list[dict[str, Any]]:
    """Orders and amounts by one of `SUMS`, in the currency that sums are made in.

    Args:
        db: data.db.
        by: the largest amount first; days the newest first, those without an order left out.
        which: only these orders; cancelled ones count nothing.
        now: Unix seconds; the zone's offset of today is taken for all days.

    Returns:
        name, orders (purchases), returns, unmatched (of both), amount_fen.

    Raises:
        NotFoundError: no such source.
        UsageError: sums are not made by that.
    """
    if by not in SUMS:
        raise UsageError(
            _("Orders cannot be summed by “{way}”.").format(way=by),
            hint=_("Known: {names}.").format(names=_(", ").join(SUMS)),
        )
    column, order = {
        "shop": ("o.shop", "5 DESC"),
        "channel": ("o.channel", "5 DESC"),
        "source": ("s.name", "5 DESC"),
        "day": ("strftime('%Y-%m-%d', o.paid_at + ?, 'unixepoch')", "1 DESC"),
    }[by]
    where, params = _conditions(db, which)
    where += ["o.status <> 'cancelled'", "o.currency = ?"]
    return db.rows(
        f"SELECT {column} AS name, sum(o.status = 'paid') AS orders,"
        " sum(o.status = 'return') AS returns, sum(o.customer_id IS NULL) AS unmatched,"
        " sum(o.amount_fen) AS amount_fen FROM orders_order o"
        " JOIN orders_source s ON s.id = o.source_id JOIN orders_buyer b ON b.id = o.buyer_id"
        f" WHERE {' AND '.join(where)} GROUP BY 1 ORDER BY {order}, 1",
        [*([values.day_offset(now)] if by == "day" else []), *params,
         sources.home_currency(db.connection)],
    )  # fmt: skip


def any_order(db: Database) -> bool:
    """Whether any order is known."""
    return db.execute("SELECT 1 FROM orders_order LIMIT 1").fetchone() is not None


def yuan(amount_fen: int) -> str:
    """Fen as people read them."""
    return values.yuan(amount_fen)
