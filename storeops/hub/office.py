"""Head office at the server: streams and consumers, publishing, greetings, revoking."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
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
MOST_SHOPS = 100_000  # of a part; unsaid, a server takes 1,000 consumers
AT_ONCE = 50  # consumers that are made at a time, of shops that have not greeted
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
    """Make the streams, or bring them to what this version wants; new ones are given everything."""
    from nats.js.api import StreamConfig
    from nats.js.errors import NotFoundError as NoStream

    streams = client.jetstream(timeout=ANSWER_S)
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
        await _learn_published(app, client, lasts)
    with suppress(NoStream):  # of earlier versions
        await streams.delete_stream(rights.STREAM)


async def _lasts(client: Client) -> dict[int, int]:
    """Number of the newest message of each part."""
    streams = client.jetstream(timeout=ANSWER_S)
    parts = range(rights.PARTS)
    found = await asyncio.gather(*(streams.stream_info(rights.stream(part)) for part in parts))
    return {part: info.state.last_seq for part, info in zip(parts, found, strict=True)}


async def _learn_published(app: OfficeWiring, client: Client, lasts: Mapping[int, int]) -> None:
    """Learn of messages that the server kept and this data.db does not know of: they were published
    right before a crash, perhaps from another host. What shops got by them is looked at again."""
    from nats.js.errors import NotFoundError as Gone

    streams = client.jetstream(timeout=ANSWER_S)
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


async def _work(
    app: OfficeWiring,
    client: Client,
    report: ServeReport,
    once: bool,
    stop: threading.Event,
    on_ready: Callable[[ServeReport], None],
    upward: Upward,
) -> None:
    await _forget_revoked(app, client)
    greeting = _Greeting(app, client, report, set(await consumers(client)))
    await client.subscribe(rights.hello_subject("*"), cb=greeting.hear)
    await client.subscribe(rights.ask_subject("*"), cb=upward.take)
    looked = 0.0
    while not stop.is_set():
        await _forget_revoked(app, client)
        wanted = set(publishing.shops(app.data.connection))
        on_ready(report)
        await greeting.expect(wanted)
        more = await publish(app, client, report)
        if time.monotonic() - looked > LOOK_S:
            await note_seen(app, client)
            if app.standing is not None:  # who led before may have gone on for a moment
                await _learn_published(app, client, await _lasts(client))
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
    expected = None if app.standing is None else publishing.kept(app.data.connection)
    newest = await send(client, batch.messages, expected)
    publishing.done(app.data, batch, newest)
    report.published += len(batch.messages)
    return batch.more


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


async def make_consumer(client: Client, store: int, position: int | None) -> int:
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
    part, streams = rights.part(store), client.jetstream(timeout=ANSWER_S)
    with suppress(NoConsumer):
        await streams.delete_consumer(rights.stream(part), rights.consumer(store))
    info = await streams.add_consumer(
        rights.stream(part),
        ConsumerConfig(
            durable_name=rights.consumer(store),
            filter_subjects=[
                f"{publishing.subjects(part, each)}.>" for each in (store, publishing.EVERYBODY)
            ],
            ack_policy=AckPolicy.NONE,
            mem_storage=True,
            num_replicas=1,
            **policy,
        ),
    )
    return info.num_pending or 0


class _Greeting:
    """Answers back offices that begin to follow.

    A back office says which message it wrote last, and gets what came after that; everything, when
    what it says is of another stream.
    """

    def __init__(
        self, app: OfficeWiring, client: Client, report: ServeReport, made: set[int]
    ) -> None:
        self._app = app
        self._client = client
        self._report = report
        self._room = asyncio.Semaphore(GREETED_AT_ONCE)
        self._answering: set[asyncio.Task[None]] = set()
        self._heard: dict[str, Msg] = {}  # by subject; not answered yet
        self._made = made  # shops that have a consumer
        self._making: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def expect(self, shops: set[int]) -> None:
        """Make consumers of some shops that have none: by them is known how far behind they are."""
        self._made &= shops
        missing = sorted(shops - self._made)[:AT_ONCE]
        await asyncio.gather(*(self._make_missing(store) for store in missing))

    async def _make_missing(self, store: int) -> None:
        async with self._making[store]:
            if store not in self._made:
                (position,) = self._app.data.execute(
                    "SELECT position FROM hub_store WHERE department_id = ?", (store,)
                ).fetchone()
                await make_consumer(self._client, store, position)
                self._made.add(store)

    async def _make_anew(self, store: int, position: int | None) -> int:
        async with self._making[store]:
            left = await make_consumer(self._client, store, position)
            self._made.add(store)
            return left

    async def hear(self, message: Msg) -> None:
        """Answer a greeting beside others: all shops may come back at once. Who greets again before
        it was answered keeps its place."""
        waits = message.subject in self._heard
        self._heard[message.subject] = message
        if waits:
            return
        task = asyncio.create_task(self._answer_soon(message.subject))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer_soon(self, subject: str) -> None:
        from nats.errors import Error
        from nats.js.errors import Error as StreamError

        async with self._room:
            message = self._heard.pop(subject)
            with suppress(Error, StreamError, TimeoutError, StoreOpsError):  # it greets again
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
        if known is None or store in stores.to_purge(self._app.data):
            return
        streams = self._client.jetstream(timeout=ANSWER_S)
        newest = (await streams.stream_info(rights.stream_of(store))).state.last_seq
        connection = self._app.data.connection
        joined = state.read(connection, f"{state.JOINED}{store}")
        current = state.read(connection, "epoch") + joined
        # a mirror may be of a stream that is lost, or of the time before the shop was revoked, when
        # nobody told it who left
        refill = position > 0 and (position > newest or epoch != current or known[0] is None)
        after = None if refill else position or None
        with self._app.data.atomic() as writing:
            writing.execute(
                "UPDATE hub_store SET last_seen_at = ?, position = ? WHERE department_id = ?",
                (int(self._app.clock.now()), after, store),
            )
        left = await self._make_anew(store, after)
        self._report.refilled += int(refill)
        answer = {"refill": refill, "left": left, "epoch": current, "ordered": True}
        await message.respond(json.dumps(answer).encode())


async def consumers(client: Client) -> dict[int, Any]:
    """What the server knows of every shop's consumer, by department id."""
    found: dict[int, Any] = {}
    for each in await asyncio.gather(*(_listed(client, part) for part in range(rights.PARTS))):
        found |= each
    return found


async def _listed(client: Client, part: int) -> dict[int, Any]:
    streams = client.jetstream(timeout=ANSWER_S)
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
        for store, each in (await consumers(client)).items()
        if each.num_waiting
    ]
    if waiting:
        with app.data.atomic() as connection:
            connection.executemany(
                "UPDATE hub_store SET last_seen_at = ?, position = max(coalesce(position, 0), ?)"
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
    await tell_revoked(app, settings)
    if store is None:
        return
    async with office_connection(settings) as client:
        await _purge(client, store)


async def _purge(client: Client, store: int, *, follows: bool = False) -> None:
    """Let the server keep nothing of a shop, nor its consumer unless it `follows` again."""
    from nats.js.errors import NotFoundError as Gone

    streams, part = client.jetstream(timeout=ANSWER_S), rights.part(store)
    if not follows:
        with suppress(Gone):
            await streams.delete_consumer(rights.stream(part), rights.consumer(store))
    with suppress(Gone):
        await streams.purge_stream(
            rights.stream(part), subject=f"{publishing.subjects(part, store)}.>"
        )


async def _forget_revoked(app: OfficeWiring, client: Client) -> None:
    """Of shops that were revoked nothing stays at the server: who revoked one may not have reached
    it, or something was just being published."""
    for store, follows in stores.to_purge(app.data).items():
        await _purge(client, store, follows=follows)
        stores.purged(app.data, store, app.clock.now())
