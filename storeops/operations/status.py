"""How things stand: freshness per scope and shop, limits, queue, disk. Calls nothing."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from storeops import paths
from storeops.database.database import file_size
from storeops.operations import today
from storeops.reading import freshness
from storeops.reading.directory import follows_by_status

if TYPE_CHECKING:
    from storeops.database.database import Database
    from storeops.limits.outlook import ApiUse
    from storeops.operations.today import Step
    from storeops.operations.wiring import Wiring
    from storeops.reading.freshness import ScopeFreshness, StoreFreshness
    from storeops.sync.under_way import UnderWay


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """One shop's freshness with its name."""

    store: StoreFreshness
    name: str
    code: str


@dataclass(frozen=True, slots=True)
class Status:
    """Everything `storeops status` shows.

    Attributes:
        profile: its name.
        as_of: when the last complete reading of follows began, Unix seconds; None never.
        stale: older than the configured threshold, or never read completely.
        scopes: freshness of each scope.
        stores: freshness of each shop.
        limits: APIs used within the last hour.
        jobs: number of jobs by status.
        rows: counts of the mirror.
        follows: how many follows there are of each status.
        sync: the run that is open, if any.
        sync_left_s: seconds until what it reads now is read, by the limits; None when unknown.
        bytes: size of the profile's files.
        steps: what to do next, as the screen Today says it.
        disk_free: bytes.
    """

    profile: str
    as_of: int | None
    stale: bool
    scopes: tuple[ScopeFreshness, ...]
    stores: tuple[StoreStatus, ...]
    limits: tuple[ApiUse, ...]
    jobs: dict[str, int]
    rows: dict[str, int]
    follows: dict[str, int]
    sync: UnderWay | None
    sync_left_s: float | None
    bytes: int
    disk_free: int
    steps: tuple[Step, ...]

    def as_dict(self) -> dict[str, Any]:
        """As in `--json`."""
        return {
            "profile": self.profile,
            "as_of": self.as_of,
            "stale": self.stale,
            "scopes": [asdict(each) for each in self.scopes],
            "stores": [
                {
                    "department_id": each.store.store_id,
                    "code": each.code,
                    "name": each.name,
                    "covered": each.store.covered,
                    "uncovered": list(each.store.uncovered),
                    "oldest_at": each.store.oldest_at,
                }
                for each in self.stores
            ],
            "limits": [asdict(each) for each in self.limits],
            "jobs": self.jobs,
            "rows": self.rows,
            "follows": self.follows,
            "sync": {**asdict(self.sync), "left_s": self.sync_left_s} if self.sync else None,
            "bytes": self.bytes,
            "disk_free": self.disk_free,
            "steps": [
                {"text": step.text, "next_step": step.command, "domain": step.domain}
                for step in self.steps
            ],
        }


def read_status(app: Wiring) -> Status:
    """Gather it.

    Args:
        app: the profile's App; its databases are opened, no call is made.
    """
    from storeops.sync.under_way import under_way

    db, now = app.data, app.clock.now()
    sync = under_way(db)
    threshold = app.settings.stale_after
    unread = {} if sync is None else _unread(db, sync.run_id)
    folder = paths.profile_dir(app.profile.name)
    whole = freshness.read(db, now, stale_after_s=threshold)
    names = {
        row[0]: (row[1], row[2])
        for row in db.execute(
            "SELECT d.id, coalesce(nullif(s.name, ''), d.name), coalesce(s.code, '')"
            " FROM department AS d LEFT JOIN shop AS s ON s.department_id = d.id"
        )
    }
    return Status(
        profile=app.profile.name,
        as_of=whole.as_of,
        stale=whole.stale,
        scopes=tuple(
            _as_open(each, unread) for each in freshness.scopes(db, now, stale_after_s=threshold)
        ),
        stores=tuple(
            StoreStatus(each, *names.get(each.store_id, ("", "")))
            for each in freshness.stores(db, now, stale_after_s=threshold)
        ),
        limits=tuple(app.governor.snapshot()),
        jobs=dict(db.execute("SELECT status, count(*) FROM job GROUP BY status").fetchall()),
        rows={
            "customers": _count(db.execute("SELECT count(*) FROM customer").fetchone()),
            "follows": _count(db.execute("SELECT count(*) FROM follow").fetchone()),
            "staff": _count(db.execute("SELECT count(*) FROM staff").fetchone()),
        },
        follows=follows_by_status(db),
        sync=sync,
        sync_left_s=_left_s(app, sync),
        bytes=sum(file_size(each) for each in folder.glob("*.db")),
        disk_free=shutil.disk_usage(folder).free,
        steps=tuple(today.read(db, now, threshold).steps),
    )


def _unread(db: Database, run_id: int) -> dict[str, int]:
    """Scopes of an open run that are not finished, with the failures so far."""
    return dict(
        db.execute(
            "SELECT s.scope, (SELECT count(*) FROM sync_failure AS f WHERE f.run_id = s.run_id"
            "  AND f.scope = s.scope) FROM sync_scope AS s WHERE s.run_id = ?"
            " AND s.outcome IS NULL",
            (run_id,),
        ).fetchall()
    )


def _as_open(scope: ScopeFreshness, unread: dict[str, int]) -> ScopeFreshness:
    """A scope as the open run has it, as `sync status` says: not how an older run ended."""
    if scope.scope not in unread:
        return scope
    return replace(scope, outcome="open", failures=unread[scope.scope])


def _left_s(app: Wiring, sync: UnderWay | None) -> float | None:
    if sync is None or sync.scope is None or not sync.running:
        return None
    from storeops.sync.scopes import scopes
    from storeops.sync.under_way import calls_left

    calls = calls_left(sync.scope, sync.done, sync.total)
    return (
        None if calls is None else app.governor.estimate(scopes()[sync.scope].path, calls).seconds
    )


def _count(row: tuple[int]) -> int:
    return int(row[0])
