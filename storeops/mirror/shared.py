"""What of the mirror flows to a shop's back office, and how it is written there.

A customer is a shop's while somebody of the shop follows it, or did until it was lost or left
behind: not when every follow there was handed over to another shop. Of other shops' follows only
their number is told.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from storeops.mirror import index_text
from storeops.mirror.keys import marks, padded
from storeops.shared_rows import Noted, SharedTable, SharedThing

_HERE = "IN (SELECT department_id FROM {departments} WHERE store = :store AND below = 1)"
_ONE = "FROM {wanted} AS w CROSS JOIN"
# the follows of wanted customers at the shops that want them
_OWN = (
    f"{_ONE} follow AS f ON f.customer_id = w.key JOIN {{departments}} AS d"
    " ON d.department_id = f.store_id AND d.store = w.store AND d.below = 1"
)

STAFF_OF_STORE = f"SELECT id FROM staff WHERE main_department {_HERE}"
STORES_OF_STAFF = (
    "SELECT k.key, d.store FROM {keys} AS k CROSS JOIN staff AS s ON s.id = k.key"
    " JOIN {departments} AS d ON d.department_id = s.main_department AND d.below = 1"
)
# behind rows with a userid: whose shop the member is of
SHOP_OF_USERID = (
    " JOIN staff AS s ON s.userid = {row}.userid"
    " JOIN {{departments}} AS d ON d.department_id = s.main_department AND d.below = 1"
)
# behind {wanted} AS w: its shop's members, for rows that are found by a member
MEMBERS_OF_WANTED = (
    " CROSS JOIN {departments} AS d ON d.store = w.store AND d.below = 1"
    " CROSS JOIN staff AS s ON s.main_department = d.department_id"
)
USERIDS_OF_STORE = f"SELECT userid FROM staff WHERE main_department {_HERE}"
CUSTOMERS_OF_STORE = (
    f"SELECT DISTINCT customer_id FROM follow WHERE store_id {_HERE} AND status <> 'handed_over'"
)
STORES_OF_CUSTOMER = (
    "SELECT DISTINCT k.key, d.store FROM {keys} AS k"
    " CROSS JOIN follow AS f ON f.customer_id = k.key"
    " JOIN {departments} AS d ON d.department_id = f.store_id AND d.below = 1"
    " WHERE f.status <> 'handed_over'"
)

THINGS = (
    SharedThing(
        kind="department",
        tables=(
            SharedTable(
                name="department",
                rows="SELECT w.key, w.store, r.id, r.name, r.name_en, r.parentid, r.ord, r.leaders,"
                " r.status, r.digest, r.first_seen_at, r.updated_at"
                f" {_ONE} department AS r ON r.id = w.key",
                held="id = :key",
            ),
        ),
        stores="SELECT k.key, d.store FROM {keys} AS k"
        " CROSS JOIN {departments} AS d ON d.department_id = k.key",
        every="SELECT department_id FROM {departments} WHERE store = :store",
        noted=(Noted(table="department"),),
    ),
    SharedThing(
        kind="staff",
        tables=(
            SharedTable(
                name="staff",
                rows="SELECT w.key, w.store, r.id, r.userid, r.name, r.position, r.main_department,"
                " r.departments, r.wecom_status, r.is_follow_user, r.status, r.left_at, r.digest,"
                f" r.first_seen_at, r.updated_at {_ONE} staff AS r ON r.id = w.key",
                held="id = :key",
            ),
            SharedTable(
                name="staff_former",
                rows="SELECT w.key, w.store, r.userid, r.staff_id, r.changed_at"
                f" {_ONE} staff_former AS r ON r.staff_id = w.key ORDER BY r.userid",
                held="staff_id = :key",
            ),
        ),
        stores=STORES_OF_STAFF,
        every=STAFF_OF_STORE,
        noted=(Noted(table="staff"), Noted(table="staff_former", keys="SELECT {row}.staff_id")),
    ),
    SharedThing(
        kind="tags",
        tables=(
            SharedTable(
                name="tag_group",
                rows="SELECT w.key, w.store, r.id, r.group_id, r.name, r.ord, r.create_time,"
                f" r.deleted_at, r.digest {_ONE} tag_group AS r ON r.id = w.key",
                held="id = :key",
            ),
            SharedTable(
                name="tag",
                rows="SELECT w.key, w.store, r.id, r.tag_id, r.group_id, r.name, r.ord,"
                " r.create_time, r.kind, r.deleted_at, r.digest"
                f" {_ONE} tag AS r ON coalesce(r.group_id, 0) = w.key ORDER BY r.id",
                held="coalesce(group_id, 0) = :key",
            ),
        ),
        every="SELECT id FROM tag_group UNION SELECT coalesce(group_id, 0) FROM tag",
        noted=(
            Noted(table="tag_group"),
            Noted(table="tag", keys="SELECT coalesce({row}.group_id, 0)"),
        ),
    ),
    SharedThing(
        kind="customer",
        tables=(
            SharedTable(
                name="customer",
                rows="SELECT w.key, w.store, r.id, r.external_userid, r.name, r.type, r.gender,"
                " r.unionid, r.avatar, r.position, r.corp_name, coalesce((SELECT max(f.createtime)"
                " FROM follow AS f JOIN {departments} AS d ON d.department_id = f.store_id"
                " AND d.store = w.store AND d.below = 1 WHERE f.customer_id = w.key), 0)"
                " AS createtime, r.digest, r.first_seen_at, r.updated_at"
                f" {_ONE} customer AS r ON r.id = w.key",
                held="id = :key",
            ),
            SharedTable(
                name="follow",
                rows="SELECT w.key, w.store, f.id, f.staff_id, f.customer_id, f.store_id,"
                " f.createtime, f.remark, f.description, f.remark_corp_name, f.mobiles, f.add_way,"
                " f.oper_userid, f.state, f.status, f.tags_known, f.deleted_by_customer_at,"
                f" f.digest, f.first_seen_at, f.updated_at {_OWN} ORDER BY f.id",
                held="customer_id = :key",
            ),
            SharedTable(
                name="follow_tag",
                rows="SELECT w.key, w.store, t.follow_id, t.tag_id, t.createtime, t.customer_id"
                f" {_OWN} JOIN follow_tag AS t ON t.follow_id = f.id"
                " ORDER BY t.follow_id, t.tag_id",
                held="follow_id IN (SELECT id FROM follow WHERE customer_id = :key)",
            ),
            SharedTable(
                name="unassigned",
                rows="SELECT w.key, w.store, u.handover_userid, u.external_userid, u.dimission_time"
                f" {_ONE} customer AS r ON r.id = w.key"
                " JOIN {departments} AS d ON d.store = w.store AND d.below = 1"
                " JOIN staff AS s ON s.main_department = d.department_id"
                " JOIN unassigned AS u ON u.handover_userid = s.userid"
                " AND u.external_userid = r.external_userid ORDER BY u.handover_userid",
                held="external_userid = (SELECT external_userid FROM customer WHERE id = :key)",
            ),
            SharedTable(
                name="hub_elsewhere",
                rows=f"SELECT w.key, w.store, f.customer_id, count(*) AS follows {_ONE} follow AS f"
                " ON f.customer_id = w.key AND f.status = 'active' WHERE NOT EXISTS"
                " (SELECT 1 FROM {departments} AS d WHERE d.department_id = f.store_id"
                " AND d.store = w.store AND d.below = 1) GROUP BY w.key, w.store",
                held="customer_id = :key",
            ),
        ),
        stores=STORES_OF_CUSTOMER,
        every=CUSTOMERS_OF_STORE,
        noted=(
            Noted(table="customer"),
            Noted(table="follow", keys="SELECT {row}.customer_id"),
            Noted(
                table="follow_tag",
                keys="SELECT customer_id FROM follow WHERE id = {row}.follow_id",
            ),
            Noted(
                table="unassigned",
                keys="SELECT id FROM customer WHERE external_userid = {row}.external_userid",
            ),
        ),
        search=True,
    ),
    SharedThing(
        kind="chat",
        tables=(
            SharedTable(
                name="group_chat",
                rows="SELECT w.key, w.store, r.id, r.chat_id, r.name, r.owner_userid,"
                " r.owner_status, r.create_time, r.notice, r.admins, r.member_version,"
                " r.member_count, r.external_count, r.detail_known, r.status, r.digest,"
                f" r.first_seen_at, r.updated_at {_ONE} group_chat AS r ON r.id = w.key",
                held="id = :key",
            ),
            SharedTable(
                name="group_member",
                rows="SELECT w.key, w.store, r.group_id, r.member, r.type, r.name,"
                " r.group_nickname, r.join_time, r.join_scene, r.invitor, r.state"
                f" {_ONE} group_member AS r ON r.group_id = w.key ORDER BY r.group_id, r.member",
                held="group_id = :key",
            ),
        ),
        stores="SELECT k.key, d.store FROM {keys} AS k CROSS JOIN group_chat AS g ON g.id = k.key"
        " JOIN staff AS s ON s.userid = g.owner_userid"
        " JOIN {departments} AS d ON d.department_id = s.main_department AND d.below = 1",
        every=f"SELECT id FROM group_chat WHERE owner_userid IN ({USERIDS_OF_STORE})",
        noted=(
            Noted(table="group_chat"),
            Noted(table="group_member", keys="SELECT {row}.group_id"),
            Noted(
                table="staff",
                columns="main_department, userid",
                keys="SELECT id FROM group_chat WHERE owner_userid = {row}.userid",
            ),
        ),
    ),
)


def department_parents(connection: sqlite3.Connection) -> dict[int, int]:
    """department.id → the one above it, 0 for none."""
    return dict(connection.execute("SELECT id, parentid FROM department").fetchall())


def customer_keys(connection: sqlite3.Connection) -> list[int]:
    """Every customer.id."""
    return [row[0] for row in connection.execute("SELECT id FROM customer")]


def count_follows(connection: sqlite3.Connection) -> dict[int, int]:
    """Department id → how many follows it has that were not handed over, the most first."""
    return dict(
        connection.execute(
            "SELECT store_id, count(*) FROM follow WHERE status <> 'handed_over'"
            " GROUP BY store_id ORDER BY count(*) DESC, store_id"
        ).fetchall()
    )


@contextmanager
def customers_replaced(connection: sqlite3.Connection, keys: Sequence[int]) -> Iterator[None]:
    """Keep the search index true while the block replaces customers and their follows.

    Args:
        connection: in a write transaction.
        keys: customer.id of those that are replaced, added or removed.
    """
    from storeops.mirror.search import index_customers

    before = index_text.touched_texts(connection, keys)
    yield
    there: set[int] = set()
    for piece in padded(keys):
        there.update(
            row[0]
            for row in connection.execute(f"SELECT id FROM customer WHERE id IN ({marks()})", piece)
        )
    index_text.reindex(
        connection,
        sorted(before.keys() & there),
        before,
        sorted(there - before.keys()),
    )
    gone = [(key, text, None) for key, text in before.items() if key not in there]
    if gone:
        index_customers(connection, gone)


def follows_of_departments(
    connection: sqlite3.Connection, departments: Sequence[int], customers: Sequence[str]
) -> set[tuple[str, str]]:
    """(external_userid, member's userid in small letters) of follows that are in departments.

    Args:
        connection: of data.db.
        departments: ids.
        customers: external_userid, at most some hundred.
    """
    names = ",".join("?" * len(customers))
    wanted = ",".join(map(str, map(int, departments))) or "NULL"
    return {
        (row[0], row[1].lower())
        for row in connection.execute(
            "SELECT c.external_userid, s.userid FROM customer AS c"
            " JOIN follow AS f ON f.customer_id = c.id JOIN staff AS s ON s.id = f.staff_id"
            f" WHERE c.external_userid IN ({names}) AND f.store_id IN ({wanted})"
            " AND f.status <> 'handed_over'",
            tuple(customers),
        )
    }


def members_of_departments(connection: sqlite3.Connection, departments: Sequence[int]) -> set[str]:
    """userids, in small letters, of the members of departments."""
    wanted = ",".join(map(str, map(int, departments))) or "NULL"
    return {
        row[0].lower()
        for row in connection.execute(
            f"SELECT userid FROM staff WHERE main_department IN ({wanted})"
        )
    }
