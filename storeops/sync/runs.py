"""Runs as rows: opened, resumed, counted, finished, listed."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from storeops.database.database import Database
from storeops.sync.results import (
    Failure,
    Outcome,
    Scope,
    ScopeResult,
    SyncResult,
)
from storeops.sync.scopes import reading_order
from storeops.sync.scopes import scopes as all_scopes

RESUME_WITHIN_S = 24 * 3600  # what was read longer ago is read again


@dataclass(frozen=True, slots=True)
class Run:
    """An open run: what it is to read, and whether it goes on where another process stopped."""

    id: int
    mode: str
    store_id: int
    scopes: tuple[Scope, ...]
    resumed: bool


def ordered(scopes: Sequence[str]) -> tuple[Scope, ...]:
    """Scopes in the order they are read."""
    return tuple(each for each in reading_order() if each in scopes)


def owner() -> str:
    """Who runs: host:pid."""
    return f"{socket.gethostname()}:{os.getpid()}"


def begin(db: Database, scopes: Sequence[Scope], *, full: bool, store: int | None, now: int) -> Run:
    """Resume the open run when it fits, else close it and open a new one.

    Call it while holding the lease. A run fits when it is of the same mode and shop and was alive
    in the last 24 hours; scopes asked for in addition join it.
    """
    mode = "full" if full else "store" if store is not None else "normal"
    wanted = ordered(scopes)
    with db.atomic() as connection:
        for row in connection.execute(
            "SELECT id, mode, store_id, scopes, heartbeat_at FROM sync_run"
            " WHERE outcome IS NULL ORDER BY id DESC"
        ).fetchall():
            run_id, old_mode, store_id, old_scopes, heartbeat = row
            fits = (
                mode != "full"
                and (old_mode == "store") == (mode == "store")
                and store_id == (store or 0)
                and abs(now - heartbeat) < RESUME_WITHIN_S
            )
            if not fits:
                close(connection, run_id, now)
                continue
            union = ordered([*json.loads(old_scopes), *wanted])
            connection.execute(
                "UPDATE sync_run SET owner = ?, heartbeat_at = ?, scopes = ? WHERE id = ?",
                (owner(), now, json.dumps(union), run_id),
            )
            _make_scopes(connection, run_id, union)
            return Run(run_id, old_mode, store_id, union, resumed=True)
        cursor = connection.execute(
            "INSERT INTO sync_run (started_at, heartbeat_at, owner, mode, store_id, scopes)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (now, now, owner(), mode, store or 0, json.dumps(wanted)),
        )
        assert cursor.lastrowid is not None
        _make_scopes(connection, cursor.lastrowid, wanted)
        return Run(cursor.lastrowid, mode, store or 0, wanted, resumed=False)


def _make_scopes(connection: sqlite3.Connection, run_id: int, scopes: Sequence[str]) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO sync_scope (run_id, scope) VALUES (?, ?)",
        [(run_id, each) for each in scopes],
    )


def close(connection: sqlite3.Connection, run_id: int, now: int) -> Outcome:
    """End a run; a scope that is still open has failed. Its working rows go."""
    connection.execute(
        "UPDATE sync_scope SET outcome = 'failed', finished_at = ?"
        " WHERE run_id = ? AND outcome IS NULL",
        (now, run_id),
    )
    found = {
        row[0]
        for row in connection.execute("SELECT outcome FROM sync_scope WHERE run_id = ?", (run_id,))
    }
    outcome: Outcome = (
        "complete" if found == {"complete"} else "failed" if found == {"failed"} else "partial"
    )
    connection.execute(
        "UPDATE sync_run SET outcome = ?, finished_at = ?, heartbeat_at = ? WHERE id = ?",
        (outcome, now, now, run_id),
    )
    connection.execute(
        "DELETE FROM sync_page WHERE chain_id IN (SELECT id FROM sync_chain WHERE run_id = ?)",
        (run_id,),
    )
    connection.execute("DELETE FROM sync_chain WHERE run_id = ?", (run_id,))
    connection.execute("DELETE FROM sync_listed WHERE run_id = ?", (run_id,))
    return outcome


def note_odd(connection: sqlite3.Connection, run_id: int, counts: Mapping[str, int]) -> None:
    """Keep with the run how many values could not be read as they came, by field."""
    connection.execute(
        "UPDATE sync_run SET odd_values = ? WHERE id = ?", (json.dumps(dict(counts)), run_id)
    )


def last_odd(db: Database) -> dict[str, int]:
    """Values that the last finished run could not read as they came, by field."""
    row = db.execute(
        "SELECT odd_values FROM sync_run WHERE outcome IS NOT NULL ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return json.loads(row[0]) if row else {}


def open_scopes(db: Database, run: Run) -> list[Scope]:
    """Scopes of the run that are not finished, in the order they are read."""
    rows = db.execute(
        "SELECT scope FROM sync_scope WHERE run_id = ? AND outcome IS NULL", (run.id,)
    )
    left = {row[0] for row in rows}
    return [each for each in run.scopes if each in left]


def scope_outcome(db: Database, run_id: int, scope: Scope) -> str | None:
    """How a scope of the run ended; None when open or not part of the run."""
    row = db.execute(
        "SELECT outcome FROM sync_scope WHERE run_id = ? AND scope = ?", (run_id, scope)
    ).fetchone()
    return row[0] if row else None


def is_kept(db: Database, run_id: int) -> bool:
    """Whether there is such a run."""
    return db.execute("SELECT 1 FROM sync_run WHERE id = ?", (run_id,)).fetchone() is not None


def result(db: Database, run_id: int) -> SyncResult:
    """A run as it stands, with its scopes and failures."""
    row = db.execute(
        "SELECT outcome, mode, started_at, finished_at, odd_values FROM sync_run WHERE id = ?",
        (run_id,),
    ).fetchone()
    failures: dict[str, list[Failure]] = {}
    for scope, subject, errcode, message in db.execute(
        "SELECT scope, subject, errcode, message FROM sync_failure WHERE run_id = ?"
        " ORDER BY scope, subject",
        (run_id,),
    ):
        failures.setdefault(scope, []).append(Failure(subject, errcode, message))
    scopes: dict[str, ScopeResult] = {}
    for values in db.execute(
        "SELECT scope, outcome, seen, added, changed, missing, lost, calls, done, total"
        " FROM sync_scope WHERE run_id = ?",
        (run_id,),
    ):
        found = tuple(failures.get(values[0], ()))
        scopes[values[0]] = ScopeResult(*values, found)  # type: ignore[call-arg]
    outcome, mode, started_at, finished_at, odd_values = row
    return SyncResult(
        run_id,
        outcome,
        mode,
        started_at,
        finished_at,
        tuple(
            scopes[each]
            for each in (*all_scopes(), *scopes.keys() - all_scopes().keys())
            if each in scopes
        ),
        odd_values=json.loads(odd_values),
    )


def as_seen_by(result: SyncResult, *, joined: bool, resumed: bool) -> SyncResult:
    """The same result, saying how this process came to it."""
    return replace(result, joined=joined, resumed=resumed)


def history(db: Database, *, limit: int = 20) -> list[SyncResult]:
    """Past and present runs, newest first; at most `limit`."""
    rows = db.execute("SELECT id FROM sync_run ORDER BY id DESC LIMIT ?", (limit,)).fetchall()
    return [result(db, row[0]) for row in rows]


def latest(db: Database) -> dict[str, Any] | None:
    """(id, outcome, owner, heartbeat_at) of the newest run; None when there never was one."""
    row = db.execute(
        "SELECT id, outcome, owner, heartbeat_at FROM sync_run ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return dict(zip(("id", "outcome", "owner", "heartbeat_at"), row, strict=True)) if row else None
