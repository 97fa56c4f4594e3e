"""What the worker needs from the room above: somebody who keeps plans, answers and the journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from storeops.changes.action import Call, Row, RowResult
from storeops.changes.jobs.queue import Job


class JobRecords(Protocol):
    """Keeps what jobs mean. All but `close` run inside the worker's transaction."""

    def begin(self, connection: sqlite3.Connection) -> None:
        """A transaction has begun: seal the journal up to here."""

    def rows(
        self, connection: sqlite3.Connection, plan_id: int, numbers: Sequence[int]
    ) -> tuple[list[Row], Mapping[str, Any], list[tuple[Row, RowResult]]]:
        """(rows to send in order, plan.params with the name of the `profile` here, rows that must
        not be sent with their answer)."""

    def record_intent(
        self, connection: sqlite3.Connection, calls: Sequence[tuple[Job, Call]]
    ) -> None:
        """These calls are about to be sent: journal it."""

    def record_results(
        self,
        connection: sqlite3.Connection,
        job: Job,
        results: Sequence[tuple[Row, RowResult]],
        source: str,
    ) -> None:
        """Keep what is known of rows now, journal it, and write it to the mirror."""

    def pause(self, connection: sqlite3.Connection, plan_id: int, why: str) -> None:
        """Nothing more of this plan is claimed until somebody resumes it."""

    def plan_name(self, plan_id: int) -> str:
        """What a person types for this plan."""

    def close(self) -> None:
        """The work is over: seal the journal; in no transaction."""
