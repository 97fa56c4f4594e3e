"""Why something cannot be done with a plan now, by the state it is in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storeops.i18n import _

if TYPE_CHECKING:
    from storeops.changes.plan_cards import Card


def why_not(action: str, card: Card, *, row: bool, sending: bool) -> str:
    """Why `action` cannot be done with a plan now, "" when it can.

    Args:
        action: of `PlansScreen.KEYS`.
        card: the plan with its tallies.
        row: whether a row of it is under the cursor.
        sending: whether this process sends now.
    """
    plan, state = card.plan, card.state
    if state in ("asked", "approved") and action in ("cancel", "pause", "resume", "retry"):
        return _("It lies with head office, which carries it out.")
    left = any(card.jobs.get(each) for each in ("queued", "sending", "unknown"))
    if action == "apply":
        if state == "expired":
            return _("The plan has expired; make it again.")
        if state == "draft" and not plan.rows:
            return _("The draft is empty.")
        if state in ("asked", "approved"):
            return _("Head office was already asked to carry it out.")
        if state == "refused":
            return _("Head office refused it; the reason stands in the plan.")
        if state not in ("draft", "planned"):
            return _("The plan was already applied or cancelled.")
        if state == "planned" and not plan.ready:
            return _("Every row is blocked; the reasons stand in the rows.")
    if action == "undo" and not card.rows.get("done"):
        return _("Nothing of this plan is done; there is nothing to undo.")
    if action == "cancel" and state not in ("draft", "planned", "expired") and not left:
        return _("Nothing of it is left to cancel; u puts back what is done.")
    if action == "pause" and (plan.paused or not card.jobs.get("queued")):
        return _("Nothing of it waits to be sent.")
    if action == "resume" and not left:
        return _("Nothing of it is left to send.")
    if action == "resume" and sending and not plan.paused:
        return _("It is being carried out.")
    if action == "retry" and not card.rows.get("failed"):
        return _("No row of it has failed.")
    if action == "remove" and plan.status not in ("draft", "planned"):
        return _("Rows can be removed only before a plan is applied.")
    if action in ("remove", "mark") and not row:
        return _("There is no row under the cursor.")
    if action == "jobs" and not card.jobs:
        return _("It has no jobs yet.")
    return ""
