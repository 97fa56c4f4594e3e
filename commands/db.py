"""`storeops db`: the database files of a profile."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import output
from commands.context import current
from commands.diagnostics import note
from commands.option_sets import option_sets
from commands.options import Yes
from commands.output import Column
from commands.page_options import PageOptions
from commands.question import confirm
from storeops import paths, times
from storeops.errors import ConfigError, ConflictError, NotFoundError, UsageError
from storeops.i18n import _, ngettext, plural

if TYPE_CHECKING:
    from storeops.changes.restore import RestoredLedger
    from storeops.database.check import Checkup
    from storeops.database.database import Database
    from storeops.database.rotation import Rotation
    from storeops.operations.erasure import ErasedAgain

app = typer.Typer(help=_("Database files: check, back up, restore, prune, query."))


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
    from storeops.database.database import file_size

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
    """Look only. Damage ends with exit code 3, but for run.db, which is made anew by itself; what
    hinders looking (a lock, a mode) says so, and is no damage."""
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
            raise _damage(each, rows[name])
        if each.newer:
            raise ConfigError(
                _("The database {path} was written by a newer storeops ({room}: {name}).").format(
                    path=each.path, room=each.newer[0][0], name=each.newer[0][1]
                ),
                hint=_("Install that version or newer; nothing was changed."),
                details=rows[name],
            )
        if each.stuck is not None:
            current().app.notify_read_only(each.path, each.stuck, unseen=each.unseen)
    output.result(
        {**rows["data"], "files": list(rows.values())},
        "\n".join(
            _("{path} is whole ({size}).").format(path=each.path, size=size_text(each.size))
            for each in found.values()
            if each.whole
        ),
    )


def _damage(found: Checkup, row: dict[str, Any]) -> ConfigError:
    from storeops.database.backup import restore_command
    from storeops.database.trouble import Trouble

    folder = paths.backups_path(current().app.profile.name)
    message = {
        Trouble.NO_DATABASE: _("{path} is not a database: {problem}."),
        Trouble.INCOMPLETE: _("The database {path} is incomplete: {problem}."),
    }.get(found.kind or Trouble.DAMAGED, _("The database {path} is damaged: {problem}."))
    return ConfigError(
        message.format(path=found.path, problem=found.problems[0]),
        hint=_("Restore a backup; nothing was repaired or rebuilt."),
        next_steps=[restore_command(folder)],
        details={**row, "reason": (found.kind or Trouble.DAMAGED).value},
    )


def look_at_all(profile: str, *, thorough: bool) -> dict[str, Checkup]:
    """A checkup of data.db, and of inbox.db and run.db where they exist."""
    from storeops.app import DATA_ROOMS, INBOX_ROOMS, RUN_ROOMS, migrations
    from storeops.database.check import check as look
    from storeops.database.database import file_size
    from storeops.database.lost import must_not_be_lost

    for each in (paths.data_db(profile), paths.inbox_db(profile)):
        must_not_be_lost(each, current().app.traces(each))
    files = {
        "data": (paths.data_db(profile), DATA_ROOMS),
        "inbox": (paths.inbox_db(profile), INBOX_ROOMS),
        "run": (paths.run_db(profile), RUN_ROOMS),
    }
    return {
        name: look(file, migrations(rooms), thorough=thorough)
        for name, (file, rooms) in files.items()
        if name == "data" or file_size(file)
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
        "writable": found.stuck is None,
    }


@app.command("backup", help=_("Copy the database as it is now; others may go on working."))
def backup(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help=_("The copy; default: a dated file of the profile.")),
    ] = None,
    keep: Annotated[
        str,
        typer.Option(
            "--keep",
            metavar="RULE",
            help=_("Then remove older dated copies: 7d,4w keeps one for each of 7 days, 4 weeks."),
        ),
    ] = "",
) -> None:
    """Write the copies 0600 and print their paths: FILE, and FILE.inbox.db when there are events.

    The inbox comes first: an event that the copy of data.db has taken in already is read once
    more after a restore, which changes nothing; the other way round it would be missed.
    """
    from storeops.app import DATA_ROOMS, INBOX_ROOMS, migrations
    from storeops.database.backup import backup as copy
    from storeops.database.backup import inbox_beside, refuse_existing
    from storeops.database.check import must_exist
    from storeops.database.database import file_size
    from storeops.database.lost import must_not_be_lost
    from storeops.database.rotation import rotate

    rule = _rotation(keep, file)
    profile = current().app.profile.name
    target = file or _unused(paths.backups_dir(profile), "data")
    events, inbox = inbox_beside(target), None
    must_not_be_lost(paths.data_db(profile), current().app.traces(paths.data_db(profile)))
    must_exist(paths.data_db(profile))
    for each in (target, events):
        refuse_existing(each)
    if file_size(paths.inbox_db(profile)):
        rooms = migrations(INBOX_ROOMS)
        inbox = {"path": str(events), "bytes": copy(paths.inbox_db(profile), events, rooms)}
    try:
        size = copy(paths.data_db(profile), target, migrations(DATA_ROOMS))
    except BaseException:  # no half of a pair stays
        if inbox:
            events.unlink(missing_ok=True)
        raise
    note(_("It holds customers' names and phone numbers: keep it private."))
    text = _("{path} ({size})").format(path=target, size=size_text(size))
    if inbox:
        text += "\n" + _("{path} ({size})").format(
            path=events, size=size_text(events.stat().st_size)
        )
    removed = rotate(target.parent, rule) if rule else []
    if removed:
        text += "\n" + ngettext(
            "{count} older backup was removed.", "{count} older backups were removed.", len(removed)
        ).format(count=len(removed))
    output.done({"path": str(target), "bytes": size, "inbox": inbox, "removed": removed}, text)


def _rotation(keep: str, file: Path | None) -> Rotation:
    """The rule of `--keep`.

    Raises:
        UsageError: it is none, or the copy has a name of its own.
    """
    from storeops.database.rotation import rotation

    if keep and file is not None:
        raise UsageError(
            _("--keep is for the dated copies of the profile."),
            hint=_("Leave FILE out, or --keep."),
        )
    return rotation(keep) if keep else ()


@app.command("verify-backup", help=_("Restore a backup aside and look at it; nothing is changed."))
def verify_backup(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help=_("The backup; default: the newest one.")),
    ] = None,
) -> None:
    """A drill: the copy is read through, brought up to date and opened, then taken away."""
    from storeops.app import DATA_ROOMS, INBOX_ROOMS, migrations
    from storeops.changes.loss import head
    from storeops.database.backup import (
        find_backup,
        inbox_beside,
        must_be_usable,
        newest_backup,
        rehearse,
    )
    from storeops.reading.directory import follows_by_status

    app_ = current().app
    folder = paths.backups_path(app_.profile.name)
    chosen = find_backup(folder, file) if file else newest_backup(folder)
    if chosen is None:
        raise NotFoundError(
            _("There is no backup in {path}.").format(path=folder),
            hint=_("Make one: storeops db backup"),
            next_steps=["storeops db backup"],
        )

    def look(copy: Database) -> dict[str, Any]:
        follows = sum(follows_by_status(copy).values())
        return {"follows": follows, "journal_lines": head(copy.connection)[0]}

    seen = rehearse(chosen, migrations(DATA_ROOMS), look)
    inbox = inbox_beside(chosen)
    if inbox.exists():
        must_be_usable(inbox, migrations(INBOX_ROOMS))
    made = chosen.stat()
    output.done(
        {
            "path": str(chosen),
            "restorable": True,
            "bytes": made.st_size,
            "made_at": times.iso(made.st_mtime),
            "inbox": str(inbox) if inbox.exists() else None,
            **seen,
        },
        _("{path} can be restored: {follows}, {lines}, made {time}.").format(
            path=chosen,
            follows=plural("{count} follow", "{count} follows", seen["follows"]),
            lines=plural("{count} journal line", "{count} journal lines", seen["journal_lines"]),
            time=times.minute(made.st_mtime),
        ),
    )


@app.command("restore", help=_("Put a backup in place; the present content is kept aside."))
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=_("The backup."))],
    yes: Yes = False,
) -> None:
    """Hold what was not finished, cancel plans that were not applied, then put the copy in place.

    Both may have been done, and undone, since the backup was made.
    """
    from storeops.app import DATA_ROOMS, migrations
    from storeops.changes.restore import make_safe
    from storeops.database.backup import find_backup, inbox_beside, must_be_usable
    from storeops.database.backup import restore as put_back
    from storeops.database.database import file_size
    from storeops.operations.erasure import erase_again
    from storeops.sync.lease import lease_of_file

    app_ = current().app
    profile = app_.profile.name
    file = find_backup(paths.backups_path(profile), file)
    must_be_usable(file, migrations(DATA_ROOMS))
    if not yes:
        confirm(
            _("Put {path} in the place of the database of {name}?").format(path=file, name=profile)
        )
    keep = _unused(paths.backups_dir(profile), "before-restore")
    data = paths.data_db(profile)
    with lease_of_file(data) as ours:
        _nobody_at_work(data, ours)
        with app_.alone():
            # the events first: where their copy is damaged, nothing is changed
            inbox = _restore_inbox(profile, inbox_beside(file), inbox_beside(keep))
            present = data if file_size(data) else None

            def prepare(copy: Database) -> tuple[RestoredLedger, ErasedAgain]:
                ledger = app_.ledger_over(copy)
                safe = make_safe(ledger, present)
                return safe, erase_again(ledger, safe.backup_count)

            done = put_back(data, file, keep, migrations(DATA_ROOMS), prepare)
            app_.ledger.journal.seal(app_.data, app_.clock.now())
    safe, erased = done.marked
    held, cancelled = safe.held, safe.cancelled
    if held:
        note(
            ngettext(
                "{count} call of {plans} was not finished and is held: it may have been made, or undone, since.",  # noqa: E501
                "{count} calls of {plans} were not finished and are held: they may have been made, or undone, since.",  # noqa: E501
                sum(held.values()),
            ).format(count=sum(held.values()), plans=_names(held))
        )
        note(
            _("Go on with one (WeCom is asked first): {resume}; give it up: {cancel}.").format(
                resume=f"storeops plan resume {next(iter(held))}",
                cancel=f"storeops plan cancel {next(iter(held))}",
            )
        )
    if cancelled:
        note(
            ngettext(
                "{count} plan that was not applied is cancelled: {plans}.",
                "{count} plans that were not applied are cancelled: {plans}.",
                len(cancelled),
            ).format(count=len(cancelled), plans=_names(cancelled))
        )
    _note_erased(erased)
    if inbox:
        note(_("The events were put back too: {path}.").format(path=inbox))
    output.result(
        {
            "path": str(done.path),
            "source": str(done.source),
            "kept": str(done.kept) if done.kept else None,
            "unknown_jobs": sum(held.values()),
            "held": held,
            "cancelled": list(cancelled),
            "erased_again": erased.people,
            "still_to_erase": list(erased.open),
            "inbox": str(inbox) if inbox else None,
        },
        _("Restored. The content until now is kept in {path}.").format(path=done.kept)
        if done.kept
        else _("Restored."),
    )


def _note_erased(erased: ErasedAgain) -> None:
    """What became of people who were erased since the backup was made."""
    if erased.people:
        note(
            ngettext(
                "{count} person who was erased since the backup was erased from it, too.",
                "{count} people who were erased since the backup were erased from it, too.",
                erased.people,
            ).format(count=erased.people)
        )
    for person, plan in erased.open.items():
        note(
            _(
                "Still to be erased again, for plan {plan} holds work with them: storeops plan"
                " cancel {plan}; storeops audit erase {person}"
            ).format(plan=plan, person=person)
        )
    if erased.unknown:
        note(
            ngettext(
                "Of {count} erasure since the backup nobody can tell whose it was: erase again with storeops audit erase ID.",  # noqa: E501
                "Of {count} erasures since the backup nobody can tell whose they were: erase again with storeops audit erase ID.",  # noqa: E501
                erased.unknown,
            ).format(count=erased.unknown)
        )


def _names(plans: Collection[str], most: int = 5) -> str:
    shown = _(", ").join(list(plans)[:most])
    return shown if len(plans) <= most else f"{shown} …"


@app.command("new", help=_("Begin with an empty database where the old one is lost."))
def new(yes: Yes = False) -> None:
    """Only where data.db (or inbox.db) is missing or empty; the journal notes the loss."""
    from storeops.database.database import file_size
    from storeops.database.lost import forget_made, traces_left

    app_ = current().app
    profile = app_.profile.name
    lost = [
        file
        for file in (paths.data_db(profile), paths.inbox_db(profile))
        if not file_size(file) and traces_left(file, app_.traces(file))
    ]
    if not lost:
        raise ConflictError(
            _("The database {path} is not lost; nothing was changed.").format(
                path=paths.data_db(profile)
            ),
            hint=_("`storeops db check` says how it is."),
            next_steps=["storeops db check"],
        )
    if not yes:
        confirm(
            _(
                "Begin with an empty {path}? Notes, plans and jobs that it held are not there."
            ).format(path=_(", ").join(map(str, lost)))
        )
    for file in lost:
        forget_made(file)
    made = app_.begin_anew(lost)
    output.result(
        {"made": [str(each) for each in made]},
        _("{path} is new and empty. Next: storeops sync run").format(
            path=_(", ").join(map(str, made))
        ),
    )


def _nobody_at_work(data: Path, no_sync: bool) -> None:
    """Nothing is put in the place of a file that a sync or a worker has in mind.

    Raises:
        ConflictError: one of them is at it; both keep row numbers of the file as it was.
    """
    import sqlite3
    from contextlib import closing

    from storeops.changes.jobs import lease
    from storeops.database.database import connect_readonly, file_size
    from storeops.database.trouble import DAMAGE, describe, trouble

    workers = 0
    if file_size(data):
        try:
            with closing(connect_readonly(data)) as one:
                workers = lease.alive(one)
        except sqlite3.Error as error:
            kind = trouble(error, data)
            if kind not in DAMAGE:  # a damaged file knows of none
                raise describe(kind, data, str(error)) from error
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


@app.command(
    "prune", help=_("Take out finished plans, jobs, events and journal lines that are old.")
)
def prune(
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="TIME", help=_("Like 180d; 90d at least."))
    ] = "180d",
    dry_run: Annotated[bool, typer.Option("--dry-run", help=_("Say what would go."))] = False,
    yes: Yes = False,
) -> None:
    """The journal notes what went, and `audit verify` still proves the rest."""
    from storeops.changes import pruning
    from storeops.database.database import file_size
    from storeops.durations import seconds
    from storeops.events.inbox import Inbox

    app_ = current().app
    age = seconds(older_than)
    inbox = Inbox(app_.inbox) if file_size(paths.inbox_db(app_.profile.name)) else None
    found = pruning.look(app_.ledger, inbox, age)
    text = _("{plans} with {rows} and {jobs}, {events}, {lines}; {kept}.").format(
        plans=plural("{count} plan", "{count} plans", found.plans),
        rows=plural("{count} row", "{count} rows", found.rows),
        jobs=plural("{count} job", "{count} jobs", found.jobs),
        events=plural("{count} event", "{count} events", found.events),
        lines=plural("{count} journal line", "{count} journal lines", found.lines),
        kept=plural(
            "{count} old plan stays (not finished, not restored, or undone by one that stays)",
            "{count} old plans stay (not finished, not restored, or undone by one that stays)",
            found.kept,
        ),
    )
    empty = not (found.plans or found.events or found.lines)
    if not dry_run and not empty:
        if not yes:
            note(text)
            confirm(_("Take this out for good?"))
        found = pruning.prune(app_.ledger, inbox, age)
        text += "\n" + _("Taken out. `storeops db vacuum` gives the space back to the disk.")
    output.result({**found.as_dict(), "dry_run": dry_run}, text)


@app.command("query", help=_("Read with SQL: raw data, phone numbers in full; nothing is changed."))
@option_sets
def query(
    sql: Annotated[
        str,
        typer.Argument(
            metavar="SQL", help=_("One SELECT, WITH, EXPLAIN or telling PRAGMA; - reads a pipe.")
        ),
    ],
    database: Annotated[
        str, typer.Option("--database", metavar="NAME", help=_("data, inbox or run."))
    ] = "data",
    timeout: Annotated[
        str, typer.Option("--timeout", metavar="TIME", help=_("It is ended after so long."))
    ] = "10s",
    page: PageOptions = PageOptions(limit=100),
) -> None:
    """For administrators: nothing is masked, and tables may change with every version. The access
    token is not read. --after asks again: say ORDER BY where pages must fit together."""
    import sys

    from storeops.database.adhoc import adhoc
    from storeops.durations import seconds
    from storeops.limits.tokens import SECRET

    app_ = current().app
    if database not in ("data", "inbox", "run"):
        raise UsageError(
            _("There is no database {name}.").format(name=database),
            hint=_("Known: {names}.").format(names="data, inbox, run"),
        )
    opened: Database = getattr(app_, database)  # made, brought up to date, owned by this profile
    with adhoc(
        opened.path,
        sys.stdin.read() if sql == "-" else sql,
        seconds=seconds(timeout),
        secret=SECRET,
    ) as found:
        output.paged(
            (dict(zip(found.names, row, strict=True)) for row in found.rows),
            [Column(name, name) for name in found.names],
            page=page,
            empty=_("No row."),
        )


def _unused(folder: Path, stem: str) -> Path:
    """A dated file that does not exist yet."""
    stamp = times.stamp(time.time())
    names = (f"{stem}-{stamp}{end}.db" for end in ("", *(f"-{n}" for n in range(2, 1000))))
    return next(folder / name for name in names if not (folder / name).exists())
