"""Handling what the inbox holds: subjects are read again side by side, the mirror is written.

A subject that fails is tried again with growing distance. An answer that concerns everybody (the
secret, a limit, no network at all) puts the others back and ends the round.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from storeops import retrying
from storeops.clock import Clock
from storeops.database.database import Database
from storeops.domain import refreshed
from storeops.errors import (
    ConflictError,
    NetworkError,
    StoreOpsError,
)
from storeops.events import subjects
from storeops.events.inbox import FAILED, HANDLED, RECEIVED, Done, Event, Inbox, Work
from storeops.events.subjects import Mirror, WrittenFacts
from storeops.i18n import N_, kept

if TYPE_CHECKING:
    from storeops.wecom.client import WeComClient
    from storeops.wecom.oddities import LostRow

READERS = 3  # subjects read at the same time
REREADS = 5  # a subject that others write is read so often in a row
PAUSE_S = 60.0  # after an answer that concerns everybody
CLOCK_S = 5.0  # two processes may disagree so far about the time
LOOK_S = 5.0  # other processes may have put something into the inbox
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class HandlingResult:
    """What was done.

    Attributes:
        events: status → events that ended so.
        subjects: how many were read again.
        left: events that still wait.
        next_at: when the next of them is due; None when none is.
        ended: empty | once | stopped | time.
        error: what ended the last round early; None when nothing did.
    """

    events: Counter[str] = field(default_factory=Counter)
    subjects: int = 0
    left: int = 0
    next_at: float | None = None
    ended: str = ""
    error: StoreOpsError | None = None


@dataclass(frozen=True, slots=True)
class HandlerContext:
    """Where events are handled.

    Attributes:
        inbox: the events.
        data: data.db.
        client: asks WeCom.
        clock: WeCom's time.
    """

    inbox: Inbox
    data: Database
    client: WeComClient
    clock: Clock


def handle(
    context: HandlerContext,
    *,
    forever: bool = False,
    seconds: float | None = None,
    stop: threading.Event | None = None,
    wake: threading.Event | None = None,
    on_progress: Callable[[HandlingResult], None] | None = None,
) -> HandlingResult:
    """Handle what is due.

    Args:
        context: where.
        forever: wait for more when nothing is due.
        seconds: wait for more, for so long (real time).
        stop: ends after the subjects in flight.
        wake: set by whoever has put something in; cleared here.
        on_progress: called after every subject, and after an error that ended a round, with the
            growing result.

    Raises:
        StoreOpsError: an answer concerns everybody, and nobody is waiting for the next try: the
            events stay as they were.
    """
    result = HandlingResult()
    stop, wake = stop or threading.Event(), wake or threading.Event()
    until = None if seconds is None else context.clock.monotonic() + seconds
    on_progress = on_progress or (lambda handled: None)
    with ThreadPoolExecutor(READERS, "events") as pool:
        while True:
            wake.clear()
            _after_syncs(context)
            works = [] if stop.is_set() else context.inbox.claim(context.clock.now())
            result.error = (
                _round(context, pool, works, stop, result, on_progress) if works else None
            )
            if works:
                refreshed(context.data, context.clock.now())
            if result.error is not None and not forever and until is None:
                raise result.error
            if works and result.error is None:
                continue
            if result.error is not None:
                on_progress(result)
            _look(context, result)
            if stop.is_set():
                result.ended = "stopped"
            elif not forever and until is None:
                result.ended = "once" if result.left else "empty"
            elif until is not None and context.clock.monotonic() >= until:
                result.ended = "time"
            if result.ended:
                return result
            _wait(context, result, stop, wake, until)


def _after_syncs(context: HandlerContext) -> None:
    """What was handled while a sync ran is handled again after it.

    The sync may have written a page that it read before the event, or may miss a follow that its
    list was too old to show.
    """
    seen = context.inbox.seen_run()
    rows = context.data.execute(
        "SELECT id, started_at, finished_at FROM sync_run WHERE finished_at IS NOT NULL"
        " AND id > ? ORDER BY id",
        (seen or 0,),
    ).fetchall()
    if rows:
        spans = [(began - CLOCK_S, ended + CLOCK_S) for _id, began, ended in rows]
        # the first look: nothing was handled before it
        context.inbox.see_runs(rows[-1][0], spans if seen is not None else (), context.clock.now())


def _look(context: HandlerContext, result: HandlingResult) -> None:
    row = context.inbox.db.execute(
        "SELECT count(*), min(due_at) FROM event WHERE due_at IS NOT NULL"
    ).fetchone()
    result.left, result.next_at = row


def _wait(
    context: HandlerContext,
    result: HandlingResult,
    stop: threading.Event,
    wake: threading.Event,
    until: float | None,
) -> None:
    """Until something is due, somebody wakes us, or for `LOOK_S`."""
    span = LOOK_S
    if result.next_at is not None:
        span = min(span, max(0.05, result.next_at - context.clock.now()))
    if until is not None:
        span = min(span, max(0.05, until - context.clock.monotonic()))
    end = context.clock.monotonic() + span
    while not stop.is_set() and context.clock.monotonic() < end:
        if wake.wait(min(0.2, span)):
            return


def _round(
    context: HandlerContext,
    pool: ThreadPoolExecutor,
    works: Sequence[Work],
    stop: threading.Event,
    result: HandlingResult,
    on_progress: Callable[[HandlingResult], None],
) -> StoreOpsError | None:
    """Read all of `works`, a few at a time, and write each as it comes in.

    Returns:
        What concerns everybody and ended the round; None when all were read.
    """
    flying: list[tuple[Work, Future[Any]]] = []
    befores: list[Any] = []
    for work in works:
        befores.append(subjects.state(context.data, work))
        flying.append((work, pool.submit(_read, context.client, work, stop)))
    closed: dict[str, StoreOpsError] = {}  # kinds of subjects that WeCom lets nobody read
    for index, (work, future) in enumerate(flying):
        if refusal := closed.get(work.subject.kind):
            _put_back(context, [(work, future)], refusal)
            continue
        try:
            found = future.result()
            written = None
            if found is not _STOPPED:
                written = _write(context, work, found, befores[index])
            if written is None:
                context.inbox.release([work], context.clock.now())
                continue
        except StoreOpsError as error:
            if _unreachable(error):
                _failed(context, work, error.to_keep[0], None, result)
                _put_back(context, flying[index + 1 :], error)
                return error
            if _concerns_everybody(error):
                _put_back(context, flying[index:], error)
                return error
            if _concerns_the_like(error):
                closed[work.subject.kind] = error
                _put_back(context, [(work, future)], error)
                continue
            _failed(context, work, error.to_keep[0], error.errcode, result)
        except Exception as error:  # one poisonous event must not hold up the others
            _log.exception("event %s could not be handled", work.events[-1].id)
            _failed(context, work, f"{type(error).__name__} (bug)", None, result)
        else:
            _succeeded(context, work, written, result)
        result.subjects += 1
        on_progress(result)
    return next(iter(closed.values()), None)


def _write(context: HandlerContext, work: Work, found: Any, before: Any) -> WrittenFacts | None:
    """Write what was read, reading again when somebody wrote meanwhile.

    Returns:
        As `subjects.write`; None when it must be begun anew, for more came in or nobody rests.
    """
    for _each in range(REREADS):
        if not context.inbox.is_claimed(work):
            return None
        try:
            return subjects.write(Mirror(context.data, context.clock.now()), work, found, before)
        except subjects.Overtaken:
            before = subjects.state(context.data, work)
            found = subjects.read(context.client, work)
    return None


_STOPPED = object()


def _read(client: WeComClient, work: Work, stop: threading.Event) -> Any:
    if stop.is_set():
        return _STOPPED
    return subjects.read(client, work)


def _put_back(
    context: HandlerContext, flying: Sequence[tuple[Work, Future[Any]]], error: StoreOpsError
) -> None:
    for _work, future in flying:
        future.cancel()
    pause = min(error.retry_after_s or PAUSE_S, retrying.EVENT.longest_s)
    context.inbox.release([work for work, _future in flying], context.clock.now() + pause)


def _unreachable(error: StoreOpsError) -> bool:
    """Whether there was no answer at all: the others would wait in vain, too."""
    from storeops.wecom.errors import ResponseError

    return (
        isinstance(error, NetworkError)
        and not isinstance(error, ResponseError)
        and error.errcode is None
    )


def _concerns_everybody(error: StoreOpsError) -> bool:
    """Whether the next subject would meet the same: no secret, our limits, a full or held disk."""
    from storeops.wecom.errcodes import Reach
    from storeops.wecom.errors import reach_of

    if error.errcode is not None:
        return False
    return reach_of(error) is Reach.EVERYTHING or isinstance(error, ConflictError)


def _concerns_the_like(error: StoreOpsError) -> bool:
    """Whether the other subjects of its kind, which ask the same API, would meet the same."""
    from storeops.wecom.errcodes import Reach, Retry, lookup
    from storeops.wecom.errors import reach_of

    if error.errcode is None:
        return False
    crowded = lookup(error.errcode).retry in (Retry.WAIT, Retry.NARROW)
    return crowded or reach_of(error) is Reach.EVERYTHING


def _succeeded(
    context: HandlerContext, work: Work, written: WrittenFacts, result: HandlingResult
) -> None:
    now = context.clock.now()
    done = []
    for each in work.events:
        if each.id in written.hidden:
            done.append(_failure(work, each, _unread(written.hidden[each.id]), None, now))
            result.events[FAILED] += 1
        elif each.id in written.later:
            due = now + retrying.EVENT.after(each.attempts + 1)
            done.append(
                Done(each.id, work.claim, RECEIVED, "not_listed", None, each.attempts + 1, due)
            )
        else:
            done.append(Done(each.id, work.claim, HANDLED, "", None, 0, None))
            result.events[HANDLED] += 1
    context.inbox.finish(done, now)


def _unread(lost: LostRow) -> str:
    return kept(N_("The row {name} cannot be read."), name=lost.name)


def _failed(
    context: HandlerContext, work: Work, reason: str, errcode: int | None, result: HandlingResult
) -> None:
    now = context.clock.now()
    done = [_failure(work, each, reason, errcode, now) for each in work.events]
    context.inbox.finish(done, now)
    result.events[FAILED] += len(done)


def _failure(work: Work, event: Event, reason: str, errcode: int | None, now: float) -> Done:
    """An event that is tried again with growing distance, until it is given up."""
    attempts = event.attempts + 1
    due = None if retrying.EVENT.over(attempts) else now + retrying.EVENT.after(attempts)
    return Done(event.id, work.claim, FAILED, reason, errcode, attempts, due)
