"""Python's garbage collection belongs to whoever runs the screens, and is given back."""

from __future__ import annotations

import gc

import pytest

from tests.tui.conftest import Driver
from tui.app import StoreOpsApp
from tui.garbage import SELDOM


def settings():
    return gc.get_threshold(), gc.get_freeze_count() > 0, gc.isenabled()


@pytest.fixture
def restored():
    """The collector as the other tests have it."""
    usual, frozen, enabled = settings()
    yield
    gc.set_threshold(*usual)
    if frozen:
        gc.freeze()
    if enabled:
        gc.enable()


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("enabled", [False, True])
def test_screens_give_the_collector_back_as_it_was(core, restored, frozen, enabled):
    """Whoever froze objects, or collects by hand, does so afterwards."""
    gc.unfreeze()
    if frozen:
        gc.freeze()
    gc.set_threshold(612, 11, 12)
    if not enabled:
        gc.disable()
    before, count = settings(), gc.get_freeze_count()
    app = StoreOpsApp(core)
    within = []

    async def look_and_leave(pilot):
        await Driver(app, pilot).settle()
        within.append((*settings(), gc.get_freeze_count()))
        app.exit()

    app.run(headless=True, size=(100, 30), auto_pilot=look_and_leave)
    assert app.crash is None
    ((*found, left_out),) = within
    assert found == [SELDOM, True, True]
    if frozen:
        assert left_out <= count  # the caller's own and nothing else; some of them have died
    assert settings() == before
