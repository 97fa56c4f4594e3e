"""Some weeks of an invented chain's life before the demo begins: a past to look at.

The sandbox begins that long ago; day by day its clock goes on, people add and delete each other,
set tags and write remarks, a few guides leave. Between them the mirror is synced as it would have
been, and so it knows the names and shops of those who left, and what changed when.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from storeops import times
from storeops.database.database import Database
from storeops.domains.sandbox.sandbox_control import control
from storeops.errors import NotFoundError, UsageError

DAY = 86_400
WEEKS = 3
NIGHT = 2 * 3600  # seconds after midnight: when the mirror is synced
NIGHTS = (1, 0)  # days before today whose night is one: yesterday is known by itself
SYNCS = (12, 8, 5, 3, 2)  # days before today at whose end the mirror is synced
PER_DAY = 44  # acts of a day
LIFE = {  # act → its share
    "follow_add": 24, "tag_mark": 14, "remark_edit": 8, "deleted_by_customer": 3,
    "customer_rename": 2,
}  # fmt: skip
DELETED = 2  # relations that guides end in a day, until yesterday: gone is what is missed twice
LEAVING = {11: 0, 4: 1, 1: 2}  # days before today → which of `leavers` leaves
REFUSING = 0.15  # share of customers who say no to a handover


@dataclass(frozen=True, slots=True)
class DemoPorts:
    """What living takes.

    Attributes:
        base_url: the sandbox.
        db: data.db, synced once.
        sync: reads everything as it is now.
        learn: told the sandbox's time (Unix seconds) after every move of its clock.
        on_progress: told how many days have passed, of how many.
    """

    base_url: str
    db: Database
    sync: Callable[[], object]
    learn: Callable[[float], object]
    on_progress: Callable[[int, int], object] = lambda _days, _of: None


def started_at(now: float, weeks: int) -> int:
    """When a sandbox must begin, Unix seconds, so that `play` ends at `now`."""
    return int(now) - weeks * 7 * DAY


def reassign_first_leavers(base_url: str) -> None:
    """Find new owners for those whom the chain's first leavers left, save one who is too late.

    WeCom never says what somebody was called who had left before the mirror began.
    """
    for userid in ("left0001", "left0002"):
        with suppress(UsageError, NotFoundError):  # a small chain has fewer
            done = control(base_url, "POST", "act", {"act": "console_assign", "userid": userid})
            for each in done["refused"]:  # else nobody would follow them any more
                control(base_url, "POST", "act", {"act": "follow_add", "external_userid": each})


def play(ports: DemoPorts, weeks: int) -> None:
    """Let the weeks pass, up to the present moment; everything is drawn with fixed dice.

    Raises:
        NetworkError: the sandbox does not answer.
    """
    control(ports.base_url, "PATCH", "settings", {"handover_refuse_rate": REFUSING})
    going, days = leavers(ports.db), weeks * 7
    ended = _ended(ports.db, days * DELETED)
    for back in range(days - 1, -1, -1):
        slept = _night(ports) if back in NIGHTS else 0.0
        _pass(ports, DAY - slept)
        control(
            ports.base_url, "POST", "act",
            {"act": "random", "count": PER_DAY, "seed": back, "acts": LIFE},
        )  # fmt: skip
        for pair in ended[back * DELETED : (back + 1) * DELETED] if back > 0 else ():
            with suppress(UsageError):  # it has ended already
                control(ports.base_url, "POST", "act", {"act": "follow_delete", **pair})
        if back in LEAVING and LEAVING[back] < len(going):
            leaving = {"act": "staff_leave", "userid": going[LEAVING[back]]}
            control(ports.base_url, "POST", "act", leaving)
        if back == 9 and going:
            assigned = {"act": "console_assign", "userid": going[0], "count": 6}
            control(ports.base_url, "POST", "act", assigned)
        if back in SYNCS:
            ports.sync()
        ports.on_progress(days - back, days)


def _pass(ports: DemoPorts, seconds: float) -> float:
    """Move the sandbox's clock; its time, Unix seconds."""
    answer = control(ports.base_url, "POST", "clock", {"advance_s": seconds})
    ports.learn(float(answer["now"]))
    return float(answer["now"])


def _night(ports: DemoPorts) -> float:
    """Sync at two in the morning; seconds that passed."""
    now = _pass(ports, 0)
    seconds = times.midnight(now + DAY).timestamp() + NIGHT - now
    if seconds >= DAY:  # the day that begins the demo is no older than that
        return 0.0
    _pass(ports, seconds)
    ports.sync()
    return seconds


def _ended(db: Database, most: int) -> list[dict[str, str]]:
    """Relations that guides will end: here and there in the whole chain."""
    from storeops.reading.customers import rows_of
    from storeops.reading.query import CustomerQuery

    ids = sorted(CustomerQuery(db, "status:active", now=time.time()).ids())
    chosen = ids[:: max(1, len(ids) // max(1, most))][:most]
    return [
        {"userid": row["follows"][0]["userid"], "external_userid": row["external_userid"]}
        for row in rows_of(db).load(chosen)
    ]


def leavers(db: Database) -> list[str]:
    """userids of three guides of three shops, with some customers and with colleagues."""
    from storeops.reading.directory import members

    fitting = [
        each for each in members(db)
        if each.status == "active" and each.position != "店长" and 12 <= each.follows <= 45
    ]  # fmt: skip
    by_shop: dict[int, str] = {}
    for each in sorted(fitting, key=lambda each: (-each.follows, each.userid)):
        by_shop.setdefault(each.store_id, each.userid)
    return list(by_shop.values())[:3]
