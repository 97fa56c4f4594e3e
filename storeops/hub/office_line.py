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
# the same in a cluster: what is asked while its servers choose who leads is never answered
ANSWER_OF_SEVERAL_S = 5
AGAIN_S = (4.0, 8.0, 18.0)  # ANSWER_S, sending again what a server took along
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
    """Seconds to wait for an answer of JetStream."""
    return ANSWER_OF_SEVERAL_S if len(client.servers) > 1 else ANSWER_S


def streams_of(client: Client) -> JetStreamContext:
    """JetStream as head office asks it: as long as it may take, and no longer."""
    return client.jetstream(timeout=patience(client))


def authority(settings: HubSettings) -> str:
    """PEM of who signed the server's certificate, "" for those whom the system trusts."""
    return Path(settings.tls_ca).read_text("utf-8") if settings.tls_ca else ""
