"""Every screen as text, in both languages and two sizes.

`STOREOPS_UPDATE_SNAPSHOTS=1 pytest tests/tui/test_snapshots.py` writes them anew; read the diff.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from storeops import i18n
from tests.tui.windows import LEDGER, PLAIN, all_windows, press_all
from tui.screen_registry import screens as all_screens

UPDATE = bool(os.environ.get("STOREOPS_UPDATE_SNAPSHOTS"))  # tests run without our variables
FOLDER = Path(__file__).with_name("snapshots")
SIZES = ((80, 24), (160, 48))
LANGUAGES = ("en", "zh_CN")
SCREENS = (
    "today",
    "customers",
    "staff",
    "stores",
    "tags",
    "groups",
    "sync",
    "events",
    "night",
    "reports",
    "care",
    "orders",
    "performance",
    "tracing",
    "suppliers",
    "stock",
    "forecast",
    "sandbox",
)


def compare(name: str, text: str) -> None:
    path = FOLDER / f"{name}.txt"
    if UPDATE:
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"{path} is missing; see the top of this file"
    assert text == path.read_text(encoding="utf-8"), f"the screen differs from {path.name}"


def steady(text: str) -> str:
    """The text without what a running clock changes."""
    return re.sub(r"(\d{4}-\d\d-\d\d \d\d):\d\d:\d\d", r"\1:00:00", text)


async def both_sizes(driver, name: str, language: str, clean=steady) -> None:
    """Compare at every size; what was small once and is small again looks as before."""
    back = SIZES[:1] if language == "en" else ()
    for width, height in (*SIZES, *back):
        await driver.resize(width, height)
        await driver.rest()  # panes that unfold read what they show
        await driver.hush()
        compare(f"{name}-{width}x{height}-{language}", clean(driver.text))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("screen", SCREENS)
async def test_screen(screens, chain, screen, language):
    """In its two sizes, reached by resizing, and back."""
    i18n.use(language)
    if screen == "sandbox":
        chain.sandbox.control.call("POST", "calls/reset")
    async with screens(start=screen, size=SIZES[0]) as driver:
        await driver.rest()
        await both_sizes(driver, screen, language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("window", list(PLAIN))
async def test_window(screens, chain, window, language):
    """A window in its two sizes; then every key it binds."""
    i18n.use(language)
    way = PLAIN[window]
    if way.screen == "sandbox":
        chain.sandbox.control.call("POST", "calls/reset")
    async with screens(start=way.screen) as driver:
        await driver.press(*way.keys)
        assert way.opens in ("", type(driver.app.screen).__name__)
        await driver.rest()
        await both_sizes(driver, window, language)
        if way.opens and language == "en":
            assert "escape" in await press_all(driver)


def test_no_screen_or_window_is_left_out():
    """Whatever opens is compared here or in test_ledger_snapshots."""
    from tests.tui import test_ledger_snapshots as ledger

    assert {way.opens for way in (*PLAIN.values(), *LEDGER.values())} - {""} == all_windows()
    assert {spec.name for spec in all_screens()} == {*SCREENS, *ledger.SCREENS}


def test_no_snapshot_is_left_over():
    """Every file belongs to a test."""
    from tests.tui import test_ledger_snapshots as ledger

    names = [*SCREENS, *ledger.SCREENS, *PLAIN, *(f"window-{name}" for name in LEDGER)]
    wanted = {
        f"{name}-{width}x{height}-{language}"
        for name in names
        for width, height in SIZES
        for language in LANGUAGES
    }
    assert {path.stem for path in FOLDER.glob("*.txt")} == wanted
