"""What WeCom told about an API: paused by 45009, narrowed by 45033 or 45035."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from storeops.limits.limits import Api, Limits

SAME_NARROWING_S = 1.0  # calls that were in flight together complain together


@dataclass(frozen=True, slots=True)
class ApiCondition:
    """How an API stands now.

    Attributes:
        pool: calls at a time, grown back since the last complaint.
        paused_until: this machine's time; in the past when not paused.
        latency_s: moving average of one call, 0 when not known.
    """

    pool: int
    paused_until: float
    latency_s: float


def read(connection: sqlite3.Connection, api: Api, now: float, limits: Limits) -> ApiCondition:
    """The condition of an API. Reads only."""
    row = connection.execute(
        "SELECT pool, narrowed_at, paused_until, latency_s FROM limit_api"
        " WHERE corp_id = ? AND path = ?",
        api,
    ).fetchone()
    if row is None:
        return ApiCondition(limits.in_flight, 0.0, 0.0)
    pool, narrowed_at, paused_until, latency_s = row
    return ApiCondition(int(_grown(pool, narrowed_at, now, limits)), paused_until, latency_s)


def _grown(pool: float | None, narrowed_at: float, now: float, limits: Limits) -> float:
    if pool is None:
        return float(limits.in_flight)
    grown = pool + max(0.0, now - narrowed_at) / limits.grow_s
    return min(float(limits.in_flight), max(1.0, grown))


def narrow(connection: sqlite3.Connection, api: Api, now: float, limits: Limits) -> int:
    """Halve the pool, at least to 1; complaints within a second count once. The new pool."""
    row = connection.execute(
        "SELECT pool, narrowed_at FROM limit_api WHERE corp_id = ? AND path = ?", api
    ).fetchone()
    pool, narrowed_at = row if row is not None else (None, 0.0)
    present = _grown(pool, narrowed_at, now, limits)
    if pool is not None and 0 <= now - narrowed_at < SAME_NARROWING_S:
        return int(present)
    halved = max(1.0, float(int(present)) / 2)
    connection.execute(
        "INSERT INTO limit_api (corp_id, path, pool, narrowed_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET pool = excluded.pool, narrowed_at = excluded.narrowed_at",
        (*api, halved, now),
    )
    return int(halved)


def ban(connection: sqlite3.Connection, api: Api, now: float, limits: Limits) -> float:
    """Pause after 45009: the first pause, or the long one when it comes again. Its end.

    The window is not told, so the minute is assumed first and the hour on repeat (doc 90313).
    Answers to calls that were on their way when the pause began change nothing.
    """
    row = connection.execute(
        "SELECT paused_until FROM limit_api WHERE corp_id = ? AND path = ?", api
    ).fetchone()
    last = float(row[0]) if row is not None else 0.0
    if last > now:
        return last
    again = last > 0 and now - last < limits.again_within_s
    until = now + (limits.long_pause_s if again else limits.first_pause_s)
    connection.execute(
        "INSERT INTO limit_api (corp_id, path, paused_until, banned_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET paused_until = excluded.paused_until,"
        " banned_at = excluded.banned_at",
        (*api, until, now),
    )
    return until


def note_latency(connection: sqlite3.Connection, api: Api, took_s: Sequence[float]) -> None:
    """Take the durations of calls into the moving average, for forecasts.

    Each call counts a tenth, so that one slow answer is forgotten after a second of quick ones.
    """
    mean = sum(took_s) / len(took_s)
    connection.execute(
        "INSERT INTO limit_api (corp_id, path, latency_s) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET latency_s ="
        " iif(latency_s, excluded.latency_s + (latency_s - excluded.latency_s) * ?, ?)",
        (*api, mean, 0.9 ** len(took_s), mean),
    )


def usual_latency(connection: sqlite3.Connection, corp_id: str) -> float:
    """What a call of this corp's usual API took lately, 0 when nothing was called. Reads only."""
    rows = connection.execute(
        "SELECT latency_s FROM limit_api WHERE corp_id = ? AND latency_s > 0 ORDER BY latency_s",
        (corp_id,),
    ).fetchall()
    return float(rows[len(rows) // 2][0]) if rows else 0.0
