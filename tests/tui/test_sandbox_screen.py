"""The sandbox's clock, moved on from its screen."""

from __future__ import annotations


async def test_a_moved_clock_is_known_at_once(screens, fresh_chain, core, monkeypatch):
    """A sync begun right after +24 h is dated after the jump, not a day ago."""
    learnt = []
    monkeypatch.setattr(core.clock, "learn", learnt.append)
    async with screens(start="sandbox") as driver:
        assert learnt
        await driver.press("t")
        assert "24 hours further" in driver.text
        assert 86_400 <= learnt[-1] - learnt[0] < 86_700
