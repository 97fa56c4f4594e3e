"""Writes the list of unassigned customers: those whose member left and nobody took over."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storeops.mirror import index_text, statuses
from storeops.mirror.keys import Keys, next_id
from storeops.mirror.people import Counts, staff_gone
from storeops.mirror.timeline import Recorder

if TYPE_CHECKING:
    from storeops.wecom.handover import Unassigned


def write_unassigned(
    connection: sqlite3.Connection, keys: Keys, rows: Iterable[Unassigned], record: Recorder
) -> Counts:
    """Take in rows of the list; a row without a known follow makes one, its tags unknown.

    A member who is still listed as active keeps active follows: the list of members decides that.
    """
    counts = Counts()
    new: list[int] = []  # customer.id
    for row in rows:
        counts.seen += 1
        staff, active = _leaver(connection, row, record)
        known = connection.execute(
            "SELECT dimission_time FROM unassigned WHERE handover_userid = ?"
            " AND external_userid = ?",
            (row.handover_userid, row.external_userid),
        ).fetchone()
        if known is None or (row.dimission_time and known[0] != row.dimission_time):
            connection.execute(
                "INSERT OR REPLACE INTO unassigned VALUES (?, ?, ?)",
                (row.handover_userid, row.external_userid, row.dimission_time),
            )
            record.changed = True
            counts.added += known is None
            counts.changed += known is not None
        customer = _customer(connection, row.external_userid, record, new)
        follow = connection.execute(
            "SELECT id, status FROM follow WHERE customer_id = ? AND staff_id = ?",
            (customer, staff),
        ).fetchone()
        if follow is None:
            store = connection.execute(
                "SELECT main_department FROM staff WHERE id = ?", (staff,)
            ).fetchone()[0]
            connection.execute(
                "INSERT INTO follow (id, staff_id, customer_id, store_id, status, tags_known,"
                " first_seen_at, updated_at) VALUES (?, ?, ?, ?, 'unassigned', 0, ?, ?)",
                (next_id(connection, "follow"), staff, customer, store, record.now, record.now),
            )
            record.changed = True
        elif follow[1] != "unassigned" and not (active and follow[1] == "active"):
            statuses.set_status(connection, [follow[0]], "unassigned", record)
    index_text.reindex(connection, [], {}, new)
    keys.forget()
    return counts


def _leaver(connection: sqlite3.Connection, row: Unassigned, record: Recorder) -> tuple[int, bool]:
    """(staff.id, whether the member is believed to be still there) of a row's former owner."""
    known = connection.execute(
        "SELECT id, status, digest FROM staff WHERE userid = ?", (row.handover_userid,)
    ).fetchone()
    if known is None:
        cursor = connection.execute(
            "INSERT INTO staff (userid, status, left_at, first_seen_at, updated_at)"
            " VALUES (?, 'left', ?, ?, ?)",
            (row.handover_userid, row.dimission_time or None, record.now, record.now),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid, False
    key, status, digest = known
    if status == "active" and digest:
        return key, True
    if status != "left":
        staff_gone(connection, row.handover_userid, "left", record, left_at=row.dimission_time)
    if row.dimission_time:
        connection.execute(
            "UPDATE staff SET left_at = ? WHERE id = ? AND left_at IS NOT ?",
            (row.dimission_time, key, row.dimission_time),
        )
    return key, False


def _customer(
    connection: sqlite3.Connection, external_userid: str, record: Recorder, new: list[int]
) -> int:
    """customer.id; a person known from the list only gets a row without a name, noted in `new`."""
    known = connection.execute(
        "SELECT id FROM customer WHERE external_userid = ?", (external_userid,)
    ).fetchone()
    if known is not None:
        return int(known[0])
    key = next_id(connection, "customer")
    connection.execute(
        "INSERT INTO customer (id, external_userid, type, first_seen_at, updated_at)"
        " VALUES (?, ?, ?, ?, ?)",
        (
            key,
            external_userid,
            2 if external_userid.startswith("wo") else 1,
            record.now,
            record.now,
        ),
    )
    record.changed = True
    new.append(key)
    return key


def unlisted(connection: sqlite3.Connection, listed: Iterable[tuple[str, str]]) -> list[str]:
    """userids of leavers with customers that a complete reading of the list did not show.

    Before such customers end somebody asks where the member is: who came back, but out of the
    app's sight, has taken them along.

    Args:
        connection: reads the mirror.
        listed: (handover_userid, external_userid) of every row read.
    """
    return list(
        dict.fromkeys(
            row.userid for row in _unlisted(connection, _pairs(listed)) if row.member == "left"
        )
    )


def unassigned_complete(
    connection: sqlite3.Connection,
    listed: Iterable[tuple[str, str]],
    record: Recorder,
    *,
    hidden: Collection[str] = (),
    unknown: Collection[str] = (),
) -> Counts:
    """What a complete reading of the list did not show (any more).

    A leaver's customer who is not listed, or never was, becomes missing under the former owner,
    and ends when the next complete reading agrees. Members who are there again but out of sight
    (hidden, or without customer contact) have taken theirs along: those are out of scope. Of
    members with customer contact the reading of follows decides.

    Args:
        connection: in a write transaction.
        listed: (handover_userid, external_userid) of every row read.
        record: takes the history.
        hidden: userids of leavers who are there again, outside the app's visible scope.
        unknown: userids of leavers of whom nobody knows where they are; nothing of theirs changes.
    """
    counts = Counts()
    there = _pairs(listed)
    hidden, unknown = ({each.lower() for each in some} for some in (hidden, unknown))
    waiting = {userid for userid, _external in there}
    for userid in sorted(hidden - waiting):
        counts.changed += staff_gone(connection, userid, "out_of_scope", record)
    once: list[int] = []
    twice: list[int] = []
    away: list[int] = []
    for row in _unlisted(connection, there):
        low = row.userid.lower()
        if low in unknown or row.member == "missing" or row.contact:
            continue
        if row.member == "left" and low not in hidden:
            (twice if row.status == "missing" else once).append(row.follow)
        else:
            away.append(row.follow)
    gone = [
        row
        for row in connection.execute("SELECT handover_userid, external_userid FROM unassigned")
        if (row[0].lower(), row[1]) not in there
    ]
    record.changed = record.changed or bool(gone)
    connection.executemany(
        "DELETE FROM unassigned WHERE handover_userid = ? AND external_userid = ?", gone
    )
    counts.changed += statuses.set_status(connection, away, "out_of_scope", record)
    counts.missing = statuses.set_status(connection, once, "missing", record)
    moved, counts.lost = statuses.end(connection, twice, record)
    counts.changed += moved
    return counts


@dataclass(frozen=True, slots=True)
class _Unlisted:
    """A follow, and the member it is of: their status, and whether they have customer contact."""

    follow: int
    status: str
    userid: str
    member: str
    contact: bool


def _pairs(listed: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    return {(userid.lower(), external) for userid, external in listed}


def _unlisted(
    connection: sqlite3.Connection, there: Collection[tuple[str, str]]
) -> Iterator[_Unlisted]:
    """Unassigned follows, and missing ones of who is not at work, that the list does not show."""
    for key, status, userid, external, member, contact in connection.execute(
        "SELECT f.id, f.status, s.userid, c.external_userid, s.status, s.is_follow_user"
        " FROM follow AS f"
        " JOIN staff AS s ON s.id = f.staff_id JOIN customer AS c ON c.id = f.customer_id"
        # the second condition lets SQLite take the small index follow_by_status
        " WHERE f.status IN ('unassigned', 'missing') AND f.status <> 'active'"
    ):
        if (userid.lower(), external) not in there:
            yield _Unlisted(key, status, userid, member, bool(contact))
