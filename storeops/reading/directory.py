"""Members, shops, tags and group chats as whole lists with their numbers.

What the list screens show. Each function reads a few whole tables in a handful of statements;
counts of two million follows take some 0.2 s, so callers run them in the background.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from storeops.database.database import Database


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A staff member.

    Attributes:
        userid, name, position: as WeCom has them.
        store_id: department id of the shop, 0 unknown.
        status: active | left | out_of_scope | missing.
        follows: relations that are active.
        unassigned: relations that wait for a new owner.
        complete_at: when all relations were last read completely, None never.
        failed: errcode of the last reading when it failed since then, else None.
        left_at: Unix seconds, None unless left.
    """

    userid: str
    name: str
    position: str
    store_id: int
    status: str
    follows: int
    unassigned: int
    complete_at: int | None
    failed: int | None
    left_at: int | None
    contact: bool


@dataclass(frozen=True, slots=True)
class ShopRow:
    """A department that is a shop: it has members of its own.

    Attributes:
        department_id, name: of the department.
        region: the department above.
        members: staff whose shop it is and who have not left.
        follows: active relations of them.
        unassigned: relations that wait for a new owner.
        covered: members read completely since `since`.
        complete_at: the oldest complete reading among its members; None when one was never read.
        failed: members whose last reading failed.
    """

    department_id: int
    name: str
    region: str
    members: int
    follows: int
    unassigned: int
    covered: int
    complete_at: int | None
    failed: int


@dataclass(frozen=True, slots=True)
class TagRow:
    """A tag of the library; `follows` counts relations that carry it."""

    tag_id: str
    group: str
    name: str
    follows: int
    kind: int
    deleted: bool


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group chat; `owner` is the name of its owner, `gone` true for a departed one."""

    chat_id: str
    name: str
    owner_userid: str
    owner: str
    gone: bool
    members: int
    customers: int
    create_time: int
    status: str
    notice: str


def _counts(connection: sqlite3.Connection, column: str) -> dict[int, tuple[int, int]]:
    """Key → (active, unassigned) follows, by staff_id or store_id."""
    active = dict(connection.execute(f"SELECT {column}, count(*) FROM follow GROUP BY {column}"))
    found = {key: [number, 0] for key, number in active.items()}
    rows = connection.execute(
        f"SELECT {column}, status, count(*) FROM follow WHERE status <> 'active'"
        f" GROUP BY {column}, status"
    )
    for key, status, number in rows:
        found[key][0] -= number
        if status == "unassigned":
            found[key][1] += number
    return {key: (pair[0], pair[1]) for key, pair in found.items()}


def members(db: Database) -> list[MemberRow]:
    """Everybody the mirror has ever seen: present ones first, by shop and name."""
    connection = db.connection
    counts = _counts(connection, "staff_id")
    rows = connection.execute(
        "SELECT staff.id, userid, name, position, main_department, status, left_at, is_follow_user,"
        " coverage.complete_at, CASE WHEN coverage.failed_at IS NULL THEN NULL"
        "  ELSE coverage.errcode END"
        " FROM staff LEFT JOIN staff_coverage AS coverage ON coverage.staff_id = staff.id"
        " ORDER BY status <> 'active', main_department, name, userid"
    )
    found = []
    for row in rows:
        follows, unassigned = counts.get(row[0], (0, 0))
        found.append(
            MemberRow(
                userid=row[1], name=row[2], position=row[3], store_id=row[4], status=row[5],
                follows=follows, unassigned=unassigned, complete_at=row[8], failed=row[9],
                left_at=row[6], contact=bool(row[7]),
            )
        )  # fmt: skip
    return found


def customer_names(db: Database, external_userids: Sequence[str]) -> dict[str, str]:
    """external_userid → name, of those whom the mirror knows."""
    found = db.execute(
        "SELECT external_userid, name FROM customer"
        " WHERE external_userid IN (SELECT value FROM json_each(?))",
        (json.dumps(list(external_userids)),),
    )
    return dict(found.fetchall())


def member_names(db: Database) -> list[tuple[str, str]]:
    """(userid, name) of everybody the mirror has ever seen."""
    return db.connection.execute("SELECT userid, name FROM staff ORDER BY id").fetchall()


def staffed_shops(db: Database) -> set[int]:
    """Department ids of shops with present members who have customer contact."""
    rows = db.connection.execute(
        "SELECT DISTINCT main_department FROM staff WHERE status = 'active' AND is_follow_user = 1"
    )
    return {key for (key,) in rows}


def member_keys(db: Database) -> dict[int, tuple[str, str]]:
    """staff.id → (userid, name) of everybody the mirror has ever seen."""
    rows = db.connection.execute("SELECT id, userid, name FROM staff")
    return {key: (userid, name) for key, userid, name in rows}


def department_names(db: Database) -> dict[int, str]:
    """Department id → name, gone ones too."""
    return dict(db.connection.execute("SELECT id, name FROM department"))


def shops(db: Database, since: float) -> list[ShopRow]:
    """Every department with members or follows of its own, by region and id.

    Args:
        db: data.db.
        since: Unix seconds; a member read completely after it counts as covered.
    """
    connection = db.connection
    counts = _counts(connection, "store_id")
    staffed = {
        row[0]: row[1:]
        for row in connection.execute(
            "SELECT main_department, count(*), sum(coverage.complete_at >= ?),"
            " CASE WHEN count(coverage.complete_at) = count(*) THEN min(coverage.complete_at) END,"
            " sum(coverage.failed_at IS NOT NULL)"
            " FROM staff LEFT JOIN staff_coverage AS coverage ON coverage.staff_id = staff.id"
            " WHERE staff.status = 'active' AND staff.is_follow_user = 1 GROUP BY main_department",
            (int(since),),
        )
    }
    rows = connection.execute(
        "SELECT shop.id, shop.name, coalesce(above.name, '') FROM department AS shop"
        " LEFT JOIN department AS above ON above.id = shop.parentid"
        " ORDER BY above.ord DESC, above.id, shop.ord DESC, shop.id"
    )
    found = []
    for key, name, region in rows:
        if key not in staffed and key not in counts:
            continue
        number, covered, complete_at, failed = staffed.get(key, (0, 0, None, 0))
        follows, unassigned = counts.get(key, (0, 0))
        found.append(
            ShopRow(key, name, region, number, follows, unassigned, covered or 0, complete_at,
                    failed or 0)
        )  # fmt: skip
    return found


def tags(db: Database) -> list[TagRow]:
    """The library in its own order, deleted tags last."""
    connection = db.connection
    used = dict(connection.execute("SELECT tag_id, count(*) FROM follow_tag GROUP BY tag_id"))
    rows = connection.execute(
        "SELECT tag.id, tag.tag_id, coalesce(tag_group.name, ''), tag.name, tag.kind,"
        " tag.deleted_at IS NOT NULL AS gone"
        " FROM tag LEFT JOIN tag_group ON tag_group.id = tag.group_id"
        " ORDER BY gone, tag_group.ord DESC, tag_group.id, tag.ord DESC, tag.id"
    )
    return [
        TagRow(row[1], row[2], row[3], used.get(row[0], 0), row[4], bool(row[5])) for row in rows
    ]


def chats(db: Database) -> list[GroupRow]:
    """Group chats, dissolved ones last, newest first."""
    rows = db.connection.execute(
        "SELECT chat_id, group_chat.name, owner_userid, coalesce(staff.name, ''),"
        " owner_status = 1 OR coalesce(staff.status, 'active') = 'left', member_count,"
        " external_count, create_time, group_chat.status, notice"
        " FROM group_chat LEFT JOIN staff ON staff.userid = owner_userid"
        " ORDER BY group_chat.status <> 'active', create_time DESC, chat_id"
    )
    return [
        GroupRow(
            chat_id=row[0], name=row[1], owner_userid=row[2], owner=row[3], gone=bool(row[4]),
            members=row[5], customers=row[6], create_time=row[7], status=row[8], notice=row[9],
        )
        for row in rows
    ]  # fmt: skip


def follows_by_status(db: Database) -> dict[str, int]:
    """Relations per status over the whole mirror, most first; 2,000,000 rows take 0.1 s."""
    rows = db.execute(  # only what is not active has an index
        "SELECT status, count(*) AS rows FROM follow WHERE status <> 'active'"
        " GROUP BY status ORDER BY rows DESC"
    ).fetchall()
    whole = db.execute("SELECT count(*) FROM follow").fetchone()[0]
    found = {"active": whole - sum(row[1] for row in rows), **dict(rows)}
    return {status: count for status, count in found.items() if count}
