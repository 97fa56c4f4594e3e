"""Undo: a plan of inverse rows, checked and applied like any other."""

from __future__ import annotations

from storeops.changes import plans
from storeops.changes import rows as plan_rows
from storeops.changes.action import DONE
from storeops.changes.jobs import queue
from storeops.changes.ledger import Ledger
from storeops.changes.plans import APPLIED, Plan
from storeops.changes.problems import Problem
from storeops.errors import ConflictError, StoreOpsError
from storeops.i18n import N_, _, kept, ngettext

_LONG = 1_000  # characters of a title that is kept in another one: each time doubles it


def plan_undo(ledger: Ledger, name: str, *, reason: str = "") -> Plan:
    """The plan that puts back what a plan has done; `last` is the newest that was applied.

    Rows that somebody changed since are blocked or put back partly, and say so.

    Raises:
        ConflictError: nothing of it is done, it is still under way, or an undo plan waits.
        StoreOpsError: this kind cannot be undone; says what the way back costs.
    """
    plan = plans.get(ledger.db, name, APPLIED)
    if plan.status != APPLIED:
        raise ConflictError(
            _("Plan {plan} was not applied; there is nothing to undo.").format(plan=plan.name)
        )
    rows = plan_rows.load(ledger.db, plan.id, where=f"status = '{DONE}' AND before IS NOT NULL")
    if not rows:
        _say_who_undid(ledger, plan)
        raise ConflictError(
            _("Nothing of plan {plan} is done; there is nothing to undo.").format(plan=plan.name),
            hint=_("Cancel what is queued: storeops plan cancel {plan}").format(plan=plan.name)
            if queue.counts(ledger.db, plan.id).get(queue.QUEUED)
            else _("See how it went: storeops plan results {plan}").format(plan=plan.name),
        )
    _refuse_second(ledger, plan)
    action = ledger.action(plan.kind)
    try:
        kind, inverse = action.inverse(ledger.view(plan.params), rows)
    except StoreOpsError as error:  # the way back that it names is one of this plan
        error.hint = error.hint.replace(" PLAN", f" {plan.name}")
        raise
    problems = [] if plan.undo_of is None else [_redo(plan)]
    partly = sum(1 for row, verdict in inverse if verdict.ready and row.extra.get("partly"))
    if partly:
        message = ngettext(
            "{count} row can be put back only in part.",
            "{count} rows can be put back only in part.",
            partly,
        ).format(count=partly)
        problems.append(Problem("partly", message, warning=True))
    if more := getattr(action, "undo_problems", None):
        ready = [row for row, verdict in inverse if verdict.ready]
        problems += more(ledger.view(plan.params), ready)
    params = {key: value for key, value in plan.params.items() if key not in ("command", "title")}
    params["command"] = f"storeops plan undo {plan.name}"
    return plans.make(
        ledger,
        kind,
        [row for row, _verdict in inverse],
        [verdict for _row, verdict in inverse],
        params=params,
        problems=problems,
        title=kept(N_("Undo {plan}: {title}"), plan=plan.name, title=plan.title)
        if 0 < len(plan.title) <= _LONG
        else kept(N_("Undo {plan}"), plan=plan.name),
        reason=reason,
        undo_of=plan.id,
    )


def _say_who_undid(ledger: Ledger, plan: Plan) -> None:
    """Refuse to undo what was undone already, naming the plan that did."""
    row = ledger.db.execute(
        "SELECT name FROM plan WHERE undo_of = ? AND status = 'applied' AND EXISTS"
        " (SELECT 1 FROM plan_row WHERE plan_id = ? AND status = 'undone')"
        " ORDER BY applied_at DESC LIMIT 1",
        (plan.id, plan.id),
    ).fetchone()
    if row is not None:
        raise ConflictError(
            _("Plan {plan} was undone already, by {undo}.").format(plan=plan.name, undo=row[0]),
            hint=_("See how it went: storeops plan results {plan}").format(plan=row[0]),
        )


def _refuse_second(ledger: Ledger, plan: Plan) -> None:
    row = ledger.db.execute(
        "SELECT name FROM plan WHERE undo_of = ? AND (status = 'planned' AND expires_at > ?"
        " OR status = 'applied' AND EXISTS (SELECT 1 FROM job WHERE plan_id = plan.id"
        "  AND job.status IN ('queued', 'sending', 'unknown')))",
        (plan.id, ledger.clock.now()),
    ).fetchone()
    if row:
        raise ConflictError(
            _("The plan {undo} already undoes {plan}.").format(undo=row[0], plan=plan.name),
            hint=_("Apply or cancel it first: storeops plan show {undo}").format(undo=row[0]),
            next_steps=[f"storeops plan show {row[0]}"],
        )


def _redo(plan: Plan) -> Problem:
    return Problem("redo", _("This undoes an undo: it does again what was put back."), warning=True)
