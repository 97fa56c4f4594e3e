"""Alarms of the mirror, of callbacks, of the machine and of the proof of what was done."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from storeops import paths, times
from storeops.durations import span
from storeops.errors import AccessError, ConfigError
from storeops.i18n import N_, _, ngettext, plural
from storeops.operations.alarms import Alarm, AlarmKind

if TYPE_CHECKING:
    from storeops.operations.events import EventWiring

Settings = Mapping[str, Any]
Said = tuple[str, str]
DAY_S = 86_400.0


# -- sync -----------------------------------------------------------------------------------------


def _find_stale(app: EventWiring, settings: Settings) -> Iterator[Alarm]:
    from storeops.reading import freshness

    limit = settings["after"] or app.settings.stale_after
    found = freshness.scopes(app.data, app.clock.now(), stale_after_s=limit)
    stale = [each for each in found if each.stale and each.age_s is not None]
    if stale:
        age = max(each.age_s or 0.0 for each in stale)
        rank = sum(age > limit * factor for factor in (1, 3, 7))
        scopes = [each.scope for each in stale]
        yield Alarm(
            tone="bad" if rank > 1 else "warn", rank=rank, values={"scopes": scopes, "age_s": age}
        )


def _describe_stale(values: Settings) -> Said:
    text = _("Not read for {span}: {scopes}.").format(
        span=span(values["age_s"]), scopes=_scopes(values["scopes"])
    )
    return text, "storeops sync run"


def _scopes(names: list[str]) -> str:
    from storeops.sync.scopes import scope_title

    return _(", ").join(map(scope_title, names))


SYNC_STALE = AlarmKind(
    title=N_("The mirror is stale"), settings={"after": ""}, find=_find_stale,
    describe=_describe_stale, on_today=False,
)  # fmt: skip


def _find_partial(app: EventWiring, _settings: Settings) -> Iterator[Alarm]:
    from storeops.reading import freshness

    found = freshness.scopes(app.data, app.clock.now(), stale_after_s=app.settings.stale_after)
    broken = {each.scope: each.outcome for each in found if each.outcome in ("partial", "failed")}
    if broken:
        rank = 2 if "failed" in broken.values() else 1
        yield Alarm(tone="warn" if rank == 1 else "bad", rank=rank, values={"scopes": [*broken]})


SYNC_PARTIAL = AlarmKind(
    title=N_("The last sync was not whole"),
    find=_find_partial,
    describe=lambda values: (
        _("The last sync was not whole: {scopes}.").format(scopes=_scopes(values["scopes"])),
        "storeops sync status",
    ),
    on_today=False,
)


# -- what callbacks tell --------------------------------------------------------------------------


def _of_today(app: EventWiring, change: str) -> dict[str, int]:
    """Member → events of a kind since midnight; {} where none was ever received."""
    if not paths.inbox_db(app.profile.name).exists():
        return {}
    from storeops.events.listing import by_member

    return by_member(app.inbox, change, times.midnight(app.clock.now()).timestamp())


def _find_deletions(app: EventWiring, settings: Settings) -> Iterator[Alarm]:
    from storeops.events.kinds import DELETED
    from storeops.mirror.members import word_of

    day = times.day(app.clock.now())
    for userid, count in _of_today(app, DELETED).items():
        if count > settings["customers"]:
            rank = count // max(1, settings["customers"])
            values = {"who": word_of(app.data, userid), "count": count, "day": day}
            yield Alarm(key=f"{userid} {day}", tone="bad", rank=rank, values=values)


DELETIONS = AlarmKind(
    title=N_("A guide deletes many customers"),
    settings={"customers": 20},
    find=_find_deletions,
    describe=lambda values: (
        plural(
            "{who} deleted {count} customer on {day}.",
            "{who} deleted {count} customers on {day}.",
            **values,
        ),
        "storeops events list --change del_external_contact",
    ),
)


def _find_departures(app: EventWiring, settings: Settings) -> Iterator[Alarm]:
    from storeops.events.kinds import DELETED_BY_CUSTOMER

    count = sum(_of_today(app, DELETED_BY_CUSTOMER).values())
    if count > settings["customers"]:
        day = times.day(app.clock.now())
        rank = count // max(1, settings["customers"])
        yield Alarm(key=day, rank=rank, values={"count": count, "day": day})


DEPARTURES = AlarmKind(
    title=N_("Many customers leave"),
    settings={"customers": 100},
    find=_find_departures,
    describe=lambda values: (
        plural(
            "{count} customer deleted their guide on {day}.",
            "{count} customers deleted their guide on {day}.",
            **values,
        ),
        "storeops events list --change del_follow_user",
    ),
)


def _find_silent(app: EventWiring, settings: Settings) -> Iterator[Alarm]:
    if not paths.inbox_db(app.profile.name).exists():
        return
    from storeops.events.listing import standing

    last, now = standing(app.inbox).last_received, app.clock.now()
    if last is not None and now - last > settings["after"]:
        rank = sum(now - last > settings["after"] * factor for factor in (1, 7))
        yield Alarm(rank=rank, values={"last_at": last, "age_s": now - last})


EVENTS_SILENT = AlarmKind(
    title=N_("No callback for long"),
    settings={"after": "24h"},
    find=_find_silent,
    describe=lambda values: (
        _("No callback came for {span}; does the receiver run?").format(span=span(values["age_s"])),
        "storeops events status",
    ),
)


def _find_dead(app: EventWiring, _settings: Settings) -> Iterator[Alarm]:
    if not paths.inbox_db(app.profile.name).exists():
        return
    from storeops.events.listing import standing

    counts = standing(app.inbox).counts
    for status in ("failed", "unreadable"):
        if counts.get(status):
            rank = len(str(counts[status]))  # again at 10, 100, 1,000
            values = {"count": counts[status], "status": status}
            yield Alarm(key=status, rank=rank, values=values)


def _describe_dead(values: Settings) -> Said:
    count = values["count"]
    step = f"storeops events list --status {values['status']}"
    if values["status"] == "failed":
        text = ngettext(
            "{count} event could not be handled.", "{count} events could not be handled.", count
        )
    else:
        text = ngettext(
            "{count} event could not be decrypted.", "{count} events could not be decrypted.", count
        )
    return text.format(count=count), step


EVENTS_DEAD = AlarmKind(title=N_("Events that failed"), find=_find_dead, describe=_describe_dead)


# -- the machine ----------------------------------------------------------------------------------


def _find_credentials(app: EventWiring, _settings: Settings) -> Iterator[Alarm]:
    """One harmless call; silence of the network is no matter of credentials."""
    from storeops.wecom import server

    try:
        server.api_domain_ips(app.client)
    except AccessError as error:
        values = {"errcode": error.errcode, "text": error.message}
        yield Alarm(key=str(error.errcode), tone="bad", values=values)
    except ConfigError as error:
        yield Alarm(key="secret", tone="bad", values={"errcode": None, "text": error.message})


CREDENTIALS = AlarmKind(
    title=N_("WeCom refuses this app"),
    find=_find_credentials,
    describe=lambda values: (values["text"], "storeops doctor"),
    every_s=600.0,
)


def _find_disk(app: EventWiring, settings: Settings) -> Iterator[Alarm]:
    free = shutil.disk_usage(paths.profile_dir(app.profile.name)).free
    limit = settings["free_mb"] * 1_000_000
    if free < limit:
        rank = sum(free < limit * share for share in (1, 0.5, 0.1))
        yield Alarm(tone="bad", rank=rank, values={"free": free})


DISK = AlarmKind(
    title=N_("The disk is nearly full"),
    settings={"free_mb": 2000},
    find=_find_disk,
    describe=lambda values: (
        _("{size} MB are free on the disk of the databases.").format(
            size=f"{values['free'] // 1_000_000:,}"
        ),
        "storeops db path --all",
    ),
)


def _find_backup(app: EventWiring, settings: Settings) -> Iterator[Alarm]:
    from storeops.database.backup import newest_backup
    from storeops.reading import freshness

    now = app.clock.now()
    newest = newest_backup(paths.backups_path(app.profile.name))
    if newest is None:
        scopes = freshness.scopes(app.data, now, names=("follows",))
        if scopes[0].completed_at is not None:  # there is something to lose
            yield Alarm(values={"age_s": None})
        return
    # a file's time is this machine's
    age = now - app.clock.offset - newest.stat().st_mtime
    if age > settings["after"]:
        rank = sum(age > settings["after"] * factor for factor in (1, 3, 10))
        yield Alarm(rank=rank, tone="bad" if rank > 1 else "warn", values={"age_s": age})


def _describe_backup(values: Settings) -> Said:
    if values["age_s"] is None:
        return _("There is no backup yet."), "storeops db backup"
    text = _("The newest backup is {span} old.").format(span=span(values["age_s"]))
    return text, "storeops db backup"


BACKUP = AlarmKind(
    title=N_("The backup is overdue"), settings={"after": "3d"}, find=_find_backup,
    describe=_describe_backup,
)  # fmt: skip


def _find_journal(app: EventWiring, _settings: Settings) -> Iterator[Alarm]:
    from storeops.changes.verify import verify

    proof = verify(app.ledger.db, app.ledger.journal)
    if not proof.whole:
        yield Alarm(tone="bad", values={"count": len(proof.findings) + proof.more})


JOURNAL = AlarmKind(
    title=N_("The journal is not whole"),
    find=_find_journal,
    describe=lambda values: (
        ngettext(
            "The journal is not whole: {count} finding.",
            "The journal is not whole: {count} findings.",
            values["count"],
        ).format(count=values["count"]),
        "storeops audit verify",
    ),
    every_s=DAY_S - 3600.0,
)
