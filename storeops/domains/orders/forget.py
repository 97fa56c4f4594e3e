"""Forget one customer: the orders, who they said it was, and what was reckoned from them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable
from pathlib import Path

from storeops.changes.seal import keyed_hash
from storeops.domains.orders import customer_sets, matching, summary
from storeops.reading import identities
from storeops.tables import typed

_KEYS = ("external_userid", "unionid", "phone", "member")


def _customers(connection: sqlite3.Connection, external_userid: str) -> list[int]:
    rows = connection.execute(
        "SELECT customer_id FROM orders_customer WHERE external_userid = ?", (external_userid,)
    )
    # nothing is summed up of who has cancelled orders only
    known = identities.ids_of(connection, [external_userid])
    return sorted({key for (key,) in rows} | set(known.values()))


def _buyers(
    connection: sqlite3.Connection, customers: Collection[int], ids: Iterable[str]
) -> list[int]:
    """Buyers that are this person, or name one of the person's ids and numbers."""
    columns = (*_KEYS[:3], "phone_hash")
    sql = "SELECT id, customer_id FROM orders_buyer WHERE customer_id IN"
    sql += " (SELECT value FROM json_each(?)) OR " + " OR ".join(
        f"{column} IN (SELECT value FROM json_each(?))" for column in columns
    )
    # a number that the person gave up means nobody now, but is the person's still
    sql += (
        " OR (customer_id IS NULL AND id IN (SELECT buyer_id FROM orders_order WHERE customer_id IN"
        " (SELECT value FROM json_each(?))) AND NOT EXISTS (SELECT 1 FROM orders_order o"
        " WHERE o.buyer_id = orders_buyer.id AND o.customer_id NOT IN"
        " (SELECT value FROM json_each(?)))"
        # but a member number that passed on is the next holder's, whoever that is
        " AND NOT (external_userid || unionid || phone || phone_hash = ''"
        " AND EXISTS (SELECT 1 FROM orders_order o WHERE o.buyer_id = orders_buyer.id"
        " AND o.customer_id IS NULL AND o.paid_at >= orders_buyer.since)))"
    )
    whose = json.dumps(list(customers))
    words = json.dumps(sorted({*ids, *_hashes(connection, ids)}))
    rows = connection.execute(sql, (whose, *(words,) * len(columns), whose, whose)).fetchall()
    others = {customer for _key, customer in rows if customer is not None} - set(customers)
    known = identities.people(connection, others)
    return [key for key, customer in rows if customer not in known]


def _hashes(connection: sqlite3.Connection, ids: Iterable[str]) -> set[str]:
    """What the person's numbers may have become in files that hold hashes, and in ours."""
    folder = Path(connection.execute("PRAGMA database_list").fetchone()[2]).parent
    forms = matching.spelled((), ("k:", *("0" * size for size in (32, 40, 64))),
                             keyed_hash(folder, "phone"))  # fmt: skip
    numbers = {typed.phone(each) for each in ids if not typed.phone_fault(each)}
    return {form for number in numbers for form in forms(number)} - numbers


def _orders(
    connection: sqlite3.Connection, customers: Collection[int], buyers: Collection[int]
) -> list[int]:
    return [key for (key,) in connection.execute(
        "SELECT id FROM orders_order WHERE buyer_id IN (SELECT value FROM json_each(?))"
        " OR customer_id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(buyers)), json.dumps(list(customers))),
    )]  # fmt: skip


def orders_of(
    connection: sqlite3.Connection, external_userid: str, ids: Iterable[str] = ()
) -> list[int]:
    """orders_order.id of what `forget_customer` would delete."""
    ids = {external_userid, *ids} - {""}
    customers = _customers(connection, external_userid)
    return _orders(connection, customers, _buyers(connection, customers, ids))


def words_of(connection: sqlite3.Connection, external_userid: str) -> tuple[set[str], set[str]]:
    """(ids and numbers, nothing) by which orders know a customer."""
    found: set[str] = set()
    for row in connection.execute(
        f"SELECT {', '.join(_KEYS)} FROM orders_buyer WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(_buyers(connection, _customers(connection, external_userid), ())),),
    ):
        found.update(each for each in row if each and each != "?" and "*" not in each)
    return found, set()


def forget_customer(
    connection: sqlite3.Connection, external_userid: str, ids: Iterable[str] = ()
) -> int:
    """Delete a customer's orders, in a write transaction. Returns the orders.

    Args:
        connection: in a write transaction on data.db.
        external_userid: the customer.
        ids: ids and phone numbers: what waits for one of them goes, too.
    """
    ids = {external_userid, *ids} - {""}
    customers = _customers(connection, external_userid)
    buyers = _buyers(connection, customers, ids)
    orders = _orders(connection, customers, buyers)
    summary.delete_orders(connection, orders)
    for key in buyers:
        connection.execute("DELETE FROM orders_buyer WHERE id = ?", (key,))
    words = json.dumps(sorted({*ids, *_hashes(connection, ids)}))
    for table in ("orders_member", "orders_member_former"):
        connection.execute(
            f"DELETE FROM {table} WHERE " + " OR ".join(
                f"{column} IN (SELECT value FROM json_each(?))"
                for column in ("number", "external_userid", "unionid", "phone", "phone_hash")
            ),
            (words,) * 5,
        )  # fmt: skip
    customer_sets.note_changed(connection, customers)
    for customer in customers:
        for table in (
            "orders_customer",
            "orders_article",
            "orders_place",
            "orders_value",
            "orders_stale",
        ):
            connection.execute(f"DELETE FROM {table} WHERE customer_id = ?", (customer,))
    return len(orders)
