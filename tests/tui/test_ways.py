"""Back where one came from, finding anything, other terminals, notices, themes, the status line."""

from __future__ import annotations

import threading
import time

import pytest

from storeops.app import App
from storeops.notebook import marks
from tests.tui.conftest import FrozenClock
from tui.names import NameLookup
from tui.themes import PLAIN, fitting


async def test_esc_leads_back_with_filter_and_row(screens):
    """From a tag to its customers and back; from customers to the journal and back to the row."""
    async with screens(start="customers", target="status:active") as driver:
        await driver.press("down", "down", "h")
        assert driver.base.NAME == "audit"
        await driver.press("escape")
        assert driver.base.NAME == "customers"
        assert driver.base.look.where == "status:active"
        assert driver.base.table.cursor == 2
        await driver.press("5")
        name = driver.base.table.line.cells[1]
        await driver.press("c")
        assert driver.base.NAME == "customers"
        assert name in driver.base.look.where, "a name, not an id"
        await driver.press("escape")
        assert driver.base.NAME == "tags"
        await driver.press("2", "escape", "escape", "escape")
        assert driver.base.NAME == "today", "a number key is no step"


async def test_a_plan_is_reviewed_and_left_again(screens):
    """p and Esc: back at the customers, marks as they were."""
    async with screens(start="customers", target="status:active") as driver:
        await driver.press("space", "space", "p")
        assert driver.base.NAME == "plans"
        await driver.press("escape")
        assert driver.base.NAME == "customers"
        assert driver.base.marks.count == 2


async def test_go_finds_customers_plans_and_says_when_nothing_is(screens, journal):
    """`:` with a name opens the card, with a plan's id the plan; no blank where nothing is."""
    async with screens() as driver:
        await driver.press("2")
        name = driver.base.table.line.cells[0]
        await driver.press("1", "colon")
        await driver.type(name)
        await driver.rest()
        assert any("customer" in line and name in line for line in driver.text.splitlines())
        await driver.press("escape", "colon")
        await driver.type(journal[0])
        await driver.press("enter")
        assert driver.base.NAME == "plans"
        assert driver.base.card.plan.name == journal[0]
        await driver.press("colon")
        await driver.type("zzqqzz")
        await driver.rest()
        assert "Nothing and nobody is called so." in driver.text


async def test_a_window_does_not_follow_to_another_screen(screens):
    """Tags are asked for, the reading takes its time, one goes elsewhere: no window opens there."""
    async with screens(start="customers", target="status:active") as driver:
        held = threading.Event()
        driver.app.background("reads").submit(held.wait, lambda _: None, driver.app.failed)
        await driver.pilot.press("space", "t")
        await driver.pilot.press("1")
        held.set()
        await driver.rest()
        assert driver.app.base_screen.NAME == "today"
        assert driver.app.screen is driver.app.base_screen


async def test_go_changes_the_profile(screens, box):
    """Another profile's screens are opened by whoever runs them."""
    async with screens() as driver:
        await driver.press("colon")
        await driver.type("box")
        await driver.pilot.press("enter")
        await driver.pilot.pause(0.1)
        assert driver.app.next_profile == "box"


async def test_another_process_is_seen(screens, home):
    """Marks and drafts of another connection, without a key, within the time of a look."""
    async with screens(start="customers") as driver:
        assert driver.base.marks.count == 0
        other = App.open("demo")
        other._once("clock", FrozenClock)
        keys = [row[0] for row in other.data.execute("SELECT id FROM customer LIMIT 3")]
        marks.add_ids(other.data, marks.DEFAULT, keys, FrozenClock().now())
        other.close()
        begun = time.monotonic()
        while driver.base.marks.count != 3 and time.monotonic() - begun < 10:
            await driver.pilot.pause(0.05)
        assert driver.base.marks.count == 3
        assert "✓ 3 marked" in driver.text


async def test_the_same_notice_is_counted(screens):
    """Told five times, shown once."""
    async with screens() as driver:
        for _ in range(5):
            driver.app.notify("The network is away.", severity="error")
        driver.app.notify("Something else.")
        await driver.settle()
        assert driver.text.count("The network is away.") == 1
        assert "The network is away. (×5)" in driver.text
        assert "Something else." in driver.text


async def test_notices_that_are_over_leave_nothing_on_any_screen(screens):
    """A day of syncs once left a widget a notice on each of them."""
    async with screens(start="today") as driver:
        for number in range(6):
            driver.app.notify(f"Notice {number}.")
            await driver.press("2", "1")
        assert "Notice 5." in driver.text
        driver.app.clear_notifications()
        for key in "2121":
            await driver.press(key)
        for key in "21":
            await driver.press(key)
            assert not driver.app.screen.query("ToastHolder")


async def test_work_under_way_is_on_every_screen(screens, core, journal):
    """Bar, count and time left of calls that wait to be sent."""
    async with screens(size=(120, 30)) as driver:
        for key in ("1", "2", "5", "0"):
            await driver.press(key)
            assert "░" in driver.text.splitlines()[-2]
            assert "0 of 4 calls" in driver.text.splitlines()[-2]


@pytest.mark.parametrize(("term", "plain"), [("linux", True), ("xterm-256color", False)])
def test_a_poor_terminal_gets_the_plain_theme(term, plain):
    """By what the terminal says of itself."""
    assert (fitting({"TERM": term}) is PLAIN) == plain


async def test_the_plain_theme_draws_with_ascii(screens):
    """No boxes, no blocks, no arrows on any screen nor in a window."""
    async with screens(start="stores", size=(120, 32)) as driver:
        assert "╭" in driver.text
        await driver.press("f12", "f12")
        assert driver.app.theme == PLAIN.name
        for spec in list(driver.app.specs.values()):
            await driver.press(spec.key)
            assert spec.name == driver.base.NAME
            for key in ("question_mark", "f10", "escape"):
                signs = {each for each in driver.text if "\u2190" <= each <= "\u25ff"}
                odd = signs - {"\u241b"}  # an escape in a name
                assert not odd, (spec.name, driver.text)
                await driver.press(key)
            if len(driver.app.screen_stack) > 1:
                await driver.press("escape")
        await driver.press("f12")
        assert "╭" in driver.text


async def test_the_panes_title_is_bright_where_the_keys_go(screens):
    """Tab moves the bright edge."""
    async with screens(start="plans", size=(120, 40)) as driver:

        def edge(name):
            return driver.base.pane(name).query_one("Edge")._left[0].tone

        assert (edge("plans"), edge("rows")) == ("bright", "edge")
        await driver.press("tab")
        assert (edge("plans"), edge("rows")) == ("edge", "bright")


def test_names_stand_for_ids_and_filters_find_the_same(core):
    """Every member, tag and shop: what a filter says means just that one."""
    words = NameLookup(core.data)
    from storeops.reading.filter import parse

    for userid in words.staff:
        where = words.member_filter(userid)
        field = parse(where)
        key = core.data.execute("SELECT id FROM staff WHERE userid = ?", (userid,)).fetchone()[0]
        assert words.names.resolve(where, field) == (key,)
    for department in words.shops:
        where = words.shop_filter(department)
        assert department in words.names.resolve(where, parse(where))
    for tag_id, tag in words.tags.items():
        assert tag.name in words.tag_filter(tag_id)
    assert words.value("tags", [next(iter(words.tags))])[0] == next(iter(words.tags.values())).path
    assert words.member("nobody") == "nobody"


async def test_a_screen_and_words_behind_it_go_there_narrowed(screens):
    """`customers 王` as in `:pods ns`: by name, by title or by key."""
    for words in ("customers 王", "2 王"):
        async with screens() as driver:
            await driver.press("colon")
            await driver.type(words)
            await driver.press("enter")
            assert driver.base.NAME == "customers"
            assert driver.base.look.where == "王"
    async with screens() as driver:
        await driver.press("colon")
        await driver.type("tags 普通")
        await driver.press("enter")
        assert driver.base.NAME == "tags"
        assert {line.cells[1] for line in driver.base.table.source.lines} == {"普通"}


async def test_a_pane_can_have_the_whole_screen(screens, journal):
    """+ gives it to the pane with the keys; + or Esc give the others back."""
    async with screens(start="plans", size=(80, 24)) as driver:
        plans, below = driver.base.pane("plans"), driver.base.pane("rows")
        before = plans.size.height
        assert below.display
        await driver.press("plus")
        assert not below.display
        assert plans.size.height == 20
        await driver.press("escape")
        assert below.display
        assert plans.size.height == before
        assert driver.base.NAME == "plans"
    async with screens(start="staff", size=(80, 24)) as driver:
        await driver.press("plus")
        assert "There is one pane only." in driver.text
