"""Messages of a shop's consumer, as they come.

nats-py's own way of asking for them says the same of a consumer that has nothing and of one that is
gone. Here one request stands at the server at a time, and what the server says at its end is heard.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from storeops.hub import rights

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

BATCH = 500  # messages that one request brings at most
LATE_S = 1.0  # that the server may take to say that the time of a request is over
SILENT_S = 15.0  # in which it said nothing at all: with a server of a cluster its consumers go, and
# for them nobody says so across two accounts; a busy one is late, but says something
_NOTHING = ("404", "408")  # no messages; the time is over


class ShopPull:
    """The consumer of one shop, as its back office asks it; a context manager.

    Args:
        client: of the back office.
        store: department id of the shop.
    """

    def __init__(self, client: Client, store: int) -> None:
        self._client = client
        self._subject = rights.next_subject(rights.consumer(store))
        self._number = 0  # of the request that stands
        self._left = 0  # messages that it may still bring
        self._ends = 0.0
        self._heard = 0.0
        self._lost = False  # something may have been sent that never came

    async def __aenter__(self) -> Self:
        self._heard = time.monotonic()
        self._inbox = self._client.new_inbox()
        self._subscription = await self._client.subscribe(f"{self._inbox}.*")
        return self

    async def __aexit__(self, *_error: object) -> None:
        with suppress(Exception):  # the line is cut
            await self._subscription.unsubscribe()

    async def fetch(self, wait_s: float) -> list[Msg] | None:
        """The next messages, at most BATCH.

        Args:
            wait_s: to wait for the first of them, seconds.

        Returns:
            In order; none when none came in time; None when the consumer is gone, with its server
            or by who may remove it, or when it sent what did not come: it does not send it again.
        """
        if self._lost:
            return None
        if self._left == 0:
            self._number += 1
            request = {"batch": BATCH, "expires": int(wait_s * 1e9)}
            await self._client.publish(
                self._subject, json.dumps(request).encode(), f"{self._inbox}.{self._number}"
            )
            self._left, self._ends = BATCH, time.monotonic() + wait_s + LATE_S
        found: list[Msg] = []
        while self._left:
            try:
                message = await self._subscription.next_msg(
                    max(0.01, self._ends - time.monotonic())
                )
            except TimeoutError:  # its server is gone, or busy: the next request will tell
                self._left = 0
                # of several servers the one that died may have had the answer, and messages too
                several = len(self._client.servers) > 1
                self._lost = several or time.monotonic() - self._heard > SILENT_S
                break
            self._heard = time.monotonic()
            status = (message.headers or {}).get("Status")
            if status is None:
                self._left -= 1
                found.append(message)
                if message.metadata.num_pending == 0 and self._subscription.pending_msgs == 0:
                    break
            elif message.subject == f"{self._inbox}.{self._number}":  # not of an earlier request
                unsent = (message.headers or {}).get("Nats-Pending-Messages")
                self._lost = status not in _NOTHING or unsent not in (None, str(self._left))
                self._left = 0
        return found or (None if self._lost else found)
