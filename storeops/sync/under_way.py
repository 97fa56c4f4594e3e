"""The run that is open: what it reads now, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass

from storeops.database.database import Database
from storeops.sync import lease, runs
from storeops.sync.results import Scope
from storeops.sync.scopes import reading_order
from storeops.sync.scopes import scopes as all_scopes


@dataclass(frozen=True, slots=True)
class UnderWay:
    """An open run.

    Attributes:
        run_id: the run.
        running: a process works on it; else it was interrupted and waits for the next `sync run`.
        scope: what is being read, or comes next; None when only the end is left.
        done: rows of that scope so far.
        total: rows expected, None when unknown.
    """

    run_id: int
    running: bool
    scope: Scope | None
    done: int
    total: int | None


def under_way(db: Database) -> UnderWay | None:
    """The newest run when it is open, else None. Reads only."""
    newest = runs.latest(db)
    if newest is None or newest["outcome"] is not None:
        return None
    scopes = {each.scope: each for each in runs.result(db, newest["id"]).scopes}
    running = lease.running(db)
    for name in reading_order():
        each = scopes.get(name)
        if each is not None and each.outcome is None:
            return UnderWay(newest["id"], running, name, each.done, each.total)
    return UnderWay(newest["id"], running, None, 0, None)


def calls_left(scope: Scope, done: int, total: int | None) -> int | None:
    """Calls until a scope is read; None when nobody knows how many rows there are."""
    if total is None:
        return None
    return -(-max(0, total - done) // all_scopes()[scope].rows)
