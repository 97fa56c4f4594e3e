"""Answers to back offices that begin to follow."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from storeops.errors import StoreOpsError
from storeops.hub import consumers, rights, state, stores
from storeops.hub.office_line import answered
from storeops.hub.wiring import OfficeWiring

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

AT_ONCE = 50  # consumers that are made at a time, of shops that have not greeted
GREETED_AT_ONCE = 50


class ShopGreetings:
    """Answers back offices that begin to follow.

    A back office says which message it wrote last, and gets what came after that; everything, when
    what it says is of another stream.

    Args:
        app: head office.
        client: of head office.
        made: shops that have a consumer.
        on_refill: called when a shop is given everything once more because its mirror was lost.
    """

    def __init__(
        self, app: OfficeWiring, client: Client, made: set[int], on_refill: Callable[[], None]
    ) -> None:
        self._app = app
        self._client = client
        self._on_refill = on_refill
        self._room = asyncio.Semaphore(GREETED_AT_ONCE)
        self._answering: set[asyncio.Task[None]] = set()
        self._heard: dict[str, Msg] = {}  # by subject; not answered yet
        self._made = made  # shops that have a consumer
        self._making: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def expect(self, shops: set[int]) -> None:
        """Make consumers of some shops that have none: by them is known how far behind they are."""
        self._made &= shops
        missing = sorted(shops - self._made)[:AT_ONCE]
        await asyncio.gather(*(self._make_missing(store) for store in missing))

    async def _make_missing(self, store: int) -> None:
        async with self._making[store]:
            if store not in self._made:
                (position,) = self._app.data.execute(
                    "SELECT position FROM hub_store WHERE department_id = ?", (store,)
                ).fetchone()
                await consumers.make(self._client, store, position)
                self._made.add(store)

    async def _make_anew(self, store: int, position: int | None) -> int:
        async with self._making[store]:
            left = await consumers.make(self._client, store, position)
            self._made.add(store)
            return left

    async def hear(self, message: Msg) -> None:
        """Answer a greeting beside others: all shops may come back at once. Who greets again before
        it was answered keeps its place."""
        waits = message.subject in self._heard
        self._heard[message.subject] = message
        if waits:
            return
        task = asyncio.create_task(self._answer_soon(message.subject))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer_soon(self, subject: str) -> None:
        from nats.errors import Error
        from nats.js.errors import Error as StreamError

        async with self._room:
            message = self._heard.pop(subject)
            with suppress(Error, StreamError, TimeoutError, StoreOpsError):  # it greets again
                await self.answer(message)

    async def answer(self, message: Msg) -> None:
        """Answer one greeting; what cannot be understood gets no answer."""
        try:
            store = int(message.subject.rpartition(".")[2])
            told = json.loads(message.data)
            position, epoch = int(told["stream"]), str(told.get("epoch") or "")
        except (ValueError, KeyError, TypeError):
            return
        known = self._app.data.execute(
            "SELECT last_seen_at FROM hub_store WHERE department_id = ? AND status = 'active'",
            (store,),
        ).fetchone()
        if known is None or store in stores.to_purge(self._app.data):
            return
        stream = rights.stream_of(store)
        newest = (await answered(self._client, lambda js: js.stream_info(stream))).state.last_seq
        connection = self._app.data.connection
        joined = state.read(connection, f"{state.JOINED}{store}")
        current = state.read(connection, "epoch") + joined
        # a mirror may be of a stream that is lost, or of the time before the shop was revoked, when
        # nobody told it who left
        refill = position > 0 and (position > newest or epoch != current or known[0] is None)
        after = None if refill else position or None
        with self._app.data.atomic() as writing:
            writing.execute(
                "UPDATE hub_store SET last_seen_at = ?, position = ? WHERE department_id = ?",
                (int(self._app.clock.now()), after, store),
            )
        left = await self._make_anew(store, after)
        if refill:
            self._on_refill()
        answer = {"refill": refill, "left": left, "epoch": current, "ordered": True}
        await message.respond(json.dumps(answer).encode())
