"""Keys that no server lets in any more."""

from __future__ import annotations

import asyncio
import time

from storeops.errors import NetworkError
from storeops.hub import rights, stores, streams
from storeops.hub import settings as hub_settings
from storeops.hub.connection import connected
from storeops.hub.office_line import AGO_S, authority, office_connection
from storeops.hub.settings import HubSettings
from storeops.hub.wiring import OfficeWiring
from storeops.i18n import _


async def tell(app: OfficeWiring, settings: HubSettings) -> None:
    """Tell the servers whom to let in no more: at once, and for good.

    Raises:
        NetworkError: no server answers.
    """
    now = time.time()
    async with connected(
        settings.url, settings.key("admin"), rights.admin_token(settings, now - AGO_S),
        "head office", authority(settings),
    ) as client:  # fmt: skip
        for token in (  # the first for servers whose configuration an earlier version wrote
            rights.office_token(settings, now),
            rights.shops_token(settings, stores.revoked(app.data), now),
        ):
            answer = await client.request("$SYS.REQ.CLAIMS.UPDATE", token.encode(), timeout=5)
            if b'"error"' in answer.data:
                raise NetworkError(
                    _("The server of the hub did not take the list of revoked keys.")
                )


def refuse_now(app: OfficeWiring, store: int | None = None) -> None:
    """Let revoked keys be refused at once; what a shop gets is no longer kept for it.

    Args:
        app: head office.
        store: department id of a shop that is revoked, None for a key that was replaced.

    Raises:
        NetworkError: no server answers; `serve` tells it when it comes back.
    """
    settings = hub_settings.get(app.profile.name)
    asyncio.run(_refuse_now(app, settings, store))


async def _refuse_now(app: OfficeWiring, settings: HubSettings, store: int | None) -> None:
    await tell(app, settings)
    if store is None:
        return
    async with office_connection(settings) as client:
        await streams.purge(client, store)
