"""What people do to plans and jobs under way: cancel, pause, resume, retry, trim."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from storeops.changes import plans
from storeops.changes import rows as plan_rows
from storeops.changes.action import CANCELLED, FAILED, PLANNED, QUEUED, UNKNOWN
from storeops.changes.jobs import queue
from storeops.changes.journal import JournalLine
from storeops.changes.ledger import Ledger
from storeops.changes.plans import APPLIED, DRAFT, MADE, REFUSED, Plan
from storeops.errors import ConflictError, NotFoundError, PolicyError, UsageError
from storeops.i18n import _, ngettext


class CancelledRows(NamedTuple):
    """What a cancelling stops.

    Attributes:
        rows: rows of which nothing was sent; they are cancelled.
        asked: rows that are out: WeCom is asked how they ended, none of them is sent again.
    """

    rows: int
    asked: int = 0

    def words(self) -> str:
        """One sentence on the rows that are out; "" when there are none."""
        if not self.asked:
            return ""
        return ngettext(
            "{count} row was sent, and its answer is not known yet: WeCom is asked how it ended,"
            " and it is not sent again. Next: storeops job run --until-empty",
            "{count} rows were sent, and their answers are not known yet: WeCom is asked how they"
            " ended, and none is sent again. Next: storeops job run --until-empty",
            self.asked,
        ).format(count=f"{self.asked:,}")


def cancel_plan(ledger: Ledger, name: str, reason: str = "") -> CancelledRows:
    """Cancel a plan, or what of it has not been sent.

    Of what is being sent, or was sent without an answer, nothing is sent again: it is done when
    WeCom shows that it happened, else cancelled. What waits for a later answer goes on.

    Raises:
        NotFoundError: no such plan.
        ConflictError: nothing is left to cancel, or `last` may mean two plans: the newest, and the
            one applied last while it is under way; or head office has decided it.
        NetworkError: head office has it, and is not reached; it hears of it as soon as it is.
    """
    plan = plans.get(ledger.db, name)
    under_way = plans.get(ledger.db, name, APPLIED)  # what `pause last` holds
    if under_way.id != plan.id and not {QUEUED, UNKNOWN}.isdisjoint(
        plans.row_counts(ledger.db, under_way.id)
    ):
        raise ConflictError(
            _("The newest plan, {plan}, is not the one under way, which is {other}.").format(
                plan=plan.name, other=under_way.name
            ),
            hint=_("Name the one to cancel: storeops plan cancel {plan}").format(
                plan=under_way.name
            ),
            next_steps=[f"storeops plan cancel {each.name}" for each in (under_way, plan)],
        )
    if plan.status == plans.ASKED and ledger.take_back is not None:
        return CancelledRows(ledger.take_back(ledger, plan, reason))
    if plan.status not in (DRAFT, MADE, CANCELLED, REFUSED):
        _must_be_ours(ledger, plan)
    now = ledger.clock.now()
    with ledger.db.atomic() as connection:
        if plan.status in (DRAFT, MADE):
            done = CancelledRows(_cancel_rows(connection, plan.id, PLANNED, now))
            connection.execute(
                "UPDATE plan SET status = 'cancelled' WHERE id = ? AND status IN (?, ?)",
                (plan.id, DRAFT, MADE),
            )
        else:
            jobs = queue.cancel(connection, now, plan_id=plan.id)
            done = CancelledRows(
                _cancelled(connection, jobs, now), queue.drop(connection, plan_id=plan.id)
            )
            if not any(done):
                raise ConflictError(
                    _("Plan {plan} has nothing left to cancel.").format(plan=plan.name),
                    hint=_("See how it went: storeops plan results {plan}").format(plan=plan.name),
                )
        _note(ledger, connection, "plan.cancelled", plan, {**done._asdict(), "reason": reason})
    ledger.journal.seal(ledger.db, now)
    return done


def cancel_job(ledger: Ledger, job_id: int) -> CancelledRows:
    """Cancel one job that is queued, or is not to be sent again.

    Raises:
        NotFoundError: no such job.
        ConflictError: it is over, or was cancelled before.
    """
    plan = _plan_of(ledger, job_id)
    _must_be_ours(ledger, plan)
    now = ledger.clock.now()
    with ledger.db.atomic() as connection:
        rows = _cancelled(connection, queue.cancel(connection, now, job_id=job_id), now)
        done = CancelledRows(rows, queue.drop(connection, job_id=job_id))
        if not any(done):
            raise ConflictError(
                _("Job {job} is not queued any more.").format(job=job_id),
                hint=_("See it: storeops job show {job}").format(job=job_id),
            )
        queue.event(connection, [(job_id, "cancelled", "by hand")], now)
        _note(ledger, connection, "job.cancelled", plan, {"job": job_id, **done._asdict()})
    ledger.journal.seal(ledger.db, now)
    return done


def pause(ledger: Ledger, name: str, *, resume: bool = False) -> int:
    """Stop claiming a plan's jobs, or go on. Returns how many queued jobs it concerns.

    Raises:
        NotFoundError: no such plan.
        ConflictError: it was not applied.
    """
    plan = plans.get(ledger.db, name, APPLIED)
    if plan.status != APPLIED:
        raise ConflictError(_("Plan {plan} is not under way.").format(plan=plan.name))
    _must_be_ours(ledger, plan)
    now = ledger.clock.now()
    with ledger.db.atomic() as connection:
        connection.execute(
            "UPDATE plan SET paused = ?, paused_why = '' WHERE id = ?", (int(not resume), plan.id)
        )
        jobs = queue.hold(connection, plan.id, not resume)
        if resume:  # they are asked about again
            connection.execute(
                "UPDATE plan_row SET meaning = '', next_step = ''"
                f" WHERE plan_id = ? AND status = '{UNKNOWN}'",
                (plan.id,),
            )
        kind = "plan.resumed" if resume else "plan.paused"
        _note(ledger, connection, kind, plan, {"jobs": jobs})
    ledger.journal.seal(ledger.db, now)
    return jobs


def retry_failed(
    ledger: Ledger, name: str, *, job_id: int | None = None, every: bool = False
) -> int:
    """Queue failed rows of a plan again, unchanged. Returns how many rows.

    Args:
        ledger: the profile's ledger.
        name: plan_id.
        job_id: only the rows of this job.
        every: also rows whose answer says that the same call will fail again.

    Raises:
        ConflictError: nothing to retry; says how many failed rows are not retryable.
        PolicyError: read-only, or the kind is not allowed.
    """
    plan = plans.get(ledger.db, name, APPLIED)
    ledger.policy.may_send()
    ledger.policy.may_apply(plan.kind)
    action = ledger.action(plan.kind)
    condition = f"status = '{FAILED}' AND before IS NOT NULL" + (
        "" if every else " AND retryable = 1"
    )
    if job_id is not None:
        condition += f" AND job_id = {int(job_id)}"
    rows = plan_rows.load(ledger.db, plan.id, where=condition)
    if not rows:
        failed = plans.row_counts(ledger.db, plan.id).get(FAILED, 0)
        raise ConflictError(
            _("Plan {plan} has no row to retry; {count} failed for good.").format(
                plan=plan.name, count=failed
            ),
            details={"plan_id": plan.name},
        )
    now = ledger.clock.now()
    with ledger.db.atomic() as connection:
        calls = []
        for group in action.batch(rows, plan.params):
            if group:
                call = action.call(group, plan.params)
                calls.append(([row.row for row in group], call.keys))
        took = 0
        for row in rows:
            took += connection.execute(
                f"UPDATE plan_row SET status = '{QUEUED}', at = ?"
                f" WHERE plan_id = ? AND row = ? AND status = '{FAILED}'",
                (now, plan.id, row.row),
            ).rowcount
        if took != len(rows):
            raise ConflictError(
                _("Somebody else is retrying plan {plan} right now.").format(plan=plan.name)
            )
        jobs = queue.put(
            connection, plan.id, plan.kind, calls, now=now, priority=1, held=plan.paused
        )
        _note(ledger, connection, "plan.retried", plan, {"rows": len(rows), "jobs": jobs})
    ledger.journal.seal(ledger.db, now)
    return len(rows)


def remove_rows(ledger: Ledger, name: str, numbers: Sequence[int]) -> Plan:
    """Take rows out of a plan that was not applied; its hash is made anew and journaled.

    Raises:
        ConflictError: it was applied, cancelled or altered.
        UsageError: it has no such rows.
    """
    plan = plans.get(ledger.db, name, MADE)
    if plan.status != MADE:
        raise ConflictError(
            _("Rows can be removed only before plan {plan} is applied.").format(plan=plan.name)
        )
    plans.verify(ledger, plan)
    action = ledger.action(plan.kind)
    now = ledger.clock.now()
    with ledger.db.atomic() as connection:
        gone = 0
        for number in set(numbers):
            gone += connection.execute(
                "DELETE FROM plan_row WHERE plan_id = ? AND row = ?", (plan.id, number)
            ).rowcount
        if gone != len(set(numbers)):
            raise UsageError(_("Plan {plan} has no such row.").format(plan=plan.name))
        rows = plan_rows.load(ledger.db, plan.id, where="code = ''")
        calls = sum(1 for each in action.batch(rows, plan.params) if each)
        connection.execute(
            "UPDATE plan SET rows = rows - ?, ready = ?, calls = ? WHERE id = ?",
            (gone, len(rows), calls, plan.id),
        )
        digests = [
            each[0]
            for each in connection.execute(
                "SELECT digest FROM plan_row WHERE plan_id = ? ORDER BY row", (plan.id,)
            )
        ]
        plans.seal(ledger, connection, plan.id, digests, "plan.trimmed")
    ledger.journal.seal(ledger.db, now)
    return plans.by_id(ledger.db, plan.id)


def _must_be_ours(ledger: Ledger, plan: Plan) -> None:
    """Refuse to hold or stop what head office carries out, or was asked to.

    Raises:
        PolicyError: it does, or was.
    """
    if ledger.ask is None:
        return
    raise PolicyError(
        _("Plan {plan} lies with head office, which carries it out.").format(plan=plan.name),
        hint=_("Ask head office to hold, stop or repeat it there."),
        next_steps=[f"storeops plan show {plan.name}"],
    )


def _cancel_rows(connection: sqlite3.Connection, plan_id: int, status: str, now: float) -> int:
    return connection.execute(
        f"UPDATE plan_row SET status = '{CANCELLED}', at = ? WHERE plan_id = ? AND status = ?",
        (now, plan_id, status),
    ).rowcount


def _cancelled(connection: sqlite3.Connection, rows: Sequence[tuple[int, int]], now: float) -> int:
    connection.executemany(
        f"UPDATE plan_row SET status = '{CANCELLED}', at = ? WHERE plan_id = ? AND row = ?",
        [(now, plan_id, row) for plan_id, row in rows],
    )
    return len(rows)


def _plan_of(ledger: Ledger, job_id: int) -> Plan:
    row = ledger.db.execute("SELECT plan_id FROM job WHERE id = ?", (job_id,)).fetchone()
    if row is None:
        raise NotFoundError(
            _("There is no job {job}.").format(job=job_id),
            hint=_("See all jobs: storeops job list"),
        )
    return plans.by_id(ledger.db, row[0])


def _note(
    ledger: Ledger,
    connection: sqlite3.Connection,
    kind: str,
    plan: Plan,
    payload: dict[str, object],
) -> None:
    ledger.journal.append(
        connection, [JournalLine(kind, plan.name, payload=payload)], ledger.clock.now()
    )
