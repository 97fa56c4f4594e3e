"""storeops tui: open the full-screen interface over a profile."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from commands.context import current
from commands.staying import stays
from storeops.errors import UsageError
from storeops.i18n import _

app = typer.Typer(help=_("Open the full-screen interface."))


@app.command(
    "tui",
    help=_("Open the full-screen interface: customers, shops, tags, sync, at any size."),
)
@stays()
def tui(
    screen: Annotated[
        str, typer.Option("--screen", help=_("The screen to begin with, for example customers."))
    ] = "",
    where: Annotated[
        str, typer.Option("--where", "-w", help=_("Begin with the customers of this filter."))
    ] = "",
) -> None:
    """Open the screens and stay until the person leaves.

    Raises:
        UsageError: no such screen, a filter for another screen, no terminal.
    """
    call = current()
    core = call.app
    from storeops.app import App
    from tui.app import StoreOpsApp  # textual costs 170 ms

    start = screen or ("customers" if where else "today")
    _check(start, where, StoreOpsApp.screens(sandbox=core.profile.sandbox))
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            _("The full-screen interface needs a terminal."),
            hint=_("In scripts use the commands: `storeops --help` lists them."),
            next_steps=["storeops customer list --json"],
        )
    core.data  # noqa: B018 - a damaged database is explained here, not in full screen
    screens = StoreOpsApp(core, start=start, target=where)
    screens.run()
    while screens.next_profile and screens.crash is None:
        core = App.open(screens.next_profile, readonly=core.readonly, as_name=core.as_name)
        try:
            core.data  # noqa: B018 - as above
            screens = StoreOpsApp(core)
            screens.run()
        finally:
            core.close()
    if screens.crash is not None:
        raise screens.crash


def _check(start: str, where: str, names: list[str]) -> None:
    """Raise UsageError unless `start` is one of the screens, and the filter belongs to it."""
    if start not in names:
        raise UsageError(
            _("This profile has no screen called {name!r}.").format(name=start),
            hint=_("The screens are: {names}.").format(names=_(", ").join(names)),
        )
    if where and start != "customers":
        raise UsageError(
            _("--where filters customers; it does not go with --screen {name}.").format(name=start),
            hint=_("Leave --screen out, or take it with customers."),
        )
