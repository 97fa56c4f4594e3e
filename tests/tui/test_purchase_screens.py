"""Care, Orders, Performance: the demo's purchases on the screens, from a line to its facts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from storeops.app import App
from storeops.domains.care import tasks
from storeops.domains.sandbox import demo
from tests.tui.conftest import Chain, FrozenClock


@pytest.fixture(scope="module")
def stocked(chain: Chain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The chain's home with purchases, tasks and rules."""
    home = tmp_path_factory.mktemp("stocked") / "home"
    shutil.copytree(chain.home, home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STOREOPS_HOME", str(home))
        core = App.open("demo", as_name=demo.INVENTOR)
        core._once("clock", FrozenClock)
        demo.furnish(core)
        core.close()
    yield home


@pytest.fixture
def home(stocked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    shutil.copytree(stocked, folder)
    monkeypatch.setenv("STOREOPS_HOME", str(folder))
    return folder


async def test_care_is_done_put_off_and_skipped_with_a_word(screens, core):
    now = core.clock.now()
    due = tasks.list_tasks(core.data, now)
    assert len(due) > 3
    async with screens(start="today", size=(160, 40)) as driver:
        await driver.rest()
        assert f"{len(due)} care tasks" in driver.text
        await driver.press("C")
        await driver.rest()
        assert driver.base.NAME == "care"
        first = driver.base.task_here()
        assert first["text"] in driver.text
        assert first["userid"] not in driver.text, "guides have names"
        await driver.press("d")
        await driver.type("works well")
        await driver.press("enter")
        await driver.rest()
        found = tasks.show_task(core.data, first["id"])
        assert (found["status"], found["note"]) == ("done", "works well")
        second = driver.base.task_here()
        assert second["id"] != first["id"], "the cursor stays, the next task comes up"
        await driver.press("s", "enter")
        assert tasks.show_task(core.data, second["id"])["status"] == "open", "skipped with a reason"
        await driver.type("asked for quiet")
        await driver.press("enter")
        await driver.rest()
        assert tasks.show_task(core.data, second["id"])["note"] == "asked for quiet"
        third = driver.base.task_here()
        await driver.press("z", "down", "enter")
        await driver.rest()
        assert tasks.show_task(core.data, third["id"])["due_at"] == int(now) + 3 * 86_400
        assert len(driver.base.rows.lines) == len(due) - 3
        customer = driver.base.task_here()
        await driver.press("enter")
        await driver.rest()
        assert type(driver.app.screen).__name__ == "TextModal"
        assert "Purchases" in driver.text
        await driver.press("escape", "c")
        await driver.rest()
        assert driver.base.look.where == f"id:{customer['external_userid']}"
        await driver.press("escape", "v", "v")
        await driver.rest()
        assert {line.data["status"] for line in driver.base.rows.lines} == {"done", "skipped"}
        assert "has ended" in driver.base.why_not("done")
