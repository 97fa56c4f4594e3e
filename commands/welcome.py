"""`storeops welcome`: greeting new customers – rules, a trial, what was sent and how fast."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import cells, output
from commands.context import current
from commands.diagnostics import note, warn
from commands.option_sets import option_sets
from commands.options import any_of
from commands.output import Column
from commands.page_options import PageOptions
from storeops.i18n import _, ngettext

if TYPE_CHECKING:
    from storeops.domains.welcome.log import Greeting

app = typer.Typer(help=_("Greet new customers: rules, a trial, what was sent and how fast."))

_DAYS = 7  # of the figures under the log
_MOMENTS = ("happened_at", "received_at", "settled_at")
Files = Annotated[
    list[Path] | None,
    typer.Option(
        "--rules", metavar="FILE",
        help=_("Files of rules; else rules/welcome/*.toml; repeatable."),
    ),
]  # fmt: skip


@app.command("rule", help=_("List the rules: who is greeted with what."))
@option_sets
def rule(rules: Files = None, page: PageOptions = PageOptions(limit=200)) -> None:
    """Of those that fit a customer, the highest priority counts, then the narrowest."""
    from storeops.domains.welcome.people import STATELESS, unknown
    from storeops.domains.welcome.rules import folder
    from storeops.domains.welcome.rules import rules as read

    found = read(rules)
    output.paged(
        (each.as_dict() for each in found),
        [
            Column("name", _("Rule"), max_width=20),
            Column("enabled", _("On")),
            Column("priority", _("Priority"), right=True),
            Column("state", _("state"), show=_listed, max_width=18),
            Column("way", _("Contact way"), show=_listed, max_width=16),
            Column("stores", _("Shops"), show=_listed, max_width=16),
            Column("members", _("Member"), show=_listed, max_width=16),
            Column("text", _("Text"), max_width=40),
            Column("attachments", _("With"), show=_with),
        ],
        page=page,
        empty=_("There is no rule: nobody is greeted."),
    )
    if not rules:
        note(_("Rules are read from {path}.").format(path=folder()))
    for name, key, value in unknown(current().app.data, found):
        text = (
            _("Rule {rule}: the contact way “{value}” has no state and fits nobody.")
            if key == STATELESS
            else _("Rule {rule}: {key} “{value}” is unknown here and fits nobody.")
        )
        warn(text.format(rule=name, key=key, value=value))


def _listed(value: list[str]) -> str:
    return _(", ").join(value) or _("all")


def _with(value: list[str]) -> str:
    words = {"image": _("image"), "link": _("link"), "miniprogram": _("mini-program")}
    return _(", ").join(words.get(each, each) for each in value)


@app.command("test", help=_("Show how a new customer of a member would be greeted; send nothing."))
def try_out(
    member: Annotated[str, typer.Argument(metavar="MEMBER", help=_("Userid or name."))],
    state: Annotated[
        str, typer.Option("--state", metavar="STATE", help=_("Of the contact way they come by."))
    ] = "",
    rules: Files = None,
) -> None:
    """By the rules and the mirror as they are now."""
    from storeops.domains.welcome.people import newcomer
    from storeops.domains.welcome.rules import chosen
    from storeops.domains.welcome.rules import rules as read
    from storeops.mirror import members

    db = current().app.data
    found = members.find(db, member)
    who = newcomer(db, found.userid, state)
    counts = chosen(read(rules), who)
    value = {
        "userid": who.userid, "member": who.member, "store": who.store, "store_id": who.store_id,
        "state": state, "rule": counts.name if counts else None,
        "text": counts.words(who) if counts else None,
        "attachments": [dict(each) for each in counts.attachments] if counts else [],
    }  # fmt: skip
    if counts is None:
        text = _("No rule fits: a new customer of {name} would not be greeted.").format(
            name=who.member or who.userid
        )
    else:
        text = "\n".join(
            [
                _("The rule {rule} counts:").format(rule=counts.name),
                "",
                *counts.words(who).splitlines(),
                *(f"[{_with([each['msgtype']])}] {_shown(each)}" for each in counts.attachments),
            ]
        )
    output.result(value, text)


def _shown(attachment: Any) -> str:
    content = attachment[attachment["msgtype"]]
    return " ".join(
        str(content[key]) for key in ("title", "url", "pic_url", "page", "file") if key in content
    )


@app.command("log", help=_("List greetings, newest first, with how they ended and how fast."))
@option_sets
def log_(
    status: Annotated[
        list[str] | None,
        typer.Option(
            "--status", metavar="STATUS",
            help=_("sending, sent, other, late, failed, uncertain or no_rule; may be repeated."),
        ),
    ] = None,
    state: Annotated[
        str, typer.Option("--state", metavar="STATE", help=_("Only by this contact way."))
    ] = "",
    customer: Annotated[
        str, typer.Option("--customer", metavar="ID", help=_("Only of this external_userid."))
    ] = "",
    page: PageOptions = PageOptions(limit=50),
) -> None:  # fmt: skip
    """One row for each WelcomeCode."""
    from storeops.domains.welcome import log

    app_ = current().app
    log.record_lost(app_.data, app_.clock.now())
    found = log.greetings(
        app_.data, statuses=any_of(status, log.STATUSES), state=state, customer=customer,
        before=page.before, limit=page.wanted,
    )  # fmt: skip
    output.newest(
        found,
        _row,
        lambda each: each.id,
        [
            Column("received_at", _("At"), show=cells.when),
            Column("userid", _("Member"), max_width=16),
            Column("external_userid", _("Customer"), max_width=34),
            Column("state", _("state"), max_width=16),
            Column("rule", _("Rule"), max_width=16),
            Column("status", _("Status"), show=lambda value: _(log.WORDS[value])),
            Column("wait_s", _("Seconds"), right=True, show=_seconds),
            Column("note", _("Why"), max_width=40),
        ],
        page=page,
        empty=_("Nobody was greeted yet."),
    )
    _note_speed()


def _row(greeting: Greeting) -> dict[str, Any]:
    return {
        key: cells.iso(each) if key in _MOMENTS else each
        for key, each in greeting.as_dict().items()
    }


def _seconds(value: Any) -> str:
    return "" if value is None else f"{value:.1f}"


def _note_speed() -> None:
    from storeops.domains.welcome import log

    app_ = current().app
    speed = log.speed(app_.data, app_.clock.now() - _DAYS * 86_400)
    if speed.p99_s is None:
        return
    note(
        ngettext(
            "{count} greeting of 7 days: half within {p50} s of the adding, 99 % within {p99} s.",
            "{count} greetings of 7 days: half within {p50} s of the adding, 99 % within {p99} s.",
            speed.sent,
        ).format(count=speed.sent, p50=_seconds(speed.p50_s), p99=_seconds(speed.p99_s))
    )
