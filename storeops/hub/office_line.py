"""Head office's connection to the server."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from storeops.hub import rights
from storeops.hub.connection import connected
from storeops.hub.settings import HubSettings

if TYPE_CHECKING:
    from nats.aio.client import Client

ANSWER_S = 30  # that a busy server may let us wait for an answer
AGO_S = 60  # clocks of servers may be a little behind


@asynccontextmanager
async def office_connection(settings: HubSettings) -> AsyncIterator[Client]:
    """Head office's connection, in the account with the stream."""
    token = rights.publisher_token(settings, time.time() - AGO_S)
    async with connected(
        settings.url, settings.key("publisher"), token, "head office", authority(settings)
    ) as client:
        yield client


def authority(settings: HubSettings) -> str:
    """PEM of who signed the server's certificate, "" for those whom the system trusts."""
    return Path(settings.tls_ca).read_text("utf-8") if settings.tls_ca else ""
