"""Compares a mirror with the true state of its sandbox, row by row."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from storeops.database.database import Database
from storeops.sandbox.local import Control

_FOLLOW = (
    "SELECT s.userid, c.external_userid, f.id, f.status, f.remark, f.description, f.createtime,"
    " f.add_way, f.oper_userid, f.state, f.mobiles, f.remark_corp_name, f.tags_known, f.store_id,"
    " s.main_department FROM follow AS f JOIN staff AS s ON s.id = f.staff_id"
    " JOIN customer AS c ON c.id = f.customer_id"
)


@dataclass
class Differences:
    """What does not agree, by kind.

    Attributes:
        lost: WeCom has the row and the mirror does not show it as living.
        doubled: the mirror has a row twice.
        wrong: a value differs, or the mirror shows what is gone.
    """

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.lost or self.doubled or self.wrong)

    def __str__(self) -> str:
        parts = []
        for name in ("lost", "doubled", "wrong"):
            found = getattr(self, name)
            parts.append(f"{len(found)} {name}")
            parts += [f"  {each}" for each in found[:5]]
        return "\n".join(parts)


def compare(db: Database, control: Control) -> Differences:
    """Everything that differs after a complete sync of an idle sandbox."""
    found = Differences()
    _follows(db, control, found)
    _customers(db, control, found)
    _staff(db, control, found)
    _departments(db, control, found)
    _tags(db, control, found)
    _groups(db, control, found)
    _unassigned(db, control, found)
    return found


def believed_gone(db: Database, control: Control) -> list[str]:
    """Follows that WeCom still lists and the mirror believes missing or lost."""
    living = {
        (row["userid"], row["external_userid"])
        for row in control.export("follows")
        if row["listed"]
    }
    return [
        f"{userid} {external} {status}"
        for userid, external, _key, status, *_rest in db.execute(
            f"{_FOLLOW} WHERE f.status IN ('missing', 'lost')"
        )
        if (userid, external) in living
    ]


def unequal_members(db: Database, control: Control) -> set[str]:
    """userids of whom the mirror does not hold exactly what WeCom lists now."""
    columns = "f.remark, f.description, f.createtime, f.state, f.mobiles"
    tags = (
        "(SELECT json_group_array(t.tag_id) FROM follow_tag AS x JOIN tag AS t ON t.id = x.tag_id"
        " WHERE x.follow_id = f.id)"
    )
    mirror = {
        (row[0], row[1]): (*row[2:6], json.loads(row[6]), set(json.loads(row[7])))
        for row in db.execute(
            f"SELECT s.userid, c.external_userid, {columns}, {tags} FROM follow AS f"
            " JOIN staff AS s ON s.id = f.staff_id JOIN customer AS c ON c.id = f.customer_id"
            " WHERE f.status = 'active'"
        )
    }
    names = ("remark", "description", "createtime", "state", "remark_mobiles")
    truth = {
        (row["userid"], row["external_userid"]): (
            *(row[name] for name in names),
            set(row["tag_id"]),
        )
        for row in control.export("follows")
        if row["listed"]
    }
    return {
        userid
        for userid, external in mirror.keys() | truth.keys()
        if mirror.get((userid, external)) != truth.get((userid, external))
    }


def _follows(db: Database, control: Control, found: Differences) -> None:
    tags: dict[int, set[str]] = {}
    for follow, tag in db.execute(
        "SELECT x.follow_id, t.tag_id FROM follow_tag AS x JOIN tag AS t ON t.id = x.tag_id"
    ):
        tags.setdefault(follow, set()).add(tag)
    mirror: dict[tuple[str, str], tuple[Any, ...]] = {}
    for row in db.execute(_FOLLOW):
        pair = (row[0], row[1])
        if pair in mirror:
            found.doubled.append(f"follow {pair}")
        mirror[pair] = row[2:]
    for row in control.export("follows"):
        pair = (row["userid"], row["external_userid"])
        here = mirror.pop(pair, None)
        if here is None:
            if row["listed"] or row["status"] == "unassigned":
                found.lost.append(f"follow {pair} is not in the mirror")
            continue
        key, status, *values, tags_known, store, department = here
        if row["listed"]:
            if status != "active":
                found.lost.append(f"follow {pair} is {status}, WeCom lists it")
            true = (
                row["remark"],
                row["description"],
                row["createtime"],
                row["add_way"],
                row["oper_userid"],
                row["state"],
                row["remark_mobiles"],
                row["remark_corp_name"],
                set(row["tag_id"]),
            )
            values[6] = json.loads(values[6])
            mine = (*values, tags.get(key, set()))
            if mine != true or not tags_known:
                found.wrong.append(f"follow {pair}: {mine} is not {true}")
            if store != department:
                found.wrong.append(f"follow {pair}: shop {store}, its member's {department}")
        elif row["status"] == "unassigned":
            if status != "unassigned":
                found.lost.append(f"follow {pair} is {status}, its member left")
        elif status not in ("out_of_scope", "lost", "missing", "handed_over"):
            found.wrong.append(f"follow {pair} is {status}, WeCom hides it")
    for pair, here in mirror.items():
        if here[1] in ("active", "unassigned"):
            found.wrong.append(f"follow {pair} is {here[1]}, WeCom has none")


def _listed_customers(control: Control) -> set[str]:
    return {row["external_userid"] for row in control.export("follows") if row["listed"]}


def _rows(
    name: str,
    mirror: Iterable[tuple[Any, ...]],
    truth: dict[Any, tuple[Any, ...]],
    found: Differences,
) -> None:
    """Compare (key, *values) rows with the truth by key."""
    seen: set[Any] = set()
    for key, *values in mirror:
        if key in seen:
            found.doubled.append(f"{name} {key}")
        seen.add(key)
        true = truth.pop(key, None)
        if true is None:
            found.wrong.append(f"{name} {key} is gone at WeCom")
        elif tuple(values) != true:
            found.wrong.append(f"{name} {key}: {tuple(values)} is not {true}")
    found.lost += [f"{name} {key}" for key in truth]


def _customers(db: Database, control: Control, found: Differences) -> None:
    listed = _listed_customers(control)
    names = ("name", "type", "gender", "unionid", "corp_name", "position")
    truth = {
        row["external_userid"]: tuple(row[name] for name in names)
        for row in control.export("customers")
        if row["external_userid"] in listed
    }
    rows = db.execute(f"SELECT external_userid, {', '.join(names)} FROM customer")
    _rows("customer", (row for row in rows if row[0] in listed), truth, found)
    wrong = db.execute(
        "SELECT count(*) FROM customer AS c WHERE c.createtime <>"
        " (SELECT max(f.createtime) FROM follow AS f WHERE f.customer_id = c.id)"
    ).fetchone()[0]
    if wrong:
        found.wrong.append(f"{wrong} customers whose createtime is not that of the newest follow")


def _staff(db: Database, control: Control, found: Differences) -> None:
    truth: dict[str, tuple[Any, ...]] = {}
    left: set[str] = set()
    for row in control.export("staff"):
        if row["left_at"]:
            left.add(row["userid"])
        elif row["visible"]:
            truth[row["userid"]] = (
                row["name"],
                row["main_department"],
                int(row["customer_contact"]),
            )
    rows = db.execute(
        "SELECT userid, name, main_department, is_follow_user FROM staff WHERE status = 'active'"
    )
    _rows("member", rows, truth, found)
    for (userid,) in db.execute("SELECT userid FROM staff WHERE status = 'left'"):
        if userid not in left:
            found.wrong.append(f"member {userid} has not left")


def _departments(db: Database, control: Control, found: Differences) -> None:
    truth = {
        row["id"]: (row["name"], row["parentid"], row["order"])
        for row in control.export("departments")
    }
    rows = db.execute("SELECT id, name, parentid, ord FROM department WHERE status = 'active'")
    _rows("department", rows, truth, found)


def _tags(db: Database, control: Control, found: Differences) -> None:
    truth = {
        row["tag_id"]: (row["name"], row["order"], row["group_id"], row["group_name"])
        for row in control.export("tags")
        if not row["strategy_id"]
    }
    rows = db.execute(
        "SELECT t.tag_id, t.name, t.ord, g.group_id, g.name FROM tag AS t"
        " JOIN tag_group AS g ON g.id = t.group_id"
        " WHERE t.deleted_at IS NULL AND g.deleted_at IS NULL"
    )
    _rows("tag", rows, truth, found)


def _groups(db: Database, control: Control, found: Differences) -> None:
    visible = {row["userid"] for row in control.export("staff") if row["customer_contact"]} | {
        row[0] for row in db.execute("SELECT userid FROM staff WHERE status = 'left'")
    }
    known = {row[0] for row in db.execute("SELECT userid FROM staff")}
    truth = {
        row["chat_id"]: (
            row["name"],
            row["owner"],
            row["status"],
            row["create_time"],
            row["notice"],
            sorted((seat["userid"], seat["type"], seat["join_time"]) for seat in row["members"]),
        )
        for row in control.export("groups")
        if row["owner"] in visible and (row["owner"] in known or row["status"] == 1)
    }
    members: dict[int, list[tuple[str, int, int]]] = {}
    for group, *seat in db.execute("SELECT group_id, member, type, join_time FROM group_member"):
        members.setdefault(group, []).append((seat[0], seat[1], seat[2]))
    rows = [
        (*row[1:], sorted(members.get(row[0], [])))
        for row in db.execute(
            "SELECT id, chat_id, name, owner_userid, owner_status, create_time, notice"
            " FROM group_chat WHERE status = 'active'"
        )
        if row[3] in visible
    ]
    _rows("group", rows, truth, found)


def _unassigned(db: Database, control: Control, found: Differences) -> None:
    truth = {
        (row["handover_userid"], row["external_userid"]): (row["dimission_time"],)
        for row in control.export("unassigned")
    }
    rows = db.execute("SELECT handover_userid, external_userid, dimission_time FROM unassigned")
    _rows("unassigned", (((row[0], row[1]), row[2]) for row in rows), truth, found)


def facts(db: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of facts: two dumps are equal when no fact was written."""
    tables = (
        "department", "staff", "customer", "follow", "follow_tag", "tag_group", "tag",
        "group_chat", "group_member", "unassigned", "timeline", "mirror_meta",
    )  # fmt: skip
    return {
        table: db.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in tables
    }
