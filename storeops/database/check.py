"""Is a database file whole? Looks only; never repairs, never rebuilds."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from storeops.database.migrations import Migration, applied
from storeops.errors import NotFoundError
from storeops.i18n import _

MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Checkup:
    """What was found.

    Attributes:
        path: the file.
        size: bytes of the file and its write-ahead log.
        problems: one sentence each; empty when the file is whole.
        newer: (room, migration) pairs that this version does not know.
        pending: (room, migration) pairs that the next opening will apply.
    """

    path: Path
    size: int
    problems: tuple[str, ...]
    newer: tuple[tuple[str, str], ...]
    pending: tuple[tuple[str, str], ...]

    @property
    def whole(self) -> bool:
        """Whether the file is undamaged and from this version or an older one."""
        return not self.problems and not self.newer


def file_size(path: Path) -> int:
    """Bytes of a database file with its write-ahead log; 0 when there is none."""
    return sum(
        each.stat().st_size for each in (path, path.with_name(path.name + "-wal")) if each.exists()
    )


def must_exist(path: Path) -> None:
    """Look before SQLite makes a new, empty file.

    Raises:
        NotFoundError: there is no such file.
    """
    if not path.exists():
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
    """
    must_exist(path)
    problems: list[str] = []
    present: set[tuple[str, str]] = set()
    try:
        connection = sqlite3.connect(f"file:{_quoted(path)}?mode=ro", uri=True, timeout=15)
        try:
            pragma = "integrity_check" if thorough else "quick_check"
            for (text,) in connection.execute(f"PRAGMA {pragma}({MOST_PROBLEMS})"):
                if text != "ok":
                    problems.append(str(text))
            for table, rowid, parent, _index in connection.execute("PRAGMA foreign_key_check"):
                problems.append(
                    _(
                        "row {row} of {table} points at a row of {parent} that does not exist"
                    ).format(row=rowid, table=table, parent=parent)
                )
                if len(problems) >= MOST_PROBLEMS:
                    break
            present = applied(connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        problems.append(str(error))
    known = [(each.room, each.name) for each in migrations]
    return Checkup(
        path,
        file_size(path),
        tuple(problems),
        tuple(sorted(present - set(known))),
        tuple(each for each in known if each not in present) if not problems else (),
    )


def _quoted(path: Path) -> str:
    from urllib.parse import quote

    return quote(str(path.resolve()))
