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


async def test_nobody_answers_is_said_in_the_pane_and_asked_about_less_often(
    screens, fresh_chain, core
):
    """No notice a second over the screen: the pane says since when."""
    async with screens(start="sandbox", size=(100, 30)) as driver:
        first = driver.base._wait
        fresh_chain.sandbox.stop()
        await driver.press("f5")
        assert "Nobody answers since " in driver.text
        await driver.press("f5")
        assert driver.base._wait == 4 * first
        assert not [each for each in driver.app._notifications if "answer" in each.message]


async def test_lists_that_stand_there_are_not_painted_at_every_look(screens, fresh_chain, core):
    async with screens(start="sandbox", size=(160, 48)) as driver:
        screen = driver.app.screen
        shown = screen.query_one("#calls").source
        screen.read_again()
        await driver.settle()
        assert screen.query_one("#calls").source is shown  # nobody called in between
        core.client.raw("get", "user/simplelist", {"department_id": 1})
        screen.read_again()
        await driver.settle()
        assert screen.query_one("#calls").source is not shown
        assert "simplelist" in driver.text
