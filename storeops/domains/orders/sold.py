"""Lines that were sold or given back, as other domains may read them."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from storeops.database.database import Database
from storeops.domains.orders import forget
from storeops.domains.orders.matching import WHY
from storeops.domains.orders.sources import HOME, home_currency

LineKey = tuple[str, str, int]  # source, order_no, line


@dataclass(frozen=True, slots=True)
class SoldLine:
    """One line of an order as it is now.

    Attributes:
        source, order_no, line: which.
        status: paid | return | cancelled.
        paid_at: Unix seconds.
        amount_fen: negative when it is given back; 0 when the order is cancelled, or in another
            currency than sums are made in.
        currency: such as CNY.
        shop, channel, category, code: where, how and what.
        seller, server: userids or names, as the order has them.
        customer: customer.id, None while it is not known.
        reason: why it is not known.
        original, original_line: of a return: the order and line it gives back, "" and 0 unknown.
    """

    source: str
    order_no: str
    line: int
    status: str
    paid_at: int
    amount_fen: int
    currency: str
    shop: str
    channel: str
    category: str
    code: str
    seller: str
    server: str
    customer: int | None
    reason: str
    original: str
    original_line: int

    @property
    def key(self) -> LineKey:
        """What the line is called."""
        return self.source, self.order_no, self.line

    @property
    def name(self) -> str:
        """The same as people write it: S1#2."""
        return f"{self.order_no}#{self.line}"


_SELECT = (
    "SELECT s.name, o.order_no, l.line, o.status, o.paid_at,"
    f" CASE WHEN o.status = 'cancelled' OR o.currency <> {HOME} THEN 0 ELSE l.amount_fen END,"
    " o.currency, o.shop, o.channel, coalesce(p.category, ''), l.code, o.seller, o.server,"
    " o.customer_id,"
    f" CASE WHEN o.customer_id IS NULL THEN {WHY} ELSE '' END, o.original, l.original_line"
    " FROM orders_order o JOIN orders_line l ON l.order_id = o.id"
    " JOIN orders_source s ON s.id = o.source_id JOIN orders_buyer b ON b.id = o.buyer_id"
    " LEFT JOIN orders_product p ON p.code = l.code"
)
_ORDER = " ORDER BY o.paid_at, o.order_no, s.name, l.line"


def between(db: Database, since: int, until: int) -> list[SoldLine]:
    """Lines of orders paid in [since, until), by time and number."""
    rows = db.execute(f"{_SELECT} WHERE o.paid_at >= ? AND o.paid_at < ?{_ORDER}", (since, until))
    return [SoldLine(*row) for row in rows]


def changed(
    db: Database, after: int, until: int, only: Collection[tuple[str, str]] | None = None
) -> list[SoldLine]:
    """Lines of orders paid before `until` whose content or customer changed after a moment; of
    these (source, order_no) only, when they are given."""
    some = "o.order_no IN (SELECT value FROM json_each(?)) AND " if only is not None else ""
    rows = db.execute(
        f"{_SELECT} WHERE {some}o.paid_at < ? AND o.id IN"
        " (SELECT id FROM orders_order WHERE updated_at > ?"
        f" UNION SELECT id FROM orders_order WHERE matched_at > ?){_ORDER}",
        (*([json.dumps(sorted(number for _source, number in only))] if only is not None else ()),
         until, after, after),
    )  # fmt: skip
    lines = [SoldLine(*row) for row in rows]
    return [each for each in lines if only is None or each.key[:2] in only]


def of_orders(
    db: Database, orders: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], list[SoldLine]]:
    """(source, order_no) → its lines."""
    found: dict[tuple[str, str], list[SoldLine]] = defaultdict(list)
    wanted = set(orders)
    numbers = json.dumps(sorted({number for _source, number in wanted}))
    for row in db.execute(
        f"{_SELECT} WHERE o.order_no IN (SELECT value FROM json_each(?)){_ORDER}", (numbers,)
    ):
        line = SoldLine(*row)
        if (line.source, line.order_no) in wanted:
            found[line.source, line.order_no].append(line)
    return found


def named(db: Database, order_no: str) -> list[SoldLine]:
    """The lines of every order of that number."""
    return numbered(db, (order_no,))


def numbered(db: Database, order_nos: Iterable[str]) -> list[SoldLine]:
    """The lines of every order that has one of these numbers, by time and number."""
    rows = db.execute(
        f"{_SELECT} WHERE o.order_no IN (SELECT value FROM json_each(?)){_ORDER}",
        (json.dumps(sorted(set(order_nos))),),
    )
    return [SoldLine(*row) for row in rows]


def returns_of(db: Database, orders: Iterable[tuple[str, str]]) -> list[SoldLine]:
    """Lines that give back lines of these (source, order_no), by time and number."""
    wanted = set(orders)
    numbers = json.dumps(sorted({number for _source, number in wanted}))
    rows = db.execute(
        f"{_SELECT} WHERE o.original IN (SELECT value FROM json_each(?)) AND o.original <> ''"
        f" AND l.amount_fen < 0{_ORDER}",  # also of an order that exchanges
        (numbers,),
    )
    lines = [line for row in rows if (line := SoldLine(*row)).amount_fen]
    return [each for each in lines if (each.source, each.original) in wanted]


def naming(db: Database, source: str, original: str) -> set[tuple[str, str]]:
    """(source, order_no) of orders that name this one as what they give back, cancelled or not."""
    rows = db.execute(
        "SELECT s.name, r.order_no FROM orders_order r JOIN orders_source s ON s.id = r.source_id"
        " WHERE r.original = ? AND r.original <> '' AND s.name = ?",
        (original, source),
    )
    return set(rows.fetchall())


def returned_before(db: Database, since: int, until: int) -> set[tuple[str, str]]:
    """(source, order_no) of orders paid in [since, until) that something dated before that gives
    back."""
    rows = db.execute(
        "SELECT s.name, o.order_no FROM orders_order r JOIN orders_source s ON s.id = r.source_id"
        " JOIN orders_order o ON o.order_no = r.original AND o.source_id = r.source_id"
        " WHERE r.original <> '' AND r.paid_at < ? AND o.paid_at >= ? AND o.paid_at < ?",
        (since, since, until),
    )
    return set(rows.fetchall())


def of_person(
    connection: sqlite3.Connection, external_userid: str, ids: Iterable[str]
) -> list[tuple[str, str]]:
    """(source, order_no) of the orders that an erasure of this person takes out."""
    rows: list[tuple[str, str]] = connection.execute(
        "SELECT s.name, o.order_no FROM orders_order o JOIN orders_source s ON s.id = o.source_id"
        " WHERE o.id IN (SELECT value FROM json_each(?))",
        (json.dumps(forget.orders_of(connection, external_userid, ids)),),
    ).fetchall()
    return rows


def is_kept(connection: sqlite3.Connection, source: str, order_no: str) -> bool:
    """Whether the order is there."""
    return connection.execute(
        "SELECT 1 FROM orders_order o JOIN orders_source s ON s.id = o.source_id"
        " WHERE o.order_no = ? AND s.name = ?",
        (order_no, source),
    ).fetchone() is not None  # fmt: skip


def is_summed(db: Database, line: SoldLine) -> bool:
    """Whether it is in the currency that sums are made in."""
    return line.currency == home_currency(db.connection)


def abroad(db: Database, since: int, until: int) -> dict[str, int]:
    """Currency → orders paid in [since, until) that are in no sum: they are in another one."""
    rows = db.execute(
        "SELECT currency, count(*) FROM orders_order WHERE paid_at >= ? AND paid_at < ?"
        f" AND status <> 'cancelled' AND currency <> {HOME} GROUP BY 1 ORDER BY 1",
        (since, until),
    )
    return dict(rows.fetchall())


def last_service(db: Database, customer: int, before: int, since: int) -> tuple[str, int] | None:
    """(member, Unix seconds) of whoever served a customer last in [since, before)."""
    row = db.execute(
        "SELECT CASE WHEN server <> '' THEN server ELSE seller END, paid_at FROM orders_order"
        " WHERE customer_id = ? AND paid_at < ? AND paid_at >= ? AND status = 'paid'"
        " AND (server <> '' OR seller <> '')"
        " ORDER BY paid_at DESC, order_no DESC, source_id LIMIT 1",
        (customer, before, since),
    ).fetchone()
    return (row[0], row[1]) if row else None


def first_paid_at(db: Database) -> int | None:
    """When the oldest order was paid."""
    found: int | None = db.execute("SELECT min(paid_at) FROM orders_order").fetchone()[0]
    return found


def count_before(db: Database, until: int, since: int = 0) -> int:
    """Orders paid before `until` that came in after `since`, without those that are cancelled."""
    found: int = db.execute(
        "SELECT count(*) FROM orders_order WHERE paid_at < ? AND status <> 'cancelled'"
        " AND updated_at > ? AND first_seen_at > ?",
        (until, since, since),
    ).fetchone()[0]
    return found


# -- what asks for care ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BoughtArticle:
    """A customer bought something: the dearest of it stands for the order."""

    customer: int
    order_no: str
    at: int
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class DueArticle:
    """Something of an article is due at a moment (Unix seconds); bought on so many days."""

    customer: int
    code: str
    name: str
    at: int
    last_at: int
    days: int


_NAME = (
    "CASE WHEN coalesce(p.name, '') <> '' THEN p.name WHEN {line} <> '' THEN {line} ELSE {code} END"
)


def _about(articles: Sequence[str], code: str) -> tuple[str, list[str]]:
    """A condition on codes or categories, and its parameters."""
    if not articles:
        return "1", []
    each = f"{code} = ? OR p.category = ? OR (p.category >= ? AND p.category < ?)"
    words = [word for one in articles for word in (one, one, f"{one}/", f"{one}0")]
    return f"({' OR '.join([each] * len(articles))})", words


def bought(db: Database, since: int, until: int, articles: Sequence[str]) -> list[BoughtArticle]:
    """Matched purchases paid in [since, until) that were not given back, one for each order.

    Args:
        db: data.db.
        since, until: Unix seconds.
        articles: only these codes or categories; empty for all.
    """
    condition, words = _about(articles, "l.code")
    rows = db.execute(
        "SELECT o.customer_id, o.order_no, o.paid_at, l.code,"
        f" {_NAME.format(line='l.name', code='l.code')}, max(l.amount_fen)"
        " FROM orders_order o JOIN orders_line l ON l.order_id = o.id"
        " LEFT JOIN orders_product p ON p.code = l.code"
        " WHERE o.paid_at >= ? AND o.paid_at < ? AND o.status = 'paid'"
        " AND o.customer_id IS NOT NULL AND l.quantity > 0"
        " AND NOT EXISTS (SELECT 1 FROM orders_order r WHERE r.original = o.order_no"
        " AND r.source_id = o.source_id AND r.status = 'return' AND o.order_no <> '')"
        f" AND {condition} GROUP BY o.id ORDER BY o.paid_at, o.id",
        (since, until, *words),
    )
    return [BoughtArticle(*row[:5]) for row in rows]


def due_articles(
    db: Database, column: str, since: int, until: int, articles: Sequence[str]
) -> list[DueArticle]:
    """Articles whose `next_at` or `warranty_until` lies in [since, until)."""
    assert column in ("next_at", "warranty_until")
    condition, words = _about(articles, "a.code")
    rows = db.execute(
        f"SELECT a.customer_id, a.code, {_NAME.format(line='a.code', code='a.code')}, a.{column},"
        " a.last_at, a.days FROM orders_article a LEFT JOIN orders_product p ON p.code = a.code"
        f" WHERE a.{column} >= ? AND a.{column} < ? AND {condition} ORDER BY a.{column}",
        (since, until, *words),
    )
    return [DueArticle(*row) for row in rows]


def habits(db: Database, customers: Iterable[int]) -> dict[int, dict[str, str]]:
    """customer.id → article (bought last) and prefers (the category bought on most days; the
    article where it has none)."""
    rows = db.execute(
        f"SELECT a.customer_id, {_NAME.format(line='a.code', code='a.code')},"
        " coalesce(p.category, ''), a.days FROM orders_article a"
        " LEFT JOIN orders_product p ON p.code = a.code WHERE a.quantity > 0"
        " AND a.customer_id IN (SELECT value FROM json_each(?)) ORDER BY a.last_at, a.code",
        (json.dumps(sorted(set(customers))),),
    ).fetchall()
    found: dict[int, dict[str, str]] = {}
    days: dict[int, Counter[str]] = defaultdict(Counter)
    for customer, article, category, count in rows:
        found[customer] = {"article": article}
        days[customer][category.rpartition("/")[2] or article] += count
    for customer, each in found.items():
        each["prefers"] = days[customer].most_common(1)[0][0]
    return found


def silent(db: Database, before: int, orders: int) -> list[tuple[int, int, int]]:
    """(customer.id, purchases, last one) of who bought so often and not since a moment."""
    return db.execute(
        "SELECT customer_id, orders, last_at FROM orders_customer"
        " WHERE last_at < ? AND last_at > 0 AND orders >= ?",
        (before, orders),
    ).fetchall()
