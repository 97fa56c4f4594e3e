"""The rows behind a page of keys: customers with their follows, tags, shops and owners."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any

from storeops.database.database import Database
from storeops.reading.columns import add_values

# the status of a customer is that of the follow that is best off
STATUS_ORDER = ("active", "unassigned", "out_of_scope", "missing", "lost", "handed_over")

_FOLLOWS = """
SELECT f.customer_id, s.userid, s.name, f.store_id, f.remark, f.description, f.mobiles,
    f.createtime, f.add_way, f.state, f.status, f.deleted_by_customer_at,
    (SELECT group_concat(t.tag_id) FROM follow_tag t WHERE t.follow_id = f.id)
FROM json_each(?) j CROSS JOIN follow f ON f.customer_id = j.value
JOIN staff s ON s.id = f.staff_id
ORDER BY f.customer_id, f.createtime DESC, f.id DESC
"""
_CUSTOMERS = """
SELECT c.id, c.external_userid, c.name, c.type, c.gender, c.unionid
FROM json_each(?) j CROSS JOIN customer c ON c.id = j.value
"""


class CustomerRows:
    """Loads customers as the JSON of issue-wide use; keeps the small tables it has read.

    Args:
        db: the mirror.
        shops: department.id → name to show instead of the department's own.
        mask: what to do with a phone number and with free text that may hold one; None: nothing.
        columns: keys of the columns of domains that are read; None for all.
    """

    def __init__(
        self,
        db: Database,
        shops: Mapping[int, str] | None = None,
        mask: tuple[Callable[[str], str], Callable[[str], str]] | None = None,
        columns: Container[str] | None = None,
    ) -> None:
        self._db = db
        self._shops = dict(shops or {})
        self._mask = mask
        self._columns = columns
        self._tags: dict[str, dict[str, str]] | None = None
        self._stores: dict[int, str] | None = None

    def load(self, ids: Sequence[int]) -> list[dict[str, Any]]:
        """The customers with these keys, in this order; keys that are gone are left out.

        Returns:
            `{external_userid, name, type, gender, unionid, status, follows: [{userid, staff_name,
            store, remark, description, remark_mobiles, createtime, add_way, state, status,
            deleted_by_customer_at, tags: [{tag_id, group_name, name}]}]}`, follows newest first,
            and one key for each column of a domain that is read.
        """
        return [row for _key, row in self.keyed(ids)]

    def keyed(self, ids: Sequence[int]) -> list[tuple[int, dict[str, Any]]]:
        """The same rows, each with its customer.id."""
        wanted = json.dumps(list(ids))
        connection = self._db.connection
        follows: dict[int, list[dict[str, Any]]] = {}
        tags, stores = self._tag_names(connection), self._store_names(connection)
        # begun before the follows are read and ended after, so both see one moment of the mirror
        customers = connection.execute(_CUSTOMERS, (wanted,))
        for row in connection.execute(_FOLLOWS, (wanted,)):
            follows.setdefault(row[0], []).append(self._follow(row, tags, stores))
        rows = {}
        hide = self._mask[1] if self._mask else None
        for key, external_userid, name, kind, gender, unionid in customers:
            mine = follows.get(key, [])
            rows[key] = {
                "external_userid": external_userid,
                "name": hide(name) if hide else name,
                "type": kind,
                "gender": gender,
                "unionid": unionid,
                "status": shown_status(mine),
                "follows": mine,
            }
        add_values(self._db, rows, self._columns)
        return [(key, rows[key]) for key in ids if key in rows]

    def _follow(
        self, row: Sequence[Any], tags: dict[str, dict[str, str]], stores: dict[int, str]
    ) -> dict[str, Any]:
        mobiles: list[str] = [] if row[6] == "[]" else json.loads(row[6])
        remark, description = row[4], row[5]
        if self._mask:
            phone, text = self._mask
            mobiles = [phone(each) for each in mobiles]
            remark = text(remark) if remark else remark
            description = text(description) if description else description
        return {
            "userid": row[1],
            "staff_name": row[2],
            "store": stores.get(row[3], ""),
            "remark": remark,
            "description": description,
            "remark_mobiles": mobiles,
            "createtime": row[7],
            "add_way": row[8],
            "state": row[9],
            "status": row[10],
            "deleted_by_customer_at": row[11],
            "tags": [tags[each] for each in row[12].split(",") if each in tags] if row[12] else [],
        }

    def _tag_names(self, connection: sqlite3.Connection) -> dict[str, dict[str, str]]:
        if self._tags is None:
            self._tags = {
                str(key): {"tag_id": tag_id, "group_name": group or "", "name": name}
                for key, tag_id, group, name in connection.execute(
                    "SELECT t.id, t.tag_id, g.name, t.name FROM tag t"
                    " LEFT JOIN tag_group g ON g.id = t.group_id"
                )
            }
        return self._tags

    def _store_names(self, connection: sqlite3.Connection) -> dict[int, str]:
        if self._stores is None:
            rows = connection.execute("SELECT id, name FROM department")
            self._stores = {key: self._shops.get(key) or name for key, name in rows}
        return self._stores


def shown_status(follows: Sequence[Mapping[str, Any]]) -> str:
    """The word of the filter language for a customer's status, from the follows of a row.

    `deleted` when the customer has deleted every member whose follow is active.
    """
    status = overall_status(each["status"] for each in follows)
    active = [each for each in follows if each["status"] == "active"]
    if status == "active" and all(each["deleted_by_customer_at"] for each in active):
        return "deleted"
    return status


def overall_status(statuses: Iterable[str]) -> str:
    """The status of a customer from those of its follows; "lost" when there is none left."""
    found = set(statuses)
    return next((each for each in STATUS_ORDER if each in found), "lost")
