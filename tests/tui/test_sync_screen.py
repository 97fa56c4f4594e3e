"""Stopping a sync: also while it waits for a limit, which may take an hour."""

from __future__ import annotations

import asyncio
import time

from storeops.limits import offset


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
        assert not driver.room.why_not("run")
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
