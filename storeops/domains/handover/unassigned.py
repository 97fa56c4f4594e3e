"""What leavers left behind: customers that wait for a new owner, with the days left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from storeops.database.database import Database
from storeops.mirror.members import find

DAYS = 365  # after leaving, WeCom hands customers over for so long (doc 94081)


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many wait.

    Attributes:
        customers: that wait for a new owner.
        leavers: members who left them behind.
        first_left_at: when the first of those left, Unix seconds; None when nobody waits.
    """

    customers: int
    leavers: int
    first_left_at: int | None


def backlog(db: Database) -> Backlog:
    """Count them."""
    return Backlog(
        *db.execute(
            "SELECT count(DISTINCT external_userid), count(DISTINCT handover_userid),"
            " min(dimission_time) FROM unassigned"
        ).fetchone()
    )


def list_unassigned(
    db: Database, *, owners: Sequence[str] = (), limit: int | None, now: float
) -> Iterator[dict[str, Any]]:
    """Unassigned rows, who left first first.

    Args:
        db: data.db.
        owners: userids or names of leavers; nothing for all.
        limit: rows; None for all, streamed.
        now: Unix seconds.

    Returns:
        `{handover_userid, staff_name, store, external_userid, name, dimission_time, days_left}`
        rows.

    Raises:
        NotFoundError, UsageError: an owner is not found, or not certain.
    """
    params = [find(db, each).userid for each in owners]
    where = f"WHERE u.handover_userid IN ({','.join('?' * len(params))})" if params else ""
    rows = db.execute(
        "SELECT u.handover_userid, coalesce(s.name, ''), coalesce(d.name, ''), u.external_userid,"
        " coalesce(c.name, ''), u.dimission_time FROM unassigned u"
        " LEFT JOIN staff s ON s.userid = u.handover_userid"
        " LEFT JOIN department d ON d.id = s.main_department"
        f" LEFT JOIN customer c ON c.external_userid = u.external_userid {where}"
        " ORDER BY u.dimission_time, u.handover_userid, u.external_userid LIMIT ?",
        (*params, -1 if limit is None else limit),
    )
    return _rows(rows, now)


def _rows(rows: Any, now: float) -> Iterator[dict[str, Any]]:
    for userid, staff, store, external_userid, name, left in rows:
        yield {
            "handover_userid": userid,
            "staff_name": staff,
            "store": store,
            "external_userid": external_userid,
            "name": name,
            "dimission_time": left,
            "days_left": max(0, DAYS - int((now - left) // 86_400)),
        }
