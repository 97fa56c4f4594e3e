"""Head office at work: it starts the server, publishes, and answers, as long as it serves."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storeops.errors import ConflictError, NetworkError, StoreOpsError, UsageError
from storeops.file_lock import try_lock
from storeops.hub import (
    consumers,
    hosts,
    outbox,
    publishing,
    revoking,
    rights,
    sending,
    server,
    stores,
    streams,
)
from storeops.hub import settings as hub_settings
from storeops.hub.connection import connected, must_be_installed
from storeops.hub.greeting import ShopGreetings
from storeops.hub.office_line import AGO_S, authority, office_connection
from storeops.hub.sending import NotKeptError
from storeops.hub.settings import HubSettings
from storeops.hub.upward import REFUSED_ENTRY, Upward
from storeops.hub.wiring import OfficeWiring
from storeops.i18n import _
from storeops.private_file import open_own

if TYPE_CHECKING:
    from nats.aio.client import Client

IDLE_S = 0.2  # between two looks at the outbox
FULL_S = 5.0  # for somebody to make room
AGAIN_S = 1.0  # before the server is tried again
LOOK_S = 10.0  # between two looks at who follows
HANGS_S = 120  # a server of ours that lives and does not answer for so long is started anew


@dataclass
class ServeReport:
    """What `serve` has done so far.

    Attributes:
        published: messages that the server has kept.
        refilled: shops that were given everything once more because their mirror was lost.
        url: of the server.
        server_pid: of the server that was started here, 0 when somebody else runs it.
    """

    published: int = 0
    refilled: int = 0
    url: str = ""
    server_pid: int = 0


def serve(
    app: OfficeWiring,
    *,
    once: bool = False,
    stop: threading.Event | None = None,
    on_ready: Callable[[ServeReport], None] | None = None,
    on_trouble: Callable[[StoreOpsError], None] | None = None,
    on_standby: Callable[[str], None] | None = None,
    lead: bool = False,
) -> ServeReport:
    """Publish what changes until `stop` is set; start the server unless it runs or is external.

    Args:
        app: head office.
        once: end when the outbox is empty.
        stop: when set, ends after what is in flight.
        on_ready: called when the server answers and shops can follow.
        on_trouble: called when the server does not answer any more, or does not keep what is
            published, before it is tried again; once for the same reason.
        on_standby: where head office has more hosts, told which one leads, "" for none.
        lead: lead now, with what is on this machine, though another host may have led since.

    Raises:
        NotFoundError: the profile is no head office.
        ConflictError: another process serves it.
        NetworkError, AccessError: the server does not answer, or not to us.
    """
    must_be_installed()
    settings = hub_settings.get(app.profile.name)
    report = ServeReport(url=settings.url)
    host = hosts.find(app.profile.name)
    with _leading(app.profile.name), ExitStack() as held:
        ending = stop or threading.Event()
        if host is not None:
            from storeops.hub.taking_over import leading_head_office

            if once:
                raise UsageError(_("Where head office has two hosts, `hub serve` stays."))
            led = held.enter_context(
                leading_head_office(
                    app,
                    settings,
                    host,
                    ending,
                    force=lead,
                    on_standby=on_standby or (lambda _name: None),
                    on_trouble=on_trouble or (lambda _error: None),
                )
            )
            if led is None:
                return report
            ending = led
        outbox.install(app.data)  # as this version declares it
        process = server.ServerProcess(app.profile.name, settings)
        try:
            asyncio.run(
                _serve(
                    app,
                    settings,
                    process,
                    report,
                    once,
                    ending,
                    on_ready,
                    on_trouble,
                )
            )
        finally:
            if not settings.external:
                process.stop()
    return report


@contextmanager
def _leading(profile: str) -> Iterator[None]:
    """Be the one who publishes; the lock ends with the process."""
    path = hub_settings.folder(profile) / "serve.lock"
    handle = open_own(path, os.O_RDWR)
    try:
        if not try_lock(handle):
            raise ConflictError(
                _("Another process serves the hub of {name}.").format(name=profile),
                hint=_("`storeops hub status` names it."),
            )
        os.ftruncate(handle, 0)
        os.write(handle, f"{socket.gethostname()}:{os.getpid()}".encode())
        yield
    finally:
        os.close(handle)


def leader(profile: str) -> str:
    """host:pid of the process that serves, "" when none does."""
    path = hub_settings.file(profile).with_name("serve.lock")
    if not path.exists():
        return ""
    handle = open_own(path, os.O_RDWR)
    try:
        if try_lock(handle):
            return ""
        return os.read(handle, 200).decode("utf-8", "replace")
    finally:
        os.close(handle)


async def _serve(
    app: OfficeWiring,
    settings: HubSettings,
    process: server.ServerProcess,
    report: ServeReport,
    once: bool,
    stop: threading.Event,
    on_ready: Callable[[ServeReport], None] | None,
    on_trouble: Callable[[StoreOpsError], None] | None,
) -> None:
    was_ready = False
    told = ""
    upward = Upward(app, stop)

    def ready(report: ServeReport) -> None:
        nonlocal was_ready
        if on_ready is not None and not was_ready:
            on_ready(report)
        was_ready = True

    try:
        while not stop.is_set():
            try:
                if not settings.external:  # also when it has died meanwhile
                    await _start(app, settings, process)
                report.server_pid = 0 if settings.external else process.pid
                async with office_connection(settings) as client:
                    await revoking.tell(app, settings)
                    await streams.prepare(app, client, settings)
                    async with _heard(settings, upward):
                        await _work(app, client, report, once, stop, ready, upward)
                    return
            except NetworkError as error:
                if once or not was_ready:  # it never answered: say so
                    raise
                if on_trouble is not None and error.message != told:
                    on_trouble(error)
                told = error.message
                if isinstance(error, NotKeptError) and not settings.external:
                    process.stop()  # after a full disk it keeps nothing more until started anew
                    await asyncio.sleep(FULL_S)
                await asyncio.sleep(AGAIN_S)
    finally:
        await upward.end()


@asynccontextmanager
async def _heard(settings: HubSettings, upward: Upward) -> AsyncIterator[None]:
    """Hear from the server whom it does not let in."""
    token = rights.admin_token(settings, time.time() - AGO_S)
    async with connected(
        settings.url, settings.key("admin"), token, "head office", authority(settings)
    ) as client:
        await client.subscribe(REFUSED_ENTRY, cb=upward.hear)
        yield


async def _start(app: OfficeWiring, settings: HubSettings, process: server.ServerProcess) -> None:
    """Start the server unless it runs."""
    started = 0.0
    began = time.monotonic()
    while True:
        try:
            async with office_connection(settings):
                return
        except NetworkError:
            # while all shops come back at once it may be too busy to answer: that is no reason to
            # end it
            hangs = time.monotonic() - began > HANGS_S
            if not started and (hangs or not process.lives):
                started = time.monotonic()
                process.start(stores.revoked(app.data), time.time() - AGO_S)
            if started:
                process.must_live(started)
            await asyncio.sleep(0.1)


async def _work(
    app: OfficeWiring,
    client: Client,
    report: ServeReport,
    once: bool,
    stop: threading.Event,
    on_ready: Callable[[ServeReport], None],
    upward: Upward,
) -> None:
    await streams.forget_revoked(app, client)

    def refilled() -> None:
        report.refilled += 1

    greeting = ShopGreetings(app, client, set(await consumers.every(client)), refilled)
    await client.subscribe(rights.hello_subject("*"), cb=greeting.hear)
    await client.subscribe(rights.ask_subject("*"), cb=upward.take)
    looked = 0.0
    while not stop.is_set():
        await streams.forget_revoked(app, client)
        wanted = set(publishing.shops(app.data.connection))
        on_ready(report)
        await greeting.expect(wanted)
        batch = await sending.publish(app, client)
        report.published += len(batch.messages)
        if time.monotonic() - looked > LOOK_S:
            await consumers.note_seen(app, client)
            if app.standing is not None:  # who led before may have gone on for a moment
                await streams.learn_published(app, client, await streams.lasts(client))
            looked = time.monotonic()
        busy = await upward.turn()
        if not batch.more:
            if once and not busy:
                return
            if not client.is_connected:
                raise NetworkError(_("The server of the hub has gone."))
            await asyncio.sleep(IDLE_S)
