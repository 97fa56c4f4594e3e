"""What of orders flows to a shop's back office: the shop's own orders, who bought them, products
and sources, and what its customers are worth.

An order of another shop stays at head office. What is summed up of a customer (spent, articles,
value) is of all shops, as a customer's card at head office says it; in which other shops they
bought is not told.
"""

from __future__ import annotations

from storeops.mirror.shared import CUSTOMERS_OF_STORE, STORES_OF_CUSTOMER
from storeops.shared_rows import Noted, SharedTable, SharedThing

_BUCKETS = 64  # messages that all products travel in: one alone could be too large
_BUCKET = (
    "(unicode(lower({row}code)) * 31 + unicode(substr(lower({row}code), -1)) * 7"
    f" + unicode(substr(lower({{row}}code), -2)) + length({{row}}code)) % {_BUCKETS}"
)
_HERE = "SELECT department_id FROM {departments} WHERE store = :store AND below = 1"
_AT_SHOP = " JOIN {departments} AS d ON d.department_id = o.store_id AND d.below = 1"


def _of_customer(table: str, columns: str, order: str) -> SharedTable:
    """Every row of a table that is summed up for a customer."""
    named = ", ".join(f"r.{each}" for each in columns.split())
    return SharedTable(
        name=table,
        rows=f"SELECT w.key, w.store, {named} FROM {{wanted}} AS w"
        f" CROSS JOIN {table} AS r ON r.customer_id = w.key ORDER BY r.{order}",
        held="customer_id = :key",
    )


THINGS = (
    SharedThing(
        kind="ordersproducts",
        tables=(
            SharedTable(
                name="orders_product",
                rows="SELECT w.key, w.store, r.code, r.name, r.category, r.brand,"
                " r.warranty_months, r.replenish_days, r.gtin, r.updated_at FROM {wanted} AS w"
                f" CROSS JOIN orders_product AS r ON {_BUCKET.format(row='r.')} = w.key"
                " ORDER BY r.code",
                held=f"{_BUCKET.format(row='')} = :key",
            ),
        ),
        every=f"SELECT DISTINCT {_BUCKET.format(row='')} FROM orders_product",
        noted=(Noted(table="orders_product", keys=f"SELECT {_BUCKET.format(row='{row}.')}"),),
    ),
    SharedThing(
        kind="orderssource",
        tables=(
            SharedTable(
                name="orders_source",
                rows="SELECT w.key, w.store, r.id, r.name, r.channel, r.zone, r.currency, r.hashed,"
                " r.created_at, r.imported_at"
                " FROM {wanted} AS w CROSS JOIN orders_source AS r ON r.id = w.key",
                held="id = :key",
            ),
        ),
        every="SELECT id FROM orders_source",
        noted=(Noted(table="orders_source"),),
    ),
    SharedThing(
        kind="ordersmeta",  # in which currency, and as of when values are
        tables=(
            SharedTable(
                name="orders_meta",
                rows="SELECT w.key, w.store, r.key AS key, r.value FROM {wanted} AS w CROSS JOIN"
                " orders_meta AS r ON r.key IN ('currency', 'as_of', 'cuts') ORDER BY r.key",
                held="key IN ('currency', 'as_of', 'cuts') AND :key = 0",
            ),
        ),
        every="SELECT 0",
        noted=(Noted(table="orders_meta", keys="SELECT 0 WHERE {row}.key <> 'position'"),),
    ),
    SharedThing(
        kind="ordersbuyer",
        tables=(
            SharedTable(
                name="orders_buyer",
                rows="SELECT w.key, w.store, r.id, r.external_userid, r.unionid, r.phone,"
                " r.phone_hash, r.member, r.customer_id, r.matched_by, r.reason"
                " FROM {wanted} AS w CROSS JOIN orders_buyer AS r ON r.id = w.key",
                held="id = :key",
            ),
        ),
        stores="SELECT DISTINCT k.key, d.store FROM {keys} AS k"
        f" CROSS JOIN orders_order AS o ON o.buyer_id = k.key{_AT_SHOP}",
        every=f"SELECT DISTINCT buyer_id FROM orders_order WHERE store_id IN ({_HERE})",
        noted=(
            Noted(table="orders_buyer"),
            Noted(table="orders_order", columns="buyer_id, store_id", keys="SELECT {row}.buyer_id"),
        ),
    ),
    SharedThing(
        kind="orders",
        tables=(
            SharedTable(
                name="orders_order",
                rows="SELECT w.key, w.store, r.id, r.source_id, r.order_no, r.version, r.status,"
                " r.paid_at, r.amount_fen, r.currency, r.channel, r.shop, r.store_id, r.seller,"
                " r.server, r.original, r.buyer_id, r.customer_id, r.matched_at, r.digest,"
                " r.first_seen_at, r.updated_at"
                " FROM {wanted} AS w CROSS JOIN orders_order AS r ON r.id = w.key",
                held="id = :key",
            ),
            SharedTable(
                name="orders_line",
                rows="SELECT w.key, w.store, r.order_id, r.line, r.code, r.name, r.quantity,"
                " r.amount_fen, r.original_line FROM {wanted} AS w"
                " CROSS JOIN orders_line AS r ON r.order_id = w.key ORDER BY r.order_id, r.line",
                held="order_id = :key",
            ),
        ),
        stores="SELECT k.key, d.store FROM {keys} AS k"
        f" CROSS JOIN orders_order AS o ON o.id = k.key{_AT_SHOP}",
        every=f"SELECT id FROM orders_order WHERE store_id IN ({_HERE})",
        noted=(
            Noted(table="orders_order"),
            Noted(table="orders_line", keys="SELECT {row}.order_id"),
        ),
    ),
    SharedThing(
        kind="orderscustomer",
        tables=(
            _of_customer(
                "orders_customer",
                "customer_id external_userid orders days returns spent_fen first_at last_at",
                "customer_id",
            ),
            _of_customer(
                "orders_article",
                "customer_id code days quantity first_at last_at gap_s next_at next_until"
                " warranty_until",
                "code",
            ),
            _of_customer(
                "orders_value",
                "customer_id recency_days frequency monetary_fen r f m segment score expected"
                " alive",
                "customer_id",
            ),
            SharedTable(
                name="orders_place",
                rows="SELECT w.key, w.store, r.what, r.value, r.customer_id FROM {wanted} AS w"
                " CROSS JOIN orders_place AS r ON r.customer_id = w.key AND (r.what <> 'shop'"
                " OR EXISTS (SELECT 1 FROM orders_order AS o JOIN {departments} AS d"
                " ON d.department_id = o.store_id AND d.store = w.store AND d.below = 1"
                " WHERE o.customer_id = w.key AND o.shop = r.value COLLATE NOCASE))"
                " ORDER BY r.what, r.value",
                held="customer_id = :key",
            ),
        ),
        stores=STORES_OF_CUSTOMER,
        every="SELECT customer_id FROM orders_customer"
        f" WHERE customer_id IN ({CUSTOMERS_OF_STORE})",
        noted=(
            *(
                Noted(table=table, keys="SELECT {row}.customer_id")
                for table in ("orders_customer", "orders_article", "orders_value", "orders_place")
            ),
            # whose shop it is says who gets it, whose the orders are which tills are told
            *(
                Noted(
                    table=table,
                    columns=columns,
                    keys="SELECT customer_id FROM orders_customer"
                    " WHERE customer_id = {row}.customer_id",
                )
                for table, columns in (
                    ("follow", "store_id, status"),
                    ("orders_order", "store_id, customer_id, shop"),
                )
            ),
        ),
    ),
)
