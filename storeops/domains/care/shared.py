"""What of care flows to a shop's back office: tasks of its guides, the rules they come from, and
what its guides must know before they speak to a customer."""

from __future__ import annotations

from storeops.mirror.shared import (
    CUSTOMERS_OF_STORE,
    SHOP_OF_USERID,
    STORES_OF_CUSTOMER,
    USERIDS_OF_STORE,
)
from storeops.shared_rows import Noted, SharedTable, SharedThing

_OF_SHOP = SHOP_OF_USERID.format(row="t")

THINGS = (
    SharedThing(
        kind="care",  # all tasks of a customer
        tables=(
            SharedTable(
                name="care_task",
                rows="SELECT w.key, w.store, t.id, t.customer_id, t.external_userid, t.reason,"
                " t.kind, t.subject, t.userid, t.due_at, t.day, t.priority, t.facts, t.status,"
                " t.snoozes, t.created_at, t.ended_at, t.ended_by, t.note FROM {wanted} AS w"
                " CROSS JOIN care_task AS t ON t.customer_id = w.key"
                f"{_OF_SHOP} AND d.store = w.store ORDER BY t.id",
                held="customer_id = :key",
            ),
        ),
        stores="SELECT DISTINCT k.key, d.store FROM {keys} AS k"
        f" CROSS JOIN care_task AS t ON t.customer_id = k.key{_OF_SHOP}",
        every=f"SELECT DISTINCT customer_id FROM care_task WHERE userid IN ({USERIDS_OF_STORE})",
        noted=(
            Noted(table="care_task", keys="SELECT {row}.customer_id"),
            Noted(
                table="staff",
                columns="main_department, userid",
                keys="SELECT customer_id FROM care_task WHERE userid = {row}.userid",
            ),
        ),
    ),
    SharedThing(
        kind="carerules",
        tables=(
            SharedTable(
                name="care_rule",
                rows="SELECT w.key, w.store, r.name, r.content, r.adopted_at FROM {wanted} AS w"
                " CROSS JOIN care_rule AS r ORDER BY r.name",
                held=":key = 0",
            ),
        ),
        every="SELECT 0",
        noted=(Noted(table="care_rule", keys="SELECT 0"),),
    ),
    SharedThing(
        kind="carematters",  # all complaints and wishes for quiet of a customer
        tables=(
            SharedTable(
                name="care_matter",
                rows="SELECT w.key, w.store, m.id, m.kind, m.external_userid, m.customer_id,"
                " m.text, m.opened_at, m.opened_by, m.until, m.closed_at, m.closed_by, m.result"
                " FROM {wanted} AS w CROSS JOIN care_matter AS m ON m.customer_id = w.key"
                " ORDER BY m.id",
                held="customer_id = :key",
            ),
        ),
        stores=STORES_OF_CUSTOMER,
        every="SELECT DISTINCT customer_id FROM care_matter"
        f" WHERE customer_id IN ({CUSTOMERS_OF_STORE})",
        noted=(
            Noted(table="care_matter", keys="SELECT {row}.customer_id"),
            # whose shop it is says who gets it
            Noted(
                table="follow",
                columns="store_id, status",
                keys="SELECT customer_id FROM care_matter WHERE customer_id = {row}.customer_id",
            ),
        ),
    ),
)
