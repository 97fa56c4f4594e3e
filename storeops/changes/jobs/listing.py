"""Jobs as people look at them. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from storeops.changes.jobs.queue import STATUSES
from storeops.database.database import Database
from storeops.errors import NotFoundError, UsageError
from storeops.i18n import _

_COLUMNS = (
    "job.id, plan.name, job.action, job.size, job.status, job.held, job.priority,"
    " max(job.run_at, job.created_at),"
    " job.attempts, job.asks, job.errcode, job.error, job.created_at, job.started_at,"
    " job.finished_at"
)


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job; times in Unix seconds of WeCom's clock."""

    job_id: int
    plan_id: str
    action: str
    rows: int
    status: str
    held: int
    priority: int
    run_at: float
    attempts: int
    asks: int
    errcode: int | None
    error: str
    created_at: float
    started_at: float | None
    finished_at: float | None

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {**asdict(self), "held": bool(self.held)}


@dataclass(frozen=True, slots=True)
class JobEvent:
    """One step of a job's life that was not the plain way."""

    job_id: int
    at: float
    kind: str
    detail: str


def listing(
    db: Database,
    *,
    plan_id: int | None = None,
    statuses: Sequence[str] = (),
    before: int | None = None,
    limit: int = 50,
) -> list[JobRow]:
    """Jobs, newest first.

    Raises:
        UsageError: no such status.
    """
    for each in statuses:
        if each not in STATUSES:
            raise UsageError(
                _("There is no status {status}.").format(status=each),
                hint=_("Known: {names}.").format(names=_(", ").join(STATUSES)),
            )
    marks = ",".join("?" * len(statuses))
    conditions = ["(? IS NULL OR job.id < ?)"]
    values: list[Any] = [before, before]
    if plan_id is not None:
        conditions.append("job.plan_id = ?")
        values.append(plan_id)
    if statuses:
        conditions.append(f"job.status IN ({marks})")
        values += statuses
    found = db.execute(
        f"SELECT {_COLUMNS} FROM job JOIN plan ON plan.id = job.plan_id"
        f" WHERE {' AND '.join(conditions)} ORDER BY job.id DESC LIMIT ?",
        (*values, limit),
    )
    return [JobRow(*each) for each in found]


def show(db: Database, job_id: int) -> tuple[JobRow, list[int]]:
    """A job and the rows of its plan that it carries.

    Raises:
        NotFoundError: no such job.
    """
    record = db.execute(
        f"SELECT {_COLUMNS} FROM job JOIN plan ON plan.id = job.plan_id WHERE job.id = ?",
        (job_id,),
    ).fetchone()
    if record is None:
        raise NotFoundError(
            _("There is no job {job}.").format(job=job_id),
            hint=_("See all jobs: storeops job list"),
        )
    rows = db.execute("SELECT row FROM job_row WHERE job_id = ? ORDER BY row", (job_id,))
    return JobRow(*record), [row[0] for row in rows]


def events(
    db: Database, *, job_id: int | None = None, plan_id: int | None = None, limit: int = 1000
) -> list[JobEvent]:
    """Steps of one job, of a plan's jobs, or of all; oldest first, the newest `limit`."""
    found = db.execute(
        "SELECT * FROM (SELECT e.id, e.job_id, e.at, e.kind, e.detail FROM job_event AS e"
        " JOIN job ON job.id = e.job_id WHERE (:job IS NULL OR e.job_id = :job)"
        " AND (:plan IS NULL OR job.plan_id = :plan) ORDER BY e.id DESC LIMIT :limit) ORDER BY id",
        {"job": job_id, "plan": plan_id, "limit": limit},
    )
    return [JobEvent(*each[1:]) for each in found]


def errcodes(db: Database, plan_id: int | None = None) -> dict[int, int]:
    """Jobs per errcode of their last answer, 0 left out; the live tally of a screen."""
    return dict(
        db.execute(
            "SELECT errcode, count(*) FROM job WHERE errcode > 0 AND (? IS NULL OR plan_id = ?)"
            " GROUP BY errcode ORDER BY 2 DESC",
            (plan_id, plan_id),
        ).fetchall()
    )
