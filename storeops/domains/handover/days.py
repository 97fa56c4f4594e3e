"""Attempts day by day, for reports: what was done or refused within a span, what waited at its end.

An attempt belongs to the day on which it happened (WeCom's takeover_time), and where WeCom does not
tell, to the day on which the answer came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from storeops.changes.action import DONE, WAITING
from storeops.database.database import Database
from storeops.domains.handover import rules


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One customer who was to go from one member to another.

    Attributes:
        handover_userid, takeover_userid, external_userid: who, to whom, which customer.
        status: how it stood at the end of the span: waiting, or a final row status.
        asked_at: Unix seconds.
        settled_at: when it ended, Unix seconds; None while it waited.
    """

    handover_userid: str
    takeover_userid: str
    external_userid: str
    status: str
    asked_at: float
    settled_at: float | None


@dataclass(frozen=True, slots=True)
class SpanOfAttempts:
    """What a span brought.

    Attributes:
        settled: those that ended within it.
        waiting: those that had been asked and had not ended when it was over.
        due: how many of the latter were due by then and have not been asked about since: how they
            ended is not known.
    """

    settled: Sequence[AttemptRecord]
    waiting: Sequence[AttemptRecord]
    due: int

    def ended(self, status: str) -> list[AttemptRecord]:
        """Those that ended in this way: done, refused …"""
        return [each for each in self.settled if each.status == status]


def within(db: Database, start: float, end: float) -> SpanOfAttempts:
    """The customers' attempts of the span [start, end), Unix seconds."""
    columns = "handover_userid, takeover_userid, subject"
    settled = db.execute(
        f"SELECT {columns}, status, asked_at, settled_at FROM handover WHERE what = ?"
        " AND status <> ? AND settled_at >= ? AND settled_at < ? ORDER BY settled_at",
        (rules.CUSTOMER, WAITING, start, end),
    )
    open_then = db.execute(
        f"SELECT {columns}, status, asked_at, settled_at, due_at FROM handover WHERE what = ?"
        " AND asked_at < ? AND (status = ? OR settled_at >= ?) ORDER BY asked_at",
        (rules.CUSTOMER, end, WAITING, end),
    ).fetchall()
    return SpanOfAttempts(
        [AttemptRecord(*row) for row in settled],
        [AttemptRecord(row[0], row[1], row[2], WAITING, row[4], None) for row in open_then],
        sum(row[3] == WAITING and row[6] < end for row in open_then),
    )


def moved_since(db: Database, moment: float) -> dict[tuple[str, str], float]:
    """(handover_userid, external_userid) → when the customer really moved, Unix seconds.

    Args:
        db: data.db.
        moment: only those that moved from then on.
    """
    return {
        (owner, external): settled
        for owner, external, settled in db.execute(
            "SELECT handover_userid, subject, settled_at FROM handover WHERE what = ?"
            " AND status = ? AND settled_at >= ? ORDER BY settled_at",
            (rules.CUSTOMER, DONE, moment),
        )
    }
