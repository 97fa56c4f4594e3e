"""What follows from the orders of each customer, kept beside them; the SQL of order rows.

`orders_customer`, `orders_article` and `orders_place` are made anew for the customers whose orders
changed, a few thousand at a time, so that conditions, columns and cards read one row.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from storeops.database.database import Database
from storeops.domains.orders import customer_sets, sources, values

_CHUNK = 2_000  # customers a transaction
LATE_GAPS = 2  # so many mean gaps and a week after its day a next purchase is not expected any more

_OF = "customer_id IN (SELECT value FROM json_each(:ids))"
_CUSTOMERS = f"""
INSERT INTO orders_customer
    (customer_id, external_userid, orders, days, returns, spent_fen, first_at, last_at)
SELECT customer_id, '#' || customer_id, sum(status = 'paid'),
    count(DISTINCT CASE WHEN status = 'paid' THEN (paid_at + :offset) / 86400 END),
    sum(status = 'return'), sum(CASE WHEN currency = :currency THEN amount_fen ELSE 0 END),
    coalesce(min(CASE WHEN status = 'paid' THEN paid_at END), min(paid_at)),
    coalesce(max(CASE WHEN status = 'paid' THEN paid_at END), 0)
FROM orders_order WHERE {_OF} AND status <> 'cancelled' GROUP BY customer_id
"""
_ARTICLES = f"""
INSERT INTO orders_article (customer_id, code, days, quantity, first_at, last_at)
SELECT o.customer_id, l.code,
    count(DISTINCT CASE WHEN l.quantity > 0 THEN (o.paid_at + :offset) / 86400 END),
    sum(l.quantity), min(o.paid_at),
    coalesce(max(CASE WHEN l.quantity > 0 THEN o.paid_at END), max(o.paid_at))
FROM orders_order o JOIN orders_line l ON l.order_id = o.id
WHERE o.{_OF} AND o.status <> 'cancelled' AND l.code <> '' GROUP BY o.customer_id, l.code
"""
# a product's own days stand in where nobody bought often enough
_DUE = f"""
UPDATE orders_article SET
    gap_s = CASE WHEN days >= 3 THEN (last_at - first_at) / (days - 1) END,
    next_at = CASE WHEN quantity <= 0 THEN NULL
        WHEN days >= 3 THEN last_at + (last_at - first_at) / (days - 1)
        ELSE (SELECT last_at + p.replenish_days * 86400 FROM orders_product p
              WHERE p.code = orders_article.code AND p.replenish_days > 0) END,
    warranty_until = CASE WHEN quantity > 0 THEN
        (SELECT CAST(strftime('%s', last_at, 'unixepoch', '+' || p.warranty_months || ' months')
                AS INTEGER) FROM orders_product p
         WHERE p.code = orders_article.code AND p.warranty_months > 0) END
WHERE {_OF}
"""
_UNTIL = f"""
UPDATE orders_article SET next_until = next_at + {LATE_GAPS} * coalesce(gap_s, 0) + 604800
WHERE {_OF} AND next_until IS NOT next_at + {LATE_GAPS} * coalesce(gap_s, 0) + 604800
"""
_PLACES = f"""
INSERT OR IGNORE INTO orders_place (what, value, customer_id)
SELECT 'channel', channel, customer_id FROM orders_order
WHERE {_OF} AND status = 'paid' AND channel <> ''
UNION SELECT 'shop', shop, customer_id FROM orders_order
WHERE {_OF} AND status = 'paid' AND shop <> ''
"""


def note_stale(connection: sqlite3.Connection, customers: Iterable[int]) -> None:
    """Remember, in the transaction that changes their orders, who must be made anew: whoever is
    killed before `refresh` leaves them to the next import."""
    connection.executemany(
        "INSERT OR IGNORE INTO orders_stale VALUES (?)", [(each,) for each in customers]
    )


def stale(db: Database) -> set[int]:
    """customer.id of those who were left so."""
    return {key for (key,) in db.execute("SELECT customer_id FROM orders_stale")}


def refresh(db: Database, customers: Iterable[int], now: int) -> None:
    """Make what is kept of these customers anew.

    Args:
        db: data.db.
        customers: customer.id.
        now: WeCom's time, Unix seconds; 0 when it does not matter.
    """
    from storeops.reading import identities

    wanted = sorted(set(customers))
    offset = values.day_offset(max(now, 0))
    for start in range(0, len(wanted), _CHUNK):
        piece = wanted[start : start + _CHUNK]
        with db.atomic() as connection:
            about = {
                "ids": json.dumps(piece),
                "offset": offset,
                "currency": sources.home_currency(connection),
            }
            for table in ("orders_customer", "orders_article", "orders_place", "orders_stale"):
                connection.execute(f"DELETE FROM {table} WHERE {_OF}", about)
            customer_sets.note_changed(connection, piece)
            names = identities.people(connection, piece)
            for sql in (_CUSTOMERS, _ARTICLES, _DUE, _UNTIL, _PLACES):
                connection.execute(sql, about)
            connection.executemany(
                "UPDATE orders_customer SET external_userid = ? WHERE customer_id = ?",
                [(names[key][0], key) for key in piece if key in names],
            )


def refresh_due(db: Database) -> None:
    """What products say of warranty and replenishment changed: reckon all articles anew."""
    last = -1
    while True:
        rows = db.execute(
            "SELECT customer_id FROM orders_customer WHERE customer_id > ?"
            " ORDER BY customer_id LIMIT 20000",
            (last,),
        ).fetchall()
        if not rows:
            return
        last = rows[-1][0]
        with db.atomic() as connection:
            about = {"ids": json.dumps([key for (key,) in rows])}
            connection.execute(_DUE, about)
            connection.execute(_UNTIL, about)


def content_of(connection: sqlite3.Connection, order: int) -> dict[str, Any]:
    """An order with its lines, as versions keep it and `order show` tells it."""
    cursor = connection.execute(
        "SELECT o.order_no, s.name AS source, o.version, o.status, o.paid_at, o.amount_fen,"
        " o.currency, o.channel, o.shop, o.seller, o.server, o.original, o.buyer_id"
        " FROM orders_order o JOIN orders_source s ON s.id = o.source_id WHERE o.id = ?",
        (order,),
    )
    names = [column[0] for column in cursor.description]
    found = dict(zip(names, cursor.fetchone(), strict=True))
    found["lines"] = [
        {"line": line, "code": code, "name": name, "quantity": quantity / 1000,
         "amount_fen": amount, "original_line": original}
        for line, code, name, quantity, amount, original in connection.execute(
            "SELECT line, code, name, quantity, amount_fen, original_line FROM orders_line"
            " WHERE order_id = ? ORDER BY line",
            (order,),
        )
    ]  # fmt: skip
    return found


def delete_orders(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Take orders out with everything below them, in a transaction."""
    text = json.dumps(list(ids))
    for table, column in (
        ("orders_line", "order_id"), ("orders_version", "order_id"), ("orders_order", "id"),
    ):  # fmt: skip
        connection.execute(
            f"DELETE FROM {table} WHERE {column} IN (SELECT value FROM json_each(?))", (text,)
        )
