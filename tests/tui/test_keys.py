"""Every key that a help page names does something, and Esc always leads back to Today."""

from __future__ import annotations

import pytest

from tui.doors import DOORS
from tui.keys import twin

SCREENS = ("today", "customers", "staff", "stores", "tags", "groups", "sync", "sandbox",
           "plans", "jobs", "audit", "handover")  # fmt: skip


def keys_of(name: str) -> list[tuple[str, str]]:
    door = next(each for each in DOORS if each.name == name)
    screen = type(door.open())
    return [
        (key.action, each)
        for key in screen.all_keys()
        if key.action
        for each in key.keys.split(",")
        if each
    ]


def recorder(perform, called: list[str]):
    def record(action: str) -> None:
        called.append(action)
        perform(action)

    return record


@pytest.mark.parametrize("name", SCREENS)
async def test_every_key_of_the_help(fresh_chain, screens, name, tmp_path, monkeypatch):
    """Each key acts or says why not; then Esc leads to Today, wherever one is."""
    monkeypatch.chdir(tmp_path)
    done = []
    async with screens(start=name) as driver:
        for action, key in keys_of(name):
            if name != driver.room.NAME:
                await driver.press(next(each.key for each in DOORS if each.name == name))
            room, called = driver.room, []
            room.perform = recorder(room.perform, called)
            await driver.press(key)
            assert called == [action], (key, called, driver.text)
            del room.perform
            done.append(key)
            for _ in range(8):
                if len(driver.app.screen_stack) == 1 and driver.room.NAME == "today":
                    break
                await driver.press("escape")
            assert driver.room.NAME == "today", (key, driver.text)
            assert len(driver.app.screen_stack) == 1
            driver.app.clear_notifications()
    assert done


async def test_help_explains_every_key_and_why_one_is_disabled(screens):
    """What is bound is explained; a disabled key carries its reason."""
    from tui.modals.help import explain

    async with screens(start="customers") as driver:
        text = explain(driver.room).plain
        for key in driver.room.all_keys():
            assert key.caption in text
        assert "off: No customer is marked" in text
        for door in driver.app.doors.values():
            assert door.title in text


async def test_menu_reaches_every_action(screens):
    """The menu lists all actions; choosing one does it."""
    async with screens(start="customers") as driver:
        await driver.press("f10")
        options = driver.app.screen.query_one("OptionList")
        ids = [option.id for option in options.options]
        wanted = {key.action for key in driver.room.all_keys() if key.action} - {"menu"}
        assert set(ids) == wanted
        options.highlighted = ids.index("command")
        await driver.press("enter")
        assert "storeops customer list" in driver.text


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("／", "/"), ("、", "/"), ("？", "?"), ("：", ":"), ("Ａ", "A"), ("３", "3")],
)
def test_twins(typed, meant):
    """What a Chinese input method sends."""
    assert twin(typed) == meant


async def test_full_width_keys_work(screens):
    """Full-width letters, digits and punctuation are keys, wherever no text is typed."""
    async with screens(start="today") as driver:
        await driver.commit("２")
        assert driver.room.NAME == "customers"
        await driver.commit("？")
        assert "Keys of Customers" in driver.text
        await driver.press("escape")
        await driver.commit("、")
        assert driver.room.bar.line.has_focus
        await driver.commit("：")  # here it is text
        assert driver.room.bar.text == "："


async def test_chinese_begins_a_filter(screens):
    """A character committed over the list goes into the filter; pasted words too."""
    async with screens(start="customers") as driver:
        await driver.press("王")
        assert driver.room.bar.text == "王"
        assert driver.room.look.where == "王"
        total = driver.room.table.total
        assert 0 < total < 845
        await driver.press("escape", "escape")
        assert driver.room.look.where == ""


async def test_mouse(screens):
    """Doors, footer, rows, gutter and headings answer to clicks."""
    async with screens(start="today") as driver:
        await driver.pilot.click("#doors", offset=(10, 0))
        await driver.settle()
        assert driver.room.NAME == "customers"
        await driver.pilot.click("#list", offset=(12, 3))
        await driver.settle()
        assert driver.room.table.cursor == 3
        await driver.pilot.click("#list", offset=(1, 5))
        await driver.settle()
        assert driver.room.marked == 1
        assert driver.room.look.sort == "newest"
        await driver.pilot.click("#heading", offset=(8, 0))
        await driver.settle()
        assert driver.room.look.sort == "oldest"
        at = driver.app.screen.query_one("#footer").text.index("Help")
        await driver.pilot.click("#footer", offset=(at, 0))
        await driver.settle()
        assert "Keys of Customers" in driver.text
