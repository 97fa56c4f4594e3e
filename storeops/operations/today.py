"""The morning: how the mirror stands, and what to do next, most urgent first.

The screen Today, `storeops status` and its JSON show the same steps; each names the screen and the
command that do it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from storeops.changes.action import kind_title
from storeops.changes.next_steps import RUN
from storeops.changes.pending_work import PendingWork, pending_work
from storeops.database.database import Database
from storeops.domain import TodayLine
from storeops.domain import today as lines_of_domains
from storeops.i18n import _, ngettext
from storeops.operations.health import Health, health
from storeops.reading.directory import ShopRow, shops
from storeops.sync.scopes import scope_title

_URGENT = {"bad": 0, "warn": 1}  # tones; the rest comes last


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do next.

    Attributes:
        text: one sentence, short enough for 76 cells.
        tone: of the line: "" | warn | bad.
        screen: the screen that does it.
        command: the command that does it, "" for none.
        request: what that screen shall show.
        domain: which domain says it, "" for the core.
    """

    text: str
    tone: str
    screen: str
    command: str
    request: str = ""
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Today:
    """What the morning shows.

    Attributes:
        health: how the mirror stands.
        shops: every shop, with how far it was read.
        steps: what to do next, most urgent first; never empty.
        at: when that was, WeCom's time, Unix seconds.
    """

    health: Health
    shops: Sequence[ShopRow]
    steps: Sequence[Step]
    at: float


def read(db: Database, now: float, stale_after_s: float) -> Today:
    """Gather it; calls nothing.

    Args:
        db: data.db.
        now: WeCom's time, Unix seconds.
        stale_after_s: what is older is stale, seconds.
    """
    state = health(db, now, stale_after_s)
    coverage = shops(db, now - stale_after_s)
    steps = next_steps(state, coverage, pending_work(db, now), lines_of_domains(db, now))
    return Today(state, coverage, steps, now)


def next_steps(
    state: Health,
    coverage: Sequence[ShopRow],
    ends: PendingWork,
    of_domains: Sequence[tuple[str, TodayLine]] = (),
) -> list[Step]:
    """What to do next; never empty.

    First the reading, on which all else stands; then by tone, the core before domains.

    Args:
        state: how the mirror stands.
        coverage: every shop.
        ends: what people have begun and not ended.
        of_domains: what domains have to say, with their names.
    """
    steps = list(_of_changes(ends))
    poor = [row for row in coverage if row.failed]
    if poor:
        text = ngettext(
            "{count} shop has members that could not be read.",
            "{count} shops have members that could not be read.",
            len(poor),
        ).format(count=len(poor))
        steps.append(Step(text, "warn", "stores", "storeops sync status"))
    steps += [
        Step(line.text, line.tone, line.screen, line.next_step, line.request, name)
        for name, line in of_domains
    ]
    steps = [*_of_sync(state), *sorted(steps, key=lambda step: _URGENT.get(step.tone, 2))]
    if not steps:
        text = _("All is read and fresh. Look at the customers.")
        steps.append(Step(text, "", "customers", "storeops customer list"))
    return steps


def _of_sync(state: Health) -> Iterator[Step]:
    sync = state.refreshed_by
    never = [scope for scope in state.scopes if scope.completed_at is None]
    if state.interrupted:
        yield Step(_("A sync was interrupted; go on with it."), "warn", "sync", sync)
    elif len(never) == len(state.scopes):
        yield Step(_("Nothing was read yet: run the first sync."), "warn", "sync", sync)
    elif never:
        names = _(", ").join(scope_title(scope.scope) for scope in never)
        yield Step(
            _("Never read: {scopes}. Sync.").format(scopes=names),
            "warn",
            "sync",
            sync,
        )
    stale = [each for each in state.scopes if each.stale and each.completed_at is not None]
    if stale and not state.running:
        names = _(", ").join(scope_title(scope.scope) for scope in stale)
        yield Step(_("Stale: {scopes}. Sync.").format(scopes=names), "warn", "sync", sync)
    broken = [scope for scope in state.scopes if scope.outcome in ("partial", "failed")]
    if broken:
        names = _(", ").join(scope_title(scope.scope) for scope in broken)
        text = _("Not whole: {scopes}; see who could not be read.").format(scopes=names)
        yield Step(text, "warn", "sync", "storeops sync status")


def _of_changes(ends: PendingWork) -> Iterator[Step]:
    if ends.bad:
        text = ngettext(
            "{count} row was not done since yesterday; see why.",
            "{count} rows were not done since yesterday; see why.",
            ends.bad,
        ).format(count=f"{ends.bad:,}")
        over = ends.over == ends.bad
        if over:
            text = ngettext(
                "{count} row was not done since yesterday, and no plan can help it any more.",
                "{count} rows were not done since yesterday, and no plan can help them any more.",
                ends.bad,
            ).format(count=f"{ends.bad:,}")
        command = f"storeops plan results {ends.bad_plan} --not-done"
        yield Step(text, "" if over else "warn", "plans", command, ends.bad_plan)
    if ends.held:
        text = ngettext(
            "{count} call is held by a paused plan.",
            "{count} calls are held by paused plans.",
            ends.held,
        ).format(count=f"{ends.held:,}")
        yield Step(text, "warn", "jobs", "storeops plan list")
    if ends.queued:
        text = ngettext(
            "{count} call of applied plans waits to be sent.",
            "{count} calls of applied plans wait to be sent.",
            ends.queued,
        ).format(count=f"{ends.queued:,}")
        yield Step(text, "", "jobs", RUN)
    if ends.plans:
        text = ngettext(
            "{count} plan with {rows} ready rows is made and not applied.",
            "{count} plans with {rows} ready rows are made and not applied.",
            ends.plans,
        ).format(count=f"{ends.plans:,}", rows=f"{ends.plan_rows:,}")
        yield Step(text, "", "plans", f"storeops plan show {ends.newest}", ends.newest)
    for kind, rows in ends.drafts.items():
        text = ngettext(
            "{count} row is gathered in the draft of {kind}; check and apply it.",
            "{count} rows are gathered in the draft of {kind}; check and apply it.",
            rows,
        ).format(count=f"{rows:,}", kind=kind_title(kind))
        yield Step(text, "", "plans", "storeops plan list --status draft")
