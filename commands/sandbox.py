"""`storeops sandbox`: a WeCom on your desk.

Everything but starting goes over HTTP to the sandbox's control side.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import cells, output
from commands.context import current
from commands.diagnostics import note
from commands.output import Column
from storeops.errors import UsageError
from storeops.i18n import _

if TYPE_CHECKING:
    from storeops.operations.sandbox_process import Running

app = typer.Typer(help=_("A WeCom on your desk: start, seed, break, inspect."))
clock_app = typer.Typer(help=_("The sandbox's clock."))
fault_app = typer.Typer(help=_("Faults on demand: which calls go wrong, and how."))
settings_app = typer.Typer(help=_("The sandbox's rules."))
token_app = typer.Typer(help=_("End access tokens early."))
app.add_typer(clock_app, name="clock")
app.add_typer(fault_app, name="fault")
app.add_typer(settings_app, name="settings")
app.add_typer(token_app, name="token")

Url = Annotated[
    str,
    typer.Option("--url", metavar="URL", help=_("Which sandbox, when several run.")),
]
File = Annotated[str, typer.Argument(metavar="FILE", help=_("A file of a saved state."))]
_SLOW_S = 300.0  # a reset, save or load of a million follows


def _ask(
    url: str, method: str, path: str, data: dict[str, Any] | None = None, timeout: float = 10.0
) -> dict[str, Any]:
    """One control call to the sandbox that is meant."""
    from storeops.operations.sandbox_control import control
    from storeops.operations.sandbox_process import locate

    return control(locate(url, current().settings.profile), method, path, data, timeout)


@app.command("up", help=_("Start a sandbox and say where it answers."))
def up(
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help=_("Its port; 0 picks a free one."))
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", help=_("Same seed and day, same chain."))] = 7,
    stores: Annotated[int, typer.Option("--stores", min=1, help=_("Shops of the chain."))] = 24,
    staff: Annotated[int, typer.Option("--staff", min=2, help=_("Members of the chain."))] = 120,
    follows: Annotated[
        int, typer.Option("--follows", min=0, help=_("Relations of members to customers."))
    ] = 5000,
    latency: Annotated[
        int, typer.Option("--latency", min=0, metavar="MS", help=_("Time every call takes."))
    ] = 0,
    profile: Annotated[
        str, typer.Option("--profile", "-p", metavar="NAME", help=_("Make this profile for it."))
    ] = "",
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help=_("Leave it running and come back."))
    ] = False,
    load: Annotated[
        str, typer.Option("--load", metavar="FILE", help=_("Begin with a saved state."))
    ] = "",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help=_("A rule, as `settings set` takes it.")),
    ] = None,
) -> None:
    """Start it, wait until it answers, and stay with it unless detached."""
    from storeops.operations import sandbox_process

    profile = profile or current().settings.profile
    if profile:
        port = port or _free_again(sandbox_process.profile_port(profile))
    arguments = [f"--port={port}", f"--seed={seed}", f"--stores={stores}", f"--staff={staff}"]
    arguments += [f"--follows={follows}", f"--latency={latency}"]
    arguments += [f"--set={each}" for each in settings or ()]
    if load:
        arguments.append(f"--load={_absolute(load)}")
    running, process = sandbox_process.start(arguments, detach=detach)
    if profile:
        sandbox_process.make_profile(profile, running)
    if detach:
        _announce(running, profile)
        note(_("Stop it with `storeops sandbox down`."))
        return
    with current().interruptible(stop=threading.Event()) as stop:  # needs no profile
        try:
            _announce(running, profile)
            note(_("Ctrl-C stops it."))
            while process.poll() is None and not stop.wait(0.2):
                pass
        finally:
            if process.stdin is not None:
                process.stdin.close()  # the sandbox ends with its stdin
            process.wait(timeout=20)
            if process.stdout is not None:
                process.stdout.close()
            sandbox_process.forget(running.base_url)


def _announce(running: Running, profile: str) -> None:
    """Say where it answers: one line of JSON for programs."""
    if current().settings.machine:
        output.write(cells.json_text(asdict(running)) + "\n")
    else:
        output.line(_("The sandbox answers at {address}.").format(address=running.base_url))
        output.line(
            _("Corp {corp_id}, app {agent_id}.").format(
                corp_id=running.corp_id, agent_id=running.agent_id
            )
        )
    sys.stdout.flush()
    if profile:
        note(_("Next: `storeops --profile {name} sync run`.").format(name=profile))


def _free_again(port: int) -> int:
    """The profile's old port, or any free one when somebody else has it."""
    import socket

    if not port:
        return 0
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return 0
    return port


def _absolute(path: str) -> str:
    from pathlib import Path

    return str(Path(path).expanduser().resolve())


@app.command("status", help=_("What the sandbox holds."))
def status(url: Url = "") -> None:
    """Print counts, clock and what is blocked."""
    row = _ask(url, "GET", "status")
    output.item(
        {"base_url": _address(url), **row},
        [
            Column("base_url", _("Address")),
            Column("name", _("Chain")),
            Column("corp_id", _("Corp")),
            Column("agent_id", _("App")),
            Column("pid", _("Process")),
            Column("now", _("Clock"), show=cells.when),
            Column("counts.departments", _("Departments"), show=cells.amount),
            Column("counts.staff", _("Staff"), show=cells.amount),
            Column("counts.customers", _("Customers"), show=cells.amount),
            Column("counts.follows", _("Follows"), show=cells.amount),
            Column("counts.unassigned", _("Unassigned"), show=cells.amount),
            Column("counts.tags", _("Tags"), show=cells.amount),
            Column("counts.groups", _("Group chats"), show=cells.amount),
            Column("counts.events", _("Events"), show=cells.amount),
            Column("faults", _("Faults"), show=cells.amount),
        ],
    )


def _address(url: str) -> str:
    from storeops.operations.sandbox_process import locate

    return locate(url, current().settings.profile)


@app.command("down", help=_("Stop the sandbox."))
def down(url: Url = "") -> None:
    """Stop it and wait until it has ended."""
    from storeops.operations.sandbox_process import stop

    address = _address(url)
    pid = stop(address)
    output.result(
        {"base_url": address, "pid": pid, "stopped": True},
        _("The sandbox at {address} has stopped.").format(address=address),
    )


@app.command("reset", help=_("Invent a new chain; what is not given stays as it was."))
def reset(
    seed: Annotated[int | None, typer.Option("--seed", help=_("Another chain."))] = None,
    stores: Annotated[int | None, typer.Option("--stores", min=1, help=_("Shops."))] = None,
    staff: Annotated[int | None, typer.Option("--staff", min=2, help=_("Members."))] = None,
    follows: Annotated[int | None, typer.Option("--follows", min=0, help=_("Follows."))] = None,
    url: Url = "",
) -> None:
    """Seed anew: tokens, cursors, faults and counts go."""
    given = {"seed": seed, "stores": stores, "staff": staff, "follows": follows}
    shape = {name: value for name, value in given.items() if value is not None}
    row = _ask(url, "POST", "reset", shape, _SLOW_S)
    text = _("A new chain: {staff} members, {follows} follows.")
    counts = row["counts"]
    output.result(row, text.format(staff=counts["staff"], follows=counts["follows"]))


@app.command("save", help=_("Save the chain to a file."))
def save(file: File, url: Url = "") -> None:
    """Write the state."""
    row = _ask(url, "POST", "save", {"path": _absolute(file)}, _SLOW_S)
    output.result(row, _("Saved to {path}, {size} bytes.").format(path=file, size=row["bytes"]))


@app.command("load", help=_("Take the chain from a file."))
def load_(file: File, url: Url = "") -> None:
    """Read a state: tokens, cursors, faults and counts go."""
    row = _ask(url, "POST", "load", {"path": _absolute(file)}, _SLOW_S)
    text = _("Loaded: {staff} members, {follows} follows.")
    counts = row["counts"]
    output.result(row, text.format(staff=counts["staff"], follows=counts["follows"]))


@clock_app.command("show", help=_("Show the sandbox's time."))
def clock_show(url: Url = "") -> None:
    """Print the time."""
    row = _ask(url, "GET", "clock")
    output.result(row, cells.when(row["now"]))


@clock_app.command("advance", help=_("Move the clock forward: 90s, 30m, 24h, 7d."))
def clock_advance(
    by: Annotated[str, typer.Argument(metavar="DURATION", help=_("How far."))], url: Url = ""
) -> None:
    """Move the time."""
    from storeops.durations import seconds

    row = _ask(url, "POST", "clock", {"advance_s": seconds(by)})
    output.result(row, _("It is {time} now.").format(time=cells.when(row["now"])))


@fault_app.command("add", help=_("Let calls go wrong."))
def fault_add(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help=_(
                "errcode, status, timeout, cut, truncate, truncated_json, invalid, slow, "
                "duplicate, short, reorder, token, token_expired or lost."
            ),
        ),
    ],
    path: Annotated[
        str, typer.Option("--path", metavar="GLOB", help=_("Calls like externalcontact/*."))
    ] = "*",
    errcode: Annotated[int | None, typer.Option("--errcode", help=_("For errcode."))] = None,
    status_code: Annotated[int | None, typer.Option("--status", help=_("For status."))] = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", help=_("For timeout and slow."))
    ] = None,
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
        "seed": seed,
    }
    row = _ask(url, "POST", "faults", {k: v for k, v in given.items() if v is not None})
    output.result(row, _("Fault {id} is in force.").format(id=row["id"]))


@fault_app.command("list", help=_("List the faults in force."))
def fault_list(url: Url = "") -> None:
    """Print the rules with what they did so far."""
    output.items(
        _ask(url, "GET", "faults")["faults"],
        [
            Column("id", _("Fault"), right=True),
            Column("kind", _("Kind")),
            Column("path", _("Calls")),
            Column("match", _("Body holds")),
            Column("rate", _("Rate"), right=True),
            Column("first", _("First calls"), right=True),
            Column("nth", _("Nth call"), right=True),
            Column("hit", _("Struck"), right=True),
            Column("seen", _("Seen"), right=True),
        ],
        empty=_("No fault is in force."),
    )


@fault_app.command("clear", help=_("Remove one fault, or all."))
def fault_clear(
    fault: Annotated[int | None, typer.Argument(metavar="[ID]", help=_("Which one."))] = None,
    url: Url = "",
) -> None:
    """Remove rules."""
    row = _ask(url, "DELETE", "faults" if fault is None else f"faults/{fault}")
    output.result(row, _("Faults removed: {count}.").format(count=row["cleared"]))


@app.command("calls", help=_("What was called, how often, how many at once, with what answers."))
def calls(
    reset: Annotated[bool, typer.Option("--reset", help=_("Count anew afterwards."))] = False,
    url: Url = "",
) -> None:
    """Print one row per path."""
    row = _ask(url, "GET", "calls")
    if reset:
        _ask(url, "POST", "calls/reset")
    rows = [{"path": path, **count} for path, count in row["paths"].items()]
    output.items(
        rows,
        [
            Column("path", _("Path")),
            Column("calls", _("Calls"), show=cells.amount, right=True),
            Column("in_flight", _("In flight"), right=True),
            Column("max_in_flight", _("At most"), right=True),
            Column("errcodes", _("Answers"), show=_outcomes),
        ],
        extra={"total": row["total"]},
        empty=_("Nothing was called yet."),
    )


def _outcomes(counts: dict[str, int]) -> str:
    return "  ".join(f"{code} ×{count}" for code, count in counts.items())


@settings_app.command("list", help=_("List the rules and their values."))
def settings_list(url: Url = "") -> None:
    """Print them all."""
    values = _ask(url, "GET", "settings")
    output.items(
        [{"name": name, "value": value} for name, value in values.items()],
        [Column("name", _("Rule")), Column("value", _("Value"), show=_value_text)],
    )


def _value_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@settings_app.command("set", help=_("Change rules: name=value …"))
def settings_set(
    values: Annotated[list[str], typer.Argument(metavar="NAME=VALUE …", help=_("Rules."))],
    url: Url = "",
) -> None:
    """Change them for all calls from now on."""
    given = dict(_pairs(values))
    row = _ask(url, "PATCH", "settings", given)
    text = ", ".join(f"{name} = {_value_text(row[name])}" for name in given)
    output.result({name: row[name] for name in given}, text)


@token_app.command("expire", help=_("Tokens expire: 42001 until a new one is fetched."))
def token_expire(url: Url = "") -> None:
    """End them."""
    row = _ask(url, "POST", "token/expire")
    output.result(row, _("Tokens ended: {count}.").format(count=row["expired"]))


@token_app.command("kill", help=_("Tokens become unknown: 40014 until a new one is fetched."))
def token_kill(url: Url = "") -> None:
    """Forget them."""
    row = _ask(url, "POST", "token/kill")
    output.result(row, _("Tokens ended: {count}.").format(count=row["killed"]))


@app.command("act", help=_("Do what a person would do in the client or the admin console."))
def act(
    name: Annotated[
        str, typer.Argument(metavar="[ACT]", help=_("Which act; without one, list them."))
    ] = "",
    values: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE …]", help=_("About what."))
    ] = None,
    url: Url = "",
) -> None:
    """Perform one act, or list what there is."""
    if not name:
        output.items(
            _ask(url, "GET", "act")["acts"],
            [Column("act", _("Act of a person")), Column("meaning", _("Meaning"))],
        )
        return
    row = _ask(url, "POST", "act", {"act": name, **dict(_pairs(values or []))})
    output.result(row, json.dumps(row, ensure_ascii=False, indent=2))


_NUMBER = re.compile(r"-?(0|[1-9]\d{0,17})")


def _pairs(words: list[str]) -> Iterator[tuple[str, Any]]:
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


@app.command("events", help=_("What WeCom would have called back about."))
def events(
    after: Annotated[int, typer.Option("--after", min=0, help=_("Go on after this number."))] = 0,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help=_("At most so many."))] = 50,
    url: Url = "",
) -> None:
    """Print the queue of events."""
    row = _ask(url, "GET", f"events?after={after}&limit={limit}")
    found = row["events"]
    last = found[-1]["seq"] if found else after
    output.items(
        found,
        [
            Column("seq", _("No."), right=True),
            Column("create_time", _("When"), show=cells.when),
            Column("event", _("Event")),
            Column("change_type", _("Change")),
            Column("userid", _("Member")),
            Column("external_userid", _("Customer")),
        ],
        has_more=last < row["total"],
        next_=str(last) if last < row["total"] else None,
        known_fields=("userid", "external_userid"),
        empty=_("Nothing has happened yet."),
    )


@app.command("export", help=_("The true rows: follows, customers, staff, departments, tags …"))
def export(
    table: Annotated[str, typer.Argument(metavar="TABLE", help=_("Which rows."))], url: Url = ""
) -> None:
    """Print them as one JSON object per line; --json and --csv work too."""
    from storeops.operations import sandbox_process

    if not current().settings.machine:
        current().set(format="ndjson")
    output.items(sandbox_process.export(_address(url), table), [])
