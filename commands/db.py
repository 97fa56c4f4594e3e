"""`storeops db`: the database files of a profile."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import output
from commands.context import current
from commands.diagnostics import note
from commands.options import Yes
from commands.output import Column
from commands.question import confirm
from storeops import paths
from storeops.errors import ConfigError, ConflictError
from storeops.i18n import _

if TYPE_CHECKING:
    from storeops.database.check import Checkup

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
    """Look only; damage ends with exit code 3, but for run.db, which is made anew by itself."""
    found = look_at_all(current().app.profile.name, thorough=thorough)
    rows = {name: _checkup_row(name, each) for name, each in found.items()}
    for name, each in found.items():
        if each.problems and name == "run":
            note(
                _(
                    "{path} is damaged; nothing in it matters, the next command makes it anew."
                ).format(path=each.path)
            )
        elif each.problems:
            raise ConfigError(
                _("The database {path} is damaged: {problem}.").format(
                    path=each.path, problem=each.problems[0]
                ),
                hint=_("Restore a backup; nothing was repaired or rebuilt."),
                next_steps=["storeops db restore FILE"],
                details=rows[name],
            )
        if each.newer:
            raise ConfigError(
                _("The database {path} was written by a newer storeops ({room}: {name}).").format(
                    path=each.path, room=each.newer[0][0], name=each.newer[0][1]
                ),
                hint=_("Install that version or newer; nothing was changed."),
                details=rows[name],
            )
    output.result(
        {**rows["data"], "files": list(rows.values())},
        "\n".join(
            _("{path} is whole ({size}).").format(path=each.path, size=size_text(each.size))
            for each in found.values()
            if each.whole
        ),
    )


def look_at_all(profile: str, *, thorough: bool) -> dict[str, Checkup]:
    """A checkup of data.db, and of inbox.db and run.db where they exist."""
    from storeops.app import DATA_ROOMS, INBOX_ROOMS, RUN_ROOMS, migrations
    from storeops.database.check import check as look

    files = {
        "data": (paths.data_db(profile), DATA_ROOMS),
        "inbox": (paths.inbox_db(profile), INBOX_ROOMS),
        "run": (paths.run_db(profile), RUN_ROOMS),
    }
    return {
        name: look(file, migrations(rooms), thorough=thorough)
        for name, (file, rooms) in files.items()
        if name == "data" or file.exists()
    }


def _checkup_row(name: str, found: Checkup) -> dict[str, Any]:
    return {
        "name": name,
        "path": str(found.path),
        "whole": found.whole,
        "bytes": found.size,
        "problems": list(found.problems),
        "newer": [": ".join(each) for each in found.newer],
        "pending": [": ".join(each) for each in found.pending],
    }


@app.command("backup", help=_("Copy the database as it is now; others may go on working."))
def backup(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help=_("The copy; default: a dated file of the profile.")),
    ] = None,
) -> None:
    """Write the copies 0600 and print their paths: FILE, and FILE.inbox.db when there are events.

    The inbox comes first: an event that the copy of data.db has taken in already is read once
    more after a restore, which changes nothing; the other way round it would be missed.
    """
    from storeops.database.backup import backup as copy
    from storeops.database.backup import refuse_existing
    from storeops.database.check import must_exist

    profile = current().app.profile.name
    target = file or _unused(paths.backups_dir(profile), "data")
    events, inbox = _beside(target), None
    must_exist(paths.data_db(profile))
    for each in (target, events):
        refuse_existing(each)
    if paths.inbox_db(profile).exists():
        inbox = {"path": str(events), "bytes": copy(paths.inbox_db(profile), events)}
    size = copy(paths.data_db(profile), target)
    note(_("It holds customers' names and phone numbers: keep it private."))
    text = _("{path} ({size})").format(path=target, size=size_text(size))
    if inbox:
        text += "\n" + _("{path} ({size})").format(
            path=events, size=size_text(events.stat().st_size)
        )
    output.result({"path": str(target), "bytes": size, "inbox": inbox}, text)


def _beside(file: Path) -> Path:
    """Where the copy of inbox.db lies that belongs to a copy of data.db."""
    return file.with_name(file.name.removesuffix(".db") + ".inbox.db")


@app.command("restore", help=_("Put a backup in place; the present content is kept aside."))
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=_("The backup."))],
    yes: Yes = False,
) -> None:
    """Restore, then mark unfinished jobs unknown: they may have been sent meanwhile."""
    from storeops.app import DATA_ROOMS, migrations
    from storeops.changes.restore import after_restore
    from storeops.database.backup import must_be_usable
    from storeops.database.backup import restore as put_back
    from storeops.jobs.queue import mark_unknown_after_restore
    from storeops.sync.lease import lease_of_file

    app_ = current().app
    profile = app_.profile.name
    if not yes:
        confirm(
            _("Put {path} in the place of the database of {name}?").format(path=file, name=profile)
        )
    keep = _unused(paths.backups_dir(profile), "before-restore")
    must_be_usable(file, migrations(DATA_ROOMS))
    data = paths.data_db(profile)
    with lease_of_file(data) as ours:
        _nobody_at_work(data, ours)
        # the events first: where their copy is damaged, nothing is changed
        inbox = _restore_inbox(profile, _beside(file), _beside(keep))
        done = put_back(data, file, keep, migrations(DATA_ROOMS), mark_unknown_after_restore)
        after_restore(app_.ledger)
    if done.unknown:
        note(
            _("{count} jobs are unknown now; WeCom is asked before any of them is sent.").format(
                count=done.unknown
            )
        )
    if inbox:
        note(_("The events were put back too: {path}.").format(path=inbox))
    output.result(
        {
            "path": str(done.path),
            "source": str(done.source),
            "kept": str(done.kept) if done.kept else None,
            "unknown_jobs": done.unknown,
            "inbox": str(inbox) if inbox else None,
        },
        _("Restored. The content until now is kept in {path}.").format(path=done.kept)
        if done.kept
        else _("Restored."),
    )


def _nobody_at_work(data: Path, no_sync: bool) -> None:
    """Nothing is put in the place of a file that a sync or a worker has in mind.

    Raises:
        ConflictError: one of them is at it; both keep row numbers of the file as it was.
    """
    import sqlite3
    from contextlib import closing, suppress

    from storeops.jobs import lease

    workers = 0
    if data.exists():
        with suppress(sqlite3.Error), closing(sqlite3.connect(data, timeout=15)) as connection:
            workers = lease.alive(connection)  # a damaged file knows of none
    if not no_sync or workers:
        raise ConflictError(
            _("A sync runs now.") if not no_sync else _("A worker carries out plans now."),
            hint=_("Wait for it or end it with Ctrl-C, then restore; nothing was changed."),
        )


def _restore_inbox(profile: str, source: Path, keep: Path) -> Path | None:
    """Put the events back where there are none or damaged ones; events that came since stay."""
    from storeops.app import INBOX_ROOMS, migrations
    from storeops.database.backup import restore as put_back
    from storeops.database.check import check as look

    path, steps = paths.inbox_db(profile), migrations(INBOX_ROOMS)
    if not source.exists() or (path.exists() and not look(path, steps).problems):
        return None
    return put_back(path, source, keep, steps, lambda _database: 0).path


@app.command("vacuum", help=_("Give free pages back to the disk."))
def vacuum() -> None:
    """Rewrite data.db and inbox.db; needs as much free space as they have."""
    from storeops.database.backup import vacuum as shrink

    profile = current().app.profile.name
    before, after = shrink(paths.data_db(profile))
    if paths.inbox_db(profile).exists():
        more = shrink(paths.inbox_db(profile))
        before, after = before + more[0], after + more[1]
    output.result(
        {"bytes_before": before, "bytes_after": after},
        _("{before} before, {after} now.").format(before=size_text(before), after=size_text(after)),
    )


def _unused(folder: Path, stem: str) -> Path:
    """A dated file that does not exist yet."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    names = (f"{stem}-{stamp}{end}.db" for end in ("", *(f"-{n}" for n in range(2, 1000))))
    return next(folder / name for name in names if not (folder / name).exists())
