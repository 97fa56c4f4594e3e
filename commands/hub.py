"""`storeops hub`: head office publishes each shop's part of the mirror, back offices follow."""

from __future__ import annotations

import os
import shlex
import sys
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import cells, output, table
from commands.context import current
from commands.diagnostics import named, note, warn
from commands.hub_host import app as host_app
from commands.hub_requests import app as requests_app
from commands.hub_store import app as store_app
from commands.output import Column
from commands.progress import bars
from commands.staying import stays
from storeops.durations import span
from storeops.errors import PartialError, UsageError
from storeops.i18n import N_, _, ngettext
from storeops.plain import plain

if TYPE_CHECKING:
    from storeops.hub.following import FollowReport

app = typer.Typer(
    help=_(
        "Head office and back offices: facts of each shop flow down over NATS JetStream, and what "
        "a shop wants changed is asked of head office. A second host of head office takes over."
    )
)
app.add_typer(store_app, name="store")
app.add_typer(requests_app, name="requests")
app.add_typer(host_app, name="host")

STATES = {
    "following": N_("following"),
    "away": N_("away"),
    "never": N_("never seen"),
    "revoked": N_("revoked"),
}

HOST_STATES = {"leads": N_("leads"), "stands_by": N_("stands by"), "away": N_("away")}


@app.command("init", help=_("Make this profile a head office: keys, address, and the outbox."))
def init(
    url: Annotated[
        str,
        typer.Option(
            "--url",
            metavar="URL",
            help=_(
                "Where back offices find the server: tls://HOST:PORT; nats:// on loopback; of a"
                " cluster all, with commas."
            ),
        ),
    ] = "",
    external: Annotated[
        bool | None,
        typer.Option(
            "--external/--embedded",
            help=_("Somebody else runs the server; `hub serve` starts none."),
        ),
    ] = None,
    replicas: Annotated[
        int,
        typer.Option(
            "--replicas",
            min=0,
            max=5,
            metavar="N",
            help=_("How many servers of a cluster keep each message: 1, 3 or 5."),
        ),
    ] = 0,
    tls_cert: Annotated[
        str, typer.Option("--tls-cert", metavar="FILE", help=_("Certificate of the server."))
    ] = "",
    tls_key: Annotated[
        str, typer.Option("--tls-key", metavar="FILE", help=_("Key of that certificate."))
    ] = "",
    tls_ca: Annotated[
        str,
        typer.Option(
            "--tls-ca", metavar="FILE", help=_("Who signed it, where back offices do not know.")
        ),
    ] = "",
) -> None:
    """Run again, it changes what is given and keeps the keys."""
    from pathlib import Path

    from storeops.hub import outbox, server, stores
    from storeops.hub import settings as hub_settings
    from storeops.hub.connection import must_be_installed

    must_be_installed()
    app_ = current().app
    if app_.profile.head_office:
        raise UsageError(
            _("The profile {name} is a back office.").format(name=app_.profile.name),
            hint=_("Head office is the profile that has the secret."),
        )
    given: dict[str, Any] = {"url": url} if url else {}
    if external is not None:
        given["external"] = external
    if replicas:
        given["replicas"] = replicas
    for name, value in (("tls_cert", tls_cert), ("tls_key", tls_key), ("tls_ca", tls_ca)):
        if value:
            given[name] = str(Path(value).expanduser().absolute())
    made = hub_settings.create(app_.profile.name, **given)
    outbox.install(app_.data)
    files: list[str] = []
    if made.external:
        from storeops.private_file import write_bytes

        texts = server.configurations(
            app_.profile.name, made, stores.revoked(app_.data), time.time() - 60
        )
        for name, text in texts.items():
            path = hub_settings.folder(app_.profile.name) / name
            write_bytes(path, text.encode())
            files.append(str(path))
            note(_("The server needs what is in {path}: operator, accounts.").format(path=path))
    note(_("Next: `storeops hub store add STORE`, then `storeops hub serve`"))
    output.result(
        {"profile": app_.profile.name, "url": made.url, "external": made.external,
         "server_configs": files},
        _("{name} is a head office now; back offices find it at {address}.").format(
            name=app_.profile.name, address=made.url
        ),
    )  # fmt: skip


@app.command("serve", help=_("Publish what changes; starts the server unless it runs already."))
@stays(unless="once")
def serve(
    once: Annotated[bool, typer.Option("--once", help=_("End when nothing is left."))] = False,
    lead: Annotated[
        bool,
        typer.Option(
            "--lead",
            help=_(
                "With two hosts: lead now, with what is on this machine. Only when the other one"
                " does not run and the copy is lost: what that had done since is lost too."
            ),
        ),
    ] = False,
) -> None:
    """Stays until Ctrl-C or SIGTERM: what is in flight is finished, the server ended."""
    from storeops.hub import office
    from storeops.hub.office import ServeReport

    def ready(report: ServeReport) -> None:
        if once:
            return
        text = _("Back offices can follow at {address}.").format(address=report.url)
        note(text)

    def standing_by(leader: str) -> None:
        if leader:
            note(_("{leader} leads head office; this host stands by.").format(leader=leader))
        else:
            note(_("Nobody leads head office; this host takes over as soon as it may."))

    call = current()
    with call.interruptible("storeops hub serve") as stop:
        report = office.serve(
            call.app, once=once, stop=stop, on_ready=ready, on_trouble=_tried_again,
            on_standby=standing_by, lead=lead,
        )  # fmt: skip
    output.done(
        {"published": report.published, "refilled": report.refilled, "url": report.url},
        ngettext(
            "{count} message published.", "{count} messages published.", report.published
        ).format(count=cells.amount(report.published)),
    )


def _tried_again(error: Exception) -> None:
    warn(
        _("{message} It is tried again until the line comes back.").format(
            message=getattr(error, "message", str(error))
        )
    )


@app.command("republish", help=_("Let everything be published once more, changed or not."))
def republish(
    store: Annotated[
        str, typer.Option("--store", metavar="STORE", help=_("For this shop only."))
    ] = "",
) -> None:
    """`hub serve` does it; back offices take what differs."""
    from storeops.hub import outbox, stores
    from storeops.hub import settings as hub_settings

    app_ = current().app
    hub_settings.get(app_.profile.name)
    found = stores.find(app_.data, store) if store else None
    stores.note_everything(app_.data, time.time(), found)
    waiting, _oldest = outbox.waiting(app_.data)
    output.result(
        {"outbox": waiting},
        ngettext("{count} change waits.", "{count} changes wait.", waiting).format(
            count=cells.amount(waiting)
        ),
    )


@app.command("follow", help=_("At a back office: bring the mirror up to date, and keep it so."))
@stays(unless="once")
def follow(
    once: Annotated[bool, typer.Option("--once", help=_("End when nothing is left."))] = False,
) -> None:
    """Goes on by itself when the line comes back."""
    from storeops.hub import arriving, following
    from storeops.hub.joining import of_profile

    call = current()
    of_profile(call.app.profile)

    with (
        call.interruptible("storeops hub follow") as stop,
        bars() if once else nullcontext() as bar,
    ):

        def progress(report: FollowReport) -> None:
            if bar is not None:
                bar.show(
                    "things", _("things"), done=report.things, total=report.things + report.behind
                )

        report = following.follow(
            call.app, once=once, stop=stop, on_progress=progress, on_trouble=_tried_again
        )
    if report.refilled:
        note(_("This mirror was not the one that had followed: everything was fetched anew."))
    here = arriving.follow_state(call.app.data)
    last_word = here.word_at or here.caught_up_at
    if not report.greeted and last_word is None:
        note(_("Head office does not serve now."))
    elif not report.greeted:
        note(
            _(
                "Head office does not serve now. What the server still gave out of it is here; its"
                " last word is of {time}."
            ).format(time=cells.when(last_word))
        )
    output.done(
        {
            "things": report.things,
            "refilled": report.refilled,
            "head_office": report.greeted,
            "last_word_at": cells.iso(last_word),
            "asked": report.asked,
        },
        ngettext("{count} thing came in.", "{count} things came in.", report.things).format(
            count=cells.amount(report.things)
        ),
    )


@app.command("status", help=_("Server, who publishes, what waits, and how far each shop is."))
def status() -> None:
    """At a back office: how far this one is."""
    from storeops.hub import status as hub_status

    app_ = current().app
    found = hub_status.read(app_)
    rows = [
        {
            "store_code": each.store_code,
            "state": each.state,
            "last_seen_at": cells.iso(each.last_seen_at),
            "behind": each.behind,
            "follows": each.follows,
        }
        for each in found.shops
    ]
    if current().settings.machine:
        output.result(
            {
                "server": {"url": found.url, "answers": found.answers},
                "leader": found.leader or None,
                "lag": found.lag,
                "outbox": found.outbox,
                "shops": rows,
                "waiting": found.waiting,
                "requests": found.requests,
                "hosts": [
                    {
                        "host": each.host,
                        "state": each.state,
                        "seen_at": cells.iso(each.seen_at),
                        "copied_at": cells.iso(each.copied_at),
                    }
                    for each in found.hosts
                ],
                "turned_away": [
                    {
                        "what": each.what,
                        "who": each.who,
                        "count": each.count,
                        "last_at": cells.iso(each.last_at),
                        "detail": each.detail,
                    }
                    for each in found.turned_away
                ],
            }
        )
        return
    pairs = [(_("Server"), found.url)]
    if found.outbox is not None:
        pairs += [
            (_("Published by"), found.leader or named(_("nobody: storeops hub serve"))),
            (_("Waits"), cells.amount(found.outbox)),
            (_("Longest wait"), span(found.lag or 0) if found.outbox else "-"),
        ]
    if found.outbox is not None:
        pairs.append((_("To approve"), cells.amount(found.requests)))
    elif found.requests:
        pairs.append((_("To be asked"), cells.amount(found.requests)))
    for each_host in found.hosts:
        pairs.append(
            (
                _("Host {name}").format(name=each_host.host),
                _("{state}, copied until {time}").format(
                    state=_(HOST_STATES[each_host.state]), time=cells.when(each_host.copied_at)
                ),
            )
        )
    table.pairs(pairs)
    if found.trouble:
        warn(found.trouble)
    for each in found.turned_away:
        warn(
            ngettext(
                "Turned away: {what} ({who}), {count} time, last {time}.",
                "Turned away: {what} ({who}), {count} times, last {time}.",
                each.count,
            ).format(
                what=each.words, who=plain(each.who), count=cells.amount(each.count),
                time=cells.when(each.last_at),
            )
        )  # fmt: skip
    for kind, count in found.waiting.items():
        warn(
            ngettext(
                "{count} thing of the kind {kind} waits for a newer version.",
                "{count} things of the kind {kind} wait for a newer version.",
                count,
            ).format(count=count, kind=kind)
        )
    output.items(
        rows,
        [
            Column("store_code", _("Store")),
            Column("state", _("Status"), show=lambda value: _(STATES[value])),
            Column("last_seen_at", _("Last seen"), show=cells.when),
            Column("behind", _("Behind"), show=cells.amount, right=True),
            Column("follows", _("Follows"), show=cells.amount, right=True),
        ],
        empty=_("No shop has joined yet: storeops hub store add STORE"),
    )


@app.command("check", help=_("Compare what was published with the mirror, and ask the server."))
def check() -> None:
    """Exit code 6 when something differs."""
    from storeops.hub import checks
    from storeops.hub import settings as hub_settings

    app_ = current().app
    if not app_.profile.head_office:
        hub_settings.get(app_.profile.name)
    found = [{"title": each.title, **each.as_dict()} for each in checks.thorough(app_)]
    output.items(
        found,
        [
            Column("title", _("Check")),
            Column("status", _("Status")),
            Column("detail", _("Found")),
            Column("fix", _("Next step")),
        ],
    )
    wrong = [each for each in found if each["status"] == "failed"]
    if wrong:
        raise PartialError(
            _("Not all is well: {checks}.").format(
                checks=_(", ").join(str(each["title"]) for each in wrong)
            ),
            hint=str(wrong[0]["fix"]),
        )


def _try_next(office: str, shop: str, tag: str) -> list[str]:
    """The way of a plan from a shop to head office and back, to be typed elsewhere."""
    steps = [
        (f"--profile {shop} mark add m --where status:active", _("choose the shop's customers")),
        (
            f"--profile {shop} tag plan --add {shlex.quote(tag)} --marked m --follows all",
            _("plan a tag for them"),
        ),
        (f"--profile {shop} plan apply last --yes", _("ask head office")),
        (f"--profile {office} hub requests list", _("what shops ask for")),
        (f"--profile {office} plan show last", _("head office's own plan of it")),
        (f"--profile {office} hub requests approve REQUEST", _("let it be carried out")),
        (f"--profile {shop} plan show last", _("what came of it, row by row")),
    ]
    return [_("Try next, elsewhere:"), *(f"  storeops {words}  # {what}" for words, what in steps)]


@app.command("up", help=_("A whole hub on this machine: server, head office, three back offices."))
@stays()
def up(
    demo: Annotated[
        bool, typer.Option("--demo", help=_("On the sandbox's chain; begins anew each time."))
    ] = False,
) -> None:
    """Says when all is ready and stays until Ctrl-C or SIGTERM; no process is left then."""
    import threading

    from storeops.hub import demo as hub_demo
    from storeops.hub.connection import must_be_installed

    if not demo:
        raise UsageError(
            _("Only the demo comes up by one command."),
            hint=_("storeops hub up --demo; a real one begins with storeops hub init."),
        )
    must_be_installed()
    from storeops.app import App

    starting = hub_demo.running(App.open, note)
    with current().interruptible(stop=threading.Event()) as stop, starting as found:
        if current().settings.machine:
            output.write(
                cells.json_text(
                    {
                        "server": {"url": found.url},
                        "head_office": {"profile": found.head_office},
                        "shops": [
                            {"store_code": s.store_code, "store": s.store, "profile": s.profile}
                            for s in found.shops
                        ],
                        "pid": os.getpid(),
                    }
                )
                + "\n"
            )
        else:
            output.line(
                _("Head office is the profile {name}; its server answers at {address}.").format(
                    name=found.head_office, address=found.url
                )
            )
            for shop in found.shops:
                output.line(
                    _("{store}: storeops --profile {profile} tui").format(
                        store=shop.store, profile=shop.profile
                    )
                )
            for line in _try_next(found.head_office, found.shops[0].profile, found.tag):
                output.line(line)
        sys.stdout.flush()
        note(_("Ctrl-C ends it all."))
        while not stop.wait(0.2) and not found.trouble.is_set():
            pass
