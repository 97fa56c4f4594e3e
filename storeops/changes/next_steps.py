"""What to do next with a plan: command lines that will do something when they are typed now.

Every hint that names a command after a plan was made, applied, watched, retried or undone comes
from here. A line is offered only when its command would have work in the plan's present state.
"""

from __future__ import annotations

from storeops.changes import plans, replan
from storeops.changes.action import (
    DONE,
    FAILED,
    NOT_AS_PLANNED,
    OPEN_STATUSES,
    UNDONE,
    UNKNOWN,
    WAITING,
)
from storeops.changes.apply import replan_command
from storeops.changes.jobs import queue
from storeops.changes.ledger import Ledger
from storeops.changes.plans import APPLIED, APPROVED, ASKED, DRAFT, MADE, Plan
from storeops.mirror import meta

RUN = "storeops job run --until-empty"


def of_plan(ledger: Ledger, plan: Plan) -> list[str]:
    """Command lines that go on with a plan, most useful first; [] when all is done.

    Args:
        ledger: the profile's ledger.
        plan: in whatever state; read anew.
    """
    plan = plans.by_id(ledger.db, plan.id)
    if plan.status == DRAFT:
        return [f"storeops plan freeze {plan.name}"]
    if plan.status == MADE:
        return _made(ledger, plan)
    if plan.status in (ASKED, APPROVED):
        return _look(ledger)
    steps: list[str] = []
    rows = plans.row_counts(ledger.db, plan.id)
    if ledger.ask is not None:
        return _told(ledger, plan, rows)
    if plan.status == APPLIED:
        left = queue.unfinished(ledger.db, plan.id)
        asleep = queue.left_unknown(ledger.db, plan.id)  # nobody asks about these any more
        if left and (plan.paused or asleep == left):
            steps.append(f"storeops plan resume {plan.name}")
        elif left:
            steps.append(RUN)
            if asleep:
                steps.append(f"storeops plan resume {plan.name}")
        if rows.get(WAITING) and (later := getattr(ledger.action(plan.kind), "later", "")):
            steps.append(later)
        if retryable(ledger, plan):
            steps.append(f"storeops job retry {plan.name}")
    if replan.helps(ledger, plan):
        steps.append(again_command(plan))
    if plan.status == APPLIED and set(rows) - {DONE, UNDONE, WAITING}:
        steps.append(f"storeops plan results {plan.name} --not-done")
    return steps


def _told(ledger: Ledger, plan: Plan, rows: dict[str, int]) -> list[str]:
    """What a back office can do with a plan that lies with head office."""
    going_on = any(rows.get(status) for status in OPEN_STATUSES)
    steps = _look(ledger) if going_on else []
    if not going_on and replan.helps(ledger, plan):
        steps.append(again_command(plan))
    if set(rows) - {DONE, UNDONE, *OPEN_STATUSES}:
        steps.append(f"storeops plan results {plan.name} --not-done")
    return steps


def _look(ledger: Ledger) -> list[str]:
    """The command by which what head office did comes in."""
    fed_by = meta.read(ledger.db.connection, meta.FED_BY)
    return [fed_by] if fed_by else []


def _made(ledger: Ledger, plan: Plan) -> list[str]:
    show = f"storeops plan show {plan.name}"
    if ledger.clock.now() >= plan.expires_at:
        again = again_command(plan)
        if replan.helps(ledger, plan):
            return [again]
        command = replan_command(plan)
        return [command] if command == show else [command, show]
    return [show, f"storeops plan apply {plan.name}"] if plan.ready else [show]


def retryable(ledger: Ledger, plan: Plan) -> int:
    """Rows that `job retry` would send again."""
    count: int = ledger.db.execute(
        "SELECT count(*) FROM plan_row WHERE plan_id = ? AND status = ? AND retryable = 1"
        " AND before IS NOT NULL",
        (plan.id, FAILED),
    ).fetchone()[0]
    return count


def again_command(plan: Plan) -> str:
    """The command that plans the rows of a plan that were not done anew."""
    return f"storeops {plan.kind} plan --again {plan.name}"


def not_done(rows: dict[str, int]) -> int:
    """Rows that have ended, and not as they were wished."""
    return sum(rows.get(status, 0) for status in (*NOT_AS_PLANNED, UNKNOWN))
