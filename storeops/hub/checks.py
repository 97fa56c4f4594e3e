"""doctor, and `hub check`: whether head office publishes, whether a back office is fed."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import Iterator

from storeops.database.database import Database
from storeops.durations import ago
from storeops.errors import ExitCode, StoreOpsError
from storeops.hub import arriving, hosts, outbox, publishing, stores
from storeops.hub import settings as hub_settings
from storeops.hub.office import leader
from storeops.hub.office_line import office_connection
from storeops.hub.things import things
from storeops.hub.wiring import OfficeWiring
from storeops.i18n import _, ngettext
from storeops.operations.doctor import Finding

MANY = 10_000  # notes that wait while nobody publishes


def checks(app: OfficeWiring) -> list[Finding]:
    """Findings of head office or of a back office; none where there is no hub. Asks nobody."""
    if app.profile.head_office:
        return [_fed(app)]
    if not outbox.installed(app.data):
        return []
    if app.standing is not None and not app.standing.leads:
        return [_stands_by(app)]
    return [_published(app)]


def _fed(app: OfficeWiring) -> Finding:
    title = _("fed by head office")
    fix = _("Run `storeops hub follow`, best as a service.")
    here = arriving.follow_state(app.data)
    if here.caught_up_at is None:
        return Finding("hub", title, "warning", _("it never had everything"), fix)
    detail = _("it had everything {ago}").format(ago=ago(here.caught_up_at, app.clock.now()))
    if arriving.turned_away(app.data):
        return Finding(
            "hub", title, "failed",
            _("{detail}; head office lets it in no more").format(detail=detail),
            _("Ask head office for a new file to join with."), exit_code=int(ExitCode.ACCESS),
        )  # fmt: skip
    if here.waiting:
        kinds = _(", ").join(here.waiting)
        detail = _("{detail}; what a newer version is needed for waits: {kinds}").format(
            detail=detail, kinds=kinds
        )
        return Finding("hub", title, "warning", detail, _("Install the newer version."))
    if app.clock.now() - here.caught_up_at > 86_400:
        return Finding("hub", title, "warning", detail, fix)
    return Finding("hub", title, "ok", detail)


def _stands_by(app: OfficeWiring) -> Finding:
    """How a host is that does not lead: who does, and how old its copy is."""
    title, profile = _("second host of head office"), app.profile.name
    who, own = hosts.lead(profile), hosts.own_data(profile)
    if not who.name or time.time() - who.at > 60:
        fix = _("Run `storeops hub serve` here, best as a service.")
        return Finding("hub", title, "warning", _("it does not stand by"), fix)
    detail = _("{leader} leads; the copy here is of {ago}").format(
        leader=who.name, ago=ago(own.at, time.time())
    )
    return Finding("hub", title, "ok", detail)


def _published(app: OfficeWiring) -> Finding:
    title = _("published to back offices")
    waiting, _oldest = outbox.waiting(app.data)
    count = ngettext("{count} change waits", "{count} changes wait", waiting).format(count=waiting)
    who = leader(app.profile.name)
    if who:
        return Finding(
            "hub", title, "ok", _("{who} publishes; {count}").format(who=who, count=count)
        )
    fix = _("Run `storeops hub serve`, best as a service.")
    status = "warning" if any(s.status == "active" for s in stores.every(app.data)) else "ok"
    return Finding(
        "hub", title, "warning" if status == "warning" or waiting > MANY else "ok",
        _("nobody publishes; {count}").format(count=count), fix if status == "warning" else "",
    )  # fmt: skip


def thorough(app: OfficeWiring) -> Iterator[Finding]:
    """The same, the server asked, and everything published compared with the mirror."""
    yield from checks(app)
    if app.profile.head_office:
        return
    settings = hub_settings.get(app.profile.name)
    title = _("server answers")
    try:
        asyncio.run(_ask(settings))
        yield Finding("server", title, "ok", settings.url)
    except StoreOpsError as error:
        yield Finding(
            "server", title, "failed", error.message, error.hint, exit_code=int(error.exit_code)
        )
    for store in stores.every(app.data):
        if store.status != "active":
            continue
        title = _("{store} has what the mirror says").format(store=store.code)
        wrong = differences(app.data, store.department_id)
        if wrong:
            detail = ngettext("{count} thing differs", "{count} things differ", len(wrong))
            yield Finding(
                "published", title, "failed", detail.format(count=len(wrong)),
                _("`storeops hub republish --store {store}` publishes everything anew.").format(
                    store=shlex.quote(store.code)
                ),
                exit_code=6,
            )  # fmt: skip
        else:
            waits = outbox.waiting(app.data)[0]
            yield Finding(
                "published", title, "ok", _("or it waits to be published") if waits else ""
            )


async def _ask(settings: hub_settings.HubSettings) -> None:
    async with office_connection(settings):
        pass


def differences(db: Database, store: int) -> list[tuple[str, int]]:
    """(kind, number) of things of a shop that were published otherwise, and are not noted.

    Args:
        db: data.db of head office.
        store: department id of the shop.
    """
    connection = db.connection
    found: list[tuple[str, int]] = []
    nothing = publishing.digest_of(publishing.GONE)
    with publishing.at_one_moment(connection):
        noted = set(connection.execute("SELECT DISTINCT kind, key FROM hub_outbox"))
        if any(kind == "department" for kind, _key in noted):
            return []  # which departments are the shop's is about to be found anew
        for kind, thing in things().items():
            receiver = store if thing.stores else publishing.EVERYBODY
            had: dict[int, bytes] = dict(
                connection.execute(
                    "SELECT key, digest FROM hub_published WHERE kind = ? AND store = ?",
                    (kind, receiver),
                ).fetchall()
            )
            every = thing.every.format(departments=outbox.DEPARTMENTS)
            wanted = [(row[0], receiver) for row in connection.execute(every, {"store": store})]
            now = publishing.payloads(connection, thing, wanted)
            wrong = {
                key
                for key in had.keys() | {key for key, _store in wanted}
                if had.get(key, nothing)
                != publishing.digest_of(now.get((key, receiver), publishing.GONE))
            }
            found += [(kind, key) for key in sorted(wrong) if (kind, key) not in noted]
    return found
