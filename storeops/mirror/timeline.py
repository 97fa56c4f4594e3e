"""The timeline: what was there before a fact changed, where the change came from, and when."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from storeops.database.database import Database
from storeops.plain import masked


@dataclass(slots=True)
class Recorder:
    """Collects the timeline entries of one transaction and knows whether any fact changed.

    Attributes:
        source: sync | event | job | note.
        ref: id of the run, event or job.
        now: Unix seconds of WeCom's clock.
        changed: set as soon as a fact is written; the revision grows then.
    """

    source: str
    ref: str
    now: int
    changed: bool = False
    _entries: list[tuple[Any, ...]] = field(default_factory=list)

    def add(
        self,
        field: str,
        before: object,
        after: object,
        *,
        customer_id: int | None = None,
        staff_id: int | None = None,
    ) -> None:
        """Note one change; None means that there was or is nothing."""
        self.changed = True
        self._entries.append(
            (
                self.now,
                self.source,
                self.ref,
                customer_id,
                staff_id,
                field,
                None if before is None else json.dumps(before, ensure_ascii=False),
                None if after is None else json.dumps(after, ensure_ascii=False),
            )
        )

    def flush(self, connection: sqlite3.Connection) -> None:
        """Write the entries collected so far."""
        if self._entries:
            connection.executemany(
                "INSERT INTO timeline (at, source, ref, customer_id, staff_id, field, before,"
                " after) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                self._entries,
            )
            self._entries.clear()


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line of history; `before` and `after` are decoded (str, int, list, dict or None)."""

    id: int
    at: int
    source: str
    ref: str
    external_userid: str | None
    userid: str | None
    field: str
    before: Any
    after: Any

    def masked(self) -> TimelineEntry:
        """The same with phone numbers masked, whatever form they have."""
        phone = self.field == "mobiles"
        return replace(
            self,
            before=masked(self.before, phone=phone),
            after=masked(self.after, phone=phone),
        )


def _decoded(value: str | None) -> Any:
    return None if value is None else json.loads(value)


_SELECT = (
    "SELECT t.id, t.at, t.source, t.ref, c.external_userid, s.userid, t.field, t.before, t.after"
    " FROM timeline AS t LEFT JOIN customer AS c ON c.id = t.customer_id"
    " LEFT JOIN staff AS s ON s.id = t.staff_id"
)


def _entry(row: Sequence[Any]) -> TimelineEntry:
    *columns, before, after = row
    return TimelineEntry(*columns, _decoded(before), _decoded(after))  # type: ignore[call-arg]


def of_customer(db: Database, external_userid: str, *, limit: int = 200) -> list[TimelineEntry]:
    """What happened to a customer, newest first; at most `limit` entries."""
    rows = db.execute(
        f"{_SELECT} WHERE t.customer_id = (SELECT id FROM customer WHERE external_userid = ?)"
        " ORDER BY t.at DESC, t.id DESC LIMIT ?",
        (external_userid, limit),
    )
    return [_entry(row) for row in rows]


def of_staff(db: Database, userid: str, *, limit: int = 200) -> list[TimelineEntry]:
    """What happened to a member and with their customers, newest first; at most `limit`."""
    rows = db.execute(
        f"{_SELECT} WHERE t.staff_id = (SELECT id FROM staff WHERE userid = ?)"
        " ORDER BY t.at DESC, t.id DESC LIMIT ?",
        (userid, limit),
    )
    return [_entry(row) for row in rows]


def of_ref(
    db: Database, source: str, ref: str, *, since: float = 0.0, limit: int = 1000
) -> list[TimelineEntry]:
    """Everything one run, event or job changed, oldest first.

    Args:
        db: data.db.
        source: sync | event | job | note.
        ref: its number.
        since: when it began, Unix seconds; 0 reads the whole table.
        limit: entries at most.
    """
    rows = db.execute(
        f"{_SELECT} WHERE t.at >= ? AND t.source = ? AND t.ref = ? ORDER BY t.id LIMIT ?",
        (since, source, ref, limit),
    )
    return [_entry(row) for row in rows]
