"""Writes what was read of customers and follows: only differences, in batches (the diff writer).

For each batch the stored rows are read by key and compact digests are compared; rows that did not
change are not touched. Which rows were seen is returned, not written into them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from storeops.mirror import index_text
from storeops.mirror.digest import as_json, customer_digest, follow_digest
from storeops.mirror.kept import kept
from storeops.mirror.keys import Keys, marks, next_id, padded
from storeops.mirror.timeline import Recorder

if TYPE_CHECKING:
    from storeops.wecom.customers import ExternalContact, FollowInfo, FollowRow


@dataclass(slots=True)
class Written:
    """What a batch did: `seen` holds follow.id for each row given, in order."""

    seen: list[int]
    added: int = 0
    changed: int = 0


class Fields(NamedTuple):
    """A follow's columns that WeCom fills, in the order of the table."""

    createtime: int
    remark: str
    description: str
    remark_corp_name: str
    mobiles: str
    add_way: int
    oper_userid: str
    state: str


FIELDS = ", ".join(Fields._fields)
# what WeCom calls the columns
_FOLLOW_FIELDS = ("createtime", "remark", "description", "remark_corp_name", "remark_mobiles",
                  "add_way", "oper_userid", "state")  # fmt: skip
_PERSON_FIELDS = ("name", "type", "gender", "unionid", "avatar", "position", "corp_name")
# columns of a follow whose changes are history, by the timeline's field
_HISTORY = {"remark": 1, "description": 2, "mobiles": 4, "state": 7}

_INSERT_CUSTOMER = (
    "INSERT INTO customer (id, external_userid, name, type, gender, unionid, avatar, position,"
    " corp_name, createtime, digest, first_seen_at, updated_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_UPDATE_CUSTOMER = (
    "UPDATE customer SET name = ?, type = ?, gender = ?, unionid = ?, avatar = ?, position = ?,"
    " corp_name = ?, digest = ?, updated_at = ? WHERE id = ?"
)
_INSERT_FOLLOW = (
    f"INSERT INTO follow (id, staff_id, customer_id, store_id, {FIELDS}, digest, first_seen_at,"
    " updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_UPDATE_FOLLOW = (
    "UPDATE follow SET store_id = ?, createtime = ?, remark = ?, description = ?,"
    " remark_corp_name = ?, mobiles = ?, add_way = ?, oper_userid = ?, state = ?, digest = ?,"
    " status = 'active', tags_known = ?, deleted_by_customer_at = ?, updated_at = ? WHERE id = ?"
)


def person_values(person: ExternalContact) -> tuple[str, int, int, str, str, str, str]:
    """A customer's columns as WeCom fills them, in the order of the table."""
    return (
        person.name,
        person.type,
        person.gender,
        person.unionid,
        person.avatar,
        person.position,
        person.corp_name,
    )


def write_follows(
    connection: sqlite3.Connection, keys: Keys, rows: Sequence[FollowRow], record: Recorder
) -> Written:
    """Bring customers and follows to what `rows` say; runs inside the caller's transaction.

    The same pair may occur more than once; the last row counts. A row that is seen is active
    again, whatever it was before.
    """
    batch = _Batch(connection, keys, record)
    batch.compare_customers(rows)
    batch.compare_follows(rows)
    touched = batch.texts_touched()
    before = index_text.touched_texts(connection, touched)
    batch.write()
    index_text.reindex(connection, touched, before, batch.new_ids())
    return Written(batch.seen, len(batch.new_follows), batch.changed)


class _Batch:
    """One batch between reading the stored rows and writing the differences."""

    def __init__(self, connection: sqlite3.Connection, keys: Keys, record: Recorder) -> None:
        self._connection = connection
        self._keys = keys
        self._record = record
        self._customers: dict[str, int] = {}  # external_userid → customer.id
        self._known: list[int] = []  # customer.id that were stored before
        self._new_customers: list[tuple[Any, ...]] = []
        self._changed_customers: dict[int, tuple[tuple[Any, ...], int]] = {}
        self._partly_read: dict[int, Collection[str]] = {}  # customer.id → fields not read
        self._newest: list[tuple[int, int]] = []  # (createtime, customer.id)
        self.new_follows: list[tuple[Any, ...]] = []
        self._changed_follows: list[
            tuple[int, Fields, tuple[int, ...], int, int, Collection[str]]
        ] = []
        self._tags: list[tuple[int, int, int, int]] = []
        self._retagged: list[tuple[int]] = []
        self._updates: list[tuple[Any, ...]] = []
        self._text_of: set[int] = set()
        self.seen: list[int] = []
        self.changed = 0

    def compare_customers(self, rows: Sequence[FollowRow]) -> None:
        persons: dict[str, ExternalContact] = {}
        newest: dict[str, int] = {}
        for row in rows:
            person = row.external_contact
            external = person.external_userid
            persons[external] = person
            created = row.follow_info.createtime
            if newest.get(external, 0) <= created:
                newest[external] = created
        stored: dict[str, tuple[int, int, int]] = {}
        sql = (
            "SELECT external_userid, id, digest, createtime FROM customer"
            f" WHERE external_userid IN ({marks()})"
        )
        for piece in padded(list(persons)):
            for external, key, old, created in self._connection.execute(sql, piece):
                stored[external] = (key, old, created)
        now = self._record.now
        following = next_id(self._connection, "customer")
        for external, person in persons.items():
            values = person_values(person)
            digest = customer_digest(*values)
            found = stored.get(external)
            if found is None:
                self._customers[external] = following
                self._new_customers.append(
                    (following, external, *values, newest[external], digest, now, now)
                )
                following += 1
                continue
            key, old, created = found
            self._customers[external] = key
            self._known.append(key)
            if old != digest:
                self._changed_customers[key] = (values, digest)
                if person.unread:
                    self._partly_read[key] = person.unread
            if newest[external] > created:
                self._newest.append((newest[external], key))

    def compare_follows(self, rows: Sequence[FollowRow]) -> None:
        stored: dict[tuple[int, int], tuple[int, int, str, int]] = {}
        sql = (
            "SELECT customer_id, staff_id, id, digest, status, store_id FROM follow"
            f" WHERE customer_id IN ({marks()})"
        )
        for piece in padded(self._known):
            for customer, staff, key, old, status, store in self._connection.execute(sql, piece):
                stored[customer, staff] = (key, old, status, store)
        wanted: dict[tuple[int, int], tuple[FollowInfo, int, bool]] = {}
        order: list[tuple[int, int]] = []
        staff_keys, now = self._keys.staff, self._record.now
        for row in rows:
            relation = row.follow_info
            member = staff_keys.get(relation.userid)
            if member is None:
                member = self._keys.staff_key(self._connection, relation.userid, now)
            pair = (self._customers[row.external_contact.external_userid], member.id)
            wanted[pair] = (relation, member.store_id, member.covered)
            order.append(pair)
        ids: dict[tuple[int, int], int] = {}
        following = next_id(self._connection, "follow")
        for pair, (relation, store, covered) in wanted.items():
            tags = self._tag_keys(relation.tag_id)
            fields = Fields(
                relation.createtime,
                relation.remark,
                relation.description,
                relation.remark_corp_name,
                as_json(relation.remark_mobiles),
                relation.add_way,
                relation.oper_userid,
                relation.state,
            )
            digest = follow_digest(*fields, tags)
            found = stored.get(pair)
            if found is None:
                ids[pair] = following
                self._new_follow(following, pair, store, fields, digest, tags, covered)
                following += 1
                continue
            ids[pair] = found[0]
            if found[1:] != (digest, "active", store):
                self._changed_follows.append(
                    (found[0], fields, tags, digest, store, relation.unread)
                )
        self.seen = [ids[pair] for pair in order]

    def _tag_keys(self, tag_ids: Sequence[str]) -> tuple[int, ...]:
        if not tag_ids:
            return ()
        known = self._keys.tags
        try:
            return tuple(sorted({known[tag_id] for tag_id in tag_ids}))
        except KeyError:
            return self._keys.tag_keys(self._connection, tag_ids)

    def _new_follow(
        self,
        key: int,
        pair: tuple[int, int],
        store: int,
        fields: Fields,
        digest: int,
        tags: tuple[int, ...],
        news: bool,
    ) -> None:
        now = self._record.now
        customer, staff = pair
        self.new_follows.append((key, staff, customer, store, *fields, digest, now, now))
        self._tags.extend((key, tag, fields.createtime, customer) for tag in tags)
        self._text_of.add(customer)
        if news or self._record.source != "sync":
            after = {"createtime": fields.createtime, "add_way": fields.add_way}
            self._record.add("follow", None, after, customer_id=customer, staff_id=staff)

    def texts_touched(self) -> list[int]:
        """Stored customers whose search text may change with this batch."""
        self._text_of.update(self._changed_customers)
        self._diff_follows()
        return sorted(self._text_of.intersection(self._known))

    def new_ids(self) -> list[int]:
        """Customers that the batch adds."""
        return [row[0] for row in self._new_customers]

    def _diff_follows(self) -> None:
        """Read the rows whose digest differs and find out what changed."""
        wanted = {each[0]: each[1:] for each in self._changed_follows}
        tags = tags_of(self._connection, list(wanted))
        sql = (
            "SELECT id, customer_id, staff_id, status, store_id, tags_known,"
            f" deleted_by_customer_at, {FIELDS} FROM follow WHERE id IN ({marks()})"
        )
        for piece in padded(list(wanted)):
            for row in self._connection.execute(sql, piece).fetchall():
                key, customer, staff, status, store, tags_known, deleted = row[:7]
                old = Fields(*row[7:])
                new, new_tags, digest, new_store, unread = wanted[key]
                if unread:
                    new = Fields(*kept(_FOLLOW_FIELDS, new, old, unread))
                    new_tags = tags[key] if "tag_id" in unread else new_tags
                    digest = follow_digest(*new, new_tags)
                self._note_changes(customer, staff, old, new)
                if status != "active":
                    self._record.add(
                        "status", status, "active", customer_id=customer, staff_id=staff
                    )
                if tags_known and tags[key] != new_tags:
                    before, after = (
                        wecom_tag_ids(self._connection, each) for each in (tags[key], new_tags)
                    )
                    self._record.add("tag", before, after, customer_id=customer, staff_id=staff)
                if new.createtime > old.createtime > 0:
                    deleted = None  # added anew: only that clears it
                if tags[key] != new_tags or new.createtime != old.createtime:
                    self._retagged.append((key,))
                    self._tags.extend((key, tag, new.createtime, customer) for tag in new_tags)
                if (old, status, store, tags[key]) != (new, "active", new_store, new_tags):
                    self._record.changed = True
                    self.changed += 1
                if "tag_id" not in unread:
                    tags_known = 1
                self._updates.append(
                    (new_store, *new, digest, tags_known, deleted, self._record.now, key)
                )
                if (old.remark, old.mobiles) != (new.remark, new.mobiles):
                    self._text_of.add(customer)

    def _note_changes(self, customer: int, staff: int, old: Fields, new: Fields) -> None:
        for name, column in _HISTORY.items():
            if old[column] != new[column]:
                before, after = old[column], new[column]
                if name == "mobiles":
                    before, after = _decoded(before), _decoded(after)
                self._record.add(name, before, after, customer_id=customer, staff_id=staff)
        if new.createtime > old.createtime > 0:
            self._record.add(
                "follow",
                {"createtime": old.createtime, "add_way": old.add_way},
                {"createtime": new.createtime, "add_way": new.add_way},
                customer_id=customer,
                staff_id=staff,
            )

    def write(self) -> None:
        """Write what was found to differ."""
        execute = self._connection.executemany
        now = self._record.now
        if self._changed_customers:
            self._write_changed_customers(now)
        if self._new_customers:
            execute(_INSERT_CUSTOMER, self._new_customers)
        if self._newest:
            execute("UPDATE customer SET createtime = ? WHERE id = ?", self._newest)
        if self.new_follows:
            execute(_INSERT_FOLLOW, self.new_follows)
        if self._updates:
            execute(_UPDATE_FOLLOW, self._updates)
        if self._retagged:
            execute("DELETE FROM follow_tag WHERE follow_id = ?", self._retagged)
        if self._tags:
            execute(
                "INSERT INTO follow_tag (follow_id, tag_id, createtime, customer_id)"
                " VALUES (?, ?, ?, ?)",
                self._tags,
            )
        if self._new_customers or self.new_follows or self._newest:
            self._record.changed = True

    def _write_changed_customers(self, now: int) -> None:
        sql = (
            "SELECT id, name, type, gender, unionid, avatar, position, corp_name FROM customer"
            f" WHERE id IN ({marks()})"
        )
        for piece in padded(list(self._changed_customers)):
            for key, *old in self._connection.execute(sql, piece).fetchall():
                values, digest = self._changed_customers[key]
                if key in self._partly_read:
                    values = kept(_PERSON_FIELDS, values, old, self._partly_read[key])
                    digest = customer_digest(*values)
                if tuple(old) != values:
                    self._record.changed = True
                    self.changed += 1
                if old[0] and old[0] != values[0]:
                    self._record.add("name", old[0], values[0], customer_id=key)
                self._connection.execute(_UPDATE_CUSTOMER, (*values, digest, now, key))


def _decoded(mobiles: Any) -> Any:
    import json

    return json.loads(mobiles)


def tags_of(
    connection: sqlite3.Connection, follow_ids: Sequence[int]
) -> dict[int, tuple[int, ...]]:
    """Sorted tag.id of each follow."""
    found: dict[int, list[int]] = {key: [] for key in follow_ids}
    sql = f"SELECT follow_id, tag_id FROM follow_tag WHERE follow_id IN ({marks()})"
    for piece in padded(follow_ids):
        for follow, tag in connection.execute(sql, piece):
            found[follow].append(tag)
    return {key: tuple(sorted(tags)) for key, tags in found.items()}


def wecom_tag_ids(connection: sqlite3.Connection, tags: Iterable[int]) -> list[str]:
    """WeCom's ids of tag.id values, sorted."""
    sql = "SELECT tag_id FROM tag WHERE id = ?"
    return sorted(connection.execute(sql, (tag,)).fetchone()[0] for tag in tags)
