"""Plans that are carried out elsewhere: for whom one is made here, and what came in about ours.

Head office makes a plan for a shop that asked (`made_for`), and its answers flow down. In the back
office `settle` brings the plan that was asked for to what has come in.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from storeops.changes import plans
from storeops.changes import rows as plan_rows
from storeops.changes.action import (
    ASKED,
    BLOCKED,
    CANCELLED,
    FINAL_STATUSES,
    PLANNED,
    QUEUED,
    RowResult,
)
from storeops.changes.journal import JournalLine
from storeops.changes.ledger import Ledger
from storeops.changes.plans import Plan
from storeops.database.database import Database
from storeops.i18n import N_, kept

# -- where it is carried out -----------------------------------------------------------------------


def made_for(
    connection: sqlite3.Connection, plan: int, request: int, store: int, rows: Sequence[int]
) -> None:
    """Note for whom a plan is made, in the transaction that makes it.

    Args:
        connection: in a write transaction.
        plan: plan.id.
        request: number of the request.
        store: department id of the shop that asked.
        rows: for each row of the plan, in order, its number where it was asked for.
    """
    connection.execute(
        "INSERT INTO plan_asker (plan_id, request, store) VALUES (?, ?, ?)", (plan, request, store)
    )
    connection.executemany(
        "INSERT INTO plan_asker_row (plan_id, row, asker_row) VALUES (?, ?, ?)",
        [(plan, row, asked) for row, asked in enumerate(rows, start=1)],
    )


def rows_by_asker(connection: sqlite3.Connection, plan: int) -> dict[int, int]:
    """Number of a row where it was asked for → its number here."""
    return dict(
        connection.execute(
            "SELECT asker_row, row FROM plan_asker_row WHERE plan_id = ?", (plan,)
        ).fetchall()
    )


def asked_for(db: Database) -> int | None:
    """A plan (plan.id) that somebody elsewhere asked for, and that has calls to be sent; None.

    Args:
        db: data.db of head office.
    """
    row = db.execute(
        "SELECT j.plan_id FROM job AS j JOIN plan_asker AS r ON r.plan_id = j.plan_id"
        " WHERE j.status IN ('queued', 'sending', 'unknown') AND j.held = 0 LIMIT 1"
    ).fetchone()
    return row[0] if row else None


def begun_elsewhere(db: Database, begun: int) -> int | None:
    """A plan (plan.id) that another host was sending, and that has calls to be sent; None.

    Args:
        db: data.db of head office.
        begun: the newest job that the other host would have gone on with; 0 for none.
    """
    row = db.execute(
        "SELECT plan_id FROM job WHERE status = 'queued' AND held = 0 AND id <= :begun"
        " UNION ALL SELECT plan_id FROM job WHERE status = 'sending' AND id <= :begun"
        " UNION ALL SELECT plan_id FROM job"
        "  WHERE status = 'unknown' AND held = 0 AND id <= :begun LIMIT 1",
        {"begun": begun},
    ).fetchone()
    return row[0] if row else None


# -- where it was asked for ------------------------------------------------------------------------

WITHDRAWN = "withdrawn"  # the shop took it back before head office decided
_REFUSED = N_("Head office refused: {why}")
_AGAIN = N_("Make a new plan, or ask head office.")


def settle(ledger: Ledger, plan_id: int, request: int | None, decision: str, why: str) -> bool:
    """Bring a plan that was asked for to what has come in; whether anything of it changed.

    Everything is compared with what stands here, so that it may be done at any time and again.

    Args:
        ledger: of the back office.
        plan_id: plan.id.
        request: its number at head office; None when that did not take it.
        decision: asked, approved, refused or withdrawn.
        why: why it waits, was refused or taken back.
    """
    with ledger.db.atomic() as connection:
        plan = plans.by_id(ledger.db, plan_id)
        status, why, paused = _state(connection, plan, request, decision, why)
        lines = _settle_jobs(connection, plan, request) if status == plans.APPLIED else 0
        rows = _settle_rows(ledger, connection, plan, request, status, why)
        was = (plan.status, plan.paused_why, int(plan.paused))
        journal: list[JournalLine] = []
        if status == plans.APPLIED and plan.status != status:
            payload = {"hash": plan.hash, "rows": plan.ready, "jobs": 0, "reason": plan.reason,
                       "by": "head office"}  # fmt: skip
            journal.append(JournalLine("plan.applied", plan.name, payload=payload))
        elif status != plan.status and status in (plans.APPROVED, plans.REFUSED, plans.CANCELLED):
            payload = {"reason": why, "by": "head office"}
            journal.append(JournalLine(f"plan.{status}", plan.name, payload=payload))
        journal += rows
        if was == (status, why, paused) and not journal and not lines:
            return False
        connection.execute(
            "UPDATE plan SET status = ?, paused = ?, paused_why = ? WHERE id = ?",
            (status, paused, why, plan_id),
        )
        ledger.journal.append(connection, journal, ledger.clock.now())
    return True


def _state(
    connection: sqlite3.Connection, plan: Plan, request: int | None, decision: str, why: str
) -> tuple[str, str, int]:
    """(status of the plan here, why, whether it is paused) by what head office says.

    Where it says nothing of its plan (everything comes anew, or what is old was taken out there),
    what it said before stands.
    """
    if decision == plans.REFUSED:
        return plans.REFUSED, why, 0
    if decision == WITHDRAWN:
        return plans.CANCELLED, "", 0
    if decision == plans.ASKED and plan.status == plans.CANCELLED:
        return plan.status, plan.paused_why, 0  # taken back; head office's word of that is to come
    row = connection.execute(
        "SELECT status, paused, paused_why FROM elsewhere_plan WHERE request = ?", (request,)
    ).fetchone()
    if row is not None and row[0] in (plans.APPLIED, plans.CANCELLED):
        return row[0], row[2], row[1]
    if row is None and plan.status in (plans.APPLIED, plans.CANCELLED):
        return plan.status, plan.paused_why, int(plan.paused)
    return (plans.APPROVED, "", 0) if decision == plans.APPROVED else (plans.ASKED, why, 0)


def _settle_rows(
    ledger: Ledger,
    connection: sqlite3.Connection,
    plan: Plan,
    request: int | None,
    status: str,
    why: str,
) -> list[JournalLine]:
    """Answers of rows as head office has them; returns the lines to journal."""
    now = ledger.clock.now()
    now_by_row = {
        row[0]: row[1:]
        for row in connection.execute(
            "SELECT row, status, errcode, meaning, next_step, retryable, due_at, job_id, answer,"
            " external_userid, userid, subject FROM plan_row WHERE plan_id = ?",
            (plan.id,),
        )
    }
    told: dict[int, tuple[Any, ...]] = {}
    if request is not None:
        for row, state, *more in connection.execute(
            "SELECT row, status, errcode, meaning, next_step, retryable, due_at, job_id, answer"
            " FROM elsewhere_row WHERE request = ?",
            (request,),
        ):
            told[row] = (ASKED if state == PLANNED else state, *more)
    if status == plans.REFUSED:
        refused = (BLOCKED, None, kept(_REFUSED, why=why), kept(_AGAIN), 0, None, None, None)
        for row, have in now_by_row.items():
            if have[0] == ASKED or (have[0] == BLOCKED and row in told):
                # a row's own reason says more than the whole's
                own = told.get(row)
                told[row] = own if own is not None and own[0] == BLOCKED else refused
            else:
                told.pop(row, None)
    if status == plans.CANCELLED:  # nothing of it is asked any more
        stays = {row for row, answer in told.items() if answer[0] == ASKED}
        told = {row: answer for row, answer in told.items() if row not in stays}
        off = (CANCELLED, None, "", "", 0, None, None, None)
        told |= {r: off for r, have in now_by_row.items() if have[0] == ASKED and r not in told}
    lines: list[JournalLine] = []
    answers: dict[int, RowResult] = {}
    for row, said in told.items():
        have = now_by_row.get(row)
        if have is None or have[:8] == said:
            continue
        connection.execute(
            "UPDATE plan_row SET status = ?, errcode = ?, meaning = ?, next_step = ?,"
            " retryable = ?, due_at = ?, job_id = ?, answer = ?, at = ?"
            " WHERE plan_id = ? AND row = ?",
            (*said, now, plan.id, row),
        )
        if said[0] == QUEUED and have[0] in FINAL_STATUSES:
            lines.append(JournalLine("plan.retried", plan.name, payload={"rows": 1, "jobs": 0}))
        if said[0] == CANCELLED and have[0] != CANCELLED:
            lines.append(JournalLine("job.cancelled", plan.name, payload={"rows": 1}))
        state, errcode, meaning, next_step, retryable, due_at, _job, extra = said
        answers[row] = RowResult(
            row, state, errcode, meaning, next_step, bool(retryable), due_at,
            json.loads(extra) if extra else None,
        )  # fmt: skip
        if said[:2] != have[:2] and said[0] not in (ASKED, QUEUED, CANCELLED):
            payload = {
                "userid": have[9], "subject": have[10], "status": said[0], "errcode": said[1],
                "source": "head office", "job": said[6],
            }  # fmt: skip
            lines.append(JournalLine("row.answer", plan.name, row, have[8] or None, payload))
    hear = getattr(ledger.actions.get(plan.kind), "answered_elsewhere", None)
    if hear is not None and answers:
        asked = plan_rows.load(ledger.db, plan.id, list(answers), "before IS NOT NULL")
        hear(ledger.db, [(row, answers[row.row]) for row in asked], plan.name, int(now))
    return lines


_JOB = (
    "id, action, size, status, held, priority, run_at, attempts, asks, errcode, error, created_at,"
    " started_at, finished_at"
)


def _settle_jobs(connection: sqlite3.Connection, plan: Plan, request: int | None) -> int:
    """Jobs as head office has them, under its numbers; nobody works at them here."""
    wrote = connection.execute(
        f"INSERT OR REPLACE INTO job ({_JOB}, plan_id) SELECT {_JOB}, ? FROM elsewhere_job AS h"
        " WHERE request = ? AND NOT EXISTS (SELECT 1 FROM job AS j WHERE j.id = h.id"
        "  AND j.plan_id = ? AND j.status = h.status AND j.held = h.held"
        "  AND j.attempts = h.attempts AND j.errcode IS h.errcode)",
        (plan.id, request, plan.id),
    ).rowcount
    connection.execute(
        "INSERT OR IGNORE INTO job_row (job_id, row) SELECT c.job_id, c.row"
        " FROM elsewhere_job_row AS c JOIN elsewhere_job AS h"
        " ON h.id = c.job_id WHERE h.request = ?",
        (request,),
    )
    return wrote


def cancelled(ledger: Ledger, connection: sqlite3.Connection, plan: Plan, reason: str) -> int:
    """Cancel a plan that was asked for and will not be carried out, in a write transaction.

    Args:
        ledger: of the back office.
        connection: in a write transaction.
        plan: the plan.
        reason: why.

    Returns:
        How many rows are cancelled by that; 0 when something else has become of the plan.
    """
    took = connection.execute(
        "UPDATE plan SET status = ?, paused_why = '' WHERE id = ? AND status = ?",
        (plans.CANCELLED, plan.id, plans.ASKED),
    ).rowcount
    if not took:
        return 0
    rows = connection.execute(
        "UPDATE plan_row SET status = ?, at = ? WHERE plan_id = ? AND status = ?",
        (CANCELLED, ledger.clock.now(), plan.id, ASKED),
    ).rowcount
    payload = {"rows": rows, "asked": 0, "reason": reason}
    line = JournalLine("plan.cancelled", plan.name, payload=payload)
    ledger.journal.append(connection, [line], ledger.clock.now())
    return rows
