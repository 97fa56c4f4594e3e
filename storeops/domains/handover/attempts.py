"""What our own journal knows of customers and groups: attempts under way, recent ones, troubles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from storeops.changes import remembered
from storeops.changes.rows import CHUNK, chunks
from storeops.database.database import Database
from storeops.domains.handover import rules
from storeops.mirror.members import Member
from storeops.wecom.errcodes import ErrorCondition, codes, condition_of


@dataclass(frozen=True, slots=True)
class RunningHandover:
    """An attempt whose end is not known yet; `due_at` in Unix seconds, None before it was sent."""

    subject: str
    takeover_userid: str
    due_at: float | None
    plan_id: int


@dataclass(frozen=True, slots=True)
class EarlierRefusal:
    """A complaint of an earlier answer; `at` in Unix seconds."""

    errcode: int
    at: float
    held: int


def _chunks(subjects: Iterable[str]) -> Iterator[Sequence[str]]:
    return chunks(list(dict.fromkeys(subjects)), CHUNK)


def running(
    db: Database, subjects: Iterable[str], *, plan_id: int = 0
) -> dict[str, RunningHandover]:
    """Attempts under way by external_userid or chat_id: waiting, queued, or of unknown fate.

    Args:
        db: data.db.
        subjects: external_userids and chat_ids.
        plan_id: rows of this plan that are not sent yet do not count.
    """
    found: dict[str, RunningHandover] = {}
    for part in _chunks(subjects):
        marks = ",".join("?" * len(part))
        for subject, to_owner, due, plan in db.execute(
            "SELECT subject, takeover_userid, due_at, plan_id FROM handover"
            f" WHERE subject IN ({marks}) AND status = 'waiting'",
            part,
        ):
            found[subject] = RunningHandover(subject, to_owner, due, plan)
        for customer, to_owner, plan in db.execute(
            "SELECT r.external_userid, json_extract(r.extra, '$.to'), r.plan_id"
            " FROM plan_row AS r JOIN plan AS p ON p.id = r.plan_id AND p.kind = 'handover'"
            f" WHERE r.external_userid IN ({marks}) AND r.status IN ('queued', 'unknown')"
            " AND r.plan_id <> ?",
            (*part, plan_id),
        ):
            found.setdefault(customer, RunningHandover(customer, to_owner or "", None, plan))
        # groups have no column of their own in plan_row: unfinished jobs are keyed by them
        for key, plan in db.execute(
            "SELECT k.key, j.plan_id FROM job_key AS k JOIN job AS j ON j.id = k.job_id"
            f" WHERE k.key IN ({marks}) AND j.action = 'handover' AND j.plan_id <> ?",
            (*(f"chat:{each}" for each in part), plan_id),
        ):
            chat_id = key.removeprefix("chat:")
            found.setdefault(chat_id, RunningHandover(chat_id, "", None, plan))
    return found


def recent(db: Database, subjects: Iterable[str], now: float) -> dict[str, list[float]]:
    """Moments (Unix seconds, ascending) of on-the-job attempts that count for the 90-day rule.

    Every accepted attempt counts, also a refused one: the contract does not say that it does not.
    """
    found: dict[str, list[float]] = defaultdict(list)
    for part in _chunks(subjects):
        marks = ",".join("?" * len(part))
        for subject, asked_at in db.execute(
            f"SELECT subject, asked_at FROM handover WHERE subject IN ({marks})"
            " AND kind = 'on_job' AND asked_at >= ? ORDER BY asked_at",
            (*part, rules.first_counted_day(now)),
        ):
            found[subject].append(asked_at)
    return found


def earlier(
    db: Database, kind: str, handover_userid: str, takeover_userid: str, subjects: Iterable[str]
) -> dict[str, list[str]]:
    """Outcomes of settled attempts of a pair by subject, oldest first."""
    found: dict[str, list[str]] = defaultdict(list)
    for part in _chunks(subjects):
        marks = ",".join("?" * len(part))
        for subject, status in db.execute(
            f"SELECT subject, status FROM handover WHERE subject IN ({marks}) AND kind = ?"
            " AND handover_userid = ? AND takeover_userid = ? AND status <> 'waiting'"
            " ORDER BY asked_at",
            (*part, kind, handover_userid, takeover_userid),
        ):
            found[subject].append(status)
    return found


def last_refusals(db: Database, handover_userid: str, subjects: Iterable[str]) -> dict[str, float]:
    """When customers refused a handover of this leaver, by subject; Unix seconds, the newest."""
    found: dict[str, float] = {}
    for part in _chunks(subjects):
        marks = ",".join("?" * len(part))
        found.update(
            db.execute(
                f"SELECT subject, max(settled_at) FROM handover WHERE subject IN ({marks})"
                " AND kind = 'resigned' AND handover_userid = ? AND status = 'refused'"
                " GROUP BY subject",
                (*part, handover_userid),
            ).fetchall()
        )
    return found


def troubles(
    db: Database, subjects: Iterable[str], now: float
) -> dict[str, dict[ErrorCondition, EarlierRefusal]]:
    """Complaints of earlier answers that are still believed, by lower-cased subject and condition.

    That a customer was handed over twice within 90 days ages by its own rule.
    """
    lasting = codes(ErrorCondition.NINETY_DAYS)
    begin = remembered.since(db, now)
    found: dict[str, dict[ErrorCondition, EarlierRefusal]] = defaultdict(dict)
    for part in _chunks(subjects):
        marks = ",".join("?" * len(part))
        for subject, errcode, at, held in db.execute(
            f"SELECT subject, errcode, at, held FROM handover_trouble WHERE subject IN ({marks})",
            part,
        ):
            condition = condition_of(errcode)
            if condition is not None and (at >= begin or errcode in lasting):
                found[subject.lower()][condition] = EarlierRefusal(errcode, at, held)
    return found


def loads(db: Database, members: Iterable[Member]) -> dict[int, int]:
    """Customers each member has now, and those on their way to them, by staff.id."""
    counts: dict[int, int] = {}
    for member in members:
        if member.id in counts:
            continue
        held = db.execute(
            "SELECT count(*) FROM follow WHERE staff_id = ? AND status = 'active'", (member.id,)
        ).fetchone()[0]
        coming = db.execute(
            "SELECT count(*) FROM handover WHERE takeover_userid = ? AND what = 'customer'"
            " AND status = 'waiting' AND friend = 0",
            (member.userid,),
        ).fetchone()[0]
        counts[member.id] = held + coming
    return counts


def asked_today(
    db: Database, what: str, takeover_userids: Iterable[str], now: float
) -> dict[str, int]:
    """Attempts towards each taker since midnight in Beijing, by lower-cased userid."""
    since = rules.midnight(now)
    found: dict[str, int] = {}
    for userid in dict.fromkeys(takeover_userids):
        found[userid.lower()] = db.execute(
            "SELECT count(*) FROM handover WHERE takeover_userid = ? AND asked_at >= ?"
            " AND what = ?",
            (userid, since, what),
        ).fetchone()[0]
    return found
