"""Alarms of handovers: a leaver's deadline, refusals, answers that do not come, many who leave."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from storeops.domains.handover import report, rules
from storeops.domains.handover.leavers import leavers
from storeops.i18n import N_, ngettext, plural
from storeops.mirror import meta
from storeops.operations.alarms import Alarm, AlarmKind

if TYPE_CHECKING:
    from storeops.operations.events import EventWiring

Settings = Mapping[str, Any]
Said = tuple[str, str]


def _find_deadlines(app: EventWiring, settings: Settings) -> Iterator[Alarm]:
    now = app.clock.now()
    days = sorted(settings["days"], reverse=True)
    for each in leavers(app.data, now):
        if (
            each.left_at is None
            or not each.in_time(now)
            or not (each.customers or each.group_chats)
        ):
            continue
        left = (each.left_at + rules.YEAR_S - now) / rules.DAY_S
        rank = sum(left <= limit for limit in days)
        if rank:
            values = {
                "userid": each.userid, "name": each.name or each.userid, "days": each.days_left,
                "customers": each.customers, "groups": each.group_chats,
            }  # fmt: skip
            tone = "bad" if rank > 1 else "warn"
            yield Alarm(key=each.userid.lower(), tone=tone, rank=rank, values=values)


def _describe_deadline(values: Settings) -> Said:
    text = ngettext(
        "{name}: {days} day left to assign {customers} customers and {groups} groups.",
        "{name}: {days} days left to assign {customers} customers and {groups} groups.",
        values["days"],
    ).format(**{key: values[key] for key in ("name", "days", "customers", "groups")})
    return text, f"storeops leaver plan {shlex.quote(values['userid'])}"


LEAVER_DEADLINE = AlarmKind(
    title=N_("A leaver's year ends"), settings={"days": [30, 7, 1]}, find=_find_deadlines,
    describe=_describe_deadline,
)  # fmt: skip


def _find_refused(app: EventWiring, settings: Settings) -> Iterator[Alarm]:
    since = app.clock.now() - settings["within"]
    for line in report.report(app.data, by="plan", since=since):
        count = sum(line.ends.get(each, 0) for each in ("refused", "taker_full", "failed"))
        if count:
            rank = len(str(count))  # again at 10, 100, 1,000
            yield Alarm(key=line.key, rank=rank, values={"plan": line.key, "count": count})


REFUSED = AlarmKind(
    title=N_("Handovers were refused"),
    settings={"within": "7d"},
    find=_find_refused,
    describe=lambda values: (
        ngettext(
            "{count} handover of plan {plan} was refused.",
            "{count} handovers of plan {plan} were refused.",
            values["count"],
        ).format(**values),
        f"storeops plan results {shlex.quote(values['plan'])}",
    ),
)


def _find_overdue(app: EventWiring, settings: Settings) -> Iterator[Alarm]:
    if meta.is_fed(app.data.connection):
        return  # head office asks
    late = app.clock.now() - settings["after"]
    count = sum(each.overdue for each in report.waiting(app.data, late))
    if count:
        yield Alarm(rank=len(str(count)), values={"count": count})


OVERDUE = AlarmKind(
    title=N_("Answers of handovers are overdue"),
    settings={"after": "6h"},
    find=_find_overdue,
    describe=lambda values: (
        ngettext(
            "The answer of {count} handover is overdue.",
            "The answers of {count} handovers are overdue.",
            values["count"],
        ).format(**values),
        "storeops handover watch",
    ),
)


def _find_leavings(app: EventWiring, settings: Settings) -> Iterator[Alarm]:
    now = app.clock.now()
    since = now - settings["within"]
    count = sum(
        each.left_at is not None and each.left_at >= since and not each.returned
        for each in leavers(app.data, now, settled=True)
    )
    if count > settings["members"]:
        rank = count // max(1, settings["members"])
        days = max(1, round(settings["within"] / rules.DAY_S))
        yield Alarm(tone="bad", rank=rank, values={"count": count, "days": days})


LEAVINGS = AlarmKind(
    title=N_("Many members leave"),
    settings={"members": 5, "within": "7d"},
    find=_find_leavings,
    describe=lambda values: (
        plural(
            "{count} member left within {term}.",
            "{count} members left within {term}.",
            values["count"],
            term=plural("{count} day", "{count} days", values["days"]),
        ),
        "storeops leaver list",
    ),
)
