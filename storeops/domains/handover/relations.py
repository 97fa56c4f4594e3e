"""Follows of many customers at once, and the snapshot of a relation before it moves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from storeops.database.database import Database

CHUNK = 500


@dataclass(frozen=True, slots=True)
class HandoverRelation:
    """One follow as the mirror knows it."""

    status: str
    deleted_by_customer_at: int | None


@dataclass(frozen=True, slots=True)
class Followers:
    """Who follows a customer: lower-cased userid → relation."""

    by_userid: dict[str, HandoverRelation] = field(default_factory=dict)


def followers(db: Database, external_userids: Iterable[str]) -> dict[str, Followers]:
    """All follows of these customers; customers the mirror does not know are left out."""
    found: dict[str, Followers] = {}
    wanted = list(dict.fromkeys(external_userids))
    for start in range(0, len(wanted), CHUNK):
        part = wanted[start : start + CHUNK]
        marks = ",".join("?" * len(part))
        for external, userid, status, deleted in db.execute(
            "SELECT c.external_userid, s.userid, f.status, f.deleted_by_customer_at"
            " FROM customer AS c LEFT JOIN follow AS f ON f.customer_id = c.id"
            f" LEFT JOIN staff AS s ON s.id = f.staff_id WHERE c.external_userid IN ({marks})",
            part,
        ):
            known = found.setdefault(external, Followers())
            if userid is not None:
                known.by_userid[userid.lower()] = HandoverRelation(status, deleted)
    return found


def snapshots(db: Database, pairs: Sequence[tuple[str, str]]) -> list[Mapping[str, Any]]:
    """What the mirror knows of each (userid, external_userid) now, {} for an unknown follow.

    Keys: tag_id (list of WeCom's ids), tags_known, remark, description, remark_mobiles,
    remark_corp_name, state, add_way, createtime.
    """
    result: list[Mapping[str, Any]] = []
    for userid, external in pairs:
        record = db.execute(
            "SELECT f.id, f.remark, f.description, f.mobiles, f.remark_corp_name, f.state,"
            " f.add_way, f.createtime, f.tags_known FROM follow AS f"
            " JOIN customer AS c ON c.id = f.customer_id JOIN staff AS s ON s.id = f.staff_id"
            " WHERE c.external_userid = ? AND s.userid = ?",
            (external, userid),
        ).fetchone()
        if record is None:
            result.append({})
            continue
        key, remark, description, mobiles, company, state, way, created, known = record
        tags = [
            row[0]
            for row in db.execute(
                "SELECT t.tag_id FROM follow_tag AS x JOIN tag AS t ON t.id = x.tag_id"
                " WHERE x.follow_id = ? AND t.deleted_at IS NULL ORDER BY t.tag_id",
                (key,),
            )
        ]
        result.append(
            {
                "tag_id": tags,
                "tags_known": bool(known),
                "remark": remark,
                "description": description,
                "remark_mobiles": json.loads(mobiles),
                "remark_corp_name": company,
                "state": state,
                "add_way": way,
                "createtime": created,
            }
        )
    return result
