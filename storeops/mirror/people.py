"""Writes departments and members: who works where, and who may be asked for customers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storeops.mirror import statuses
from storeops.mirror.digest import as_json, digest
from storeops.mirror.kept import kept
from storeops.mirror.keys import Keys
from storeops.mirror.timeline import Recorder

if TYPE_CHECKING:
    from storeops.wecom.contacts import Department, User


# what WeCom calls the columns
_DEPARTMENT_FIELDS = ("name", "name_en", "parentid", "order", "department_leader")
_MEMBER_FIELDS = ("name", "position", "main_department", "department", "status")


@dataclass(slots=True)
class Counts:
    """What was seen and what it changed."""

    seen: int = 0
    added: int = 0
    changed: int = 0
    missing: int = 0
    lost: int = 0


def write_departments(
    connection: sqlite3.Connection,
    rows: Iterable[Department],
    record: Recorder,
    *,
    whole: bool = True,
) -> Counts:
    """Bring departments to a list; what a whole one lacks becomes missing, then lost."""
    counts = Counts()
    stored = {
        key: (old, status, name)
        for key, old, status, name in connection.execute(
            "SELECT id, digest, status, name FROM department"
        )
    }
    for row in rows:
        counts.seen += 1
        values: tuple[Any, ...] = (
            row.name, row.name_en, row.parentid, row.order, as_json(row.department_leader)
        )  # fmt: skip
        new = digest(*values)
        known = stored.pop(row.id, None)
        if known is not None and row.unread:
            before = connection.execute(
                "SELECT name, name_en, parentid, ord, leaders FROM department WHERE id = ?",
                (row.id,),
            ).fetchone()
            values = kept(_DEPARTMENT_FIELDS, values, before, row.unread)
            new = digest(*values)
        if known is not None and known[:2] == (new, "active"):
            continue
        record.changed = True
        if known is None:
            counts.added += 1
        else:
            counts.changed += 1
            if known[2] != values[0]:
                before, after = ({"id": row.id, "name": name} for name in (known[2], values[0]))
                record.add("department", before, after)
        connection.execute(
            "INSERT INTO department (id, name, name_en, parentid, ord, leaders, digest,"
            " first_seen_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO"
            " UPDATE SET name = excluded.name, name_en = excluded.name_en,"
            " parentid = excluded.parentid, ord = excluded.ord, leaders = excluded.leaders,"
            " digest = excluded.digest, status = 'active', updated_at = excluded.updated_at",
            (row.id, *values, new, record.now, record.now),
        )
    for key, (_old, status, _name) in stored.items() if whole else ():
        if status == "lost":
            continue
        gone = "missing" if status == "active" else "lost"
        counts.missing += gone == "missing"
        counts.lost += gone == "lost"
        record.changed = True
        connection.execute(
            "UPDATE department SET status = ?, updated_at = ? WHERE id = ?",
            (gone, record.now, key),
        )
    return counts


def write_staff(
    connection: sqlite3.Connection, keys: Keys, rows: Iterable[User], record: Recorder
) -> Counts:
    """Bring members to what was read; nobody is missed here (see `staff_gone`)."""
    counts = Counts()
    for row in rows:
        counts.seen += 1
        store = row.main_department or next(iter(row.department), 0)
        values: tuple[Any, ...] = (
            row.name, row.position, store, as_json(row.department), row.status
        )  # fmt: skip
        new = digest(*values)
        known = connection.execute(
            "SELECT id, digest, status, name, main_department FROM staff WHERE userid = ?",
            (row.userid,),
        ).fetchone()
        if known is None:
            record.changed = True
            counts.added += 1
            # somebody new has an id that another had before: it is theirs now
            connection.execute("DELETE FROM staff_former WHERE userid = ?", (row.userid,))
            keys.staff.pop(row.userid.lower(), None)
            connection.execute(
                "INSERT INTO staff (userid, name, position, main_department, departments,"
                " wecom_status, digest, first_seen_at, updated_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (row.userid, *values, new, record.now, record.now),
            )
            continue
        key, old, status, name, old_store = known
        if row.unread:
            values, store = _kept_of_member(connection, key, row, values)
            new = digest(*values)
        bare = old == 0  # only the id was known
        if (old, status) == (new, "active"):
            continue
        record.changed = True
        counts.changed += 1
        if name != values[0] and not bare:
            record.add("name", name, values[0], staff_id=key)
        if status != "active":
            record.add("status", status, "active", staff_id=key)
        connection.execute(
            "UPDATE staff SET name = ?, position = ?, main_department = ?, departments = ?,"
            " wecom_status = ?, digest = ?, status = 'active', left_at = NULL, updated_at = ?"
            " WHERE id = ?",
            (*values, new, record.now, key),
        )
        if store != old_store:
            if not bare:
                record.add("store", old_store, store, staff_id=key)
            connection.execute(
                "UPDATE follow SET store_id = ? WHERE staff_id = ? AND store_id <> ?",
                (store, key, store),
            )
            keys.staff.pop(row.userid.lower(), None)
    return counts


def _kept_of_member(
    connection: sqlite3.Connection, key: int, row: User, values: Sequence[Any]
) -> tuple[tuple[Any, ...], int]:
    """A member's columns and shop, with what the mirror knows of what could not be read."""
    stored = connection.execute(
        "SELECT name, position, main_department, departments, wecom_status FROM staff WHERE id = ?",
        (key,),
    ).fetchone()
    unread = set(row.unread)
    if not row.main_department and "department" in unread:
        unread.add("main_department")  # it would be the first of those
    values = kept(_MEMBER_FIELDS, values, stored, unread)
    return values, values[2]


def staff_gone(
    connection: sqlite3.Connection,
    userid: str,
    status: str,
    record: Recorder,
    *,
    left_at: int | None = None,
) -> int:
    """A member who is no longer there: `status` is left, out_of_scope or missing.

    The follows of a leaver become unassigned, of a member out of scope out_of_scope; of one whose
    whereabouts are unknown they stay. Returns how many follows changed.
    """
    known = connection.execute(
        "SELECT id, status FROM staff WHERE userid = ?", (userid,)
    ).fetchone()
    if known is None or known[1] == status:
        return 0
    key, old = known
    record.add("left" if status == "left" else "status", old, status, staff_id=key)
    connection.execute(
        "UPDATE staff SET status = ?, is_follow_user = 0, left_at = ?, updated_at = ? WHERE id = ?",
        (status, (left_at or record.now) if status == "left" else None, record.now, key),
    )
    if status == "missing":
        return 0
    return statuses.member_gone(
        connection, key, "unassigned" if status == "left" else "out_of_scope", record
    )


def write_follow_users(
    connection: sqlite3.Connection,
    keys: Keys,
    userids: Iterable[str],
    record: Recorder,
    *,
    whole: bool = True,
) -> int:
    """Bring the list of members with customer contact to a reading (doc 92571).

    Who is not in a whole one lost it, and keeps the customers, out of scope. Returns how many
    follows changed.
    """
    listed = {userid.lower(): userid for userid in userids}
    switched = 0
    for key, userid, status in connection.execute(
        "SELECT id, userid, status FROM staff WHERE is_follow_user = 1"
    ).fetchall():
        if listed.pop(userid.lower(), None) is not None or not whole:
            continue
        connection.execute(
            "UPDATE staff SET is_follow_user = 0, updated_at = ? WHERE id = ?", (record.now, key)
        )
        record.add("customer_contact", True, False, staff_id=key)
        if status == "active":
            switched += statuses.member_gone(connection, key, "out_of_scope", record)
    for userid in listed.values():
        member = keys.staff_key(connection, userid, record.now)
        connection.execute(
            "UPDATE staff SET is_follow_user = 1, updated_at = ? WHERE id = ?",
            (record.now, member.id),
        )
        record.changed = True
        if member.covered:
            record.add("customer_contact", False, True, staff_id=member.id)
    return switched
