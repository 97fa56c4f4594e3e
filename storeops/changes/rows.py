"""Rows of a plan in the database: canonical form, digests, reading and writing."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from storeops.changes.action import BLOCKED, PLANNED, Row, Verdict
from storeops.changes.journal import dump
from storeops.database.database import Database
from storeops.mirror.members import current_userids

CHUNK = 500  # row numbers per statement, well under SQLite's limit on parameters
LEFT = "row, subject, external_userid, userid, before, after, extra"
_INSERT = (
    "INSERT INTO plan_row (plan_id, row, subject, external_userid, userid, before, after, extra,"
    " code, digest, status, errcode, meaning, next_step, retry_at, at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def row_digest(
    row: int, subject: str, external_userid: str, userid: str,
    before: str, after: str, extra: str, code: str,
) -> bytes:  # fmt: skip
    """Digest of the part of a row that never changes; 16 bytes."""
    text = "\x1f".join((str(row), subject, external_userid, userid, before, after, extra, code))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def insert(
    connection: sqlite3.Connection,
    plan_id: int,
    rows: Iterable[tuple[Row, Verdict]],
    at: float,
) -> list[bytes]:
    """Store rows with their verdicts; returns their digests in order."""
    digests: list[bytes] = []
    records = []
    for row, verdict in rows:
        before, after, extra = dump(row.before), dump(row.after), dump(row.extra)
        digest = row_digest(
            row.row, row.key, row.external_userid, row.userid, before, after, extra, verdict.code
        )
        digests.append(digest)
        records.append(
            (plan_id, row.row, row.key, row.external_userid, row.userid, before, after, extra,
             verdict.code, digest, PLANNED if verdict.ready else BLOCKED, verdict.errcode,
             verdict.reason, verdict.way_out, verdict.retry_at, at)
        )  # fmt: skip
    connection.executemany(_INSERT, records)
    return digests


def altered(db: Database, plan_id: int) -> tuple[list[int], list[bytes]]:
    """(numbers of rows whose content no longer fits their digest, all stored digests in order).

    Rows of which a person was erased are not looked into: their digest stays and is part of the
    plan's hash.
    """
    wrong: list[int] = []
    digests: list[bytes] = []
    for record in db.execute(
        f"SELECT digest, {LEFT}, code FROM plan_row WHERE plan_id = ? ORDER BY row",
        (plan_id,),
    ):
        digests.append(record[0])
        if record[5] is not None and row_digest(*record[1:]) != record[0]:
            wrong.append(record[1])
    return wrong, digests


def from_record(record: Sequence[Any]) -> Row:
    """A Row from a record of (row, subject, external_userid, userid, before, after, extra)."""
    row, subject, external_userid, userid, before, after, extra = record
    return Row(
        row,
        external_userid,
        userid,
        subject,
        _mapping(before),
        _mapping(after),
        _mapping(extra),
    )


def _mapping(text: str | None) -> Mapping[str, Any]:
    if not text or text == "{}":
        return {}
    value: dict[str, Any] = json.loads(text)
    return value


def load(
    db: Database, plan_id: int, numbers: Sequence[int] | None = None, where: str = "1"
) -> list[Row]:
    """Rows of a plan in order; only `numbers` when given.

    Args:
        db: data.db.
        plan_id: plan.id.
        numbers: row numbers, None for all.
        where: a constant SQL condition of ours on plan_row, never text from outside.
    """
    select = f"SELECT {LEFT} FROM plan_row WHERE plan_id = ? AND {where}"
    if numbers is None:
        found = db.execute(f"{select} ORDER BY row", (plan_id,))
        return addressed(db, [from_record(each) for each in found])
    rows: list[Row] = []
    for part in chunks(numbers, CHUNK):
        marks = ",".join("?" * len(part))
        found = db.execute(f"{select} AND row IN ({marks}) ORDER BY row", (plan_id, *part))
        rows.extend(from_record(each) for each in found)
    return addressed(db, rows)


def addressed(db: Database, rows: Sequence[Row]) -> list[Row]:
    """The rows under the userids that WeCom uses now; a plan keeps those it was made with.

    Members are named by `userid` and by `extra["to"]`. A row whose pair changed says in
    `extra["planned"]` which one the plan names: `from>to`.
    """
    named = [each for row in rows for each in (row.userid, str(row.extra.get("to", ""))) if each]
    now = current_userids(db, named)
    if not now:
        return list(rows)
    return [_addressed(row, now) for row in rows]


def _addressed(row: Row, now: Mapping[str, str]) -> Row:
    to = str(row.extra.get("to", ""))
    userid, to_owner = now.get(row.userid.lower(), row.userid), now.get(to.lower(), to)
    if (userid, to_owner) == (row.userid, to):
        return row
    extra = dict(row.extra)
    if to:
        extra |= {"to": to_owner, "planned": f"{row.userid}>{to}"}
    return replace(row, userid=userid, subject=row.key, extra=extra)


def chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Slices of at most `size` items."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def customers_taken(db: Database, plan_id: int) -> set[str]:
    """external_userid of everybody whose rows an applied plan has sent or will send.

    Who was blocked when it was made or applied is left out: there is something to do yet.
    """
    found = db.execute(
        "SELECT external_userid FROM plan_row"
        " WHERE plan_id = ? AND status <> 'blocked' AND external_userid <> ''",
        (plan_id,),
    )
    return {row[0] for row in found}
