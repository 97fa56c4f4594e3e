"""Make a plan of tags or remarks again, from what its follows look like now."""

from __future__ import annotations

from storeops.changes import control, plans
from storeops.changes import rows as plan_rows
from storeops.changes.apply import replan_command
from storeops.changes.ledger import Ledger
from storeops.changes.plans import DRAFT, MADE, Plan
from storeops.errors import ConflictError, UsageError
from storeops.i18n import _
from storeops.jobs.action import BLOCKED, CANCELLED, FAILED, PLANNED, VANISHED, Row
from storeops.operations import relations
from storeops.operations.remarks import RemarkAction, remark_row
from storeops.operations.tagging import TagAction, tag_row

KINDS = (TagAction.name, RemarkAction.name)


def replan(ledger: Ledger, name: str) -> Plan:
    """A new plan with the same wishes; the old one is cancelled.

    Rows that are so already are left out; what a check stops stays in it, blocked.

    Args:
        ledger: the profile's ledger.
        name: plan_id of a plan that was not applied.

    Raises:
        ConflictError: it was applied, it is of another kind, or everything is so already.
    """
    old = plans.get(ledger.db, name)
    if old.status not in (MADE, DRAFT) or old.kind not in KINDS:
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
    if old.status == DRAFT or (old.status == MADE and ledger.clock.now() < old.expires_at):
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


def has_ready(ledger: Ledger, old: Plan) -> bool:
    """Whether `again` would make a plan with a row that can be sent."""
    rows = _again(ledger, old, _left(ledger, old))
    verdicts = ledger.action(old.kind).check(ledger.view(old.params), rows) if rows else []
    return any(each.ready for each in verdicts)


def _left(ledger: Ledger, old: Plan) -> list[Row]:
    """Rows that ended, and not as they were wished; all of a plan that was never applied."""
    statuses = (FAILED, VANISHED, CANCELLED, BLOCKED, PLANNED)
    wanted = ", ".join(f"'{each}'" for each in statuses)
    return plan_rows.load(ledger.db, old.id, where=f"before IS NOT NULL AND status IN ({wanted})")


def _again(ledger: Ledger, old: Plan, rows: list[Row]) -> list[Row]:
    found = relations.by_pairs(ledger.db, [(row.userid, row.external_userid) for row in rows])
    tags = relations.tags_of(ledger.db, [each.follow_id for each in found if each is not None])
    made: list[Row] = []
    for row, relation in zip(rows, found, strict=True):
        number = len(made) + 1
        fresh: Row | None
        if relation is None:  # nothing to compare with: the check will say so
            fresh = Row(number, row.external_userid, row.userid, row.subject, row.before,
                        row.after, row.extra)  # fmt: skip
        elif old.kind == TagAction.name:
            fresh = tag_row(number, relation, tags[relation.follow_id],
                            row.extra["add"], row.extra["remove"])  # fmt: skip
        else:
            fresh = remark_row(number, relation, row.after)
        if fresh is not None:
            made.append(_with_undo(fresh, row))
    return made


def _with_undo(fresh: Row, row: Row) -> Row:
    """Keep which row of which plan an undo row puts back."""
    from dataclasses import replace

    kept = {key: row.extra[key] for key in ("undoes", "partly") if key in row.extra}
    return replace(fresh, extra={**fresh.extra, **kept}) if kept else fresh
