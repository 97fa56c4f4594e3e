"""`storeops hub host`: a second host of head office, which takes over when the first is gone."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Annotated

import typer

from commands import output
from commands.context import current
from commands.diagnostics import note, warn
from storeops.i18n import _

app = typer.Typer(help=_("Hosts of head office: one leads, the other stands by and takes over."))


@app.command("add", help=_("Make the file with which another host of head office joins."))
def add(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help=_("What the other host is called in messages."))
    ],
    out: Annotated[
        str, typer.Option("--out", metavar="FILE", help=_("Where the file to join with goes."))
    ] = "",
    this: Annotated[
        str,
        typer.Option("--this", metavar="NAME", help=_("What this host is called, the first time.")),
    ] = "",
) -> None:
    """It holds the app's secret and the keys of the hub."""
    from storeops.hub import joining, joining_hosts

    app_ = current().app
    path = Path(out).expanduser() if out else Path(f"{name}.host")
    file = joining_hosts.make(app_.profile, name, this or platform.node() or "head-1")
    joining.save(file, path)
    warn(
        _("{path} holds the app's secret: carry it by a safe way and delete it.").format(path=path)
    )
    note(_("Start `storeops hub serve` here anew, so that this host leads and is copied."))
    note(_("At the other host: `storeops profile join FILE`, then `storeops hub serve`."))
    output.result(
        {"host": name, "file": str(path)},
        _("{path} lets {name} join as a host of head office.").format(path=path, name=name),
    )
