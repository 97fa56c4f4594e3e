"""The streams at the server: what the hub keeps there of each shop, and how far it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from secrets import token_hex
from typing import TYPE_CHECKING

from storeops.hub import publishing, rights, state, stores
from storeops.hub.office_line import streams_of
from storeops.hub.settings import HubSettings
from storeops.hub.wiring import OfficeWiring

if TYPE_CHECKING:
    from nats.aio.client import Client

MOST_SHOPS = 100_000  # of a part; unsaid, a server takes 1,000 consumers


async def prepare(app: OfficeWiring, client: Client, settings: HubSettings) -> None:
    """Make the streams, or bring them to what this version wants; new ones are given everything."""
    from nats.js.api import StreamConfig
    from nats.js.errors import NotFoundError as NoStream

    streams = streams_of(client)
    lasts: dict[int, int] = {}
    for part in range(rights.PARTS):
        wanted = StreamConfig(
            name=rights.stream(part), subjects=[f"facts-{part}.>"], max_msgs_per_subject=1,
            allow_direct=False, max_consumers=MOST_SHOPS, num_replicas=settings.replicas,
        )  # fmt: skip
        try:
            info = await streams.update_stream(wanted)
        except NoStream:
            info = await streams.add_stream(wanted)
        lasts[part] = info.state.last_seq
    known = publishing.kept(app.data.connection)
    # made for another number of parts; or put back from an older copy, so that they lack what we
    # believe that shops have
    if state.number(app.data.connection, "parts") != rights.PARTS or any(
        lasts[part] < known[part] for part in lasts
    ):
        for part in lasts:  # what they have of things that shops have no longer brings none back
            await streams.purge_stream(rights.stream(part))
        _begin_anew(app, lasts)
    else:
        await learn_published(app, client, lasts)
    with suppress(NoStream):  # of earlier versions
        await streams.delete_stream(rights.STREAM)


async def lasts(client: Client) -> dict[int, int]:
    """Number of the newest message of each part."""
    streams = streams_of(client)
    parts = range(rights.PARTS)
    found = await asyncio.gather(*(streams.stream_info(rights.stream(part)) for part in parts))
    return {part: info.state.last_seq for part, info in zip(parts, found, strict=True)}


async def learn_published(app: OfficeWiring, client: Client, lasts: Mapping[int, int]) -> None:
    """Learn of messages that the server kept and this data.db does not know of: they were published
    right before a crash, perhaps from another host. What shops got by them is looked at again."""
    from nats.js.errors import NotFoundError as Gone

    streams = streams_of(client)
    known = publishing.kept(app.data.connection)
    for part, last in lasts.items():
        if last <= known[part]:
            continue
        found = []
        for number in range(known[part] + 1, last + 1):
            with suppress(Gone):  # a newer one took its place
                message = await streams.get_msg(rights.stream(part), seq=number)
                _facts, store, kind, key = (message.subject or "").split(".", 3)
                found.append((kind, int(key), int(store), message.data or b""))
        publishing.learn(app.data, found, {part: last}, time.time())


def _begin_anew(app: OfficeWiring, lasts: Mapping[int, int]) -> None:
    """Other streams than before: what they lack is published anew, and every mirror that followed
    the others is filled anew, for the numbers of their messages mean nothing here."""
    stores.note_everything(app.data, app.clock.now())
    with app.data.atomic() as connection:
        state.write(connection, "epoch", token_hex(8))
        state.write(connection, "parts", rights.PARTS)
        publishing.note_kept(connection, lasts)
        connection.execute("UPDATE hub_store SET position = NULL")


async def purge(client: Client, store: int, *, follows: bool = False) -> None:
    """Let the server keep nothing of a shop, nor its consumer unless it `follows` again."""
    from nats.js.errors import NotFoundError as Gone

    streams, part = streams_of(client), rights.part(store)
    if not follows:
        with suppress(Gone):
            await streams.delete_consumer(rights.stream(part), rights.consumer(store))
    with suppress(Gone):
        await streams.purge_stream(
            rights.stream(part), subject=f"{publishing.subjects(part, store)}.>"
        )


async def forget_revoked(app: OfficeWiring, client: Client) -> None:
    """Of shops that were revoked nothing stays at the server: who revoked one may not have reached
    it, or something was just being published."""
    for store, follows in stores.to_purge(app.data).items():
        await purge(client, store, follows=follows)
        stores.purged(app.data, store, app.clock.now())
