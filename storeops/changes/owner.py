"""Whose a database is: it holds one company's data, and remembers which.

A profile is a name for corp, app and files. The name can be given to another company by hand or
by a command; the files cannot, so the database itself says whose it is.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from storeops.database.database import Database, connect_readonly


def identity(corp_id: str, *, sandbox: bool) -> str:
    """The owner as it is kept: a sandbox's company is never a real one's."""
    return f"{corp_id} (sandbox)" if sandbox else corp_id


def claim(db: Database, owner: str) -> str:
    """Keep whose the database is, the first time; returns whose it is."""
    known = _read(db.connection)
    if known or db.readonly:
        return known or owner
    with suppress(sqlite3.Error), db.atomic() as connection:
        connection.execute(
            "INSERT OR IGNORE INTO ledger_meta (key, value) VALUES ('owner', ?)", (owner,)
        )
    return _read(db.connection) or owner


def of_file(path: Path) -> str:
    """Whose a data.db is; "" when nobody knows (none, damaged, or older than this record)."""
    if not path.is_file():
        return ""
    with (
        suppress(sqlite3.Error),
        closing(connect_readonly(path, timeout_s=5)) as connection,
    ):
        return _read(connection)
    return ""


def _read(connection: sqlite3.Connection) -> str:
    with suppress(sqlite3.Error):
        row = connection.execute("SELECT value FROM ledger_meta WHERE key = 'owner'").fetchone()
        return str(row[0]) if row else ""
    return ""
