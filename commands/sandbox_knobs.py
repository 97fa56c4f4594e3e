"""`storeops sandbox clock|fault|settings|token`: turn the knobs of a running sandbox."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Annotated, Any

import typer

from commands import cells, output
from commands.context import current
from commands.option_sets import option_sets
from commands.output import Column
from commands.page_options import PageOptions
from storeops.errors import StoreOpsError, UsageError
from storeops.i18n import _
from storeops.spelling import did_you_mean

clock_app = typer.Typer(help=_("The sandbox's clock."))
fault_app = typer.Typer(help=_("Faults on demand: which calls go wrong, and how."))
settings_app = typer.Typer(help=_("The sandbox's rules."))
token_app = typer.Typer(help=_("End access tokens early."))
Url = Annotated[
    str,
    typer.Option("--url", metavar="URL", help=_("Which sandbox, when several run.")),
]


def ask(
    url: str, method: str, path: str, data: dict[str, Any] | None = None, timeout: float = 10.0
) -> dict[str, Any]:
    """One control call to the sandbox that is meant."""
    from storeops.domains.sandbox.sandbox_control import control
    from storeops.domains.sandbox.sandbox_process import locate

    return control(locate(url, current().settings.profile), method, path, data, timeout)


def must_be_known(word: str, known: Iterable[str], message: str, listing: str) -> None:
    """Refuse a word that the sandbox does not know, in the user's language.

    Args:
        message: one sentence with the word.
        listing: the command that lists what there is.

    Raises:
        UsageError: it is not known.
    """
    known = list(known)
    if word not in known:
        otherwise = _("See what there is: {command}").format(command=listing)
        raise UsageError(message, hint=did_you_mean(word, known, otherwise))


@clock_app.command("show", help=_("Show the sandbox's time."))
def clock_show(url: Url = "") -> None:
    """Print the time."""
    row = ask(url, "GET", "clock")
    output.result(row, cells.when(row["now"]))


@clock_app.command(
    "advance", help=_("Move the clock forward: 90s, 30m, 24h, 7d. Limits go on in real time.")
)
def clock_advance(
    by: Annotated[str, typer.Argument(metavar="DURATION", help=_("How far."))], url: Url = ""
) -> None:
    """Move the time."""
    from storeops.durations import seconds

    row = ask(url, "POST", "clock", {"advance_s": seconds(by)})
    _learn(url, row["now"])
    output.result(row, _("It is {time} now.").format(time=cells.when(row["now"])))


def _learn(url: str, now: float) -> None:
    """Let the profile of this sandbox know its time, as an answer of it would."""
    from storeops.domains.sandbox.sandbox_process import locate

    with suppress(StoreOpsError):  # without a profile nobody needs to know
        app = current().app
        profile = current().settings.profile
        if app.profile.sandbox and locate(url, profile) == app.profile.base_url.rstrip("/"):
            app.clock.learn(now)


@fault_app.command("add", help=_("Let calls go wrong."))
def fault_add(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help=_("What goes wrong: `storeops sandbox fault kinds` lists them."),
        ),
    ],
    path: Annotated[
        str, typer.Option("--path", metavar="GLOB", help=_("Calls like externalcontact/*."))
    ] = "*",
    errcode: Annotated[int | None, typer.Option("--errcode", help=_("For errcode."))] = None,
    status_code: Annotated[int | None, typer.Option("--status", help=_("For status."))] = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", help=_("For timeout, slow and trickle."))
    ] = None,
    field: Annotated[
        str, typer.Option("--field", metavar="NAME", help=_("Odd values only in this field."))
    ] = "",
    every: Annotated[
        bool, typer.Option("--every", help=_("All of these values, not one of them."))
    ] = False,
    carried_out: Annotated[
        bool,
        typer.Option("--carried-out", help=_("Carry the call out although somebody else answers.")),
    ] = False,
    rate: Annotated[float | None, typer.Option("--rate", help=_("Share of calls, 0 to 1."))] = None,
    first: Annotated[int | None, typer.Option("--first", help=_("Only the first N calls."))] = None,
    nth: Annotated[int | None, typer.Option("--nth", help=_("Only the Nth call."))] = None,
    match: Annotated[
        str, typer.Option("--match", metavar="TEXT", help=_("Only calls whose body has this."))
    ] = "",
    seed: Annotated[int | None, typer.Option("--seed", help=_("Of the dice."))] = None,
    url: Url = "",
) -> None:
    """Add a rule."""
    given: dict[str, Any] = {
        "kind": kind,
        "path": path,
        "errcode": errcode,
        "status": status_code,
        "seconds": seconds,
        "rate": rate,
        "first": first,
        "nth": nth,
        "match": match or None,
        "field": field or None,
        "every": every or None,
        "carried_out": carried_out or None,
        "seed": seed,
    }
    row = ask(url, "POST", "faults", {k: v for k, v in given.items() if v is not None})
    output.result(row, _("Fault {id} is in force.").format(id=row["id"]))


@fault_app.command("kinds", help=_("List the kinds of faults."))
@option_sets
def fault_kinds(url: Url = "", page: PageOptions = PageOptions(limit=500)) -> None:
    """Print what can go wrong."""
    kinds = ask(url, "GET", "faults/kinds")
    output.paged(
        [{"kind": kind, "meaning": _(meaning)} for kind, meaning in kinds.items()],
        [Column("kind", _("Kind")), Column("meaning", _("Meaning"))],
        page=page,
    )


@fault_app.command("list", help=_("List the faults in force."))
@option_sets
def fault_list(url: Url = "", page: PageOptions = PageOptions(limit=500)) -> None:
    """Print the rules with what they did so far."""
    rows = ask(url, "GET", "faults")["faults"]
    output.paged(
        rows if current().settings.machine else [_for_people(each) for each in rows],
        [
            Column("id", _("Fault"), right=True),
            Column("what", _("Kind")),
            Column("path", _("Calls")),
            Column("match", _("Body holds")),
            Column("which", _("Which of them")),
            Column("hit", _("Struck"), right=True),
            Column("seen", _("Seen"), right=True),
        ],
        page=page,
        empty=_("No fault is in force."),
    )


def _for_people(fault: dict[str, Any]) -> dict[str, Any]:
    """A rule with its kind and its selector in words."""
    number = {"errcode": "errcode", "status": "status", "timeout": "seconds"}
    number |= {"slow": "seconds", "trickle": "seconds"}
    what = fault["kind"]
    if fault["field"]:
        what = f"{what} {fault['field']}"
    elif what in number:
        unit = " s" if number[what] == "seconds" else ""
        what = f"{what} {fault[number[what]]:g}{unit}"
    if fault["rate"] is not None:
        which = f"{fault['rate'] * 100:g}%"
    elif fault["first"] is not None:
        which = _("the first {count}").format(count=fault["first"])
    elif fault["nth"] is not None:
        which = _("number {count}").format(count=fault["nth"])
    else:
        which = _("all")
    return {**fault, "what": what, "which": which}


@fault_app.command("clear", help=_("Remove one fault, or all."))
def fault_clear(
    fault: Annotated[int | None, typer.Argument(metavar="[ID]", help=_("Which one."))] = None,
    url: Url = "",
) -> None:
    """Remove rules."""
    row = ask(url, "DELETE", "faults" if fault is None else f"faults/{fault}")
    output.result(row, _("Faults removed: {count}.").format(count=row["cleared"]))


@settings_app.command("list", help=_("List the rules and their values."))
@option_sets
def settings_list(url: Url = "", page: PageOptions = PageOptions(limit=500)) -> None:
    """Print them all."""
    meanings = ask(url, "GET", "settings/meanings")
    output.paged(
        [
            {"name": name, "value": value, "meaning": _(meanings[name]) if name in meanings else ""}
            for name, value in ask(url, "GET", "settings").items()
        ],
        [
            Column("name", _("Setting")),
            Column("value", _("Value"), show=_value_text),
            Column("meaning", _("Meaning")),
        ],
        page=page,
    )


def _value_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@settings_app.command("set", help=_("Change rules: name=value …"))
def settings_set(
    values: Annotated[list[str], typer.Argument(metavar="NAME=VALUE …", help=_("Rules."))],
    url: Url = "",
) -> None:
    """Change them for all calls from now on."""
    given = dict(pairs(values))
    known = ask(url, "GET", "settings")
    for name in given:
        must_be_known(
            name, known, _("The sandbox has no setting {name}.").format(name=name),
            "storeops sandbox settings list",
        )  # fmt: skip
    row = ask(url, "PATCH", "settings", given)
    text = _(", ").join(f"{name} = {_value_text(row[name])}" for name in given)
    output.result({name: row[name] for name in given}, text)


@token_app.command("expire", help=_("Tokens expire: 42001 until a new one is fetched."))
def token_expire(url: Url = "") -> None:
    """End them."""
    row = ask(url, "POST", "token/expire")
    output.result(row, _("Tokens ended: {count}.").format(count=row["expired"]))


@token_app.command("kill", help=_("Tokens become unknown: 40014 until a new one is fetched."))
def token_kill(url: Url = "") -> None:
    """Forget them."""
    row = ask(url, "POST", "token/kill")
    output.result(row, _("Tokens ended: {count}.").format(count=row["killed"]))


_NUMBER = re.compile(r"-?(0|[1-9]\d{0,17})")


def pairs(words: list[str]) -> Iterator[tuple[str, Any]]:
    """name=value; numbers, true, false and JSON lists are read as such.

    Raises:
        UsageError: a word is no pair.
    """
    for word in words:
        name, sign, text = word.partition("=")
        if not sign or not name:
            raise UsageError(
                _("{word} is no pair of name and value.").format(word=word),
                hint=_("Write NAME=VALUE, without blanks around the sign."),
            )
        value: Any = text
        if _NUMBER.fullmatch(text) or text in ("true", "false") or text.startswith("["):
            with suppress(ValueError):  # `[red]` is a name, not a list
                value = json.loads(text)
        yield name, value
