"""How the mirror stands: the health of the day, and a beat that is cheap enough to ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from storeops.database.database import Database
from storeops.mirror import meta
from storeops.reading import freshness
from storeops.reading.freshness import ScopeFreshness
from storeops.sync.lease import running
from storeops.sync.runs import last_odd


@dataclass(frozen=True, slots=True)
class Health:
    """What Today shows.

    Attributes:
        scopes: how fresh each is, in their order.
        failures: scope → who could not be read last time: (subject, errcode, sentence), at most 20.
        running: a sync of any process is at work.
        interrupted: a run was begun and nobody carries it on.
        customers, staff, shops: active ones.
        unassigned: customers whom WeCom lists without an owner.
        changed: facts changed in the last day (among the last 100,000 changes).
        refreshed_by: the command that brings facts.
        odd_values: values that the last sync could not read as they came, by field.
    """

    scopes: tuple[ScopeFreshness, ...]
    failures: dict[str, tuple[tuple[str, int | None, str], ...]]
    running: bool
    interrupted: bool
    customers: int
    staff: int
    shops: int
    unassigned: int
    changed: int
    refreshed_by: str = freshness.SYNC
    odd_values: Mapping[str, int] = field(default_factory=dict)


_WORST_FIRST = ("failed", "partial", "complete")
MOST = 20  # failures named per scope


def health(db: Database, now: float, stale_after_s: float) -> Health:
    """How the mirror stands.

    Args:
        db: data.db.
        now: Unix seconds.
        stale_after_s: the threshold, seconds.
    """
    connection = db.connection
    scopes = freshness.scopes(db, now, stale_after_s=stale_after_s)
    failures = {}
    for scope in scopes:
        if scope.failures:
            rows = connection.execute(
                "SELECT subject, errcode, message FROM sync_failure WHERE scope = ? AND run_id ="
                " (SELECT max(run_id) FROM sync_failure WHERE scope = ?) ORDER BY subject LIMIT ?",
                (scope.scope, scope.scope, MOST),
            )
            failures[scope.scope] = tuple(rows.fetchall())
    is_open = connection.execute("SELECT 1 FROM sync_run WHERE outcome IS NULL").fetchone()
    alive = running(db)

    def one(sql: str, *values: object) -> int:
        return int(connection.execute(sql, values).fetchone()[0] or 0)

    return Health(
        scopes=scopes,
        failures=failures,
        running=alive,
        interrupted=is_open is not None and not alive,
        customers=one("SELECT count(*) FROM customer"),
        staff=one("SELECT count(*) FROM staff WHERE status = 'active' AND is_follow_user = 1"),
        shops=one(
            "SELECT count(DISTINCT main_department) FROM staff WHERE status = 'active'"
            " AND is_follow_user = 1"
        ),
        unassigned=one("SELECT count(DISTINCT external_userid) FROM unassigned"),
        changed=one(
            "SELECT count(*) FROM timeline WHERE id >"
            " (SELECT coalesce(max(id), 0) - 100000 FROM timeline) AND at >= ?",
            int(now - 86_400),
        ),
        refreshed_by=freshness.refreshed_by(db),
        odd_values=last_odd(db),
    )


@dataclass(frozen=True, slots=True)
class Glance:
    """The mirror in one glance, cheap enough to ask every second.

    Attributes:
        revision: grows with every change of facts.
        oldest: when the scope read longest ago was last read completely; None while one never was.
        stale: some scope is stale.
        outcome: the worst of the scopes' last outcomes, None while nothing was read.
        running: a sync of any process is at work.
    """

    revision: int
    oldest: int | None
    stale: bool
    outcome: str | None
    running: bool


def glance(db: Database, now: float, stale_after_s: float) -> Glance:
    """Revision and freshness; arguments as in `health`."""
    scopes = freshness.scopes(db, now, stale_after_s=stale_after_s)
    outcomes = {scope.outcome for scope in scopes}
    moments = [scope.completed_at for scope in scopes]
    return Glance(
        revision=meta.revision(db.connection),
        oldest=None if None in moments else min(each for each in moments if each is not None),
        stale=any(scope.stale for scope in scopes),
        outcome=next((each for each in _WORST_FIRST if each in outcomes), None),
        running=running(db),
    )
