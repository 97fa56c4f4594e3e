"""`hub serve` where head office has more than one host: stand by, take over, lead, give back.

Who stands by fetches the copy all the time, and from time to time puts it in the place of its
data.db for those who read there. Who takes the lease puts back the whole copy, goes on under the
pauses and windows of the leader that was, takes what that one was sending for unconfirmed, and
serves as any head office. A leader whose lease is gone ends: it starts anew as the second.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from storeops.changes.jobs import lease as worker_lease
from storeops.changes.journal import JournalLine
from storeops.errors import ConfigError, ConflictError, NetworkError, StoreOpsError
from storeops.hub import copying, hosts, leading, office_line, state
from storeops.hub.copying import Copier
from storeops.hub.hosts import HostSettings, OwnData
from storeops.hub.leading import Leadership, Lease, TakenLease
from storeops.hub.settings import HubSettings
from storeops.hub.warm_copy import WarmCopy
from storeops.i18n import _
from storeops.limits import handing_over

if TYPE_CHECKING:
    from storeops.hub.wiring import OfficeWiring

FETCH_S = 3.0  # between two looks at the copy
SHOW_S = 300.0  # between two times that readers at the second host get a newer one
TRIES = 3  # to put the copy back
FIRST_S = 1800.0  # that the first whole copy may take
_log = logging.getLogger(__name__)


class _Standby:
    """What a host does while another one leads."""

    def __init__(self, app: OfficeWiring, settings: HubSettings) -> None:
        self._app, self._profile, self._settings = app, app.profile.name, settings
        self._fetched = self._shown = -FETCH_S
        self.warm = WarmCopy(self._profile)
        self._told = ""

    async def look(self, there: Lease | None) -> None:
        """Fetch what is new of the copy, and now and then show it."""
        now = time.monotonic()
        if there is None or not there.copy or now - self._fetched < FETCH_S:
            return
        async with office_line.office_connection(self._settings) as client:
            await copying.fetch(client, self._settings, self._profile, there.copy)
        self._fetched = time.monotonic()
        await asyncio.to_thread(self.warm.keep, there.copy)
        own = hosts.own_data(self._profile)
        if own.epoch != there.copy or own.led or now - self._shown > SHOW_S:
            await asyncio.to_thread(self._show, there)

    def _show(self, there: Lease) -> None:
        try:
            with self._app.alone():
                copying.restore(self._profile, there.copy, there.seal, self.warm.copy_to)
                hosts.write_own_data(self._profile, OwnData(there.copy, at=there.at))
                self._shown = time.monotonic()
        except ConflictError:
            pass  # somebody reads just now
        except ConfigError as error:  # files were merged while they were listed
            _log.warning("the copy is not shown yet: %s", error.message)


@contextmanager
def leading_head_office(
    app: OfficeWiring,
    settings: HubSettings,
    host: HostSettings,
    stop: threading.Event,
    *,
    force: bool,
    on_standby: Callable[[str], None],
    on_trouble: Callable[[StoreOpsError], None],
) -> Iterator[threading.Event | None]:
    """Stand by until this host leads; the block runs while it does.

    Args:
        app: head office; its databases are not open yet.
        settings: its hub.
        host: this host.
        stop: ends standing by.
        force: take the lease now, with what is on this machine.
        on_standby: told which other host leads, "" for none, whenever that changes.
        on_trouble: told why the server cannot be asked.

    Yields:
        What is set when the block has to end; None when `stop` was set before this host led.

    Raises:
        ConflictError: the lease was lost while the block ran.
        ConfigError: the copy cannot be put back.
    """
    profile = app.profile.name
    copying.must_be_possible()
    copying.end_left_behind(profile)
    run, corp = app.run, app.profile.corp_id
    lead = Leadership(
        profile, settings, host,
        lambda: handing_over.state(run, corp), lambda: handing_over.mark(run),
    )  # fmt: skip
    standby = _Standby(app, settings)
    told: list[str] = []

    async def looked(there: Lease | None) -> None:
        name = there.name if there is not None and not there.released else ""
        if not told or told[-1] != name:
            told.append(name)
            on_standby(name)
        await standby.look(there)

    try:
        taken = asyncio.run(lead.stand_by(stop, looked, on_trouble, force))
    except BaseException:
        standby.warm.end()
        raise
    if taken is None:
        standby.warm.end()
        yield None
        return
    lead.keep()
    ending = threading.Event()
    copier: Copier | None = None
    whole = False
    watching = threading.Thread(target=_watch, args=(lead, stop, ending), name="lease watch")
    watching.start()
    try:
        app.reopen()
        _take_over(app, settings, taken, standby.warm)
        lead.ready()
        if app.standing is not None:
            app.standing.adopt()
        _go_on(app, taken)
        copier = Copier(profile, settings, taken.lease.epoch, lead.copied)
        copier.start()
        _first_copy(lead, stop)
        if lead.confirmed:
            _forget_others(settings, profile, taken.lease.epoch)
        yield ending
        if lead.lost.is_set():
            raise leading.lost_lead()
        with suppress(StoreOpsError):
            copier.secure()
            whole = True
    finally:
        standby.warm.end()
        if app.standing is not None:
            app.standing.leave()
        lead.end(release=whole)
        if copier is not None:
            copier.end()
        ending.set()
        watching.join()


def _watch(lead: Leadership, stop: threading.Event, ending: threading.Event) -> None:
    """Set `ending` when somebody wants us to stop, or the lease is gone."""
    while not ending.wait(0.1):
        if not lead.lost.is_set() and hosts.now_s() >= lead.until:
            lead.lost.set()
        if stop.is_set() or lead.lost.is_set():
            ending.set()


def _take_over(app: OfficeWiring, settings: HubSettings, taken: TakenLease, warm: WarmCopy) -> None:
    """Before this host acts: its files are those of the leader that was, its limits too."""
    profile, before = app.profile.name, taken.before
    if before is not None and before.id != taken.lease.id:
        handing_over.take_over(
            app.run, app.profile.corp_id, before.limits,
            at=time.time(), shift=taken.shift, unseen_s=hosts.LEASE_S,
        )  # fmt: skip
    if not taken.own:
        assert before is not None

        async def fetch() -> None:
            async with office_line.office_connection(settings) as client:
                await copying.fetch(client, settings, profile, before.copy)

        for left in range(TRIES, 0, -1):
            _again(fetch)
            warm.keep(before.copy)
            try:
                copying.restore(profile, before.copy, before.seal, warm.move_to)
                break
            except ConfigError:  # a leader that was stopped may merge files while they are listed
                if left == 1:
                    raise
                time.sleep(1)
    own_data = OwnData(taken.lease.epoch, led=True, boot=hosts.boot_id(), at=time.time())
    hosts.write_own_data(profile, own_data)


def _again(what: Callable[[], Any]) -> None:
    """Over a line that may break: tried until it works, for a while."""
    until = time.monotonic() + FIRST_S
    while True:
        try:
            asyncio.run(what())
            return
        except NetworkError:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)


def _go_on(app: OfficeWiring, taken: TakenLease) -> None:
    """What was under way when the leader that was ended: nobody knows whether it happened."""
    lease, before = taken.lease, taken.before
    if before is not None and before.epoch == lease.epoch:
        return
    payload = {
        "host": lease.name, "epoch": lease.epoch,
        "after": before.name if before is not None else "",
        "copy": before.copy if before is not None and not taken.own else None,
    }  # fmt: skip
    ledger = app.ledger
    with app.data.atomic() as connection:
        # where somebody had set the sending going, what was in the queue then goes on here
        if begun := worker_lease.forsake(connection, before.at if before is not None else 0):
            state.write(connection, state.BEGUN, begun)
        ledger.journal.append(
            connection, [JournalLine("hub.takeover", payload=payload)], ledger.clock.now()
        )
    ledger.journal.seal(app.data, ledger.clock.now())


def _first_copy(lead: Leadership, stop: threading.Event) -> None:
    """Nothing is answered and nothing sent before the first copy of our epoch is whole, and whoever
    comes next would find it."""
    until = time.monotonic() + FIRST_S
    while not lead.confirmed and not stop.is_set() and not lead.lost.is_set():
        if time.monotonic() > until:
            raise NetworkError(_("The copy of head office takes too long."))
        time.sleep(0.05)


def _forget_others(settings: HubSettings, profile: str, epoch: int) -> None:
    async def forget() -> None:
        async with office_line.office_connection(settings) as client:
            await copying.forget(client, profile, epoch)

    with suppress(NetworkError):
        asyncio.run(forget())
