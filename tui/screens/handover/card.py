"""What a handover plan came to, and all about a taker, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual.content import Content

from storeops.i18n import _, aside, labelled, ngettext
from tui.cells import shown
from tui.fields import fields
from tui.plan_words import counts_text

if TYPE_CHECKING:
    from storeops.domains.handover.options import PossibleOwner
    from storeops.domains.handover.plan_result import PlanResult


def sums(made: PlanResult, held_back: str, rows: Mapping[str, int]) -> Content:
    """Rows, calls, limits, who gets how many, and what is blocked, by code.

    Args:
        made: the plan with its takers.
        held_back: how long the limits make it take and why; "" when they do not.
        rows: of the plan per status, as they are now.
    """
    plan = made.plan
    head = ngettext(
        "{plan}: {rows} rows, {ready} ready, {blocked} blocked, {calls} call",
        "{plan}: {rows} rows, {ready} ready, {blocked} blocked, {calls} calls",
        plan.calls,
    ).format(
        plan=plan.name, rows=f"{plan.rows:,}", ready=f"{plan.ready:,}",
        blocked=f"{plan.blocked:,}", calls=f"{plan.calls:,}",
    )  # fmt: skip
    limits = held_back or _("within the limits")
    if rows and "planned" not in rows:  # it was applied, or cancelled: how it stands
        head = labelled(plan.name, counts_text(rows))
    elif plan.calls:
        head = f"{head} · {limits}"
    parts = [Content.styled(head + "\n", "bold")]
    shares = "  ".join(
        aside(
            f"{shown(each.name or each.userid)} +{each.customers + each.groups:,}",
            f"{each.load:,}/{each.capacity:,}",
        )
        for each in made.shares[:12]
    )
    parts.append(Content(_("To: {takers}").format(takers=shares or "–") + "\n"))
    for _code, reason, count in made.blocked:
        parts.append(Content.styled(f"✗ {count:,} × {shown(reason)}\n", "$text-error"))
    for each in plan.problems[:3]:
        message = shown(str(each["message"]))
        parts.append(Content.styled(f"! {message}\n", "$text-warning"))
    return Content("").join(parts)


def about_to_owner(owner: PossibleOwner) -> Content:
    """All about somebody who could take over."""
    return fields(
        "",
        [
            (_("User id"), owner.userid),
            (_("Same shop"), _("yes") if owner.same_store else _("no")),
            (_("Customers, with those on their way"), f"{owner.load:,}"),
            (_("May have"), f"{owner.capacity:,}"),
            (_("Why not"), owner.why_not),
            (_("Way out"), owner.way_out),
        ],
    )
