"""Apply: exactly the plan that was read, or nothing. Queues jobs, or asks head office to; sends
nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storeops.changes import plans
from storeops.changes import rows as plan_rows
from storeops.changes.action import ASKED, BLOCKED, PLANNED, QUEUED, Action, Row, Verdict, blocked
from storeops.changes.jobs import queue
from storeops.changes.journal import JournalLine, dump
from storeops.changes.ledger import Ledger
from storeops.changes.plans import APPLIED, APPROVED, CANCELLED, DRAFT, MADE, REFUSED, Plan
from storeops.errors import ConflictError, PartialError, PolicyError, UsageError
from storeops.i18n import _, ngettext, said

SMALL = 100  # plans of so few calls go before bulk work: a person is waiting for them


@dataclass(frozen=True, slots=True)
class AppliedPlan:
    """What `apply` did.

    Attributes:
        plan: the plan, applied, or asked of head office.
        rows: rows that are on their way.
        jobs: calls that carry them; 0 where head office makes them.
        skipped: rows that changed since the plan was made and were left out.
    """

    plan: Plan
    rows: int
    jobs: int
    skipped: int


def apply(
    ledger: Ledger,
    name: str,
    *,
    skip_changed: bool = False,
    reason: str = "",
    override: bool = False,
) -> AppliedPlan:
    """Queue the calls of a plan; in a back office, ask head office to carry it out.

    Args:
        ledger: the profile's ledger.
        name: plan_id.
        skip_changed: leave out rows that changed since the plan was made.
        reason: why, for the journal; needed with `override`.
        override: pass the ceilings of the policy (journaled).

    Raises:
        ConflictError: altered, expired, already applied or cancelled, or rows
            have changed (they are blocked now) and `skip_changed` is false.
        PolicyError: read-only, kind not allowed, or over a ceiling.
        UsageError: `override` without a reason; a draft.
        PartialError: every row was left out.
        NothingToDoError: it has no row, and none was left out.
    """
    plan = plans.get(ledger.db, name)
    may_apply(ledger, plan)
    if ledger.ask is None:
        ledger.policy.may_send()
    ceiling = ledger.policy.ceiling_hit(ledger.db, plan.ready, ledger.clock.now())
    if ceiling and not override:
        raise PolicyError(
            ceiling,
            hint=_("Apply a smaller plan, or pass the ceiling with --override --reason TEXT."),
        )
    if override and not (reason or plan.reason):
        raise UsageError(_("Passing a ceiling needs a reason."), hint=_("Add --reason TEXT."))
    action = ledger.action(plan.kind)
    rows = plan_rows.load(ledger.db, plan.id, where="code = '' AND before IS NOT NULL")
    changes = _changes(ledger, action, plan, rows)
    now = ledger.clock.now()
    ready = [row for row in rows if row.row not in changes]
    with ledger.db.atomic() as connection:
        _mark(connection, plan.id, rows, changes, now)
        if changes and not skip_changed:
            ledger.journal.append(connection, [_stale_line(plan, changes)], now)
        elif ledger.ask is not None:
            jobs = _ask(ledger, connection, plan, ready, reason or plan.reason, skip_changed)
        else:
            jobs = _queue(ledger, connection, plan, action, ready, reason, ceiling, changes)
    ledger.journal.seal(ledger.db, now)
    if changes and not skip_changed:
        raise _stale(plan, changes)
    return AppliedPlan(plans.by_id(ledger.db, plan.id), len(ready), jobs, len(changes))


def may_apply(ledger: Ledger, plan: Plan) -> None:
    """Everything that can be said against applying a plan without looking at its subjects.

    Raises:
        ConflictError, PartialError, PolicyError, UsageError, NothingToDoError: see `apply`.
    """
    if plan.status == DRAFT:
        raise UsageError(
            _("Plan {plan} is a draft.").format(plan=plan.name),
            hint=_("Freeze it first: storeops plan freeze {plan}").format(plan=plan.name),
        )
    if plan.status == CANCELLED:
        raise ConflictError(_("Plan {plan} was cancelled.").format(plan=plan.name))
    if plan.status in (plans.ASKED, APPROVED):
        raise ConflictError(
            _("Head office was already asked to carry out plan {plan}.").format(plan=plan.name),
            hint=_("See how it stands: storeops plan show {plan}").format(plan=plan.name),
            next_steps=[f"storeops plan show {plan.name}"],
        )
    if plan.status == REFUSED:
        raise ConflictError(
            _("Head office refused plan {plan}: {why}").format(
                plan=plan.name, why=said(plan.paused_why)
            ),
            hint=_("Make it again: {command}").format(command=replan_command(plan)),
            next_steps=[replan_command(plan)],
        )
    if plan.status == APPLIED:
        raise ConflictError(
            _("Plan {plan} was already applied.").format(plan=plan.name),
            hint=_("See how it went: storeops plan results {plan}").format(plan=plan.name),
            next_steps=[f"storeops plan results {plan.name}"],
        )
    if ledger.clock.now() >= plan.expires_at:
        raise ConflictError(
            _("Plan {plan} has expired.").format(plan=plan.name),
            hint=_("Make it again: {command}").format(command=replan_command(plan)),
            next_steps=[replan_command(plan)],
        )
    ledger.policy.may_apply(plan.kind)
    plans.verify(ledger, plan)
    if plan.ready == 0:
        if not plan.rows and not plan.left_out:
            raise plans.nothing_to_do(plan.kind)
        raise nothing_ready(plan)


def nothing_ready(plan: Plan) -> PartialError:
    """The error of a plan whose every row was left out."""
    return PartialError(
        _("Plan {plan} has no row that could be sent.").format(plan=plan.name),
        hint=_("See why: storeops plan show {plan}").format(plan=plan.name),
        next_steps=[f"storeops plan show {plan.name}"],
        details={"plan_id": plan.name},
    )


def replan_command(plan: Plan) -> str:
    """The command line that makes the plan again."""
    command = plan.params.get("command")
    return str(command) if command else f"storeops plan show {plan.name}"


def _changes(ledger: Ledger, action: Action, plan: Plan, rows: Sequence[Row]) -> dict[int, Verdict]:
    """Rows that are no longer as they were planned, with the reason."""
    view = ledger.view(plan.params)
    found: dict[int, Verdict] = {}
    for row, present in zip(rows, action.observe(view, rows), strict=True):
        if dump(present) != dump(row.before):
            found[row.row] = _changed(row, present)
    for row, verdict in zip(rows, action.check(view, rows), strict=True):
        if not verdict.ready:
            found[row.row] = verdict
    return found


def _changed(row: Row, present: Mapping[str, Any]) -> Verdict:
    fields = sorted(
        key
        for key in {*row.before, *present}
        if dump(row.before.get(key)) != dump(present.get(key))
    )
    return blocked(
        "changed",
        _("It changed since the plan was made: {fields}.").format(fields=_(", ").join(fields)),
        way_out=_("Make the plan again, or apply with --skip-changed."),
    )


def _mark(
    connection: sqlite3.Connection,
    plan_id: int,
    rows: Sequence[Row],
    changes: Mapping[int, Verdict],
    now: float,
) -> None:
    connection.execute(
        f"UPDATE plan_row SET status = '{PLANNED}', meaning = '', next_step = '', errcode = NULL,"
        f" retry_at = NULL WHERE plan_id = ? AND status = '{BLOCKED}' AND code = ''",
        (plan_id,),
    )
    connection.executemany(
        f"UPDATE plan_row SET status = '{BLOCKED}', errcode = ?, meaning = ?, next_step = ?,"
        " retry_at = ?, at = ? WHERE plan_id = ? AND row = ?",
        [
            (each.errcode, each.reason, each.way_out, each.retry_at, now, plan_id, row)
            for row, each in changes.items()
        ],
    )


def _queue(
    ledger: Ledger,
    connection: sqlite3.Connection,
    plan: Plan,
    action: Action,
    ready: Sequence[Row],
    reason: str,
    ceiling: str,
    changes: Mapping[int, Verdict],
) -> int:
    now = ledger.clock.now()
    took = connection.execute(
        "UPDATE plan SET status = ?, applied_at = ?, applied_by = ?, reason ="
        " CASE WHEN ? = '' THEN reason ELSE ? END WHERE id = ? AND status = ? AND hash = ?",
        (APPLIED, now, ledger.who, reason, reason, plan.id, MADE, plan.hash),
    ).rowcount
    if not took:
        raise ConflictError(_("Plan {plan} was already applied.").format(plan=plan.name))
    calls = []
    for group in action.batch(ready, plan.params):
        if group:
            call = action.call(group, plan.params)
            calls.append(([row.row for row in group], call.keys))
    connection.executemany(
        f"UPDATE plan_row SET status = '{QUEUED}', at = ? WHERE plan_id = ? AND row = ?",
        [(now, plan.id, row.row) for row in ready],
    )
    jobs = queue.put(
        connection, plan.id, plan.kind, calls, now=now, priority=int(len(calls) <= SMALL)
    )
    payload = {
        "hash": plan.hash,
        "rows": len(ready),
        "jobs": jobs,
        "skipped": len(changes),
        "reason": reason or plan.reason,
        "override": ceiling,
    }
    ledger.journal.append(
        connection, [JournalLine("plan.applied", plan.name, payload=payload)], now
    )
    return jobs


def _ask(
    ledger: Ledger,
    connection: sqlite3.Connection,
    plan: Plan,
    ready: Sequence[Row],
    reason: str,
    skip_changed: bool,
) -> int:
    """Have it asked of head office; no job is made here."""
    assert ledger.ask is not None
    now = ledger.clock.now()
    took = connection.execute(
        "UPDATE plan SET status = ?, applied_at = ?, applied_by = ?, reason = ?"
        " WHERE id = ? AND status = ? AND hash = ?",
        (plans.ASKED, now, ledger.who, reason, plan.id, MADE, plan.hash),
    ).rowcount
    if not took:
        raise ConflictError(_("Plan {plan} was already applied.").format(plan=plan.name))
    connection.executemany(
        f"UPDATE plan_row SET status = '{ASKED}', at = ? WHERE plan_id = ? AND row = ?",
        [(now, plan.id, row.row) for row in ready],
    )
    ledger.ask(ledger, connection, plan, ready, reason=reason, skip_changed=skip_changed)
    payload = {"hash": plan.hash, "rows": len(ready), "reason": reason}
    ledger.journal.append(connection, [JournalLine("plan.asked", plan.name, payload=payload)], now)
    return 0


def _stale_line(plan: Plan, changes: Mapping[int, Verdict]) -> JournalLine:
    return JournalLine("plan.stale", plan.name, payload={"changed": sorted(changes)[:1000]})


def _stale(plan: Plan, changes: Mapping[int, Verdict]) -> ConflictError:
    again = replan_command(plan)
    return ConflictError(
        ngettext(
            "{count} row of plan {plan} changed since it was made; nothing was sent.",
            "{count} rows of plan {plan} changed since it was made; nothing was sent.",
            len(changes),
        ).format(count=len(changes), plan=plan.name),
        hint=_("Make the plan again, or leave the changed rows out with --skip-changed."),
        next_steps=[
            again,
            f"storeops plan apply {plan.name} --skip-changed",
            f"storeops plan show {plan.name} --status blocked",
        ],
        details={"plan_id": plan.name, "changed_rows": sorted(changes)[:1000]},
    )
