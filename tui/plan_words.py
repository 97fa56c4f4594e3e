"""Words of plans, rows and jobs in the user's language, each with a sign beside its colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from storeops.changes import plan_summary
from storeops.changes.action import kind_title
from storeops.durations import span
from storeops.i18n import _, aside, ngettext
from storeops.terms import term

if TYPE_CHECKING:
    from storeops.changes.plan_cards import Card
    from storeops.changes.plan_summary import Effect, PlanSummary

_BAD = ("blocked", "failed", "refused", "taker_full", "no_record", "vanished")
_OPEN = ("asked", "approved", "queued", "sending", "waiting", "unknown")


def sign(status: str) -> str:
    """The sign of a row's, job's or plan's status."""
    if status in ("done", "succeeded"):
        return "✓"
    if status in ("blocked", "failed", "refused", "taker_full", "no_record", "vanished", "expired"):
        return "✗"
    if status in ("undone", "cancelled"):
        return "–"
    if status in ("partly", "unknown"):
        return "!"
    if status in (*_OPEN, "running"):
        return "…"
    if status == "paused":
        return "‖"
    return "·"


def row_status(name: str) -> str:
    """A row's status."""
    return f"{sign(name)} {term('row', name)}"


def job_status(name: str, held: int = 0) -> str:
    """A job's status; a queued one may be held by a pause."""
    if held and name == "queued":
        name = "paused"
    return f"{sign(name)} {term('job', name)}"


def state(name: str) -> str:
    """What a plan is doing."""
    return f"{sign(name)} {term('plan', name)}"


def state_of(card: Card) -> str:
    """What a plan is doing; one of which nothing can be done says so at once."""
    if card.state == "planned" and not card.plan.ready:
        return f"{sign('blocked')} {_('all blocked')}"
    return state(card.state)


def tone(status: str) -> str:
    """The tone of a row's, job's or plan's status."""
    if status in _BAD or status == "expired":
        return "bad"
    if status in ("partly", "unknown", "paused"):
        return "warn"
    return "gone" if status in ("cancelled", "undone") else ""


def counts_text(rows: Mapping[str, int]) -> str:
    """Rows per status on one line."""
    return "  ".join(f"{row_status(name)} {count:,}" for name, count in rows.items())


def held_by(reason: str) -> str:
    """What holds a plan back."""
    return {
        "pause": _("paused by WeCom (45009)"), "minute": _("minute limit"),
        "hour": _("hour limit"), "pool": _("fewer calls at a time (45033)"),
        "in_flight": _("limit of calls at the same moment"),
    }.get(reason, "")  # fmt: skip


def forecast(seconds: float | None, reason: str) -> str:
    """`about 2 min (minute limit)`; "" when nothing is known, or it is soon."""
    if seconds is None or seconds < 1:
        return ""
    text = _("about {time}").format(time=span(seconds))
    why = held_by(reason)
    return aside(text, why) if why else text


NAMED = 3  # changes that a sentence names


def effect(each: Effect) -> str:
    """One change in a few words: `set Level/Gold`, `write the remark “VIP”`."""
    text = f"“{each.text}”" if each.text else ""
    return {
        plan_summary.ADD: _("set {name}"),
        plan_summary.REMOVE: _("take {name} off"),
        plan_summary.MOVE: _("hand over to {name}"),
        plan_summary.WRITE: _("write the {name} {text}") if text else _("write the {name}"),
        plan_summary.CLEAR: _("clear {name}"),
    }[each.way].format(
        name=term("field", each.name) if each.way in ("write", "clear") else each.name, text=text
    )


def effects(found: PlanSummary, rows: int) -> str:
    """What a plan changes, in a few words; how many rows each, where they are not all."""
    return _listed(found, rows, [effect(each) for each in found.effects[:NAMED]])


def _listed(found: PlanSummary, rows: int, said: Sequence[str]) -> str:
    """The first changes, so said, one after the other; how many rows each, and how many more."""
    listed = [
        aside(text, f"{each.rows:,}") if each.rows != rows else text
        for text, each in zip(said, found.effects, strict=False)
    ]
    if len(found.effects) > NAMED:
        listed.append(
            ngettext(
                "{count} other change",
                "{count} other changes",
                len(found.effects) - NAMED,
            ).format(count=f"{len(found.effects) - NAMED:,}")
        )
    return _(", ").join(listed)


def whom(found: PlanSummary) -> str:
    """`3 customers of 张娜, 刘丽静`; "" when it is not about customers."""
    if not found.customers:
        return ""
    text = ngettext("{count} customer", "{count} customers", found.customers)
    text = text.format(count=f"{found.customers:,}")
    names = [name for name, _rows in found.members]
    if found.more_members:
        names.append(_("{count} more").format(count=f"{found.more_members:,}"))
    if not names:
        return text
    return _("{customers} of {members}").format(customers=text, members=_(", ").join(names))


def sentence(card: Card, found: PlanSummary, who: str) -> str:
    """What applying a plan does: who, what, to whom, with how many calls, for how long."""
    plan = card.plan
    what = effects(found, plan.ready) or plan.heading or kind_title(plan.kind)
    calls = ngettext("{count} call", "{count} calls", plan.calls).format(count=f"{plan.calls:,}")
    time = _("about {time}").format(time=span(card.seconds or 0))
    if card.seconds is None or card.seconds < 1:
        time = _("at once")
    people = whom(found)
    if people and found.effects and all(each.way == plan_summary.MOVE for each in found.effects):
        what = _listed(found, plan.ready, [each.name for each in found.effects[:NAMED]])
        text = _("{who} will hand over {people} to {what}: {calls}, {time}.")
    elif people:
        text = _("{who} will {what}, for {people}: {calls}, {time}.")
    else:
        text = _("{who} will {what}: {calls}, {time}.")
    return text.format(who=who, what=what, people=people, calls=calls, time=time)
