"""Keys that arrive together are done one after another, wherever the first ones lead."""

from __future__ import annotations

import asyncio

import pytest
from textual import events
from textual.keys import _character_to_key
from textual.widgets import Input

from tui import key_queue
from tui.background import BackgroundWorker
from tui.modals.remark import RemarkModal


def burst(driver, text: str) -> None:
    """Keys as a terminal hands over what came in one read."""
    for character in text:
        driver.app.post_message(events.Key(_character_to_key(character), character))


async def test_what_follows_a_slash_is_the_filter(chain, screens):
    """Of `/wang` no letter is a verb of the list: w would open the views, a apply."""
    async with screens(start="customers") as driver:
        burst(driver, "/wang store:9")
        await driver.settle()
        assert driver.base.bar.text == "wang store:9", driver.text
        assert len(driver.app.screen_stack) == 1


@pytest.mark.parametrize("start", ["today", "plans"])
async def test_keys_wait_for_the_screen_that_they_are_for(chain, screens, start):
    async with screens(start=start) as driver:
        burst(driver, "2/王 ")
        driver.app.post_message(events.Paste("store:9"))
        await driver.settle()
        assert driver.base.NAME == "customers"
        assert driver.base.bar.text == "王 store:9", driver.text


async def test_keys_wait_for_the_window_that_they_are_for(chain, screens):
    async with screens(start="customers") as driver:
        burst(driver, " t金")
        await driver.settle()
        assert isinstance(driver.app.focused, Input), driver.text
        assert driver.app.focused.value == "金", driver.text


async def test_keys_go_on_when_what_they_opened_is_gone(chain, screens):
    """A window that closes handles nothing any more; the next key waits for it no longer."""
    async with screens(start="customers") as driver:
        burst(driver, "?")
        driver.app.post_message(events.Key("escape", None))
        burst(driver, "/abc")
        await driver.settle()
        assert driver.base.bar.text == "abc", driver.text


async def test_letters_of_a_text_do_not_wait_for_what_they_ask_for(chain, screens, monkeypatch):
    """They lead nowhere: the second is in the bar while the first one's rows are being read."""
    async with screens(start="customers") as driver:
        await driver.press("/")
        monkeypatch.setattr(key_queue, "PATIENCE_S", 600.0)
        with monkeypatch.context() as held:
            bar = driver.base.bar
            held.setattr(BackgroundWorker, "busy", property(lambda worker: bool(bar.text)))
            burst(driver, "wang")
            async with asyncio.timeout(30):
                while bar.text != "wang":
                    await asyncio.sleep(0.001)
        await driver.settle()


def keys(driver, *names: str) -> None:
    for name in names:
        character = name if len(name) == 1 else " " if name == "space" else None
        driver.app.post_message(
            events.Key(_character_to_key(name) if character else name, character)
        )


async def typed(screens, look, *names: str):
    """What comes of keys that arrive together, and of the same ones pressed slowly."""
    found = []
    for at_once in (True, False):
        async with screens(start="customers") as driver:
            if at_once:
                keys(driver, *names)
            else:
                for name in names:
                    await driver.press(name)
                    await driver.settle()
            await driver.settle()
            found.append(look(driver))
    return found


async def test_a_key_with_priority_comes_after_what_was_typed(chain, screens, monkeypatch):
    """It is not handed to the widget, behind whose letters and moves it would have to queue."""
    go = lambda driver: driver.base.NAME  # noqa: E731
    together, slowly = await typed(screens, go, ":", *"st", "down", "enter")
    assert together == slowly
    columns = lambda driver: driver.base.look.columns  # noqa: E731
    for names in (("down", "space", "enter"), ("down", "right", "enter")):
        together, slowly = await typed(screens, columns, "c", *names)
        assert together == slowly, names
    written: list[object] = []
    take = RemarkModal.dismiss
    monkeypatch.setattr(RemarkModal, "dismiss", lambda window, answer: (
        written.append(answer and answer.values), take(window, answer)
    )[1])  # fmt: skip
    async with screens(start="customers") as driver:
        keys(driver, "space", "r", *"VIP", "ctrl+s")
        await driver.settle()
    assert written == [{"remark": "VIP"}]
