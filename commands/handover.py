"""`storeops handover`: plan who takes whom, watch until every answer is known, look back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from commands import cells, output, planned
from commands.context import current
from commands.file_options import FileOptions, Heading
from commands.handover_words import make, show_plan
from commands.option_sets import option_sets
from commands.options import Reason
from commands.output import Column
from commands.page_options import PageOptions
from commands.progress import bars
from commands.selecting import as_options, selecting, within_own_store
from commands.takeover_options import TakeoverOptions
from storeops.domains.handover import rules
from storeops.durations import span
from storeops.errors import UsageError
from storeops.i18n import N_, _, ngettext
from storeops.terms import counted, term

if TYPE_CHECKING:
    from storeops.domains.handover.watch_result import Pair, WatchResult
    from storeops.reading.customers import Selection

app = typer.Typer(help=_("Hand customers and group chats over; know how each one ended."))

PlanId = Annotated[str, typer.Argument(metavar="PLAN", help=_("plan_id, or its last letters."))]


@dataclass(frozen=True, kw_only=True)
class _TakeoverFile(FileOptions):
    file: Annotated[
        str,
        typer.Option(
            "--file", "-f", metavar="FILE",
            help=_(
                "CSV or workbook with external_userid (or phone, unionid), userid, takeover_userid."
            ),
        ),
    ] = ""  # fmt: skip
    column: Heading = None


@app.command("plan", help=_("Plan who takes over whose customers and group chats."))
@option_sets
@selecting
def plan(
    from_: Annotated[
        list[str] | None,
        typer.Option("--from", metavar="USERID", help=_("Whose; as often as needed.")),
    ] = None,
    *,
    takeover: TakeoverOptions,
    on_job: Annotated[
        bool, typer.Option("--on-job", help=_("They are in service; refused when they left."))
    ] = False,
    resigned: Annotated[
        bool, typer.Option("--resigned", help=_("They have left; refused when they have not."))
    ] = False,
    selection: Selection,
    file: _TakeoverFile,
    again: Annotated[
        str,
        typer.Option(
            "--again", metavar="PLAN", help=_("Rows of a plan that found no taker, to others.")
        ),
    ] = "",
    message: Annotated[
        str,
        typer.Option(
            "--message", metavar="TEXT",
            help=_("Farewell on the job, 200 characters; @FILE reads it; {from} {to} {store}."),
        ),
    ] = "",
    no_personal_tags: Annotated[
        bool,
        typer.Option(
            "--no-personal-tags", help=_("Do not read personal tags first (one call a customer).")
        ),
    ] = False,
    reason: Reason = "",
) -> None:  # fmt: skip
    """On the job or after leaving is found out from the mirror."""
    if on_job and resigned:
        raise UsageError(_("--on-job and --resigned exclude each other."))
    command = planned.command_line(
        "handover", "plan", **{"from": from_}, **takeover.typed(), on_job=on_job, resigned=resigned,
        **as_options(selection), **file.typed(), again=again, message=message,
        no_personal_tags=no_personal_tags, reason=reason,
    )  # fmt: skip
    source = file.source(file.path)
    make(
        takeover.request(
            from_owners=from_ or [],
            kind="on_job" if on_job else "resigned" if resigned else "",
            selection=selection if source else within_own_store(selection),
            file=source,
            message=_text(message),
            personal_tags=not no_personal_tags,
            again=again,
            reason=reason,
            command=command,
        )
    )


def _text(message: str) -> str:
    """The farewell itself; `@FILE` reads a file, `@@` stands for @."""
    from pathlib import Path

    if not message.startswith("@") or message.startswith("@@"):
        return message.removeprefix("@") if message.startswith("@@") else message
    try:
        return Path(message[1:]).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            _("The farewell cannot be read from {file}.").format(file=message[1:]),
            hint=str(error),
        ) from None


@app.command("watch", help=_("Ask WeCom how handovers ended; what cron runs."))
def watch(
    once: Annotated[
        bool, typer.Option("--once", help=_("Ask about what is due now, then end (default)."))
    ] = False,
    for_: Annotated[
        str, typer.Option("--for", metavar="TIME", help=_("Go on for so long: 10m, 24h."))
    ] = "",
    until_settled: Annotated[
        bool, typer.Option("--until-settled", help=_("Go on until nothing waits any more."))
    ] = False,
    now: Annotated[
        bool, typer.Option("--now", help=_("Ask about everything that waits, due or not."))
    ] = False,
) -> None:
    """Ends as `plan apply` does: 0 when all went as wished, whether or not something still waits;
    6 when a customer declined or a pair could not be asked; 69 when --for ran out before the end.
    """
    from storeops.domains.handover.afterwards import next_steps, trouble
    from storeops.domains.handover.watch import watch as run
    from storeops.durations import seconds

    if sum((once, bool(for_), until_settled)) > 1:
        raise UsageError(_("Give one of --once, --for and --until-settled."))
    call = current()
    resume = "storeops handover watch" + (" --until-settled" if until_settled else "")
    with call.interruptible(resume) as stop, bars() as shown:

        def show_progress(watched: WatchResult) -> None:
            shown.show(
                "watch",
                _("handovers"),
                done=sum(watched.settled.values()),
                total=sum(watched.settled.values()) + watched.waiting,
            )

        found = run(
            call.app.ledger,
            call.app.client,
            seconds=seconds(for_) if for_ else None,
            until_settled=until_settled,
            everything=now,
            stop=stop,
            on_progress=show_progress,
        )
    value = found.as_dict() | {"next_at": cells.iso(found.next_at)}
    lines = [*_watched_lines(found), *planned.next_lines(next_steps(call.app.ledger, found))]
    output.done(value, "\n".join(lines))
    error = trouble(call.app.ledger, found)
    if error is not None:
        planned.finish(error)


_WHAT = {
    (rules.CUSTOMER, rules.ON_JOB): N_("customers"),
    (rules.GROUP, rules.ON_JOB): N_("group chats"),
    (rules.CUSTOMER, rules.RESIGNED): N_("a leaver's customers"),
    (rules.GROUP, rules.RESIGNED): N_("a leaver's group chats"),
}


def _pair(pair: Pair, name: Callable[[str], str]) -> str:
    """What one line of a watching is about; two that share owner and taker differ in the rest."""
    return _("{handover} → {takeover}, {what}").format(
        handover=name(pair.handover_userid),
        takeover=name(pair.takeover_userid),
        what=_(_WHAT[pair.what, pair.kind]),
    )


def _watched_lines(found: WatchResult) -> list[str]:
    lines: list[str] = []
    name = cells.members(current().app.data)
    for each in found.asked:
        ends = _(", ").join(
            counted("row", status, count) for status, count in sorted(each.settled.items())
        )
        line = each.error or ends or _("nothing new")
        if each.waiting and not each.error:
            waits = _("{count} wait").format(count=cells.amount(each.waiting))
            line = _(", ").join((line, waits))
        lines.append(
            _("{subjects}: {message}").format(subjects=_pair(each.pair, name), message=line)
        )
    settled = sum(found.settled.values())
    lines.append(
        ngettext(
            "{pairs} pair asked ({calls}), {settled} settled, {waiting} waiting.",
            "{pairs} pairs asked ({calls}), {settled} settled, {waiting} waiting.",
            len(found.asked),
        ).format(
            pairs=len(found.asked),
            calls=ngettext("{count} call", "{count} calls", found.calls).format(
                count=cells.amount(found.calls)
            ),
            settled=cells.amount(settled),
            waiting=cells.amount(found.waiting),
        )
    )
    if found.waiting and found.next_at:
        lines.append(_("Next due: {time}").format(time=cells.when(found.next_at)))
    return lines


@app.command("status", help=_("What waits, pair by pair, with the moment it is due."))
@option_sets
def status(page: PageOptions = PageOptions(limit=500)) -> None:
    """Soonest due first."""
    from storeops.domains.handover import report as reports

    app_ = current().app
    now, name = app_.clock.now(), cells.members(app_.data)
    rows = [
        each.as_dict()
        | {
            "due_at": cells.iso(each.due_at),
            "last_due_at": cells.iso(each.last_due_at),
            "due_in_s": max(0, round(each.due_at - now)),
        }
        for each in reports.waiting(app_.data, now)
    ]
    output.paged(
        rows,
        [
            Column("handover_userid", _("From"), max_width=16, show=name),
            Column("takeover_userid", _("To"), max_width=16, show=name),
            Column("kind", _("Type of handover"), show=lambda kind: term("handover", kind)),
            Column("what", _("What"), show=lambda what: term("subject", what)),
            Column("rows", _("Rows"), right=True, show=cells.amount),
            Column("due_in_s", _("Due in"), right=True, show=span),
            Column("overdue", _("Overdue"), right=True, show=cells.amount),
        ],
        page=page,
        empty=_("No handover waits."),
    )


@app.command("report", help=_("How handovers ended: by taker, owner, shop, plan or outcome."))
@option_sets
def report(
    by: Annotated[
        str, typer.Option("--by", metavar="WHAT", help=_("taker, owner, store, plan or outcome."))
    ] = "taker",
    plan: Annotated[str, typer.Option("--plan", metavar="PLAN", help=_("Only this plan."))] = "",
    days: Annotated[
        int, typer.Option("--days", min=0, help=_("Only the last so many days; 0 for all."))
    ] = 0,
    page: PageOptions = PageOptions(limit=500),
) -> None:
    """`confirmed`: a sync has seen the new relation since; `lost`: nobody has the customer now."""
    from storeops.domains.handover import report as reports

    app_ = current().app
    since = app_.clock.now() - days * 86_400 if days else 0.0
    found = reports.report(app_.data, by=by, plan=plan, since=since)
    output.paged(
        [each.as_dict() for each in found],
        [
            Column("name", _("Name"), max_width=24),
            Column("key", _("Id"), max_width=24),
            Column("rows", _("Rows"), right=True, show=cells.amount),
            Column("waiting", _("Waiting"), right=True, show=cells.amount),
            Column("done", _("Done"), right=True, show=cells.amount),
            Column("confirmed", _("Confirmed"), right=True, show=cells.amount),
            Column("refused", _("Refused"), right=True, show=cells.amount),
            Column("taker_full", _("Full"), right=True, show=cells.amount),
            Column("vanished", _("Vanished"), right=True, show=cells.amount),
            Column("no_record", _("No record"), right=True, show=cells.amount),
            Column("lost", _("Lost"), right=True, show=cells.amount),
            Column("median_hours", _("Hours"), right=True, show=lambda value: f"{value:.1f}"),
        ],
        page=page,
        empty=_("Nothing was handed over yet."),
    )


@app.command("quota", help=_("Who was handed over on the job lately, and when it is free again."))
@option_sets
def quota(
    from_: Annotated[
        str, typer.Option("--from", metavar="USERID", help=_("Only customers of this member."))
    ] = "",
    exhausted: Annotated[
        bool, typer.Option("--exhausted", help=_("Only who cannot be handed over today."))
    ] = False,
    page: PageOptions = PageOptions(limit=500),
) -> None:
    """WeCom allows two handovers of one customer in 90 days."""
    from storeops.domains.handover import report as reports
    from storeops.mirror import members

    app_ = current().app
    userid = members.find(app_.data, from_).userid if from_ else ""
    found = reports.quota(app_.data, app_.clock.now(), userid=userid, exhausted=exhausted)
    output.paged(
        [
            each.as_dict()
            | {"last_at": cells.iso(each.last_at), "frees_at": cells.iso(each.frees_at)}
            for each in found
        ],
        [
            Column("external_userid", _("Customer")),
            Column("used", _("Used"), right=True),
            Column("left", _("Still allowed"), right=True),
            Column("last_at", _("Last"), show=cells.day),
            Column("frees_at", _("Free again"), show=cells.day),
        ],
        page=page,
        empty=_("Nobody was handed over on the job within 90 days."),
    )


@app.command("restore", help=_("Plan to put corp tags and remarks back where they got lost."))
def restore(plan_id: PlanId, reason: Reason = "") -> None:
    """Reads the takers' relations, compares them with the snapshots, makes up to two plans."""
    from storeops.domains.handover.restore import plan_restore

    call = current()
    with call.interruptible(f"storeops handover restore {plan_id}"), bars() as shown:

        def show_progress(done: int, total: int) -> None:
            shown.show("restore", _("relations read"), done=done, total=total)

        found = plan_restore(
            call.app.ledger, call.app.client, plan_id, reason=reason, on_progress=show_progress
        )
    lines = [
        _("As before: {same}. Lacking tags: {tags}; lacking remark or phone: {remarks}.").format(
            same=cells.amount(found.same),
            tags=cells.amount(found.tags),
            remarks=cells.amount(found.remarks),
        )
    ]
    if found.unknown:
        lines.append(
            _(
                "Nobody had read these before they moved, so nothing is known to lack: {count}"
            ).format(count=cells.amount(found.unknown))
        )
    if found.unread:
        lines.append(
            _("Not there any more, so nothing can be put back: {count}").format(
                count=cells.amount(found.unread)
            )
        )
    if found.notes:
        lines.append(
            _("Personal tags kept as notes of the customer: {count}").format(
                count=cells.amount(found.notes)
            )
        )
    for made in found.plans:
        lines.append(_("Next: storeops plan apply {plan}").format(plan=made.name))
    output.result(found.as_dict(), "\n".join(lines))


@app.command("back-plan", help=_("Plan the way back of what is done, with its cost."))
def back_plan(plan_id: PlanId, reason: Reason = "") -> None:
    """Each customer's second handover within 90 days is the last one."""
    from storeops.domains.handover.back import plan_back

    show_plan(plan_back(current().app.ledger, plan_id, reason=reason))
