"""Make a plan again, from what its follows look like now; which kinds can, their Actions say."""

from __future__ import annotations

from dataclasses import replace

from storeops.changes import control, plans, relations
from storeops.changes import rows as plan_rows
from storeops.changes.action import BLOCKED, CANCELLED, FAILED, PLANNED, VANISHED, Row
from storeops.changes.apply import replan_command
from storeops.changes.ledger import Ledger
from storeops.changes.plans import APPROVED, ASKED, DRAFT, MADE, Plan
from storeops.errors import ConflictError, StoreOpsError, UsageError
from storeops.i18n import _


def can(ledger: Ledger, plan: Plan) -> bool:
    """Whether plans of its kind can be made again from here."""
    return hasattr(ledger.action(plan.kind), "renew")


def replan(ledger: Ledger, name: str) -> Plan:
    """A new plan with the same requests; the old one is cancelled.

    Rows that are so already are left out; what a check stops stays in it, blocked.

    Args:
        ledger: the profile's ledger.
        name: plan_id of a plan that was not applied.

    Raises:
        ConflictError: it was applied, it is of another kind, or everything is so already.
    """
    old = plans.get(ledger.db, name)
    if old.status not in (MADE, DRAFT) or not can(ledger, old):
        raise ConflictError(
            _("Plan {plan} cannot be made again from here.").format(plan=old.name),
            hint=_("Make it again: {command}").format(command=replan_command(old)),
            next_steps=[replan_command(old)],
        )
    rows = _again(ledger, old, plan_rows.load(ledger.db, old.id, where="before IS NOT NULL"))
    if not rows:
        raise ConflictError(
            _("Everything plan {plan} wishes is so already.").format(plan=old.name),
            hint=_("Cancel it: storeops plan cancel {plan}").format(plan=old.name),
            next_steps=[f"storeops plan cancel {old.name}"],
        )
    new = plans.make(
        ledger, old.kind, rows, params=old.params, title=old.title, reason=old.reason,
        undo_of=old.undo_of,
    )  # fmt: skip
    control.cancel_plan(ledger, old.name, f"made again as {new.name}")
    return new


def again(ledger: Ledger, name: str, kind: str, *, reason: str = "") -> Plan:
    """A plan of the rows of a plan that were not done, from what their follows look like now.

    Rows that are so already, or still under way, are left out.

    Args:
        ledger: the profile's ledger.
        name: plan_id; applied, expired or cancelled.
        kind: the kind of plan that is wished for.
        reason: why, for the journal; "" keeps the old one.

    Raises:
        UsageError: it is of another kind.
        ConflictError: it is neither applied, expired nor cancelled, so that it can be used itself.
        NothingToDoError: nothing of it is left to do.
    """
    old = plans.get(ledger.db, name)
    if old.kind != kind:
        raise UsageError(
            _("Plan {plan} is of the kind {kind}.").format(plan=old.name, kind=old.kind),
            next_steps=[f"storeops plan show {old.name}"],
        )
    fresh = old.status == MADE and ledger.clock.now() < old.expires_at
    if fresh or old.status in (DRAFT, ASKED, APPROVED):
        raise ConflictError(
            _("Plan {plan} was not applied yet.").format(plan=old.name),
            hint=_("See it: storeops plan show {plan}").format(plan=old.name),
            next_steps=[f"storeops plan show {old.name}"],
        )
    rows = _again(ledger, old, _left(ledger, old))
    params = {**old.params, "command": f"storeops {old.kind} plan --again {old.name}"}
    return plans.make(
        ledger, old.kind, rows, params=params, title=old.title, reason=reason or old.reason,
        undo_of=old.undo_of,
    )  # fmt: skip


def helps(ledger: Ledger, old: Plan) -> bool:
    """Whether a plan made of what was not done would have a row that can be sent."""
    action = ledger.action(old.kind)
    try:
        if (own := getattr(action, "again_helps", None)) is not None:
            return bool(own(ledger, old))
        rows = _again(ledger, old, _left(ledger, old)) if can(ledger, old) else []
    except StoreOpsError:  # nothing to plan anew, or nobody to take it
        return False
    return (
        any(each.ready for each in action.check(ledger.view(old.params), rows)) if rows else False
    )


def _left(ledger: Ledger, old: Plan) -> list[Row]:
    """Rows that ended, and not as they were wished; all of a plan that was never applied."""
    statuses = (FAILED, VANISHED, CANCELLED, BLOCKED, PLANNED)
    wanted = ", ".join(f"'{each}'" for each in statuses)
    return plan_rows.load(ledger.db, old.id, where=f"before IS NOT NULL AND status IN ({wanted})")


def _again(ledger: Ledger, old: Plan, rows: list[Row]) -> list[Row]:
    found = relations.by_pairs(ledger.db, [(row.userid, row.external_userid) for row in rows])
    pairs = [(row, each) for row, each in zip(rows, found, strict=True) if each is not None]
    renewed = iter(ledger.action(old.kind).renew(ledger.db, pairs))  # type: ignore[attr-defined]
    made: list[Row] = []
    for row, relation in zip(rows, found, strict=True):
        # nothing to compare with where there is no relation: the check will say so
        fresh = row if relation is None else next(renewed)
        if fresh is not None:
            made.append(_with_undo(replace(fresh, row=len(made) + 1), row))
    return made


def _with_undo(fresh: Row, row: Row) -> Row:
    """Keep which row of which plan an undo row puts back."""
    kept = {key: row.extra[key] for key in ("undoes", "partly") if key in row.extra}
    return replace(fresh, extra={**fresh.extra, **kept}) if kept else fresh
