"""Alarms of the night: a task that failed, one that was missed or that nothing starts."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from storeops.domains.schedule import tasks
from storeops.domains.schedule.today import how_it_ended
from storeops.i18n import N_, _
from storeops.operations.alarms import Alarm, AlarmKind

if TYPE_CHECKING:
    from storeops.operations.events import EventWiring

Settings = Mapping[str, Any]


def _find_failed(app: EventWiring, _settings: Settings) -> Iterator[Alarm]:
    for task in tasks.every(app.data):
        if task.enabled and task.failed:
            values = {
                "name": task.name, "status": task.last_status, "code": task.last_exit_code,
            }  # fmt: skip
            yield Alarm(key=task.name, tone="bad", values=values)


FAILED = AlarmKind(
    title=N_("A task failed"),
    find=_find_failed,
    describe=lambda values: (
        _("The task {name} failed: {how}.").format(
            name=values["name"], how=how_it_ended(values["status"], values["code"])
        ),
        f"storeops schedule show {shlex.quote(values['name'])} --output",
    ),
    on_today=False,
)


def _find_missed(app: EventWiring, _settings: Settings) -> Iterator[Alarm]:
    now = app.clock.now()
    for task in tasks.every(app.data):
        if task.enabled and (task.missed or task.late(now)):
            count = max(1, task.missed_by(now))
            yield Alarm(key=task.name, values={"name": task.name, "count": count})


MISSED = AlarmKind(
    title=N_("A task was missed"),
    find=_find_missed,
    describe=lambda values: (
        _("The task {name} missed {count} of its moments.").format(**values),
        f"storeops schedule history {shlex.quote(values['name'])}",
    ),
    on_today=False,
)
