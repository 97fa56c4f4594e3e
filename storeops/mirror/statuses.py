"""The condition of follows: active, missing, lost, handed_over, unassigned, out_of_scope.

Nothing here believes a customer lost before two complete readings of one member say so.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence

from storeops.mirror.keys import marks, padded
from storeops.mirror.timeline import Recorder


def set_status(
    connection: sqlite3.Connection, follow_ids: Sequence[int], status: str, record: Recorder
) -> int:
    """Give follows a status and note the old one; returns how many really changed."""
    changed = 0
    sql = f"SELECT id, customer_id, staff_id, status FROM follow WHERE id IN ({marks()})"
    for piece in padded(follow_ids):
        found = [row for row in connection.execute(sql, piece).fetchall() if row[3] != status]
        for _key, customer, staff, old in found:
            record.add("status", old, status, customer_id=customer, staff_id=staff)
        connection.executemany(
            "UPDATE follow SET status = ?, updated_at = ? WHERE id = ?",
            [(status, record.now, row[0]) for row in found],
        )
        changed += len(found)
    return changed


def end(
    connection: sqlite3.Connection, follow_ids: Sequence[int], record: Recorder
) -> tuple[int, int]:
    """Follows that have ended: handed over when a colleague has the customer since, else lost.

    A colleague has the customer since when an administrator assigned them (add_way 202) after
    the follow began, or added them after the member left.

    Returns:
        (how many were handed over, how many lost).
    """
    moved: set[int] = set()
    sql = (
        "SELECT DISTINCT f.id FROM follow AS f JOIN staff AS s ON s.id = f.staff_id"
        " JOIN follow AS o ON o.customer_id = f.customer_id AND o.staff_id <> f.staff_id"
        " AND o.status NOT IN ('lost', 'handed_over')"
        " AND (o.add_way = 202 AND o.createtime >= f.createtime"
        "  OR s.status = 'left' AND o.createtime >= s.left_at)"
        f" WHERE f.id IN ({marks()})"
    )
    for piece in padded(follow_ids):
        moved.update(row[0] for row in connection.execute(sql, piece))
    return (
        set_status(connection, sorted(moved), "handed_over", record),
        set_status(connection, [each for each in follow_ids if each not in moved], "lost", record),
    )


def member_read_completely(
    connection: sqlite3.Connection,
    staff_ids: Iterable[int],
    seen: Collection[int],
    record: Recorder,
) -> tuple[int, int]:
    """What a complete reading of members did not show: active becomes missing, missing ends.

    What the list of the unassigned holds of somebody who came back under the same id stays.

    Args:
        connection: in a write transaction.
        staff_ids: staff.id of the members that were read to the end.
        seen: follow.id of every row that was read of them; a set when it is large.
        record: takes the history.

    Returns:
        (how many became missing, how many became lost).
    """
    unseen: list[int] = []
    for staff in staff_ids:
        # ids alone come from the index; the row of each would make this transaction a long one
        own = connection.execute("SELECT id FROM follow WHERE staff_id = ?", (staff,))
        unseen += [key for (key,) in own if key not in seen]
    missing: list[int] = []
    ended: list[int] = []
    sql = (
        "SELECT f.id, f.status FROM follow AS f JOIN staff AS s ON s.id = f.staff_id"
        " JOIN customer AS c ON c.id = f.customer_id"
        f" WHERE f.id IN ({marks()}) AND f.status NOT IN ('lost', 'handed_over')"
        " AND NOT (f.status = 'unassigned' AND EXISTS (SELECT 1 FROM unassigned AS u"
        "  WHERE u.handover_userid = s.userid AND u.external_userid = c.external_userid))"
    )
    for piece in padded(unseen):
        for key, status in connection.execute(sql, piece):
            (ended if status == "missing" else missing).append(key)
    return set_status(connection, missing, "missing", record), end(connection, ended, record)[1]


def member_gone(
    connection: sqlite3.Connection, staff_id: int, status: str, record: Recorder
) -> int:
    """A member left ("unassigned") or cannot be read any more ("out_of_scope").

    Their active follows keep every value; missing and lost ones stay what they are. A member who
    was out of scope and turns out to have left takes the follows along.

    Returns:
        How many follows changed.
    """
    from_status = ("active", "out_of_scope") if status == "unassigned" else ("active",)
    keys = [
        row[0]
        for row in connection.execute(
            f"SELECT id FROM follow WHERE staff_id = ? AND status IN ({marks(len(from_status))})",
            (staff_id, *from_status),
        )
    ]
    return set_status(connection, keys, status, record)
