"""How a handover that was planned is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands import cells, output, planned
from commands.context import current
from storeops.i18n import _, labelled, ngettext
from storeops.plain import plain

if TYPE_CHECKING:
    from storeops.domains.handover.plan_result import PlanResult
    from storeops.domains.handover.request import HandoverRequest


def _what(customers: int, groups: int) -> str:
    """`6 customers + 1 group chat`, without what there is none of."""
    parts = []
    if customers or not groups:
        words = ngettext("{count} customer", "{count} customers", customers)
        parts.append(words.format(count=cells.amount(customers)))
    if groups:
        words = ngettext("{count} group chat", "{count} group chats", groups)
        parts.append(words.format(count=cells.amount(groups)))
    return " + ".join(parts)


def make(request: HandoverRequest) -> None:
    """Make the plan of a request and tell it."""
    from storeops.domains.handover.planner import plan_handover

    show_plan(plan_handover(current().app.ledger, request))


def show_plan(made: PlanResult) -> None:
    """The plan's object, or who gets what, what is held up, and what to do next."""
    value = planned.with_times(made.as_dict())
    if current().settings.machine:
        output.result(value)
        planned.finish_left_out(made.plan, made.sheet)
        return
    plan = made.plan
    lines = [_("Plan {plan}: {title}").format(plan=plan.name, title=plan.heading)]
    for share in made.shares:
        lines.append(
            "  → "
            + labelled(plain(share.name) or share.userid, _what(share.customers, share.groups))
            + _("  (has {load} of {capacity})").format(
                load=cells.amount(share.load), capacity=cells.amount(share.capacity)
            )
        )
    lines += planned.blocked_lines(plan)
    lines.append(
        "  "
        + ngettext(
            "{calls} call; each handover ends 24 h after sending at the latest",
            "{calls} calls; each handover ends 24 h after sending at the latest",
            plan.calls,
        ).format(calls=cells.amount(plan.calls))
    )
    lines += planned.file_lines(made.sheet)
    lines += planned.problem_lines(plan)
    lines += planned.closing_lines(plan)
    output.result(value, "\n".join(lines))
    planned.finish_left_out(plan, made.sheet)
