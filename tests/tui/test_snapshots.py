"""Every screen as text, in both languages and two sizes.

`STOREOPS_UPDATE_SNAPSHOTS=1 pytest tests/tui/test_snapshots.py` writes them anew; read the diff.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from storeops import i18n

UPDATE = bool(os.environ.get("STOREOPS_UPDATE_SNAPSHOTS"))  # tests run without our variables
FOLDER = Path(__file__).with_name("snapshots")
SIZES = ((80, 24), (160, 48))
LANGUAGES = ("en", "zh_CN")
SCREENS = ("today", "customers", "staff", "stores", "tags", "groups", "sync", "sandbox")


def compare(name: str, text: str) -> None:
    path = FOLDER / f"{name}.txt"
    if UPDATE:
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"{path} is missing; see the top of this file"
    assert text == path.read_text(encoding="utf-8"), f"the screen differs from {path.name}"


def steady(text: str) -> str:
    """The text without what a running clock changes."""
    return re.sub(r"(\d{4}-\d\d-\d\d \d\d):\d\d:\d\d", r"\1:00:00", text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("screen", SCREENS)
async def test_screen(screens, chain, screen, size, language):
    i18n.use(language)
    if screen == "sandbox":
        chain.sandbox.control.call("POST", "calls/reset")
    async with screens(start=screen, size=size) as driver:
        await driver.rest()
        compare(f"{screen}-{size[0]}x{size[1]}-{language}", steady(driver.text))


WINDOWS = {
    "help": ("customers", ["question_mark"]),
    "menu": ("customers", ["f10"]),
    "go": ("customers", ["colon"]),
    "card": ("customers", ["enter"]),
    "command": ("customers", ["x"]),
    "columns": ("customers", ["c"]),
    "views": ("customers", ["w"]),
    "export": ("customers", ["e"]),
    "note": ("customers", ["n"]),
    "jump": ("customers", ["g"]),
    "facets": ("customers", ["f"]),
    "quit": ("today", ["q"]),
    "fault": ("sandbox", ["a"]),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("window", list(WINDOWS))
async def test_window(screens, chain, window, language):
    i18n.use(language)
    start, keys = WINDOWS[window]
    if start == "sandbox":
        chain.sandbox.control.call("POST", "calls/reset")
    async with screens(start=start) as driver:
        await driver.press(*keys)
        await driver.rest()
        compare(f"{window}-80x24-{language}", steady(driver.text))
