"""`storeops plan`: read what will change, apply exactly that, see how it went, put it back."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from commands import cells, diagnostics, output, planned
from commands.completing import completion
from commands.context import current
from commands.diagnostics import note
from commands.option_sets import option_sets
from commands.options import Force, Reason, Reveal, Yes, any_of
from commands.output import Column
from commands.page_options import After, All, Limit, PageOptions, position
from storeops.errors import ConflictError, UsageError
from storeops.i18n import _, ngettext, plural
from storeops.terms import term

app = typer.Typer(help=_("Plans: what will change, row by row, before it happens."))

PlanId = Annotated[
    str,
    typer.Argument(
        metavar="PLAN",
        autocompletion=completion("plan"),
        help=_("plan_id, its last letters, or `last`."),
    ),
]
MadePlan = Annotated[
    str,
    typer.Argument(
        metavar="PLAN",
        autocompletion=completion("plan_made"),
        help=_("plan_id, its last letters, or `last`."),
    ),
]
Wait = Annotated[
    str | None,
    typer.Option(
        "--wait", metavar="TIME", help=_("Stop waiting after 30s, 5m, 1h …; 0s only queues.")
    ),
]
NotDone = Annotated[bool, typer.Option("--not-done", help=_("Only rows that are not done."))]


@app.command("list", help=_("List plans, newest first."))
@option_sets
def list_(
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", help=_("Only this kind: tag, remark …; may be repeated.")),
    ] = None,
    status: Annotated[
        list[str] | None,
        typer.Option("--status", help=_("draft, planned, asked, applied …; may be repeated.")),
    ] = None,
    page: PageOptions = PageOptions(limit=50),
) -> None:
    """Plans with how they stand."""
    from storeops.changes import plans
    from storeops.changes.plan_cards import cards

    call = current()
    ledger = call.app.ledger
    statuses = any_of(status, plans.STATUSES)
    people = not call.settings.machine
    if people and not statuses:  # what was given up is looked for when it is wanted
        statuses = tuple(each for each in plans.STATUSES if each != plans.CANCELLED)
    found = cards(
        ledger, kinds=any_of(kind), statuses=statuses, before=page.before, limit=page.wanted,
        void=bool(status) or not people,
    )  # fmt: skip
    output.newest(
        found,
        lambda each: planned.with_times(each.as_dict()),
        lambda each: each.plan.id,
        [
            Column("plan_id", _("Plan")),
            Column("status", _("Status"), show=lambda value: term("plan", value)),
            Column("title", _("What"), max_width=40),
            Column("ready", _("Rows"), right=True, show=cells.amount),
            Column("blocked", _("Blocked"), right=True, show=cells.amount),
            Column("created_by", _("By"), max_width=16),
            Column("created_at", _("Made"), show=cells.when),
        ],
        page=page,
        empty=_("No plan yet. One way to make one: storeops help tag plan"),
    )
    if people and not status:
        gone = plans.count(ledger.db, plans.CANCELLED)
        if gone:
            note(
                ngettext(
                    "{count} cancelled plan is not shown: storeops plan list --status cancelled",
                    "{count} cancelled plans are not shown: storeops plan list --status cancelled",
                    gone,
                ).format(count=cells.amount(gone))
            )


@app.command("show", help=_("Show a plan: what holds it up first, then before and after."))
def show(
    plan_id: PlanId,
    status: Annotated[
        list[str] | None,
        typer.Option("--status", help=_("Only rows of these statuses: blocked,failed")),
    ] = None,
    problems: Annotated[
        bool, typer.Option("--problems", help=_("The input that could not be planned."))
    ] = False,
    limit: Limit = 50,
    all_: All = False,
    reveal: Reveal = False,
) -> None:
    """With `--json` the plan with its rows."""
    from storeops.changes import plans, row_results
    from storeops.changes.action import ROW_STATUSES
    from storeops.changes.plan_cards import card
    from storeops.changes.plan_words import Words

    call = current()
    ledger = call.app.ledger
    plan = plans.get(ledger.db, plan_id)
    if problems:
        output.items(
            plan.problems,
            [Column("line", _("Line"), right=True), Column("message", _("What"))],
            empty=_("No problems."),
        )
        return
    state = card(ledger, plan, call.app.governor)
    rows = row_results.results(
        ledger.db,
        plan.id,
        statuses=any_of(status, ROW_STATUSES),
        limit=None if all_ else limit,
        blocked_first=True,
    )
    words = Words(ledger.db, reveal=reveal)
    if call.settings.machine and call.settings.format != "json":
        output.items((_row(each, words) for each in rows), ROW_COLUMNS)
        return
    if call.settings.machine:
        items = [_row(each, words) for each in rows]
        output.result({**planned.with_times(state.as_dict()), "items": items})
        return
    head = [
        _("Plan {plan}: {title}").format(plan=plan.name, title=plan.heading),
        "  "
        + ngettext(
            "{status} · {ready} ready, {blocked} blocked, {calls} call",
            "{status} · {ready} ready, {blocked} blocked, {calls} calls",
            plan.calls,
        ).format(
            status=term("plan", state.state),
            ready=cells.amount(plan.ready),
            blocked=cells.amount(plan.blocked),
            calls=cells.amount(plan.calls),
        )
        + planned.forecast(state.seconds, state.held_by),
        "  "
        + _("made {time} by {who}, expires {expires}").format(
            time=cells.when(plan.created_at), who=plan.created_by,
            expires=cells.when(plan.expires_at),
        ),
    ]  # fmt: skip
    if plan.reason:
        head.append("  " + _("reason: {reason}").format(reason=plan.reason))
    if plan.paused_why:
        head.append("  " + planned.why_line(plan))
    for line in [*head, *planned.problem_lines(plan)]:
        output.line(line)
    output.items((_row(each, words) for each in rows), ROW_COLUMNS)
    hidden = plan.rows - limit
    if not all_ and hidden > 0 and not status:
        note(
            ngettext(
                "{count} more row: add --all.",
                "{count} more rows: add --all.",
                hidden,
            ).format(count=hidden)
        )


ROW_COLUMNS = [
    Column("row", _("Row"), right=True),
    Column("status", _("Status"), show=planned.row_state),
    Column("name", _("Customer"), max_width=32),
    Column("staff_name", _("Member"), max_width=12, minor=1),
    Column("before_text", _("Before"), max_width=30),
    Column("after_text", _("After"), max_width=30, minor=-1),
    Column("why", _("Why"), max_width=60, show=diagnostics.named),
]


def _row(result: Any, words: Any) -> dict[str, Any]:
    value = planned.with_times(result.as_dict())
    value["before"], value["after"] = words.shown(result.before), words.shown(result.after)
    value["code"] = result.code
    value["job_id"] = result.job_id
    value.update(words.of(result))
    return value


@app.command("apply", help=_("Carry out exactly this plan."))
def apply(
    plan_id: MadePlan,
    yes: Yes = False,
    skip_changed: Annotated[
        bool,
        typer.Option("--skip-changed", help=_("Leave out rows that changed since it was made.")),
    ] = False,
    reason: Reason = "",
    override: Annotated[
        bool, typer.Option("--override", help=_("Pass the policy's ceilings; needs --reason."))
    ] = False,
    wait: Wait = None,
) -> None:
    """A plan of more than one row wants its count typed, or --yes."""
    from commands.question import type_to_confirm
    from storeops.changes import apply as changes
    from storeops.changes import plans
    from storeops.durations import seconds

    call = current()
    ledger = call.app.ledger
    limit = None if wait is None else seconds(wait)
    plan = plans.get(ledger.db, plan_id)
    if plan_id.lower() == plans.LAST:
        if plan.created_by != ledger.who:
            raise ConflictError(
                _("The last plan, {plan}, was made by {who}, not by you: {title}").format(
                    plan=plan.name, who=plan.created_by, title=plan.heading
                ),
                hint=_("Name it: storeops plan apply {plan}").format(plan=plan.name),
                next_steps=[f"storeops plan show {plan.name}"],
            )
        note(_("Plan {plan}: {title}").format(plan=plan.name, title=plan.heading))
    changes.may_apply(ledger, plan)
    if plan.ready > 1 and not yes:
        for line in planned.problem_lines(plan):
            note(line.strip())
        rows = ngettext("{count} row changes", "{count} rows change", plan.ready)
        calls = ngettext("{count} call", "{count} calls", plan.calls)
        question = _("{rows} in {calls}: {title}").format(
            rows=rows.format(count=cells.amount(plan.ready)),
            calls=calls.format(count=cells.amount(plan.calls)), title=plan.heading,
        )  # fmt: skip
        type_to_confirm(question, str(plan.ready))
    done = changes.apply(
        ledger, plan.name, skip_changed=skip_changed, reason=reason, override=override
    )
    if done.plan.status == plans.ASKED:
        _asked(done.plan, limit)
        return
    if done.skipped:
        note(
            ngettext(
                "{count} changed row was left out.", "{count} changed rows were left out.",
                done.skipped,
            ).format(count=done.skipped)
        )  # fmt: skip
    if limit == 0:
        output.result(
            {"plan_id": plan.name, "status": "running", "rows": {"queued": done.rows},
             "jobs": {"queued": done.jobs}},
            ngettext(
                "{jobs} call is queued. Send it with: storeops job run --until-empty",
                "{jobs} calls are queued. Send them with: storeops job run "
                "--until-empty",
                done.jobs,
            ).format(
                jobs=done.jobs
            ),
        )  # fmt: skip
        return
    planned.carry_out(done.plan, limit)


def _asked(plan: Any, seconds: float | None) -> None:
    """Send the request to head office, and say whether it has it, or wait for what it answers."""
    from storeops.changes import plans
    from storeops.hub import asking

    app_ = current().app
    sent = asking.send(app_)
    plan = plans.by_id(app_.data, plan.id)
    if plan.status == plans.REFUSED:
        _refused(plan)
    text = _("Head office is asked to carry out plan {plan}: {rows}.")
    if sent.waiting:
        note(_("{message} The request waits here.").format(message=sent.trouble or _("No line.")))
        note(_("It is sent as soon as there is a line: `storeops hub follow --once`"))
        text = _("Plan {plan} waits to be asked of head office: {rows}.")
    elif not seconds:
        note(_("See what became of it: `storeops hub follow --once`, `storeops plan show last`"))
    if seconds:
        _answered(plan, seconds)
        return
    output.result(
        {"plan_id": plan.name, "status": plan.status, "rows": plans.row_counts(app_.data, plan.id),
         "jobs": {}, "request_id": asking.request_id(plan), "sent": not sent.waiting},
        text.format(plan=plan.name, rows=cells.amount(plan.ready)),
    )  # fmt: skip


def _answered(plan: Any, seconds: float) -> None:
    """Wait until head office has answered what it was asked, and print how it ended.

    Raises:
        StillRunningError, PartialError, PolicyError: after the outcome was printed.
    """
    from storeops.changes import plan_cards, plans
    from storeops.changes.jobs.report import Report
    from storeops.errors import StillRunningError
    from storeops.hub import following

    call = current()
    with call.interruptible(f"storeops plan show {plan.name}") as stop:
        over = following.wait_for(call.app, plan.id, seconds, stop)
        plan = plans.by_id(call.app.data, plan.id)
        if plan.status == plans.REFUSED:
            _refused(plan)
        report = Report(ended="empty" if over else "time")
        value, text = plan_cards.outcome(call.app.ledger, plan, report)
        error = plan_cards.trouble(call.app.ledger, plan, report) if over else None
        if not over:
            waits = plan.status == plans.ASKED
            message = (
                _("Head office has not decided plan {plan} yet.")
                if waits
                else _("Plan {plan} is still under way at head office.")
            )
            error = StillRunningError(
                message.format(plan=plan.name),
                hint=_("Its answers come by themselves: `storeops hub follow --once`"),
                next_steps=["storeops hub follow --once", f"storeops plan show {plan.name}"],
                details={"plan_id": plan.name},
            )
        if not stop.is_set():
            output.done(value, text)
    if error is not None:
        planned.finish(error)


def _refused(plan: Any) -> None:
    """Say that head office did not take a request.

    Raises:
        PolicyError: always.
    """
    from storeops.errors import PolicyError
    from storeops.i18n import said

    raise PolicyError(
        _("Head office refused plan {plan}: {why}").format(
            plan=plan.name, why=said(plan.paused_why)
        ),
        hint=_("Nothing was sent."),
        next_steps=[f"storeops plan show {plan.name}"],
    )


@app.command("cancel", help=_("Cancel a plan, or what of it has not been sent."))
def cancel(plan_id: PlanId, reason: Reason = "") -> None:
    """What was sent already stays; undo puts it back."""
    from storeops.changes import control, plans

    ledger = current().app.ledger
    ledger.policy.may_write()
    done = control.cancel_plan(ledger, plan_id, reason)
    name = plans.get(ledger.db, plan_id).name
    output.result(
        {"plan_id": name, "status": "cancelled", **done._asdict()},
        ngettext(
            "Cancelled: {rows} row of plan {plan}.",
            "Cancelled: {rows} rows of plan {plan}.",
            done.rows,
        ).format(rows=done.rows, plan=name),
    )
    if done.asked:
        note(done.words())


@app.command("results", help=_("How each row ended: status, code, meaning, next step."))
def results(
    plan_id: PlanId,
    status: Annotated[
        list[str] | None,
        typer.Option("--status", help=_("Only rows of these statuses: failed,waiting")),
    ] = None,
    not_done: NotDone = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help=_("At most so many."))] = 0,
    all_: All = False,
    after: After = "",
) -> None:
    """All rows unless limited."""
    from storeops.changes import plans, row_results
    from storeops.changes.action import DONE, ROW_STATUSES, UNDONE
    from storeops.changes.plan_words import Words

    ledger = current().app.ledger
    plan = plans.get(ledger.db, plan_id, plans.APPLIED)
    if plan_id.lower() == plans.LAST:
        note(_("Plan {plan}: {title}").format(plan=plan.name, title=plan.heading))
    statuses = any_of(status, ROW_STATUSES)
    if not_done:
        statuses = tuple(each for each in ROW_STATUSES if each not in (DONE, UNDONE))
    start = position(after)
    words = None if current().settings.machine else Words(ledger.db)
    found = row_results.results(
        ledger.db, plan.id, statuses=statuses, after=start, limit=limit + 1 if limit else None
    )
    next_: str | None = None
    saved = bool(current().settings.save)  # a file is read again, by headings
    ids = [Column("external_userid", _("Customer id")), Column("userid", _("Member id"))]
    member = _("Member name") if saved else _("Member")
    rows: Any = (_ended(each, words) for each in found)
    if limit:
        rows = list(rows)
        if len(rows) > limit:
            rows = rows[:limit]
            next_ = str(rows[-1]["row"])
    output.items(
        rows,
        [
            Column("row", _("Row"), right=True),
            Column("status", _("Status"), show=planned.row_state),
            Column("name", _("Customer"), max_width=32),
            Column("staff_name", member, max_width=12, minor=1),
            *(ids if saved else ()),
            Column("errcode", _("Code"), right=True, minor=2),
            Column("meaning", _("Meaning"), max_width=50),
            Column("next_step", _("Next step"), max_width=50, show=diagnostics.named),
        ],
        next_=next_,
        has_more=next_ is not None,
        empty=_("No row."),
        csv_keys=("row", "external_userid", "userid", "status", "errcode", "meaning", "next_step",
                  "retryable", "at"),
    )  # fmt: skip


@app.command("export", help=_("Write how each row ended to a file: .xlsx or .csv."))
def export(
    plan_id: PlanId,
    path: Annotated[str, typer.Argument(metavar="FILE", help=_("Where to: .xlsx or .csv."))],
    not_done: NotDone = False,
    force: Force = False,
) -> None:
    """With names and ids, so that `--file` of a planner reads it again."""
    current().set(save=path, over=force)
    results(plan_id, not_done=not_done)


def _ended(result: Any, words: Any) -> dict[str, Any]:
    """A row as `plan results` shows it: programs read ids, people names."""
    value = planned.with_times(result.as_dict())
    if words is not None:
        named = words.of(result)
        value |= {"name": named["name"], "staff_name": named["staff_name"]}
    return value


@app.command("undo", help=_("Plan to put back what a plan has done."))
def undo(plan_id: PlanId, reason: Reason = "") -> None:
    """The undo is a plan of its own: read it, then apply it."""
    from storeops.changes.undo import plan_undo

    planned.show_plan(plan_undo(current().app.ledger, plan_id, reason=reason))


@app.command("remove", help=_("Take rows out of a plan before it is applied."))
def remove(
    plan_id: PlanId,
    rows: Annotated[str, typer.Option("--rows", metavar="LIST", help=_("Like 3,7-12"))],
) -> None:
    """The plan keeps its id and gets a new hash."""
    from storeops.changes.control import remove_rows

    planned.show_plan(remove_rows(current().app.ledger, plan_id, _numbers(rows)))


def _numbers(text: str) -> list[int]:
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdigit()):
            raise UsageError(
                _("{text} is not a list of rows.").format(text=text), hint=_("Like 3,7-12")
            )
        found += range(int(first), int(last or first) + 1)
    return found


@app.command("freeze", help=_("Make a plan of a draft, so that it can be applied."))
def freeze(plan_id: PlanId, reason: Reason = "") -> None:
    """Rows are checked anew."""
    from storeops.changes.drafts import freeze as make

    planned.show_plan(make(current().app.ledger, plan_id, reason=reason))


@app.command("pause", help=_("Send nothing more of a plan until it is resumed."))
def pause(plan_id: PlanId) -> None:
    """What is being sent is finished."""
    _pause(plan_id, resume=False)


@app.command("resume", help=_("Go on with a paused plan."))
def resume(plan_id: PlanId) -> None:
    """Its jobs are claimed again by the next worker."""
    _pause(plan_id, resume=True)


def _pause(plan_id: str, *, resume: bool) -> None:
    from storeops.changes import control, plans
    from storeops.changes.next_steps import of_plan

    ledger = current().app.ledger
    ledger.policy.may_write()
    jobs = control.pause(ledger, plan_id, resume=resume)
    plan = plans.get(ledger.db, plan_id, plans.APPLIED)
    text = (
        plural(
            "Plan {plan} goes on: {count} call is queued.",
            "Plan {plan} goes on: {count} calls are queued.",
            jobs,
            plan=plan.name,
        )
        if resume
        else plural(
            "Plan {plan} is paused: {count} call is held.",
            "Plan {plan} is paused: {count} calls are held.",
            jobs,
            plan=plan.name,
        )
    )
    steps = planned.next_lines(of_plan(ledger, plan)) if resume else []
    output.result(
        {"plan_id": plan.name, "status": "running" if resume else "paused", "jobs": jobs},
        "\n".join([text, *steps]),
    )
