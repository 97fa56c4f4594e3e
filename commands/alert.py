"""`storeops alert`: what needs a person – look, acknowledge, rules."""

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
from storeops.errors import ExitCode, UsageError
from storeops.i18n import _, labelled, ngettext

if TYPE_CHECKING:
    from storeops.domains.alert.rules import AlarmRule
    from storeops.domains.alert.state import KeptAlarm

app = typer.Typer(help=_("Alarms: what needs a person; look, acknowledge, rules."))

_MOMENTS = ("raised_at", "worse_at", "seen_at", "acked_at", "cleared_at")
Files = Annotated[
    list[Path] | None,
    typer.Option(
        "--rules", metavar="FILE", help=_("Files of rules; else rules/alert/*.toml; repeatable.")
    ),
]
Detailed = Annotated[
    bool,
    typer.Option("--detailed-exitcode", help=_("End with 10 when alarms stand unacknowledged.")),
]
Kinds = Annotated[
    list[str] | None,
    typer.Option("--kind", metavar="KIND", help=_("Only of this kind; may be repeated.")),
]


def _row(alarm: KeptAlarm) -> dict[str, Any]:
    return {
        key: cells.iso(each) if key in _MOMENTS else each for key, each in alarm.as_dict().items()
    }


def tone_word(tone: str) -> str:
    """How bad, in a word."""
    return {"warn": _("warning"), "bad": _("serious")}.get(tone, tone)


def _kinds(given: list[str] | None) -> tuple[str, ...]:
    """Kinds that were asked for.

    Raises:
        UsageError: there is no such kind.
    """
    from storeops.domains.alert.rules import kinds
    from storeops.spelling import did_you_mean

    found = any_of(given)
    known = kinds()
    for name in found:
        if name not in known:
            raise UsageError(
                _("There is no kind of alarm {name}.").format(name=name),
                hint=did_you_mean(
                    name, known, _("Known: {names}.").format(names=_(", ").join(known))
                ),
            )
    return found


def _end(*, detailed: bool) -> None:
    from storeops.domains.alert import state

    if detailed and any(each.acked_at is None for each in state.alarms(current().app.data)):
        raise typer.Exit(int(ExitCode.CHANGES))


@app.command("list", help=_("List alarms that stand, newest first."))
@option_sets
def list_(
    all_states: Annotated[
        bool, typer.Option("--cleared", help=_("Also those that are over."))
    ] = False,
    kind: Kinds = None,
    detailed_exitcode: Detailed = False,
    page: PageOptions = PageOptions(limit=100),
) -> None:
    """As the last look found them."""
    from storeops.domains.alert import state

    db = current().app.data
    found = state.alarms(
        db, cleared=all_states, kind=_kinds(kind), before=page.before,
        limit=page.wanted,
    )  # fmt: skip
    looks = state.looked_at(db)
    noted = (
        Column("acked_by", _("Noted by"), max_width=16),
        Column("note", _("Note"), max_width=40),
    )
    output.newest(
        found,
        _row,
        lambda each: each.id,
        [
            Column("alert_id", _("No."), right=True),
            Column("tone", _("How bad"), show=tone_word),
            Column("raised_at", _("Began"), show=cells.day),
            Column("text", _("Alarm"), max_width=70),
            Column("next_step", _("Next step")),
            *(noted if any(each.acked_at for each in found) else ()),
        ],
        page=page,
        as_of=max(looks.values(), default=None),
        empty=_("No alarm stands."),
    )
    if not looks:
        note(_("Nothing was looked at yet: storeops alert check"))
    _end(detailed=detailed_exitcode)


@app.command("show", help=_("Show one alarm."))
def show(
    number: Annotated[int, typer.Argument(metavar="ALARM", help=_("Its number in `alert list`."))],
) -> None:
    """With its life."""
    from storeops.domains.alert import state

    output.item(
        _row(state.get(current().app.data, number)),
        [
            Column("alert_id", _("No.")),
            Column("kind", _("Kind")),
            Column("text", _("Alarm")),
            Column("next_step", _("Next step")),
            Column("tone", _("How bad"), show=tone_word),
            Column("raised_at", _("Began"), show=cells.when),
            Column("worse_at", _("Last raised"), show=cells.when),
            Column("times", _("Raised")),
            Column("seen_at", _("Last seen"), show=cells.when),
            Column("acked_at", _("Noted"), show=cells.when),
            Column("acked_by", _("Noted by")),
            Column("note", _("Note")),
            Column("cleared_at", _("Over"), show=cells.when),
        ],
    )


@app.command("ack", help=_("Take note of alarms: they leave Today until they get worse."))
def ack(
    numbers: Annotated[
        list[int], typer.Argument(metavar="ALARM…", help=_("Numbers in `alert list`."))
    ],
    note_: Annotated[
        str, typer.Option("--note", metavar="TEXT", help=_("Why, or who sees to it."))
    ] = "",
) -> None:
    """Who you are is kept (--as on a shared PC)."""
    from storeops.domains.alert import state

    app_ = current().app
    who = app_.as_name or app_.ledger.journal.who
    done = state.acknowledge(app_.data, numbers, app_.clock.now(), who=who, note=note_)
    output.result(
        {"items": [_row(each) for each in done]},
        ngettext("{count} alarm is noted.", "{count} alarms are noted.", len(done)).format(
            count=len(done)
        ),
    )


@app.command("check", help=_("Look at everything now; what cron calls."))
def check(rules: Files = None, detailed_exitcode: Detailed = False) -> None:
    """New alarms are raised, those that are over are cleared."""
    from storeops.domains.alert import checking, state
    from storeops.domains.alert.rules import rules as read

    app_ = current().app
    found = checking.check(app_, read(rules))
    changes = found.changes
    standing = [each for each in state.alarms(app_.data) if each.acked_at is None]
    value = {
        "raised": list(changes.raised),
        "worse": list(changes.worse),
        "cleared": list(changes.cleared),
        "open": len(standing),
        "unknown": found.unknown,
        "unsent": found.unsent,
    }
    lines = []
    for number in (*changes.raised, *changes.worse):
        text, step = state.get(app_.data, number).words()
        lines += [labelled(number, text), f"   {step}" if step else ""]
    lines += [
        _("{number} is over: {text}").format(
            number=number, text=state.get(app_.data, number).words()[0]
        )
        for number in changes.cleared
    ]
    lines.append(
        ngettext("{count} alarm stands.", "{count} alarms stand.", len(standing)).format(
            count=len(standing)
        )
    )
    text = "\n".join(filter(None, lines))
    if changes.raised or changes.worse:  # cron sends a mail exactly then
        output.result(value, text)
    else:
        output.done(value, text)
    _note_unknown(found.unknown)
    for target, why in found.unsent.items():
        warn(_("Nothing was sent to {target}: {why}.").format(target=target, why=why))
    _end(detailed=detailed_exitcode)


def _note_unknown(unknown: dict[str, str]) -> None:
    for kind, why in unknown.items():
        note(_("{kind} cannot be told now: {why}").format(kind=kind, why=why))


@app.command("test", help=_("Say what would be raised now; nothing is kept or sent."))
def try_out(rules: Files = None, kind: Kinds = None) -> None:
    """Every kind, or those named."""
    from storeops.domains.alert import checking
    from storeops.domains.alert.rules import rules as read

    names = _kinds(kind)
    chosen = [each for each in read(rules) if not names or each.name in names]
    found, unknown = checking.look(current().app, chosen)
    output.items(
        [
            {
                "kind": name, "key": alarm.key, "tone": alarm.tone, "rank": alarm.rank,
                "text": rule.kind.describe(alarm.values)[0],
                "next_step": rule.kind.describe(alarm.values)[1],
            }
            for name, (rule, alarms) in found.items()
            for alarm in alarms
            if alarm.sure
        ],
        [
            Column("kind", _("Kind")),
            Column("tone", _("How bad"), show=tone_word),
            Column("text", _("Alarm"), max_width=70),
            Column("next_step", _("Next step")),
        ],
        empty=_("Nothing would be raised."),
    )  # fmt: skip
    _note_unknown(unknown)


@app.command("rules", help=_("List the kinds of alarms with their settings, and where they stand."))
@option_sets
def rules_(rules: Files = None, page: PageOptions = PageOptions(limit=200)) -> None:
    """A kind without a file goes by its defaults."""
    from storeops.domains.alert.rules import folder
    from storeops.domains.alert.rules import rules as read

    found = read(rules)
    output.paged(
        map(_rule_row, found),
        [
            Column("kind", _("Kind")),
            Column("enabled", _("On")),
            Column("title", _("What for"), max_width=40),
            Column("settings", _("Settings"), show=_settings),
            Column("to", _("Sent to"), max_width=24),
            Column("file", _("File"), max_width=40),
        ],
        page=page,
    )
    note(_("Rules are read from {path}.").format(path=folder()))
    for target in dict.fromkeys(each for rule in found if rule.enabled for each in rule.to):
        if why := _unreachable(target):
            warn(_("Nothing can be sent to {target}: {reason}.").format(target=target, reason=why))


def _unreachable(target: str) -> str:
    """Why nothing can be sent to a way:name of a rule, as far as it is known; "" when it can."""
    from storeops.domain import registry
    from storeops.domains.notify import targets

    way, _colon, name = target.partition(":")
    if way not in registry().named("senders"):
        return _("nothing that is installed sends by {way}").format(way=way)
    ours = (targets.ROBOT, targets.APP, targets.CHAT)
    known = {each.name.casefold() for each in targets.every(current().app.data)}
    if way in ours and name.casefold() not in known:
        return _("there is no target {name}").format(name=name)
    return ""


def _rule_row(rule: AlarmRule) -> dict[str, Any]:
    return {
        "kind": rule.name,
        "enabled": rule.enabled,
        "title": _(rule.kind.title),
        "settings": dict(rule.written),
        "to": list(rule.to),
        "domain": rule.domain.name,
        "file": rule.file,
    }


def _settings(value: Any) -> str:
    return _(", ").join(
        f"{key} = {cells.json_text(each)}" for key, each in value.items() if each != ""
    )
