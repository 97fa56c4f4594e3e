"""Is a database file whole? Looks only; never repairs, never rebuilds.

What is wrong with the content is listed; what hinders looking (a lock, a mode, a full disk where
a log cannot be read along) is raised, for it says nothing about the content.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from storeops.database.database import Database, connect_readonly, file_size
from storeops.database.migrations import Migration, applied
from storeops.database.trouble import DAMAGE, Trouble, describe, trouble
from storeops.errors import NotFoundError
from storeops.i18n import _
from storeops.os_errors import Refusal, explain_os

MOST_PROBLEMS = 20


def has_fts5() -> bool:
    """Whether this SQLite can search text."""
    with contextlib.closing(sqlite3.connect(":memory:")) as probe:
        try:
            probe.execute("CREATE VIRTUAL TABLE probe USING fts5(text)")
        except sqlite3.OperationalError:
            return False
    return True


@dataclass(frozen=True, slots=True)
class Checkup:
    """What was found.

    Attributes:
        path: the file.
        size: bytes of the file and its write-ahead log.
        problems: one sentence each; empty when the file is whole.
        newer: (room, migration) pairs that this version does not know.
        pending: (room, migration) pairs that the next opening will apply.
        kind: of the first problem; None when the file is whole.
        stuck: why it can be read and not written; None usually.
        unseen: the write-ahead log could not be read along.
    """

    path: Path
    size: int
    problems: tuple[str, ...]
    newer: tuple[tuple[str, str], ...]
    pending: tuple[tuple[str, str], ...]
    kind: Trouble | None = None
    stuck: Refusal | None = None
    unseen: bool = False

    @property
    def whole(self) -> bool:
        """Whether the file is undamaged and from this version or an older one."""
        return not self.problems and not self.newer


def must_exist(path: Path) -> None:
    """Look before SQLite makes a new, empty file.

    Raises:
        NotFoundError: there is no such file.
        ConfigError: nobody may look.
    """
    try:
        there = path.exists()
    except OSError as error:
        raise explain_os(error, path) or error from error
    if not there:
        raise NotFoundError(
            _("There is no database {path}.").format(path=path),
            hint=_("Run `storeops sync run` first."),
            next_steps=["storeops sync run"],
        )


def check(path: Path, migrations: Sequence[Migration], *, thorough: bool = False) -> Checkup:
    """Read the file through and say what is wrong with it.

    Args:
        path: the file; not opened for writing.
        migrations: what this version knows.
        thorough: compare indexes with their tables too; minutes on a large file.

    Raises:
        NotFoundError: there is no such file.
        ConflictError: another process holds it alone.
        ConfigError: it cannot be read; says why.
    """
    must_exist(path)
    problems: list[str] = []
    present: set[tuple[str, str]] = set()
    kind: Trouble | None = None
    stuck: Refusal | None = None
    unseen = False
    if _empty(path):
        problems, kind = [_("it is empty")], Trouble.NO_DATABASE
    else:
        try:
            with _reading(path) as (reader, stuck, unseen):
                for problem in _problems(path, reader, migrations, thorough):
                    kind = kind or problem[0]
                    problems.append(problem[1])
                    if len(problems) >= MOST_PROBLEMS:
                        break
                present = applied(reader) if not problems else set()
        except sqlite3.Error as error:
            found = trouble(error, path)
            if found not in DAMAGE:
                raise describe(found, path, str(error)) from error
            assert isinstance(found, Trouble)
            problems.append(_words(found, error))
            kind = kind or found
    known = [(each.room, each.name) for each in migrations]
    return Checkup(
        path,
        file_size(path),
        tuple(problems),
        tuple(sorted(present - set(known))),
        tuple(each for each in known if each not in present) if not problems else (),
        kind,
        stuck,
        unseen,
    )


def _empty(path: Path) -> bool:
    try:
        return path.is_file() and file_size(path) == 0
    except OSError as error:
        raise explain_os(error, path) or error from error


@contextmanager
def _reading(path: Path) -> Iterator[tuple[sqlite3.Connection, Refusal | None, bool]]:
    """A connection that only reads, also where nothing can be written beside the file.

    Gives it, why nothing can be written, and whether its log could not be read along.
    """
    kind = None
    with contextlib.closing(connect_readonly(path)) as connection:
        try:
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        except sqlite3.Error as error:
            found = trouble(error, path)
            if not isinstance(found, Refusal):
                raise
            kind = found
        else:
            yield connection, None, False
    if kind is not None:
        with contextlib.closing(Database(path, readonly=True, stuck=kind)) as stuck:
            yield stuck.connection, kind, stuck.unseen


def _problems(
    path: Path, connection: sqlite3.Connection, migrations: Sequence[Migration], thorough: bool
) -> Iterator[tuple[Trouble, str]]:
    if broken := broken_log(path):
        yield Trouble.DAMAGED, broken
    pragma = "integrity_check" if thorough else "quick_check"
    for (text,) in connection.execute(f"PRAGMA {pragma}({MOST_PROBLEMS})"):
        if text != "ok":
            yield Trouble.DAMAGED, str(text)
    for table, rowid, parent, _index in connection.execute("PRAGMA foreign_key_check"):
        text = _("row {row} of {table} points at a row of {parent} that does not exist")
        yield Trouble.DAMAGED, text.format(row=rowid, table=table, parent=parent)
    for missing in _missing(connection, migrations):
        yield Trouble.INCOMPLETE, missing


def broken_log(path: Path) -> str:
    """A write-ahead log that SQLite leaves aside without a word, with all that it holds."""
    log = path.with_name(path.name + "-wal")
    try:
        with log.open("rb") as file:
            head = file.read(32)
    except OSError:
        return ""
    good = len(head) < 32 or not any(head) or head[:4] in (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
    return "" if good else _("{path} is not its log").format(path=log)


def _missing(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> Iterator[str]:
    """Tables and columns that the migrations it went through have made, and that are gone."""
    present = applied(connection)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if not present:
        if version or migrations:
            yield _("it holds no tables of storeops")
        return
    for name, columns in _made(
        tuple(each for each in migrations if (each.room, each.name) in present)
    ).items():
        found = _tables(connection, name).get(name)
        if found is None:
            yield _("the table {table} is missing").format(table=name)
        elif lost := sorted(columns - found):
            yield _("the table {table} lacks the column {column}").format(
                table=name, column=lost[0]
            )


@lru_cache(8)  # 60 ms, and a restore checks the same kind of file three times
def _made(migrations: tuple[Migration, ...]) -> dict[str, set[str]]:
    """Columns by table of a database that these made."""
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as model:
        for each in migrations:
            each.apply(model)
        return _tables(model)


def _tables(connection: sqlite3.Connection, only: str = "") -> dict[str, set[str]]:
    """Columns by table."""
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
        " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND (:only = '' OR name = :only)",
        {"only": only},
    ).fetchall()
    return {
        name: {
            row[0] for row in connection.execute("SELECT name FROM pragma_table_info(?)", (name,))
        }
        for (name,) in names
    }


def _words(kind: Trouble, error: sqlite3.Error) -> str:
    if kind is Trouble.NO_DATABASE:
        return _("it is not a database")
    # a text that is no UTF-8 would be quoted by SQLite, and may be a person's name
    return _("a text in it is not UTF-8") if "UTF-8" in str(error) else str(error)
