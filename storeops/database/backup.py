"""Copies of a database that are whole at one moment, and the way back to one."""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import sqlite3
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from storeops.database.check import broken_log, check, must_exist
from storeops.database.database import Database, file_size, open_database, uri
from storeops.database.migrations import Migration
from storeops.database.trouble import describe, explain, trouble
from storeops.errors import ConfigError, ConflictError, NotFoundError
from storeops.i18n import _
from storeops.os_errors import Refusal, explain_os, explain_refusal
from storeops.private_file import Scratch, scratch

PAGES_A_STEP = 4096  # 16 MB: others get a turn in between
_LOCK_BYTES = (0x4000_0000, 512)  # where SQLite locks a file, for any page size

OnPages = Callable[[int, int], None]  # (pages done, pages in all)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Restored(Generic[T]):
    """What a restore did.

    Attributes:
        path: the database.
        source: the backup it came from.
        kept: where the present content was kept, None when there was none to keep.
        marked: what `prepare` said about the copy.
    """

    path: Path
    source: Path
    kept: Path | None
    marked: T


def backup(
    path: Path,
    target: Path,
    migrations: Sequence[Migration] | None = None,
    on_pages: OnPages | None = None,
) -> int:
    """Copy a live database to `target` (0600), as it is at one moment; others may go on writing.

    The copy is read through before it gets its name: what has it is whole.

    Args:
        path: the database.
        target: the copy; must not exist.
        migrations: what this version knows, to tell what is missing; None looks at pages only.
        on_pages: told how far it is.

    Returns:
        Bytes of the copy.

    Raises:
        NotFoundError: there is no database.
        ConfigError: the target exists, cannot be written, or the database is damaged.
        ConflictError: another process holds the database alone.
    """
    must_exist(path)
    refuse_existing(target)
    if broken := broken_log(path):
        raise _damaged(path, broken)
    try:
        with scratch(target) as part:
            _copy(path, part, on_pages)
            _must_be_whole(path, part.path, migrations)
            part.put(over=False)
        return target.stat().st_size
    except FileExistsError:
        refuse_existing(target)
        raise
    except OSError as error:
        raise explain_os(error, target) or error from error


def newest_backup(folder: Path) -> Path | None:
    """The newest copy of a data.db in a folder of backups, as the time of its file says."""
    try:
        made = [each for each in folder.glob("data-*.db") if not each.name.endswith(".inbox.db")]
        return max(made, key=lambda each: each.stat().st_mtime, default=None)
    except OSError:
        return None


def find_backup(folder: Path, file: Path) -> Path:
    """The backup that was named: a path, or a name in a folder of backups.

    Raises:
        NotFoundError: there is no such backup; names the newest one.
    """
    own = folder / file.name
    with contextlib.suppress(OSError):  # what hinders looking is told by who opens it
        if file.exists():
            return file
        if file.parent == Path() and own.is_file():
            return own
        if newest := newest_backup(folder):
            raise NotFoundError(
                _("There is no backup {path}.").format(path=file),
                hint=_("The newest one is {path}.").format(path=newest),
                next_steps=[restore_command(folder)],
            )
    return file


def restore_command(folder: Path) -> str:
    """The command that restores, with the newest backup of a folder if there is one."""
    newest = newest_backup(folder)
    return f"storeops db restore {shlex.quote(str(newest)) if newest else 'FILE'}"


def inbox_beside(file: Path) -> Path:
    """Where the copy of inbox.db lies that belongs to a copy of data.db."""
    return file.with_name(file.name.removesuffix(".db") + ".inbox.db")


def refuse_existing(target: Path) -> None:
    """A copy is never written over another file.

    Raises:
        ConfigError: there is one.
    """
    try:
        there = os.path.lexists(target)
    except OSError as error:
        raise explain_os(error, target) or error from error
    if there:
        raise ConfigError(
            _("{path} exists already.").format(path=target),
            hint=_("Choose another name; nothing was overwritten."),
        )


def _must_be_whole(path: Path, copy: Path, migrations: Sequence[Migration] | None) -> None:
    """Read a copy through, indexes included.

    Raises:
        ConfigError: it is damaged, and so is what it was made of.
    """
    found = check(copy, migrations or (), thorough=True)
    if found.problems:
        raise _damaged(path, found.problems[0])


def _damaged(path: Path, problem: str) -> ConfigError:
    return ConfigError(
        _("The database {path} is damaged: {problem}.").format(path=path, problem=problem),
        hint=_("No backup was made. Restore an earlier one; nothing was repaired or rebuilt."),
        next_steps=["storeops db check --thorough", "storeops db restore FILE"],
        details={"reason": "damaged"},
    )


def _copy(source: Path, part: Scratch, on_pages: OnPages | None) -> None:
    """Copy a database into a scratch, as it is at one moment.

    Raises:
        ConfigError, ConflictError: it cannot be read, or the copy not written.
    """

    def progress(status: int, remaining: int, total: int) -> None:
        if on_pages is not None:
            on_pages(total - remaining, total)

    with contextlib.closing(_reader(source)) as database:
        try:
            reader = database.connection
        except sqlite3.Error as error:
            raise explain(error, source) from error
        # nobody else knows the scratch: no locks on it
        writer = sqlite3.connect(f"{uri(part.path)}?nolock=1", uri=True)
        try:
            # one read transaction: the copy is of one moment, however long it takes
            reader.execute("BEGIN")
            reader.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
            writer.execute("PRAGMA journal_mode = MEMORY")
            reader.backup(writer, pages=PAGES_A_STEP, progress=progress)
        except sqlite3.Error as error:
            if _about_target(error):
                raise describe(trouble(error, part.path), part.target, str(error)) from error
            raise explain(error, source) from error
        finally:
            writer.close()
        # a copy is one file: no log beside it is waited for (bytes 18 and 19 of the header)
        part.file.seek(18)
        if part.file.read(2) == b"\2\2":
            part.file.seek(18)
            part.file.write(b"\1\1")
            part.file.flush()


def _about_target(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY)


def _reader(source: Path) -> Database:
    """A database that is read, also from a disk that is full or read-only."""
    database = open_database(source, None)
    if database.unseen:
        wal = source.with_name(source.name + "-wal")
        database.close()
        raise ConfigError(
            _("{path} cannot be copied: what {wal} holds could not be read along.").format(
                path=source, wal=wal
            ),
            hint=_("Copy both files to another disk, and make the backup there."),
            details={"reason": (database.stuck or Refusal.DISK).value},
        )
    return database


def restore(
    path: Path,
    source: Path,
    keep: Path,
    migrations: Sequence[Migration],
    prepare: Callable[[Database], T],
    on_pages: OnPages | None = None,
) -> Restored[T]:
    """Put a backup in the place of the present content, which is kept aside.

    The backup is copied, brought up to date and prepared beside its place first; only then is
    anything changed, in one step: a kill leaves the old content or the prepared one.

    Args:
        path: the database; may be damaged or missing.
        source: the backup.
        keep: where to keep the present content.
        migrations: what this version knows; an older backup is brought up to date.
        prepare: makes the copy safe (unfinished jobs) before anybody can use it.
        on_pages: told how far it is.

    Raises:
        NotFoundError: there is no such backup.
        ConfigError: the backup is damaged or from a newer storeops, or the present file or the
            disk cannot be used; nothing was changed.
        ConflictError: another process holds the present file; nothing was changed.
    """
    must_be_usable(source, migrations)
    try:
        healthy = _healthy(path, migrations)
        with scratch(path) as part:
            _copy(source, part, on_pages)
            marked = _prepared(part.path, migrations, prepare)
            if healthy:
                backup(path, keep, migrations)
                # through SQLite, so that processes which have it open see the change whole
                _overwrite(part.path, path, on_pages)
                kept: Path | None = keep
            else:
                kept = _move_aside(path, keep)
                part.put()
    except sqlite3.Error as error:
        raise explain(error, path) from error
    except OSError as error:
        raise explain_os(error, path) or error from error
    return Restored(path, source, kept, marked)


def _prepared(copy: Path, migrations: Sequence[Migration], prepare: Callable[[Database], T]) -> T:
    database = open_database(copy, migrations)
    try:
        marked = prepare(database)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        database.close()
    return marked


def rehearse(source: Path, migrations: Sequence[Migration], look: Callable[[Database], T]) -> T:
    """Restore a backup beside itself, look at it, and take it away again.

    Args:
        source: the backup.
        migrations: what this version knows; an older backup is brought up to date.
        look: reads the restored copy.

    Raises:
        NotFoundError: there is no such backup.
        ConfigError: it cannot be restored; says why.
    """
    must_be_usable(source, migrations)
    try:
        with scratch(source) as part:
            _copy(source, part, None)
            return _prepared(part.path, migrations, look)
    except sqlite3.Error as error:
        raise explain(error, source) from error
    except OSError as error:
        raise explain_os(error, source) or error from error


def must_be_usable(source: Path, migrations: Sequence[Migration]) -> None:
    """Read a backup through before anything is changed.

    Raises:
        NotFoundError: there is no such backup.
        ConfigError: it is damaged, or from a newer storeops, or cannot be read.
    """
    try:
        there = source.is_file()
    except OSError as error:
        raise explain_os(error, source) or error from error
    if not there:
        raise NotFoundError(
            _("There is no backup {path}.").format(path=source),
            hint=_("`storeops db backup` says where it puts them."),
        )
    found = check(source, migrations, thorough=True)
    if not found.whole:
        if found.problems:
            why = found.problems[0]
        else:
            why = _("a newer storeops wrote it ({step})").format(step=": ".join(found.newer[0]))
        raise ConfigError(
            _("The backup {path} cannot be used: {why}.").format(path=source, why=why),
            hint=_("Nothing was changed. Use another backup, or a newer storeops."),
        )


def _healthy(path: Path, migrations: Sequence[Migration]) -> bool:
    """Whether there is content that a copy keeps; False when it is damaged or there is none.

    Raises:
        ConflictError: another process holds it: it may be quite well.
        ConfigError: it cannot be read, or nothing can be written there.
    """
    if not os.path.lexists(path):
        return False
    found = check(path, migrations, thorough=True)
    if found.stuck is not None:
        raise explain_refusal(found.stuck, path)
    if found.problems and _held(path):
        raise ConflictError(
            _("The database {path} is held by another process.").format(path=path),
            hint=_("End the programs that use it, then restore; nothing was changed."),
        )
    return not found.problems


def _held(path: Path) -> bool:
    """Whether another process has a file open with SQLite; what is damaged cannot be asked."""
    if sys.platform != "win32":  # there a file that is open cannot be renamed
        import fcntl

        with contextlib.suppress(FileNotFoundError), path.open("r+b") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, _LOCK_BYTES[1], _LOCK_BYTES[0])
            except OSError as error:
                if error.errno in (errno.EACCES, errno.EAGAIN):
                    return True
                raise
    return False


def _move_aside(path: Path, keep: Path) -> Path | None:
    """Keep a damaged file with its log; its name is free afterwards. None when there is none."""
    kept = None
    for end in ("-shm", "-wal", ""):
        part = path.with_name(path.name + end)
        if os.path.lexists(part):
            part.replace(keep.with_name(keep.name + end))
            kept = keep
    return kept


def _overwrite(source: Path, path: Path, on_pages: OnPages | None) -> None:
    def progress(status: int, remaining: int, total: int) -> None:
        if on_pages is not None:
            on_pages(total - remaining, total)

    with (
        contextlib.closing(sqlite3.connect(source)) as reader,
        contextlib.closing(sqlite3.connect(path, timeout=15)) as writer,
    ):
        reader.backup(writer, pages=-1, progress=progress)
        writer.execute("PRAGMA journal_mode = WAL")


def vacuum(path: Path) -> tuple[int, int]:
    """Give free pages back to the disk; returns bytes before and after.

    Raises:
        NotFoundError: there is no database.
        ConfigError: the disk has no room for the copy that this needs, or the file is damaged.
        ConflictError: another process is writing.
    """
    must_exist(path)
    before = file_size(path)
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=15, isolation_level=None)) as each:
            each.execute("VACUUM")
            each.execute("PRAGMA optimize")
            each.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise explain(error, path) from error
    return before, file_size(path)
