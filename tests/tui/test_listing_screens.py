"""Lists without rows say why, and what to do; a filter that nobody meets is taken away by Esc."""

from __future__ import annotations

import pytest

LISTS = ("staff", "stores", "tags", "groups")


@pytest.mark.parametrize("name", LISTS)
async def test_words_that_no_row_holds(screens, name):
    async with screens(start=name) as driver:
        everybody = driver.base.table.total
        assert everybody
        await driver.press("slash")
        await driver.type("nowhere")
        assert driver.base.table.total == 0
        assert "No row holds these words. Esc takes them away." in driver.text
        await driver.press("enter", "y")
        assert "No row holds these words" in driver.base.why_not("copy")
        await driver.press("escape")
        assert driver.base.table.total == everybody


@pytest.mark.parametrize("name", LISTS)
async def test_a_mirror_that_was_never_filled(screens, core, name):
    with core.data.atomic() as connection:
        for table in (
            "follow_tag",
            "follow",
            "staff",
            "department",
            "tag",
            "group_member",
            "group_chat",
        ):
            connection.execute(f"DELETE FROM {table}")
    async with screens(start=name) as driver:
        assert "The mirror holds none; 7 goes to Sync." in driver.text
        await driver.press("7")
        assert driver.base.NAME == "sync"
