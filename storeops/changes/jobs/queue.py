"""The queue: jobs put in, claimed by one statement, ended. Statements only, no policy.

Life of a job: queued → sending → succeeded | failed | waiting, or sending → unknown → … when its
worker died or its answer was lost; queued → cancelled. A job that is out when its plan is paused
or cancelled is held or cancelled once WeCom shows that it did not happen. A key is free when no
other unfinished job that comes first, or is under way, has it; a paused job lets others pass.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from storeops.database.database import Database

QUEUED, SENDING, UNKNOWN, WAITING = "queued", "sending", "unknown", "waiting"
SUCCEEDED, FAILED, CANCELLED = "succeeded", "failed", "cancelled"
STATUSES = (QUEUED, SENDING, UNKNOWN, WAITING, SUCCEEDED, FAILED, CANCELLED)
UNFINISHED = (QUEUED, SENDING, UNKNOWN)  # something is still to be sent or asked
HOLD, DROP = 1, 2  # job.halt

_COLUMNS = "id, plan_id, action, size, status, attempts, asks, priority, run_at, doubts"

_FREE = """NOT EXISTS (
    SELECT 1 FROM job_key AS mine
    JOIN job_key AS other ON other.key = mine.key AND other.job_id <> mine.job_id
    JOIN job AS rival ON rival.id = other.job_id
    WHERE mine.job_id = job.id
      AND (rival.status = 'sending' OR (rival.status = 'unknown' AND rival.held = 0)
           OR (rival.id < job.id AND rival.status = 'queued' AND rival.held = 0)))"""

# what the claim is: one statement, atomic over all threads and processes
_CLAIM = f"""
UPDATE job SET status = 'sending', worker = :worker, attempts = attempts + 1, asks = 0,
    started_at = coalesce(started_at, :now)
WHERE id IN (
    SELECT id FROM job INDEXED BY job_ready
    WHERE status = 'queued' AND held = 0 AND run_at <= :now AND {_FREE}
    ORDER BY priority DESC, id LIMIT :limit)
RETURNING {_COLUMNS}"""

_CLAIM_UNKNOWN = f"""
UPDATE job SET worker = :worker, asks = asks + 1
WHERE id IN (
    SELECT id FROM job INDEXED BY job_unknown
    WHERE status = 'unknown' AND held = 0 AND worker IS NULL AND run_at <= :now
    ORDER BY id LIMIT :limit)
RETURNING {_COLUMNS}"""


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed job."""

    id: int
    plan_id: int
    action: str
    size: int
    status: str
    attempts: int
    reconcile_attempts: int
    priority: int
    run_at: float
    ambiguous_sends: int = 0


def put(
    connection: sqlite3.Connection,
    plan_id: int,
    action: str,
    calls: Iterable[tuple[Sequence[int], Sequence[str]]],
    *,
    now: float,
    priority: int = 0,
    ambiguous_sends: int = 0,
    attempts: int = 0,
    wait_s: float = 0.0,
    held: bool = False,
) -> int:
    """Queue one job per call, in order; inside a transaction. Returns how many.

    Args:
        connection: in a write transaction on data.db.
        plan_id: plan.id.
        action: Action.name.
        calls: (row numbers, order keys) of each call.
        now: WeCom's time, Unix seconds.
        priority: larger is claimed first.
        ambiguous_sends: how often their rows were sent without an answer, in that job before.
        attempts: how often they were sent in that job.
        wait_s: seconds until they may be sent.
        held: their plan is paused.
    """
    first = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM job").fetchone()[0]
    jobs: list[tuple[Any, ...]] = []
    rows: list[tuple[int, int]] = []
    keys: list[tuple[str, int]] = []
    for job_id, (numbers, order_keys) in enumerate(calls, start=first):
        # 0: at once, even if the clock is set back
        run_at = now + wait_s if wait_s else 0
        counted = (priority, run_at, now, ambiguous_sends, attempts, int(held))
        jobs.append((job_id, plan_id, action, len(numbers), *counted))
        rows.extend((job_id, number) for number in numbers)
        keys.extend((key, job_id) for key in set(order_keys))
    connection.executemany(
        "INSERT INTO job (id, plan_id, action, size, status, priority, run_at, created_at, doubts,"
        " attempts, held) VALUES (?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?)",
        jobs,
    )
    connection.executemany("INSERT INTO job_row (job_id, row) VALUES (?, ?)", rows)
    connection.executemany("INSERT INTO job_key (key, job_id) VALUES (?, ?)", keys)
    return len(jobs)


def claim(connection: sqlite3.Connection, worker: int, now: float, limit: int) -> list[Job]:
    """Take up to `limit` jobs that may run now; they are `sending` from here on."""
    found = connection.execute(_CLAIM, {"worker": worker, "now": now, "limit": limit})
    return sorted((Job(*each) for each in found), key=lambda job: (-job.priority, job.id))


def claim_unknown(connection: sqlite3.Connection, worker: int, now: float, limit: int) -> list[Job]:
    """Take up to `limit` jobs of which nobody knows whether they were sent, to ask WeCom."""
    found = connection.execute(_CLAIM_UNKNOWN, {"worker": worker, "now": now, "limit": limit})
    return sorted((Job(*each) for each in found), key=lambda job: job.id)


def rows_of(connection: sqlite3.Connection, jobs: Sequence[int]) -> dict[int, list[int]]:
    """Row numbers of jobs, in order."""
    found: dict[int, list[int]] = {job: [] for job in jobs}
    marks = ",".join("?" * len(jobs))
    for job, row in connection.execute(
        f"SELECT job_id, row FROM job_row WHERE job_id IN ({marks}) ORDER BY job_id, row",
        tuple(jobs),
    ):
        found[job].append(row)
    return found


def end(
    connection: sqlite3.Connection,
    ended: Sequence[tuple[int, str, int | None, str]],
    now: float,
) -> None:
    """Finish jobs: (id, succeeded | failed | waiting | cancelled, errcode, error category)."""
    connection.executemany(
        "UPDATE job SET status = ?, errcode = ?, error = ?, finished_at = ?, worker = NULL"
        " WHERE id = ?",
        [(status, errcode, error, now, job) for job, status, errcode, error in ended],
    )
    connection.executemany("DELETE FROM job_key WHERE job_id = ?", [(each[0],) for each in ended])


def put_back(
    connection: sqlite3.Connection,
    job: int,
    *,
    run_at: float,
    errcode: int | None,
    error: str,
    count: bool = True,
) -> None:
    """Queue a claimed job again, not before `run_at`; `count` False forgives the attempt.

    It is held when its plan was paused meanwhile.
    """
    connection.execute(
        "UPDATE job SET status = 'queued', worker = NULL, run_at = ?, errcode = ?, error = ?,"
        " attempts = attempts - ?, held = (halt = 1) WHERE id = ?",
        (run_at, errcode, error, 0 if count else 1, job),
    )


def make_unknown(
    connection: sqlite3.Connection, job: int, *, run_at: float, errcode: int | None, error: str
) -> None:
    """Sent, and nobody knows whether it happened: ask from `run_at` on."""
    connection.execute(
        "UPDATE job SET doubts = doubts + (status = 'sending'), status = 'unknown', worker = NULL,"
        " run_at = ?, errcode = ?, error = ? WHERE id = ?",
        (run_at, errcode, error, job),
    )


def hold_unknown(connection: sqlite3.Connection, job: int) -> None:
    """Ask no more about a job of unknown fate, until its plan is resumed."""
    connection.execute("UPDATE job SET held = 1 WHERE id = ? AND status = 'unknown'", (job,))


def left_unknown(db: Database, plan_id: int) -> int:
    """Jobs of a plan of which nobody knows whether they happened, and nobody asks any more."""
    count: int = db.execute(
        "SELECT count(*) FROM job WHERE plan_id = ? AND status = 'unknown' AND held = 1", (plan_id,)
    ).fetchone()[0]
    return count


def rows_left_unknown(db: Database, plan_id: int) -> set[int]:
    """The rows of these jobs."""
    found = db.execute(
        "SELECT r.row FROM job AS j JOIN job_row AS r ON r.job_id = j.id"
        " WHERE j.plan_id = ? AND j.status = 'unknown' AND j.held = 1",
        (plan_id,),
    )
    return {row for (row,) in found}


def hold(connection: sqlite3.Connection, plan_id: int, held: bool) -> int:
    """Pause the queued jobs of a plan, or resume what is held of it. Returns how many.

    A job that is out is asked about all the same, and held when it would be sent again.
    """
    connection.execute(
        "UPDATE job SET halt = ? WHERE plan_id = ? AND halt = ?"
        " AND status IN ('queued', 'sending', 'unknown')",
        (HOLD if held else 0, plan_id, 0 if held else HOLD),
    )
    if not held:
        connection.execute(
            "UPDATE job SET asks = 0, run_at = 0"
            " WHERE plan_id = ? AND status = 'unknown' AND held = 1",
            (plan_id,),
        )
    which = "status = 'queued'" if held else "status IN ('queued', 'unknown')"
    return connection.execute(
        f"UPDATE job SET held = ? WHERE plan_id = ? AND {which} AND held <> ?",
        (int(held), plan_id, int(held)),
    ).rowcount


def cancel(
    connection: sqlite3.Connection, now: float, *, plan_id: int | None = None,
    job_id: int | None = None,
) -> list[tuple[int, int]]:  # fmt: skip
    """Cancel what is queued, or held after a restore, of a plan or of one job.

    Returns:
        (plan.id, row) of their rows.
    """
    column, value = ("plan_id", plan_id) if job_id is None else ("id", job_id)
    jobs = [
        each[0]
        for each in connection.execute(
            f"SELECT id FROM job WHERE {column} = ?"
            " AND (status = 'queued' OR (status = 'unknown' AND held = 1 AND error = 'restored'))",
            (value,),
        )
    ]
    rows = []
    for job in jobs:
        rows += connection.execute(
            "SELECT job.plan_id, row FROM job JOIN job_row ON job_id = job.id WHERE job.id = ?",
            (job,),
        ).fetchall()
    end(connection, [(job, CANCELLED, None, "") for job in jobs], now)
    return rows


def drop(
    connection: sqlite3.Connection, *, plan_id: int | None = None, job_id: int | None = None
) -> int:
    """Let nothing of a plan, or of one job, be sent again that is out now. Returns the rows."""
    column, value = ("plan_id", plan_id) if job_id is None else ("id", job_id)
    rows: int = connection.execute(
        f"SELECT coalesce(sum(size), 0) FROM job WHERE {column} = ?"
        " AND status IN ('sending', 'unknown') AND halt <> ?",
        (value, DROP),
    ).fetchone()[0]
    connection.execute(
        f"UPDATE job SET halt = ? WHERE {column} = ? AND status IN ('sending', 'unknown')",
        (DROP, value),
    )
    connection.execute(  # nobody asks about these any more: once again, for a person waits now
        "UPDATE job SET held = 0, asks = 0, run_at = 0"
        f" WHERE {column} = ? AND status = 'unknown' AND held = 1",
        (value,),
    )
    return rows


def stop_asked_of(connection: sqlite3.Connection, job: int) -> int:
    """What becomes of a job that did not happen: 0 sent again, HOLD, DROP."""
    asked_to_stop: int = connection.execute("SELECT halt FROM job WHERE id = ?", (job,)).fetchone()[
        0
    ]
    return asked_to_stop


def shrink(connection: sqlite3.Connection, job: int, rows: Iterable[int]) -> None:
    """Take rows that have their answer, or go on in another job, out of a job."""
    connection.executemany(
        "DELETE FROM job_row WHERE job_id = ? AND row = ?", [(job, row) for row in rows]
    )
    connection.execute(
        "UPDATE job SET size = (SELECT count(*) FROM job_row WHERE job_id = job.id) WHERE id = ?",
        (job,),
    )


def event(
    connection: sqlite3.Connection, events: Iterable[tuple[int, str, str]], now: float
) -> None:
    """Note (job, kind, detail) in the job's log; details are English and name no person."""
    connection.executemany(
        "INSERT INTO job_event (job_id, at, kind, detail) VALUES (?, ?, ?, ?)",
        [(job, now, kind, detail) for job, kind, detail in events],
    )


def counts(db: Database, plan_id: int | None = None) -> dict[str, int]:
    """Jobs per status, of one plan or of all."""
    where, values = ("WHERE plan_id = ?", (plan_id,)) if plan_id is not None else ("", ())
    found: dict[str, int] = dict(
        db.execute(f"SELECT status, count(*) FROM job {where} GROUP BY status", values).fetchall()
    )
    return {status: found[status] for status in STATUSES if status in found}


def unfinished(db: Database, plan_id: int | None = None) -> int:
    """Jobs that still have something to send or to ask, paused ones included."""
    if plan_id is not None:
        found = counts(db, plan_id)
        return sum(found.get(status, 0) for status in UNFINISHED)
    # four partial indexes: the same cost beside a million finished jobs
    count: int = db.execute(
        "SELECT (SELECT count(*) FROM job WHERE status = 'queued' AND held = 0)"
        " + (SELECT count(*) FROM job WHERE status = 'queued' AND held = 1)"
        " + (SELECT count(*) FROM job WHERE status = 'sending')"
        " + (SELECT count(*) FROM job WHERE status = 'unknown')"
    ).fetchone()[0]
    return count


def under_way(db: Database) -> bool:
    """Whether any job is being sent or of unknown fate, in whatever process."""
    row = db.execute(
        "SELECT EXISTS (SELECT 1 FROM job WHERE status = 'sending')"
        " OR EXISTS (SELECT 1 FROM job WHERE status = 'unknown' AND held = 0)"
    ).fetchone()
    return bool(row[0])


def pending_beside(db: Database, plans: Iterable[int]) -> bool:
    """Whether anything is left to send or to ask that is not of these (paused) plans."""
    apart = ",".join(str(int(each)) for each in plans)
    row = db.execute(
        "SELECT EXISTS (SELECT 1 FROM job INDEXED BY job_ready"
        "  WHERE status = 'queued' AND held = 0)"
        " OR EXISTS (SELECT 1 FROM job WHERE status = 'sending')"
        " OR EXISTS (SELECT 1 FROM job"
        f"  WHERE status = 'unknown' AND held = 0 AND plan_id NOT IN ({apart}))"
    ).fetchone()
    return bool(row[0])


def next_due(db: Database) -> float | None:
    """When the next job that nobody holds may run (WeCom's clock); None when there is none."""
    row = db.execute(
        "SELECT min(at) FROM (SELECT min(run_at) AS at FROM job INDEXED BY job_ready"
        "  WHERE status = 'queued' AND held = 0"
        " UNION ALL SELECT min(run_at) FROM job INDEXED BY job_unknown"
        "  WHERE status = 'unknown' AND held = 0 AND worker IS NULL)"
    ).fetchone()
    due: float | None = row[0]
    return due


def hold_after_restore(connection: sqlite3.Connection, now: float) -> dict[int, int]:
    """After a backup was restored every unfinished job may have been done, and undone, since.

    They are unknown and held: nothing of them is asked or sent until a person resumes their plan,
    and then WeCom is asked first (`read_back`).

    Returns:
        Jobs by plan.id.
    """
    jobs = connection.execute(
        "SELECT id, plan_id FROM job WHERE status IN ('queued', 'sending', 'unknown')"
    ).fetchall()
    connection.execute(
        "UPDATE job SET status = 'unknown', held = 1, worker = NULL, run_at = 0,"
        " error = 'restored', doubts = doubts + 1 WHERE status IN ('queued', 'sending', 'unknown')"
    )
    connection.execute("UPDATE worker SET finished_at = heartbeat_at WHERE finished_at IS NULL")
    event(connection, [(job, "held", "a backup was restored") for job, _plan in jobs], now)
    return dict(Counter(plan for _job, plan in jobs))
