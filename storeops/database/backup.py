"""Copies of a database that are whole at one moment, and the way back to one."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from storeops.database.check import check, file_size, must_exist
from storeops.database.database import Database, explain, open_database
from storeops.database.migrations import Migration
from storeops.errors import ConfigError, NotFoundError
from storeops.i18n import _

PAGES_A_STEP = 4096  # 16 MB: others get a turn in between

OnPages = Callable[[int, int], None]  # (pages done, pages in all)


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did.

    Attributes:
        path: the database.
        source: the backup it came from.
        kept: where the present content was kept, None when there was none to keep.
        unknown: unfinished jobs that are unknown now.
    """

    path: Path
    source: Path
    kept: Path | None
    unknown: int


def backup(path: Path, target: Path, on_pages: OnPages | None = None) -> int:
    """Copy a live database to `target` (0600), as it is at one moment; others may go on writing.

    Args:
        path: the database.
        target: the copy; must not exist.
        on_pages: told how far it is.

    Returns:
        Bytes of the copy.

    Raises:
        NotFoundError: there is no database.
        ConfigError: the target exists, cannot be written, or the database is damaged.
    """
    must_exist(path)
    refuse_existing(target)
    scratch = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        _copy(path, scratch, on_pages)
        scratch.replace(target)
    except sqlite3.Error as error:
        raise explain(error, path) from error
    except OSError as error:
        raise ConfigError(
            _("{path} cannot be written: {text}.").format(path=target, text=error.strerror),
            hint=_("Check the folder, its mode and the free space."),
        ) from error
    finally:
        scratch.unlink(missing_ok=True)
    return target.stat().st_size


def refuse_existing(target: Path) -> None:
    """A copy is never written over another file.

    Raises:
        ConfigError: there is one.
    """
    if target.exists():
        raise ConfigError(
            _("{path} exists already.").format(path=target),
            hint=_("Choose another name; nothing was overwritten."),
        )


def _copy(source: Path, target: Path, on_pages: OnPages | None) -> None:
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))

    def progress(status: int, remaining: int, total: int) -> None:
        if on_pages is not None:
            on_pages(total - remaining, total)

    with (
        contextlib.closing(sqlite3.connect(source, timeout=15)) as reader,
        contextlib.closing(sqlite3.connect(target)) as writer,
    ):
        # one read transaction: the copy is of one moment, however long it takes
        reader.execute("BEGIN")
        reader.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        reader.backup(writer, pages=PAGES_A_STEP, progress=progress)
        writer.execute("PRAGMA journal_mode = DELETE")


def restore(
    path: Path,
    source: Path,
    keep: Path,
    migrations: Sequence[Migration],
    after: Callable[[Database], int],
    on_pages: OnPages | None = None,
) -> Restored:
    """Put a backup in the place of the present content, which is kept aside.

    Args:
        path: the database; may be damaged or missing.
        source: the backup.
        keep: where to keep the present content.
        migrations: what this version knows; an older backup is brought up to date.
        after: run on the restored database; marks unfinished jobs unknown and returns how many.
        on_pages: told how far it is.

    Raises:
        NotFoundError: there is no such backup.
        ConfigError: the backup is damaged or from a newer storeops; nothing was changed.
    """
    must_be_usable(source, migrations)
    kept = _set_aside(path, keep, migrations)
    try:
        if path.exists():
            # through SQLite, so that processes which have it open see the change whole
            _overwrite(source, path, on_pages)
        else:
            _copy(source, path, on_pages)
    except sqlite3.Error as error:
        raise explain(error, path) from error
    database = open_database(path, migrations)
    try:
        unknown = after(database)
    finally:
        database.close()
    return Restored(path, source, kept, unknown)


def must_be_usable(source: Path, migrations: Sequence[Migration]) -> None:
    """Read a backup through before anything is changed.

    Raises:
        NotFoundError: there is no such backup.
        ConfigError: it is damaged, or from a newer storeops.
    """
    if not source.is_file():
        raise NotFoundError(
            _("There is no backup {path}.").format(path=source),
            hint=_("`storeops db backup` says where it puts them."),
        )
    found = check(source, migrations)
    if not found.whole:
        if found.problems:
            why = found.problems[0]
        else:
            why = _("a newer storeops wrote it ({step})").format(step=": ".join(found.newer[0]))
        raise ConfigError(
            _("The backup {path} cannot be used: {why}.").format(path=source, why=why),
            hint=_("Nothing was changed. Use another backup, or a newer storeops."),
        )


def _set_aside(path: Path, keep: Path, migrations: Sequence[Migration]) -> Path | None:
    """Keep the present content: a copy when it is whole, the files themselves when damaged."""
    if not path.exists():
        return None
    if not check(path, migrations).problems:
        backup(path, keep)
        return keep
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.replace(keep.with_name(keep.name + suffix))
    return keep


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
