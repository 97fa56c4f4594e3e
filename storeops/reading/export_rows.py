"""Customers as flat rows: one a customer, `; ` between what its follows say, newest first."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from storeops.database.database import Database
from storeops.notebook import stores
from storeops.plain import mask_phone, mask_phones
from storeops.reading.query_rows import overall_status

COLUMNS = (
    "external_userid", "name", "type", "gender", "unionid", "status", "createtime", "userid",
    "staff_name", "store", "remark", "remark_mobiles", "add_way", "state", "follow_status", "tags",
)  # fmt: skip
NUMBERS = frozenset({"type", "gender", "createtime"})


class Columns(NamedTuple):
    """The columns of a file: names in order, their headings, and whether people read it."""

    names: Sequence[str]
    headings: Sequence[str]
    words: bool = False


# Customers, and one row a follow, both in the order of the keys; keys come sorted.
CUSTOMERS = """
SELECT c.id, c.external_userid, c.name, c.type, c.gender, c.unionid, c.createtime
FROM json_each(?) j CROSS JOIN customer c ON c.id = j.value
"""
FOLLOWS = """
SELECT f.customer_id, f.createtime, f.id, f.staff_id, f.store_id, f.remark, f.mobiles, f.add_way,
    f.state, f.status, (SELECT group_concat(t.tag_id) FROM follow_tag t WHERE t.follow_id = f.id)
    {more}
FROM json_each(?) j CROSS JOIN follow f ON f.customer_id = j.value
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
            if tag["group_name"] or tag["name"]  # else only its id is known yet
        ),
    }


_NOBODY = ("", "")
_NO_FOLLOW = ("",) * 9
_END = (float("inf"),)
_SETS = 50_000  # sets of tags remembered
_decode = json.JSONDecoder().decode
_ONE_PHONE = re.compile(r'\["(1[3-9]\d)(\d{4})(\d{4})"\]', re.ASCII)


def people(
    connection: sqlite3.Connection, ids: Iterable[int], more: str = ""
) -> Iterator[tuple[Any, list[Any]]]:
    """Customers with their follows, newest first: (row of `CUSTOMERS`, rows of `FOLLOWS`).

    They come in the order of their keys, in which they lie in the file: ten thousand at a time
    take a fifth less than in any other order. Keys that are gone are left out.

    Args:
        connection: reads the mirror.
        ids: customer.id.
        more: further columns of the follow, each with a comma before it.
    """
    wanted = (json.dumps(sorted(ids)),)
    # Both have begun before either ends, so both see the same moment of the mirror.
    customers = connection.execute(CUSTOMERS, wanted)
    follows = connection.execute(FOLLOWS.format(more=more), wanted)
    ahead = next(follows, _END)
    for customer in customers:
        key = customer[0]
        mine: list[Any] = []
        while ahead[0] <= key:
            if ahead[0] == key:  # a smaller one is of a customer who is gone
                mine.append(ahead)
            ahead = next(follows, _END)
        if len(mine) > 1:
            mine.sort(key=newest, reverse=True)
        yield customer, mine


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
        self.sets: dict[str | None, str] = {None: ""}
        self.reveal = reveal

    def rows(
        self, connection: sqlite3.Connection, ids: Iterable[int]
    ) -> Iterator[tuple[int, tuple[Any, ...]]]:
        """(key, row) of these customers, in the order of their keys; see `people`.

        Make text of a row before taking the next: so many rows at once cost a tenth more.
        """
        row = self.row
        for customer, follows in people(connection, ids):
            yield customer[0], row(customer, follows)

    def row(self, customer: Any, follows: list[Any]) -> tuple[Any, ...]:
        """The row of one customer; text grows follow by follow."""
        _key, external, name, kind, gender, unionid, created = customer
        hide = not self.reveal
        if hide and len(name) > 10:  # a number is longer
            name = mask_phones(name)
        if not follows:
            return (external, name, kind, gender, unionid, "lost", created, *_NO_FOLLOW)
        staff, stores, sets = self.staff, self.stores, self.sets
        (
            _key, _time, _follow, member, shop, remarks, mobiles, way, states, status, marks,
        ) = follows[0]  # fmt: skip
        userids, members = staff.get(member, _NOBODY)
        shops = stores.get(shop, "")
        ways = str(way)
        tags = sets[marks] if marks in sets else self.names(marks)
        statuses, lists = status, None
        if len(follows) > 1:
            for (
                _key, _time, _follow, member, shop, remark, numbers, way, state, other, marks,
            ) in follows[1:]:  # fmt: skip
                userid, who = staff.get(member, _NOBODY)
                userids = f"{userids}; {userid}"
                members = f"{members}; {who}"
                shops = f"{shops}; {stores.get(shop, '')}"
                ways = f"{ways}; {way}"
                statuses = f"{statuses}; {other}"
                if remark:
                    remarks = f"{remarks}; {remark}" if remarks else remark
                if state:
                    states = f"{states}; {state}" if states else state
                if numbers != "[]":
                    if mobiles == "[]":
                        mobiles = numbers
                    else:
                        lists = [*(lists or (mobiles,)), numbers]
                if other != status:
                    status = overall_status((status, other))
                if marks:
                    words = sets[marks] if marks in sets else self.names(marks)
                    tags = f"{tags}; {words}" if tags and words else tags or words
        if hide and len(remarks) > 10:
            remarks = mask_phones(remarks)
        if lists:
            phones = self.every_phone(lists)
        else:
            phones = "" if mobiles == "[]" else self.phones(mobiles)
        return (
            external, name, kind, gender, unionid, status, created, userids, members, shops,
            remarks, phones, ways, states, statuses, tags,
        )  # fmt: skip

    def phones(self, mobiles: str) -> str:
        """The numbers of one JSON list; nearly always it is one number of a mobile."""
        one = _ONE_PHONE.fullmatch(mobiles)
        if one is None:
            return self.every_phone((mobiles,))
        return mobiles[2:-2] if self.reveal else f"{one[1]}****{one[3]}"

    def every_phone(self, lists: Iterable[str]) -> str:
        """Every number of these JSON lists once, masked unless they are to be seen."""
        unique = dict.fromkeys(phone for each in lists for phone in _decode(each))
        return "; ".join(unique if self.reveal else map(mask_phone, unique))

    def names(self, tags: str) -> str:
        """`group/name` of the tags in a comma list of keys; remembered, lists repeat."""
        found = "; ".join([self.tags[each] for each in tags.split(",") if self.tags.get(each)])
        if len(self.sets) < _SETS:
            self.sets[tags] = found
        return found
