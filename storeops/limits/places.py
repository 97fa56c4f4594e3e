"""Places in flight, shared fairly between processes.

A governor leases places, keeps them over many calls and gives them back when it is idle or others
wait. Everybody who wishes gets an equal share first; what is left over goes to whoever asks. Among
those below their share the urgent come first, then who has waited longest.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

LEASE_S = 180.0  # longer than the longest call (transport: 120 s for a whole answer)
WISH_S = 2.0  # a wish that is not repeated within this is forgotten


@dataclass(frozen=True, slots=True)
class Claim:
    """What a governor holds after asking.

    Attributes:
        places: places it may use now.
        contended: whether others wait for places.
    """

    places: int
    contended: bool


@dataclass(frozen=True, slots=True)
class _Row:
    holder: str
    places: int
    want: int
    rank: tuple[int, float]


def claim(
    connection: sqlite3.Connection,
    corp_id: str,
    path: str,
    holder: str,
    *,
    busy: int,
    wished: int,
    since: float,
    urgent: bool,
    pool: int,
    now: float,
    alive: Callable[[str], bool],
    queue: bool = True,
) -> Claim:
    """Ask for `wished` places in all, holding `busy` of them in calls; inside a transaction.

    Args:
        connection: of run.db.
        corp_id: the corp.
        path: the API.
        holder: who asks.
        busy: places that cannot be given back now.
        wished: places that could be used now, `busy` among them.
        since: when this holder was last served, or began to wish.
        urgent: whether one of the wishes is urgent.
        pool: places in all.
        now: this machine's time.
        alive: tells whether a holder's process lives.
        queue: whether what is not fulfilled stays as a wish.
    """
    others = []
    for name, places, want, want_since, want_at, other_urgent, expires_at in connection.execute(
        "SELECT holder, places, want, want_since, want_at, urgent, expires_at FROM limit_holder"
        " WHERE corp_id = ? AND path = ? AND holder <> ?",
        (corp_id, path, holder),
    ).fetchall():
        if expires_at <= now or not alive(name):
            connection.execute(
                "DELETE FROM limit_holder WHERE corp_id = ? AND path = ? AND holder = ?",
                (corp_id, path, name),
            )
            continue
        if now - want_at > WISH_S:
            want = 0
        others.append(_Row(name, places, want, (-other_urgent, want_since)))
    free = pool - sum(each.places for each in others)
    parties = 1 + sum(1 for each in others if each.places or each.want)
    share = max(1, pool // parties)
    mine = (-int(urgent), since)
    needs = {
        each.holder: min(each.want, max(0, share - each.places)) for each in others if each.want
    }
    before_me = sum(needs[each.holder] for each in others if each.want and each.rank < mine)
    within_share = min(wished, share, free - before_me)
    beyond = min(wished, free - sum(needs.values()))
    places = max(busy, within_share, beyond, 0)
    want = max(0, wished - places) if queue else 0
    if places or want:
        connection.execute(
            "INSERT INTO limit_holder"
            " (corp_id, path, holder, places, want, want_since, want_at, urgent, expires_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET places = excluded.places, want = excluded.want,"
            " want_since = excluded.want_since, want_at = excluded.want_at,"
            " urgent = excluded.urgent, expires_at = excluded.expires_at",
            (
                corp_id,
                path,
                holder,
                places,
                want,
                since,
                now if want else 0.0,
                int(urgent and want > 0),
                now + LEASE_S,
            ),
        )
    else:
        drop(connection, corp_id, path, holder)
    return Claim(places, bool(needs))


def drop(connection: sqlite3.Connection, corp_id: str, path: str, holder: str) -> None:
    """Give back every place and wish of `holder`."""
    connection.execute(
        "DELETE FROM limit_holder WHERE corp_id = ? AND path = ? AND holder = ?",
        (corp_id, path, holder),
    )


def others_wait(
    connection: sqlite3.Connection, corp_id: str, path: str, holder: str, now: float
) -> bool:
    """Whether somebody else wishes for places. Reads only."""
    row = connection.execute(
        "SELECT 1 FROM limit_holder WHERE corp_id = ? AND path = ? AND holder <> ?"
        " AND want > 0 AND want_at > ? LIMIT 1",
        (corp_id, path, holder, now - WISH_S),
    ).fetchone()
    return row is not None


def held(connection: sqlite3.Connection, corp_id: str, path: str, now: float) -> tuple[int, int]:
    """Places leased by all processes, and wishes for more."""
    row = connection.execute(
        "SELECT coalesce(sum(places), 0), coalesce(sum(CASE WHEN want_at > ? THEN want END), 0)"
        " FROM limit_holder WHERE corp_id = ? AND path = ? AND expires_at > ?",
        (now - WISH_S, corp_id, path, now),
    ).fetchone()
    return int(row[0]), int(row[1])
