"""Cursor chains as rows: what a group of members still has to be asked for."""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from storeops.sync.results import Scope

RESTARTS = 3  # stale or repeated cursors before the members count as failed
EMPTY_PAGES = 200  # empty pages in a row before a chain counts as endless


@dataclass(slots=True)
class Chain:
    """One list of rows behind one cursor; the writing thread alone changes it.

    Attributes:
        id: sync_chain.id.
        members: userids, the same with every cursor.
        cursor: where the next page begins, "" for the first.
        pages: pages written.
        restarts: how often it began anew.
        cursors: hashes of the cursors used in this process, to notice one that comes twice.
        empty: empty pages in a row.
        denied: WeCom said once that none of the members has customers.
    """

    id: int
    members: list[str]
    cursor: str = ""
    pages: int = 0
    restarts: int = 0
    cursors: set[int] = field(default_factory=set)
    empty: int = 0
    denied: bool = False


def create(
    connection: sqlite3.Connection,
    run_id: int,
    scope: Scope,
    groups: Iterable[tuple[Sequence[str], int]],
) -> list[Chain]:
    """New chains for groups of (userids, rows expected)."""
    made = []
    for members, expected in groups:
        cursor = connection.execute(
            "INSERT INTO sync_chain (run_id, scope, members, expected) VALUES (?, ?, ?, ?)",
            (run_id, scope, json.dumps(list(members)), expected),
        )
        assert cursor.lastrowid is not None
        made.append(Chain(cursor.lastrowid, list(members)))
    return made


def exist(connection: sqlite3.Connection, run_id: int, scope: Scope) -> bool:
    """Whether the run has made its chains."""
    row = connection.execute(
        "SELECT 1 FROM sync_chain WHERE run_id = ? AND scope = ? LIMIT 1", (run_id, scope)
    ).fetchone()
    return row is not None


def unfinished(connection: sqlite3.Connection, run_id: int, scope: Scope) -> list[Chain]:
    """Chains to go on with; those under way first, then the longest."""
    rows = connection.execute(
        "SELECT id, members, cursor, pages, restarts FROM sync_chain"
        " WHERE run_id = ? AND scope = ? AND outcome IS NULL"
        " ORDER BY cursor = '', expected DESC, id",
        (run_id, scope),
    )
    return [Chain(row[0], json.loads(row[1]), *row[2:]) for row in rows]


def repeated(chain: Chain, following: str) -> bool:
    """Whether a page names a cursor again that this chain has used; notes it otherwise."""
    mark = hash(following)
    if following == chain.cursor or mark in chain.cursors:
        return True
    chain.cursors.add(mark)
    return False


def turn_page(
    connection: sqlite3.Connection, chain: Chain, following: str, seen: Sequence[int]
) -> None:
    """A page was written: its rows and the next cursor, in the page's own transaction."""
    chain.pages += 1
    chain.cursor = following
    connection.execute(
        "INSERT OR REPLACE INTO sync_page VALUES (?, ?, ?)",
        (chain.id, chain.pages, array("q", seen).tobytes()),
    )
    connection.execute(
        "UPDATE sync_chain SET cursor = ?, pages = ? WHERE id = ?",
        (following, chain.pages, chain.id),
    )


def seen(connection: sqlite3.Connection, chain: Chain) -> set[int]:
    """follow.id of every row the chain has shown."""
    found: set[int] = set()
    for (blob,) in connection.execute("SELECT seen FROM sync_page WHERE chain_id = ?", (chain.id,)):
        numbers = array("q")
        numbers.frombytes(blob)
        found.update(numbers)
    return found


def restart(connection: sqlite3.Connection, chain: Chain) -> int:
    """Begin anew: the cursor is stale or goes round in circles.

    Returns:
        How many rows were read that will be read again.
    """
    bytes_seen = connection.execute(
        "SELECT coalesce(sum(length(seen)), 0) FROM sync_page WHERE chain_id = ?", (chain.id,)
    ).fetchone()[0]
    chain.restarts += 1
    chain.cursor, chain.pages, chain.empty = "", 0, 0
    chain.cursors.clear()
    connection.execute("DELETE FROM sync_page WHERE chain_id = ?", (chain.id,))
    connection.execute(
        "UPDATE sync_chain SET cursor = '', pages = 0, restarts = ? WHERE id = ?",
        (chain.restarts, chain.id),
    )
    return int(bytes_seen) // 8


def end(connection: sqlite3.Connection, chain: Chain, outcome: str) -> None:
    """The chain is read, failed, or split in two."""
    connection.execute("DELETE FROM sync_page WHERE chain_id = ?", (chain.id,))
    connection.execute("UPDATE sync_chain SET outcome = ? WHERE id = ?", (outcome, chain.id))
