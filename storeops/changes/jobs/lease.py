"""Who works at the queue: one heartbeat per worker instead of one per job.

A worker is dead when its process is gone, or when it has not been heard of for a minute; what it
held is then unknown. Heartbeats use this machine's clock (all processes share it), for WeCom's
clock may jump.
"""

from __future__ import annotations

import sqlite3
import time

from storeops.limits.lease_owners import is_alive, new_lease_owner

BEAT_S = 5.0  # a worker says so often that it lives
SILENT_S = 60.0  # after that long without a word it is taken for dead


def register(connection: sqlite3.Connection) -> int:
    """A new worker of this process; returns worker.id."""
    now = time.time()
    worker = connection.execute(
        "INSERT INTO worker (holder, started_at, heartbeat_at) VALUES (?, ?, ?)",
        (new_lease_owner(), now, now),
    ).lastrowid
    assert worker is not None
    return worker


def heartbeat(connection: sqlite3.Connection, worker: int) -> None:
    """Say that the worker lives."""
    connection.execute(
        "UPDATE worker SET heartbeat_at = ?, finished_at = NULL WHERE id = ?",
        (time.time(), worker),
    )


def finish(connection: sqlite3.Connection, worker: int) -> None:
    """The worker holds nothing any more."""
    connection.execute("UPDATE worker SET finished_at = ? WHERE id = ?", (time.time(), worker))


def forsake(connection: sqlite3.Connection, at: float) -> int:
    """Take every worker for dead, in a write transaction: those of another machine, whose ledger
    goes on here.

    Args:
        connection: in a write transaction.
        at: when that machine was last heard of, by its clock; Unix seconds.

    Returns:
        The newest job (job.id) when one of them was at work then, and so would have gone on with
        all that was queued; 0 when nobody was.
    """
    newest: int = connection.execute(
        "SELECT coalesce(max(id), 0) FROM job WHERE EXISTS (SELECT 1 FROM worker"
        " WHERE finished_at IS NULL AND heartbeat_at BETWEEN ? AND ?)",
        (at - SILENT_S, at + SILENT_S),
    ).fetchone()[0]
    connection.execute("UPDATE worker SET heartbeat_at = 0 WHERE finished_at IS NULL")
    return newest


def dead(connection: sqlite3.Connection) -> list[int]:
    """Workers that ended without saying so. Reads only."""
    now = time.time()
    found = connection.execute(
        "SELECT id, holder, heartbeat_at FROM worker WHERE finished_at IS NULL"
    ).fetchall()
    return [
        worker
        for worker, owner, heard in found
        if not is_alive(owner) or not now - SILENT_S <= heard <= now + SILENT_S
    ]


def alive(connection: sqlite3.Connection) -> int:
    """How many workers there are, over all processes. Reads only."""
    gone = set(dead(connection))
    found = connection.execute("SELECT id FROM worker WHERE finished_at IS NULL").fetchall()
    return len([worker for (worker,) in found if worker not in gone])


def orphans(connection: sqlite3.Connection, workers: list[int]) -> list[tuple[int, int]]:
    """Take the jobs of dead workers from them; inside a transaction.

    Jobs being sent become `unknown`; questions that were being asked are free again.

    Returns:
        (job.id, plan.id) of those that have become unknown.
    """
    lost: list[tuple[int, int]] = []
    for worker in workers:
        lost += connection.execute(
            "UPDATE job SET status = 'unknown', worker = NULL, run_at = 0, error = 'crash',"
            " doubts = doubts + 1 WHERE status = 'sending' AND worker = ? RETURNING id, plan_id",
            (worker,),
        ).fetchall()
        connection.execute(
            "UPDATE job SET worker = NULL, asks = max(0, asks - 1)"  # this one got no answer
            " WHERE status = 'unknown' AND worker = ?",
            (worker,),
        )
        finish(connection, worker)
    return lost
