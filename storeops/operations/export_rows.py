"""Customers as flat rows: one a customer, `; ` between what its follows say, newest first."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from storeops.database.database import Database
from storeops.mirror.query_rows import overall_status
from storeops.notebook import stores
from storeops.plain import mask_phone, mask_phones

COLUMNS = (
    "external_userid", "name", "type", "gender", "unionid", "status", "createtime", "userid",
    "staff_name", "store", "remark", "remark_mobiles", "add_way", "state", "follow_status", "tags",
)  # fmt: skip
NUMBERS = frozenset({"type", "gender", "createtime"})

SQL = """
SELECT c.id, c.external_userid, c.name, c.type, c.gender, c.unionid, c.createtime,
    f.staff_id, f.store_id, f.remark, f.mobiles, f.add_way, f.state, f.status, f.createtime,
    (SELECT group_concat(t.tag_id) FROM follow_tag t WHERE t.follow_id = f.id)
FROM json_each(?) j CROSS JOIN customer c ON c.id = j.value
LEFT JOIN follow f ON f.customer_id = c.id
"""


def flat(row: dict[str, Any]) -> dict[str, Any]:
    """One row of a list (`CustomerRows.load`) with the columns of an export."""
    follows = row["follows"]

    def joined(values: Iterable[str]) -> str:
        return "; ".join(values)

    return {
        **{key: row[key] for key in COLUMNS[:6]},
        "createtime": follows[0]["createtime"] if follows else 0,
        **{key: joined(each[key] for each in follows) for key in ("userid", "staff_name", "store")},
        "remark": joined(each["remark"] for each in follows if each["remark"]),
        "remark_mobiles": joined(
            dict.fromkeys(phone for each in follows for phone in each["remark_mobiles"])
        ),
        "add_way": joined(str(each["add_way"]) for each in follows),
        "state": joined(each["state"] for each in follows if each["state"]),
        "follow_status": joined(each["status"] for each in follows),
        "tags": joined(
            f"{tag['group_name']}/{tag['name']}" if tag["group_name"] else tag["name"]
            for each in follows
            for tag in each["tags"]
        ),
    }


_NOBODY = ("", "")


class Flatten:
    """Customers and their follows → one tuple a customer, in the order of `COLUMNS`."""

    def __init__(self, db: Database, reveal: bool) -> None:
        shops = {each.department_id: each.name for each in stores.list_shops(db) if each.name}
        self.staff = {
            key: (userid, name)
            for key, userid, name in db.execute("SELECT id, userid, name FROM staff")
        }
        self.stores = {
            key: shops.get(key) or name
            for key, name in db.execute("SELECT id, name FROM department")
        }
        self.tags = {
            str(key): f"{group}/{name}" if group else name
            for key, group, name in db.execute(
                "SELECT t.id, g.name, t.name FROM tag t LEFT JOIN tag_group g ON g.id = t.group_id"
            )
        }
        self.sets: dict[str, str] = {}
        self.reveal = reveal

    def batch(self, connection: sqlite3.Connection, ids: list[int]) -> list[tuple[Any, ...]]:
        """The rows of these customer keys, in their order."""
        out: list[tuple[Any, ...]] = []
        rows = connection.execute(SQL, (json.dumps(ids),)).fetchall()
        start, count = 0, len(rows)
        while start < count:
            key, end = rows[start][0], start + 1
            while end < count and rows[end][0] == key:
                end += 1
            out.append(self.one(rows[start:end]))
            start = end
        return out

    def one(self, rows: list[Any]) -> tuple[Any, ...]:
        """The row of one customer, from one row of SQL a follow."""
        first = rows[0]
        if first[7] is None:
            return (*first[1:6], "lost", first[6], *[""] * 9)
        if len(rows) == 1:
            return self.single(first)
        rows.sort(key=_newest)
        (
            _keys, _ids, _names, _types, _genders, _unionids, _times, members, shops, remarks,
            mobiles, ways, states, statuses, _created, tags,
        ) = zip(*rows, strict=True)  # fmt: skip
        staff, stores, status = self.staff, self.stores, statuses[0]
        owners = [staff.get(each, _NOBODY) for each in members]
        if statuses.count(status) < len(statuses):
            own, status = "; ".join(statuses), overall_status(statuses)
        else:
            own = "; ".join(statuses)
        name, remark = first[2], "; ".join(filter(None, remarks))
        if not self.reveal:
            remark = mask_phones(remark) if remark else remark
            name = name if name.isalpha() else mask_phones(name)
        return (
            first[1], name, first[3], first[4], first[5], status, first[6],
            "; ".join([each[0] for each in owners]),
            "; ".join([each[1] for each in owners]),
            "; ".join([stores.get(each, "") for each in shops]),
            remark,
            self.phones(mobiles),
            "; ".join(map(str, ways)),
            "; ".join(filter(None, states)),
            own,
            "; ".join([self.names(each) for each in tags if each]),
        )  # fmt: skip

    def single(self, row: Any) -> tuple[Any, ...]:
        """The same for a customer whom one member follows: every second one."""
        name, remark = row[2], row[9]
        if not self.reveal:
            remark = mask_phones(remark) if remark else remark
            name = name if name.isalpha() else mask_phones(name)
        userid, staff = self.staff.get(row[7], _NOBODY)
        return (
            row[1], name, row[3], row[4], row[5], row[13], row[6], userid, staff,
            self.stores.get(row[8], ""), remark, self.phones((row[10],)),
            str(row[11]), row[12], row[13], self.names(row[15]) if row[15] else "",
        )  # fmt: skip

    def phones(self, lists: Sequence[str]) -> str:
        """Every number of these JSON lists once, masked unless they are to be seen."""
        found = [phone for each in lists if each != "[]" for phone in json.loads(each)]
        if not found:
            return ""
        unique = dict.fromkeys(found)
        return "; ".join(unique if self.reveal else map(mask_phone, unique))

    def names(self, tags: str) -> str:
        """`group/name` of the tags in a comma list of keys; remembered, lists repeat."""
        found = self.sets.get(tags)
        if found is None:
            found = "; ".join(self.tags[each] for each in tags.split(",") if each in self.tags)
            if len(self.sets) < 50_000:
                self.sets[tags] = found
        return found


def _newest(row: Any) -> int:
    return -int(row[14])
