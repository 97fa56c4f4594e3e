"""How old the mirror is: per scope, per shop, and for the line that every read shows.

Reads only; imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from storeops.database.database import Database
from storeops.domain import registry
from storeops.mirror import meta

STALE_AFTER_S = 24 * 3600
SCOPES = ("departments", "staff", "tags", "follows", "groups", "unassigned")
SYNC = "storeops sync run"


_AHEAD_S = 60.0  # so far a reading may lie ahead of a clock that is a little slow


def refreshed_by(db: Database) -> str:
    """The command that brings facts: a sync, or what another machine's mirror feeds this one by.

    Args:
        db: data.db.
    """
    return meta.read(db.connection, meta.FED_BY) or SYNC


@dataclass(frozen=True, slots=True)
class ScopeFreshness:
    """How fresh one scope is.

    Attributes:
        scope: departments | staff | tags | follows | groups | unassigned, or one of a domain.
        completed_at: when the last complete reading began (what it says was true then or later);
            None when there never was one. Unix seconds.
        age_s: seconds since then; None as above.
        stale: older than the threshold, or never read completely.
        outcome: how the last finished reading ended; None when there was none.
        failures: how many subjects that reading could not read.
    """

    scope: str
    completed_at: int | None
    age_s: float | None
    stale: bool
    outcome: str | None
    failures: int


@dataclass(frozen=True, slots=True)
class StoreFreshness:
    """Whose customers of one shop were read.

    Attributes:
        store_id: department id; 0 for members of no known shop.
        covered: members with customer contact whose last reading was complete and is not stale.
        uncovered: userids of the others.
        oldest_at: the oldest complete reading among the covered, Unix seconds.
    """

    store_id: int
    covered: int
    uncovered: tuple[str, ...]
    oldest_at: int | None


@dataclass(frozen=True, slots=True)
class Freshness:
    """What a read of customers can say about itself.

    Attributes:
        as_of: when the last complete reading of follows began; None when there never was one.
        age_s: seconds since then.
        stale: older than the threshold, or never read completely.
        complete: the last reading of follows was complete, and nobody has failed since.
    """

    as_of: int | None
    age_s: float | None
    stale: bool
    complete: bool


def read(db: Database, now: float, *, stale_after_s: float = STALE_AFTER_S) -> Freshness:
    """The freshness of customers and follows.

    Args:
        db: data.db.
        now: Unix seconds of WeCom's clock.
        stale_after_s: the threshold, seconds.
    """
    follows = _scope(db, "follows", now, stale_after_s)
    return Freshness(
        follows.completed_at,
        follows.age_s,
        follows.stale,
        follows.outcome == "complete" and not _failing(db),
    )


def _failing(db: Database) -> bool:
    row = db.execute(
        "SELECT 1 FROM staff_coverage AS c JOIN staff AS s ON s.id = c.staff_id"
        " WHERE c.failed_at IS NOT NULL AND s.is_follow_user = 1 LIMIT 1"
    ).fetchone()
    return row is not None


def scopes(
    db: Database,
    now: float,
    *,
    stale_after_s: float = STALE_AFTER_S,
    names: Iterable[str] | None = None,
) -> tuple[ScopeFreshness, ...]:
    """Every scope, in the order of `names` (None: all, those of domains last); readings of
    one shop only do not count."""
    if names is None:  # scopes of domains are not fed
        fed = refreshed_by(db) != SYNC
        names = SCOPES if fed else (*SCOPES, *registry().named("scopes"))
    return tuple(_scope(db, name, now, stale_after_s) for name in names)


def _scope(db: Database, name: str, now: float, stale_after_s: float) -> ScopeFreshness:
    last = db.execute(
        "SELECT s.outcome, s.run_id FROM sync_scope AS s JOIN sync_run AS r ON r.id = s.run_id"
        " WHERE s.scope = ? AND s.outcome IS NOT NULL AND r.mode <> 'store'"
        " ORDER BY s.run_id DESC LIMIT 1",
        (name,),
    ).fetchone()
    outcome, run_id = last or (None, None)
    began = db.execute(
        "SELECT max(s.started_at) FROM sync_scope AS s JOIN sync_run AS r ON r.id = s.run_id"
        " WHERE s.scope = ? AND s.outcome = 'complete' AND r.mode <> 'store'",
        (name,),
    ).fetchone()[0]
    failures = db.execute(
        "SELECT count(*) FROM sync_failure WHERE run_id = ? AND scope = ?", (run_id, name)
    ).fetchone()[0]
    age = None if began is None else max(0.0, now - began)
    return ScopeFreshness(
        name, began, age, not _fresh(began, now, stale_after_s), outcome, int(failures)
    )


def as_new(db: Database, scope: str, other: str) -> bool:
    """Whether a scope was read completely when another was last read, in the same run or later.

    What the other names and the scope does not know is else no proof that it is not there.
    """
    whole = (
        "SELECT max(s.run_id) FROM sync_scope AS s JOIN sync_run AS r ON r.id = s.run_id"
        " WHERE s.scope = ? AND s.outcome = 'complete' AND r.mode <> 'store'"
    )
    begun = "SELECT max(run_id) FROM sync_scope WHERE scope = ? AND started_at IS NOT NULL"
    row = db.execute(f"SELECT ({whole}) >= coalesce(({begun}), 0)", (scope, other)).fetchone()
    return bool(row[0])


def _fresh(at: float | None, now: float, stale_after_s: float) -> bool:
    """Whether a reading counts as fresh; one from the future does not: a clock was wrong."""
    return at is not None and -_AHEAD_S <= now - at <= stale_after_s


def stores(
    db: Database, now: float, *, stale_after_s: float = STALE_AFTER_S
) -> tuple[StoreFreshness, ...]:
    """Every shop that has members with customer contact, by department id."""
    found: dict[int, tuple[list[int], list[str]]] = {}
    for store, userid, complete_at, failed_at in db.execute(
        "SELECT s.main_department, s.userid, c.complete_at, c.failed_at FROM staff AS s"
        " LEFT JOIN staff_coverage AS c ON c.staff_id = s.id WHERE s.is_follow_user = 1"
        " ORDER BY s.main_department, s.userid"
    ):
        covered, uncovered = found.setdefault(store, ([], []))
        if _fresh(complete_at, now, stale_after_s) and failed_at is None:
            covered.append(complete_at)
        else:
            uncovered.append(userid)
    return tuple(
        StoreFreshness(store, len(covered), tuple(uncovered), min(covered, default=None))
        for store, (covered, uncovered) in sorted(found.items())
    )
