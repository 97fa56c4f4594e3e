"""Small questions about one customer or some, by number."""

from __future__ import annotations

import json
from collections.abc import Sequence

from storeops.database.database import Database


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
