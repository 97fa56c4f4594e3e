"""The consumers at the server: by them shops get what is theirs, and head office sees how far they
are."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from storeops.hub import publishing, rights
from storeops.hub.office_line import answered, streams_of
from storeops.hub.wiring import OfficeWiring

if TYPE_CHECKING:
    from nats.aio.client import Client


async def make(client: Client, store: int, position: int | None) -> int:
    """Make the consumer of a shop, in place of the one that is there.

    It is in the server's memory and wants no acknowledgement: the back office knows by itself how
    far it is, says it when it greets, and sees by the numbers when one message is missing. A file
    of each shop's position, written at every delivery, would cost the server more than all else.

    Args:
        client: of head office.
        store: department id of the shop.
        position: after which message it begins; None for everything.

    Returns:
        How many messages are left.
    """
    from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
    from nats.js.errors import NotFoundError as NoConsumer

    policy: dict[str, Any] = {"deliver_policy": DeliverPolicy.LAST_PER_SUBJECT}
    if position:
        policy = {
            "deliver_policy": DeliverPolicy.BY_START_SEQUENCE, "opt_start_seq": position + 1,
        }  # fmt: skip
    part, name = rights.part(store), rights.consumer(store)
    wanted = ConsumerConfig(
        durable_name=name,
        filter_subjects=[
            f"{publishing.subjects(part, each)}.>" for each in (store, publishing.EVERYBODY)
        ],
        ack_policy=AckPolicy.NONE,
        mem_storage=True,
        num_replicas=1,
        **policy,
    )
    with suppress(NoConsumer):
        await answered(client, lambda js: js.delete_consumer(rights.stream(part), name))
    info = await answered(client, lambda js: js.add_consumer(rights.stream(part), wanted))
    return info.num_pending or 0


async def every(client: Client) -> dict[int, Any]:
    """What the server knows of every shop's consumer, by department id."""
    found: dict[int, Any] = {}
    for each in await asyncio.gather(*(_listed(client, part) for part in range(rights.PARTS))):
        found |= each
    return found


async def _listed(client: Client, part: int) -> dict[int, Any]:
    streams = streams_of(client)
    found: dict[int, Any] = {}
    offset = 0
    while page := await streams.consumers_info(rights.stream(part), offset=offset):
        for each in page:
            kind, _dash, store = (each.name or "").partition("-")
            if kind == "shop" and store.isdecimal():
                found[int(store)] = each
        offset += len(page)
    return found


async def note_seen(app: OfficeWiring, client: Client) -> None:
    """Note which back offices are waiting for messages at this moment, and how far they are."""
    now = int(app.clock.now())
    waiting = [
        (now, each.delivered.stream_seq, store)
        for store, each in (await every(client)).items()
        if each.num_waiting
    ]
    if waiting:
        with app.data.atomic() as connection:
            connection.executemany(
                "UPDATE hub_store SET last_seen_at = ?, position = max(coalesce(position, 0), ?)"
                " WHERE department_id = ? AND last_seen_at IS NOT NULL",  # it has greeted
                waiting,
            )
