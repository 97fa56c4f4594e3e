"""Small facts about the mirror itself: its revision, whether its indexes are built."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from storeops.database.trouble import kept_elsewhere
from storeops.errors import PolicyError
from storeops.i18n import _

FED_BY = "fed_by"  # the command that fills a mirror which reads no WeCom itself
LETTING = "letting"  # there only inside a transaction that may write what head office keeps
NOT_LETTING = f"NOT EXISTS (SELECT 1 FROM mirror_meta WHERE key = '{LETTING}')"  # for triggers


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
        raise kept_elsewhere()


def kept_at_head_office(title: str) -> PolicyError:
    """What a back office says of a domain whose rows do not flow.

    Args:
        title: of the domain, English.
    """
    return PolicyError(
        _("This lies with head office, and does not come to back offices: {what}").format(
            what=_(title)
        ),
        hint=_("Ask head office; nothing was read here."),
    )


@contextmanager
def letting(connection: sqlite3.Connection) -> Iterator[None]:
    """Let rows that head office keeps be written here, in a write transaction, for the block."""
    write(connection, LETTING, "1")
    yield
    connection.execute("DELETE FROM mirror_meta WHERE key = ?", (LETTING,))


def must_have_past(connection: sqlite3.Connection) -> None:
    """Refuse figures of days that are over: what flows to a back office is how things are now.

    Raises:
        PolicyError: head office fills this file.
    """
    if is_fed(connection):
        raise PolicyError(
            _("The past of this shop lies with head office: what comes here is how it is now."),
            hint=_("Ask head office for the report; today's figures: storeops stats"),
            next_steps=["storeops stats"],
        )


def revision(connection: sqlite3.Connection) -> int:
    """Grows with every change of facts; 0 for an empty mirror."""
    return int(read(connection, "revision", "0"))


def bump_revision(connection: sqlite3.Connection) -> int:
    """Count one change of facts; returns the new revision."""
    value = revision(connection) + 1
    write(connection, "revision", str(value))
    return value
