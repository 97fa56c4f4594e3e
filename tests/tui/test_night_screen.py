"""Night: tasks with their last runs and output; pausing and resuming."""

from __future__ import annotations

from storeops.domains.schedule import runs, tasks
from storeops.domains.schedule.process import output_of
from storeops.domains.schedule.tasks import Task
from tests.tui.conftest import NOON


async def test_tasks_their_runs_and_what_they_printed(screens, core):
    for name, hours in (("sync", "0 2 * * *"), ("report", "0 8 * * *")):
        tasks.add(core.data, Task(name=name, cron=hours, words=("version",)), NOON - 86_400)
        run = runs.claim(core.data, name, NOON)
        code = 4 if name == "sync" else 0
        runs.finish(core.data, run, NOON, status="ended", exit_code=code, duration_s=2.0)
        path = output_of(core.profile.name, name, run.id)
        path.parent.mkdir(parents=True)
        path.write_text(f"{name} said [bold]so[/]\n")
    async with screens(start="today", size=(160, 40)) as driver:
        await driver.rest()
        assert "The task sync failed" in driver.text
        await driver.press("N")
        assert driver.base.NAME == "night"
        assert "report said [bold]so[/]" in driver.text
        await driver.press("down")
        assert "! exit code 4" in driver.text
        assert "sync said" in driver.text
        assert "not paused" in driver.base.why_not("resume")
        await driver.press("f6")
        await driver.rest()
        assert not tasks.get(core.data, "sync").enabled
        assert "paused" in driver.text
        await driver.press("f8")
        await driver.rest()
        assert tasks.get(core.data, "sync").enabled
