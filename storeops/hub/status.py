"""How the hub is: server, who publishes, what waits, and each shop."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from storeops.errors import StoreOpsError
from storeops.hub import (
    arriving,
    asking,
    attempts,
    consumers,
    hosts,
    joining,
    leading,
    office,
    outbox,
    requests,
    stores,
)
from storeops.hub import settings as hub_settings
from storeops.hub.attempts import AttemptCount
from storeops.hub.connection import connected
from storeops.hub.office_line import office_connection
from storeops.hub.wiring import OfficeWiring
from storeops.mirror.shared import count_follows

AWAY_S = 60.0  # not seen for so long


@dataclass(frozen=True, slots=True)
class ShopStatus:
    """One shop.

    Attributes:
        store_code: its number.
        store: its name.
        state: following | away | never | revoked.
        last_seen_at: when its back office was last seen, Unix seconds; at a back office, when it
            last had everything.
        behind: messages that it has not acknowledged; None when the server does not say.
        follows: how many follows the shop has, by the mirror at hand.
    """

    store_code: str
    store: str
    state: str
    last_seen_at: float | None
    behind: int | None
    follows: int


@dataclass(frozen=True, slots=True)
class HostStatus:
    """One of several hosts of head office.

    Attributes:
        host: its name.
        state: leads | stands_by | away.
        seen_at: when it last said that it is there, by its clock; Unix seconds.
        copied_at: the leader: when everything was last at the server; the other: until when its
            data.db has everything.
    """

    host: str
    state: str
    seen_at: float
    copied_at: float | None


@dataclass(frozen=True, slots=True)
class HubStatus:
    """The whole.

    Attributes:
        url: of the server.
        answers: whether it does, and lets us in.
        trouble: why it does not, "" when it does.
        leader: host:pid of the process that publishes, or the name of the host that leads; "" for
            none.
        lag: how long the oldest change has waited to be published, seconds; None at a back office.
        outbox: notes that wait; None at a back office.
        shops: by number.
        waiting: kinds that this version does not know, with how many things wait.
        requests: how many wait for approval; at a back office, how many it has not sent yet.
        turned_away: what was turned away in the last day.
        hosts: of head office, where it has several.
    """

    url: str
    answers: bool
    trouble: str
    leader: str
    lag: float | None
    outbox: int | None
    shops: tuple[ShopStatus, ...]
    waiting: dict[str, int]
    requests: int = 0
    turned_away: tuple[AttemptCount, ...] = ()
    hosts: tuple[HostStatus, ...] = ()


def read(app: OfficeWiring) -> HubStatus:
    """How the hub is, as seen from head office or from a back office.

    Raises:
        NotFoundError: the profile is neither.
    """
    if app.profile.head_office:
        return _back_office(app)
    settings = hub_settings.get(app.profile.name)
    known: dict[int, Any] = {}
    trouble = ""
    who: list[HostStatus] = []
    try:
        known = asyncio.run(_consumers(app, settings, who))
    except StoreOpsError as error:
        trouble = error.message
    waiting, oldest = outbox.waiting(app.data)
    now = app.clock.now()
    counts = count_follows(app.data.connection)
    shops = []
    for each in stores.every(app.data):
        consumer = known.get(each.department_id)
        behind = consumer.num_pending + consumer.num_ack_pending if consumer else None
        seen = each.last_seen_at
        state = "revoked" if each.status != "active" else "never"
        if state == "never" and seen is not None:
            state = "following" if now - seen <= AWAY_S and not trouble else "away"
        own = outbox.departments_of(app.data.connection, each.department_id)
        follows = sum(counts.get(department, 0) for department in own)
        shops.append(ShopStatus(each.code, each.name, state, seen, behind, follows))
    leader = office.leader(app.profile.name)
    if app.standing is not None:
        leads = [each.host for each in who if each.state == "leads"]
        leader = leads[0] if leads else _last_leader(app, app.standing.host.lease_s, trouble)
    return HubStatus(
        settings.url, not trouble, trouble, leader,
        max(0.0, time.time() - oldest) if oldest is not None else 0.0, waiting, tuple(shops), {},
        requests.waiting(app.data), tuple(attempts.recent(app.data, now)), tuple(who),
    )  # fmt: skip


def _last_leader(app: OfficeWiring, lease_s: float, trouble: str) -> str:
    """Who leads by what this host heard last, as long as that can still be so."""
    last = hosts.lead(app.profile.name)
    return last.name if trouble and time.time() - last.at <= lease_s else ""


async def _consumers(
    app: OfficeWiring, settings: hub_settings.HubSettings, who: list[HostStatus]
) -> dict[int, Any]:
    from nats.js.errors import NotFoundError as NoStream

    async with office_connection(settings) as client:
        if app.standing is not None:
            who += await _hosts(client, settings, app.standing.host.lease_s)
        try:
            if app.standing is None or app.standing.leads:
                await consumers.note_seen(app, client)
            return await consumers.every(client)
        except NoStream:  # nothing was published yet
            return {}


async def _hosts(
    client: Any, settings: hub_settings.HubSettings, lease_s: float
) -> list[HostStatus]:
    bucket = await leading.open_bucket(client, settings)
    lease, now = await leading.read(bucket), time.time()
    found = []
    for each in await leading.hosts_seen(bucket):
        holds = lease is not None and lease.id == each.id and not lease.released
        state = "leads" if holds else "stands_by"
        if now - each.at > lease_s:
            state = "away"
        found.append(HostStatus(each.name, state, each.at, each.copied_at or None))
    return found


def _back_office(app: OfficeWiring) -> HubStatus:
    here = arriving.follow_state(app.data)
    trouble = ""
    try:
        asyncio.run(_ask(app))
    except StoreOpsError as error:
        trouble = error.message
    follows = sum(count_follows(app.data.connection).values())
    state = "never"
    if here.caught_up_at is not None:
        lately = app.clock.now() - here.caught_up_at <= AWAY_S
        state = "following" if lately and not trouble else "away"
    shop = ShopStatus(app.profile.store, "", state, here.caught_up_at, here.behind, follows)
    return HubStatus(
        app.profile.head_office,
        not trouble,
        trouble,
        "",
        None,
        None,
        (shop,),
        here.waiting,
        asking.waiting(app.data),
    )


async def _ask(app: OfficeWiring) -> None:
    """Connect as this back office, and nothing else."""
    join = joining.of_profile(app.profile)
    async with connected(join.url, join.key, join.token, join.store_code, join.ca):
        pass
