"""A plan in words: a few lines above its rows, or all about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from storeops.changes.action import kind_title
from storeops.durations import span
from storeops.i18n import _, labelled, ngettext, said
from storeops.times import minute
from tui import plan_words
from tui.cells import shown
from tui.fields import fields, title

if TYPE_CHECKING:
    from storeops.changes.plan_cards import Card
    from storeops.changes.plan_summary import PlanSummary


def _numbers(card: Card) -> str:
    plan = card.plan
    if plan.status == "draft":
        return ngettext(
            "{rows} row gathered; nothing is checked or sent yet. Ctrl+S checks it.",
            "{rows} rows gathered; nothing is checked or sent yet. Ctrl+S checks them.",
            plan.rows,
        ).format(rows=f"{plan.rows:,}")
    parts = [
        ngettext(
            "{ready} ready, {blocked} blocked, {calls} call",
            "{ready} ready, {blocked} blocked, {calls} calls",
            plan.calls,
        ).format(ready=f"{plan.ready:,}", blocked=f"{plan.blocked:,}", calls=f"{plan.calls:,}"),
        plan_words.forecast(card.seconds, card.held_by),
    ]
    return " · ".join(part for part in parts if part)


def about(card: Card, now: float, found: PlanSummary | None = None) -> Content:
    """A few lines: what it changes for whom, how many, how it stands, the first problem.

    Args:
        card: the plan.
        now: Unix seconds.
        found: what its rows come to, None while that is not known.
    """
    plan = card.plan
    state = Content.styled(plan_words.state_of(card), _style(card.state))
    what = shown(plan.heading) or kind_title(plan.kind)
    if found is not None and found.effects:
        what = shown(plan_words.effects(found, plan.ready))
    people = shown(plan_words.whom(found)) if found is not None else ""
    parts = [Content.assemble(state, "  ", (what, "bold"), f" · {people}\n" if people else "\n")]
    line = _numbers(card)
    if card.state == "planned":
        line += " · " + _("expires in {time}").format(time=span(plan.expires_at - now))
    parts.append(Content(line + "\n"))
    if plan.status == "applied":
        parts.append(Content(plan_words.counts_text(card.rows) + "\n"))
    if plan.paused_why:
        words = {"asked": _("head office: {why}"), "refused": _("refused: {why}")}
        text = words.get(plan.status, _("paused: {why}")).format(why=said(plan.paused_why))
        why = shown(text)
        parts.append(Content.styled(f"! {why}\n", "$text-warning"))
    for each in plan.problems[:3]:
        parts.append(Content.styled(f"! {shown(str(each['message']))}\n", "$text-warning"))
    if len(plan.problems) > 3:
        more = _("… and {count} more; i shows them all").format(count=len(plan.problems) - 3)
        parts.append(Content.styled(more, "$text-warning"))
    return Content("").join(parts)


def _style(state: str) -> str:
    return {"bad": "$text-error", "warn": "$text-warning", "gone": "$text-muted"}.get(
        plan_words.tone(state), "$text-accent"
    )


def full(card: Card, now: float) -> Content:
    """All about it."""
    plan = card.plan
    parts = [
        fields(
            "",
            [
                (_("What"), plan.heading or kind_title(plan.kind)),
                (_("Kind"), kind_title(plan.kind)),
                (_("Status"), plan_words.state(card.state)),
                (_("Rows"), _numbers(card)),
                (_("So far"), plan_words.counts_text(card.rows)),
                (_("Made"), f"{minute(plan.created_at)} {plan.created_by}"),
                (_("Expires"), minute(plan.expires_at) if card.state in ("planned", "expired")
                 else ""),
                (_("Applied"), f"{minute(plan.applied_at)} {plan.applied_by}".strip()),
                (_("Reason"), plan.reason),
                (_("Paused") if plan.paused else _("Why"), said(plan.paused_why)),
                (_("Command"), str(plan.params.get("command", ""))),
                (_("Hash"), plan.hash),
            ],
        )
    ]  # fmt: skip
    if plan.problems:
        parts.append(title("\n" + _("Problems")))
        for each in plan.problems:
            mark = _("note") if each.get("warning") else _("left out")
            parts.append(Content(labelled(mark, shown(str(each["message"]))) + "\n"))
    return Content("").join(parts)
