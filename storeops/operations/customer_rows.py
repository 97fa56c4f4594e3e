"""Customers as rows of a list: a few hundred at a time, in three statements.

A customer has one line however many members follow it: the newest relation gives remark, way and
state, all of them give owners, shops and tags.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from storeops.database.database import Database


@dataclass(slots=True)
class CustomerRow:
    """One line.

    Attributes:
        id: customer.id, the mirror's own number.
        external_userid, name: as WeCom has them.
        added_at: createtime of the newest relation, Unix seconds.
        remark, way, state, status: of the newest relation.
        owners: (userid, name) of everybody who follows, newest first.
        stores: department ids of them, newest first, each once.
        tags: names over all relations, each once.
        mobiles: remark_mobiles over all relations, each once.
        deleted: the customer has deleted the member of the newest relation.
    """

    id: int
    external_userid: str
    name: str
    added_at: int
    remark: str = ""
    way: int = 0
    state: str = ""
    status: str = "active"
    deleted: bool = False
    owners: list[tuple[str, str]] = field(default_factory=list)
    stores: list[int] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    mobiles: list[str] = field(default_factory=list)


def customer_rows(db: Database, ids: Sequence[int]) -> list[CustomerRow]:
    """The customers with these numbers, in the order given; those that are gone are left out.

    Args:
        db: data.db.
        ids: customer.id, at most some thousands.
    """
    connection = db.connection
    wanted = (json.dumps(list(ids)),)
    found = {
        row[0]: CustomerRow(*row)
        for row in connection.execute(
            "SELECT id, external_userid, name, createtime FROM customer"
            " WHERE id IN (SELECT value FROM json_each(?))",
            wanted,
        )
    }
    for row in connection.execute(
        "SELECT customer_id, staff.userid, staff.name, store_id, remark, mobiles, add_way, state,"
        " follow.status, deleted_by_customer_at IS NOT NULL"
        " FROM follow JOIN staff ON staff.id = follow.staff_id"
        " WHERE customer_id IN (SELECT value FROM json_each(?))"
        " ORDER BY follow.status IN ('missing', 'lost', 'handed_over'), follow.createtime DESC,"
        " follow.id DESC",
        wanted,
    ):
        customer = found.get(row[0])
        if customer is None:
            continue
        if not customer.owners:
            customer.remark, customer.way, customer.state = row[4], row[6], row[7]
            customer.status, customer.deleted = row[8], bool(row[9])
        customer.owners.append((row[1], row[2]))
        if row[3] and row[3] not in customer.stores:
            customer.stores.append(row[3])
        if row[5] != "[]":
            customer.mobiles += [
                each for each in json.loads(row[5]) if each not in customer.mobiles
            ]
    for key, name in connection.execute(
        "SELECT follow.customer_id, tag.name FROM follow"
        " JOIN follow_tag ON follow_tag.follow_id = follow.id"
        " JOIN tag ON tag.id = follow_tag.tag_id"
        " WHERE follow.customer_id IN (SELECT value FROM json_each(?))"
        " ORDER BY follow.customer_id, tag.group_id, tag.ord DESC, tag.id",
        wanted,
    ):
        customer = found.get(key)
        if customer is not None and name and name not in customer.tags:
            customer.tags.append(name)
    return [found[key] for key in ids if key in found]


def external_userids(db: Database, ids: Sequence[int]) -> list[str]:
    """external_userid of these customers (customer.id), by number."""
    rows = db.execute(
        "SELECT external_userid FROM customer WHERE id IN (SELECT value FROM json_each(?))"
        " ORDER BY id",
        (json.dumps(list(ids)),),
    )
    return [row[0] for row in rows]


def customer_id(db: Database, external_userid: str) -> int | None:
    """customer.id of a customer, None when the mirror does not know it."""
    row = db.execute(
        "SELECT id FROM customer WHERE external_userid = ?", (external_userid,)
    ).fetchone()
    return row[0] if row else None


def chats_of(db: Database, external_userid: str) -> list[tuple[str, int]]:
    """(name, join time) of the group chats a customer is in, newest first."""
    rows = db.execute(
        "SELECT group_chat.name, join_time FROM group_member"
        " JOIN group_chat ON group_chat.id = group_id"
        " WHERE member = ? AND group_chat.status = 'active' ORDER BY join_time DESC",
        (external_userid,),
    )
    return rows.fetchall()
