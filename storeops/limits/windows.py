"""The minute and hour windows: permits, counted by second and by minute, given out in blocks.

A permit belongs to the second it was leased in and is void afterwards. Any 60 s touch at most 61
of those seconds, and any hour at most 61 minutes, so a sum over 61 slots keeps every window,
wherever WeCom begins its own.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from storeops.limits.limits import Limits

SLOTS = 61


@dataclass(frozen=True, slots=True)
class Grant:
    """Permits of one second; when none, which window is full and for how many seconds."""

    permits: int
    wait_s: float = 0.0
    window: str = ""  # minute | hour


def lease(
    connection: sqlite3.Connection,
    corp_id: str,
    path: str,
    now: float,
    wished: int,
    limits: Limits,
    *,
    urgent: bool,
) -> Grant:
    """Take up to `wished` permits for the second of `now`; call it inside a transaction."""
    rooms = []
    for window, span, whole in (
        ("minute", 1, limits.per_minute),
        ("hour", 60, limits.per_hour),
    ):
        most = limits.window(whole, urgent=urgent)
        slots = _slots(connection, corp_id, path, span, now)
        room = most - sum(used for _slot, used in slots)
        if room <= 0:
            return Grant(0, _opens_after(slots, span, now, 1 - room), window)
        rooms.append(room)
    permits = min(wished, *rooms)
    for span in (1, 60):
        slot = int(now // span)
        connection.execute(
            "INSERT INTO limit_use (corp_id, path, span, slot, used) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET used = used + excluded.used",
            (corp_id, path, span, slot, permits),
        )
    return Grant(permits)


def give_back(
    connection: sqlite3.Connection, corp_id: str, path: str, second: int, permits: int
) -> None:
    """Return permits of `second` that were never used."""
    for span in (1, 60):
        connection.execute(
            "UPDATE limit_use SET used = max(0, used - ?)"
            " WHERE corp_id = ? AND path = ? AND span = ? AND slot = ?",
            (permits, corp_id, path, span, second // span),
        )


def sweep(connection: sqlite3.Connection, corp_id: str, path: str, now: float) -> None:
    """Drop slots that no window reaches any more, and those of a clock that was set back."""
    for span in (1, 60):
        slot = int(now // span)
        connection.execute(
            "DELETE FROM limit_use WHERE corp_id = ? AND path = ? AND span = ?"
            " AND (slot <= ? OR slot > ?)",
            (corp_id, path, span, slot - SLOTS, slot + SLOTS),
        )


def used(connection: sqlite3.Connection, corp_id: str, path: str, now: float) -> tuple[int, int]:
    """Permits given out in the minute and in the hour that end now."""
    minute = sum(each for _slot, each in _slots(connection, corp_id, path, 1, now))
    hour = sum(each for _slot, each in _slots(connection, corp_id, path, 60, now))
    return minute, hour


def _slots(
    connection: sqlite3.Connection, corp_id: str, path: str, span: int, now: float
) -> list[tuple[int, int]]:
    newest = int(now // span)
    return connection.execute(
        "SELECT slot, used FROM limit_use"
        " WHERE corp_id = ? AND path = ? AND span = ? AND slot > ? AND slot <= ? ORDER BY slot",
        (corp_id, path, span, newest - SLOTS, newest + SLOTS),
    ).fetchall()


def _opens_after(slots: list[tuple[int, int]], span: int, now: float, needed: int) -> float:
    """Seconds until `needed` permits have left the window."""
    for slot, count in slots:
        needed -= count
        if needed <= 0:
            return max(0.001, (slot + SLOTS) * span - now)
    return float(span)
