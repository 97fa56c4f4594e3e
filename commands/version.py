"""`storeops version`: the versions in use."""

from __future__ import annotations

import platform
import sqlite3

import typer

from commands import output
from commands.output import Column
from storeops import __version__
from storeops.i18n import _

app = typer.Typer(help=_("The versions in use."))
PACKAGES = ("typer", "rich", "textual", "httpx", "sqlite-utils", "msgspec")


@app.command("version", help=_("The versions of storeops, Python, SQLite and its libraries."))
def version() -> None:
    """Print the versions."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as package_version  # 12 ms

    row: dict[str, str] = {
        "storeops": __version__,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": f"{platform.system()} {platform.release()}",
    }
    for name in PACKAGES:
        try:
            row[name] = package_version(name)
        except PackageNotFoundError:
            row[name] = _("not installed")
    output.item(row, [Column(name, name) for name in row])
