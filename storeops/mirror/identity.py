"""A userid that WeCom changed (doc 90197): the same person, with follows and history.

The one place where a member gets another userid. The old one stays known, so that plans, views,
rules and files that name it still mean the person; tables of other rooms follow by triggers on
`staff.userid`.

Two things prove a change. The event update_user names both ids (NewUserID). A sync proves it when
nobody of the old id is there any more (60111) and a new id, unknown before, holds customers of the
old one with the very second of the adding (`createtime`) and the same way: a handover or a new
adding makes another second. One such customer may be chance, so it takes `PROOF` of them, and none
of the old id's in the list of the unassigned, which a real leaver's would enter.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from storeops.mirror.keys import Keys
from storeops.mirror.timeline import Recorder

PROOF = 2  # customers that both ids hold since the same second

# columns of the mirror that name a member; those of other rooms have triggers beside their tables
_COLUMNS = (
    ("follow", "oper_userid"),
    ("group_chat", "owner_userid"),
    ("group_member", "invitor"),
    ("sync_listed", "owner"),
)
_LISTS = (("department", "leaders"), ("group_chat", "admins"), ("sync_chain", "members"))


def rename(
    connection: sqlite3.Connection, keys: Keys, old: str, new: str, record: Recorder
) -> bool:
    """Give the member `old` the userid `new`; what is known of `new` already is joined to it.

    Args:
        connection: in a write transaction.
        keys: forgets whom it knew.
        old, new: userids, as WeCom told them.
        record: takes the history.

    Returns:
        Whether a member of the old id was known, and is not that one already.
    """
    known = connection.execute("SELECT id, userid FROM staff WHERE userid = ?", (old,)).fetchone()
    if known is None or known[1] == new:
        return False
    person = int(known[0])
    other = connection.execute("SELECT id FROM staff WHERE userid = ?", (new,)).fetchone()
    if other is not None and other[0] != person:
        _join(connection, person, int(other[0]), record)
    connection.execute("DELETE FROM staff_former WHERE userid IN (?, ?)", (old, new))
    if old.lower() != new.lower():
        connection.execute(
            "INSERT INTO staff_former (userid, staff_id, changed_at) VALUES (?, ?, ?)",
            (known[1], person, record.now),
        )
    _rewrite(connection, known[1], new)
    connection.execute(
        "UPDATE staff SET userid = ?, updated_at = ? WHERE id = ?", (new, record.now, person)
    )
    record.add("userid", known[1], new, staff_id=person)
    keys.forget()
    return True


def _join(connection: sqlite3.Connection, person: int, other: int, record: Recorder) -> None:
    """Move all that row `other` holds to `person`; what both hold is newer at `other`."""
    twice = connection.execute(
        "SELECT o.id, n.id, o.customer_id, o.status, n.status FROM follow AS o"
        " JOIN follow AS n ON n.customer_id = o.customer_id"
        " WHERE o.staff_id = ? AND n.staff_id = ?",
        (person, other),
    ).fetchall()
    for _old, _new, customer, before, after in twice:
        if before != after:
            record.add("status", before, after, customer_id=customer, staff_id=person)
    connection.executemany(
        "UPDATE follow SET first_seen_at = min(first_seen_at, (SELECT o.first_seen_at FROM follow"
        " AS o WHERE o.id = :old)), deleted_by_customer_at = coalesce(deleted_by_customer_at,"
        " (SELECT o.deleted_by_customer_at FROM follow AS o WHERE o.id = :old"
        "  AND o.createtime = follow.createtime)) WHERE id = :new",
        [{"old": row[0], "new": row[1]} for row in twice],
    )
    connection.executemany("DELETE FROM follow_tag WHERE follow_id = ?", [row[:1] for row in twice])
    connection.executemany("DELETE FROM follow WHERE id = ?", [row[:1] for row in twice])
    connection.execute("UPDATE follow SET staff_id = ? WHERE staff_id = ?", (person, other))
    connection.execute("UPDATE timeline SET staff_id = ? WHERE staff_id = ?", (person, other))
    connection.execute("UPDATE staff_former SET staff_id = ? WHERE staff_id = ?", (person, other))
    # the person is read under the new id only from now on
    connection.execute(
        "DELETE FROM staff_coverage WHERE staff_id = ? AND EXISTS"
        " (SELECT 1 FROM staff_coverage WHERE staff_id = ?)",
        (person, other),
    )
    connection.execute("UPDATE staff_coverage SET staff_id = ? WHERE staff_id = ?", (person, other))
    columns = (
        "name, position, main_department, departments, wecom_status, is_follow_user, status,"
        " left_at, digest"
    )
    values = connection.execute(f"SELECT {columns} FROM staff WHERE id = ?", (other,)).fetchone()
    connection.execute("DELETE FROM staff WHERE id = ?", (other,))
    if values[-1]:  # read, not only named
        marks = ", ".join("?" * len(values))
        connection.execute(
            f"UPDATE staff SET ({columns}) = ({marks}) WHERE id = ?", (*values, person)
        )
    else:
        connection.execute(
            "UPDATE staff SET status = 'active', left_at = NULL WHERE id = ?", (person,)
        )
    connection.execute(
        "UPDATE follow SET store_id = (SELECT main_department FROM staff WHERE id = :id)"
        " WHERE staff_id = :id AND store_id <> (SELECT main_department FROM staff WHERE id = :id)",
        {"id": person},
    )


def _rewrite(connection: sqlite3.Connection, old: str, new: str) -> None:
    for table, column in _COLUMNS:
        connection.execute(
            f"UPDATE OR REPLACE {table} SET {column} = ? WHERE {column} = ? COLLATE NOCASE",
            (new, old),
        )
    connection.execute(
        "UPDATE OR REPLACE group_member SET member = ? WHERE type = 1 AND member = ?", (new, old)
    )
    # a leaver's rows that the change made up: a person who is there leaves nobody unassigned
    connection.execute("DELETE FROM unassigned WHERE handover_userid = ?", (old,))
    for table, column in _LISTS:
        for key, text in connection.execute(
            f"SELECT rowid, {column} FROM {table} WHERE {column} LIKE ?", (f"%{json.dumps(old)}%",)
        ).fetchall():
            names = [new if each.lower() == old.lower() else each for each in json.loads(text)]
            connection.execute(
                f"UPDATE {table} SET {column} = ? WHERE rowid = ?",
                (json.dumps(names, ensure_ascii=False), key),
            )


def proven(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """(old, new) userids that a sync has shown to be one person; see the top of this file."""
    found = connection.execute(
        "SELECT o.userid, n.userid FROM staff AS o"
        " JOIN follow AS a ON a.staff_id = o.id AND a.status IN ('unassigned', 'missing')"
        " AND a.createtime > 0"
        " JOIN follow AS b ON b.customer_id = a.customer_id AND b.staff_id <> o.id"
        " AND b.createtime = a.createtime AND b.add_way = a.add_way AND b.status = 'active'"
        " JOIN staff AS n ON n.id = b.staff_id AND n.status = 'active'"
        " AND n.id > o.id"
        " WHERE o.status = 'left' AND NOT EXISTS"
        " (SELECT 1 FROM unassigned AS u WHERE u.handover_userid = o.userid)"
        " GROUP BY o.id, n.id HAVING count(*) >= ? ORDER BY o.id, n.id",
        (PROOF,),
    ).fetchall()
    # two persons cannot both be the one: then nothing is proven
    return [(old, new) for old, new in found if _once(old, 0, found) and _once(new, 1, found)]


def _once(userid: str, side: int, pairs: Iterable[tuple[str, str]]) -> bool:
    return sum(pair[side] == userid for pair in pairs) == 1
