"""The screens as the command starts them: in an event loop of their own, on every Python."""

from __future__ import annotations

import pytest

from tui.app import StoreOpsApp
from tui.screen_registry import screens as all_screens


@pytest.mark.parametrize("name", [spec.name for spec in all_screens()])
def test_every_screen_may_be_the_first(core, name):
    """Textual's test driver leaves the loop alone; `run` asks it to begin tasks at once."""
    app = StoreOpsApp(core, start=name)

    async def look_and_leave(pilot):
        await pilot.pause()
        app.exit(app.base_screen.NAME)

    found = app.run(headless=True, size=(100, 30), auto_pilot=look_and_leave)
    assert app.crash is None
    assert found == name


def test_from_one_screen_to_each_other(core):
    app = StoreOpsApp(core)
    seen = []

    async def go_round(pilot):
        for spec in app.specs.values():
            await pilot.press(spec.key)
            await pilot.pause()
            seen.append(app.base_screen.NAME)
        app.exit()

    app.run(headless=True, size=(100, 30), auto_pilot=go_round)
    assert app.crash is None
    assert seen == list(app.specs)
