"""storeops tui: open the full-screen interface over a profile."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from commands.context import current
from storeops.errors import UsageError
from storeops.i18n import _

app = typer.Typer(help=_("Open the full-screen interface."))

SCREENS = ("today", "customers", "staff", "stores", "tags", "groups", "sync", "sandbox")


@app.command(
    "tui",
    help=_("Open the full-screen interface: customers, shops, tags, sync, at any size."),
)
def tui(
    screen: Annotated[
        str, typer.Option("--screen", help=_("The screen to begin with, for example customers."))
    ] = "today",
    where: Annotated[
        str, typer.Option("--where", "-w", help=_("Begin with the customers of this filter."))
    ] = "",
) -> None:
    """Open the screens and stay until the person leaves."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            _("The full-screen interface needs a terminal."),
            hint=_("In scripts use the commands: `storeops --help` lists them."),
            next_steps=["storeops customer list --json"],
        )
    call = current()
    core = call.app
    core.data  # noqa: B018 - a damaged database is explained here, not in full screen
    from tui.app import StoreOpsApp  # textual costs 170 ms

    screens = StoreOpsApp(core, start="customers" if where else screen, wish=where)
    screens.run()
    if screens.crash is not None:
        raise screens.crash
