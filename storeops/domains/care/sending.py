"""The morning: each guide is told her own tasks of today, alone, and each task once a day."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storeops import times
from storeops.database.database import Database
from storeops.domains.care import serving, tasks
from storeops.domains.notify import guides, log, outbox, targets
from storeops.domains.notify.messages import TEXT, OutMessage
from storeops.errors import ConflictError, NotFoundError, UsageError
from storeops.i18n import _
from storeops.plain import mask_phones, plain
from storeops.reading import identities
from storeops.wecom.messages import TEXT_BYTES

if TYPE_CHECKING:
    import threading

    from storeops.operations.wiring import Wiring

SEND_S = 600.0
UNREACHABLE = "unreachable"  # stands where a message has its status
_LINE_BYTES = 600  # of one task in a message
_NOTE_BYTES = 200  # of one line about the customer below it


@dataclass(frozen=True, slots=True)
class CareMessage:
    """What one guide is told at once.

    Attributes:
        day: YYYY-MM-DD.
        userid, guide: whose tasks they are, and how the guide is called.
        target: name of the target, "" where nobody can be told.
        tasks: numbers of the tasks; about: external_userids of their customers.
        text: of the message.
        message: its id; again: it failed before, and goes once more.
    """

    day: str
    userid: str
    guide: str
    target: str
    tasks: tuple[int, ...]
    about: tuple[str, ...]
    text: str
    message: str
    again: bool = False


def due(db: Database, now: float) -> list[CareMessage]:
    """What guides are to be told now: open tasks of today of which nothing was sent today, or only
    what failed.

    Args:
        db: data.db.
        now: WeCom's time, Unix seconds.
    """
    day = times.day(now)
    told = dict(db.execute("SELECT task_id, message FROM care_told WHERE day = ?", (day,)))
    how = log.named(db, f"care-{day}-")  # also those whose tasks were erased
    fresh: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in tasks.list_tasks(db, now):
        message = told.get(row["id"], "")
        hers = message.rpartition("-")[0] == f"care-{day}-{row['userid']}"
        if not hers or how.get(message, log.FAILED) == log.FAILED:
            fresh[row["userid"]].append(row)  # new, passed on since, or it failed
    where = guides.receivers(db, fresh)
    failed: dict[str, list[str]] = defaultdict(list)
    last: dict[str, int] = defaultdict(int)  # number of a guide's last message
    for each in sorted(how):
        of, _sign, number = each.rpartition("-")
        last[of] = max(last[of], int(number))
        if how[each] == log.FAILED:
            failed[of].append(each)
    found = []
    for userid, rows in fresh.items():
        begin = f"care-{day}-{userid}"
        again = failed[begin]
        for at, (part, text) in enumerate(_parts(db, day, rows, now)):
            name = again[at] if at < len(again) else f"{begin}-{last[begin] + 1 + at - len(again)}"
            found.append(
                CareMessage(
                    day, userid, rows[0]["guide"], where[userid],
                    tuple(row["id"] for row in part),
                    tuple(dict.fromkeys(row["external_userid"] for row in part)),
                    text, name, at < len(again),
                )
            )  # fmt: skip
    return found


def worded(db: Database, message: str, now: float) -> str:
    """What `Domain.composers` names: the text of a message that waited, of what is still to be
    done by its guide and stands in no later one; "" when nothing is."""
    told = dict(db.execute("SELECT task_id, day FROM care_told WHERE message = ?", (message,)))
    rows = [
        row for row in tasks.list_tasks(db, now, userid=message[len("care-YYYY-MM-DD-"):]
                                        .rpartition("-")[0], all_days=True)
        if row["id"] in told and row["day"] in (told[row["id"]], times.day(now))
    ]  # fmt: skip
    later = {task for (task,) in db.execute(
        "SELECT t.task_id FROM care_told t JOIN care_told o ON o.task_id = t.task_id"
        " AND o.day < t.day WHERE o.message = ?", (message,)
    )}  # fmt: skip
    rows = [row for row in rows if row["id"] not in later]
    if len(rows) == len(told):
        return log.get(db, message).body
    day = max(told.values(), default="")
    part, text = next(_parts(db, day, rows, now), ([], ""))
    rest = [(message, row["id"]) for row in rows if row not in part]
    if rest:  # its words have become longer: the next round tells what is left over
        with db.atomic() as connection:
            connection.executemany("DELETE FROM care_told WHERE message = ? AND task_id = ?", rest)
    return text


def _parts(
    db: Database, day: str, rows: Sequence[dict[str, Any]], now: float
) -> Iterator[tuple[list[dict[str, Any]], str]]:
    """(tasks, text) of messages that are short enough each; no phone number is in them."""
    head = _("Care of {day}:").format(day=day)
    part: list[dict[str, Any]] = []
    text = head
    for number, row in enumerate(rows, 1):
        who = mask_phones(plain(row["customer"])) or _("(no name)")
        said = mask_phones(plain(row["text"]))
        line = outbox.cut(
            _("{number}. {customer}: {text}").format(number=number, customer=who, text=said),
            _LINE_BYTES,
        )
        if row["kind"] == "new-owner":
            line += _note(db, row["external_userid"], now)
        if part and len(f"{text}\n{line}".encode()) > TEXT_BYTES:
            yield part, text
            part, text = [], head
        part.append(row)
        text = f"{text}\n{line}"
    if part:
        yield part, text


def _note(db: Database, external_userid: str, now: float) -> str:
    """How to serve a customer whom a guide has newly, below the task."""
    key = identities.ids_of(db.connection, [external_userid]).get(external_userid, 0)
    return "".join(
        "\n   " + outbox.cut(mask_phones(plain(_("{name}: {text}").format(name=name, text=text))),
                             _NOTE_BYTES)
        for name, text in serving.how_to_serve(db, key, now)
    )  # fmt: skip


def send(app: Wiring, *, stop: threading.Event | None = None) -> list[tuple[CareMessage, str]]:
    """Tell guides their tasks of today; (message, its status in the log or `UNREACHABLE`).

    Said again on the same day it tells nobody twice: only what is new, and what failed.

    Args:
        app: the profile.
        stop: ends it after the call in flight; what was handed over waits.

    Raises:
        PolicyError: read-only; nothing was sent.
    """
    db, now = app.data, app.clock.now()
    app.ledger.policy.may_write()
    every = due(db, now)
    reached: list[CareMessage] = []
    with db.atomic() as connection:  # yesterday's are told by the log, but for what waits still
        waiting = log.messages(db, statuses=(log.WAITING, log.IN_QUEUE))
        connection.execute(
            "DELETE FROM care_told WHERE day < ?"
            " AND message NOT IN (SELECT value FROM json_each(?))",
            (times.day(now), json.dumps([each.id for each in waiting])),
        )
    try:
        for each in every:
            if stop is not None and stop.is_set():
                break
            with suppress(NotFoundError, UsageError):  # one guide must not keep others waiting
                _hand_over(app, each, now)
                reached.append(each)
    finally:
        outbox.deliver(app, seconds=SEND_S, stop=stop)
    ended = log.statuses(db, [each.message for each in reached])
    ended = {message: UNREACHABLE if status == log.PARTLY else status  # its one receiver left out
             for message, status in ended.items()}  # fmt: skip
    return [
        (each, ended.get(each.message, log.WAITING) if each in reached else UNREACHABLE)
        for each in every
    ]


def left(db: Database, now: float) -> int:
    """Messages of today that are not sent yet and may be: not those that wait for an hour."""
    told = {each for (each,) in db.execute(
        "SELECT message FROM care_told WHERE day = ?", (times.day(now),)
    )}  # fmt: skip
    waiting = log.messages(db, statuses=(log.WAITING, log.IN_QUEUE))
    return sum(each.id in told and each.due_at <= now for each in waiting)


def _hand_over(app: Wiring, each: CareMessage, now: float) -> None:
    """Keep the message, and that the guide has these tasks.

    Raises:
        NotFoundError, UsageError: nothing can be sent there.
    """
    if not each.target:
        raise NotFoundError(each.guide)
    with app.data.atomic() as connection:
        targets.keep_members(app.data, each.target, (each.userid,), now)
        if each.again:
            with suppress(NotFoundError, UsageError):  # another round sends it, or it was erased
                outbox.retry(app.ledger, (each.message,))
        text = OutMessage(TEXT, each.text, about=each.about, composer="care")
        try:
            outbox.post(app, each.target, text, id=each.message, newer=True)
        except ConflictError:  # another round handed it over meanwhile, in other words, and noted
            return  # what these are; what came since is told by the next one
        connection.executemany(
            "INSERT OR REPLACE INTO care_told (day, task_id, message) VALUES (?, ?, ?)",
            [(each.day, task, each.message) for task in each.tasks],
        )
