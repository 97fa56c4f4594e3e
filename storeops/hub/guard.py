"""Rows that head office keeps cannot be written at a back office: triggers at their tables refuse.

What is written here would be lost when the rows come again. So every table that a domain lets flow
down is guarded, a third party's too; nobody who writes has to ask. Arriving, and what is written
ahead of head office's answer, `let` themselves in for one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

from storeops.database.database import Database
from storeops.database.migrations import GUARD
from storeops.database.trouble import KEPT_ELSEWHERE
from storeops.domain import registry
from storeops.hub import state
from storeops.mirror.meta import NOT_LETTING
from storeops.notebook.shared import THINGS as NOTEBOOK
from storeops.shared_rows import SharedThing


def _tables() -> list[str]:
    found: list[SharedThing] = [*NOTEBOOK]
    for domain, where in registry().each("shared"):
        found += registry().loaded(domain, where) or ()
    return sorted({table.name for thing in found for table in thing.tables})


def install(db: Database) -> None:
    """Guard the tables of this back office, as its version and its domains have them.

    Args:
        db: data.db of a back office.
    """
    there = {
        row[0]
        for row in db.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'trigger')")
    }
    tables = [each for each in _tables() if each in there]
    wanted = {f"{GUARD}{table}_{event}" for table in tables for event in _EVENTS}
    have = {each for each in there if each.startswith(GUARD)}
    digest = blake2b("\n".join(_statements(tables)).encode(), digest_size=8).hexdigest()
    if have == wanted and state.read(db.connection, "guarded") == digest:
        return
    with db.atomic() as connection:
        for name in have:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in _statements(tables):
            connection.execute(statement)
        state.write(connection, "guarded", digest)


_EVENTS = ("insert", "update", "delete")


def _statements(tables: list[str]) -> Iterator[str]:
    for table in tables:
        for event in _EVENTS:
            yield (
                f"CREATE TRIGGER {GUARD}{table}_{event} BEFORE {event.upper()} ON {table}"
                f" WHEN {NOT_LETTING}"
                f" BEGIN SELECT RAISE(ABORT, '{KEPT_ELSEWHERE}'); END"
            )
