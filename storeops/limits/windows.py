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
    minute, hour = used(connection, api, now)
    for window, span, whole, count in (
        ("minute", 1, limits.per_minute, minute),
        ("hour", 60, limits.per_hour, hour),
    ):
        beyond = count - limits.window(whole, urgent=urgent)
        if beyond >= 0:
            return _opens_after(connection, api, now, span, beyond + 1), window
    return 0.0, ""


def count(connection: sqlite3.Connection, api: Api, now: float) -> bool:
    """One call begins now; whether it is the first of its second."""
    slots = connection.execute(
        "INSERT INTO limit_use (corp_id, path, span, slot, used)"
        " VALUES (?, ?, 1, ?, 1), (?, ?, 60, ?, 1)"
        " ON CONFLICT DO UPDATE SET used = used + 1 RETURNING span, used",
        (*api, int(now), *api, int(now // 60)),
    ).fetchall()
    begun = [span for span, times in slots if times == 1]
    for span in begun:  # a new slot: drop those that no window reaches, or of a clock set back
        connection.execute(
            "DELETE FROM limit_use WHERE corp_id = ? AND path = ? AND span = ?"
            " AND slot NOT BETWEEN ? AND ?",
            (*api, *_reach(now, span)),
        )
    return 1 in begun


def used(connection: sqlite3.Connection, api: Api, now: float) -> tuple[int, int]:
    """Calls begun in the minute and in the hour that end now. Reads only."""
    row = connection.execute(
        f"SELECT ({_USED}), ({_USED})", (*api, *_reach(now, 1), *api, *_reach(now, 60))
    ).fetchone()
    return int(row[0]), int(row[1])


def _reach(now: float, span: int) -> tuple[int, int, int]:
    newest = int(now // span)
    return span, newest - SLOTS + 1, newest + SLOTS


_USED = (
    "SELECT coalesce(sum(used), 0) FROM limit_use"
    " WHERE corp_id = ? AND path = ? AND span = ? AND slot BETWEEN ? AND ?"
)


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
