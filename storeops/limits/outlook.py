"""How the limits stand, and when a piece of work will be done."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass

from storeops.database.database import Database
from storeops.limits import conditions, flight, windows
from storeops.limits.limits import Api, Limits

UNKNOWN_LATENCY_S = 0.1


@dataclass(frozen=True, slots=True)
class ApiUse:
    """One API as all processes together use it.

    Attributes:
        path: the API.
        minute, per_minute: calls of the last minute, and how many there may be.
        hour, per_hour: calls of the last hour, and how many there may be.
        in_flight: calls under way, of all processes.
        pool: places in all; less than `in_flight_limit` after 45033.
        in_flight_limit: places as configured.
        waiting: calls that wait for a place.
        paused_s: seconds until a pause of 45009 ends, else 0.
        held_by: what holds calls back now: pause | minute | hour | pool | in_flight | "".
    """

    path: str
    minute: int
    per_minute: int
    hour: int
    per_hour: int
    in_flight: int
    pool: int
    in_flight_limit: int
    waiting: int
    paused_s: float
    held_by: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """When some calls can be done.

    Attributes:
        seconds: from now until the last of them is answered.
        reason: what holds them back most: pause | minute | hour | pool | in_flight.
        latency_s: what one call was taken to cost.
    """

    seconds: float
    reason: str
    latency_s: float


def _window_s(calls: int, used: int, whole: int, span_s: float) -> float:
    """Seconds until `calls` more fit into windows of `whole` per `span_s`, `used` being taken."""
    beyond = calls - max(0, whole - used)
    if beyond <= 0:
        return 0.0
    return math.ceil(beyond / whole) * (span_s + span_s / 60)


def snapshot(db: Database, corp_id: str, now: float, limits: Limits) -> list[ApiUse]:
    """Every API of `corp_id` that the file still remembers, by path. Reads only."""
    connection = db.connection
    paths = [
        row[0]
        for row in connection.execute(
            "SELECT path FROM limit_use WHERE corp_id = :corp AND span = 60 AND slot > :slot"
            " UNION SELECT path FROM limit_flight WHERE corp_id = :corp"
            " UNION SELECT path FROM limit_api WHERE corp_id = :corp AND paused_until > :now"
            " ORDER BY path",
            {"corp": corp_id, "slot": int(now // 60) - windows.SLOTS, "now": now},
        )
    ]
    return [_use(connection, (corp_id, path), now, limits) for path in paths]


def _use(connection: sqlite3.Connection, api: Api, now: float, limits: Limits) -> ApiUse:
    minute, hour = windows.used(connection, api, now)
    state = conditions.read(connection, api, now, limits)
    in_flight, waiting = flight.counts(connection, api, now)
    if state.paused_until > now:
        held_by = "pause"
    elif hour >= limits.window(limits.per_hour, urgent=False):
        held_by = "hour"
    elif minute >= limits.window(limits.per_minute, urgent=False):
        held_by = "minute"
    elif waiting:
        held_by = "pool" if state.pool < limits.in_flight else "in_flight"
    else:
        held_by = ""
    return ApiUse(
        path=api[1],
        minute=minute,
        per_minute=limits.per_minute,
        hour=hour,
        per_hour=limits.per_hour,
        in_flight=in_flight,
        pool=state.pool,
        in_flight_limit=limits.in_flight,
        waiting=waiting,
        paused_s=max(0.0, state.paused_until - now),
        held_by=held_by,
    )


def estimate(db: Database, api: Api, calls: int, now: float, limits: Limits) -> Estimate:
    """Forecast for `calls` more calls of `api`, others standing still. Reads only."""
    connection = db.connection
    minute, hour = windows.used(connection, api, now)
    state = conditions.read(connection, api, now, limits)
    latency = state.latency_s or conditions.usual_latency(connection, api[0]) or UNKNOWN_LATENCY_S
    calling = calls * latency / state.pool
    waits = {
        "pause": max(0.0, state.paused_until - now),
        "minute": _window_s(calls, minute, limits.window(limits.per_minute, urgent=False), 60.0),
        "hour": _window_s(calls, hour, limits.window(limits.per_hour, urgent=False), 3600.0),
        "pool" if state.pool < limits.in_flight else "in_flight": calling,
    }
    reason = max(waits, key=lambda each: waits[each])
    rest = max(seconds for name, seconds in waits.items() if name != "pause")
    return Estimate(round(waits["pause"] + rest, 3), reason, latency)
