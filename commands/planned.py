"""What every planner and every run prints: the plan, its problems, its progress, its end."""

from __future__ import annotations

import shlex
import sys
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

from commands import cells, diagnostics, output
from commands.context import Interrupted, current
from commands.progress import bars
from storeops.errors import PartialError, StoreOpsError
from storeops.i18n import N_, _, ngettext
from storeops.plain import plain

if TYPE_CHECKING:
    from storeops.changes.plans import Plan
    from storeops.jobs.report import Report
    from storeops.operations.sheets import Sheet

HELD = {
    "pause": N_("paused by WeCom (45009)"),
    "minute": N_("minute limit"),
    "hour": N_("hour limit"),
    "pool": N_("fewer calls at a time (45033)"),
    "in_flight": N_("calls at the same moment"),
}
SHOWN_PROBLEMS = 20
TIMES = (
    "expires_at", "created_at", "applied_at", "asked_at", "at", "due_at", "retry_at", "settled_at",
)  # fmt: skip


def with_times(value: Mapping[str, Any]) -> dict[str, Any]:
    """The object with its moments (Unix seconds) as programs read them: 2026-05-01T01:30:00Z."""
    return {
        key: cells.iso(each) if key in TIMES and isinstance(each, int | float) else each
        for key, each in value.items()
    }


def show_plan(plan: Plan, sheet: Sheet | None = None) -> None:
    """Print a plan that was just made: its object, or a summary with what to do next.

    Args:
        plan: the plan.
        sheet: the file that asked for it.

    Raises:
        typer.Exit: with 6 when rows of the file are not in the plan.
    """
    from storeops.operations.plans import card

    call = current()
    value = with_times(plan.as_dict()) | ({"file": sheet.as_dict()} if sheet else {})
    if call.settings.machine:
        output.result(value)
        finish_left_out(plan, sheet)
        return
    state = card(call.app.ledger, plan, call.app.governor)
    lines = [
        _("Plan {plan}: {title}").format(plan=plan.name, title=plan.title),
        "  "
        + _("{ready} ready, {blocked} blocked, {calls} calls").format(
            ready=cells.amount(plan.ready),
            blocked=cells.amount(plan.blocked),
            calls=cells.amount(plan.calls),
        )
        + forecast(state.seconds, state.held_by),
    ]
    lines += file_lines(sheet)
    lines += problem_lines(plan)
    lines.append(
        "  " + _("It expires at {time}; nothing was sent.").format(time=cells.when(plan.expires_at))
    )
    lines.append(_("Next: storeops plan show {plan}").format(plan=plan.name))
    if plan.ready:
        lines.append(_("      storeops plan apply {plan}").format(plan=plan.name))
    output.result(value, "\n".join(lines))
    finish_left_out(plan, sheet)


def file_lines(sheet: Sheet | None) -> list[str]:
    """What was found in the file, for people."""
    return ["  " + plain(each) for each in sheet.describe()] if sheet else []


def finish_left_out(plan: Plan, sheet: Sheet | None) -> None:
    """End with 6 when the plan was made and rows of the file are not in it; cron must hear it.

    Raises:
        typer.Exit: 6.
    """
    if sheet is None or not plan.left_out:
        return
    finish(
        PartialError(
            ngettext(
                "{count} row of the file is not in the plan.",
                "{count} rows of the file are not in the plan.",
                plan.left_out,
            ).format(count=cells.amount(plan.left_out)),
            hint=_("Correct them and plan again, or apply the others; --strict refuses the file."),
            next_steps=[f"storeops plan show {plan.name} --problems"],
        )
    )


def forecast(seconds: float | None, held_by: str) -> str:
    """`, about 2 min (minute limit)`; "" when nothing is known."""
    if seconds is None:
        return ""
    why = _(HELD[held_by]) if held_by in HELD else ""
    about = _(", about {time}").format(time=cells.span(seconds))
    return f"{about} ({why})" if why else about


def problem_lines(plan: Plan) -> list[str]:
    """The plan's problems, the first of each kind by name, for people."""
    lines = []
    shown = plan.problems[:SHOWN_PROBLEMS]
    for each in shown:
        mark = _("note") if each.get("warning") else _("left out")
        lines.append(f"  {mark}: {plain(str(each['message']))}")
    more = len(plan.problems) - len(shown)
    if more > 0:
        lines.append(
            "  "
            + ngettext(
                "… and {count} more: storeops plan show {plan} --problems",
                "… and {count} more: storeops plan show {plan} --problems",
                more,
            ).format(count=more, plan=plan.name)
        )
    return lines


def command_line(*words: str, **options: Any) -> str:
    """The command line that does this again, ready to paste.

    Args:
        words: noun and verb.
        options: option → value; None, False, "" and empty lists are left out.
    """
    parts = ["storeops", *words]
    settings = current().settings
    if settings.profile:
        options["profile"] = settings.profile
    for name, value in options.items():
        flag = "--" + name.strip("_").replace("_", "-")
        if value in (None, False, "", ()) or value == []:
            continue
        if value is True:
            parts.append(flag)
            continue
        for each in value if isinstance(value, list | tuple) else [value]:
            parts += [flag, shlex.quote(str(each))]
    return " ".join(parts)


def carry_out(plan: Plan, seconds: float | None) -> None:
    """Work at the queue until a plan has nothing left to send; print how it ended.

    Args:
        plan: an applied plan.
        seconds: end after so long, None for no limit.

    Raises:
        StillRunningError, PartialError: after the outcome was printed.
    """
    from storeops.operations import plans as operations

    call = current()
    with call.interruptible("storeops job run --until-empty") as stop:
        report = run_worker(stop, seconds=seconds, plan_id=plan.id, title=plan.title or plan.name)
        value, text = operations.outcome(call.app.ledger, plan, report)
        if not stop.is_set():
            output.result(value, text)
    error = operations.trouble(call.app.ledger, plan, report)
    if error is not None:
        finish(error)


def finish(error: StoreOpsError) -> None:
    """End the command with an error whose outcome is on stdout already."""
    raise typer.Exit(diagnostics.report(error, current().settings))


def run_worker(
    stop: threading.Event,
    *,
    seconds: float | None = None,
    once: bool = False,
    forever: bool = False,
    plan_id: int | None = None,
    title: str = "",
) -> Report:
    """Run a worker under a bar: rows, rate, time left, what holds it back."""
    from storeops.jobs import queue
    from storeops.jobs.queue import CANCELLED, FAILED, SUCCEEDED, WAITING

    app = current().app
    started = time.monotonic()
    drawn = 0.0
    total = queue.unfinished(app.data, plan_id)

    with bars() as shown:

        def tell(report: Report) -> None:
            nonlocal drawn
            now = time.monotonic()
            if now - drawn < 0.2 and not report.ended:
                return
            drawn = now
            done = report.jobs
            if plan_id is not None:
                counts = queue.counts(app.data, plan_id)
                done = sum(counts.get(each, 0) for each in (SUCCEEDED, FAILED, WAITING, CANCELLED))
            tally = " ".join(
                f"{code}×{count}" for code, count in sorted(report.errcodes.items())[:4]
            )
            shown.show(
                "jobs",
                title or _("jobs"),
                done=min(done, total) if plan_id is None else done,
                total=total if plan_id is None else sum(queue.counts(app.data, plan_id).values()),
                rate=report.jobs / max(0.001, now - started),
                held_back=tally,
            )

        worker = app.worker(stop=stop, on_progress=tell)
        report = worker.run(seconds=seconds, once=once, forever=forever, plan_id=plan_id)
    if report.ended == "stopped" and not stop.is_set():
        raise Interrupted("storeops job run --until-empty")
    sys.stderr.flush()
    return report
