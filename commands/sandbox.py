"""`storeops sandbox`: a WeCom on your desk.

Everything but starting goes over HTTP to the sandbox's control side.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands import cells, output
from commands.context import current
from commands.diagnostics import note
from commands.option_sets import option_sets
from commands.output import Column
from commands.page_options import PageOptions
from commands.sandbox_callback import app as callback_app
from commands.sandbox_callback import last_answer
from commands.sandbox_knobs import (
    Url,
    ask,
    clock_app,
    fault_app,
    must_be_known,
    pairs,
    settings_app,
    token_app,
)
from commands.staying import stays
from storeops import os_errors, paths
from storeops.errors import UsageError
from storeops.i18n import _, plural

if TYPE_CHECKING:
    from storeops.domains.sandbox.sandbox_records import Running

app = typer.Typer(help=_("A WeCom on your desk: start, seed, break, inspect."))
app.add_typer(callback_app, name="callback")
app.add_typer(clock_app, name="clock")
app.add_typer(fault_app, name="fault")
app.add_typer(settings_app, name="settings")
app.add_typer(token_app, name="token")

File = Annotated[str, typer.Argument(metavar="FILE", help=_("A file of a saved state."))]
AfterNumber = Annotated[int, typer.Option("--after", min=0, help=_("Go on after this number."))]


@app.command("up", help=_("Start a sandbox and say where it answers."))
@stays()
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
    from storeops.domains.sandbox import sandbox_process, sandbox_records

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
        known = paths.data_db(profile).exists() and not load
        sandbox_process.make_profile(profile, running)
        if known:
            note(
                _(
                    "A sandbox that stopped keeps nothing: with other options, or on another day, this is another chain than the mirror of {name} knows. `storeops sandbox save FILE` keeps one for --load."  # noqa: E501
                ).format(name=profile)
            )
    if detach:
        _announce(running, profile)
        note(_("Stop it with `{line}`.").format(line=_down_line(running.base_url, profile)))
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
            sandbox_records.forget(running)


def _down_line(base_url: str, profile: str) -> str:
    """The command that stops this sandbox and no other."""
    if profile:
        return f"storeops --profile {profile} sandbox down"
    return f"storeops sandbox down --url {base_url}"


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
    return str(Path(path).expanduser().absolute())


@app.command("list", help=_("Every sandbox of this home and of its profiles."))
@option_sets
def list_(page: PageOptions = PageOptions(limit=500)) -> None:
    """Print which of them answer, for which profile, and how to stop them."""
    from storeops.domains.sandbox.sandbox_process import everyone

    output.paged(
        [
            {**row, "stop": _down_line(row["base_url"], row["profile"]) if row["alive"] else ""}
            for row in everyone()
        ],
        [
            Column("profile", _("Profile")),
            Column("base_url", _("Address")),
            Column("pid", _("Process"), right=True),
            Column("alive", _("Alive")),
            Column("stop", _("Stop it with"), kind="whole"),
        ],
        page=page,
        empty=_("No sandbox is running."),
    )


@app.command("status", help=_("What the sandbox holds."))
def status(url: Url = "") -> None:
    """Print counts, clock and what is blocked."""
    row = ask(url, "GET", "status")
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
    from storeops.domains.sandbox.sandbox_process import locate

    return locate(url, current().settings.profile)


@app.command("down", help=_("Stop the sandbox."))
def down(url: Url = "") -> None:
    """Stop it and wait until it has ended."""
    from storeops.domains.sandbox.sandbox_process import stop

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
    from storeops.domains.sandbox.sandbox_control import SLOW

    row = ask(url, "POST", "reset", shape, SLOW)
    output.result(row, _("A new chain: {staff}, {follows}.").format(**_sizes(row["counts"])))


def _sizes(counts: Mapping[str, int]) -> dict[str, str]:
    return {
        "staff": plural("{count} staff member", "{count} staff members", counts["staff"]),
        "follows": plural("{count} follow", "{count} follows", counts["follows"]),
    }


@contextmanager
def _file_errors(sentence: str, file: str) -> Iterator[None]:
    """A file that cannot be read or written, in one sentence."""
    try:
        yield
    except OSError as error:
        raise UsageError(sentence.format(path=file, reason=os_errors.reason(error))) from error


@app.command("save", help=_("Save the chain to a file."))
def save(file: File, url: Url = "") -> None:
    """Write the state: a private file, replaced whole."""
    from storeops.domains.sandbox.sandbox_control import save

    path = _absolute(file)
    with _file_errors(_("The file {path} cannot be written: {reason}."), file):
        size = save(_address(url), Path(path))
    output.result(
        {"path": path, "bytes": size},
        _("Saved to {path}, {size} bytes.").format(path=file, size=size),
    )


@app.command("load", help=_("Take the chain from a file."))
def load_(file: File, url: Url = "") -> None:
    """Read a state: tokens, cursors, faults and counts go."""
    from storeops.domains.sandbox.sandbox_control import load

    with _file_errors(_("The file {path} cannot be read: {reason}."), file):
        row = load(_address(url), Path(_absolute(file)))
    output.result(row, _("Loaded: {staff}, {follows}.").format(**_sizes(row["counts"])))


@app.command("calls", help=_("What was called, how often, how many at once, with what answers."))
def calls(
    reset: Annotated[bool, typer.Option("--reset", help=_("Count anew afterwards."))] = False,
    url: Url = "",
) -> None:
    """Print one row per path."""
    row = ask(url, "GET", "calls")
    if reset:
        ask(url, "POST", "calls/reset")
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


@app.command("inbox", help=_("What arrived at groups and people: the messages that were sent."))
def inbox(
    after: AfterNumber = 0,
    clear: Annotated[bool, typer.Option("--clear", help=_("Empty it afterwards."))] = False,
    url: Url = "",
) -> None:
    """Print one row a message."""
    row = ask(url, "GET", f"inbox?after={after}")
    if clear:
        ask(url, "DELETE", "inbox")
    items = [
        {"at": cells.iso(each["at"]), "to": each["to"], "kind": each["kind"], "body": each["body"]}
        for each in row["items"]
        if not each["recalled"]
    ]
    output.items(
        items,
        [
            Column("at", _("When"), show=cells.when),
            Column("to", _("Target"), max_width=20),
            Column("kind", _("Kind")),
            Column("body", _("Text"), max_width=60),
        ],
        empty=_("Nothing has arrived yet."),
    )


@app.command("robot", help=_("Put a robot into a group; prints its webhook address."))
def robot(
    name: Annotated[str, typer.Argument(metavar="NAME", help=_("The name of the group."))],
    url: Url = "",
) -> None:
    """Made when there is none; the address is what `notify robot add` asks for."""
    from storeops.domains.sandbox.sandbox_process import locate

    made = ask(url, "POST", "robots", {"name": name})
    where = locate(url, current().settings.profile)
    address = f"{where}/cgi-bin/webhook/send?key={made['key']}"
    output.result({"name": made["name"], "webhook": address}, address)


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
    acts = ask(url, "GET", "act")["acts"]
    if not name:
        output.items(
            [{**row, "meaning": _(row["meaning"])} for row in acts],
            [Column("act", _("Act of a person")), Column("meaning", _("Meaning"))],
        )
        return
    must_be_known(
        name, [row["act"] for row in acts], _("The sandbox has no act {name}.").format(name=name),
        "storeops sandbox act",
    )  # fmt: skip
    row = ask(url, "POST", "act", {"act": name, **dict(pairs(values or []))})
    output.result(row, json.dumps(row, ensure_ascii=False, indent=2))


@app.command("events", help=_("What WeCom calls back about, and whether it got through."))
def events(
    after: AfterNumber = 0,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help=_("At most so many."))] = 50,
    url: Url = "",
) -> None:
    """Print the queue of events."""
    row = ask(url, "GET", f"events?after={after}&limit={limit}")
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
            Column("delivery", _("Delivery"), show=_delivery),
            Column("attempts", _("Answer"), show=last_answer, max_width=28),
        ],
        has_more=last < row["total"],
        next_=str(last) if last < row["total"] else None,
        known_fields=("userid", "external_userid", "delivery", "attempts"),
        empty=_("Nothing has happened yet."),
    )


def _delivery(state: str) -> str:
    words = {
        "waiting": _("on its way"),
        "answered": _("answered"),
        "failed": _("given up"),
        "dropped": _("never sent"),
    }
    return words.get(state, state)


@app.command("export", help=_("The true rows: follows, customers, staff, departments, tags …"))
def export(
    table: Annotated[str, typer.Argument(metavar="TABLE", help=_("Which rows."))], url: Url = ""
) -> None:
    """Print them as one JSON object per line; --json and --csv work too."""
    from storeops.domains.sandbox.sandbox_control import export as rows

    if not current().settings.machine:
        current().set(format="ndjson")
    output.items(rows(_address(url), table), [])
