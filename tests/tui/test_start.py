"""The screens as the command starts them: in an event loop of their own, on every Python."""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType

import pytest

from storeops.domain import Domain, Found, ScreenSpec, registry
from tests.tui.conftest import Driver
from tui.app import StoreOpsApp
from tui.screen_registry import screens as all_screens


@pytest.mark.parametrize("name", [spec.name for spec in all_screens()])
def test_every_screen_may_be_the_first(core, name):
    """Textual's test driver leaves the loop alone; `run` asks it to begin tasks at once."""
    app = StoreOpsApp(core, start=name)

    async def look_and_leave(pilot):
        await Driver(app, pilot).settle()
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
            await Driver(app, pilot).settle()
            seen.append(app.base_screen.NAME)
        app.exit()

    app.run(headless=True, size=(100, 30), auto_pilot=go_round)
    assert app.crash is None
    assert seen == list(app.specs)


@pytest.mark.parametrize("way", ["run", "test"])
@pytest.mark.parametrize("turns", [0, 2, 20])
async def test_leaving_while_a_screen_is_opened(core, turns, way):
    """Its widgets are not made any more, or gone again, when it looks for them."""
    app = StoreOpsApp(core)

    async def leave(pilot):
        await Driver(app, pilot).settle()
        app.action_go("plans")
        for _ in range(turns):
            await asyncio.sleep(0)
        app.exit()

    if way == "run":
        await app.run_async(headless=True, size=(100, 30), auto_pilot=leave)
    else:
        async with app.run_test(size=(100, 30)) as pilot:
            await leave(pilot)
    assert app.crash is None


STRANGER = """
from tui.screens.base import BaseScreen
from tui.screens.listing import ListScreen

class Body(BaseScreen):
    def body(self):
        raise KeyError("body")

class Loads(ListScreen):
    def columns(self):
        return []
    def load(self):
        raise KeyError("load")

class Begins(BaseScreen):
    def __init__(self):
        raise KeyError("init")
"""


def test_a_screen_of_another_package_that_fails_costs_that_screen(core, monkeypatch):
    odd = []
    for name in ("Body", "Loads", "Begins", "Missing"):
        module = ModuleType(f"acme_{name}")
        exec(STRANGER, module.__dict__)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        where = f"{module.__name__}:{name}"
        odd.append(ScreenSpec(name=f"odd_{name}", title=name, screen=where, help="x"))
    found = [Found(each.name, "acme", "1", Domain(name=each.name, title="Odd", screens=(each,)))
             for each in odd]  # fmt: skip
    monkeypatch.setattr(registry(), "found", [*registry().found, *found])
    monkeypatch.setattr("tui.app.all_screens", lambda: (*all_screens(), *odd))
    app = StoreOpsApp(core)
    shown = []

    async def look(pilot):
        await Driver(app, pilot).settle()
        for each in odd:
            app.go(each.name)
            for _turn in range(100):
                await asyncio.sleep(0.02)  # the pilot would wait for the screen that is gone
                if each.name not in app.specs and app.base_screen.NAME == "today":
                    break
            shown.append((each.name in app.specs, app.base_screen.NAME))
        app.go("staff")
        await Driver(app, pilot).settle()
        shown.append(app.base_screen.NAME)
        app.exit()

    app.run(headless=True, size=(100, 30), auto_pilot=look)
    assert app.crash is None
    assert shown == [(False, "today")] * 4 + ["staff"]
