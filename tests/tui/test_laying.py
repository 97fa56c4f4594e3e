"""What is laid out and painted is laid out and painted once."""

from __future__ import annotations

import pytest

from tui.screens.base import BaseScreen
from tui.widgets.bars import Bar

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
        driver.base.toggle_class("facets")
        await driver.press("down", "space")  # a mark brings other buttons
        assert "footer" in painted
