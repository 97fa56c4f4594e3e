"""The alarm of contact ways: a printed code that leads to nobody."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from storeops.domains.contact_way.ways import DEAD, People, listed
from storeops.i18n import N_, _
from storeops.operations.alarms import Alarm, AlarmKind
from storeops.plain import plain
from storeops.reading import freshness

if TYPE_CHECKING:
    from storeops.operations.events import EventWiring


def _describe(values: Mapping[str, Any]) -> tuple[str, str]:
    step = f"storeops contact-way show {shlex.quote(values['config_id'])}"
    if not values["names"]:
        return _("A contact way names nobody: whoever scans it finds no guide."), step
    text = _("The contact way of {names} leads to nobody: whoever scans it finds no guide.")
    return text.format(names=_(", ").join(values["names"])), step


def _find(app: EventWiring, _settings: Mapping[str, Any]) -> Iterator[Alarm]:
    now = app.clock.now()
    # who was hired since the members were read is not known yet: before the first reading nobody is
    people = People(app.data)
    told = freshness.as_new(app.data, "staff", "contact_ways")
    for way in listed(app.data, now, statuses=(DEAD,), count=False):
        names = [plain(each) for each in way.names]  # not its own name, which may be a customer's
        yield Alarm(
            key=way.config_id, tone="bad", values={"config_id": way.config_id, "names": names},
            sure=told or (not way.party and all(map(people.member, way.user))),
        )  # fmt: skip


DEAD_CODE = AlarmKind(
    title=N_("A contact way leads to nobody"),
    find=_find,
    describe=_describe,
    on_today=False,
)
