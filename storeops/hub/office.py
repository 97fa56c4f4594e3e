"""Head office at the server: stream and consumers, publishing, greetings, revoking."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import (
    AbstractContextManager,
    ExitStack,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Protocol

from storeops.changes.jobs.worker import Worker
from storeops.changes.ledger import Ledger
from storeops.clock import Clock
from storeops.config import Profile
from storeops.database.database import Database
from storeops.errors import ConflictError, NetworkError, StoreOpsError, UsageError
from storeops.file_lock import try_lock
from storeops.hub import hosts, outbox, publishing, rights, server, state, stores
from storeops.hub import settings as hub_settings
from storeops.hub.connection import connected, must_be_installed
from storeops.hub.hosts import HostStanding
from storeops.hub.office_line import AGO_S, authority, office_connection
from storeops.hub.publishing import ThingMessage
from storeops.hub.settings import HubSettings
from storeops.hub.upward import REFUSED_ENTRY, Upward
from storeops.i18n import _
from storeops.private_file import open_own

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

IDLE_S = 0.2  # between two looks at the outbox
FULL_S = 5.0  # for somebody to make room
AGAIN_S = 1.0  # before the server is tried again
LOOK_S = 10.0  # between two looks at who follows
ACK_WAIT_S = 20
MOST_SHOPS = 100_000  # unsaid, a server takes 1,000 consumers
AT_ONCE = 50  # consumers that are made at a time
UNACKNOWLEDGED = 1000
ANSWER_S = 30  # that a busy server may let us wait for an answer
HANGS_S = 120  # a server of ours that lives and does not answer for so long is started anew
GREETED_AT_ONCE = 50


class OfficeWiring(Protocol):
    """What head office's hub needs; an `App` has it."""

    @property
    def profile(self) -> Profile:
        """The profile."""

    @property
    def data(self) -> Database:
        """data.db."""

    @property
    def clock(self) -> Clock:
        """WeCom's time."""

    @property
    def ledger(self) -> Ledger:
        """Plans and journal."""

    @property
    def run(self) -> Database:
        """run.db."""

    @property
    def standing(self) -> HostStanding | None:
        """Whether this host leads; None where head office has one host."""

    def secure(self) -> None:
        """Wait until what is committed is where another host finds it."""

    def alone(self) -> AbstractContextManager[None]:
        """Nobody else works with the profile's files while the block runs."""

    def reopen(self) -> None:
        """Close data.db and inbox.db: others lie in their place."""

    def worker(self, *, stop: threading.Event | None = None) -> Worker:
        """A worker at the queue; refused in a back office."""


class NotKeptError(NetworkError):
    """The server answers, and keeps nothing: its disk is full, most likely."""


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
                    await tell_revoked(app, settings)
                    await _prepare(app, client, settings)
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


async def _prepare(app: OfficeWiring, client: Client, settings: HubSettings) -> None:
    """Make the stream, or bring it to what this version wants; a new one is given everything."""
    from nats.js.api import StreamConfig
    from nats.js.errors import NotFoundError as NoStream

    stream = client.jetstream(timeout=ANSWER_S)
    wanted = StreamConfig(
        name=rights.STREAM, subjects=["facts.>"], max_msgs_per_subject=1, allow_direct=False,
        max_consumers=MOST_SHOPS, num_replicas=settings.replicas,
    )  # fmt: skip
    try:
        info = await stream.stream_info(rights.STREAM)
    except NoStream:
        await stream.add_stream(wanted)
        _begin_anew(app)
    else:
        await stream.update_stream(wanted)
        # put back from an older copy, it lacks what we believe that shops have
        if info.state.last_seq < state.number(app.data.connection, "last_seq"):
            _begin_anew(app)
        else:
            await _learn_published(app, stream, info.state.last_seq)
    if not state.read(app.data.connection, "epoch"):
        with app.data.atomic() as connection:
            state.write(connection, "epoch", token_hex(8))


async def _learn_published(app: OfficeWiring, stream: Any, last: int) -> None:
    """Learn of messages that the server kept and this data.db does not know of: they were published
    right before a crash, perhaps from another host. What shops got by them is looked at again."""
    known = state.number(app.data.connection, "last_seq")
    if last <= known:
        return
    if known == 0:  # nothing was noted as published yet: everything waits in the outbox
        publishing.learn(app.data, [], last, time.time())
        return
    from nats.js.errors import NotFoundError as Gone

    found = []
    for number in range(known + 1, last + 1):
        with suppress(Gone):  # a newer one took its place
            message = await stream.get_msg(rights.STREAM, seq=number)
            _facts, store, kind, key = message.subject.split(".", 3)
            found.append((kind, int(key), int(store), message.data or b""))
    publishing.learn(app.data, found, last, time.time())


def _begin_anew(app: OfficeWiring) -> None:
    """Another stream than before: what it lacks is published anew, and every mirror that followed
    the other one is filled anew, for the numbers of its messages mean nothing here."""
    stores.note_everything(app.data, app.clock.now())
    with app.data.atomic() as connection:
        state.write(connection, "epoch", token_hex(8))
        state.write(connection, "last_seq", 0)


async def _work(
    app: OfficeWiring,
    client: Client,
    report: ServeReport,
    once: bool,
    stop: threading.Event,
    on_ready: Callable[[ServeReport], None],
    upward: Upward,
) -> None:
    made = set(await consumers(client))
    greeting = _Greeting(app, client, report)
    await client.subscribe(rights.hello_subject("*"), cb=greeting.hear)
    await client.subscribe(rights.ask_subject("*"), cb=upward.take)
    looked = 0.0
    while not stop.is_set():
        wanted = set(publishing.shops(app.data.connection))
        missing = sorted(wanted - made)
        for start in range(0, len(missing), AT_ONCE):
            part = missing[start : start + AT_ONCE]
            await asyncio.gather(*(make_consumer(client, store) for store in part))
        made = wanted
        on_ready(report)
        more = await publish(app, client, report)
        if time.monotonic() - looked > LOOK_S:
            await note_seen(app, client)
            if app.standing is not None:  # who led before may have gone on for a moment
                stream = client.jetstream(timeout=ANSWER_S)
                info = await stream.stream_info(rights.STREAM)
                await _learn_published(app, stream, info.state.last_seq)
            looked = time.monotonic()
        busy = await upward.turn()
        if not more:
            if once and not busy:
                return
            if not client.is_connected:
                raise NetworkError(_("The server of the hub has gone."))
            await asyncio.sleep(IDLE_S)


async def publish(app: OfficeWiring, client: Client, report: ServeReport) -> bool:
    """Publish the oldest notes; whether more may wait.

    A message counts as published when the server has acknowledged it. After a crash in between the
    same messages are published once more, which changes nothing for who has them.
    """
    batch = publishing.take(app.data, time.time())
    if not batch.last:
        return False
    if app.standing is not None:  # no shop knows what another host would not
        await asyncio.to_thread(app.secure)
    expected = None if app.standing is None else state.number(app.data.connection, "last_seq")
    newest = await send(client, batch.messages, expected)
    publishing.done(app.data, batch, newest)
    report.published += len(batch.messages)
    return batch.more


async def send(
    client: Client, messages: Sequence[ThingMessage], expected: int | None = None
) -> int:
    """Publish messages, and wait until the server has kept each; returns the newest's number.

    nats-py's own way waits for each answer apart, which costs six times the work: here they are
    counted, under a reply address of these messages alone.

    Args:
        client: of head office.
        messages: in order.
        expected: number of the newest message of the stream, when nothing may be published after
            one that we do not know of: another host may lead by now.

    Raises:
        NetworkError: the server has gone, or did not keep one; nobody knows then which it kept.
    """
    missing = len(messages)
    newest = 0
    answered = asyncio.Event()
    refused = ""

    async def answer(message: Msg) -> None:
        nonlocal missing, newest, refused
        missing -= 1
        try:
            newest = max(newest, int(json.loads(message.data)["seq"]))
        except (ValueError, KeyError, TypeError):  # an error, or nobody keeps anything
            refused = refused or message.data.decode("utf-8", "replace")[:200] or "-"
        if missing == 0 or refused:
            answered.set()

    if not messages:
        return 0
    address = client.new_inbox()
    subscription = await client.subscribe(f"{address}.*", cb=answer)
    for number, each in enumerate(messages):
        headers = None
        if expected is not None:
            headers = {"Nats-Expected-Last-Sequence": str(expected + number)}
        await client.publish(
            each.subject, each.payload, reply=f"{address}.{number}", headers=headers
        )
    while not answered.is_set():
        had = missing
        with suppress(TimeoutError):
            await asyncio.wait_for(answered.wait(), ANSWER_S)
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


async def make_consumer(client: Client, store: int, *, after: int | None = None) -> None:
    """Make the consumer of a shop, unless it is there.

    Args:
        client: of head office.
        store: department id of the shop.
        after: number of the last message it need not get again; None for everything.
    """
    from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
    from nats.js.errors import NotFoundError as NoConsumer

    stream = client.jetstream(timeout=ANSWER_S)
    with suppress(NoConsumer):
        await stream.consumer_info(rights.STREAM, rights.consumer(store))
        return
    policy: dict[str, Any] = {"deliver_policy": DeliverPolicy.LAST_PER_SUBJECT}
    if after is not None:
        policy = {
            "deliver_policy": DeliverPolicy.BY_START_SEQUENCE, "opt_start_seq": after + 1,
        }  # fmt: skip
    await stream.add_consumer(
        rights.STREAM,
        ConsumerConfig(
            durable_name=rights.consumer(store),
            filter_subjects=[f"facts.{store}.>", f"facts.{publishing.EVERYBODY}.>"],
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ACK_WAIT_S,
            max_ack_pending=UNACKNOWLEDGED,
            **policy,
        ),
    )


class _Greeting:
    """Answers back offices that begin to follow.

    A back office says which message it wrote last. When the server knows of later ones that were
    acknowledged, the mirror is not the one that received them: everything is delivered again. What
    was delivered and not acknowledged, by a follower that was killed, is delivered at once.
    """

    def __init__(self, app: OfficeWiring, client: Client, report: ServeReport) -> None:
        self._app = app
        self._client = client
        self._report = report
        self._room = asyncio.Semaphore(GREETED_AT_ONCE)
        self._answering: set[asyncio.Task[None]] = set()

    async def hear(self, message: Msg) -> None:
        """Answer a greeting beside others: all shops may come back at once."""
        task = asyncio.create_task(self._answer_soon(message))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer_soon(self, message: Msg) -> None:
        from nats.errors import Error

        async with self._room:
            with suppress(Error, TimeoutError, StoreOpsError):  # it greets again
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
        if known is None:
            return
        stream = self._client.jetstream(timeout=ANSWER_S)
        await make_consumer(self._client, store)  # let in again since we last looked
        info = await stream.consumer_info(rights.STREAM, rights.consumer(store))
        acknowledged = info.ack_floor.stream_seq if info.ack_floor else 0
        # a mirror may be older than what was acknowledged, of a stream that is lost, or of the
        # time before the shop was revoked, when nobody told it who left
        newest = (await stream.stream_info(rights.STREAM)).state.last_seq
        current = state.read(self._app.data.connection, "epoch")
        refill = not acknowledged <= position <= newest or (known[0] is None and position > 0)
        refill = refill or (epoch != "" and epoch != current and position > 0)
        left = (info.num_pending or 0) + (info.num_ack_pending or 0)
        if refill or info.num_ack_pending:
            await stream.delete_consumer(rights.STREAM, rights.consumer(store))
            after = None if refill else acknowledged
            await make_consumer(self._client, store, after=after)
        self._report.refilled += int(refill)
        with self._app.data.atomic() as connection:
            connection.execute(
                "UPDATE hub_store SET last_seen_at = ? WHERE department_id = ?",
                (int(self._app.clock.now()), store),
            )
        answer = {"refill": refill, "left": left, "epoch": current}
        await message.respond(json.dumps(answer).encode())


async def consumers(client: Client) -> dict[int, Any]:
    """What the server knows of every shop's consumer, by department id."""
    stream = client.jetstream(timeout=ANSWER_S)
    found: dict[int, Any] = {}
    offset = 0
    while page := await stream.consumers_info(rights.STREAM, offset=offset):
        for each in page:
            kind, _dash, store = (each.name or "").partition("-")
            if kind == "shop" and store.isdecimal():
                found[int(store)] = each
        offset += len(page)
    return found


async def note_seen(app: OfficeWiring, client: Client) -> None:
    """Note which back offices are waiting for messages at this moment."""
    now = int(app.clock.now())
    waiting = [
        (now, store) for store, each in (await consumers(client)).items() if each.num_waiting
    ]
    if waiting:
        with app.data.atomic() as connection:
            connection.executemany(
                "UPDATE hub_store SET last_seen_at = ?"
                " WHERE department_id = ? AND last_seen_at IS NOT NULL",  # it has greeted
                waiting,
            )


async def tell_revoked(app: OfficeWiring, settings: HubSettings) -> None:
    """Tell the servers whom to let in no more: at once, and for good.

    Raises:
        NetworkError: no server answers.
    """
    now = time.time()
    async with connected(
        settings.url, settings.key("admin"), rights.admin_token(settings, now - AGO_S),
        "head office", authority(settings),
    ) as client:  # fmt: skip
        token = rights.shops_token(settings, stores.revoked(app.data), now)
        answer = await client.request("$SYS.REQ.CLAIMS.UPDATE", token.encode(), timeout=5)
        if b'"error"' in answer.data:
            raise NetworkError(_("The server of the hub did not take the list of revoked keys."))


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
    from nats.js.errors import NotFoundError as Gone

    await tell_revoked(app, settings)
    if store is None:
        return
    async with office_connection(settings) as client:
        stream = client.jetstream(timeout=ANSWER_S)
        with suppress(Gone):
            await stream.delete_consumer(rights.STREAM, rights.consumer(store))
        with suppress(Gone):
            await stream.purge_stream(rights.STREAM, subject=f"facts.{store}.>")
