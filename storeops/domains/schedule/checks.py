"""doctor: whether something calls run-due."""

from __future__ import annotations

from typing import Any

from storeops.domains.schedule import runs, tasks
from storeops.domains.schedule.due import ScheduleWiring
from storeops.domains.schedule.install import installed
from storeops.durations import ago
from storeops.i18n import _
from storeops.operations.doctor import Finding


def checks(app: ScheduleWiring) -> list[Any]:
    """One finding where there are tasks; none where there are none."""
    found = [task for task in tasks.every(app.data) if task.enabled]
    if not found:
        return []
    title = _("tasks at their hours")
    now = app.clock.now()
    late = [task for task in found if task.late(now)]
    kind = installed(app.profile.name)
    fix = _("Run `storeops schedule install --write`, or let anything else call run-due.")
    if late:
        detail = _("{names} should have begun {ago}").format(
            names=_(", ").join(task.name for task in late[:3]),
            ago=ago(min(task.next_at or now for task in late), now),
        )
        if kind:
            fix = _("It is installed ({kind}): does that service run, and is the machine awake?")
            fix = fix.format(kind=kind)
        return [Finding("schedule", title, "warning", detail, fix)]
    called_at = runs.last_due(app.data)
    if kind:
        return [Finding("schedule", title, "ok", _("{kind} calls run-due").format(kind=kind))]
    if called_at:
        detail = _("run-due last began a task {ago}").format(ago=ago(called_at, now))
        return [Finding("schedule", title, "ok", detail)]
    return [Finding("schedule", title, "warning", _("nothing was seen to call run-due"), fix)]
