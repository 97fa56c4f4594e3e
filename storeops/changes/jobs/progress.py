"""What the queue is doing: a revision, counts by status and errcode, a page of jobs by position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from storeops.changes import plans
from storeops.changes.jobs import listing, queue
from storeops.changes.jobs.listing import JobRow
from storeops.changes.ledger import Ledger
from storeops.changes.plan_cards import Estimator
from storeops.changes.plans import APPLIED
from storeops.database.database import Database

_IN_FLIGHT, _QUEUED = ("sending", "unknown"), ("queued",)
_ENDED = tuple(each for each in queue.STATUSES if each not in (*_IN_FLIGHT, *_QUEUED))
RECENT_S = 24 * 3600.0
_UNFINISHED = (
    "SELECT plan_id FROM job WHERE status = 'queued' AND held = 0"
    " UNION SELECT plan_id FROM job WHERE status = 'queued' AND held = 1"
    " UNION SELECT plan_id FROM job WHERE status = 'sending'"
    " UNION SELECT plan_id FROM job WHERE status = 'unknown'"
)


@dataclass(frozen=True, slots=True)
class JobTrouble:
    """Rows that got the same errcode.

    Attributes:
        errcode: WeCom's code.
        rows: how many rows.
        meaning, advice: in the user's language.
    """

    errcode: int
    rows: int
    meaning: str
    advice: str


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How a plan's jobs, or all recent ones, stand.

    Attributes:
        jobs: jobs per status.
        rows: rows per status.
        troubles: errcodes, the most frequent first.
        left: jobs that are still to be sent or asked, paused ones included.
        seconds: forecast for them, None when nothing is left or nothing is known.
        held_by: what holds them back: pause | minute | hour | pool | in_flight | "".
        paused: plan_id of paused plans with jobs left → why ("" by hand).
    """

    jobs: dict[str, int]
    rows: dict[str, int]
    troubles: tuple[JobTrouble, ...]
    left: int
    seconds: float | None = None
    held_by: str = ""
    paused: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkLeft:
    """The calls of the plans that are under way.

    Attributes:
        done: calls that have ended.
        calls: all of them.
        seconds: forecast for the rest, None when nothing is known.
        held_by: what holds them back: pause | minute | hour | pool | in_flight | "".
        paused: all that is left is held by a pause.
    """

    done: int
    calls: int
    seconds: float | None
    held_by: str
    paused: bool


def under_way(ledger: Ledger, governor: Estimator) -> WorkLeft | None:
    """How far the calls of plans under way are, of whatever process; None when nothing is left."""
    db = ledger.db
    if not queue.unfinished(db):
        return None
    calls = left = held = 0
    kinds: dict[str, int] = {}
    for key in [row[0] for row in db.execute(f"SELECT id FROM plan WHERE id IN ({_UNFINISHED})")]:
        counts = queue.counts(db, key)
        open_jobs = sum(counts.get(status, 0) for status in queue.UNFINISHED)
        plan = plans.by_id(db, key)
        kinds[plan.kind] = kinds.get(plan.kind, 0) + open_jobs
        calls += sum(counts.values())
        left += open_jobs
        held += open_jobs if plan.paused else 0
    seconds, why = _forecast(ledger, governor, kinds)
    return WorkLeft(calls - left, calls, seconds, why, held == left)


def ledger_revision(db: Database) -> int:
    """A number that changes when the ledger does: with the journal's newest line, and drafts."""
    found = db.execute(
        "SELECT (SELECT coalesce(max(seq), 0) FROM journal) * 1000003"
        " + (SELECT coalesce(sum(rows * 31 + id), 0) FROM plan WHERE status = 'draft')"
    ).fetchone()
    return int(found[0])


def progress_of(ledger: Ledger, governor: Estimator, plan_id: int | None = None) -> JobProgress:
    """How the jobs of a plan stand; without one, of all plans under way or applied in a day.

    Args:
        ledger: the profile's ledger.
        governor: knows when what is left can be sent.
        plan_id: plan.id.
    """
    db = ledger.db
    chosen = [plan_id] if plan_id is not None else _recent(db, ledger.clock.now())
    jobs: dict[str, int] = {}
    rows: dict[str, int] = {}
    codes: dict[int, int] = {}
    left: dict[str, int] = {}
    paused: dict[str, str] = {}
    for each in chosen:
        counts = queue.counts(db, each)
        _add(jobs, counts)
        _add(rows, plans.row_counts(db, each))
        for code, number in db.execute(
            "SELECT errcode, count(*) FROM plan_row WHERE plan_id = ? AND errcode <> 0"
            " GROUP BY errcode",
            (each,),
        ):
            codes[code] = codes.get(code, 0) + number
        open_jobs = sum(counts.get(status, 0) for status in queue.UNFINISHED)
        if open_jobs:
            plan = plans.by_id(db, each)
            left[plan.kind] = left.get(plan.kind, 0) + open_jobs
            if plan.paused:
                paused[plan.name] = plan.paused_why
    seconds, held = _forecast(ledger, governor, left)
    return JobProgress(
        {name: jobs[name] for name in queue.STATUSES if name in jobs},
        {name: rows[name] for name in _row_order() if name in rows},
        _troubles(codes),
        sum(left.values()),
        seconds,
        held,
        paused,
    )


def _recent(db: Database, now: float) -> list[int]:
    found = db.execute(
        "SELECT id FROM plan WHERE status = ? AND (applied_at >= ? OR id IN"
        f" ({_UNFINISHED})) ORDER BY id",
        (APPLIED, now - RECENT_S),
    )
    return [row[0] for row in found]


def _add(total: dict[str, int], part: dict[str, int]) -> None:
    for name, number in part.items():
        total[name] = total.get(name, 0) + number


def _row_order() -> Sequence[str]:
    from storeops.changes.action import ROW_STATUSES

    return ROW_STATUSES


def _troubles(codes: dict[int, int]) -> tuple[JobTrouble, ...]:
    if not codes:
        return ()
    from storeops.wecom.errcodes import lookup

    ordered = sorted(codes.items(), key=lambda each: (-each[1], each[0]))
    return tuple(
        JobTrouble(code, number, lookup(code).meaning, lookup(code).advice)
        for code, number in ordered
    )


def _forecast(
    ledger: Ledger, governor: Estimator, left: dict[str, int]
) -> tuple[float | None, str]:
    """The longest wait over the APIs concerned, and what causes it."""
    longest: tuple[float | None, str] = (None, "")
    for kind, calls in left.items():
        if kind in ledger.actions:
            found = governor.estimate(ledger.actions[kind].path, calls)
            if longest[0] is None or found.seconds > longest[0]:
                longest = (found.seconds, found.reason)
    return longest


def window(
    db: Database, plan_id: int | None, statuses: Sequence[str], start: int, size: int
) -> list[JobRow]:
    """At most `size` jobs from position `start` (from 0) on: those in flight first, then newest."""
    found: list[JobRow] = []
    for group in (statuses,) if statuses else (_IN_FLIGHT, _QUEUED, _ENDED):
        there = count(db, plan_id, group)
        if start < there:
            limit = start + size - len(found)
            found += listing.listing(db, plan_id=plan_id, statuses=group, limit=limit)[start:]
            if len(found) >= size:
                break
        start = max(0, start - there)
    return found


def count(db: Database, plan_id: int | None, statuses: Sequence[str]) -> int:
    """How many jobs there are."""
    counts = queue.counts(db, plan_id)
    return sum(number for name, number in counts.items() if not statuses or name in statuses)
