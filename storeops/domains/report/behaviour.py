"""Chats and replies of guides, from WeCom's statistics (doc 92132): read once, kept for good.

WeCom tells them until yesterday, of the last 180 days, at most 30 days a call, and per person only
when one person is asked for. In the small hours yesterday's may still be zero: what was read
before nine is read again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storeops.database.database import Database
from storeops.errors import StoreOpsError, UsageError
from storeops.i18n import _
from storeops.operations.reports import Period
from storeops.reading import directory
from storeops.wecom.errcodes import Reach
from storeops.wecom.errors import reach_of

if TYPE_CHECKING:
    from storeops.wecom.client import WeComClient
    from storeops.wecom.groups import Behaviour

DAY_S = 86_400
SPAN_DAYS, BACK_DAYS = 30, 180
CHINA_S = 8 * 3600  # WeCom's days begin at midnight in China, wherever the shops are
READY_S = 9 * 3600  # after the end of a day its figures are final
THREADS = 4
_SUMS = ("chat_cnt", "message_cnt", "negative_feedback_cnt", "new_apply_cnt", "new_contact_cnt")


@dataclass(frozen=True, slots=True)
class Replies:
    """What a guide did in some days.

    Attributes:
        days: of how many days it is known.
        chat_cnt, message_cnt: chats, and messages that the guide sent.
        reply_percentage: 0 to 100, mean of the days that have it; None when none has.
        avg_reply_time: minutes to the first reply, mean likewise; None likewise.
        negative_feedback_cnt: customers who deleted or blocked the guide.
    """

    days: int
    chat_cnt: int
    message_cnt: int
    reply_percentage: float | None
    avg_reply_time: float | None
    negative_feedback_cnt: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """How a reading of statistics ended.

    Attributes:
        members: who was asked for.
        days: member and day pairs that were written.
        calls: calls that were made.
        known: pairs that were known already.
        failed: userid → why it could not be read.
    """

    members: int
    days: int
    calls: int
    known: int
    failed: dict[str, str]


def china_days(period: Period) -> list[int]:
    """WeCom's days that lie in a period, as their first seconds."""
    first = (period.start + CHINA_S) // DAY_S
    last = (period.end - 1 + CHINA_S) // DAY_S
    return [day * DAY_S - CHINA_S for day in range(first, last + 1)]


def replies(db: Database, period: Period) -> dict[str, Replies]:
    """userid (lower case) → what is known of the period."""
    days = china_days(period)
    found = db.execute(
        "SELECT lower(userid), count(*), sum(chat_cnt), sum(message_cnt), avg(reply_percentage),"
        " avg(avg_reply_time), sum(negative_feedback_cnt) FROM report_behaviour"
        " WHERE day >= ? AND day <= ? GROUP BY lower(userid)",
        (days[0], days[-1]),
    )
    return {
        row[0]: Replies(
            row[1], row[2], row[3], None if row[4] is None else round(row[4], 2),
            None if row[5] is None else round(row[5], 1), row[6],
        )
        for row in found
    }  # fmt: skip


def wanted(period: Period, now: float) -> list[int]:
    """The days of a period that WeCom tells now."""
    today = int((now + CHINA_S) // DAY_S) * DAY_S - CHINA_S
    return [day for day in china_days(period) if today - BACK_DAYS * DAY_S <= day < today]


def fetch(
    db: Database,
    client: WeComClient,
    period: Period,
    now: float,
    *,
    again: bool = False,
    stop: threading.Event | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Fetched:
    """Read what is not known yet of the period, one call for a guide and 30 days.

    Args:
        db: data.db.
        client: the API.
        period: which days.
        now: WeCom's time, Unix seconds.
        again: read also what is known.
        stop: ends it after the calls in flight; what was read is kept.
        on_progress: called with guides done and guides in all.

    Raises:
        UsageError: WeCom tells none of these days.
        StoreOpsError: what concerns every call: a limit, the secret, no network.
    """
    days = wanted(period, now)
    if not days:
        raise UsageError(
            _("WeCom has no statistics of {days}: it tells them until yesterday, for {most} days.")
            .format(days=period.words, most=BACK_DAYS)
        )  # fmt: skip
    people = [each.userid for each in directory.members(db) if each.contact]
    known = set() if again else _known(db, days)
    work: list[tuple[str, list[int]]] = []
    for userid in people:
        missing = [day for day in days if (userid.lower(), day) not in known]
        while missing:
            part = [day for day in missing if day < missing[0] + SPAN_DAYS * DAY_S]
            work.append((userid, part))
            missing = missing[len(part) :]
    failed: dict[str, str] = {}
    written = calls = 0
    with ThreadPoolExecutor(THREADS, "statistics") as pool:
        for at in range(0, len(work), THREADS * 4):
            if stop is not None and stop.is_set():
                break
            part_of_work = work[at : at + THREADS * 4]
            answers = pool.map(lambda each: _ask(client, *each), part_of_work)
            for (userid, asked), answer in zip(part_of_work, answers, strict=True):
                calls += 1
                if isinstance(answer, StoreOpsError):
                    if reach_of(answer) is Reach.EVERYTHING:
                        raise answer
                    failed[userid] = answer.message
                else:
                    written += _keep(db, userid, asked, answer, now)
            if on_progress is not None:
                on_progress(min(at + THREADS * 4, len(work)), len(work))
    return Fetched(len(people), written, calls, len(known), failed)


def _known(db: Database, days: Sequence[int]) -> set[tuple[str, int]]:
    """Pairs whose figures are final."""
    return set(
        db.execute(
            "SELECT lower(userid), day FROM report_behaviour WHERE day >= ? AND day <= ?"
            " AND read_at >= day + ?",
            (days[0], days[-1], DAY_S + READY_S),
        ).fetchall()
    )


def _ask(
    client: WeComClient, userid: str, days: Sequence[int]
) -> tuple[Behaviour, ...] | StoreOpsError:
    from storeops.wecom import groups

    try:
        return groups.behaviour(client, days[0], days[-1], userids=[userid])
    except StoreOpsError as error:
        return error


def _keep(
    db: Database, userid: str, asked: Sequence[int], rows: Sequence[Behaviour], now: float
) -> int:
    days = set(asked)
    values = [
        (
            userid, each.stat_time, *(getattr(each, name) for name in _SUMS[:2]),
            each.reply_percentage, each.avg_reply_time,
            *(getattr(each, name) for name in _SUMS[2:]), now,
        )
        for each in rows
        if each.stat_time in days
    ]  # fmt: skip
    with db.atomic() as connection:
        connection.executemany(
            "INSERT OR REPLACE INTO report_behaviour (userid, day, chat_cnt, message_cnt,"
            " reply_percentage, avg_reply_time, negative_feedback_cnt, new_apply_cnt,"
            " new_contact_cnt, read_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )
    return len(values)
