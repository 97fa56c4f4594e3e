"""The customers screen: sorting, jumping, marking and handing over, as people do it."""

from __future__ import annotations

import contextlib
import random
import sqlite3

import pytest

from storeops.sync.run import run_sync
from tui.customer_repository import Look
from tui.mirror_customers import MirrorCustomers


async def test_handing_over_without_a_mark_offers_the_row(screens):
    """o marks the row under the cursor only after a yes; Esc changes nothing."""
    async with screens(start="customers") as driver:
        await driver.press("down", "o")
        name = driver.base.table.line.cells[0]
        assert f"Hand over {name}?" in driver.text
        await driver.press("escape")
        assert driver.base.NAME == "customers"
        assert driver.base.marks.count == 0
        await driver.press("o", "y")
        assert driver.base.NAME == "handover"
        assert driver.app.customers.marks() == 1
        assert "owners of the marked customers" in driver.text


async def test_every_jump_shows_the_row_of_its_number(screens, core):
    """Scrollbar, ends and numbers lead to the same rows as reading the list from the start."""
    expected = [line.data for line in await _all_lines(screens)]
    async with screens(start="customers") as driver:
        table = driver.base.table
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
        return driver.base.table.source.window(0, 5000).lines


async def test_a_background_sync_moves_neither_cursor_nor_marks(screens, core, fresh_chain):
    """New customers come in above; the cursor stays on its customer, marks on theirs."""
    control = fresh_chain.sandbox.control
    async with screens(start="customers", size=(80, 24)) as driver:
        table = driver.base.table
        await driver.press("pagedown", "down", "space", "down", "space", "down")
        before, total, on_screen = (
            table.line.data,
            table.total,
            table.cursor - round(table.scroll_y),
        )
        marked = set(driver.app.customers.marked_ids(10))
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
        assert set(driver.app.customers.marked_ids(10)) == marked
        assert driver.base.marks.count == 2


async def test_a_list_without_rows_says_what_to_do(screens):
    """Nothing matches: the list says so and names the way out, which works."""
    async with screens(start="customers") as driver:
        await driver.press("slash")
        await driver.type("zzzznobody")
        assert driver.base.table.total == 0
        assert "No customer matches. Esc takes the filter away." in driver.text
        await driver.press("escape")
        assert driver.base.table.total > 0
        assert "No customer matches" not in driver.text


async def test_a_filter_longer_than_its_line_stays_readable(screens):
    """The line scrolls with the cursor; no scrollbar stands on the text."""
    async with screens(start="customers", size=(80, 24)) as driver:
        await driver.press("slash")
        await driver.type("store:8 #普通 since:2026-01 until:2026-12 !#沉睡 王丽 李娜 张芳")
        line = driver.text.splitlines()[3]
        assert "王丽 李娜 张芳" in line
        await driver.press("home")
        assert driver.text.splitlines()[3].startswith("/ store:8 #普通 since:")
        await driver.press("escape")
        await driver.press("space", "down", "space")
        assert "name, remark, phone" in driver.text.splitlines()[3]


async def test_the_filters_words_are_replaced_and_one_esc_takes_them_away(screens):
    async with screens(start="customers") as driver:
        everybody = driver.base.table.total
        await driver.press("slash")
        await driver.type("王")
        await driver.press("enter", "slash")
        await driver.type("李")
        assert driver.text.splitlines()[3].rstrip().endswith("/ 李")
        await driver.press("enter")
        assert 0 < driver.base.table.total < everybody
        await driver.press("escape")
        assert driver.base.table.total == everybody


async def test_facets_say_how_many_more_there_are_and_open(screens):
    async with screens(start="customers", size=(160, 60)) as driver:
        await driver.rest()
        facets = driver.base.query_one("#facets")
        lines = facets.source.lines
        at = next(at for at, line in enumerate(lines) if "more" in line.cells[0])
        facets.focus()
        await driver.press("home", *["down"] * (at - 1), "enter")  # the heading is passed over
        await driver.rest()
        assert len(facets.source.lines) > len(lines)


async def test_windows_show_what_there_is_and_what_will_be(screens, core, monkeypatch):
    """A remark's window shows the present one and the preview; a note stands without an author."""
    monkeypatch.setattr("tui.modals.remark.REST", 0.01)
    (remark,) = core.data.execute(
        "SELECT remark FROM follow WHERE status = 'active' AND remark NOT GLOB '*[^一-龥]*'"
        " GROUP BY 1 HAVING count(*) = 1 AND length(remark) > 3 LIMIT 1"
    ).fetchone()
    async with screens(start="customers", size=(120, 40)) as driver:
        await driver.press("slash")
        await driver.type(remark)
        await driver.press("enter", "r")
        await driver.rest()
        assert f"The first has now: {remark}" in driver.text
        await driver.type("VIP")
        await driver.rest()
        (line,) = [each for each in driver.text.splitlines() if "The first: " in each]
        assert "VIP" in line
        await driver.press("escape", "n")
        await driver.type("likes tea")
        await driver.press("enter", "enter")
        await driver.rest()
        assert "likes tea" in driver.text


async def test_nobody_was_added_in_1970(screens, core):
    """WeCom's list of the unassigned tells no date; the facets do not make one up."""
    async with screens(start="customers", size=(160, 48)) as driver:
        await driver.press("slash")
        await driver.type("status:unassigned")
        await driver.press("enter")
        assert driver.base.table.total > 0
        assert "Added" not in driver.text.split("Tag")[0]
        assert "1970" not in driver.text


@pytest.mark.parametrize("count", [1, 3])
async def test_copied_ids_are_told_in_whole_sentences(screens, count):
    async with screens(start="customers") as driver:
        for _ in range(count):
            await driver.press("space")
        await driver.press("y")
        what = "the id of 1 customer" if count == 1 else f"the ids of {count} customers"
        assert f"Copied to the clipboard: {what}." in driver.text


async def test_the_title_of_the_sort_carries_its_arrow(screens):
    async with screens(start="customers", size=(160, 48)) as driver:
        seen = set()
        for _ in range(4):
            title = next(each for each in driver.text.splitlines() if " Remark " in each)
            seen.add((driver.base.look.sort, "Added ▾" in title, "Added ▴" in title,
                      "Name ▾" in title))  # fmt: skip
            await driver.press("s")
        assert seen == {
            ("newest", True, False, False), ("oldest", False, True, False),
            ("name", False, False, True),
        }  # fmt: skip


async def test_a_row_shows_the_relation_that_the_filter_means(screens, core):
    """Owner, shop and date of the one that matched, in whose order the list is."""
    owner, name = core.data.execute(
        "SELECT s.userid, s.name FROM staff s JOIN follow f ON f.staff_id = s.id"
        " WHERE f.status = 'active' AND f.createtime < (SELECT max(o.createtime) FROM follow o"
        "  WHERE o.customer_id = f.customer_id) GROUP BY s.id ORDER BY count(*) DESC LIMIT 1"
    ).fetchone()
    async with screens(start="customers", target=f"@{owner}", size=(160, 48)) as driver:
        lines = driver.base.table._window.lines
        assert any(" +" in line.cells[2] for line in lines)
        assert {line.cells[2].split(" +")[0] for line in lines} == {name}
        dates = [line.cells[6] for line in lines]
        assert dates == sorted(dates, reverse=True)


async def test_one_undo_takes_back_a_whole_range(screens, monkeypatch):
    """However many slices it was read in."""
    from tui.screens.customers import marks

    monkeypatch.setattr(marks, "STEP", 2)
    async with screens(start="customers") as driver:
        await driver.press("v", *["down"] * 4, "v")
        assert driver.base.marks.count == 5
        await driver.press("u")
        assert driver.base.marks.count == 0


async def test_one_click_narrows_by_a_facet(screens):
    """The pane has its own keys in the footer, a × for the mouse, and stays where one is."""
    async with screens(start="customers", size=(80, 24)) as driver:
        everybody = driver.base.table.total
        await driver.press("f")
        await driver.rest()
        facets = driver.base.query_one("#facets")
        assert facets.line.key[0] == "status"  # not on the heading
        assert "Enter Narrow  f Close" in driver.text
        at = next(
            number for number, line in enumerate(facets.source.lines) if line.key[0] == "store"
        )
        assert await driver.pilot.click("#facets", offset=(8, at))
        await driver.settle()
        assert driver.base.look.where.startswith("store:")
        assert 0 < driver.base.table.total < everybody
        assert facets.line.key[0] == "store"
        width = driver.base.query_one("#facets-pane").size.width
        assert await driver.pilot.click("#facets-pane Edge", offset=(width - 4, 0))
        await driver.settle()
        assert driver.base.focused is driver.base.table


async def test_a_suggestion_says_what_its_word_means(screens, core):
    """Bare numbers of shops come with the name; one typed whole says whom it means."""
    shop = core.data.execute("SELECT id, name FROM department WHERE parentid > 1").fetchone()
    async with screens(start="customers") as driver:
        await driver.press("slash")
        await driver.type(f"store:{shop[0]}")
        await driver.rest()
        assert f"store:{shop[0]} = {shop[1]}" in driver.text


async def test_chinese_sentences_fill_their_lines():
    """A number in a sentence is no reason to end the line."""
    from tui.flowing import flowing

    text = flowing("王店长将为马艳怡、余英雨的客户打上“客户等级/金卡”：3 次调用，立即完成。")
    assert len(text.broken(60).plain.partition("\n")[0]) >= 29
    assert text.broken(60).plain.replace("\n", "") == text.plain


@pytest.mark.parametrize("who", ["we", "another process"])
def test_names_are_read_again_when_somebody_has_written(core, who):
    """Words of the filter, facets and queries know a tag by its new name at once."""
    customers = MirrorCustomers(core)
    assert customers.suggest("#翡") == ()
    with contextlib.closing(sqlite3.connect(core.data.path)) as other, other:
        connection = core.data.connection if who == "we" else other
        connection.execute(
            "UPDATE tag SET name = '翡翠' WHERE id = (SELECT t.id FROM tag t JOIN follow_tag f"
            " ON f.tag_id = t.id GROUP BY 1 ORDER BY count(*) DESC LIMIT 1)"
        )
    (found,) = customers.suggest("#翡")
    assert found.word.endswith("翡翠")
    look = Look(where=found.word)
    assert found.word in {each.token for kind in customers.facets(look) for each in kind}
    assert customers.rows(look).count(None).rows > 0
