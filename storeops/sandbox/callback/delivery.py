"""Delivering the control log: in order or not, again when unanswered, sometimes once too often."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from storeops.sandbox.callback.envelope import Envelope, shell
from storeops.sandbox.callback.event_xml import event_xml
from storeops.sandbox.callback.posting import Answered, Receiver
from storeops.sandbox.corp import CUSTOMER_APP

if TYPE_CHECKING:
    from storeops.sandbox.corp import Corp
    from storeops.sandbox.world import World

_LOOK_S = 0.05  # between two looks at the log
_SHOWN = 200  # characters of an answer that are kept


class Unverified(Exception):
    """The receiver did not pass the check of its address (40057)."""


@dataclass(slots=True)
class Fate:
    """What became of one event: waiting, answered, failed or dropped, and every attempt."""

    state: str = "waiting"
    attempts: list[dict[str, Any]] = field(default_factory=list)


@dataclass(order=True, slots=True)
class _Parcel:
    due: float  # of the loop's clock
    number: int
    row: dict[str, Any] = field(compare=False)
    attempt: int = field(compare=False, default=1)
    again: bool = field(compare=False, default=False)  # a repeat of what was answered
    sealed: tuple[int, str, str] | None = field(compare=False, default=None)


class Callbacks:
    """The receiver of the customer app, and what was sent to it. Lives in the server's loop."""

    def __init__(self) -> None:
        self.receiver: Receiver | None = None
        self.fates: dict[int, Fate] = {}  # seq → fate
        self._envelope: Envelope | None = None
        self._task: asyncio.Task[None] | None = None
        self._corp: Corp | None = None
        self._seen = 0  # events of the log that were looked at
        self._agenda: list[_Parcel] = []
        self._count = 0
        self._flying = 0
        self._dice = random.Random(0)

    # -- the console's page

    async def save(self, world: World, url: str, token: str, key: str, after: int) -> None:
        """Check the address as the console does when it is saved, then deliver.

        ValueError for malformed values, Unverified when the receiver does not pass; then the old
        address stays.
        """
        receiver, envelope = Receiver(url), Envelope(token, key)
        dice = random.SystemRandom()
        echo = str(dice.randrange(10**18, 10**19)).encode()
        sealed = envelope.seal(echo, world.corp.corp_id)
        query = envelope.query(world.clock.now(), str(dice.randrange(10**9)), sealed, echo=True)
        answer = await receiver.ask("GET", query, None, world.settings.callback_check_ms / 1000)
        if answer.status != 200 or answer.body != echo:
            raise Unverified(f"40057 the check of {url} failed: {_why(answer)}")
        await self.clear()
        self.receiver, self._envelope = receiver, envelope
        self._corp, self._seen = world.corp, max(0, after)
        self._dice = random.Random(f"{world.corp.seed}/callback")
        self._task = asyncio.get_running_loop().create_task(self._deliver(world))

    async def clear(self) -> bool:
        """Forget the address; whether there was one."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        had, self.receiver, self._envelope = self.receiver is not None, None, None
        self.fates, self._agenda, self._corp, self._flying = {}, [], None, 0
        return had

    def move_in(self, corp: Corp) -> None:
        """A reset or load: the address stays, another chain with a past of its own begins."""
        if self.receiver is not None:
            self._corp, self._seen = corp, len(corp.events)
            self.fates, self._agenda = {}, []

    def as_json(self) -> dict[str, Any]:
        """The address and how deliveries stand; never token and key."""
        states = [fate.state for fate in self.fates.values()]
        unseen = len(self._corp.events) - self._seen if self._corp is not None else 0
        return {
            "url": self.receiver.url if self.receiver is not None else None,
            "events": len(states) + unseen,
            "waiting": unseen + len(self._agenda) + self._flying,  # repeats, too
            **{name: states.count(name) for name in ("answered", "failed", "dropped")},
            "requests": sum(len(fate.attempts) for fate in self.fates.values()),
        }

    def with_delivery(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row of the log with what became of it."""
        fate = self.fates.get(row["seq"])
        if fate is None:
            return row
        return {**row, "delivery": fate.state, "attempts": fate.attempts}

    # -- the mail round

    async def _deliver(self, world: World) -> None:
        while True:
            world.catch_up()
            self._take(world)
            now = asyncio.get_running_loop().time()
            ready: list[_Parcel] = []
            most = max(1, world.settings.callback_parallel)
            while self._agenda and self._agenda[0].due <= now and len(ready) < most:
                ready.append(heappop(self._agenda))
            if ready:
                self._flying = len(ready)
                await asyncio.gather(*(self._send(world, parcel) for parcel in ready))
                self._flying = 0
            else:
                await asyncio.sleep(_LOOK_S)

    def _take(self, world: World) -> None:
        """New events of the log, dropped or shuffled as the settings say."""
        rows = world.corp.events[self._seen :]
        self._seen += len(rows)
        window = world.settings.callback_reorder
        if window > 1:
            for start in range(0, len(rows), window):
                piece = rows[start : start + window]
                self._dice.shuffle(piece)
                rows[start : start + window] = piece
        for row in rows:
            self.fates[row["seq"]] = fate = Fate()
            if self._dice.random() < world.settings.callback_drop_rate:
                fate.state = "dropped"
            else:
                self._put(_Parcel(0.0, 0, row), 0.0)

    def _put(self, parcel: _Parcel, wait_s: float) -> None:
        self._count += 1
        parcel.number = self._count
        parcel.due = asyncio.get_running_loop().time() + wait_s if wait_s else 0.0
        heappush(self._agenda, parcel)

    async def _send(self, world: World, parcel: _Parcel) -> None:
        settings, corp, corp_id = world.settings, self._corp, world.corp.corp_id
        assert self.receiver is not None
        assert self._envelope is not None
        if parcel.sealed is None or settings.callback_resign:
            nonce = str(self._dice.randrange(10**9))
            sealed = self._envelope.seal(event_xml(parcel.row, corp_id), corp_id)
            parcel.sealed = (world.clock.now(), nonce, sealed)
        answer = await self.receiver.ask(
            "POST",
            self._envelope.query(*parcel.sealed),
            shell(corp_id, CUSTOMER_APP, parcel.sealed[2]),
            settings.callback_timeout_ms / 1000,
        )
        if corp is not self._corp:
            return  # a reset meanwhile: what it was about is no more
        fate = self.fates[parcel.row["seq"]]
        fate.attempts.append(
            {
                "attempt": parcel.attempt,
                "at": world.clock.now(),
                "status": answer.status,
                "ms": answer.ms,
                "answer": answer.body[:_SHOWN].decode("utf-8", "replace"),
                **({"error": answer.error} if answer.error else {}),
                **({"again": True} if parcel.again else {}),
            }
        )
        if answer.status == 200:
            fate.state = "answered"
            if not parcel.again and self._dice.random() < settings.callback_repeat_rate:
                parcel.again, parcel.attempt = True, 1
                self._put(parcel, 0.0)
        elif parcel.attempt <= settings.callback_retries:
            parcel.attempt += 1
            self._put(parcel, settings.callback_retry_ms / 1000)
        elif fate.state == "waiting":
            fate.state = "failed"


def _why(answer: Answered) -> str:
    if answer.error:
        return answer.error
    if answer.status != 200:
        return f"HTTP {answer.status}"
    return "it did not answer with the plaintext of echostr"
