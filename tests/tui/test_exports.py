"""Every export of a screen asks before it replaces a file, and replaces what it was told to."""

from __future__ import annotations

import pytest

# screen, the keys that open the dialog
WAYS = {
    "customers": ("customers", ("e",)),
    "plans": ("plans", ("down", "e")),
    "audit": ("audit", ("e",)),
}


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """The folder that names are taken in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def only(folder):
    (path,) = [each for each in folder.iterdir() if each.is_file() and each.suffix]
    return path


@pytest.mark.parametrize("way", WAYS)
async def test_an_existing_file_is_asked_about_and_replaced(way, screens, journal, mine):
    screen, keys = WAYS[way]
    async with screens(start=screen, size=(100, 50)) as driver:
        await driver.press(*keys, "enter")
        path = only(mine)
        written = path.read_bytes()
        assert written
        path.write_bytes(b"mine")
        await driver.press(*keys[-1:], "enter")
        assert "exists" in driver.text
        await driver.press("escape")
        assert path.read_bytes() == b"mine"
        await driver.press(*keys[-1:], "enter", "enter")
    assert only(mine).read_bytes() == written


@pytest.mark.parametrize("way", WAYS)
async def test_a_file_that_came_meanwhile_is_not_replaced(way, screens, journal, mine, monkeypatch):
    from tui.modals import file

    monkeypatch.setattr(file, "is_there", lambda path: False)  # it comes after the question
    screen, keys = WAYS[way]
    async with screens(start=screen, size=(100, 50)) as driver:
        await driver.press(*keys, "enter")
        path = only(mine)
        path.write_bytes(b"mine")
        await driver.press(*keys[-1:], "enter")
        assert "exists already" in driver.text
        assert "--" not in driver.text.split("exists already")[1].splitlines()[1], "no options here"
    assert path.read_bytes() == b"mine"


async def test_the_views_columns_are_written_and_the_path_is_said(screens, mine):
    from dataclasses import replace

    async with screens(start="customers", size=(100, 40)) as driver:
        driver.base._good = replace(driver.base._good, columns=("remark", "name"))
        await driver.press("e", "enter")
        path = only(mine)
        assert any(str(path) in each.message for each in driver.app._notifications)
        heading = path.read_text("utf-8-sig").splitlines()[0].split(",")
        assert heading.index("Remark") < heading.index("Name")
        assert "Shop" not in heading
