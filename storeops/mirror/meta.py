"""Small facts about the mirror itself: its revision, whether its indexes are built."""

from __future__ import annotations

import sqlite3

from storeops.errors import PolicyError
from storeops.i18n import _

FED_BY = "fed_by"  # the command that fills a mirror which reads no WeCom itself


def read(connection: sqlite3.Connection, key: str, default: str = "") -> str:
    """The value of `key`, or `default`."""
    row = connection.execute("SELECT value FROM mirror_meta WHERE key = ?", (key,)).fetchone()
    return row[0] if row else default


def write(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Set `key`."""
    connection.execute(
        "INSERT INTO mirror_meta (key, value) VALUES (?, ?)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )


def is_fed(connection: sqlite3.Connection) -> bool:
    """Whether head office fills this file: it is a back office's."""
    return bool(read(connection, FED_BY))


def must_be_kept_here(connection: sqlite3.Connection) -> None:
    """Refuse to write rows that head office keeps: what is written here would be lost when they
    come again.

    Raises:
        PolicyError: head office fills this file.
    """
    if is_fed(connection):
        raise PolicyError(
            _("Head office keeps this: it is changed there, and comes here."),
            hint=_("Tell head office; nothing was changed here."),
        )


def revision(connection: sqlite3.Connection) -> int:
    """Grows with every change of facts; 0 for an empty mirror."""
    return int(read(connection, "revision", "0"))


def bump_revision(connection: sqlite3.Connection) -> int:
    """Count one change of facts; returns the new revision."""
    value = revision(connection) + 1
    write(connection, "revision", str(value))
    return value
