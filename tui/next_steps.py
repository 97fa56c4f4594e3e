"""What to do next: one sentence each, with the screen where it is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from storeops.changes.open_ends import OpenEnds
from storeops.domain import TodayLine
from storeops.durations import span
from storeops.i18n import _, ngettext
from storeops.operations.health import Health
from storeops.reading.overview import ShopRow
from tui import plan_words, words

SOON = 60 * 86_400  # seconds before a deadline from which it is urgent


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do next.

    Attributes:
        text: one sentence, short enough for 76 cells.
        tone: of the line.
        screen: the screen that does it.
        wish: what that screen shall show.
    """

    text: str
    tone: str
    screen: str
    wish: str = ""


def next_steps(
    state: Health,
    coverage: Sequence[ShopRow],
    ends: OpenEnds,
    now: float,
    of_domains: Sequence[tuple[str, TodayLine]] = (),
) -> list[Step]:
    """What to do next, most urgent first; never empty.

    Args:
        state: how the mirror stands.
        coverage: every shop.
        ends: what people have begun and not ended.
        now: WeCom's time, Unix seconds.
        of_domains: what domains have to say, with their names.
    """
    steps = [*_of_sync(state), *_of_leavers(state, now), *_of_changes(ends)]
    poor = [row for row in coverage if row.failed]
    if poor:
        text = ngettext(
            "{count} shop has members that could not be read.",
            "{count} shops have members that could not be read.",
            len(poor),
        ).format(count=len(poor))
        steps.append(Step(text, "warn", "stores"))
    for _name, line in of_domains:
        text = f"{line.text} {line.next_step}" if line.next_step and not line.screen else line.text
        steps.append(Step(text, line.tone, line.screen or "today", line.request))
    if not steps:
        steps.append(Step(_("All is read and fresh. Look at the customers."), "", "customers"))
    return steps


def _of_sync(state: Health) -> Iterator[Step]:
    never = [scope for scope in state.scopes if scope.completed_at is None]
    if state.interrupted:
        yield Step(_("A sync was interrupted; go on with it."), "warn", "sync")
    elif len(never) == len(state.scopes):
        yield Step(_("Nothing was read yet: run the first sync."), "warn", "sync")
    elif never:
        names = ", ".join(words.scope(scope.scope) for scope in never)
        yield Step(_("Never read: {scopes}. Sync.").format(scopes=names), "warn", "sync")
    stale = [each for each in state.scopes if each.stale and each.completed_at is not None]
    if stale and not state.running:
        names = ", ".join(words.scope(scope.scope) for scope in stale)
        yield Step(_("Stale: {scopes}. Sync.").format(scopes=names), "warn", "sync")
    broken = [scope for scope in state.scopes if scope.outcome in ("partial", "failed")]
    if broken:
        names = ", ".join(words.scope(scope.scope) for scope in broken)
        text = _("Not whole: {scopes}; see who could not be read.").format(scopes=names)
        yield Step(text, "warn", "sync")


def _of_leavers(state: Health, now: float) -> Iterator[Step]:
    if not state.unassigned:
        return
    text = ngettext(
        "{customers} customer of {leavers} leavers waits for a new owner",
        "{customers} customers of {leavers} leavers wait for a new owner",
        state.unassigned,
    ).format(customers=f"{state.unassigned:,}", leavers=f"{state.leavers:,}")
    urgent, more = "", ""
    if state.first_deadline is not None:
        left = state.first_deadline - now
        if left < 0:
            more = _("some past the year")
            urgent = "bad"
        else:
            more = _("first year ends in {span}").format(span=span(left))
            urgent = "warn" if left < SOON else ""
    if more:
        text = _("{text}; {more}.").format(text=text, more=more)
    yield Step(text, urgent, "handover")


def _of_changes(ends: OpenEnds) -> Iterator[Step]:
    if ends.due:
        text = ngettext(
            "The answer of {count} handover is due; ask WeCom how it ended.",
            "The answers of {count} handovers are due; ask WeCom how they ended.",
            ends.due,
        ).format(count=f"{ends.due:,}")
        yield Step(text, "warn", "handover")
    if ends.held:
        text = ngettext(
            "{count} call is held by a paused plan.",
            "{count} calls are held by paused plans.",
            ends.held,
        ).format(count=f"{ends.held:,}")
        yield Step(text, "warn", "jobs")
    if ends.queued:
        text = ngettext(
            "{count} call of applied plans waits to be sent.",
            "{count} calls of applied plans wait to be sent.",
            ends.queued,
        ).format(count=f"{ends.queued:,}")
        yield Step(text, "", "jobs")
    if ends.plans:
        text = ngettext(
            "{count} plan with {rows} ready rows is made and not applied.",
            "{count} plans with {rows} ready rows are made and not applied.",
            ends.plans,
        ).format(count=f"{ends.plans:,}", rows=f"{ends.plan_rows:,}")
        yield Step(text, "", "plans", ends.newest)
    for kind, rows in ends.drafts.items():
        text = ngettext(
            "{count} row is gathered in the draft of {kind}; check and apply it.",
            "{count} rows are gathered in the draft of {kind}; check and apply it.",
            rows,
        ).format(count=f"{rows:,}", kind=plan_words.kind(kind))
        yield Step(text, "", "plans")
    if ends.waiting > ends.due:
        text = ngettext(
            "{count} handover waits for its answer.",
            "{count} handovers wait for their answers.",
            ends.waiting - ends.due,
        ).format(count=f"{ends.waiting - ends.due:,}")
        yield Step(text, "", "handover")
