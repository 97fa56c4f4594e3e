"""Publishing: what waits in the outbox goes to the server, until that has kept it."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from storeops.errors import NetworkError
from storeops.hub import publishing
from storeops.hub.office_line import patience
from storeops.hub.publishing import OutboxBatch, ThingMessage
from storeops.hub.wiring import OfficeWiring
from storeops.i18n import _

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg


_log = logging.getLogger(__name__)
ROOM = 1024  # bytes of what the server takes that are headers


class NotKeptError(NetworkError):
    """The server answers, and keeps nothing: its disk is full, most likely."""


async def publish(app: OfficeWiring, client: Client) -> OutboxBatch:
    """Publish the oldest notes, and say what they were.

    A message counts as published when the server has acknowledged it. After a crash in between the
    same messages are published once more, which changes nothing for who has them. What is larger
    than the server takes holds nobody up: it counts as not published, which `hub check` says.
    """
    batch = publishing.take(app.data, time.time())
    if not batch.last:
        return batch
    most = client.max_payload - ROOM
    for each in batch.messages:
        if len(each.payload) > most:
            _log.warning(
                "not published: %s %d for %d has %d bytes, the server takes %d",
                each.kind, each.key, each.store, len(each.payload), most,
            )  # fmt: skip
    fitting = tuple(each for each in batch.messages if len(each.payload) <= most)
    batch = replace(batch, messages=fitting)
    if app.standing is not None:  # no shop knows what another host would not
        await asyncio.to_thread(app.secure)
    expected = None if app.standing is None else publishing.kept(app.data.connection)
    newest = await send(client, batch.messages, expected)
    publishing.done(app.data, batch, newest)
    return batch


async def send(
    client: Client, messages: Sequence[ThingMessage], expected: Mapping[int, int] | None = None
) -> dict[int, int]:
    """Publish messages, and wait until the server has kept each; returns the newest's number by
    part.

    nats-py's own way waits for each answer apart, which costs six times the work: here they are
    counted, under a reply address of these messages alone.

    Args:
        client: of head office.
        messages: in order.
        expected: part → number of its newest message, when nothing may be published after one
            that we do not know of: another host may lead by now.

    Raises:
        NetworkError: the server has gone, or did not keep one; nobody knows then which it kept.
    """
    sent = [(part, name, each.payload) for each in messages for part, name in each.places]
    missing = len(sent)
    newest: dict[int, int] = {}
    next_after = dict(expected or {})
    answered = asyncio.Event()
    refused = ""

    async def answer(message: Msg) -> None:
        nonlocal missing, refused
        missing -= 1
        part = sent[int(message.subject.rpartition(".")[2])][0]
        try:
            newest[part] = max(newest.get(part, 0), int(json.loads(message.data)["seq"]))
        except (ValueError, KeyError, TypeError):  # an error, or nobody keeps anything
            refused = refused or message.data.decode("utf-8", "replace")[:200] or "-"
        if missing == 0 or refused:
            answered.set()

    if not sent:
        return {}
    address = client.new_inbox()
    subscription = await client.subscribe(f"{address}.*", cb=answer)
    for number, (part, name, payload) in enumerate(sent):
        headers = None
        if expected is not None:
            headers = {"Nats-Expected-Last-Sequence": str(next_after[part])}
            next_after[part] += 1
        await client.publish(name, payload, reply=f"{address}.{number}", headers=headers)
    while not answered.is_set():
        had = missing
        with suppress(TimeoutError):
            await asyncio.wait_for(answered.wait(), patience(client))
        if not client.is_connected:
            raise NetworkError(_("The server of the hub has gone."))
        if missing == had and not answered.is_set():
            refused = _("it does not answer")
            break
    await subscription.unsubscribe()
    if refused:
        raise NotKeptError(
            _("The server of the hub did not keep a message: {reason}").format(reason=refused),
            hint=_("Is the disk below its folder full? What was not kept waits in the outbox."),
        )
    return newest
