"""The alarm of contact ways: a printed code that leads to nobody."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from storeops.domains.contact_way.ways import DEAD, listed
from storeops.i18n import N_, _
from storeops.operations.alarms import Alarm, AlarmKind
from storeops.plain import plain
from storeops.reading import freshness

if TYPE_CHECKING:
    from storeops.operations.events import EventWiring


def _find(app: EventWiring, _settings: Mapping[str, Any]) -> Iterator[Alarm]:
    now = app.clock.now()
    (staff,) = freshness.scopes(app.data, now, names=("staff",))
    if staff.completed_at is None:
        return  # nobody is known yet, so that every code would look dead
    for way in listed(app.data, now, statuses=(DEAD,), count=False):
        names = [plain(each) for each in way.names]  # not its own name, which may be a customer's
        yield Alarm(
            key=way.config_id, tone="bad", values={"config_id": way.config_id, "names": names}
        )


DEAD_CODE = AlarmKind(
    title=N_("A contact way leads to nobody"),
    find=_find,
    describe=lambda values: (
        _("The contact way of {names} leads to nobody: whoever scans it finds no guide.").format(
            names=_(", ").join(values["names"])
        ),
        f"storeops contact-way show {shlex.quote(values['config_id'])}",
    ),
    on_today=False,
)
