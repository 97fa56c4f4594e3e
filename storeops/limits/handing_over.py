"""Pauses and windows as one machine knows them, for another one that goes on under them.

What was called since they were last told is not known. It is counted as if it had gone on as fast
as in the fastest second of the minute before.
"""

from __future__ import annotations

import math
import sqlite3
from typing import Any

from storeops.database.database import Database


def state(db: Database, corp_id: str) -> dict[str, Any]:
    """What the governor of this machine knows of a corp, as JSON types.

    Args:
        db: run.db.
        corp_id: the corp.
    """
    apis: dict[str, Any] = {
        path: {"told": told, "used": []}
        for path, *told in db.execute(
            "SELECT path, pool, narrowed_at, paused_until, banned_at, latency_s FROM limit_api"
            " WHERE corp_id = ?",
            (corp_id,),
        )
    }
    for path, span, slot, used in db.execute(
        "SELECT path, span, slot, used FROM limit_use WHERE corp_id = ? ORDER BY span, slot",
        (corp_id,),
    ):
        apis.setdefault(path, {"told": None, "used": []})["used"].append([span, slot, used])
    return apis


def mark(db: Database) -> tuple[Any, ...]:
    """Changes when WeCom told something about an API."""
    found: tuple[Any, ...] = db.execute(
        "SELECT max(paused_until), max(narrowed_at) FROM limit_api"
    ).fetchone()
    return found


def take_over(
    db: Database,
    corp_id: str,
    apis: dict[str, Any],
    *,
    at: float,
    shift: float,
    unseen_s: float,
) -> None:
    """Go on under what another machine told.

    Args:
        db: run.db of this machine.
        corp_id: the corp.
        apis: as `state` gave it there.
        at: this machine's time now, Unix seconds.
        shift: how far this machine's clock is before the other's, seconds.
        unseen_s: how long it may have gone on calling since.
    """
    with db.atomic() as connection:
        for path, known in apis.items():
            api = (corp_id, path)
            if known["told"] is not None:
                _take_condition(connection, api, known["told"], shift)
            fastest = 0
            for span, slot, used in known["used"]:
                moved = int((slot * span + shift) // span)
                _use(connection, api, span, moved, used)
                if span == 1 and moved > at - unseen_s - 60:
                    fastest = max(fastest, used)
            for back in range(math.ceil(unseen_s)) if fastest else ():
                moment = at - back
                more = fastest - _used(connection, api, 1, int(moment))
                if more > 0:
                    for span in (1, 60):
                        slot = int(moment // span)
                        _use(connection, api, span, slot, _used(connection, api, span, slot) + more)


def _take_condition(
    connection: sqlite3.Connection, api: tuple[str, str], told: list[Any], shift: float
) -> None:
    pool, narrowed, paused, banned, latency = told
    moved = [each + shift if each else 0.0 for each in (narrowed, paused, banned)]
    connection.execute(
        "INSERT INTO limit_api (corp_id, path, pool, narrowed_at, paused_until, banned_at,"
        " latency_s) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET pool = excluded.pool,"
        " narrowed_at = excluded.narrowed_at,"
        " paused_until = max(paused_until, excluded.paused_until),"
        " banned_at = max(banned_at, excluded.banned_at), latency_s = excluded.latency_s",
        (*api, pool, *moved, latency),
    )


def _used(connection: sqlite3.Connection, api: tuple[str, str], span: int, slot: int) -> int:
    row = connection.execute(
        "SELECT used FROM limit_use WHERE corp_id = ? AND path = ? AND span = ? AND slot = ?",
        (*api, span, slot),
    ).fetchone()
    return int(row[0]) if row else 0


def _use(
    connection: sqlite3.Connection, api: tuple[str, str], span: int, slot: int, used: int
) -> None:
    connection.execute(
        "INSERT INTO limit_use (corp_id, path, span, slot, used) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET used = max(used, excluded.used)",
        (*api, span, slot, used),
    )
