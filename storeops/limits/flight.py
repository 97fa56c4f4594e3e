"""Calls under way, and the queue of those that wait for a place.

The urgent come first, then the process with the fewest calls under way, so that one of many
threads does not keep out one of few; among equals who came first.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable

from storeops.limits.limits import Api

CALL_S = 180.0  # longer than the longest call (transport: 120 s for a whole answer)
WAIT_S = 2.0  # who has not asked again within this waits no more

_OF_API = "corp_id = ? AND path = ?"
_FRESH = f"asked_at > ? - iif(calling, {CALL_S}, {WAIT_S})"


def may_begin(
    connection: sqlite3.Connection,
    api: Api,
    now: float,
    ticket: int | None,
    owner: str,
    *,
    urgent: bool,
    pool: int,
) -> bool:
    """Whether it is this call's turn for one of `pool` places. Reads only.

    Args:
        connection: of run.db.
        api: the corp's API.
        now: this machine's time.
        ticket: the call's number in the queue; None: it comes last.
        owner: the process that asks.
        urgent: whether the call is.
        pool: places in all.
    """
    others = connection.execute(
        f"SELECT urgent, id, holder, calling FROM limit_flight"
        f" WHERE {_OF_API} AND {_FRESH} AND id IS NOT ?",
        (*api, now, ticket),
    ).fetchall()
    busy = Counter(row[2] for row in others if row[3])
    free = pool - busy.total()
    if free <= 0 or len(others) == busy.total():
        return free > 0
    mine = (urgent, ticket if ticket is not None else 1 << 62, owner, 0)
    turns = []
    for each in sorted([mine, *(row for row in others if not row[3])], key=lambda row: row[1]):
        turns.append((not each[0], busy[each[2]], each[1]))
        busy[each[2]] += 1
    turns.sort()
    return mine[1] in (number for _plain, _busy, number in turns[:free])


def keep(
    connection: sqlite3.Connection,
    api: Api,
    now: float,
    ticket: int | None,
    owner: str,
    *,
    urgent: bool,
    calling: bool,
) -> int:
    """Note that a call is under way, or that it waits (still); its number."""
    (number,) = connection.execute(
        "INSERT INTO limit_flight (id, corp_id, path, holder, urgent, calling, asked_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
        " SET calling = excluded.calling, asked_at = excluded.asked_at RETURNING id",
        (ticket, *api, owner, urgent, calling, now),
    ).fetchone()
    return int(number)


def end(connection: sqlite3.Connection, number: int) -> None:
    """The call is over, or waits no more."""
    connection.execute("DELETE FROM limit_flight WHERE id = ?", (number,))


def bury(
    connection: sqlite3.Connection, api: Api, now: float, alive: Callable[[str], bool]
) -> bool:
    """Free the places of processes that are dead; whether there were any."""
    connection.execute(f"DELETE FROM limit_flight WHERE NOT {_FRESH}", (now,))
    owners = connection.execute(
        f"SELECT DISTINCT holder FROM limit_flight WHERE {_OF_API}", api
    ).fetchall()
    dead = [row for row in owners if not alive(row[0])]
    connection.executemany("DELETE FROM limit_flight WHERE holder = ?", dead)
    return bool(dead)


def counts(connection: sqlite3.Connection, api: Api, now: float) -> tuple[int, int]:
    """Calls under way, and calls that wait for a place. Reads only."""
    row = connection.execute(
        "SELECT count(*) FILTER (WHERE calling), count(*) FILTER (WHERE NOT calling)"
        f" FROM limit_flight WHERE {_OF_API} AND {_FRESH}",
        (*api, now),
    ).fetchone()
    return int(row[0]), int(row[1])
