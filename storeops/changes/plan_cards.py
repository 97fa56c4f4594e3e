"""Plans as people look at them: one card with its rows, jobs and time left; carrying them out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from storeops.changes import next_steps, plans
from storeops.changes.action import (
    CANCELLED,
    DONE,
    NOT_AS_PLANNED,
    OPEN_STATUSES,
    UNDONE,
    UNKNOWN,
    WAITING,
)
from storeops.changes.jobs import queue
from storeops.changes.jobs.report import Report
from storeops.changes.ledger import Ledger
from storeops.changes.plans import Plan
from storeops.errors import PartialError, StillRunningError, StoreOpsError
from storeops.i18n import _, ngettext, plural, said
from storeops.reading.filter_words import label
from storeops.terms import counted, term


class Estimator(Protocol):
    """What the governor knows (storeops/limits)."""

    def estimate(self, path: str, calls: int) -> Any:
        """When `calls` more calls of an API can be done: `.seconds`, `.reason`."""


@dataclass(frozen=True, slots=True)
class Card:
    """A plan with how it stands.

    Attributes:
        plan: the plan as stored.
        state: key of `terms.PLAN`.
        rows: rows per status.
        jobs: jobs per status.
        seconds: forecast for what is left to send, None when nothing is.
        held_by: what holds it back: pause | minute | hour | pool | in_flight | "".
    """

    plan: Plan
    state: str
    rows: dict[str, int]
    jobs: dict[str, int]
    seconds: float | None = None
    held_by: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For `--json`; times in Unix seconds."""
        plan = self.plan
        return {
            **plan.as_dict(),
            "title": plan.heading,
            "status": self.state,
            "created_at": plan.created_at,
            "created_by": plan.created_by,
            "applied_at": plan.applied_at,
            "applied_by": plan.applied_by,
            "reason": plan.reason,
            "profile": plan.profile,
            "paused_why": said(plan.paused_why),
            "by_status": self.rows,
            "jobs": self.jobs,
            "eta_s": self.seconds,
            "held_by": self.held_by,
        }


def card(ledger: Ledger, plan: Plan, governor: Estimator | None = None) -> Card:
    """How a plan stands; with a governor, also when it will be done."""
    rows = plans.row_counts(ledger.db, plan.id)
    jobs = queue.counts(ledger.db, plan.id)
    left = sum(jobs.get(status, 0) for status in queue.UNFINISHED)
    if plan.status == plans.MADE:
        left = plan.calls
    seconds, held_by = None, ""
    if left and governor is not None and plan.kind in ledger.actions:
        forecast = governor.estimate(ledger.actions[plan.kind].path, left)
        seconds, held_by = forecast.seconds, forecast.reason
    return Card(plan, _state(ledger, plan, rows, left), rows, jobs, seconds, held_by)


def cards(
    ledger: Ledger,
    *,
    kinds: Sequence[str] = (),
    statuses: Sequence[str] = (),
    before: int | None = None,
    limit: int = 50,
    void: bool = True,
) -> list[Card]:
    """Plans, newest first, each with how it stands; arguments as of `plans.listing`."""
    found = plans.listing(
        ledger.db, kinds=kinds, statuses=statuses, before=before, limit=limit, void=void
    )
    return [card(ledger, plan) for plan in found]


def _state(ledger: Ledger, plan: Plan, rows: dict[str, int], left: int) -> str:
    if plan.status == plans.MADE:
        return "expired" if ledger.clock.now() >= plan.expires_at else "planned"
    if plan.status != plans.APPLIED:
        return plan.status
    if left:
        asleep = plan.paused or left == queue.left_unknown(ledger.db, plan.id)
        return "paused" if asleep else "running"
    if any(rows.get(status) for status in OPEN_STATUSES if status != WAITING):
        return "running"
    if rows.get(WAITING):
        return "waiting"
    ended = {status for status in rows if status != "blocked"}
    if ended <= {UNDONE}:
        return "undone"
    if not ended & {DONE, UNDONE}:
        return "cancelled" if ended <= {CANCELLED} else "failed"
    return "done" if ended <= {DONE, UNDONE} else "partly"


def outcome(ledger: Ledger, plan: Plan, report: Report) -> tuple[dict[str, Any], str]:
    """What a run of a plan's jobs came to: (object, one sentence)."""
    state = card(ledger, plans.by_id(ledger.db, plan.id))
    done = state.rows.get(DONE, 0)
    words = ngettext("{done} row done", "{done} rows done", done).format(done=done)
    others = [
        counted("row", status, count)
        for status, count in state.rows.items()
        if status not in (DONE, "blocked") and count
    ]
    text = _(", ").join(([words] if done or not others else []) + others)
    value = {
        "plan_id": plan.name,
        "status": state.state,
        "ended": report.ended,
        "rows": state.rows,
        "jobs": state.jobs,
        "errcodes": {str(code): count for code, count in sorted(report.errcodes.items())},
    }
    return value, text


def trouble(ledger: Ledger, plan: Plan, report: Report) -> StoreOpsError | None:
    """What a caller must hear about a run that did not end well; None when all is done."""
    steps = next_steps.of_plan(ledger, plan)
    if plan.id in report.pauses:
        error = report.pauses[plan.id]
        error.next_steps = (*error.next_steps, *steps[:1])
        return error
    left = queue.unfinished(ledger.db, plan.id)
    if left and left == queue.left_unknown(ledger.db, plan.id):
        return _left_unknown([plan], plans.row_counts(ledger.db, plan.id).get(UNKNOWN, 0), steps)
    if left:
        if plans.by_id(ledger.db, plan.id).paused:
            message = plural(
                "Plan {plan} is paused; {count} call is left.",
                "Plan {plan} is paused; {count} calls are left.",
                left,
                plan=plan.name,
            )
        else:
            message = plural(
                "Plan {plan} is still under way; {count} call is left.",
                "Plan {plan} is still under way; {count} calls are left.",
                left,
                plan=plan.name,
            )
        return StillRunningError(
            message,
            hint=_("It goes on with: {command}").format(command=steps[0]),
            next_steps=[*steps[:1], f"storeops plan show {plan.name}"],
            details={"plan_id": plan.name, "left": left},
        )
    bad = next_steps.not_done(plans.row_counts(ledger.db, plan.id))
    if bad:
        return PartialError(
            ngettext(
                "{count} row of plan {plan} was not done.",
                "{count} rows of plan {plan} were not done.",
                bad,
            ).format(count=bad, plan=plan.name),
            hint=_("See which and why: storeops plan results {plan} --not-done").format(
                plan=plan.name
            ),
            next_steps=steps,
            details={"plan_id": plan.name},
        )
    return None


def _left_unknown(named: Sequence[Plan], rows: int, steps: Sequence[str]) -> PartialError:
    """Rows that were sent without an answer, and WeCom cannot be asked about them."""
    return PartialError(
        ngettext(
            "Nobody knows whether {count} row happened (plan {plans}): it was sent without an"
            " answer, and WeCom could not be asked about it.",
            "Nobody knows whether {count} rows happened (plan {plans}): they were sent without an"
            " answer, and WeCom could not be asked about them.",
            rows,
        ).format(count=rows, plans=_(", ").join(each.name for each in named)),
        hint=_("They stay unknown and are not sent again. Resume the plan when WeCom answers."),
        next_steps=steps,
        details={"plan_ids": [each.name for each in named], "unknown": rows},
    )


def run_trouble(ledger: Ledger, report: Report) -> StoreOpsError | None:
    """What a caller must hear about a run over all plans; None when all is well or nothing was.

    The same codes as `trouble`: what paused a plan, else rows that were not done, else the end
    of the time to wait.
    """
    for plan_id, error in report.pauses.items():
        steps = next_steps.of_plan(ledger, plans.by_id(ledger.db, plan_id))
        error.next_steps = (*error.next_steps, *steps[:1])
        return error
    if report.unasked:
        named = [plans.by_id(ledger.db, each) for each in sorted(report.unasked)]
        steps = [step for plan in named for step in next_steps.of_plan(ledger, plan)]
        return _left_unknown(named, report.unasked.total(), steps)
    if report.not_done:
        named = [plans.by_id(ledger.db, each) for each in sorted(report.not_done)]
        bad = sum(report.rows[status] for status in NOT_AS_PLANNED)
        steps = [step for plan in named for step in next_steps.of_plan(ledger, plan)]
        return PartialError(
            ngettext(
                "{count} row was not done (plan {plans}).",
                "{count} rows were not done (plans {plans}).",
                bad,
            ).format(count=bad, plans=_(", ").join(each.name for each in named)),
            next_steps=steps,
            details={"plan_ids": [each.name for each in named]},
        )
    if report.ended == "time" and report.left:
        return StillRunningError(
            ngettext("{left} call is left.", "{left} calls are left.", report.left).format(
                left=report.left
            ),
            hint=_("It goes on with: {command}").format(command=next_steps.RUN),
            next_steps=[next_steps.RUN],
        )
    return None


def words_of(value: Any) -> str:
    """`before` or `after` of a row as short text: lists joined, empty as a dash."""
    if isinstance(value, dict):
        words = {
            key: label("status", each) if key == "status" else words_of(each)
            for key, each in value.items()
        }
        if len(words) == 1:
            return next(iter(words.values()))
        parts = [
            _("{name}: {text}").format(name=term("field", key), text=each)
            for key, each in words.items()
        ]
        return _("; ").join(parts) or "–"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _(", ").join(map(str, value)) or "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(value) if value not in ("", None) else "–"
