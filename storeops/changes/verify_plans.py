"""Plans, answers and jobs against what the journal tells of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from storeops.changes import action, plans
from storeops.changes import rows as plan_rows
from storeops.changes.jobs import queue
from storeops.changes.journal import ODD, object_of
from storeops.changes.plans import APPLIED, CANCELLED, DRAFT, MADE, Plan
from storeops.changes.proof import Account, Proof
from storeops.database.database import Database
from storeops.errors import StoreOpsError
from storeops.i18n import _, ngettext, plural

_SAID = "plan.made", "plan.trimmed", "plan.asked", "plan.applied"  # lines that tell hash and reason
_ANSWERED = {
    action.WAITING,
    action.DONE,
    action.REFUSED,
    action.TAKER_FULL,
    action.NO_RECORD,
    action.VANISHED,
    action.FAILED,
}
_FINAL = _ANSWERED - {action.WAITING}


@dataclass(slots=True)
class _Story:
    """What the journal tells of one plan; None for what was erased.

    Attributes:
        made: whether a line tells that it was made.
        hash, reason, title: as last told.
        asked, applied, cancelled: whether a line tells so.
        retried: number of the last line about a retry.
        restored: whether a backup was put in place after it was made.
        jobs: how many jobs were put in the queue for it.
        carried: jobs that were sent or that answered.
        answers: by row, (line, status, errcode, job) as told last; status None once erased.
        newest: WeCom's time of the newest line.
    """

    made: bool = False
    hash: str | None = ""
    reason: str | None = None
    title: str | None = None
    asked: bool = False
    applied: bool = False
    cancelled: bool = False
    retried: int = 0
    restored: bool = False
    jobs: int = 0
    carried: set[int] = field(default_factory=set)
    answers: dict[int, tuple[int, str | None, Any, Any]] = field(default_factory=dict)
    newest: float = 0.0


def compare(db: Database, proof: Proof, account: Account) -> None:
    """Name plans that are gone, were altered, or are in another condition than the journal tells.

    Args:
        db: data.db, in a read transaction.
        proof: takes the findings.
        account: restores and pruning, which explain differences.
    """
    told = {
        row[0]
        for row in db.execute(
            "SELECT DISTINCT plan FROM journal WHERE plan <> ''"
            " AND kind IN ('plan.made', 'plan.applied')"
        )
        if isinstance(row[0], str)
    }
    for plan_id, name, status in db.execute(
        "SELECT id, name, status FROM plan WHERE status <> ? ORDER BY id", (DRAFT,)
    ).fetchall():
        story = _story(db, name, account)
        told.discard(name)
        if status == CANCELLED and not story.made and not _hash(db, plan_id):
            continue  # a draft that was thrown away
        try:
            plan = plans.by_id(db, plan_id)
            _compare_plan(db, proof, account, plan, story)
            if plan.status == APPLIED:
                _compare_jobs(db, proof, account, plan, story)
        except (*ODD, StoreOpsError):
            proof.add("plan", None, _("Plan {plan} was altered: it cannot be read.").format(
                plan=name
            ))  # fmt: skip
    for name in sorted(told):
        story = _story(db, name, account)
        if story.made and story.newest >= account.pruned_before:
            proof.add("plan", None, _(
                "Plan {plan} was deleted: the journal tells of it, and it is not there."
            ).format(plan=name))  # fmt: skip


def _hash(db: Database, plan_id: int) -> Any:
    return db.execute("SELECT hash FROM plan WHERE id = ?", (plan_id,)).fetchone()[0]


def _story(db: Database, name: str, account: Account) -> _Story:
    story = _Story()
    began = 0
    for seq, at, kind, row, payload in db.execute(
        "SELECT seq, at, kind, row, payload FROM journal WHERE plan = ? ORDER BY seq", (name,)
    ):
        if account.of_another_time(seq):
            continue
        began = began or seq
        if isinstance(at, int | float):
            story.newest = max(story.newest, at)
        # the chain names a line that cannot be read
        with suppress(*ODD):
            _hear(story, seq, kind, row, object_of(payload) if payload is not None else None)
    story.restored = any(line > began for _last, line in account.restores)
    return story


def _hear(story: _Story, seq: int, kind: Any, row: Any, said: dict[str, Any] | None) -> None:
    if kind in _SAID:
        story.made = story.made or kind == "plan.made"
        story.applied = story.applied or kind == "plan.applied"
        story.asked = story.asked or kind == "plan.asked"
        if kind in ("plan.made", "plan.trimmed"):
            story.hash = said.get("hash") if said is not None else None
            story.title = said.get("title") if said is not None else None
        story.reason = said.get("reason") if said is not None else None
    elif kind in ("plan.cancelled", "job.cancelled"):
        story.cancelled = True
    elif kind == "row.answer" and type(row) is int:
        if said is None:
            story.answers[row] = (seq, None, None, None)
        else:
            story.answers[row] = (seq, said.get("status"), said.get("errcode"), said.get("job"))
            if type(said.get("job")) is int:
                story.carried.add(said["job"])
    elif kind == "call.intent" and said is not None:
        story.carried.update(each[0] for each in said.get("jobs") or ())
    if kind == "plan.retried":
        story.retried = seq
    if kind in ("plan.applied", "plan.retried") and said is not None:
        story.jobs += said.get("jobs") or 0


def _compare_plan(db: Database, proof: Proof, account: Account, plan: Plan, story: _Story) -> None:
    pruned = plan.created_at < account.pruned_before
    if not story.made and not pruned:
        proof.add("plan", None, _("Plan {plan} is not in the journal.").format(plan=plan.name))
        return
    wrong, digests = plan_rows.altered(db, plan.id)
    if len(digests) != plan.rows:
        proof.add("plan", None, ngettext(
            "Plan {plan}: {count} of its {rows} row is there.",
            "Plan {plan}: {count} of its {rows} rows are there.",
            plan.rows,
        ).format(
            plan=plan.name, count=len(digests), rows=plan.rows
        ))  # fmt: skip
    elif wrong:
        rows = _(", ").join(map(str, wrong[:10]))
        proof.add("plan", None, _("Plan {plan}: row {rows} was altered.").format(
            plan=plan.name, rows=rows
        ))  # fmt: skip
    elif plans.hash_of(plan, digests) != plan.hash or (
        story.hash not in (plan.hash, None) and story.made
    ):
        proof.add("plan", None, _("Plan {plan} was altered: its hash does not fit.").format(
            plan=plan.name
        ))  # fmt: skip
    for what, now, before in (
        (_("reason"), plan.reason, story.reason), (_("title"), plan.title, story.title),
    ):  # fmt: skip
        if before is not None and now != before:
            proof.add("plan", None, _("Plan {plan}: its {what} was changed.").format(
                plan=plan.name, what=what
            ))  # fmt: skip
    applied = plan.status == APPLIED
    cancelled = plan.status == CANCELLED
    if not pruned and (
        applied != story.applied or (cancelled and not (story.cancelled or story.restored))
    ):
        proof.add("plan", None, _(
            "Plan {plan} is called {status}; the journal tells otherwise."
        ).format(plan=plan.name, status=_word(plan.status)))  # fmt: skip
    _compare_answers(db, proof, plan, story, pruned)


def is_altered(db: Database, plan: Plan) -> bool:
    """Whether answers or jobs of a plan are not the ones in the journal."""
    account = Account()
    for seq, payload in db.execute(
        "SELECT seq, payload FROM journal WHERE plan = '' AND kind = 'db.restored'"
    ):
        last = object_of(payload).get("backup_count")
        account.restores.append((last if type(last) is int else seq - 1, seq))
    (pruned,) = db.execute(
        "SELECT count(*) FROM journal WHERE plan = '' AND kind = 'db.pruned'"
    ).fetchone()
    story = _story(db, plan.name, account)
    if _odd(db, plan, story, bool(pruned)):
        return True
    return plan.status == APPLIED and not pruned and any(_job_troubles(db, plan, story))


def _odd(db: Database, plan: Plan, story: _Story, pruned: bool) -> list[int]:
    odd = []
    for row, status, errcode in db.execute(
        "SELECT row, status, errcode FROM plan_row WHERE plan_id = ? ORDER BY row", (plan.id,)
    ):
        seq, said, code, _job = story.answers.get(row, (0, "", None, None))
        if said is None or (not seq and pruned):
            continue
        if not _fits(status, errcode, said, code, seq, story):
            odd.append(row)
    return odd


def _compare_answers(db: Database, proof: Proof, plan: Plan, story: _Story, pruned: bool) -> None:
    odd = _odd(db, plan, story, pruned)
    if odd:
        rows = _(", ").join(map(str, odd[:10])) + (" …" if len(odd) > 10 else "")
        proof.add(
            "plan",
            None,
            _("Plan {plan}: the answer of row {rows} is not the one in the journal.").format(
                plan=plan.name, rows=rows
            ),
        )


def _fits(status: Any, errcode: Any, said: Any, code: Any, seq: int, story: _Story) -> bool:
    """Whether a row may be as it is, after the last answer that was told ("" for none)."""
    if status in _ANSWERED:
        return bool(said == status and code == errcode)
    if status == action.UNDONE:
        return bool(said == action.DONE)
    if status == action.UNKNOWN:
        return said == action.UNKNOWN or story.restored
    if status == action.ASKED:
        return story.asked and said == ""
    if status == action.QUEUED:
        return story.applied and (said in ("", action.UNKNOWN) or story.retried > seq)
    if status == action.CANCELLED:
        return story.cancelled or story.restored
    if status == action.BLOCKED and said == action.BLOCKED:  # held back by an earlier answer
        return bool(code == errcode)
    return said == "" and status in (action.PLANNED, action.BLOCKED)


def _compare_jobs(db: Database, proof: Proof, account: Account, plan: Plan, story: _Story) -> None:
    if plan.created_at >= account.pruned_before:
        for each in _job_troubles(db, plan, story):
            proof.add("job", None, each)


def _job_troubles(db: Database, plan: Plan, story: _Story) -> Iterator[str]:
    """A sentence for each way in which the jobs of a plan are not as the journal tells."""
    there: dict[int, str] = dict(
        db.execute("SELECT id, status FROM job WHERE plan_id = ?", (plan.id,)).fetchall()
    )
    gone = sorted(story.carried - set(there))
    if gone or len(there) < story.jobs:
        yield plural(
            "Plan {plan}: one of its jobs was deleted; the journal tells of it.",
            "Plan {plan}: {count} of its jobs were deleted; the journal tells of them.",
            max(len(gone), story.jobs - len(there)),
            plan=plan.name,
        )
    again = [job for job in _unfinished(there) if _answered(db, job, story)]
    if again:
        yield _(
            "Plan {plan}: job {jobs} waits to be sent although the journal has its answers."
        ).format(plan=plan.name, jobs=_(", ").join(map(str, again[:10])))  # fmt: skip
    otherwise = [
        job
        for job, status in sorted(there.items())
        if status in (queue.FAILED, queue.CANCELLED) and _done(db, job, story)
    ]
    if otherwise:
        yield _(
            "Plan {plan}: job {jobs} is called failed or cancelled; the journal tells that it was"
            " done."
        ).format(plan=plan.name, jobs=_(", ").join(map(str, otherwise[:10])))  # fmt: skip
    torn = [
        job
        for (job,) in db.execute(
            "SELECT id FROM job WHERE plan_id = ? AND size <>"
            " (SELECT count(*) FROM job_row WHERE job_id = job.id) ORDER BY id",
            (plan.id,),
        )
    ]
    if torn:
        yield _(
            "Plan {plan}: job {jobs} does not say any more which rows it carried."
        ).format(plan=plan.name, jobs=_(", ").join(map(str, torn[:10])))  # fmt: skip
    left = db.execute(
        "SELECT count(*) FROM plan_row WHERE plan_id = ? AND status = 'queued' AND NOT EXISTS"
        " (SELECT 1 FROM job JOIN job_row ON job_row.job_id = job.id"
        "  WHERE job.plan_id = plan_row.plan_id"
        "  AND job_row.row = plan_row.row AND job.status IN ('queued', 'sending', 'unknown'))",
        (plan.id,),
    ).fetchone()[0]
    if left and not gone:
        yield plural(
            "Plan {plan}: one of its rows waits for a job that is not there.",
            "Plan {plan}: {count} of its rows wait for a job that is not there.",
            left,
            plan=plan.name,
        )


def _unfinished(there: dict[int, str]) -> list[int]:
    return sorted(job for job, status in there.items() if status in queue.UNFINISHED)


def _answered(db: Database, job: int, story: _Story) -> bool:
    """Whether the journal has a final answer, by this job, of every row it would send."""
    rows = [
        row for (row,) in db.execute("SELECT row FROM job_row WHERE job_id = ?", (job,)).fetchall()
    ]
    return bool(rows) and all(
        (found := story.answers.get(row)) is not None and found[1] in _FINAL and found[3] == job
        for row in rows
    )


def _done(db: Database, job: int, story: _Story) -> bool:
    """Whether the journal has it that a row of this job was done by it."""
    return any(
        (found := story.answers.get(row)) is not None
        and found[1] == action.DONE
        and found[3] == job
        for (row,) in db.execute("SELECT row FROM job_row WHERE job_id = ?", (job,))
    )


def _word(status: str) -> str:
    return {APPLIED: _("applied"), MADE: _("planned"), CANCELLED: _("cancelled")}.get(
        status, status
    )
