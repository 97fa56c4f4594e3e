"""The lease of head office at the server: one key, changed only by who knows its last revision.

A leader renews it every RENEW_S and acts until two thirds of `lease_s` after it last began to; who
stands by takes it when it has seen no other revision for the whole of `lease_s`. Both count on
their own clocks since the start of their machine, so nobody's time of day matters, and the first
has stopped before the second begins. The revision decides between two who try at once.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from storeops.errors import ConflictError, NetworkError, StoreOpsError
from storeops.hub import hosts, office_line
from storeops.hub.hosts import HostSettings, Lead
from storeops.hub.settings import HubSettings
from storeops.i18n import _

if TYPE_CHECKING:
    from nats.js.kv import KeyValue

BUCKET, KEY = "head_office", "leader"
RENEW_S = 2.0
LOOK_S = 0.25  # between two looks whether to renew at once
STAND_S = 1.0  # between two looks at the lease of another host
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lease:
    """What stands at the server.

    Attributes:
        id, name: of the host that leads.
        epoch: grows when another host takes it.
        copy: the newest epoch of which a whole copy is at the server; 0 for none.
        released: it was given back: nobody need wait.
        at: when it was renewed, by the leader's clock; Unix seconds.
        seal: count and head of the journal's seal that the copy fits.
        limits: pauses and windows (`limits.handing_over.state`).
        nonce: of this renewal, so that one whose answer was lost is known again.
        revision: at the server; not part of what is kept.
    """

    id: str
    name: str
    epoch: int
    copy: int = 0
    released: bool = False
    at: float = 0.0
    seal: tuple[int, str] = (0, "")
    limits: dict[str, Any] = field(default_factory=dict)
    nonce: str = ""
    revision: int = 0


@dataclass(frozen=True, slots=True)
class HostSeen:
    """A host as it last said that it is there.

    Attributes:
        id, name: of the host.
        at: when, by its clock; Unix seconds.
        epoch: its data.db is of this epoch.
        copied_at: until when that has everything, by its clock.
    """

    id: str
    name: str
    at: float
    epoch: int
    copied_at: float


@dataclass(frozen=True, slots=True)
class TakenLease:
    """The lease is ours.

    Attributes:
        lease: as we took it.
        before: as it stood; None for the first ever.
        shift: how far this machine's clock is before the leader's that was, seconds.
        own: what is on this machine is the newest: nothing is restored.
    """

    lease: Lease
    before: Lease | None
    shift: float
    own: bool


async def open_bucket(client: Any, settings: HubSettings) -> KeyValue:
    """The bucket, made when it is missing."""
    from nats.js.errors import BucketNotFoundError, NotFoundError

    stream = client.jetstream(timeout=3)
    try:
        found: KeyValue = await stream.key_value(BUCKET)
    except (BucketNotFoundError, NotFoundError):
        found = await stream.create_key_value(
            bucket=BUCKET, history=1, replicas=settings.replicas, direct=False
        )
    return found


async def read(bucket: KeyValue) -> Lease | None:
    """The lease as it stands, None where none was ever taken."""
    from nats.js.errors import KeyNotFoundError

    try:
        entry = await bucket.get(KEY)
    except KeyNotFoundError:
        return None
    told = json.loads(entry.value or b"{}")
    told["seal"] = tuple(told["seal"])
    return replace(Lease(**told), revision=entry.revision or 0)


async def write(bucket: KeyValue, lease: Lease) -> Lease | None:
    """Put it in the place of the revision that it names; None when another one stands there."""
    from nats.js.errors import KeyWrongLastSequenceError

    lease = replace(lease, nonce=hosts.new_id(), at=time.time())
    value = {key: each for key, each in asdict(lease).items() if key != "revision"}
    try:
        revision = await bucket.update(KEY, json.dumps(value).encode(), last=lease.revision)
    except KeyWrongLastSequenceError:
        there = await read(bucket)  # an answer may have been lost
        return there if there is not None and there.nonce == lease.nonce else None
    return replace(lease, revision=revision)


async def say_hello(bucket: KeyValue, profile: str, host: HostSettings, copied_at: float) -> None:
    """Let others see that this host is there."""
    own = hosts.own_data(profile)
    seen = HostSeen(host.id, host.name, time.time(), own.epoch, copied_at or own.at)
    await bucket.put(f"host.{host.id}", json.dumps(asdict(seen)).encode())


async def hosts_seen(bucket: KeyValue) -> list[HostSeen]:
    """All hosts that ever said that they are there, by name."""
    from nats.js.errors import NoKeysError

    try:
        keys = await bucket.keys()
    except NoKeysError:
        return []
    found = []
    for key in keys:
        if key.startswith("host."):
            found.append(HostSeen(**json.loads((await bucket.get(key)).value or b"{}")))
    return sorted(found, key=lambda each: each.name)


class Leadership:
    """The lease as one `hub serve` stands by for it, holds and renews it.

    Args:
        profile: of head office.
        settings: its hub.
        host: this host.
        state: what goes along with each renewal: pauses and windows; called in a thread.
        mark: changes when a renewal should not wait.
    """

    def __init__(
        self,
        profile: str,
        settings: HubSettings,
        host: HostSettings,
        state: Callable[[], dict[str, Any]],
        mark: Callable[[], object],
    ) -> None:
        self._profile, self._settings, self._host = profile, settings, host
        self._state, self._mark = state, mark
        self._lease: Lease | None = None
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()
        self.lost = threading.Event()
        self.until = 0.0
        self._ready = self._release = False
        self._copy: tuple[int, tuple[int, str]] | None = None
        self._copied_at = 0.0
        self._writing = threading.Lock()

    @property
    def _acts_s(self) -> float:
        return self._host.lease_s * 2 / 3

    # -- standing by ---------------------------------------------------------------------------

    async def stand_by(
        self,
        stop: threading.Event,
        looked: Callable[[Lease | None], Awaitable[None]],
        on_trouble: Callable[[StoreOpsError], None],
        force: bool = False,
    ) -> TakenLease | None:
        """Wait until the lease is ours; None when `stop` was set first.

        Args:
            stop: ends it.
            looked: called after each look while another host leads, with time to fetch its copy.
            on_trouble: told, once, why the server cannot be asked.
            force: take it now with what is on this machine: a person knows that nobody leads.
        """
        seen, since, shift, told = -1, 0.0, 0.0, ""
        while not stop.is_set():
            try:
                async with office_line.office_connection(self._settings) as client:
                    bucket = await open_bucket(client, self._settings)
                    while not stop.is_set():
                        began = hosts.now_s()
                        there = await read(bucket)
                        revision = there.revision if there else 0
                        if revision != seen:
                            if seen > 0 and there is not None:
                                shift = time.time() - there.at
                            seen, since = revision, hosts.now_s()
                        mine = self._is_ours(there)
                        if force or self._may_take(there, since, mine):
                            own = force or mine or there is None
                            lease = await write(bucket, self._next(there, mine and not force))
                            if lease is not None:
                                self._lease, self.until = lease, began + self._acts_s
                                return TakenLease(lease, there, shift, own)
                            continue
                        self._note_leader(there)
                        await say_hello(bucket, self._profile, self._host, 0.0)
                        await looked(there)
                        await asyncio.sleep(STAND_S)
            except NetworkError as error:
                if error.message != told:
                    on_trouble(error)
                told = error.message
                await asyncio.sleep(STAND_S)
        return None

    def _is_ours(self, there: Lease | None) -> bool:
        """Whether the lease is this host's from before, and its data.db has been nobody's since."""
        own = hosts.own_data(self._profile)
        return (
            there is not None
            and there.id == self._host.id
            and own.led
            and own.epoch == there.epoch
            and own.boot == hosts.boot_id()
        )

    def _may_take(self, there: Lease | None, since: float, mine: bool) -> bool:
        if there is None:
            return self._host.first or hosts.own_data(self._profile).led
        if there.released:
            return there.copy > 0 or mine
        # nobody else has our id, unless somebody copied our files: then the other one renews
        wait = 2.5 * RENEW_S if mine else self._host.lease_s
        return hosts.now_s() - since > wait and (there.copy > 0 or mine)

    def _next(self, there: Lease | None, mine: bool) -> Lease:
        host = self._host
        if there is None:
            return Lease(host.id, host.name, 1)
        return replace(
            there,
            id=host.id,
            name=host.name,
            epoch=there.epoch if mine else there.epoch + 1,
            released=False,
        )

    def _note_leader(self, there: Lease | None) -> None:
        known = Lead(at=time.time())
        if there is not None and not there.released:
            known = replace(known, id=there.id, name=there.name, epoch=there.epoch)
        hosts.write_lead(self._profile, known)

    # -- leading -------------------------------------------------------------------------------

    def keep(self) -> None:
        """Renew it from now on, beside everything else."""
        self._thread = threading.Thread(target=self._run, name="lease")
        self._thread.start()

    def ready(self) -> None:
        """Every process of this host may act from now on, as long as the lease holds.

        Raises:
            ConflictError: it does not hold any more.
        """
        if self.lost.is_set() or hosts.now_s() >= self.until:
            raise lost_lead()
        self._ready = True
        self._write()

    def copied(self, seal: tuple[int, str], at: float) -> None:
        """The copy of our epoch at the server is whole until then, and fits this seal."""
        assert self._lease is not None
        self._copied_at = at
        self._copy = (self._lease.epoch, seal)

    @property
    def confirmed(self) -> bool:
        """Whether the lease names the copy of our epoch: earlier ones are of no use any more."""
        return self._lease is not None and self._lease.copy == self._lease.epoch

    def end(self, *, release: bool) -> None:
        """Renew it no more; give it back when everything is copied."""
        self._release = release
        self._ending.set()
        if self._thread is not None:
            self._thread.join(30)
        self._ready = False
        if self._lease is not None and not self.lost.is_set():
            hosts.write_lead(self._profile, Lead(at=time.time()))

    def _write(self) -> None:
        with self._writing:
            if self._ready and self._lease is not None:
                lease, boot = self._lease, hosts.boot_id()
                hosts.write_lead(
                    self._profile,
                    Lead(lease.id, lease.name, lease.epoch, self.until, boot, time.time()),
                )

    def _run(self) -> None:
        try:
            asyncio.run(self._renew_until_the_end())
        except Exception:
            _log.exception("the lease cannot be renewed")
        if not self._ending.is_set():
            self.lost.set()

    async def _renew_until_the_end(self) -> None:
        while not self._ending.is_set() and hosts.now_s() < self.until:
            try:
                async with office_line.office_connection(self._settings) as client:
                    bucket = await open_bucket(client, self._settings)
                    while not self._ending.is_set():
                        if not await self._renew(bucket):
                            return
                        await self._rest()
                    if self._release:
                        with suppress(StoreOpsError):
                            await self._renew(bucket, released=True)
                    return
            except NetworkError as error:
                _log.warning("the lease is not renewed: %s", error.message)
                await asyncio.sleep(LOOK_S)

    async def _rest(self) -> None:
        mark = await asyncio.to_thread(self._mark)
        until = hosts.now_s() + RENEW_S
        while hosts.now_s() < until and not self._ending.is_set():
            await asyncio.sleep(LOOK_S)
            if self._copy is not None and not self.confirmed:
                return
            if mark != await asyncio.to_thread(self._mark):
                return

    async def _renew(self, bucket: KeyValue, *, released: bool = False) -> bool:
        """Renew once; False when the lease is another's now."""
        assert self._lease is not None
        began = hosts.now_s()
        if began >= self.until and not released:
            return False  # we have stopped: whoever comes next must restore
        limits = await asyncio.to_thread(self._state)
        wanted = replace(self._lease, limits=limits, released=released)
        if self._copy is not None:
            wanted = replace(wanted, copy=self._copy[0], seal=self._copy[1])
        lease = await write(bucket, wanted)
        if lease is None:
            return False
        self._lease = lease
        if not released:
            self.until = began + self._acts_s
            self._write()
            await say_hello(bucket, self._profile, self._host, self._copied_at)
        return True


def lost_lead() -> ConflictError:
    """What `hub serve` ends with when it leads no longer."""
    return ConflictError(
        _("Another host leads head office now, or this one could not say in time that it does."),
        hint=_("Run `storeops hub serve` again: it stands by then. As a service it does so alone."),
    )
