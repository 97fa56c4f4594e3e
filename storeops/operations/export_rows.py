"""Customers as flat rows: one a customer, `; ` between what its follows say, newest first."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
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

# One row a follow; the order of the customers is that of the keys.
SQL = """
SELECT c.id, f.createtime, f.id, c.external_userid, c.name, c.type, c.gender, c.unionid,
    c.createtime, f.staff_id, f.store_id, f.remark, f.mobiles, f.add_way, f.state, f.status,
    (SELECT group_concat(t.tag_id) FROM follow_tag t WHERE t.follow_id = f.id){more}
FROM json_each(?) j CROSS JOIN customer c ON c.id = j.value
LEFT JOIN follow f ON f.customer_id = c.id
"""
newest = itemgetter(1, 2)  # createtime, follow.id


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
_decode = json.JSONDecoder().decode


def people(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """The rows of `SQL`, customer by customer: rows of one customer follow each other.

    Rows are taken one by one: a list of all of them costs a third more than reading them.
    """
    last, mine = None, []
    for row in rows:
        if row[0] == last:
            mine.append(row)
        else:
            if mine:
                yield mine
            last, mine = row[0], [row]
    if mine:
        yield mine


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
        rows = people(connection.execute(SQL.format(more=""), (json.dumps(ids),)))
        single, several = self.single, self.several
        return [single(mine[0]) if len(mine) == 1 else several(mine) for mine in rows]

    def several(self, rows: list[Any]) -> tuple[Any, ...]:
        """The row of one customer, from one row of SQL a follow; text grows follow by follow."""
        rows.sort(key=newest, reverse=True)
        (
            external, name, kind, gender, unionid, _status, created, userids, members, shops,
            remarks, phones, ways, states, statuses, tags,
        ) = self.single(rows[0], masked=False)  # fmt: skip
        staff, stores, sets = self.staff, self.stores, self.sets
        status, same = statuses, True
        lists = [rows[0][12]]
        for row in rows[1:]:
            userid, member = staff.get(row[9], _NOBODY)
            userids = f"{userids}; {userid}"
            members = f"{members}; {member}"
            shops = f"{shops}; {stores.get(row[10], '')}"
            ways = f"{ways}; {row[13]}"
            if row[11]:
                remarks = f"{remarks}; {row[11]}" if remarks else row[11]
            if row[14]:
                states = f"{states}; {row[14]}" if states else row[14]
            if row[12] != "[]":
                lists.append(row[12])
            statuses = f"{statuses}; {row[15]}"
            if row[15] != status:
                same = False
            if row[16]:
                names = sets.get(row[16]) or self.names(row[16])
                tags = f"{tags}; {names}" if tags else names
        if not same:
            status = overall_status([row[15] for row in rows])
        if not self.reveal:
            remarks = mask_phones(remarks) if remarks else remarks
            name = name if name.isalpha() else mask_phones(name)
        if len(lists) > 1:
            phones = self.phones(lists)
        return (
            external, name, kind, gender, unionid, status, created, userids, members, shops,
            remarks, phones, ways, states, statuses, tags,
        )  # fmt: skip

    def single(self, row: Any, *, masked: bool = True) -> tuple[Any, ...]:
        """The same for a customer whom one member follows, or nobody any more."""
        (
            _key, _time, follow, external, name, kind, gender, unionid, created, member, shop,
            remark, mobiles, way, state, status, tags,
        ) = row  # fmt: skip
        if follow is None:
            return (external, name, kind, gender, unionid, "lost", created, *[""] * 9)
        if masked and not self.reveal:
            remark = mask_phones(remark) if remark else remark
            name = name if name.isalpha() else mask_phones(name)
        userid, staff = self.staff.get(member, _NOBODY)
        return (
            external, name, kind, gender, unionid, status, created, userid, staff,
            self.stores.get(shop, ""), remark,
            "" if mobiles == "[]" else self.phones((mobiles,)),
            str(way), state, status,
            (self.sets.get(tags) or self.names(tags)) if tags else "",
        )  # fmt: skip

    def phones(self, lists: Sequence[str]) -> str:
        """Every number of these JSON lists once, masked unless they are to be seen."""
        kept = [each for each in lists if each != "[]"]
        if not kept:
            return ""
        found = [phone for each in kept for phone in _decode(each)]
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
