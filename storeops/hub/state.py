"""What the hub remembers of itself in data.db, by key."""

from __future__ import annotations

import sqlite3

BEGUN = "begun"  # job.id: what another host would have sent up to there goes on here, once
JOINED = "joined:"  # and a department id: of which time it joined a shop's mirror must be
PURGE = "purge:"  # and a department id: the server may keep what a revoked shop had


def read(connection: sqlite3.Connection, key: str, default: str = "") -> str:
    """The value of `key`, or `default`."""
    row = connection.execute("SELECT value FROM hub_state WHERE key = ?", (key,)).fetchone()
    return str(row[0]) if row else default


def write(connection: sqlite3.Connection, key: str, value: object) -> None:
    """Set `key`; numbers and texts become text."""
    connection.execute(
        "INSERT INTO hub_state (key, value) VALUES (?, ?)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, str(value)),
    )


def number(connection: sqlite3.Connection, key: str) -> int:
    """The whole number at `key`, 0 when there is none."""
    return int(read(connection, key, "0") or 0)
