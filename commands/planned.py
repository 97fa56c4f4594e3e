"""What every planner and every run prints: the plan, its problems, its progress, its end."""

from __future__ import annotations

import shlex
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from commands import cells, diagnostics, output
from commands.context import Interrupted, current
from commands.progress import bars
from storeops.durations import span
from storeops.errors import ExitCode, PartialError, StoreOpsError
from storeops.i18n import N_, _, ngettext, said
from storeops.plain import plain
from storeops.terms import term

if TYPE_CHECKING:
    from storeops.app import App
    from storeops.changes.jobs.report import Report
    from storeops.changes.plans import Plan
    from storeops.changes.sheets import Sheet

HELD = {
    "pause": N_("paused by WeCom (45009)"),
    "minute": N_("minute limit"),
    "hour": N_("hour limit"),
    "pool": N_("fewer calls at a time (45033)"),
    "in_flight": N_("limit of calls at the same moment"),
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
    from storeops.changes.plan_cards import card

    call = current()
    value = with_times(plan.as_dict()) | ({"file": sheet.as_dict()} if sheet else {})
    if call.settings.machine:
        output.result(value)
        finish_left_out(plan, sheet)
        return
    state = card(call.app.ledger, plan, call.app.governor)
    lines = [
        _("Plan {plan}: {title}").format(plan=plan.name, title=plan.heading),
        "  "
        + ngettext(
            "{ready} ready, {blocked} blocked, {calls} call",
            "{ready} ready, {blocked} blocked, {calls} calls",
            plan.calls,
        ).format(
            ready=cells.amount(plan.ready),
            blocked=cells.amount(plan.blocked),
            calls=cells.amount(plan.calls),
        )
        + forecast(state.seconds, state.held_by),
    ]
    lines += file_lines(sheet)
    lines += blocked_lines(plan)
    lines += problem_lines(plan)
    lines += closing_lines(plan)
    output.result(value, "\n".join(lines))
    finish_left_out(plan, sheet)


def file_lines(sheet: Sheet | None) -> list[str]:
    """What was found in the file, for people."""
    return ["  " + plain(each) for each in sheet.describe()] if sheet else []


def finish_left_out(plan: Plan, sheet: Sheet | None) -> None:
    """End with 6 when nothing of a new plan can be sent, or rows of the file are not in it.

    With `--detailed-exitcode` a plan of which all else is well ends with 10.

    Raises:
        typer.Exit: 6 or 10.
    """
    from storeops.changes.apply import nothing_ready

    if not plan.ready:
        finish(nothing_ready(plan))
    if sheet is None or not plan.left_out:
        if current().settings.detailed:
            raise typer.Exit(int(ExitCode.CHANGES))
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


def closing_lines(plan: Plan) -> list[str]:
    """Until when a plan can be applied, and what to type next."""
    from storeops.changes.next_steps import of_plan

    expires = _("It expires at {time}; nothing was sent.").format(time=cells.when(plan.expires_at))
    steps = of_plan(current().app.ledger, plan)
    return ["  " + expires, *next_lines(steps)]


def note_waits(app_: App) -> None:
    """Say on stderr what a call waits for, when it waits long: an hour of silence is explained."""

    def show_progress(path: str, why: str, seconds: float) -> None:
        text = _(HELD[why]) if why in HELD else why
        diagnostics.note(
            _("{path}: {why}, {time} to wait").format(path=path, why=text, time=span(seconds))
        )

    app_.governor.on_hold = show_progress


def row_state(name: str) -> str:
    """A row's status, in words."""
    return term("row", name)


def job_state(name: str) -> str:
    """A job's status, in words."""
    return term("job", name)


def next_lines(steps: Sequence[str]) -> list[str]:
    """Command lines to type next, one a line."""
    return [
        _("Next: {command}").format(command=diagnostics.typed(step, current().settings))
        for step in steps
    ]


def blocked_lines(plan: Plan) -> list[str]:
    """Why rows of a plan are blocked: how many for which reason, and a way out of each."""
    from storeops.changes.row_results import blocked_reasons

    found = blocked_reasons(current().app.data, plan.id)
    if not found:
        return []
    lines = [
        "  "
        + ngettext(
            "{count} row cannot be sent now:", "{count} rows cannot be sent now:", plan.blocked
        ).format(count=cells.amount(plan.blocked))
    ]
    for reason, way_out, count in found:
        lines.append(f"    {cells.amount(count):>6} {plain(reason)}")
        if way_out:
            lines.append(f"           {plain(way_out)}")
    return lines


def why_line(plan: Plan) -> str:
    """Why a plan does not go on, as whoever stopped it says."""
    from storeops.changes.plans import ASKED, REFUSED

    words = {
        ASKED: _("head office: {why}"), REFUSED: _("refused: {why}"),
    }.get(plan.status, _("paused: {why}"))  # fmt: skip
    return words.format(why=plain(said(plan.paused_why)))


def forecast(seconds: float | None, held_by: str) -> str:
    """`, about 2 min (minute limit)`; "" when nothing is known."""
    if seconds is None:
        return ""
    # that calls go side by side up to a limit is the rule, and no reason to name
    why = _(HELD[held_by]) if held_by in HELD and held_by != "in_flight" else ""
    about = _(", about {time}").format(time=span(seconds)) if seconds >= 1 else _(", at once")
    return _("{about} ({why})").format(about=about, why=why) if why else about


def problem_lines(plan: Plan) -> list[str]:
    """The plan's problems, the first of each kind by name, for people."""
    lines = []
    groups = _grouped(plan.problems)
    shown = groups[:SHOWN_PROBLEMS]
    for warning, message in shown:
        mark = _("note") if warning else _("left out")
        lines.append("  " + _("{mark}: {message}").format(mark=mark, message=plain(message)))
    more = len(groups) - len(shown)
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


def _grouped(problems: Sequence[Mapping[str, Any]]) -> list[tuple[bool, str]]:
    """(warning, message) of problems; equal ones of several lines are one, notes come first."""
    lines: dict[tuple[bool, str], list[int]] = {}
    for each in problems:
        number, message = each.get("line"), str(each["message"])
        if number is not None:
            prefix = _("line {line}: {message}").format(line=number, message="")
            message = message.removeprefix(prefix)
        found = lines.setdefault((bool(each.get("warning")), message), [])
        if number is not None:
            found.append(number)
    grouped = []
    for (warning, message), numbers in lines.items():
        if len(numbers) == 1:
            message = _("line {line}: {message}").format(line=numbers[0], message=message)
        elif numbers:
            some = _(", ").join(map(str, numbers[:10])) + (" …" if len(numbers) > 10 else "")
            message = _("{several} lines: {message}: {lines}").format(
                several=cells.amount(len(numbers)), message=message.rstrip(".。"), lines=some
            )
        grouped.append((warning, message, len(numbers)))
    grouped.sort(key=lambda each: (not each[0], -each[2]))
    return [(warning, message) for warning, message, _count in grouped]


def command_line(*words: str, **options: Any) -> str:
    """The command line that does this again, ready to paste.

    Args:
        words: noun and verb.
        options: option → value; None, False, "" and empty lists are left out.
    """
    parts = ["storeops", *map(shlex.quote, words)]
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
    from storeops.changes import plan_cards
    from storeops.changes.next_steps import of_plan

    call = current()
    with call.interruptible("storeops job run --until-empty") as stop:
        report = run_worker(stop, seconds=seconds, plan_id=plan.id, title=plan.heading or plan.name)
        value, text = plan_cards.outcome(call.app.ledger, plan, report)
        error = plan_cards.trouble(call.app.ledger, plan, report)
        if not stop.is_set():
            steps = of_plan(call.app.ledger, plan) if error is None else []
            output.done(value, "\n".join([text, *next_lines(steps)]))
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
    from storeops.changes.jobs import queue
    from storeops.changes.jobs.queue import CANCELLED, FAILED, SUCCEEDED, WAITING

    app = current().app
    started = time.monotonic()
    drawn = 0.0
    total = queue.unfinished(app.data, plan_id)

    with bars() as shown:

        def show_progress(report: Report) -> None:
            nonlocal drawn
            now = time.monotonic()
            if now - drawn < 0.2 and not report.ended:
                return
            drawn = now
            done = report.jobs
            if plan_id is not None:
                counts = queue.counts(app.data, plan_id)
                done = sum(counts.get(each, 0) for each in (SUCCEEDED, FAILED, WAITING, CANCELLED))
            counted = " ".join(
                f"{code}×{count}" for code, count in sorted(report.errcodes.items())[:4]
            )
            shown.show(
                "jobs",
                title or _("jobs"),
                done=min(done, total) if plan_id is None else done,
                total=total if plan_id is None else sum(queue.counts(app.data, plan_id).values()),
                rate=report.jobs / max(0.001, now - started),
                held_back=counted,
            )

        worker = app.worker(stop=stop, on_progress=show_progress)
        report = worker.run(seconds=seconds, once=once, forever=forever, plan_id=plan_id)
    if report.ended == "stopped" and not stop.is_set():
        raise Interrupted("storeops job run --until-empty")
    sys.stderr.flush()
    return report
