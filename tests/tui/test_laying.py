"""What is laid out and painted is laid out and painted once."""

from __future__ import annotations

import pytest
from textual.widgets import Static

from tui.screens.base import BaseScreen
from tui.widgets.bars import Bar
from tui.widgets.filter_bar import FilterBar

ROOM = {"wide", "tall", "facets", "card", "narrow"}  # classes of screens with room, or without


@pytest.mark.parametrize(
    ("name", "size", "has"),
    [
        ("customers", (160, 60), {"facets", "card"}),
        ("customers", (60, 24), {"narrow"}),
        ("today", (160, 60), {"tall"}),
        ("plans", (160, 60), {"tall"}),
        ("jobs", (160, 60), {"tall"}),
        ("handover", (160, 60), {"wide", "tall"}),
        ("audit", (160, 60), {"wide"}),
        ("staff", (160, 60), {"wide"}),
    ],
)
async def test_a_screen_has_its_panes_before_it_is_laid_out(screens, monkeypatch, name, size, has):
    """And so before it is painted; it was painted without them, then again with them."""
    found = []
    resized = BaseScreen.on_resize

    def spy(self, event):
        found.append(ROOM & self.classes)
        resized(self, event)

    monkeypatch.setattr(BaseScreen, "on_resize", spy)
    async with screens(start=name, size=size) as driver:
        assert found[0] == has
        assert ROOM & driver.base.classes == has


async def test_bars_that_say_the_same_are_not_painted_again(screens, monkeypatch):
    async with screens(start="customers", size=(160, 48)) as driver:
        painted = []
        refresh = Bar.refresh

        def spy(self, *args, **options):
            painted.append(self.id)
            return refresh(self, *args, **options)

        monkeypatch.setattr(Bar, "refresh", spy)
        driver.base.paint_frame()
        assert painted == []
        await driver.press("down", "space")  # a mark brings other buttons
        assert "footer" in painted


async def test_advice_that_is_the_same_lays_nothing_out(screens, monkeypatch):
    """It may be higher than what stood there, so all below it moves; the same one is no news."""
    async with screens(start="customers") as driver:
        told = []
        update = Static.update

        def spy(self, *args, **options):
            if self.id == "advice":
                told.append(args)
            update(self, *args, **options)

        monkeypatch.setattr(Static, "update", spy)
        advise = driver.base.query_one(FilterBar).advise
        advise("no such key", 0, ())
        advise("no such key", 0, ())
        await driver.settle()
        assert len(told) == 1
        assert "! no such key" in driver.text
        advise("", None, ())
        advise("", None, ())
        assert len(told) == 2
        await driver.settle()
        assert "no such key" not in driver.text
