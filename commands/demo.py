"""`storeops demo`: everything once, on a sandbox: start, sync, count, and what to try next."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from commands import cells, output, table
from commands.context import current
from commands.diagnostics import note
from commands.options import Yes
from commands.output import Column
from commands.progress import bars
from commands.question import confirm
from commands.staying import stays
from storeops.durations import span
from storeops.errors import PartialError
from storeops.i18n import N_, _, plural

if TYPE_CHECKING:
    from collections.abc import Iterable

    from storeops.domain import DemoStep
    from storeops.domains.sandbox.demo import DemoCount, Sights, Started

app = typer.Typer(help=_("Try everything on a sandbox with an invented chain."))

TITLES = {
    "departments": N_("departments and shops"),
    "staff": N_("staff"),
    "customers": N_("customers"),
    "follows": N_("follows"),
    "unassigned": N_("unassigned"),
    "tags": N_("corp tags"),
    "groups": N_("group chats"),
}


MADE = {
    "note": N_("notes"),
    "view": N_("views"),
    "mark": N_("marks"),
    "plan": N_("plans"),
    "shop": N_("shop codes"),
    "journal": N_("lines of the journal"),
    "unreadable": N_("a database that cannot be read"),
}


@app.command(
    "demo",
    help=_(
        "Start a sandbox with an invented chain, make the profile `demo` for it, sync it with "
        "progress bars, compare every count, and suggest what to try. No account, no network."
    ),
)
@stays()
def demo(
    tui: Annotated[
        bool, typer.Option("--tui/--no-tui", help=_("Open the screens at the end, on a terminal."))
    ] = True,
    stop: Annotated[bool, typer.Option("--stop", help=_("Stop the sandbox at the end."))] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help=_("Begin anew although a demo is still running."))
    ] = False,
    weeks: Annotated[
        int,
        typer.Option(
            "--weeks",
            min=0,
            max=12,
            help=_("Weeks of the chain's life before today; 0 for a chain without a past."),
        ),
    ] = 3,
    dairy: Annotated[
        bool,
        typer.Option(
            "--dairy",
            help=_("Also a dairy: suppliers, lots from farm to till, stock, sales, one bad tank."),
        ),
    ] = False,
    yes: Yes = False,
) -> None:
    """Exit code 0 when mirror and sandbox agree in every count."""
    from commands.sync import finish
    from commands.syncing import sync_with_bars
    from storeops.domains.sandbox import demo as chain
    from storeops.domains.sandbox import sandbox_process

    call = current()
    call.set(profile=chain.PROFILE)
    made = chain.made_by_hand() if fresh else {}
    if made and not yes:
        confirm(
            _("This deletes what was made in the demo ({what}). Begin anew?").format(
                what=_(", ").join(f"{_(MADE[each])} {count}" for each, count in made.items())
            )
        )
    started = chain.start(fresh=fresh, weeks=weeks)
    address = started.running.base_url
    note(
        _("A sandbox with an invented chain answers at {address}.").format(address=address)
        if started.fresh
        else _("The sandbox of an earlier demo is still there, at {address}.").format(
            address=address
        )
    )
    if started.kept:
        note(
            _("Notes, marks, plans and journal of the earlier demo are kept; --fresh begins anew.")
        )
    if started.weeks:
        _play_weeks(started)
    with call.interruptible("storeops demo") as interrupted, bars() as shown:
        result = sync_with_bars(call.app, shown, stop=interrupted)
    if result.outcome != "complete":
        finish(result)
    counts = chain.counts(call.app.data, address)
    sights = chain.sights(call.app.data)
    more = [(each.command, _(each.what)) for each in (_furnish() if started.weeks else ())]
    steps = named(_dairy() if dairy else []) + next_steps(sights, more)
    calls = sum(each.calls for each in result.scopes)
    _show(counts, sights, steps, calls, (result.finished_at or 0) - result.started_at, address)
    wrong = [each for each in counts if not each.equal]
    if stop:
        sandbox_process.stop(address)
        note(_("The sandbox has stopped; the mirror stays: every reading command still works."))
    else:
        note(
            _("The sandbox goes on running. Stop it with: {command}").format(
                command=f"{program()} sandbox down --profile demo"
            )
        )
    if wrong:
        raise PartialError(
            _("Mirror and sandbox differ in {what}.").format(
                what=_(", ").join(_(TITLES[each.what]) for each in wrong)
            ),
            hint=_("The chain began anew and the mirror did not: `storeops demo --fresh`.")
            if started.kept
            else _("If somebody changed the sandbox meanwhile, run the demo again."),
        )
    if tui and not stop and not call.settings.machine and _on_terminal():
        from commands.tui import tui as screens

        screens()


def _play_weeks(started: Started) -> None:
    """Let the weeks before today pass; the mirror is synced on some of their days."""
    from storeops.domains.sandbox import demo_history
    from storeops.sync.run import run_sync

    call = current()
    app_ = call.app
    with call.interruptible("storeops demo --fresh") as stop, bars() as shown:

        def sync() -> None:
            run_sync(app_, stop=stop)

        def show_progress(days: int, of: int) -> None:
            shown.show("weeks", _("the days before today"), done=days, total=of)

        demo_history.reassign_first_leavers(started.running.base_url)
        sync()
        demo_history.play(
            demo_history.DemoPorts(
                started.running.base_url, app_.data, sync, app_.clock.learn, show_progress
            ),
            started.weeks,
        )


def _furnish() -> list[DemoStep]:
    """What domains know beside WeCom: purchases, what is due, whose sale it was."""
    from storeops.app import App
    from storeops.domains.sandbox import demo as chain

    app_ = App.open(chain.PROFILE, as_name=chain.INVENTOR)
    try:
        return chain.furnish(app_)
    finally:
        app_.close()


def program() -> str:
    """How to call storeops here: by name when it is on the PATH, else by where it lies."""
    if shutil.which("storeops"):
        return "storeops"
    from pathlib import Path

    script = Path(sys.executable).with_name("storeops")
    try:
        return str(script.relative_to(Path.cwd()))
    except ValueError:
        return str(script)


def _dairy() -> list[tuple[str, str]]:
    """Take the dairy in; what to try on it."""
    from commands import dairy

    with bars() as shown:
        files = dairy.take_in(
            current().app,
            lambda done, of: shown.show("dairy", _("the dairy"), done=done, total=of),
        )
    if files is None:
        note(_("The dairy of an earlier demo is kept; --fresh begins anew."))
        return []
    note(_("The dairy's files lie in {folder}.").format(folder=files.folder))
    return dairy.next_steps(files)


def named(steps: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """(command line, what it shows) of words behind storeops, for the demo's profile."""
    from storeops import config

    profile = "" if config.load().profile == "demo" else " --profile demo"
    return [(f"{program()} {words}{profile}", what) for words, what in steps]


def next_steps(sights: Sights, more: Iterable[tuple[str, str]] = ()) -> list[tuple[str, str]]:
    """(command line, what it shows); every one of them works as printed.

    Args:
        sights: of the chain.
        more: (words behind storeops, what they show) of what domains invented.
    """
    store = f"store:{sights.store[0]}"
    return named(
        [
            (f"customer search {sights.surname}", _("customers by one character, or pinyin")),
            (
                f'customer list --where "{store} has:phone"',
                _("customers of {store} with a phone").format(store=sights.store[1]),
            ),
            ("stats --by store", _("customers per shop")),
            ("unassigned list", _("customers whom leavers left behind")),
            *more,
            ("status", _("how fresh the mirror is, and the limits")),
            ("tui", _("the full-screen interface")),
        ]
    )


def _show(
    counts: list[DemoCount],
    sights: Sights,
    steps: list[tuple[str, str]],
    calls: int,
    seconds: float,
    address: str,
) -> None:
    if current().settings.machine:
        output.result(
            {
                "profile": "demo",
                "base_url": address,
                "counts": [
                    {
                        "what": each.what,
                        "mirror": each.mirror,
                        "sandbox": each.sandbox,
                        "equal": each.equal,
                    }
                    for each in counts
                ],
                "shared": sights.shared,
                "untagged": sights.untagged,
                "leavers": sights.leavers,
                "calls": calls,
                "next_steps": [command for command, _what in steps],
            }
        )
        return
    output.items(
        [
            {
                "what": _(TITLES[each.what]),
                "mirror": each.mirror,
                "sandbox": each.sandbox,
                "equal": each.equal,
            }
            for each in counts
        ],
        [
            Column("what", _("Found")),
            Column("mirror", _("Mirror"), show=cells.amount, right=True),
            Column("sandbox", _("Sandbox"), show=cells.amount, right=True),
            Column("equal", _("Equal")),
        ],
    )
    output.line("")
    output.line(
        plural(
            "Read with {count} call in {time}.",
            "Read with {count} calls in {time}.",
            calls,
            time=span(seconds),
        )
    )
    output.line(
        _("{shared}, {untagged}, and {leavers}.").format(
            shared=plural(
                "{count} customer has more than one owner",
                "{count} customers have more than one owner",
                sights.shared,
            ),
            untagged=plural("{count} has no tag", "{count} have no tag", sights.untagged),
            leavers=plural(
                "{count} staff member left customers behind",
                "{count} staff members left customers behind",
                sights.leavers,
            ),
        )
    )
    output.line("")
    output.heading(_("Try next:"))
    for command, what in steps:
        output.write(f"  {command}\n      {table.dim(what)}\n")
    output.line("")
    sys.stdout.flush()


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()
