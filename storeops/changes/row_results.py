"""Row answers: kept, journaled and written to the mirror in one transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from storeops.changes import relations
from storeops.changes import rows as plan_rows
from storeops.changes.action import (
    BLOCKED,
    CANCELLED,
    DONE,
    FAILED,
    NO_RECORD,
    QUEUED,
    REFUSED,
    TAKER_FULL,
    UNDONE,
    UNKNOWN,
    VANISHED,
    WAITING,
    Row,
    RowResult,
    actions,
)
from storeops.changes.jobs import queue
from storeops.changes.journal import JournalLine, dump
from storeops.changes.ledger import Ledger
from storeops.changes.plans import Plan, by_id
from storeops.database.database import Database
from storeops.i18n import N_, _, said
from storeops.mirror.called import CUSTOMER_CALLED, MEMBER_CALLED
from storeops.plain import masked

CHUNK = 2000  # rows per transaction: others wait at most some tenths of a second
_UPDATE = (
    "UPDATE plan_row SET status = ?, errcode = ?, meaning = ?, next_step = ?, retryable = ?,"
    " due_at = ?, at = ?, answer = ?, job_id = coalesce(?, job_id) WHERE plan_id = ? AND row = ?"
)
_TO_MIRROR = (DONE, WAITING, FAILED, REFUSED, TAKER_FULL, VANISHED, NO_RECORD)


def record_results(
    ledger: Ledger,
    connection: sqlite3.Connection,
    plan: Plan,
    results: Sequence[tuple[Row, RowResult]],
    *,
    source: str,
    job_id: int | None = None,
) -> list[JournalLine]:
    """Keep answers of one plan; inside a transaction. Returns the lines to journal in it.

    Args:
        ledger: the profile's ledger.
        connection: in a write transaction on data.db.
        plan: the plan of the rows.
        results: rows with what is known of them now.
        source: who says so, for the journal: `job`, `read_back`, `watch`, `event` …
        job_id: the job that carried them, None for later answers.
    """
    now = ledger.clock.now()
    connection.executemany(
        _UPDATE,
        [
            (
                answer.status, answer.errcode, answer.meaning, answer.next_step,
                int(answer.retryable), answer.due_at, now,
                dump(answer.extra) if answer.extra else None, job_id, plan.id, row.row,
            )
            for row, answer in results
        ],
    )  # fmt: skip
    if plan.undo_of is not None:
        _mark_undone(connection, plan.undo_of, results, now)
    telling = [(row, answer) for row, answer in results if answer.status in _TO_MIRROR]
    if telling:
        ref = f"{plan.name}/{job_id}" if job_id is not None else plan.name
        ledger.action(plan.kind).facts(ledger.db, telling, ref, int(now))
    return [
        JournalLine(
            "row.answer",
            plan.name,
            row.row,
            row.external_userid or None,
            {
                "userid": row.userid,
                "subject": row.key,
                "before": masked(row.before),
                "after": masked(row.after),
                "status": answer.status,
                "errcode": answer.errcode,
                "source": source,
                "job": job_id,
            },
        )
        for row, answer in results
        if answer.status != QUEUED
    ]


def _mark_undone(
    connection: sqlite3.Connection,
    undone_plan: int,
    results: Sequence[tuple[Row, RowResult]],
    now: float,
) -> None:
    """Rows whose inverse is done were undone; those put back partly stay done.

    When an undo is undone, the rows that it had put back are done again.
    """
    connection.executemany(
        f"UPDATE plan_row SET status = '{UNDONE}', at = ?"
        f" WHERE plan_id = ? AND row = ? AND status = '{DONE}'",
        [
            (now, undone_plan, row.extra["undoes"])
            for row, answer in results
            if answer.status == DONE and "undoes" in row.extra and not row.extra.get("partly")
        ],
    )
    connection.executemany(
        f"UPDATE plan_row SET status = '{DONE}', at = ? WHERE status = '{UNDONE}'"
        " AND (plan_id, row) = (SELECT plan.undo_of, json_extract(undo.extra, '$.undoes')"
        "  FROM plan JOIN plan_row AS undo ON undo.plan_id = plan.id"
        "  WHERE plan.id = ? AND plan.undo_of IS NOT NULL AND undo.row = ?"
        f"  AND undo.status = '{UNDONE}')",
        [
            (now, undone_plan, row.extra["undoes"])
            for row, answer in results
            if answer.status == DONE and "undoes" in row.extra
        ],
    )


def record_late_results(
    ledger: Ledger, plan_id: int, answers: Sequence[RowResult], source: str
) -> int:
    """Later answers to rows that wait: kept, journaled, written to the mirror.

    Rows that already have a final answer are left alone, so that answering twice is harmless.
    Transactions hold at most 2,000 rows.

    Args:
        ledger: the profile's ledger.
        plan_id: plan.id.
        answers: at most one per row.
        source: who says so: `watch`, `event`, `sync`.

    Returns:
        How many rows took their answer.
    """
    plan = by_id(ledger.db, plan_id)
    taken = 0
    for part in plan_rows.chunks(answers, CHUNK):
        by_row: Mapping[int, RowResult] = {each.row: each for each in part}
        with ledger.db.atomic() as connection:
            ledger.journal.seal_inside(connection, ledger.clock.now())
            rows = plan_rows.load(
                ledger.db, plan.id, list(by_row), f"status IN ('{WAITING}', '{UNKNOWN}')"
            )
            results = [(row, by_row[row.row]) for row in rows]
            lines = record_results(ledger, connection, plan, results, source=source)
            ledger.journal.append(connection, lines, ledger.clock.now())
            end_waiting(connection, plan.id)
        taken += len(results)
    ledger.journal.seal(ledger.db, ledger.clock.now())
    return taken


def end_waiting(connection: sqlite3.Connection, plan_id: int) -> int:
    """Jobs of a plan whose rows no longer wait have succeeded. Returns how many."""
    return connection.execute(
        "UPDATE job SET status = 'succeeded' WHERE plan_id = ? AND status = 'waiting'"
        # CROSS JOIN and + begin at the few rows of a job, not at all waiting rows of the plan
        " AND NOT EXISTS (SELECT 1 FROM job_row CROSS JOIN plan_row"
        "  ON plan_row.plan_id = job.plan_id AND plan_row.row = job_row.row"
        "  WHERE job_row.job_id = job.id AND +plan_row.status = 'waiting')",
        (plan_id,),
    ).rowcount


@dataclass(frozen=True, slots=True)
class Result:
    """One row with its answer, as `plan results` lists it; times in Unix seconds."""

    row: int
    external_userid: str
    userid: str
    status: str
    errcode: int | None
    meaning: str
    next_step: str
    retryable: bool
    at: float | None
    retry_at: float | None
    due_at: float | None
    job_id: int | None
    code: str
    subject: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    extra: Mapping[str, Any]
    answer: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """The item of `plan results --json`, with the Action's own answer fields behind."""
        return {
            "row": self.row,
            "external_userid": self.external_userid,
            "userid": self.userid,
            "status": self.status,
            "errcode": self.errcode,
            "meaning": self.meaning,
            "next_step": self.next_step,
            "retryable": self.retryable,
            "at": self.at,
            **self.extra.get("answer", {}),  # what every row of this kind shows, answered or not
            **self.answer,
        }


_CUSTOMER = CUSTOMER_CALLED.format(id="plan_row.external_userid")
_MEMBER = MEMBER_CALLED.format(id="plan_row.userid")


def narrow(statuses: Sequence[str], words: Sequence[str]) -> tuple[str, list[str]]:
    """SQL that goes on after `WHERE plan_id = ?`, and its values; see `results`."""
    sql = f" AND status IN ({','.join('?' * len(statuses))})" if statuses else ""
    values = [*statuses]
    for word in words:
        sql += f" AND (external_userid = ? OR userid = ? OR {_CUSTOMER} OR {_MEMBER})"
        values += [word, word, word.lower(), word.lower()]
    return sql, values


def results(
    db: Database,
    plan_id: int,
    *,
    statuses: Sequence[str] = (),
    after: int = 0,
    limit: int | None = None,
    blocked_first: bool = False,
    words: Sequence[str] = (),
) -> Iterator[Result]:
    """Rows of a plan with their answers, read as they are asked for.

    Args:
        db: data.db.
        plan_id: plan.id.
        statuses: only these.
        after: only rows behind this number (paging).
        limit: rows, None for all.
        blocked_first: blocked rows before the others.
        words: only rows whose customer or member has them all in the name, or as id.
    """
    narrowed, values = narrow(statuses, words)
    order = "status <> 'blocked', row" if blocked_first else "row"
    found = db.execute(
        "SELECT row, external_userid, userid, status, errcode, meaning, next_step, retryable, at,"
        " retry_at, due_at, job_id, code, subject, before, after, extra, answer FROM plan_row"
        f" WHERE plan_id = ? AND row > ?{narrowed} ORDER BY {order} LIMIT ?",
        (plan_id, after, *values, -1 if limit is None else limit),
    )
    plan = db.execute("SELECT name, kind FROM plan WHERE id = ?", (plan_id,)).fetchone()
    if plan is None:  # a draft that has just been made a plan of: its rows are gone, too
        return
    name, kind = plan
    ends = {**_ENDS, **getattr(actions().get(kind), "ends", {})}
    held = queue.rows_left_unknown(db, plan_id)
    for record in found:
        result = _result(record, name, ends)
        if result.status == UNKNOWN and result.row in held and not record[6]:
            way = _("The plan is paused. Go on with: storeops plan resume {plan}")
            result = replace(result, next_step=way.format(plan=name))
        if f"--again {name}" in result.next_step:
            result = replace(result, next_step=_again_or_else(db, result, actions().get(kind)))
        yield result


def _again_or_else(db: Database, result: Result, action: Any) -> str:
    """The step that plans a row anew, or what stands before it, or that there is none."""
    (relation,) = relations.by_pairs(db, [(result.userid, result.external_userid)])
    if relation is None or relation.status in relations.GONE:
        return _(getattr(action, "gone", _GONE))
    first = getattr(action, "before_again", None)
    return (first(db, result) if first else "") or result.next_step


_GONE = N_("Nothing is left to plan: the customer is not with this member any more.")


# what a status means where WeCom gave no code, and what a person can do about it
_ENDS = {
    VANISHED: (
        N_("the relation was gone when the answer came"),
        N_("Sync, and look who has the customer now: storeops sync run"),
    ),
    FAILED: (
        N_("it was not done, and WeCom gave no reason"),
        N_("Look at it in WeCom before you try again."),
    ),
    UNKNOWN: (
        N_("it was sent, and nobody knows yet whether it happened"),
        N_("WeCom is asked about it: storeops job run --until-empty"),
    ),
    CANCELLED: (N_("it was taken back and did not happen"), N_("Plan it again if it is wanted.")),
}


def _result(record: Sequence[Any], name: str, ends: Mapping[str, tuple[str, str]]) -> Result:
    (row, external_userid, userid, status, errcode, meaning, next_step, retryable, *times) = record
    at, retry_at, due_at, job_id, code, subject, before, after, extra, answer = times
    meaning, next_step = said(meaning), said(next_step)
    if errcode and not (meaning and next_step):
        from storeops.wecom.errcodes import lookup

        known = lookup(errcode)
        meaning = meaning or known.meaning
        next_step = next_step or known.advice
    if status in ends and not (meaning and next_step):
        ending, way = ends[status]
        meaning = meaning or _(ending)
        next_step = next_step or _(way).format(plan=name)
    return Result(
        row, external_userid, userid, status, errcode, meaning, next_step, bool(retryable),
        at, retry_at, due_at, job_id, code, subject,
        json.loads(before or "{}"), json.loads(after or "{}"), json.loads(extra or "{}"),
        json.loads(answer or "{}"),
    )  # fmt: skip


def blocked_reasons(db: Database, plan_id: int) -> list[tuple[str, str, int]]:
    """(reason, way out, rows) of what is blocked in a plan, by code, most first.

    Reason and way out are those of the first such row.
    """
    found: list[tuple[str, str, int]] = [
        (said(reason), said(way_out), count)
        for reason, way_out, count, _first in db.execute(
            "SELECT meaning, next_step, count(*), min(row) FROM plan_row WHERE plan_id = ?"
            f" AND status = '{BLOCKED}' GROUP BY code ORDER BY 3 DESC, 4",
            (plan_id,),
        )
    ]
    return found
