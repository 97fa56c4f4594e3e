"""What `handover` and `leaver` share: options of a request, and how a made plan is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import cells, output, planned
from commands.context import current
from storeops.errors import UsageError
from storeops.i18n import _, labelled, ngettext
from storeops.plain import plain

if TYPE_CHECKING:
    from storeops.domains.handover.plan_result import PlanResult
    from storeops.domains.handover.request import HandoverRequest

To = Annotated[
    list[str] | None,
    typer.Option("--to", metavar="USERID", help=_("Who takes over; several with a rule.")),
]
Rule = Annotated[
    str,
    typer.Option(
        "--rule",
        metavar="RULE",
        help=_(
            "same-store, least-loaded, round-robin, weighted, by-tag, by-date or capacity; "
            "several takers without a rule: least-loaded."
        ),
    ),
]
Weight = Annotated[
    list[str] | None,
    typer.Option("--weight", metavar="USERID=N", help=_("Share of a taker, for weighted.")),
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="KEY=USERID",
        help=_("by-tag: TAG=USERID; by-date: 2026-05-01=USERID; *=USERID for the rest."),
    ),
]
Cap = Annotated[
    int | None, typer.Option("--cap", min=1, help=_("Customers one taker is given at most."))
]
PerDay = Annotated[
    int | None, typer.Option("--per-day", min=1, help=_("Customers one taker is given in a day."))
]
Capacity = Annotated[
    int | None,
    typer.Option("--capacity", min=1, help=_("Customers a member may hold; else 20,000.")),
]
CapacityOf = Annotated[
    list[str] | None,
    typer.Option("--capacity-of", metavar="USERID=N", help=_("Customers this member may hold.")),
]
Groups = Annotated[
    bool | None,
    typer.Option(
        "--groups/--no-groups",
        help=_("Group chats, too; without a choice of customers they come along."),
    ),
]
OnlyGroups = Annotated[bool, typer.Option("--only-groups", help=_("Group chats alone."))]
Spread = Annotated[
    bool,
    typer.Option("--spread", help=_("What does not fit goes to colleagues with room.")),
]
Recheck = Annotated[
    bool,
    typer.Option("--recheck", help=_("Forget what WeCom complained about earlier; ask anew.")),
]


def pairs(items: list[str] | None, option: str) -> list[tuple[str, str]]:
    """`KEY=VALUE` options as pairs.

    Raises:
        UsageError: one of them has no `=`.
    """
    found = []
    for text in items or []:
        key, equals, value = text.rpartition("=")
        if not equals or not key.strip() or not value.strip():
            raise UsageError(
                _("{option} {text}: a KEY=VALUE is needed.").format(option=option, text=text)
            )
        found.append((key.strip(), value.strip()))
    return found


def numbers(items: list[str] | None, option: str, kind: type[int] | type[float]) -> dict[str, Any]:
    """`KEY=NUMBER` options as a dictionary.

    Raises:
        UsageError: one of them is none.
    """
    found: dict[str, Any] = {}
    for key, text in pairs(items, option):
        try:
            found[key] = kind(text)
        except ValueError:
            raise UsageError(
                _("{option} {text}: {value} is not a number.").format(
                    option=option, text=f"{key}={text}", value=text
                )
            ) from None
    return found


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
    lines = [_("Plan {plan}: {title}").format(plan=plan.name, title=plan.title)]
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
