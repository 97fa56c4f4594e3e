"""`storeops status`: how fresh the mirror is, what holds calls back, what is queued, the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from commands import cells, output, table
from commands.context import current
from commands.db import size_text
from commands.diagnostics import typed
from commands.output import Column
from commands.sync import HELD, OUTCOMES, scope_title
from storeops.durations import span
from storeops.i18n import N_, _, ngettext

if TYPE_CHECKING:
    from storeops.operations.status import Status
    from storeops.sync.under_way import UnderWay

app = typer.Typer(help=_("How fresh the mirror is, limits, queue, disk."))

JOB_STATUS = {
    "queued": N_("queued"),
    "sending": N_("sending"),
    "waiting": N_("waiting for WeCom's answer"),
    "unknown": N_("unknown"),
    "failed": N_("failed"),
}
STORES_SHOWN = 10


@app.command("status", help=_("Freshness per scope and shop, limits, queue, disk. Calls nothing."))
def status() -> None:
    """Print it."""
    from storeops.operations.status import read_status

    found = read_status(current().app)
    if current().settings.machine:
        output.result({**found.as_dict(), "as_of": cells.iso(found.as_of)})
        return
    table.pairs(
        [
            (_("Profile"), found.profile),
            (_("Customers"), cells.amount(found.rows["customers"])),
            (_("Follows"), _follows(found)),
            (
                _("Mirror"),
                _("as of {time}").format(time=cells.when(found.as_of))
                if found.as_of
                else _("never read completely"),
            ),
        ]
    )
    if found.sync is not None:
        output.line(_sync(found.sync, found.sync_left_s))
    output.line("")
    output.items(
        [
            {"scope": each.scope, "at": each.completed_at, "age": each.age_s, **_how(each)}
            for each in found.scopes
        ],
        [
            Column("scope", _("Scope"), show=scope_title),
            Column("at", _("Complete as of"), show=cells.when),
            Column("age", _("Age"), show=span, right=True),
            Column("outcome", _("Last outcome"), show=lambda value: _(OUTCOMES[value])),
            Column("failures", _("Failures"), show=cells.amount, right=True),
            Column("stale", _("Stale")),
        ],
    )
    output.line("")
    output.line(_("What to do next"))
    for step in found.steps:
        command = typed(step.command, current().settings)
        output.line(f"  {step.text} {command}".rstrip())
    _stores(found)
    _limits(found)
    jobs = [
        _("{count} {status}").format(count=cells.amount(found.jobs[key]), status=_(title))
        for key, title in JOB_STATUS.items()
        if found.jobs.get(key)
    ]
    output.line("")
    table.pairs(
        [
            (_("Jobs"), _(", ").join(jobs) or _("none open")),
            (_("Files"), size_text(found.bytes)),
            (_("Disk"), _("{size} free").format(size=size_text(found.disk_free))),
        ]
    )


def _follows(found: Status) -> str:
    """How many, and of which status when not all are active."""
    from storeops.reading.filter_words import label

    total = cells.amount(found.rows["follows"])
    if set(found.follows) <= {"active"}:
        return total
    parts = [
        _("{count} {status}").format(count=cells.amount(count), status=label("status", status))
        for status, count in found.follows.items()
    ]
    return _("{total} ({parts})").format(total=total, parts=_(", ").join(parts))


def _sync(sync: UnderWay, left_s: float | None) -> str:
    """One line about the open run."""
    if not sync.running:
        return _("A sync was interrupted; `storeops sync run` goes on from there.")
    if sync.scope is None:
        return _("A sync is about to end.")
    title = scope_title(sync.scope)
    if sync.total is None:
        done = cells.amount(sync.done)
        return _("A sync is running: {scope}, {done} so far.").format(scope=title, done=done)
    text = _("A sync is running: {scope}, {done} of {total}.").format(
        scope=title, done=cells.amount(sync.done), total=cells.amount(sync.total)
    )
    return f"{text} {_('{time} left').format(time=span(left_s))}" if left_s else text


def _how(scope: object) -> dict[str, object]:
    return {name: getattr(scope, name) for name in ("outcome", "failures", "stale")}


def _stores(found: Status) -> None:
    """Shops with members who were not read; all of them are in --json."""
    behind = [each for each in found.stores if each.store.uncovered]
    if not behind:
        if found.stores:
            output.line("")
            output.line(
                ngettext(
                    "All staff of {count} shop were read.",
                    "All staff of {count} shops were read.",
                    len(found.stores),
                ).format(count=len(found.stores))
            )
        return
    output.line("")
    output.items(
        [
            {
                "store": each.name or str(each.store.store_id),
                "covered": each.store.covered,
                "uncovered": list(each.store.uncovered),
            }
            for each in behind[:STORES_SHOWN]
        ],
        [
            Column("store", _("Store"), max_width=30),
            Column("covered", _("Read"), right=True),
            Column("uncovered", _("Not read"), max_width=50),
        ],
    )
    if len(behind) > STORES_SHOWN:
        output.line(
            ngettext(
                "… and {count} more shop.",
                "… and {count} more shops.",
                len(behind) - STORES_SHOWN,
            ).format(count=len(behind) - STORES_SHOWN)
        )


def _limits(found: Status) -> None:
    if not found.limits:
        return
    output.line("")
    output.items(
        [
            {
                "path": each.path,
                "minute": f"{each.minute:,}/{each.per_minute:,}",
                "hour": f"{each.hour:,}/{each.per_hour:,}",
                "flight": f"{each.in_flight}/{each.pool}",
                "held": _(HELD[each.held_by]) if each.held_by else "",
                "paused": span(each.paused_s) if each.paused_s else "",
            }
            for each in found.limits
        ],
        [
            Column("path", _("API")),
            Column("minute", _("This minute"), right=True),
            Column("hour", _("This hour"), right=True),
            Column("flight", _("In flight"), right=True),
            Column("held", _("Held back by")),
            Column("paused", _("For")),
        ],
    )
