"""Small facts about the mirror itself: its revision, whether its indexes are built."""

from __future__ import annotations

import sqlite3

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


def revision(connection: sqlite3.Connection) -> int:
    """Grows with every change of facts; 0 for an empty mirror."""
    return int(read(connection, "revision", "0"))


def bump_revision(connection: sqlite3.Connection) -> int:
    """Count one change of facts; returns the new revision."""
    value = revision(connection) + 1
    write(connection, "revision", str(value))
    return value
