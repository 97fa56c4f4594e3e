"""`storeops notify`: messages to groups and people, and the log of what was sent."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import cells, output
from commands.context import current
from commands.diagnostics import note
from commands.option_sets import option_sets
from commands.options import Yes, any_of
from commands.output import Column
from commands.page_options import PageOptions
from commands.question import confirm
from storeops.errors import PartialError, StillRunningError, UsageError
from storeops.i18n import _, ngettext, sentences

if TYPE_CHECKING:
    from storeops.domains.notify.messages import Delivered, OutMessage, Posted

app = typer.Typer(help=_("Send messages to groups and people; see what was sent."))
robot_app = typer.Typer(help=_("Robots of groups: add, remove."))
app_app = typer.Typer(help=_("Members whom the app writes to: add, remove."))
app.add_typer(robot_app, name="robot")
app.add_typer(app_app, name="app")
chat_app = typer.Typer(help=_("Groups that this app has made: add, remove."))
app.add_typer(chat_app, name="chat")

Name = Annotated[str, typer.Argument(metavar="NAME", help=_("What you call it."))]
Quiet = Annotated[
    str,
    typer.Option("--quiet-hours", metavar="HOURS", help=_("Send nothing then: 22:00-08:00.")),
]
Wait = Annotated[
    float, typer.Option("--wait", metavar="SECONDS", min=0.0, help=_("Send for so long at most."))
]


@robot_app.command("add", help=_("Add a group's robot; its key is asked for, or read from stdin."))
def robot_add(name: Name, quiet: Quiet = "") -> None:
    """The key is kept as the other secrets are."""
    from storeops import secrets
    from storeops.domains.notify import targets

    call = current()
    profile = call.app.profile.name
    call.app.ledger.policy.may_write()
    only_hours = bool(quiet) and secrets.robot(profile, name) is not None
    key = "" if only_hours else targets.key_of(_entered())
    target = targets.save(call.app.data, name, targets.ROBOT, call.app.clock.now(), quiet=quiet)
    if key:
        secrets.save_robot(profile, target.name, key)
    output.result(
        {"name": target.name, "kind": target.sender, "quiet_hours": target.quiet},
        _("The robot {name} is ready. Try it: storeops notify send --to {to} --text hello").format(
            name=target.name, to=shlex.quote(target.name)
        ),
    )


def _entered() -> str:
    """The key: typed and not shown, or the first line of stdin."""
    if not sys.stdin.isatty():
        return sys.stdin.readline()
    import getpass

    return getpass.getpass(_("Webhook address or key of the robot (not shown): "), sys.stderr)


@app_app.command("add", help=_("Name members, or departments, that the app writes to."))
def app_add(
    name: Name,
    user: Annotated[
        list[str] | None,
        typer.Option("--user", metavar="STAFF", help=_("A member; as often as needed.")),
    ] = None,
    party: Annotated[
        list[str] | None,
        typer.Option("--party", metavar="ID", help=_("A department; as often as needed.")),
    ] = None,
    everybody: Annotated[
        bool, typer.Option("--everybody", help=_("All members in the app's sight."))
    ] = False,
    quiet: Quiet = "",
) -> None:
    """Who they are is kept under a name."""
    from storeops.domains.notify import targets

    if everybody == bool(user or party):
        raise UsageError(_("Give --user and --party, or --everybody."))
    receivers = {"touser": "@all"} if everybody else {}
    if user:
        receivers["touser"] = "|".join(map(_userid, user))
    if party:
        receivers["toparty"] = "|".join(party)
    call = current()
    call.app.ledger.policy.may_write()
    target = targets.save(
        call.app.data, name, targets.APP, call.app.clock.now(), receivers=receivers, quiet=quiet
    )
    output.result(
        {"name": target.name, "kind": target.sender, "receivers": dict(target.receivers),
         "quiet_hours": target.quiet},
        _("{name} is ready. Try it: storeops notify send --to {to} --text hello").format(
            name=target.name, to=shlex.quote(target.name)
        ),
    )  # fmt: skip


def _userid(text: str) -> str:
    """The userid that is meant: of a known member, or as it is written where nobody is known yet.

    Raises:
        NotFoundError, UsageError: nobody, or several, are called so.
    """
    from storeops.mirror import members
    from storeops.reading import directory

    db = current().app.data
    if not directory.member_names(db):
        return text
    return members.find(db, text).userid


@chat_app.command("add", help=_("Name a group that this app has made; WeCom is asked for it."))
def chat_add(
    name: Name,
    chatid: Annotated[str, typer.Argument(metavar="CHATID", help=_("Its chatid."))],
    quiet: Quiet = "",
) -> None:
    """Only the app that made a group can write to it."""
    from storeops.domains.notify import targets
    from storeops.wecom import messages

    call = current()
    call.app.ledger.policy.may_write()
    found = messages.chat(call.app.client, chatid)
    target = targets.save(
        call.app.data,
        name,
        targets.CHAT,
        call.app.clock.now(),
        receivers={"chatid": found.chatid, "name": found.name},
        quiet=quiet,
    )
    members = len(found.userlist)
    output.result(
        {"name": target.name, "kind": target.sender, "receivers": dict(target.receivers),
         "members": members, "quiet_hours": target.quiet},
        ngettext(
            "{name} is ready: {chat}, {count} member. Try it: storeops notify send --to {to}"
            " --text hello",
            "{name} is ready: {chat}, {count} members. Try it: storeops notify send --to {to}"
            " --text hello",
            members,
        ).format(
            name=target.name, to=shlex.quote(target.name), chat=found.name or found.chatid,
            count=members,
        ),
    )  # fmt: skip


@robot_app.command("remove", help=_("Forget a robot and its key."))
def robot_remove(name: Name) -> None:
    """Only a robot."""
    _remove(name, "robot")


@app_app.command("remove", help=_("Forget a name."))
def app_remove(name: Name) -> None:
    """Only a name of members."""
    _remove(name, "app")


@chat_app.command("remove", help=_("Forget the name of a group; the group stays."))
def chat_remove(name: Name) -> None:
    """Only a name of a group."""
    _remove(name, "chat")


def _remove(name: str, sender: str) -> None:
    from storeops.domains.notify import targets

    call = current()
    call.app.ledger.policy.may_write()
    gone = targets.forget(call.app.data, call.app.profile.name, name, sender)
    output.result({"removed": gone.name}, _("{name} is gone.").format(name=gone.name))


@app.command("send", help=_("Send a text, Markdown, a picture, a file or a news card."))
def send(
    to: Annotated[
        list[str],
        typer.Option("--to", metavar="NAME", help=_("Which target; as often as needed.")),
    ],
    text: Annotated[
        str, typer.Option("--text", metavar="TEXT", help=_("A text; - reads it from stdin."))
    ] = "",
    markdown: Annotated[
        str, typer.Option("--markdown", metavar="TEXT", help=_("Markdown; - reads it from stdin."))
    ] = "",
    image: Annotated[
        str, typer.Option("--image", metavar="FILE", help=_("A picture: PNG or JPEG, 2 MB."))
    ] = "",
    file: Annotated[
        str, typer.Option("--file", metavar="FILE", help=_("A file, at most 20 MB."))
    ] = "",
    news: Annotated[
        list[str] | None,
        typer.Option(
            "--news", metavar="TITLE=URL", help=_("An entry of a news card; as often as needed.")
        ),
    ] = None,
    id_: Annotated[
        str,
        typer.Option("--id", metavar="ID", help=_("Its stable name: the same is sent once only.")),
    ] = "",
    urgent: Annotated[
        bool, typer.Option("--urgent", help=_("Send it in quiet hours, too."))
    ] = False,
    wait: Wait = 120.0,
    yes: Yes = False,
) -> None:
    """Several targets, or everybody, want a yes."""
    from storeops.domains.notify import outbox, targets

    call = current()
    message = _message(text, markdown, image, file, news or (), urgent)
    to = list(dict.fromkeys(targets.get(call.app.data, name).name for name in to))
    many = len(to) > 1 or _everybody(to)
    if many and not yes:
        if not call.interactive:
            raise UsageError(
                _("This goes to several groups, or to everybody."), hint=_("Add --yes.")
            )
        confirm(_("Send this to {names}?").format(names=_(", ").join(to)))
    posted = []
    for name in to:
        own = outbox.id_for(call.app.data, id_, name, several=len(to) > 1)
        posted.append(outbox.post(call.app, name, message, id=own))
    done = _deliver(wait)
    _show_delivery(posted, done)


def _everybody(names: Iterable[str]) -> bool:
    from storeops.domains.notify import targets

    wanted = {each.casefold() for each in names}
    return any(
        each.receivers.get("touser") == "@all" or "toparty" in each.receivers
        for each in targets.every(current().app.data)
        if each.name.casefold() in wanted
    )


def _message(
    text: str, markdown: str, image: str, file: str, news: Iterable[str], urgent: bool
) -> OutMessage:
    """The one thing that is to be sent.

    Raises:
        UsageError: none, or several.
    """
    from storeops.domains.notify.messages import Article, OutMessage

    news = list(news)
    given = [each for each in (text, markdown, image, file, news) if each]
    if len(given) != 1:
        raise UsageError(_("Give one of --text, --markdown, --image, --file and --news."))
    # what a person sends is never folded with alarms
    if text:
        return OutMessage("text", _read(text), fold=False, urgent=urgent)
    if markdown:
        return OutMessage("markdown", _read(markdown), fold=False, urgent=urgent)
    if image:
        return OutMessage("image", path=Path(image), urgent=urgent)
    if file:
        return OutMessage("file", path=Path(file), urgent=urgent)
    articles = []
    for each in news:
        title, sign, url = each.partition("=")
        if not sign or "://" not in url:
            raise UsageError(
                _("“{text}” is no entry of a news card.").format(text=each),
                hint=_("Write it like TITLE=https://…"),
            )
        articles.append(Article(title, url))
    return OutMessage("news", articles=articles, urgent=urgent)


def _read(text: str) -> str:
    return sys.stdin.read() if text == "-" else text


def _deliver(wait: float) -> Delivered:
    from storeops.domains.notify import outbox

    call = current()
    with call.interruptible("storeops notify run") as stop:
        return outbox.deliver(call.app, seconds=wait, stop=stop)


def _show_delivery(posted: list[Posted], done: Delivered) -> None:
    """What became of the messages of this call.

    Raises:
        PartialError: one was not sent, or not to everybody.
        StillRunningError: one waits still for a limit or an answer.
    """
    from storeops.domains.notify import log

    data, now = current().app.data, current().app.clock.now()
    rows = [log.get(data, each.id) for each in posted]
    lines = []
    for row, each in zip(rows, posted, strict=True):
        line = _("{id} to {name}: {status}").format(
            id=row.id, name=row.target, status=_(log.WORDS[row.status])
        )
        if each.known:
            line = sentences(line, _("(it had been handed over before)"))
        elif row.status == log.WAITING and row.due_at > now:
            line = sentences(line, _("until {time}").format(time=cells.when(row.due_at)))
        lines.append(f"{line}. {row.note}".rstrip(" ."))
    output.result({"messages": [_item(row) for row in rows]}, "\n".join(lines))
    log.must_have_gone(rows)
    left = [row for row in rows if row.status in (log.WAITING, log.IN_QUEUE) and row.due_at <= now]
    if left:
        raise StillRunningError(
            ngettext(
                "{count} message waits still.",
                "{count} messages wait still.",
                len(left),
            ).format(count=len(left)),
            hint=_("Go on: storeops notify run"),
            next_steps=["storeops notify run"],
        )


def _item(row: Any) -> dict[str, Any]:
    value: dict[str, Any] = row.as_dict()
    for name in ("posted_at", "due_at", "settled_at"):
        value[name] = cells.iso(value[name])
    return value


@app.command("list", help=_("Where messages can go."))
@option_sets
def list_(page: PageOptions = PageOptions(limit=100)) -> None:
    """Targets, with how many messages wait."""
    from storeops import secrets
    from storeops.domains.notify import log, targets

    call = current()
    waiting = log.waiting(call.app.data)
    rows = [
        {
            "name": each.name,
            "kind": each.sender,
            "receivers": dict(each.receivers),
            "quiet_hours": each.quiet,
            "has_key": each.sender != targets.ROBOT
            or secrets.robot(call.app.profile.name, each.name) is not None,
            "waiting": waiting.get(each.name, 0),
        }
        for each in targets.every(call.app.data)
    ]
    output.paged(
        rows,
        [
            Column("name", _("Name")),
            Column("kind", _("Kind"), show=_sender),
            Column("receivers", _("Receivers"), show=_receivers, max_width=32),
            Column("quiet_hours", _("Quiet hours")),
            Column("has_key", _("Key")),
            Column("waiting", _("Waiting"), right=True),
        ],
        page=page,
        empty=_("No target yet: storeops notify robot add NAME"),
    )  # fmt: skip


def _sender(value: str) -> str:
    return {"robot": _("robot"), "app": _("app message"), "chat": _("app chat")}.get(value, value)


def _receivers(value: dict[str, str]) -> str:
    return _(", ").join(value.values())


@app.command("log", help=_("What was handed over, newest first, and how it ended."))
@option_sets
def log_(
    to: Annotated[
        list[str] | None, typer.Option("--to", metavar="NAME", help=_("Only to these."))
    ] = None,
    status: Annotated[
        list[str] | None,
        typer.Option(
            "--status", metavar="STATUS",
            help=_("waiting, queued, sent, partly, failed, uncertain or cancelled."),
        ),
    ] = None,
    page: PageOptions = PageOptions(limit=50),
) -> None:  # fmt: skip
    """The log."""
    from storeops.domains.notify import log

    found = log.messages(
        current().app.data,
        statuses=any_of(status, log.STATUSES),
        targets=to or (),
        before=page.before,
        limit=page.wanted,
    )
    output.newest(
        found,
        _item,
        lambda each: each.seq,
        [
            Column("posted_at", _("At"), show=cells.when),
            Column("to", _("Target"), max_width=16),
            Column("status", _("Status"), show=lambda value: _(log.WORDS[value])),
            Column("body", _("Text"), max_width=40),
            Column("note", _("Why"), max_width=30),
            Column("id", _("Id"), max_width=28),
        ],
        page=page, empty=_("No message was handed over yet."),
    )  # fmt: skip


@app.command("retry", help=_("Send what failed again: all of it, or the messages named."))
def retry(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]…", help=_("As `notify log` names them."))
    ] = None,
    wait: Wait = 120.0,
) -> None:
    """What is uncertain goes only by name: it may have arrived."""
    from storeops.domains.notify import log, outbox
    from storeops.domains.notify.messages import Posted

    call = current()
    chosen = outbox.retry(call.app.ledger, ids or ())
    if not chosen:
        uncertain = log.counts(call.app.data)[log.UNCERTAIN]
        if uncertain:
            note(
                ngettext(
                    "{count} message is uncertain; name it to send it again.",
                    "{count} messages are uncertain; name them to send them again.",
                    uncertain,
                ).format(count=uncertain)
            )
        output.result({"messages": []}, _("Nothing failed."))
        return
    done = _deliver(wait)
    _show_delivery([Posted(each, "", False, "", 0.0) for each in chosen], done)


@app.command("run", help=_("Send what waits; what cron runs."))
def run(wait: Wait = 600.0) -> None:
    """Folded where many wait."""
    done = _deliver(wait)
    output.result(
        {"sent": done.sent, "failed": done.failed, "waiting": done.waiting, "calls": done.calls},
        ngettext(
            "{sent} sent in {calls} call, {failed} failed, {waiting} wait.",
            "{sent} sent in {calls} calls, {failed} failed, {waiting} wait.",
            done.calls,
        ).format(sent=done.sent, calls=done.calls, failed=done.failed, waiting=done.waiting),
    )
    if done.failed:
        raise PartialError(
            ngettext("{count} message failed.", "{count} messages failed.", done.failed).format(
                count=done.failed
            ),
            hint=_("See why: storeops notify log --status failed"),
            next_steps=["storeops notify log --status failed"],
        )
