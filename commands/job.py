"""`storeops job`: what carries plans out – look at it, run it, retry, cancel."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from commands import cells, output, planned
from commands.context import current
from commands.option_sets import option_sets
from commands.options import any_of
from commands.output import Column
from commands.page_options import PageOptions
from storeops.errors import ConflictError, UsageError
from storeops.i18n import _, ngettext
from storeops.terms import counted, term

app = typer.Typer(help=_("Jobs: the calls that carry plans out."))

Plan = Annotated[str, typer.Option("--plan", metavar="PLAN", help=_("Only this plan's."))]
JobNumber = Annotated[int, typer.Argument(metavar="JOB", help=_("Its number in `job list`."))]


@app.command("list", help=_("List jobs, newest first."))
@option_sets
def list_(
    plan: Plan = "",
    status: Annotated[
        list[str] | None,
        typer.Option(
            "--status", help=_("queued, sending, unknown, waiting, failed …; may be repeated.")
        ),
    ] = None,
    page: PageOptions = PageOptions(limit=50),
) -> None:
    """One job is one call."""
    from storeops.changes import plans
    from storeops.changes.jobs.listing import listing
    from storeops.changes.jobs.queue import STATUSES

    db = current().app.data
    found = listing(
        db,
        plan_id=plans.get(db, plan, plans.APPLIED).id if plan else None,
        statuses=any_of(status, STATUSES),
        before=page.before,
        limit=page.wanted,
    )
    output.newest(
        found,
        lambda each: _times(each.as_dict()),
        lambda each: each.job_id,
        [
            Column("job_id", _("Job"), right=True),
            Column("plan_id", _("Plan")),
            Column("status", _("Status"), show=planned.job_state),
            Column("rows", _("Rows"), right=True),
            Column("attempts", _("Tries"), right=True),
            Column("errcode", _("Code"), right=True),
            Column("error", _("Trouble")),
            Column("run_at", _("Due"), show=cells.when),
        ],
        page=page,
        empty=_("No jobs."),
    )


def _times(value: dict[str, Any]) -> dict[str, Any]:
    names = ("run_at", "created_at", "started_at", "finished_at", "at")
    return {key: cells.iso(each) if key in names else each for key, each in value.items()}


@app.command("show", help=_("Show one job: its rows, tries, and what happened."))
def show(
    job: JobNumber,
) -> None:
    """With its events."""
    from storeops.changes.jobs.listing import events
    from storeops.changes.jobs.listing import show as read

    db = current().app.data
    found, rows = read(db, job)
    value = _times(found.as_dict())
    value["row_numbers"] = rows
    value["events"] = [
        {"at": cells.iso(each.at), "kind": each.kind, "detail": each.detail}
        for each in events(db, job_id=job)
    ]
    output.item(
        value,
        [
            Column("job_id", _("Job")),
            Column("plan_id", _("Plan")),
            Column("status", _("Status"), show=planned.job_state),
            Column("row_numbers", _("Rows"), show=lambda each: _(", ").join(map(str, each))),
            Column("attempts", _("Tries")),
            Column("errcode", _("Code")),
            Column("error", _("Trouble")),
            Column("created_at", _("Made"), show=cells.when),
            Column("finished_at", _("Ended"), show=cells.when),
            Column("events", _("Events"), show=_events),
        ],
    )


def _events(found: Any) -> str:
    return " · ".join(
        f"{cells.when(each['at'])} {term('job_event', each['kind'])} {each['detail']}".strip()
        for each in found
    )


@app.command("logs", help=_("What happened to jobs that did not go the plain way."))
@option_sets
def logs(
    job: Annotated[int, typer.Argument(metavar="[JOB]", help=_("Only this job, by number."))] = 0,
    plan: Plan = "",
    page: PageOptions = PageOptions(limit=200),
) -> None:
    """Newest first."""
    from storeops.changes import plans
    from storeops.changes.jobs.listing import events

    db = current().app.data
    found = events(
        db,
        job_id=job or None,
        plan_id=plans.get(db, plan, plans.APPLIED).id if plan else None,
        limit=page.end,
    )
    output.paged(
        [
            {"at": cells.iso(each.at), "job_id": each.job_id, "kind": each.kind,
             "detail": each.detail}
            for each in reversed(found)
        ],
        [
            Column("at", _("When"), show=cells.when),
            Column("job_id", _("Job"), right=True),
            Column("kind", _("Event"), show=lambda kind: term("job_event", kind)),
            Column("detail", _("Detail")),
        ],
        page=page,
        empty=_("Nothing happened out of the plain way."),
    )  # fmt: skip


@app.command("run", help=_("Work at the queue, beside other workers."))
def run(
    once: Annotated[
        bool, typer.Option("--once", help=_("Send what can be sent now, then end."))
    ] = False,
    until_empty: Annotated[
        bool, typer.Option("--until-empty", help=_("End when nothing is left (the default)."))
    ] = False,
    for_: Annotated[
        str, typer.Option("--for", metavar="TIME", help=_("Work for so long, like 10m."))
    ] = "",
    wait: Annotated[
        str, typer.Option("--wait", metavar="TIME", help=_("Give up after so long (exit 69)."))
    ] = "",
) -> None:
    """Several may run at once; they share one set of limits. Ends as `plan apply` does."""
    from storeops.changes.plan_cards import run_trouble
    from storeops.durations import seconds

    if once + until_empty + bool(for_) > 1:
        raise UsageError(_("Choose one of --once, --until-empty and --for."), hint=_("See --help."))
    call = current()
    call.app.ledger.policy.may_write()
    limit = seconds(for_) if for_ else seconds(wait) if wait else None
    with call.interruptible("storeops job run --until-empty") as stop:
        report = planned.run_worker(
            stop, seconds=limit, once=once, forever=bool(for_), title=_("jobs")
        )
        value = {
            "ended": report.ended,
            "jobs": report.jobs,
            "rows": dict(report.rows),
            "errcodes": {str(code): count for code, count in sorted(report.errcodes.items())},
            "left": report.left,
        }
        rows = _(", ").join(counted("row", status, count) for status, count in report.rows.items())
        text = (
            ngettext(
                "{jobs} call answered; {left} left. {rows}",
                "{jobs} calls answered; {left} left. {rows}",
                report.jobs,
            )
            .format(jobs=report.jobs, left=report.left, rows=rows)
            .rstrip()
        )
        if not stop.is_set():
            output.done(value, text)
    error = run_trouble(call.app.ledger, report)
    if error is not None:
        planned.finish(error)


@app.command("retry", help=_("Send failed rows of a plan, or of one job, again."))
def retry(
    what: Annotated[
        str, typer.Argument(metavar="PLAN|JOB", help=_("A plan, or the number of a job."))
    ],
    failed: Annotated[
        bool, typer.Option("--failed", help=_("Rows that may succeed unchanged (the default)."))
    ] = True,
    every: Annotated[
        bool, typer.Option("--every", help=_("Also rows that WeCom will most likely refuse again."))
    ] = False,
) -> None:
    """They are queued; `job run` sends them."""
    from storeops.changes import control, plans
    from storeops.changes.jobs.listing import show as read
    from storeops.changes.next_steps import of_plan

    del failed  # there is no other choice of rows to retry
    ledger = current().app.ledger
    job_id = int(what) if what.isdecimal() else None
    name = read(ledger.db, job_id)[0].plan_id if job_id is not None else what
    try:
        rows = control.retry_failed(ledger, name, job_id=job_id, every=every)
    except ConflictError as error:
        error.next_steps = tuple(of_plan(ledger, plans.get(ledger.db, name, plans.APPLIED)))
        raise
    plan = plans.get(ledger.db, name, plans.APPLIED)
    text = ngettext("{rows} row is queued again.", "{rows} rows are queued again.", rows)
    steps = planned.next_lines(of_plan(ledger, plan)[:1])
    output.result({"plan_id": plan.name, "rows": rows}, "\n".join([text.format(rows=rows), *steps]))


@app.command("cancel", help=_("Cancel one queued job."))
def cancel(
    job: JobNumber,
) -> None:
    """Its rows are cancelled."""
    from storeops.changes import control

    ledger = current().app.ledger
    ledger.policy.may_write()
    done = control.cancel_job(ledger, job)
    output.result(
        {"job_id": job, "status": "cancelled", **done._asdict()},
        done.words() or _("Job {job} is cancelled.").format(job=job),
    )
