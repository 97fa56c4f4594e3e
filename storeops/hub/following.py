"""A back office at the server: it catches up, and goes on following."""

from __future__ import annotations

import asyncio
import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storeops import paths
from storeops.database.database import Database
from storeops.domain import refreshed
from storeops.errors import AccessError, ConflictError, NetworkError
from storeops.file_lock import try_lock
from storeops.hub import arriving, asking, guard, joining, rights, state
from storeops.hub.arriving import ArrivedThing
from storeops.hub.connection import connected
from storeops.hub.joining import JoinFile
from storeops.hub.pulling import ShopPull
from storeops.hub.wiring import OfficeWiring
from storeops.i18n import _
from storeops.mirror import indexes, meta
from storeops.private_file import open_own

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

REST_S = 20.0  # between two notes that nothing is left, while nothing comes
WAIT_S = 2.0  # for further messages, before looking whether to stop
ONCE_S = 1.0  # without any: nothing is left
GATHER_S = 1.0  # after everything was read: who asks for each change by itself costs the server
# a search and an answer each time, and a night's changes come many at a time
GREET_S = 300.0  # then greet again: the consumer may be gone with its server, streams be others
GONE_S = 2.0  # after the consumer was lost: many were with the same server
LATE_S = 10.0  # that messages which are known to follow may take; then greet again
HELLO_S = 3.0
RETRY_S = (1.0, 2.0, 5.0, 10.0, 30.0)  # waits after a line was cut; the last one again and again


@dataclass
class FollowReport:
    """What following has done so far.

    Attributes:
        things: how many things changed.
        refilled: everything was delivered anew.
        greeted: head office answered.
        away: nobody is there who would: only what it published before can come.
        ordered: messages come one after the other and want no acknowledgement; a head office of an
            earlier version wants one of each.
        behind: how many messages are known to follow.
        late: some that were known to follow did not come, or the consumer was lost, and it greeted
            again for that.
        asked: requests that head office has taken.
        submitted: submissions that are no plans (how tasks ended) that head office has had.
    """

    things: int = 0
    refilled: bool = False
    greeted: bool = False
    away: bool = False
    ordered: bool = False
    behind: int = 0
    late: bool = False
    asked: int = 0
    submitted: int = 0


def follow(
    app: OfficeWiring,
    *,
    once: bool = False,
    within: float | None = None,
    stop: threading.Event | None = None,
    on_progress: Callable[[FollowReport], None] | None = None,
    on_trouble: Callable[[Exception], None] | None = None,
) -> FollowReport:
    """Bring the mirror of a back office up to date, and keep it so.

    Args:
        app: the back office.
        once: end when nothing is left.
        within: end after so many seconds in any case, with `once`; a mirror that must be filled
            anew is left as it is then, for the next call without this.
        stop: when set, ends after what was received is written.
        on_progress: told after every batch.
        on_trouble: told when the line is cut, before it is tried again (not with `once`).

    Raises:
        ConfigError: the profile is no back office.
        ConflictError: another process follows already.
        NetworkError: nobody answers, with `once`.
        AccessError: head office lets this back office in no more.
    """
    join = joining.of_profile(app.profile)
    stop = stop or threading.Event()
    report = FollowReport()
    with _alone(app.profile.name):
        with app.data.atomic() as connection:
            meta.write(connection, meta.FED_BY, "storeops hub follow --once")
        guard.install(app.data)
        if within is None and state.read(app.data.connection, "refill"):
            arriving.begin_anew(app.data)
            report.refilled = True
        tries = 0
        while not stop.is_set():
            before = report.things
            try:
                following = _follow(app, join, report, once, stop, on_progress, within is None)
                asyncio.run(asyncio.wait_for(following, within))
                break
            except TimeoutError:
                break  # what came is written; the rest comes the next time
            except AccessError:
                arriving.note_let_in(app.data, False)
                raise
            except NetworkError as error:
                if once:
                    raise
                tries = 0 if report.things > before else tries
                if on_trouble is not None and tries == 0:
                    on_trouble(error)
                # not all shops at the same moment
                stop.wait(RETRY_S[min(tries, len(RETRY_S) - 1)] * random.uniform(0.5, 1.5))
                tries += 1
    return report


def wait_for(app: OfficeWiring, plan: int, seconds: float, stop: threading.Event) -> bool:
    """Follow until head office has nothing left to send of a plan that was asked of it.

    What waits for WeCom's later answer is not waited for. A line that is cut is tried again.

    Args:
        app: the back office.
        plan: plan.id.
        seconds: to wait at most.
        stop: ends waiting when set.

    Returns:
        Whether it came to that.
    """
    until = time.monotonic() + seconds
    while not asking.is_over(app.data, plan):
        if stop.is_set() or time.monotonic() >= until:
            return False
        with suppress(ConflictError, NetworkError):  # somebody else follows; no line
            follow(app, once=True)
        if not asking.is_over(app.data, plan):
            stop.wait(min(ONCE_S, max(0.0, until - time.monotonic())))
    return True


@contextmanager
def _alone(profile: str) -> Iterator[None]:
    handle = open_own(paths.profile_dir(profile) / "follow.lock", os.O_RDWR)
    try:
        if not try_lock(handle):
            raise ConflictError(
                _("Another process follows head office for {name} already.").format(name=profile),
                hint=_("It keeps the mirror up to date; nothing is left to do."),
            )
        yield
    finally:
        os.close(handle)


async def _follow(
    app: OfficeWiring,
    join: JoinFile,
    report: FollowReport,
    once: bool,
    stop: threading.Event,
    on_progress: Callable[[FollowReport], None] | None,
    anew: bool,
) -> None:
    async with connected(
        join.url, join.key, join.token, f"{join.store_code} {app.profile.name}", join.ca
    ) as client:
        arriving.note_let_in(app.data, True)
        left = await _greet(app.data, client, join, report, anew)
        asked = await _ask(app, client, join, report)
        if report.away:
            await _read_left(app, client, join, report, stop, on_progress)
        if once and (not report.greeted or (left == 0 and not asked)):
            _rest(app, report)
            return
        rested = -REST_S
        while not stop.is_set() and (anew or not state.read(app.data.connection, "refill")):
            if report.greeted:
                if await _read(app, client, join, report, once, stop, on_progress):
                    return
            else:  # head office was away when the line was made
                if not client.is_connected:
                    raise NetworkError(_("The line to head office is cut.")) from None
                if once or time.monotonic() - rested >= REST_S:
                    _rest(app, report)
                    rested = time.monotonic()
                if once:  # it went away meanwhile
                    return
                await asyncio.sleep(WAIT_S)
            await _greet(app.data, client, join, report, anew)


async def _read(
    app: OfficeWiring,
    client: Client,
    join: JoinFile,
    report: FollowReport,
    once: bool,
    stop: threading.Event,
    on_progress: Callable[[FollowReport], None] | None,
) -> bool:
    """Read what comes after a greeting; whether nothing is left to do, else greet again."""
    read, rested, began = 0, -REST_S, time.monotonic()
    heard = began
    async with ShopPull(client, join.store) as pull:
        while not stop.is_set():
            if time.monotonic() - began >= GREET_S:
                return False
            await _ask(app, client, join, report)
            messages = await pull.fetch(ONCE_S if once else WAIT_S)
            if not messages:  # also when a line is cut in the middle
                if not client.is_connected:
                    raise NetworkError(_("The line to head office is cut."))
                if messages is None or report.behind:
                    # the server is busy, or they were lost on the way; or the consumer was lost
                    if messages is not None and time.monotonic() - heard < LATE_S:
                        continue
                    if once and report.late:
                        raise TimeoutError
                    report.late = True
                    if messages is None:
                        await asyncio.sleep(GONE_S * random.random())
                    return False
                if once or time.monotonic() - rested >= REST_S:
                    _rest(app, report)
                    rested = time.monotonic()
                if once:
                    return True
                continue
            heard = time.monotonic()
            whole = _in_order(messages, read) if report.ordered else messages
            read += len(whole)
            if whole:
                arrived = [_arrived(each) for each in whole]
                report.things += arriving.write(app.data, arrived, app.clock.now(), sure=True)
                asking.settle(app)
                report.behind = arrived[-1].pending
                if on_progress is not None:
                    on_progress(report)
            if len(whole) < len(messages):  # the server gives us what is after our position
                return False
            if not report.ordered:
                for each in messages:
                    await each.ack()
                await client.flush()
            if report.behind == 0:
                _rest(app, report)
                rested = time.monotonic()
                if once:
                    return True
                await asyncio.sleep(GATHER_S)
        return True


async def _read_left(
    app: OfficeWiring,
    client: Client,
    join: JoinFile,
    report: FollowReport,
    stop: threading.Event,
    on_progress: Callable[[FollowReport], None] | None,
) -> None:
    """Read what head office published before it went away, and the server has not sent yet.

    Nobody can say now whether anything before that is missing. So the position stays: after the
    next greeting all of it comes once more, and changes nothing then.
    """
    here = arriving.follow_state(app.data)
    if here.stream == 0 or state.read(app.data.connection, "refill"):
        return
    async with ShopPull(client, join.store) as pull:
        while not stop.is_set() and (messages := await pull.fetch(ONCE_S)):
            arrived = [_arrived(each) for each in messages]
            report.things += arriving.write(app.data, arrived, app.clock.now(), sure=False)
            asking.settle(app)
            if on_progress is not None:
                on_progress(report)
            if arrived[-1].pending == 0:
                return


def _in_order(messages: Sequence[Msg], read: int) -> Sequence[Msg]:
    """Those before the first that is missing: what was lost on the way is not delivered again.

    Args:
        messages: as they came.
        read: how many of this consumer were read before.
    """
    for at, each in enumerate(messages):
        if each.metadata.sequence.consumer != read + at + 1:
            return messages[:at]
    return messages


async def _ask(app: OfficeWiring, client: Client, join: JoinFile, report: FollowReport) -> int:
    """Send what waits to be asked of head office, when that is there; returns how much."""
    if not report.greeted:
        return 0
    sent = 0
    with suppress(NetworkError):  # it waits, and is tried again
        sent = await asking.send_waiting(app.data, client, join, app.clock.now())
        await asking.withdraw_waiting(app, client, join)
        report.submitted += await asking.send_submissions(app.data, client, join, app.clock.now())
    if sent:
        asking.settle(app)  # what head office did not take
        report.asked += sent
    return sent


def _rest(app: OfficeWiring, report: FollowReport) -> None:
    """Nothing is left for the moment."""
    report.behind = 0
    asking.settle(app)
    if report.greeted:
        arriving.caught_up(app.data, app.clock.now())
    indexes.build(app.data)
    refreshed(app.data, app.clock.now())


def _arrived(message: Msg) -> ArrivedThing:
    _facts, _store, kind, key = message.subject.split(".", 3)
    about = message.metadata
    return ArrivedThing(
        kind, int(key), bytes(message.data), about.sequence.stream, about.num_pending,
        about.timestamp.timestamp(),
    )  # fmt: skip


async def _greet(
    db: Database, client: Client, join: JoinFile, report: FollowReport, anew: bool
) -> int | None:
    """Tell head office how far we are; it says whether everything comes anew, and how many
    messages are left. None when it is away, or when everything comes.

    Args:
        db: data.db of the back office.
        client: of the back office.
        join: what it joined with.
        report: told of it.
        anew: empty the mirror when everything comes; else that is noted.
    """
    from nats.errors import Error, NoRespondersError

    here = arriving.follow_state(db)
    report.greeted = report.away = False
    with suppress(Error, TimeoutError):
        greeting = {"stream": here.stream, "epoch": state.read(db.connection, "epoch")}
        try:
            answer = await client.request(
                rights.hello_subject(join.store), json.dumps(greeting).encode(), timeout=HELLO_S
            )
        except NoRespondersError:
            report.away = True
            return None
        told = json.loads(answer.data)
        report.greeted, report.ordered = True, bool(told.get("ordered"))
        report.behind = int(told.get("left") or 0)
        epoch = str(told.get("epoch") or "")
        if not told["refill"]:
            _keep_epoch(db, epoch)
            return int(told["left"])
        if here.stream and anew:
            arriving.begin_anew(db)
            report.refilled = True
        elif here.stream:
            with db.atomic() as connection:
                state.write(connection, "refill", "1")
        _keep_epoch(db, epoch)
    return None


def _keep_epoch(db: Database, epoch: str) -> None:
    """Remember which stream the numbers of messages here are of."""
    if state.read(db.connection, "epoch") != epoch:
        with db.atomic() as connection:
            state.write(connection, "epoch", epoch)
