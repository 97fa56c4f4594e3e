"""Stopping a sync: also while it waits for a limit, which may take an hour."""

from __future__ import annotations

import asyncio
import re
import time

from storeops.limits import offset
from storeops.operations.health import health
from storeops.sync.run import history, run_sync
from storeops.wecom.oddities import sentence


async def until(condition, seconds=60.0):
    """Wait for what another thread brings about."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        await asyncio.sleep(0.02)
    return condition()


async def test_z_ends_a_sync_that_waits_for_a_limit(screens, fresh_chain, core, monkeypatch):
    """45009 stops an API for a minute or an hour; z does not wait for it."""
    monkeypatch.setattr(core.clock, "sleep", time.sleep)
    fresh_chain.sandbox.control.fault("errcode", "*/batch/get_by_user", errcode=45009)
    async with screens(start="sync") as driver:
        syncing = driver.app.syncing
        await driver.pilot.press("s")
        assert await until(lambda: driver.app.syncing._held_back("follows"))
        assert syncing.running
        await driver.pilot.press("z")
        assert await until(lambda: not syncing.running), "it went on waiting"
        await driver.settle()
        assert "The sync has stopped; what was read is kept. s goes on from" in driver.text
        assert not driver.base.why_not("run")
    fresh_chain.sandbox.control.clear_faults()


async def test_wecoms_time_is_kept_for_the_next_process(screens, core, monkeypatch):
    """A sync of the screens teaches the offset like one of the command line."""
    kept = []
    monkeypatch.setattr(core.clock, "offset", 7200.0, raising=False)
    monkeypatch.setattr(offset, "save", lambda _db, seconds: kept.append(seconds))
    async with screens(start="sync") as driver:
        await driver.press("s")
        assert await until(lambda: not driver.app.syncing.running)
    core.close()
    assert kept == [7200.0]


async def test_odd_values_are_told_once(screens, fresh_chain, core):
    """As `sync run` does: in the notice, with the run, and in Today."""
    path = "externalcontact/batch/get_by_user"
    fresh_chain.sandbox.control.fault("null_field", path, field="remark", every=True, first=1)
    async with screens(start="sync", size=(120, 40)) as driver:
        await driver.press("s")
        assert await until(lambda: not driver.app.syncing.running)
        await driver.settle()
        result = driver.app.syncing.result
        said = sentence(result.odd_values)
        assert re.fullmatch(r"\d+ values could not be read as they came: remark \d+\.", said)
        notices = [" ".join(str(each.message).split()) for each in driver.app._notifications]
        assert [said in each for each in notices].count(True) == 1
        await driver.press("enter")
        assert "could not be read as they came" in driver.text
    assert history(core.data)[0].odd_values == result.odd_values
    assert health(core.data, core.clock.now(), 1.0).odd_values == result.odd_values
    async with screens(start="today", size=(120, 40)) as driver:
        assert "could not be read as they came" in driver.text
    fresh_chain.sandbox.control.clear_faults()
    run_sync(core)
    assert not health(core.data, core.clock.now(), 1.0).odd_values


async def test_odd_values_of_what_works_behind_the_screens_are_told_once(screens, core):
    core.odd.add({"remark": 3})
    async with screens(start="today") as driver:
        driver.app.look()
        await driver.settle()
        driver.app.look()
        await driver.settle()
        told = [str(each.message) for each in driver.app._notifications]
        assert told.count("3 values could not be read as they came: remark 3.") == 1
