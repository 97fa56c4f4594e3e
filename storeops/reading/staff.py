"""One member of staff: the row, the shop, what happened to them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from storeops.database.database import Database
from storeops.mirror.members import find
from storeops.reading.directory import MemberRow, members

# what is about the member and not about one of their customers
OWN_FIELDS = ("store", "name", "userid", "left", "status", "customer_contact")


@dataclass(frozen=True, slots=True)
class StaffHistory:
    """One change of a member.

    Attributes:
        at: Unix seconds.
        source: sync, event or job.
        field: store, name, left, status …
        before, after: decoded values.
    """

    at: int
    source: str
    field: str
    before: Any
    after: Any


def find_staff(db: Database, who: str) -> MemberRow:
    """One member by userid or name.

    Raises:
        NotFoundError: nobody; with the nearest names.
        UsageError: more than one has the name.
    """
    userid = find(db, who).userid
    return next(each for each in members(db) if each.userid == userid)


def history(db: Database, userid: str, limit: int = 100) -> list[StaffHistory]:
    """What happened to a member, newest first; not what happened with their customers."""
    marks = ",".join("?" * len(OWN_FIELDS))
    rows = db.execute(
        "SELECT at, source, field, before, after FROM timeline WHERE staff_id ="
        " (SELECT id FROM staff WHERE userid = ?) AND customer_id IS NULL"
        f" AND field IN ({marks}) ORDER BY at DESC, id DESC LIMIT ?",
        (userid, *OWN_FIELDS, limit),
    )
    return [
        StaffHistory(at, source, field, _decoded(before), _decoded(after))
        for at, source, field, before, after in rows
    ]


def _decoded(value: str | None) -> Any:
    return None if value is None else json.loads(value)
