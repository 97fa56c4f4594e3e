"""Bring a file to the newest schema, one process at a time.

A room declares its tables as an ordered tuple of `Migration`; sqlite-utils keeps the record of
what was applied. `PRAGMA user_version` holds a digest of their names, so that an up-to-date file
is recognised without importing sqlite-utils (86 ms).
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storeops.errors import ConfigError, StoreOpsError
from storeops.i18n import _
from storeops.spared_imports import spared

GUARD = "guard_"  # name of triggers that refuse writing; who wants them makes them anew afterwards


class RoomError(ConfigError):
    """The tables of one room cannot be made, or are of a newer version.

    Args:
        room: the room.
        message: one sentence.
        hint: what to do.
    """

    def __init__(self, room: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.room = room


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of a room's schema; never edited once released.

    Attributes:
        room: the room that owns the tables.
        name: m###_intent, unique within the room.
        apply: runs the statements on an open connection inside a transaction.
    """

    room: str
    name: str
    apply: Callable[[sqlite3.Connection], None]


def statements(room: str, name: str, sql: str) -> Migration:
    """A migration made of plain SQL statements; each ends with a semicolon at a line's end."""

    def apply(connection: sqlite3.Connection) -> None:
        statement = ""
        for line in sql.splitlines(keepends=True):
            statement += line
            if sqlite3.complete_statement(statement):  # not inside a trigger
                connection.execute(statement)
                statement = ""
        if statement.strip():
            connection.execute(statement)

    return Migration(room, name, apply)


def is_current(connection: sqlite3.Connection, migrations: Sequence[Migration] | None) -> bool:
    """Whether these migrations were the last that the file was brought up to.

    None asks only whether it opens. Reads only.
    """
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return migrations is None or version == _digest(migrations)


def _digest(migrations: Sequence[Migration]) -> int:
    """Their names in 31 bits: domains come and go, so that a count would not tell them apart."""
    names = "\n".join(f"{each.room} {each.name}" for each in migrations)
    return zlib.crc32(names.encode()) & 0x7FFFFFFF


def bring_up_to_date(path: Path, migrations: Sequence[Migration]) -> None:
    """Apply what is missing, under a file lock beside the database.

    Raises:
        ConfigError: the file was written by a newer storeops.
    """
    from filelock import FileLock  # 8 ms, only when a file is new or old

    with FileLock(f"{path}.lock", timeout=120, mode=0o600):
        try:
            _apply(path, migrations)
        except BaseException:
            # what could not be begun (a full disk) is not left as an empty file
            with suppress(OSError):
                if path.stat().st_size == 0:
                    path.unlink()
            raise


def _apply(path: Path, migrations: Sequence[Migration]) -> None:
    connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    try:
        path.chmod(0o600)
        connection.execute("PRAGMA journal_mode = WAL")
        migrate(path, connection, migrations)
    finally:
        connection.close()


def migrate(path: Path, connection: sqlite3.Connection, migrations: Sequence[Migration]) -> None:
    """Apply what is missing through a connection that nobody else uses.

    Args:
        path: the file that the connection is to, or a copy of it; for messages.
        connection: in autocommit mode.
        migrations: all of this version.

    Raises:
        RoomError: the file was written by a newer storeops, or a step is not SQL that works here.
    """
    with spared("numpy"):
        from sqlite_utils import Database, Migrations

    db = Database(connection, execute_plugins=False)  # looking for plugins costs as much again
    refuse_newer(path, connection, migrations)
    for (name,) in connection.execute(
        f"SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE '{GUARD}%'"
    ).fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    rooms = dict.fromkeys(each.room for each in migrations)
    for room in rooms:
        steps = Migrations(f"storeops.{room}")
        for each in migrations:
            if each.room == room:
                steps(name=each.name)(_step(each))
        try:
            steps.apply(db)
        except Exception as error:
            if _is_of_step(error):
                raise RoomError(
                    room, _("Its tables cannot be made: {error}").format(error=error)
                ) from error
            raise
    connection.execute(f"PRAGMA user_version = {_digest(migrations)}")


def _is_of_step(error: Exception) -> bool:
    """Whether it tells of a step, not of the file or the disk."""
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        return code in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT)
    return not isinstance(error, OSError | StoreOpsError)


def _step(migration: Migration) -> Callable[[Any], None]:
    def run(db: Any) -> None:
        migration.apply(db.conn)

    return run


def applied(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    """(room, name) of every migration the file holds; empty for a new file. Reads only."""
    known = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '_sqlite_migrations'"
    ).fetchone()
    if known is None:
        return set()
    rows = connection.execute("SELECT migration_set, name FROM _sqlite_migrations")
    return {(row[0].removeprefix("storeops."), row[1]) for row in rows}


def refuse_newer(
    path: Path, connection: sqlite3.Connection, migrations: Sequence[Migration]
) -> None:
    """Refuse a file whose rooms hold migrations this version does not know.

    The tables of a room that is not there any more, a domain's that was removed, stay as they are.

    Raises:
        RoomError: the file was written by a newer storeops.
    """
    known = {(each.room, each.name) for each in migrations}
    rooms = {each.room for each in migrations}
    newer = {(room, name) for room, name in applied(connection) if room in rooms} - known
    if newer:
        room, name = sorted(newer)[0]
        raise RoomError(
            room,
            _("The database {path} was written by a newer storeops ({room}: {name}).").format(
                path=path, room=room, name=name
            ),
            hint=_("Install that version or newer; nothing was changed."),
        )
