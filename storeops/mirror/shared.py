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
_OWN = f"customer_id = :key AND store_id {_HERE}"
_STAFF_HERE = f"SELECT userid FROM staff WHERE main_department {_HERE}"

STAFF_OF_STORE = f"SELECT id FROM staff WHERE main_department {_HERE}"
STORES_OF_STAFF = (
    "SELECT d.store FROM staff AS s JOIN {departments} AS d"
    " ON d.department_id = s.main_department AND d.below = 1 WHERE s.id = :key"
)

THINGS = (
    SharedThing(
        kind="department",
        tables=(
            SharedTable(
                name="department",
                rows="SELECT id, name, name_en, parentid, ord, leaders, status, digest,"
                " first_seen_at, updated_at FROM department WHERE id = :key",
                held="id = :key",
            ),
        ),
        stores="SELECT store FROM {departments} WHERE department_id = :key",
        every="SELECT department_id FROM {departments} WHERE store = :store",
        noted=(Noted(table="department"),),
    ),
    SharedThing(
        kind="staff",
        tables=(
            SharedTable(
                name="staff",
                rows="SELECT id, userid, name, position, main_department, departments,"
                " wecom_status, is_follow_user, status, left_at, digest, first_seen_at, updated_at"
                " FROM staff WHERE id = :key",
                held="id = :key",
            ),
            SharedTable(
                name="staff_former",
                rows="SELECT userid, staff_id, changed_at FROM staff_former WHERE staff_id = :key"
                " ORDER BY userid",
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
                rows="SELECT id, group_id, name, ord, create_time, deleted_at, digest"
                " FROM tag_group WHERE id = :key",
                held="id = :key",
            ),
            SharedTable(
                name="tag",
                rows="SELECT id, tag_id, group_id, name, ord, create_time, kind, deleted_at, digest"
                " FROM tag WHERE coalesce(group_id, 0) = :key ORDER BY id",
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
                rows="SELECT id, external_userid, name, type, gender, unionid, avatar, position,"
                " corp_name, (SELECT coalesce(max(createtime), 0) FROM follow"
                f" WHERE {_OWN}) AS createtime, digest, first_seen_at, updated_at"
                " FROM customer WHERE id = :key",
                held="id = :key",
            ),
            SharedTable(
                name="follow",
                rows="SELECT id, staff_id, customer_id, store_id, createtime, remark, description,"
                " remark_corp_name, mobiles, add_way, oper_userid, state, status, tags_known,"
                " deleted_by_customer_at, digest, first_seen_at, updated_at"
                f" FROM follow WHERE {_OWN} ORDER BY id",
                held="customer_id = :key",
            ),
            SharedTable(
                name="follow_tag",
                rows="SELECT follow_id, tag_id, createtime, customer_id FROM follow_tag"
                f" WHERE follow_id IN (SELECT id FROM follow WHERE {_OWN})"
                " ORDER BY follow_id, tag_id",
                held="follow_id IN (SELECT id FROM follow WHERE customer_id = :key)",
            ),
            SharedTable(
                name="unassigned",
                rows="SELECT handover_userid, external_userid, dimission_time FROM unassigned"
                " WHERE external_userid = (SELECT external_userid FROM customer WHERE id = :key)"
                f" AND handover_userid IN ({_STAFF_HERE}) ORDER BY handover_userid",
                held="external_userid = (SELECT external_userid FROM customer WHERE id = :key)",
            ),
            SharedTable(
                name="hub_elsewhere",
                rows="SELECT customer_id, count(*) AS follows FROM follow WHERE customer_id = :key"
                f" AND status = 'active' AND store_id NOT {_HERE} GROUP BY customer_id",
                held="customer_id = :key",
            ),
        ),
        stores="SELECT DISTINCT d.store FROM follow AS f JOIN {departments} AS d"
        " ON d.department_id = f.store_id AND d.below = 1"
        " WHERE f.customer_id = :key AND f.status <> 'handed_over'",
        every=f"SELECT DISTINCT customer_id FROM follow WHERE store_id {_HERE}"
        " AND status <> 'handed_over'",
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
                rows="SELECT id, chat_id, name, owner_userid, owner_status, create_time, notice,"
                " admins, member_version, member_count, external_count, detail_known, status,"
                " digest, first_seen_at, updated_at FROM group_chat WHERE id = :key",
                held="id = :key",
            ),
            SharedTable(
                name="group_member",
                rows="SELECT group_id, member, type, name, group_nickname, join_time, join_scene,"
                " invitor, state FROM group_member WHERE group_id = :key ORDER BY member",
                held="group_id = :key",
            ),
        ),
        stores="SELECT d.store FROM group_chat AS g JOIN staff AS s ON s.userid = g.owner_userid"
        " JOIN {departments} AS d ON d.department_id = s.main_department AND d.below = 1"
        " WHERE g.id = :key",
        every=f"SELECT id FROM group_chat WHERE owner_userid IN ({_STAFF_HERE})",
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
