"""The customers screen: sorting, jumping, marking and handing over, as people do it."""

from __future__ import annotations

import random

from storeops.sync.run import run_sync


async def test_handing_over_without_a_mark_offers_the_row(screens):
    """o marks the row under the cursor only after a yes; Esc changes nothing."""
    async with screens(start="customers") as driver:
        await driver.press("down", "o")
        name = driver.room.table.line.cells[0]
        assert f"Hand over {name}?" in driver.text
        await driver.press("escape")
        assert driver.room.NAME == "customers"
        assert driver.room.marked == 0
        await driver.press("o", "y")
        assert driver.room.NAME == "handover"
        assert driver.app.book.marks() == 1
        assert "owners of the marked customers" in driver.text


async def test_every_jump_shows_the_row_of_its_number(screens, core):
    """Scrollbar, ends and numbers lead to the same rows as reading the list from the start."""
    expected = [line.data for line in await _all_lines(screens)]
    async with screens(start="customers") as driver:
        table = driver.room.table
        dice = random.Random(8)
        await driver.press("end")
        assert table.line.data == expected[-1]
        await driver.press("home")
        assert table.line.data == expected[0]
        for _ in range(10):
            position = dice.randrange(len(expected))
            await driver.press("g")
            await driver.type(str(position + 1))
            await driver.press("enter")
            assert table.line.data == expected[position]
        for share in (0.9, 0.2, 0.5):
            table.scroll_to(y=round(share * table.max_scroll_y), animate=False, force=True)
            await driver.settle()
            assert table.line.data == expected[table.cursor]


async def _all_lines(screens):
    async with screens(start="customers") as driver:
        return driver.room.table.source.window(0, 5000).lines


async def test_a_background_sync_moves_neither_cursor_nor_marks(screens, core, fresh_chain):
    """New customers come in above; the cursor stays on its customer, marks on theirs."""
    control = fresh_chain.sandbox.control
    async with screens(start="customers", size=(80, 24)) as driver:
        table = driver.room.table
        await driver.press("pagedown", "down", "space", "down", "space", "down")
        before, total, on_screen = (
            table.line.data,
            table.total,
            table.cursor - round(table.scroll_y),
        )
        marked = set(driver.app.book.marked_ids(10))
        assert len(marked) == 2
        userid = core.data.execute(
            "SELECT userid FROM staff WHERE status = 'active' AND is_follow_user = 1 LIMIT 1"
        ).fetchone()[0]
        for _ in range(7):
            control.act("follow_add", userid=userid)
        run_sync(core)
        driver.app.look()
        await driver.settle()
        assert table.total == total + 7
        assert table.line.data == before
        assert table.cursor - round(table.scroll_y) == on_screen
        assert set(driver.app.book.marked_ids(10)) == marked
        assert driver.room.marked == 2


async def test_a_list_without_rows_says_what_to_do(screens):
    """Nothing matches: the list says so and names the way out, which works."""
    async with screens(start="customers") as driver:
        await driver.press("slash")
        await driver.type("zzzznobody")
        assert driver.room.table.total == 0
        assert "No customer matches. Esc takes the filter away." in driver.text
        await driver.press("escape", "escape")
        assert driver.room.table.total > 0
        assert "No customer matches" not in driver.text
