"""What jobs mean: the worker's port to plans, answers and the journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from storeops.changes import row_results
from storeops.changes.action import FAILED, FINAL_STATUSES, QUEUED, Call, Row, RowResult
from storeops.changes.jobs.queue import Job
from storeops.changes.journal import JournalLine
from storeops.changes.ledger import Ledger
from storeops.changes.plans import Plan, by_id
from storeops.changes.rows import CHUNK, LEFT, addressed, chunks, from_record, row_digest
from storeops.i18n import _


class LedgerRecords:
    """`jobs.ports.JobRecords` over a ledger.

    Args:
        ledger: the profile's ledger; its journal names who runs the worker.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._plans: dict[int, Plan] = {}

    def _plan(self, plan_id: int) -> Plan:
        if plan_id not in self._plans:
            self._plans[plan_id] = by_id(self._ledger.db, plan_id)
        return self._plans[plan_id]

    def begin(self, connection: sqlite3.Connection) -> None:
        """Seal the journal up to here."""
        self._ledger.journal.seal_inside(connection, self._ledger.clock.now())

    def rows(
        self, connection: sqlite3.Connection, plan_id: int, numbers: Sequence[int]
    ) -> tuple[list[Row], Mapping[str, Any], list[tuple[Row, RowResult]]]:
        """Rows of a job without those that are over; what no longer fits its digest is refused."""
        rows: list[Row] = []
        refused: list[tuple[Row, RowResult]] = []
        unsent: set[int] = set()  # rows of which nothing was sent yet
        for part in chunks(numbers, CHUNK):
            marks = ",".join("?" * len(part))
            for record in connection.execute(
                f"SELECT {LEFT}, code, digest, status FROM plan_row"
                f" WHERE plan_id = ? AND row IN ({marks}) ORDER BY row",
                (plan_id, *part),
            ):
                if record[4] is None:
                    row = Row(record[0], "", record[3], record[1])
                    refused.append((row, _erased(row)))
                elif row_digest(*record[:8]) != record[8]:
                    row = from_record(record[:7])
                    refused.append((row, _altered(row)))
                elif record[9] not in FINAL_STATUSES:  # what has its answer is not sent again
                    rows.append(from_record(record[:7]))
                    if record[9] == QUEUED:
                        unsent.add(record[0])
        rows = addressed(self._ledger.db, rows)
        plan = self._plan(plan_id)
        if unsent and not self._ledger.policy.allows(plan.kind):
            refused += [
                (row, _not_allowed(row, plan.kind, plan.name)) for row in rows if row.row in unsent
            ]
            rows = [row for row in rows if row.row not in unsent]
            unsent.clear()
        veto = getattr(self._ledger.action(plan.kind), "veto", None)
        if veto is not None and unsent:
            asked = [row for row in rows if row.row in unsent]
            vetoed = veto(self._ledger.view(plan.params), asked)
            refused += [(row, vetoed[row.row]) for row in asked if row.row in vetoed]
            rows = [row for row in rows if row.row not in vetoed]
        return rows, {**plan.params, "profile": self._ledger.profile}, refused

    def record_intent(
        self, connection: sqlite3.Connection, calls: Sequence[tuple[Job, Call]]
    ) -> None:
        """One line per plan: these rows are about to be sent."""
        by_plan: dict[int, list[list[Any]]] = {}
        for job, call in calls:
            numbers = [row.row for row in call.rows]
            by_plan.setdefault(job.plan_id, []).append([job.id, job.attempts, numbers])
        lines = [
            JournalLine("call.intent", self._plan(plan_id).name, payload={"jobs": jobs})
            for plan_id, jobs in by_plan.items()
        ]
        self._ledger.journal.append(connection, lines, self._ledger.clock.now())

    def record_results(
        self,
        connection: sqlite3.Connection,
        job: Job,
        results: Sequence[tuple[Row, RowResult]],
        source: str,
    ) -> None:
        """Keep answers, journal them, write them to the mirror."""
        if not results:
            return
        lines = row_results.record_results(
            self._ledger, connection, self._plan(job.plan_id), results,
            source=source, job_id=job.id,
        )  # fmt: skip
        self._ledger.journal.append(connection, lines, self._ledger.clock.now())

    def pause(self, connection: sqlite3.Connection, plan_id: int, why: str) -> None:
        """Mark the plan as paused and say why."""
        connection.execute(
            "UPDATE plan SET paused = 1, paused_why = ? WHERE id = ?", (why, plan_id)
        )
        self._ledger.journal.append(
            connection,
            [JournalLine("plan.paused", self._plan(plan_id).name, payload={"why": why})],
            self._ledger.clock.now(),
        )

    def plan_name(self, plan_id: int) -> str:
        """What a person types for this plan."""
        return self._plan(plan_id).name

    def close(self) -> None:
        """Seal the journal's end."""
        self._ledger.journal.seal(self._ledger.db, self._ledger.clock.now())


def _altered(row: Row) -> RowResult:
    return RowResult(
        row.row,
        FAILED,
        meaning=_("This row was altered after the plan was made; it was not sent."),
        next_step=_("Run `storeops audit verify`, then make the plan again."),
    )


def _not_allowed(row: Row, kind: str, plan: str) -> RowResult:
    return RowResult(
        row.row,
        FAILED,
        meaning=_("This profile does not allow plans of the kind {kind}.").format(kind=kind),
        next_step=_("Nothing was sent. Allow the kind, then: storeops job retry {plan}").format(
            plan=plan
        ),
        retryable=True,
    )


def _erased(row: Row) -> RowResult:
    return RowResult(
        row.row, FAILED, meaning=_("The person was erased from this plan; nothing was sent.")
    )
