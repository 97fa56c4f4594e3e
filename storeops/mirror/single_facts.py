"""Single facts that an answered job (or an event) tells: written at once, for API writes cause no
event and the next sync may be hours away."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from storeops.database.database import Database
from storeops.mirror import index_text, meta, statuses
from storeops.mirror.digest import as_json, follow_digest
from storeops.mirror.follows import FIELDS, Fields, tags_of, wecom_tag_ids
from storeops.mirror.keys import Keys, next_id
from storeops.mirror.timeline import Recorder


@dataclass(frozen=True, slots=True)
class _Follow:
    """A stored follow: its keys, its status, and the columns WeCom fills."""

    id: int
    customer_id: int
    staff_id: int
    status: str
    fields: Fields
    tags: tuple[int, ...]


@contextmanager
def _recording(
    db: Database, source: str, ref: str, now: int
) -> Iterator[tuple[sqlite3.Connection, Recorder]]:
    record = Recorder(source, ref, now)
    with db.atomic() as connection:
        yield connection, record
        record.flush(connection)
        if record.changed:
            meta.bump_revision(connection)


def _find(connection: sqlite3.Connection, userid: str, external_userid: str) -> _Follow | None:
    row = connection.execute(
        f"SELECT f.id, f.customer_id, f.staff_id, f.status, {FIELDS_OF_F} FROM follow AS f"
        " JOIN staff AS s ON s.id = f.staff_id JOIN customer AS c ON c.id = f.customer_id"
        " WHERE c.external_userid = ? AND s.id = coalesce((SELECT id FROM staff WHERE userid = ?),"
        " (SELECT staff_id FROM staff_former WHERE userid = ?))",
        (external_userid, userid, userid),
    ).fetchone()
    if row is None:
        return None
    tags = tags_of(connection, [row[0]])[row[0]]
    return _Follow(row[0], row[1], row[2], row[3], Fields(*row[4:]), tags)


FIELDS_OF_F = ", ".join(f"f.{name}" for name in FIELDS.split(", "))


def follow_tags_changed(
    db: Database,
    userid: str,
    external_userid: str,
    *,
    add: Iterable[str],
    remove: Iterable[str],
    source: str,
    ref: str,
    now: int,
) -> bool:
    """Tags that were marked on, or taken off, one follow (doc 92118).

    Args:
        db: data.db.
        userid: the member.
        external_userid: the customer.
        add: WeCom's tag ids now on the follow.
        remove: WeCom's tag ids no longer on it.
        source: job | event.
        ref: id of the job or event.
        now: Unix seconds of WeCom's clock.

    Returns:
        Whether the mirror changed; False too when it does not know the follow.
    """
    with _recording(db, source, ref, now) as (connection, record):
        follow = _find(connection, userid, external_userid)
        if follow is None:
            return False
        keys = Keys()
        plus = set(keys.tag_keys(connection, add))
        tags = tuple(sorted(set(follow.tags) - set(keys.tag_keys(connection, remove)) | plus))
        if tags == follow.tags:
            return False
        before, after = (wecom_tag_ids(connection, each) for each in (follow.tags, tags))
        record.add("tag", before, after, customer_id=follow.customer_id, staff_id=follow.staff_id)
        connection.executemany(
            "DELETE FROM follow_tag WHERE follow_id = ? AND tag_id = ?",
            [(follow.id, tag) for tag in follow.tags if tag not in tags],
        )
        connection.executemany(
            "INSERT INTO follow_tag (follow_id, tag_id, createtime, customer_id)"
            " VALUES (?, ?, ?, ?)",
            [
                (follow.id, tag, follow.fields.createtime, follow.customer_id)
                for tag in tags
                if tag not in follow.tags
            ],
        )
        connection.execute(
            "UPDATE follow SET digest = ?, updated_at = ? WHERE id = ?",
            (follow_digest(*follow.fields, tags), now, follow.id),
        )
        return True


def remark_changed(
    db: Database,
    userid: str,
    external_userid: str,
    *,
    remark: str | None = None,
    description: str | None = None,
    remark_company: str | None = None,
    remark_mobiles: Sequence[str] | None = None,
    source: str,
    ref: str,
    now: int,
) -> bool:
    """What one member wrote about one customer (doc 92115); None leaves a field as it is.

    Returns:
        Whether the mirror changed; False too when it does not know the follow.
    """
    with _recording(db, source, ref, now) as (connection, record):
        follow = _find(connection, userid, external_userid)
        if follow is None:
            return False
        given: dict[str, Any] = {
            "remark": remark,
            "description": description,
            "remark_corp_name": remark_company,
            "mobiles": None if remark_mobiles is None else as_json(remark_mobiles),
        }
        new = follow.fields._replace(
            **{name: value for name, value in given.items() if value is not None}
        )
        if new == follow.fields:
            return False
        old = follow.fields
        history = {
            "remark": (old.remark, new.remark),
            "description": (old.description, new.description),
            "mobiles": (json.loads(old.mobiles), json.loads(new.mobiles)),
        }
        record.changed = True
        for name, (before, after) in history.items():
            if before != after:
                record.add(
                    name, before, after, customer_id=follow.customer_id, staff_id=follow.staff_id
                )
        text = index_text.texts(connection, [follow.customer_id])
        connection.execute(
            "UPDATE follow SET remark = ?, description = ?, remark_corp_name = ?, mobiles = ?,"
            " digest = ?, updated_at = ? WHERE id = ?",
            (
                new.remark,
                new.description,
                new.remark_corp_name,
                new.mobiles,
                follow_digest(*new, follow.tags),
                now,
                follow.id,
            ),
        )
        index_text.reindex(connection, [follow.customer_id], text, [])
        return True


def follow_transferred(
    db: Database,
    handover_userid: str,
    takeover_userid: str,
    external_userid: str,
    *,
    createtime: int,
    source: str,
    ref: str,
    now: int,
) -> bool:
    """A handover is done: the former owner's follow is lost, the successor has one (add_way 202).

    A follow that the successor already had stays as it is. What WeCom shows of remark and tags
    afterwards is read by the next sync; until then the new follow's tags are unknown.

    Args:
        db: data.db.
        handover_userid: the former owner.
        takeover_userid: the successor.
        external_userid: the customer.
        createtime: `takeover_time` of the result, Unix seconds.
        source: job | event | sync.
        ref: id of the job, event or run.
        now: Unix seconds of WeCom's clock.

    Returns:
        Whether the mirror changed; False too when it does not know the customer.
    """
    with _recording(db, source, ref, now) as (connection, record):
        row = connection.execute(
            "SELECT id, createtime FROM customer WHERE external_userid = ?", (external_userid,)
        ).fetchone()
        if row is None:
            return False
        customer, newest = row
        member = Keys().staff_key(connection, takeover_userid, now)
        old = _find(connection, handover_userid, external_userid)
        if old is not None:
            statuses.set_status(connection, [old.id], "handed_over", record)
        connection.execute(
            "DELETE FROM unassigned WHERE handover_userid = ? AND external_userid = ?",
            (handover_userid, external_userid),
        )
        new = _find(connection, takeover_userid, external_userid)
        if new is None:
            fields = Fields(createtime, "", "", "", "[]", 202, "", "")
            connection.execute(
                f"INSERT INTO follow (id, staff_id, customer_id, store_id, {FIELDS}, tags_known,"
                " digest, first_seen_at, updated_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)",
                (
                    next_id(connection, "follow"),
                    member.id,
                    customer,
                    member.store_id,
                    *fields,
                    0,
                    now,
                    now,
                ),
            )
            record.changed = True
            if createtime > newest:
                connection.execute(
                    "UPDATE customer SET createtime = ? WHERE id = ?", (createtime, customer)
                )
        elif new.status != "active":
            statuses.set_status(connection, [new.id], "active", record)
        if record.changed:
            record.add(
                "owner",
                handover_userid,
                takeover_userid,
                customer_id=customer,
                staff_id=member.id,
            )
        return record.changed


def follow_status_changed(
    db: Database,
    userid: str,
    external_userid: str,
    status: str,
    *,
    source: str,
    ref: str,
    now: int,
) -> bool:
    """One follow became active, missing, lost, unassigned or out_of_scope.

    What is lost to a colleague who has the customer since is handed over.

    Returns:
        Whether the mirror changed; False too when it does not know the follow.
    """
    with _recording(db, source, ref, now) as (connection, record):
        follow = _find(connection, userid, external_userid)
        if follow is None:
            return False
        if status == "lost":
            return sum(statuses.end(connection, [follow.id], record)) > 0
        return statuses.set_status(connection, [follow.id], status, record) > 0


def deleted_by_member(
    db: Database, userid: str, external_userid: str, *, at: int, source: str, ref: str, now: int
) -> bool:
    """The member deleted the customer at `at` (Unix seconds); the follow has ended.

    The timeline keeps who ended it and when, unless it was a handover, also when a sync had found
    the end before.

    Returns:
        Whether the mirror changed; False too when it does not know the follow.
    """
    with _recording(db, source, ref, now) as (connection, record):
        follow = _find(connection, userid, external_userid)
        if follow is None:
            return False
        statuses.end(connection, [follow.id], record)
        lost = connection.execute(
            "SELECT 1 FROM follow WHERE id = ? AND status = 'lost' AND NOT EXISTS (SELECT 1"
            "  FROM timeline AS t WHERE t.customer_id = follow.customer_id"
            "  AND t.staff_id = follow.staff_id AND t.field = 'deleted_by_member'"
            "  AND CAST(t.after AS INTEGER) >= follow.createtime)",
            (follow.id,),
        ).fetchone()
        if lost is not None:
            record.add(
                "deleted_by_member",
                None,
                at,
                customer_id=follow.customer_id,
                staff_id=follow.staff_id,
            )
        return record.changed


def deleted_by_customer(
    db: Database, userid: str, external_userid: str, *, at: int, source: str, ref: str, now: int
) -> bool:
    """The customer deleted the member at `at` (Unix seconds); WeCom goes on listing the relation.

    Only a new adding clears it.

    Returns:
        Whether the mirror changed; False too when it does not know the follow.
    """
    with _recording(db, source, ref, now) as (connection, record):
        follow = _find(connection, userid, external_userid)
        if follow is None:
            return False
        known = connection.execute(
            "SELECT deleted_by_customer_at FROM follow WHERE id = ?", (follow.id,)
        ).fetchone()[0]
        if known is not None:
            return False
        connection.execute(
            "UPDATE follow SET deleted_by_customer_at = ?, updated_at = ? WHERE id = ?",
            (at, now, follow.id),
        )
        record.add(
            "deleted_by_customer",
            None,
            at,
            customer_id=follow.customer_id,
            staff_id=follow.staff_id,
        )
        return True
