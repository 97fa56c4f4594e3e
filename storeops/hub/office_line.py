"""Head office's connection to the server."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from storeops.hub import rights
from storeops.hub.connection import connected
from storeops.hub.settings import HubSettings

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.js import JetStreamContext

T = TypeVar("T")
ANSWER_S = 30  # that a busy server may let us wait for an answer
AGAIN_S = (4.0, 8.0, 18.0)  # the same, sending again what a server of a cluster took along
AGO_S = 60  # clocks of servers may be a little behind


@asynccontextmanager
async def office_connection(settings: HubSettings) -> AsyncIterator[Client]:
    """Head office's connection, in the account with the stream."""
    token = rights.publisher_token(settings, time.time() - AGO_S)
    async with connected(
        settings.url, settings.key("publisher"), token, "head office", authority(settings)
    ) as client:
        yield client


async def answered(client: Client, ask: Callable[[JetStreamContext], Awaitable[T]]) -> T:
    """Ask the server something that may be asked again: a server of a cluster that ends takes what
    was asked along, and nobody says so.

    Args:
        client: of head office.
        ask: asks it.

    Raises:
        TimeoutError: no answer after ANSWER_S.
    """
    for wait in AGAIN_S[:-1]:
        with suppress(TimeoutError):
            return await ask(client.jetstream(timeout=wait))
    return await ask(client.jetstream(timeout=AGAIN_S[-1]))


def patience(client: Client) -> float:
    """Seconds to wait for what may not be asked again by itself: a cluster that has lost a server
    never answers."""
    return AGAIN_S[0] if len(client.servers) > 1 else ANSWER_S


def authority(settings: HubSettings) -> str:
    """PEM of who signed the server's certificate, "" for those whom the system trusts."""
    return Path(settings.tls_ca).read_text("utf-8") if settings.tls_ca else ""
