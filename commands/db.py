"""`storeops db`: the database files of a profile."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from commands import output
from commands.context import current
from commands.diagnostics import note
from commands.options import Yes
from commands.output import Column
from commands.question import confirm
from storeops import paths
from storeops.errors import ConfigError
from storeops.i18n import _

app = typer.Typer(help=_("Database files: path, check, backup, restore, vacuum."))


def size_text(value: int) -> str:
    """Bytes for people: 1.4 MB."""
    amount = float(value)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


@app.command("path", help=_("Print where data.db lies; with --all every file."))
def path(
    all_: Annotated[bool, typer.Option("--all", help=_("Every file of the profile."))] = False,
) -> None:
    """Print one path alone, or a table."""
    profile = current().app.profile.name
    data = paths.data_db(profile)
    if not all_:
        output.result({"path": str(data)}, str(data))
        return
    from storeops.database.check import file_size

    what = {
        "data": (data, _("mirror, ledger, notebook")),
        "run": (paths.run_db(profile), _("limits, token; disposable")),
        "inbox": (paths.inbox_db(profile), _("events as they came in")),
    }
    rows = [
        {"name": name, "path": str(file), "bytes": file_size(file), "holds": holds}
        for name, (file, holds) in what.items()
        if file.exists()
    ]
    output.items(
        rows,
        [
            Column("name", _("File")),
            Column("path", _("Path")),
            Column("bytes", _("Size"), show=size_text, right=True),
            Column("holds", _("Holds")),
        ],
        empty=_("There is no file yet; `storeops sync run` makes them."),
    )


@app.command("check", help=_("Read the database through and say whether it is whole."))
def check(
    thorough: Annotated[
        bool, typer.Option("--thorough", help=_("Compare indexes with their tables too."))
    ] = False,
) -> None:
    """Look only; damage ends with exit code 3."""
    from storeops.app import DATA_ROOMS, migrations
    from storeops.database.check import check as look

    file = paths.data_db(current().app.profile.name)
    found = look(file, migrations(DATA_ROOMS), thorough=thorough)
    row: dict[str, Any] = {
        "path": str(file),
        "whole": found.whole,
        "bytes": found.size,
        "problems": list(found.problems),
        "newer": [": ".join(each) for each in found.newer],
        "pending": [": ".join(each) for each in found.pending],
    }
    if found.problems:
        raise ConfigError(
            _("The database {path} is damaged: {problem}.").format(
                path=file, problem=found.problems[0]
            ),
            hint=_("Restore a backup; nothing was repaired or rebuilt."),
            next_steps=["storeops db restore FILE"],
            details=row,
        )
    if found.newer:
        raise ConfigError(
            _("The database {path} was written by a newer storeops ({room}: {name}).").format(
                path=file, room=found.newer[0][0], name=found.newer[0][1]
            ),
            hint=_("Install that version or newer; nothing was changed."),
            details=row,
        )
    output.result(row, _("{path} is whole ({size}).").format(path=file, size=size_text(found.size)))


@app.command("backup", help=_("Copy the database as it is now; others may go on working."))
def backup(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help=_("The copy; default: a dated file of the profile.")),
    ] = None,
) -> None:
    """Write the copy 0600 and print its path."""
    from storeops.database.backup import backup as copy

    profile = current().app.profile.name
    target = file or _unused(paths.backups_dir(profile), "data")
    size = copy(paths.data_db(profile), target)
    note(_("It holds customers' names and phone numbers: keep it private."))
    output.result(
        {"path": str(target), "bytes": size},
        _("{path} ({size})").format(path=target, size=size_text(size)),
    )


@app.command("restore", help=_("Put a backup in place; the present content is kept aside."))
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=_("The backup."))],
    yes: Yes = False,
) -> None:
    """Restore, then mark unfinished jobs unknown: they may have been sent meanwhile."""
    from storeops.app import DATA_ROOMS, migrations
    from storeops.changes.restore import after_restore
    from storeops.database.backup import restore as put_back
    from storeops.jobs.queue import mark_unknown_after_restore

    app_ = current().app
    profile = app_.profile.name
    if not yes:
        confirm(
            _("Put {path} in the place of the database of {name}?").format(path=file, name=profile)
        )
    done = put_back(
        paths.data_db(profile),
        file,
        _unused(paths.backups_dir(profile), "before-restore"),
        migrations(DATA_ROOMS),
        mark_unknown_after_restore,
    )
    after_restore(app_.ledger)
    if done.unknown:
        note(
            _("{count} jobs are unknown now; WeCom is asked before any of them is sent.").format(
                count=done.unknown
            )
        )
    output.result(
        {
            "path": str(done.path),
            "source": str(done.source),
            "kept": str(done.kept) if done.kept else None,
            "unknown_jobs": done.unknown,
        },
        _("Restored. The content until now is kept in {path}.").format(path=done.kept)
        if done.kept
        else _("Restored."),
    )


@app.command("vacuum", help=_("Give free pages back to the disk."))
def vacuum() -> None:
    """Rewrite the file; needs as much free space as it has."""
    from storeops.database.backup import vacuum as shrink

    before, after = shrink(paths.data_db(current().app.profile.name))
    output.result(
        {"bytes_before": before, "bytes_after": after},
        _("{before} before, {after} now.").format(before=size_text(before), after=size_text(after)),
    )


def _unused(folder: Path, stem: str) -> Path:
    """A dated file that does not exist yet."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    names = (f"{stem}-{stamp}{end}.db" for end in ("", *(f"-{n}" for n in range(2, 1000))))
    return next(folder / name for name in names if not (folder / name).exists())
