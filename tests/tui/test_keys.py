"""Every key that a help page names does something, and Esc always leads back to Today."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from storeops import i18n
from tui.cells import cell_width
from tui.keys import LIST, ascii_equivalent
from tui.screen_registry import screens as all_screens
from tui.widgets.rows import Line, TableRows
from tui.widgets.tab_bar import TabBar
from tui.widgets.virtual_list import VirtualList

MIDDLE, ALL = 100, 200
PAGE = 10_000  # as many rows as are seen
DIFFER = {("command", "x"), ("refresh", "f5")}  # keys of every screen that each answers itself

SCREENS = tuple(spec.name for spec in all_screens())


def keys_of(name: str) -> list[tuple[str, str]]:
    spec = next(each for each in all_screens() if each.name == name)
    screen = type(spec.open())
    return [
        (key.action, each)
        for key in screen.all_keys()
        if key.action
        for each in key.keys.split(",")
        if each
    ]


def journey(name: str) -> list[tuple[str, str]]:
    """The keys to press on a screen: those of every screen with all their names on two of them;
    on the others its own, and what answers differently on each."""
    everywhere = set.intersection(*(set(keys_of(each)) for each in SCREENS))
    keys = keys_of(name)
    if name in ("today", "customers"):
        return keys
    return [each for each in keys if each not in everywhere or each in DIFFER]


# the longest journeys in parts, so that no single test holds a worker for long
PARTS = {"customers": 3, "today": 2}
JOURNEYS = [
    (name, part, parts)
    for name in SCREENS
    for parts in [PARTS.get(name, 1)]
    for part in range(parts)
]


def recorder(perform, called: list[str]):
    def record(action: str) -> None:
        called.append(action)
        perform(action)

    return record


def looks(driver) -> tuple[object, ...]:
    """What a person sees: text, colours, notices, and what a terminal was told to copy."""
    app = driver.app
    noticed = tuple(app.__dict__["_notifications"]._notifications)
    return driver.text, app.theme, app.clipboard, noticed, app.focused


@pytest.mark.parametrize(("name", "part", "parts"), JOURNEYS)
async def test_every_key_of_the_help(
    fresh_chain, screens, name, part, parts, tmp_path, monkeypatch
):
    """Each key acts or says why not; then Esc leads to Today, wherever one is."""
    monkeypatch.chdir(tmp_path)
    done = []
    async with screens(start=name) as driver:
        every = journey(name)
        keys = every[len(every) * part // parts : len(every) * (part + 1) // parts]
        for action, key in keys:
            if name != driver.base.NAME:
                await driver.press(next(each.key for each in all_screens() if each.name == name))
            base, called = driver.base, []
            base.perform = recorder(base.perform, called)
            before = looks(driver)
            await driver.press(key)
            assert looks(driver) != before, f"{key} on {name} changes nothing and says nothing"
            assert called == [action], (key, called, driver.text)
            del base.perform
            done.append(key)
            typing = isinstance(driver.app.focused, Input)
            led_away = len(driver.app.screen_stack) > 1 or name != driver.base.NAME or typing
            if not led_away and len(done) < len(keys):
                continue
            for _ in range(8):
                if len(driver.app.screen_stack) == 1 and driver.base.NAME == "today":
                    break
                await driver.press("escape")
            assert driver.base.NAME == "today", (key, driver.text)
            assert len(driver.app.screen_stack) == 1
            driver.app.clear_notifications()
    assert done


@pytest.mark.parametrize("name", SCREENS)
def test_nothing_is_bound_that_the_help_does_not_name(name):
    """Every binding of a screen is a key of its help, and so pressed by the journey above."""
    from textual.screen import Screen

    screen = next(spec for spec in all_screens() if spec.name == name).open()
    bound = set(screen._bindings.key_to_bindings)
    named = {key for _action, key in keys_of(name)}
    assert named <= bound
    assert bound - named <= {
        each.key for bind in Screen.BINDINGS for each in bind.make_bindings([bind])
    }
    assert all(callable(screen.call_of(key.action)) for key in screen.all_keys() if key.action)


async def test_every_door_opens(screens):
    """Each screen by its key, from Today."""
    async with screens() as driver:
        for spec in all_screens():
            await driver.press(spec.key)
            assert spec.name == driver.base.NAME
            assert f"› {spec.title}" in driver.text


MOVES = {  # caption in the help → keys, and where each leads from the row in the middle
    "↑ ↓ j k": {"up": -1, "down": 1, "j": 1, "k": -1},
    "PgUp PgDn": {"pageup": -PAGE, "pagedown": PAGE, "ctrl+b": -PAGE, "ctrl+f": PAGE},
    "Home End G": {"home": -MIDDLE, "end": ALL - MIDDLE, "G": ALL - MIDDLE},
}


async def test_keys_that_move(screens):
    """What the help says of rows, pages, ends and panes; every key that a list binds."""
    assert {key.shown for key in LIST if not key.action} == {*MOVES, "Tab Shift+Tab"}
    bound = {
        key
        for bind in VirtualList.BINDINGS
        for each in bind.make_bindings([bind])
        for key in [each.key]
    }
    assert bound == {key for keys in MOVES.values() for key in keys} | {"enter"}
    async with screens(start="jobs") as driver:
        rows = driver.base.listing("jobs")
        lines = [Line(at, tuple("x" * 9)) for at in range(ALL + 1)]
        for keys in MOVES.values():
            for key, steps in keys.items():
                rows.show(TableRows(lines))
                await driver.settle()
                rows.go_to(MIDDLE)
                await driver.settle()
                await driver.press(key)
                page = rows.size.height * (abs(steps) == PAGE)
                moved = rows.cursor - MIDDLE
                assert moved == steps or (page and abs(moved - (page if steps > 0 else -page)) <= 1)
        before = driver.app.focused
        await driver.press("tab")
        assert driver.app.focused is not before
        await driver.press("shift+tab")
        assert driver.app.focused is before


async def test_help_explains_every_key_and_why_one_is_disabled(screens):
    """What is bound is explained; a disabled key carries its reason."""
    from tui.modals.help import explain

    async with screens(start="customers") as driver:
        text = explain(driver.base, driver.app.specs.values()).plain
        for key in driver.base.all_keys():
            assert key.caption in text
        assert "off: No customer is marked" in text
        for spec in driver.app.specs.values():
            assert spec.title in text


async def test_menu_reaches_every_action(screens):
    """The menu lists all actions; choosing one does it."""
    async with screens(start="customers") as driver:
        await driver.press("f10")
        options = driver.app.screen.query_one("OptionList")
        ids = [option.id for option in options.options]
        wanted = {key.action for key in driver.base.all_keys() if key.action} - {"menu"}
        assert set(ids) == wanted
        options.highlighted = ids.index("command")
        await driver.press("enter")
        assert "storeops customer list" in driver.text


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_no_two_actions_of_a_screen_have_one_name(language):
    """Menu and finder list them by name."""
    i18n.use(language)
    for spec in all_screens():
        keys = type(spec.open()).all_keys()
        names = [i18n._(key.label) for key in keys if key.action]
        assert sorted(names) == sorted(set(names)), spec.name


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("／", "/"), ("、", "/"), ("？", "?"), ("：", ":"), ("Ａ", "A"), ("３", "3")],
)
def test_full_width_equivalents(typed, meant):
    """What a Chinese input method sends."""
    assert ascii_equivalent(typed) == meant


async def test_full_width_keys_work(screens):
    """Full-width letters, digits and punctuation are keys, wherever no text is typed."""
    async with screens(start="today") as driver:
        await driver.commit("２")
        assert driver.base.NAME == "customers"
        await driver.commit("？")
        assert "Keys of Customers" in driver.text
        await driver.press("escape")
        await driver.commit("、")
        assert driver.base.bar.line.has_focus
        await driver.commit("：")  # here it is text
        assert driver.base.bar.text == "："


async def test_chinese_begins_a_filter(screens):
    """A character committed over the list goes into the filter; pasted words too."""
    async with screens(start="customers") as driver:
        await driver.press("王")
        assert driver.base.bar.text == "王"
        assert driver.base.look.where == "王"
        total = driver.base.table.total
        assert 0 < total < 845
        await driver.press("escape", "escape")
        assert driver.base.look.where == ""


async def test_mouse(screens):
    """Doors, footer, rows, gutter and headings answer to clicks."""
    async with screens(start="today") as driver:
        second = driver.base.query_one(TabBar).text.index("2")
        await driver.pilot.click("#tabs", offset=(second, 0))
        await driver.settle()
        assert driver.base.NAME == "customers"
        await driver.pilot.click("#list", offset=(12, 3))
        await driver.settle()
        assert driver.base.table.cursor == 3
        await driver.pilot.click("#list", offset=(1, 5))
        await driver.settle()
        assert driver.base.marks.count == 1
        assert driver.base.look.sort == "newest"
        await driver.pilot.click("#heading", offset=(8, 0))
        await driver.settle()
        assert driver.base.look.sort == "oldest"
        at = driver.text.splitlines()[-1].index("Help")
        await driver.pilot.click("#footer", offset=(at, 0))
        await driver.settle()
        assert "Keys of Customers" in driver.text


async def test_windows_are_left_by_mouse(screens):
    """The ×, the last button, and a click beside a window in which nothing was typed."""

    async def click(driver, line: int, word: str) -> None:
        before = driver.text.splitlines()[line].partition(word)[0]
        await driver.pilot.click(offset=(cell_width(before) + 1, line))
        await driver.settle()

    async with screens(start="today") as driver:
        for way in ("×", "[ No ]", ""):
            await driver.press("q")
            lines = driver.text.splitlines()
            assert len(driver.app.screen_stack) == 2
            if way:
                line = next(at for at, each in enumerate(lines) if way in each)
                await click(driver, line, way)
            else:
                await driver.pilot.click(offset=(2, 2))
                await driver.settle()
            assert len(driver.app.screen_stack) == 1, way
        await driver.press("2", "g")
        await driver.type("5")
        await driver.pilot.click(offset=(2, 2))
        await driver.settle()
        assert len(driver.app.screen_stack) == 2, "what was typed is not thrown away"
        line = next(at for at, each in enumerate(driver.text.splitlines()) if "[ Go ]" in each)
        await click(driver, line, "[ Go ]")
        assert driver.base.table.cursor == 4


async def test_a_letter_without_a_meaning_says_so(screens):
    """`a` on a draft was silent; the verb that begins so is named with its key."""
    async with screens(start="plans") as driver:
        await driver.press("a")
        assert "a does nothing here" in driver.text
        assert "Ctrl+S Apply" in driver.text
        await driver.hush()
        await driver.commit("ｖ")
        assert "v does nothing here; ? shows" in driver.text
        await driver.press("f11")
        assert "F11 does nothing here" in driver.text
        await driver.hush()
        await driver.press("space")
        assert "Space does nothing here" not in driver.text, "it marks a row, or says why not"
        await driver.press("colon")
        await driver.type("b")  # text, not a key
        assert "does nothing" not in driver.text
