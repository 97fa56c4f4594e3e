"""`storeops sync`: bring the mirror up to date, see how it went, read back and compare."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from commands import cells, output, planned
from commands.context import current
from commands.diagnostics import note, report
from commands.option_sets import option_sets
from commands.output import Column
from commands.page_options import PageOptions
from commands.progress import bars
from storeops import errors
from storeops.durations import span
from storeops.errors import ExitCode, StoreOpsError
from storeops.i18n import N_, _, plural

if TYPE_CHECKING:
    from storeops.sync.results import ScopeResult, SyncResult

app = typer.Typer(help=_("Bring the mirror up to date; ends complete, partial or failed."))


def scope_title(name: str) -> str:
    """A scope in the user's language; imports the engine only now."""
    from storeops.sync import scopes

    return scopes.scope_title(name)


MODES = {"normal": N_("normal"), "full": N_("full"), "store": N_("one shop")}
OUTCOMES = {
    "complete": N_("complete"),
    "partial": N_("partial"),
    "failed": N_("failed"),
    "open": N_("open"),
}
HELD = {
    "pause": N_("paused by WeCom (45009)"),
    "minute": N_("minute limit"),
    "hour": N_("hour limit"),
    "pool": N_("fewer calls at a time (45033)"),
    "in_flight": N_("other processes call too"),
}
SHOWN_FAILURES = 10


@app.command("run", help=_("Read WeCom into the mirror; goes on where an interrupted run stopped."))
def run(
    scope: Annotated[
        str,
        typer.Option(
            "--scope",
            metavar="NAMES",
            help=_("Only these: departments,staff,tags,follows,groups,unassigned"),
        ),
    ] = "",
    full: Annotated[
        bool, typer.Option("--full", help=_("Forget an interrupted run and begin afresh."))
    ] = False,
    store: Annotated[
        str, typer.Option("--store", metavar="CODE", help=_("Only the staff of one shop."))
    ] = "",
) -> None:
    """Exit code 0 complete, 6 partial; a failed run ends with the code of its first failure."""
    from commands.syncing import sync_with_bars
    from storeops.wecom.oddities import sentence

    call = current()
    scopes = [each.strip() for each in scope.split(",") if each.strip()] or None
    resume = "storeops sync run" + (
        f" --profile {call.settings.profile}" * bool(call.settings.profile)
    )
    began = time.monotonic()
    with call.interruptible(resume) as stop, bars() as shown:
        result = sync_with_bars(call.app, shown, scopes=scopes, full=full, store=store, stop=stop)
    if not call.settings.quiet or call.settings.machine or result.outcome != "complete":
        show_result(result, time.monotonic() - began)
    if odd := sentence(result.odd_values):
        note(odd)
    if result.joined:
        note(_("Another sync was running already; this is what it read."))
    elif result.resumed:
        note(_("It went on where an interrupted run had stopped."))
    finish(result)


def show_result(result: SyncResult, took_s: float | None = None) -> None:
    """Print how a run stands: a table for people, issue-shaped JSON for programs.

    `took_s`: how long this process took; None for the time between the run's own stamps, which
    are WeCom's (the first answer may move the clock).
    """
    if current().settings.machine:
        output.result(result.as_dict())
        return
    rows = [{**each.as_dict(), "outcome": each.outcome or "open"} for each in result.scopes]
    output.items(rows, _scope_columns())
    _note_failures(result)
    if result.finished_at is None:
        output.heading(_("Run {id} is not finished.").format(id=result.run_id))
        return
    verdict = _(OUTCOMES[result.outcome or "open"])
    seconds = result.finished_at - result.started_at if took_s is None else took_s
    output.heading(
        _("Run {id}: {outcome}, {time}.").format(
            id=result.run_id, outcome=verdict, time=span(seconds)
        )
    )


def _note_failures(result: SyncResult) -> None:
    """Name what could not be read, the same reason only once."""
    from storeops.sync.scopes import scopes
    from storeops.wecom.errcodes import lookup

    subjects: dict[str, list[str]] = {}
    advice: dict[str, str] = {}
    for scope in result.scopes:
        for failure in scope.failures:
            subjects.setdefault(failure.message, []).append(failure.subject)
            if failure.errcode is not None:
                advice[failure.message] = lookup(failure.errcode).advice
    if len(subjects) == 1 and (result.outcome == "failed" or _nothing_read(result)):
        return  # `finish` says it, with what to do
    for message, names in list(subjects.items())[:SHOWN_FAILURES]:
        names.sort(key=lambda each: each not in scopes())  # whole scopes first
        shown = _(", ").join(
            scope_title(each) if each in scopes() else each for each in names[:SHOWN_FAILURES]
        )
        if len(names) > SHOWN_FAILURES:
            shown += " " + _("and {count} more").format(count=len(names) - SHOWN_FAILURES)
        note(_("{subjects}: {message}").format(subjects=shown, message=message))
        if message in advice:
            note("  → " + advice[message])
    if len(subjects) > SHOWN_FAILURES:
        note(_("`storeops sync status --json` names them all."))


def finish(result: SyncResult) -> None:
    """End the command with the run's exit code."""
    if result.outcome == "partial" and not _nothing_read(result):
        if not current().settings.machine:
            note(_("What could not be read keeps its last values; nobody is believed lost."))
        raise typer.Exit(int(ExitCode.PARTIAL))
    if result.outcome != "complete":
        error = failure_error(result.scopes)
        raise typer.Exit(report(error, current().settings))


def _nothing_read(result: SyncResult) -> bool:
    """Whether not one row came: then the first failure matters more than the word partial."""
    return all(each.seen == 0 for each in result.scopes) and any(
        each.failures for each in result.scopes
    )


def failure_error(scopes: tuple[ScopeResult, ...]) -> StoreOpsError:
    """The first failure as an error with its own category, hint and exit code."""
    from storeops.wecom.errcodes import Kind, lookup

    kinds: dict[Kind, type[StoreOpsError]] = {
        Kind.ACCESS: errors.AccessError,
        Kind.NOT_FOUND: errors.NotFoundError,
        Kind.LIMIT: errors.LimitError,
        Kind.CONFLICT: errors.ConflictError,
        Kind.REQUEST: errors.UsageError,
        Kind.SERVER: errors.NetworkError,
    }
    for scope in scopes:
        for failure in scope.failures:
            if failure.errcode is not None:
                known = lookup(failure.errcode)
                return kinds[known.kind](
                    failure.message, hint=known.advice, errcode=failure.errcode
                )
            return _no_answer(failure.message)
    return StoreOpsError(_("The sync failed."))


def _no_answer(message: str) -> StoreOpsError:
    profile = current().app.profile
    if profile.sandbox:
        again = f"storeops sandbox up --detach --profile {profile.name}"
        return errors.NetworkError(
            message,
            hint=_("Start it again: `{command}`.").format(command=again),
            next_steps=[again],
        )
    return errors.NetworkError(
        message,
        hint=_("Check the line, then run it again."),
        next_steps=[f"storeops doctor --profile {profile.name}"],
    )


@app.command("status", help=_("The last run: how each scope ended, with its failures."))
def status() -> None:
    """Print the newest run."""
    from storeops.sync.run import history

    runs = history(current().app.data, limit=1)
    if not runs:
        note(_("There was no sync yet: `storeops sync run`."))
        if current().settings.machine:
            output.result({"run_id": None, "outcome": None, "scopes": []})
        return
    show_result(runs[0])
    if runs[0].outcome is None and not current().settings.machine:
        from storeops.sync.lease import running

        if running(current().app.data):
            note(_("It is being read now; `storeops sync run` joins it."))
        else:
            note(_("It was interrupted; `storeops sync run` goes on from there."))


@app.command("history", help=_("Past runs, newest first."))
@option_sets
def history(page: PageOptions = PageOptions(limit=20)) -> None:
    """Print one row per run."""
    from storeops.sync.run import history as past

    rows = [
        {
            **{key: value for key, value in each.as_dict().items() if key != "scopes"},
            "outcome": each.outcome or (None if current().settings.machine else "open"),
            "seen": sum(scope.seen for scope in each.scopes),
            "calls": sum(scope.calls for scope in each.scopes),
            "failures": sum(len(scope.failures) for scope in each.scopes),
        }
        for each in past(current().app.data, limit=page.end)
    ]
    output.paged(
        rows,
        [
            Column("run_id", _("Run"), right=True),
            Column("started_at", _("Started"), show=cells.when),
            Column("finished_at", _("Finished"), show=cells.when),
            Column("mode", _("Kind"), show=lambda value: _(MODES.get(value, value))),
            Column("outcome", _("Outcome"), show=lambda value: _(OUTCOMES[value])),
            Column("seen", _("Rows"), show=cells.amount, right=True),
            Column("calls", _("Calls"), show=cells.amount, right=True),
            Column("failures", _("Failures"), show=cells.amount, right=True),
        ],
        page=page,
        empty=_("There was no sync yet: `storeops sync run`."),
    )


@app.command("verify", help=_("Read part of WeCom back and compare it with the mirror."))
def verify(
    sample: Annotated[
        int, typer.Option("--sample", metavar="N", min=1, help=_("Staff members to compare."))
    ] = 20,
    all_: Annotated[bool, typer.Option("--all", help=_("Compare every staff member."))] = False,
) -> None:
    """Exit code 0 when equal, 10 when something differs."""
    from storeops.errors import NotFoundError
    from storeops.sync.run import history as past
    from storeops.sync.verify import verify_sync

    call = current()
    if not past(call.app.data, limit=1):
        raise NotFoundError(
            _("There is nothing to compare: there was no sync yet."),
            hint=_("Run `storeops sync run` first."),
            next_steps=["storeops sync run"],
        )
    planned.note_waits(call.app)
    with call.interruptible("storeops sync verify") as stop, bars() as shown:
        found = verify_sync(
            call.app,
            sample=None if all_ else sample,
            stop=stop,
            on_progress=lambda done, total: shown.show(
                "verify", _("comparing"), done=done, total=total
            ),
        )
    if call.settings.machine:
        output.result(found.as_dict())
    else:
        output.items(
            [each.as_dict() for each in found.differences],
            [
                Column("userid", _("Owner")),
                Column("external_userid", _("Customer")),
                Column("field", _("Field")),
                Column("mirror", _("Mirror"), max_width=30),
                Column("wecom", _("WeCom"), max_width=30),
            ],
        )
        output.line(
            _("Compared: {members}, {follows}; {differences}.").format(
                members=plural("{count} staff member", "{count} staff members", found.members),
                follows=plural("{count} follow", "{count} follows", found.rows),
                differences=plural(
                    "{count} difference", "{count} differences", len(found.differences)
                ),
            )
        )
    if found.failures:
        for failure in found.failures[:SHOWN_FAILURES]:
            note(
                _("{subjects}: {message}").format(subjects=failure.subject, message=failure.message)
            )
        raise typer.Exit(int(ExitCode.PARTIAL))
    if found.differences:
        raise typer.Exit(int(ExitCode.CHANGES))


def _scope_columns() -> list[Column]:
    numbers = [
        ("seen", _("Rows")),
        ("added", _("New")),
        ("changed", _("Changed")),
        ("missing", _("Missing")),
        ("lost", _("Lost")),
        ("calls", _("Calls")),
    ]
    return [
        Column("scope", _("Scope"), show=scope_title),
        Column("outcome", _("Outcome"), show=lambda value: _(OUTCOMES[value])),
        *(Column(key, title, show=cells.amount, right=True) for key, title in numbers),
    ]
