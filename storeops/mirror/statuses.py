"""The condition of follows: active, missing, lost, unassigned, out_of_scope.

Nothing here believes a customer lost before two complete readings of one member say so.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence

from storeops.mirror.keys import chunks, marks
from storeops.mirror.timeline import Recorder


def set_status(
    connection: sqlite3.Connection, follow_ids: Sequence[int], status: str, record: Recorder
) -> int:
    """Give follows a status and note the old one; returns how many really changed."""
    changed = 0
    sql = f"SELECT id, customer_id, staff_id, status FROM follow WHERE id IN ({marks()})"
    for piece in chunks(follow_ids):
        found = [row for row in connection.execute(sql, piece).fetchall() if row[3] != status]
        for _key, customer, staff, old in found:
            record.add("status", old, status, customer_id=customer, staff_id=staff)
        connection.executemany(
            "UPDATE follow SET status = ?, updated_at = ? WHERE id = ?",
            [(status, record.now, row[0]) for row in found],
        )
        changed += len(found)
    return changed


def member_read_completely(
    connection: sqlite3.Connection,
    staff_ids: Iterable[int],
    seen: Collection[int],
    record: Recorder,
) -> tuple[int, int]:
    """What a complete reading of members did not show: active becomes missing, missing lost.

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
    lost: list[int] = []
    sql = f"SELECT id, status FROM follow WHERE id IN ({marks()}) AND status <> 'lost'"
    for piece in chunks(unseen):
        for key, status in connection.execute(sql, piece):
            (lost if status == "missing" else missing).append(key)
    return (
        set_status(connection, missing, "missing", record),
        set_status(connection, lost, "lost", record),
    )


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
