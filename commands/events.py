"""`storeops events`: what WeCom calls back about – receive it, handle it, look at it."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import cells, output, planned
from commands.context import current
from commands.diagnostics import note, warn
from commands.option_sets import option_sets
from commands.options import Reveal, Yes, any_of
from commands.output import Column
from commands.page_options import PageOptions, no_cursor, position
from commands.staying import stays
from storeops.errors import ExitCode, PartialError, StoreOpsError, UsageError
from storeops.i18n import _, ngettext, plural
from storeops.terms import term

if TYPE_CHECKING:
    from storeops.events.handling import HandlingResult
    from storeops.events.inbox import Event
    from storeops.operations.gaps import Gap

app = typer.Typer(help=_("What WeCom calls back about: receive, handle, look, try again."))
_FLUSH_S = 5.0  # between two looks at what was refused
_REST_S = 30.0  # before the worker begins again after it broke down
OfCustomer = Annotated[
    str, typer.Option("--customer", metavar="ID", help=_("Only about this external_userid."))
]


@app.command("setup", help=_("Enter the callback token and EncodingAESKey of this profile."))
def setup(
    stdin: Annotated[
        bool, typer.Option("--stdin", help=_("Read them from stdin: token, then key, a line each."))
    ] = False,
    new: Annotated[bool, typer.Option("--new", help=_("Draw new ones, for a sandbox."))] = False,
) -> None:
    """Keep them beside the app's secret."""
    from storeops.operations import events

    profile = current().app.profile
    if new:
        if not profile.sandbox:
            raise UsageError(
                _("{name} is no sandbox: its console draws token and key.").format(
                    name=profile.name
                ),
                hint=_("Copy both from the app's page: Receive messages → Set API receiving."),
            )
        events.new_keys(profile)
    else:
        token, key = _ask(stdin)
        events.keep_keys(profile, token, key)
    for step in planned.next_lines(
        ["storeops events serve"]
        + ["storeops sandbox callback set http://127.0.0.1:8787/callback"] * profile.sandbox
    ):
        note(step)
    if not profile.sandbox:
        note(_("While it runs, save its public address in the console."))
    output.result(
        {"profile": profile.name, "saved": True},
        _("The callback token and EncodingAESKey of {name} are saved.").format(name=profile.name),
    )


def _ask(stdin: bool) -> tuple[str, str]:
    if stdin:
        return sys.stdin.readline().strip(), sys.stdin.readline().strip()
    if not current().interactive:
        raise UsageError(
            _("Nobody is there to enter the token and the EncodingAESKey."),
            hint=_("Pipe them in with --stdin: token, then key, a line each."),
        )
    import getpass

    return (
        getpass.getpass(_("Token (not shown): "), sys.stderr).strip(),
        getpass.getpass(_("EncodingAESKey (not shown): "), sys.stderr).strip(),
    )


@app.command("serve", help=_("Receive callbacks and handle them, until Ctrl-C."))
@stays()
def serve(
    host: Annotated[
        str, typer.Option("--host", help=_("The address to listen on; this machine only."))
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help=_("Its port; 0 picks a free one."))
    ] = 8787,
    path: Annotated[
        str, typer.Option("--path", help=_("The path of the callback URL."))
    ] = "/callback",
    handle: Annotated[
        bool, typer.Option("--handle/--no-handle", help=_("Handle what comes, or only keep it."))
    ] = True,
) -> None:
    """Keep every event before it is answered; a worker beside reads WeCom again."""
    from storeops.events.server import CallbackServer
    from storeops.operations import at_once, events
    from storeops.wecom.address import is_loopback

    call = current()
    wiring = call.app
    wake = threading.Event()
    hurry = threading.Event()

    def arrived(_kept: Any) -> None:
        hurry.set()
        wake.set()

    receiver = events.open_receiver(wiring, on_event=arrived)
    if not path.startswith("/"):
        raise UsageError(_("{path} is no path: it begins with /.").format(path=path))
    with call.interruptible("storeops events serve") as stop:
        worker: threading.Thread | None = None
        if handle:
            wiring.client  # noqa: B018 - a wrong base URL is told before anything listens
            worker = threading.Thread(
                target=_work, args=(wiring, stop, wake), name="events", daemon=True
            )
        with CallbackServer(receiver, host, port, path) as server:
            if not is_loopback(host):
                warn(_("{host} may be reached from elsewhere, without TLS.").format(host=host))
            if worker is not None:
                worker.start()
            with at_once.beside(wiring, hurry, _hurry_failed) if handle else nullcontext():
                _announce(server.url)
                while not stop.wait(_FLUSH_S):
                    with suppress(StoreOpsError):  # a full disk must not end it; it counts on
                        receiver.flush()
        if worker is not None:
            wake.set()
            worker.join()


def _hurry_failed(reason: str) -> None:
    warn(_("Not done at once: {reason}").format(reason=reason))


def _announce(url: str) -> None:
    if current().settings.machine:
        output.write(cells.json_text({"url": url, "pid": os.getpid()}) + "\n")
    else:
        output.line(_("Receiving at {url}.").format(url=url))
    sys.stdout.flush()
    note(_("Ctrl-C stops it."))


def _work(wiring: Any, stop: threading.Event, wake: threading.Event) -> None:
    """The worker beside the server; what it cannot do now it tries again later."""
    from storeops.operations import events

    told = ""

    def show_progress(handled: HandlingResult) -> None:
        nonlocal told
        said = handled.error.message if handled.error is not None else ""
        if said and said != told:
            warn(_("Events wait: {reason}").format(reason=said))
        told = said

    while not stop.is_set():
        try:
            events.handle(wiring, forever=True, stop=stop, wake=wake, on_progress=show_progress)
        except StoreOpsError as error:  # a database that cannot be read or written just now
            warn(_("Events wait: {reason}").format(reason=error.message))
        except Exception as error:  # receiving goes on whatever happens here
            from commands import logs

            warn(_("This is a bug in storeops ({kind}).").format(kind=type(error).__name__))
            logs.bug(error)
        stop.wait(_REST_S)


@app.command("run", help=_("Handle what was received: read WeCom again, write the mirror."))
def run(
    for_: Annotated[
        str, typer.Option("--for", metavar="TIME", help=_("Go on for so long, like 10m."))
    ] = "",
) -> None:
    """What fails is tried again later, with growing distance."""
    from storeops.durations import seconds
    from storeops.operations import at_once, events

    call = current()
    with (
        call.interruptible("storeops events run") as stop,
        at_once.beside(call.app, on_trouble=_hurry_failed),
    ):
        found = events.handle(call.app, seconds=seconds(for_) if for_ else None, stop=stop)
    failed = found.events["failed"]
    output.done(
        {
            "ended": found.ended,
            "handled": found.events["handled"],
            "failed": failed,
            "subjects": found.subjects,
            "left": found.left,
            "next_at": cells.iso(found.next_at),
        },
        ngettext(
            "{count} event handled, {failed} failed, {left} wait.",
            "{count} events handled, {failed} failed, {left} wait.",
            found.events["handled"],
        ).format(count=found.events["handled"], failed=failed, left=found.left),
    )
    if found.error is not None:  # what ended the last round: secret, limit, no network
        raise found.error
    if failed:
        raise PartialError(
            ngettext(
                "{count} event could not be handled.",
                "{count} events could not be handled.",
                failed,
            ).format(count=failed),
            hint=_("They are tried again later; `storeops events list --status failed` says why."),
            next_steps=["storeops events list --status failed"],
        )


def _status(status: str) -> str:
    return term("event", status)


def _reason(reason: str) -> str:
    return term("event_reason", reason)


def _row(event: Event) -> dict[str, Any]:
    return {
        "event_id": event.id,
        "received_at": cells.iso(event.received_at),
        "create_time": cells.iso(event.create_time or None),
        "event": event.event,
        "change_type": event.change_type,
        "userid": event.userid,
        "external_userid": event.external_userid,
        "subject": event.subject,
        "status": event.status,
        "reason": event.reason,
        "errcode": event.errcode,
        "attempts": event.attempts,
        "due_at": cells.iso(event.due_at),
        "handled_at": cells.iso(event.handled_at),
        "deliveries": event.deliveries,
    }


@app.command("list", help=_("List what came in, newest first."))
@option_sets
def list_(
    status: Annotated[
        list[str] | None,
        typer.Option(
            "--status", help=_("received, handled, kept, failed, unreadable; may be repeated.")
        ),
    ] = None,
    change: Annotated[
        str, typer.Option("--change", metavar="NAME", help=_("Only this Event or ChangeType."))
    ] = "",
    customer: OfCustomer = "",
    page: PageOptions = PageOptions(limit=50),
) -> None:
    """One row per event, however often it was delivered."""
    from storeops.events.inbox import STATUSES
    from storeops.events.listing import events

    found = events(
        current().app.inbox,
        statuses=any_of(status, STATUSES),
        change=change,
        external_userid=customer,
        before=page.before,
        limit=page.wanted,
    )
    output.newest(
        found,
        _row,
        lambda each: each.id,
        [
            Column("event_id", _("No."), right=True),
            Column("received_at", _("Received"), show=cells.when),
            Column("event", _("Event")),
            Column("change_type", _("Change")),
            Column("userid", _("Member"), max_width=24),
            Column("external_userid", _("Customer"), max_width=36),
            Column("status", _("Status"), show=_status),
            Column("deliveries", _("Came"), right=True),
            Column("reason", _("Why"), show=_reason),
        ],
        page=page,
        empty=_("Nothing was received yet."),
    )


@app.command("show", help=_("Show one event: what it said, how it came, what became of it."))
def show(
    event_id: Annotated[int, typer.Argument(metavar="EVENT", help=_("Its number."))],
    reveal: Reveal = False,
) -> None:
    """Phone numbers are masked unless --reveal."""
    from storeops.events import listing

    db = current().app.inbox
    found, message = listing.event(db, event_id)
    row = _row(found)
    row["message"] = listing.message_fields(message, reveal=reveal)
    row["requests"] = [
        {
            "received_at": cells.iso(each.received_at),
            "timestamp": each.delivery.timestamp,
            "nonce": each.delivery.nonce,
            "bytes": len(each.delivery.body),
        }
        for each in listing.deliveries(db, event_id)
    ]
    output.item(
        row,
        [
            Column("event_id", _("No.")),
            Column("event", _("Event")),
            Column("change_type", _("Change")),
            Column("status", _("Status"), show=_status),
            Column("reason", _("Why"), show=_reason),
            Column("errcode", _("Code")),
            Column("create_time", _("Happened"), show=cells.when),
            Column("received_at", _("Received"), show=cells.when),
            Column("handled_at", _("Handled"), show=cells.when),
            Column("due_at", _("Due"), show=cells.when),
            Column("attempts", _("Failures")),
            Column("deliveries", _("Came")),
            Column("userid", _("Member")),
            Column("external_userid", _("Customer")),
            Column("message", _("Message")),
        ],
    )


@app.command("retry", help=_("Handle events again; with new keys, read what was unreadable."))
def retry(
    event_ids: Annotated[
        list[int] | None, typer.Argument(metavar="[EVENT …]", help=_("Their numbers."))
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help=_("All that failed."))] = False,
    unreadable: Annotated[
        bool, typer.Option("--unreadable", help=_("All that could not be decrypted."))
    ] = False,
) -> None:
    """They are due at once; `events run` or `events serve` handles them."""
    from storeops.events import listing
    from storeops.events.inbox import FAILED, Inbox
    from storeops.operations import events

    if not (event_ids or failed or unreadable):
        raise UsageError(
            _("Which events?"), hint=_("Name their numbers, or add --failed or --unreadable.")
        )
    wiring = current().app
    for each in event_ids or ():
        listing.event(wiring.inbox, each)  # an unknown number changes nothing
    wanted = [*(event_ids or ()), *(listing.ids_of(wiring.inbox, FAILED) if failed else ())]
    count = Inbox(wiring.inbox).retry(wanted, wiring.clock.now())
    readable = events.open_receiver(wiring).read_again() if unreadable else 0
    text = ngettext(
        "{count} event is due again, {readable} can be read now.",
        "{count} events are due again, {readable} can be read now.",
        count,
    ).format(count=count, readable=readable)
    steps = planned.next_lines(["storeops events run"] if count or readable else [])
    output.result({"due": count, "readable": readable}, "\n".join([text, *steps]))


@app.command("status", help=_("How the inbox stands, and what was refused."))
def status() -> None:
    """Counts by status; requests without a valid signature are counted, not kept."""
    from storeops.events.listing import standing
    from storeops.operations import events

    wiring = current().app
    found = standing(wiring.inbox)
    row = {
        "profile": wiring.profile.name,
        "keys": events.find_keys(wiring.profile) is not None,
        **found.counts,
        "waiting": found.waiting,
        "next_due": cells.iso(found.next_due),
        "oldest_waiting": cells.iso(found.oldest_waiting),
        "last_received": cells.iso(found.last_received),
        "refused": found.refused,
        "refused_at": cells.iso(found.refused_at),
    }
    lately = found.unanswered_since(wiring.clock.now() - events.DAY_S)
    if lately:
        warn(
            _(
                "Callers of the last day were not answered: {reasons}. `storeops doctor` says more."
            ).format(reasons=_(", ").join(f"{_reason(r)} {found.refused[r]}" for r in lately))
        )
    output.item(
        row,
        [
            Column("keys", _("Token and key")),
            *(Column(name, _status(name), show=cells.amount) for name in found.counts),
            Column("waiting", _("To handle"), show=cells.amount),
            Column("next_due", _("Next"), show=cells.when),
            Column("last_received", _("Last received"), show=cells.when),
            Column("refused", _("Refused"), show=_refused),
        ],
    )


def _refused(counts: dict[str, int]) -> str:
    return _(", ").join(f"{_reason(reason)} {count}" for reason, count in counts.items())


@app.command("gaps", help=_("Compare with WeCom: what no event told is found and repaired."))
@option_sets
def gaps(page: PageOptions = PageOptions(limit=50)) -> None:
    """A sync is the comparison; ends as it does: 0 whole, 6 when not all could be compared.

    The cursor names the comparison, so that the rest of its list compares nothing anew.
    """
    from commands.progress import bars
    from commands.sync import finish
    from commands.syncing import sync_with_bars
    from storeops.operations import events
    from storeops.operations import gaps as comparison

    call = current()
    wiring = call.app
    result = None
    if page.after:
        run_id, since, start = _gaps_cursor(page.after)
        complete = comparison.was_complete(wiring, run_id)
    else:
        since, start = comparison.last_comparison(wiring), 0
        with call.interruptible("storeops events gaps") as stop, bars() as shown:
            events.handle(wiring, stop=stop)  # what was told already is no gap
            result = sync_with_bars(wiring, shown, stop=stop)
        run_id, complete = result.run_id, result.outcome == "complete"
    found = comparison.of_run(wiring, run_id, since)
    share = found.reliability
    listed = found.untold[start : start + page.size]
    end = start + len(listed)
    more = end < len(found.untold)
    nothing = _("Events told everything.") if found.told else _("Nothing changed.")
    if found.waiting or not complete:
        nothing = _("Nothing was found that no event had told.")
    output.items(
        _named_gaps(listed),
        [
            Column("name", _("Customer"), max_width=24),
            Column("member", _("Member"), max_width=16),
            Column("fields", _("What"), show=_changed, max_width=40),
            Column("external_userid", _("Customer id"), max_width=36, minor=1),
        ],
        next_=f"{run_id}-{int(since)}-{end}" if more else None,
        has_more=more,
        all_again=False,
        complete=complete,
        as_of=wiring.clock.now(),
        empty=nothing,
        extra={
            "run_id": run_id,
            "since": cells.iso(since),
            "told": found.told,
            "untold": len(found.untold),
            "waiting": found.waiting,
            "reliability": None if share is None else round(share, 4),
        },
    )
    if found.waiting and not call.settings.machine:
        note(
            ngettext(
                "{count} customer is left out: an event told of it, but was not handled before the"
                " comparison (`storeops events run`).",
                "{count} customers are left out: events told of them, but were not handled before"
                " the comparison (`storeops events run`).",
                found.waiting,
            ).format(count=cells.amount(found.waiting))
        )
    if result is None:
        if not complete:
            raise typer.Exit(int(ExitCode.PARTIAL))
        return
    if share is not None:
        note(
            plural(
                "Since {time} events told of {told} of {count} change ({share} %); the mirror has"
                " the others now, too.",
                "Since {time} events told of {told} of {count} changes ({share} %); the mirror has"
                " the others now, too.",
                found.told + len(found.untold),
                time=cells.when(since),
                told=cells.amount(found.told),
                share=f"{100 * share:.1f}",
            )
        )
    finish(result)


def _gaps_cursor(after: str) -> tuple[int, float, int]:
    """(run of the comparison, since when, rows before) of a cursor.

    Raises:
        UsageError: it is none.
    """
    parts = after.split("-")
    if len(parts) != 3:
        raise no_cursor(after)
    run, since, start = map(position, parts)
    return run, float(since), start


def _named_gaps(found: Sequence[Gap]) -> list[dict[str, Any]]:
    """The items, with the names of customers and members."""
    from storeops.mirror import members
    from storeops.reading import directory

    db = current().app.data
    names = directory.customer_names(db, [each.external_userid for each in found])
    staff = members.by_userids(db, [each.userid for each in found if each.userid])
    rows = []
    for each in found:
        member = staff.get(each.userid.lower()) if each.userid else None
        rows.append(
            {
                **each.as_dict(),
                "name": names.get(each.external_userid, ""),
                "member": member.name if member else each.userid or "",
            }
        )
    return rows


def _changed(fields: Sequence[str]) -> str:
    return _(", ").join(term("field", each) for each in fields)


@app.command("forget", help=_("Delete old events that have nothing left to do."))
def forget(
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="TIME", help=_("Received so long ago, like 90d."))
    ] = "",
    customer: OfCustomer = "",
    yes: Yes = False,
) -> None:
    """The mirror and its timeline stay."""
    from commands.question import confirm
    from storeops.durations import seconds
    from storeops.events.inbox import Inbox

    if not (older_than or customer):
        raise UsageError(_("Which events?"), hint=_("Add --older-than, --customer or both."))
    wiring = current().app
    before = wiring.clock.now() - seconds(older_than) if older_than else None
    if not yes:
        confirm(_("Delete these events for good?"))
    count = Inbox(wiring.inbox).forget(before=before, external_userid=customer)
    output.result(
        {"forgotten": count},
        ngettext("{count} event deleted.", "{count} events deleted.", count).format(count=count),
    )
