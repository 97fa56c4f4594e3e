"""The minute and hour windows: calls begun, counted by second and by minute.

Any 60 s touch at most 61 seconds, and any hour at most 61 minutes, so a sum over 61 slots keeps
every window, wherever WeCom begins its own.
"""

from __future__ import annotations

import sqlite3

from storeops.limits.limits import Api, Limits

SLOTS = 61


def closed(
    connection: sqlite3.Connection, api: Api, now: float, limits: Limits, *, urgent: bool
) -> tuple[float, str]:
    """Seconds until one more call fits, and the window that is full; (0.0, "") when it fits."""
    for window, span, whole in (("minute", 1, limits.per_minute), ("hour", 60, limits.per_hour)):
        most = limits.window(whole, urgent=urgent)
        beyond = _used(connection, api, now, span) - most
        if beyond >= 0:
            return _opens_after(connection, api, now, span, beyond + 1), window
    return 0.0, ""


def count(connection: sqlite3.Connection, api: Api, now: float) -> None:
    """One call begins now."""
    for span in (1, 60):
        (used,) = connection.execute(
            "INSERT INTO limit_use (corp_id, path, span, slot, used) VALUES (?, ?, ?, ?, 1)"
            " ON CONFLICT DO UPDATE SET used = used + 1 RETURNING used",
            (*api, span, int(now // span)),
        ).fetchone()
        if used == 1:  # a new slot: drop those that no window reaches, or of a clock set back
            connection.execute(
                "DELETE FROM limit_use WHERE corp_id = ? AND path = ? AND span = ?"
                " AND slot NOT BETWEEN ? AND ?",
                (*api, *_reach(now, span)),
            )


def used(connection: sqlite3.Connection, api: Api, now: float) -> tuple[int, int]:
    """Calls begun in the minute and in the hour that end now. Reads only."""
    return _used(connection, api, now, 1), _used(connection, api, now, 60)


def _reach(now: float, span: int) -> tuple[int, int, int]:
    newest = int(now // span)
    return span, newest - SLOTS + 1, newest + SLOTS


def _used(connection: sqlite3.Connection, api: Api, now: float, span: int) -> int:
    row = connection.execute(
        "SELECT coalesce(sum(used), 0) FROM limit_use"
        " WHERE corp_id = ? AND path = ? AND span = ? AND slot BETWEEN ? AND ?",
        (*api, *_reach(now, span)),
    ).fetchone()
    return int(row[0])


def _opens_after(
    connection: sqlite3.Connection, api: Api, now: float, span: int, needed: int
) -> float:
    """Seconds until `needed` calls have left the window."""
    for slot, count in connection.execute(
        "SELECT slot, used FROM limit_use"
        " WHERE corp_id = ? AND path = ? AND span = ? AND slot BETWEEN ? AND ? ORDER BY slot",
        (*api, *_reach(now, span)),
    ).fetchall():
        needed -= count
        if needed <= 0:
            return max(0.001, float((slot + SLOTS) * span) - now)
    return float(span)
