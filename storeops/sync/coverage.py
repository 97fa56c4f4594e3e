"""Whose customers were read completely, when, and who could not be read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from storeops.mirror import statuses
from storeops.mirror.keys import Keys
from storeops.mirror.timeline import Recorder
from storeops.sync.members import MemberToRead


def known_sizes(connection: sqlite3.Connection) -> dict[int, int]:
    """Follows so far by staff.id; nothing on a first load. Reads a whole index."""
    if not _indexed(connection):
        return {}
    return dict(connection.execute("SELECT staff_id, count(*) FROM follow GROUP BY staff_id"))


def members_to_read(
    connection: sqlite3.Connection,
    keys: Keys,
    userids: Iterable[str],
    sizes: dict[int, int],
    now: int,
) -> list[MemberToRead]:
    """Members with their `known_sizes`, and whether they failed last time."""
    suspects = {
        row[0]
        for row in connection.execute("SELECT staff_id FROM staff_coverage WHERE failed_at > 0")
    }
    found = {}
    for userid in userids:
        key = keys.staff_key(connection, userid, now).id
        found[userid.lower()] = MemberToRead(userid, sizes.get(key, 0), key in suspects)
    return list(found.values())


def _indexed(connection: sqlite3.Connection) -> bool:
    row = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE name = 'follow_by_staff' AND type = 'index'"
    ).fetchone()
    return row is not None


def read_completely(
    connection: sqlite3.Connection,
    staff_ids: list[int],
    seen: set[int],
    run_id: int,
    record: Recorder,
) -> tuple[int, int]:
    """Members were read to the end: note it, and judge what was not shown.

    On a first load nothing can be missing yet, and the index that finds out is not built.

    Returns:
        (how many follows became missing, how many lost).
    """
    connection.executemany(
        "INSERT INTO staff_coverage (staff_id, complete_at, complete_run) VALUES (?, ?, ?)"
        " ON CONFLICT (staff_id) DO UPDATE SET complete_at = excluded.complete_at,"
        " complete_run = excluded.complete_run, failed_at = NULL, errcode = NULL,"
        " gone_once_run = NULL",
        [(staff, record.now, run_id) for staff in staff_ids],
    )
    if not _indexed(connection):
        return 0, 0
    return statuses.member_read_completely(connection, staff_ids, seen, record)


def failed(connection: sqlite3.Connection, staff_id: int, errcode: int | None, now: int) -> None:
    """A member could not be read; nothing else changes."""
    connection.execute(
        "INSERT INTO staff_coverage (staff_id, failed_at, errcode) VALUES (?, ?, ?)"
        " ON CONFLICT (staff_id) DO UPDATE SET failed_at = excluded.failed_at,"
        " errcode = excluded.errcode",
        (staff_id, now, errcode),
    )


def said_gone(connection: sqlite3.Connection, staff_id: int, run_id: int) -> bool:
    """WeCom denies that a member has customers, or is there: believed when said in two runs.

    Returns:
        Whether an earlier run heard it too (and nothing else in between).
    """
    row = connection.execute(
        "SELECT gone_once_run FROM staff_coverage WHERE staff_id = ?", (staff_id,)
    ).fetchone()
    before = row[0] if row else None
    if before is None:
        connection.execute(
            "INSERT INTO staff_coverage (staff_id, gone_once_run) VALUES (?, ?)"
            " ON CONFLICT (staff_id) DO UPDATE SET gone_once_run = excluded.gone_once_run",
            (staff_id, run_id),
        )
    return before is not None and before != run_id


def has_customers(connection: sqlite3.Connection, staff_ids: Iterable[int]) -> bool:
    """Whether the mirror knows customers of any of these members that are not lost."""
    for staff in staff_ids:
        if connection.execute(
            "SELECT 1 FROM follow WHERE staff_id = ? AND status IN ('active', 'missing') LIMIT 1",
            (staff,),
        ).fetchone():
            return True
    return False
