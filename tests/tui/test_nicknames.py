"""Twenty nicknames that hurt, wherever a screen shows a stranger's words."""

from __future__ import annotations

import csv
import json
import unicodedata
from pathlib import Path

import pytest
from rich.cells import cell_len

from storeops import paths
from tui.cells import align, cell_width, shown

NAMES = [
    each["name"]
    for each in json.loads((paths.fixtures_dir() / "nicknames.json").read_text(encoding="utf-8"))
]
SAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # categories that never reach the screen


def harmless(text: str) -> bool:
    return not any(unicodedata.category(each) in SAFE for each in text if each != "\n")


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_shown_is_harmless_and_measured_alike(name):
    """Printable, and as wide for Textual as for us, whole and cut at any cell."""
    text = shown(name)
    assert harmless(text), ascii(text)
    assert cell_len(text) == cell_width(text), ascii(text)
    for width in range(1, 24):
        cut = align(text, width)
        assert cell_width(cut) == cell_len(cut) == width, (ascii(cut), width)


@pytest.fixture
def hurt(core):
    """The newest twenty customers wear the names; remarks, shops, tags and members too."""
    db = core.data
    ids = [
        row[0]
        for row in db.execute("SELECT id FROM customer ORDER BY createtime DESC, id DESC LIMIT 20")
    ]
    with db.atomic():
        for number, key in enumerate(ids):
            name = NAMES[number % len(NAMES)]
            db.execute("UPDATE customer SET name = ? WHERE id = ?", (name, key))
            db.execute(
                "UPDATE follow SET remark = ?, description = ? WHERE customer_id = ?",
                (name, f"{name}\nsecond line {name}", key),
            )
        for table in ("staff", "department", "tag", "group_chat"):
            rows = db.execute(f"SELECT id FROM {table} ORDER BY id").fetchall()
            for number, (key,) in enumerate(rows):
                name = f"{NAMES[number % len(NAMES)]}{number}"
                db.execute(f"UPDATE {table} SET name = ? WHERE id = ?", (name, key))
    return core


def check(driver, width: int) -> None:
    strips = driver.app.screen._compositor.render_strips()
    for strip in strips:
        line = "".join(segment.text for segment in strip)
        assert harmless(line), ascii(line)
        assert cell_len(line) == width, ascii(line)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
async def test_lists_and_cards(hurt, screens, size):
    """List, facets, card, every list screen and the go window keep their columns."""
    async with screens(start="customers", size=size) as driver:
        await driver.rest()
        check(driver, size[0])
        rows = [line for line in driver.text.splitlines()[3:-3] if "│" in line]
        column = {(cell_len(line[: line.index("│")]), cell_len(line[: line.rindex("│")]))
                  for line in rows}  # fmt: skip
        assert len(column) <= 1
        wide = size[0] == 160
        for _ in range(20):
            if wide:
                await driver.rest()  # the card at the side follows
            else:
                await driver.press("enter")
            check(driver, size[0])
            await driver.press(*([] if wide else ["escape"]), "down")
        for key in ("3", "4", "5", "6"):
            await driver.press(key)
            check(driver, size[0])
            await driver.press("enter")
            check(driver, size[0])
            await driver.press("escape")
        await driver.press("colon")
        check(driver, size[0])


async def test_filter_notice_and_breadcrumb(hurt, screens):
    """Pasted into the filter they are words; errors and notices show them as text."""
    async with screens(start="customers") as driver:
        for name in NAMES:
            driver.base.table.focus()
            driver.base.bar.put("")
            from textual.events import Paste

            driver.app.post_message(Paste(name))
            await driver.settle()
            check(driver, 80)
            driver.app.notify(name, severity="error", steps=(name,))
            await driver.settle()
            check(driver, 80)
            driver.app.clear_notifications()
            await driver.press("escape")
            if driver.base.bar.text:
                await driver.press("escape")


async def test_export(hurt, screens, tmp_path):
    """The file holds every name; no cell can start a formula."""
    target = tmp_path / "out.csv"
    async with screens(start="customers") as driver:
        await driver.press("e")
        line = driver.app.screen.query_one("Input")
        line.value = str(target)
        await driver.press("enter")
        check(driver, 80)
    with target.open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.reader(handle))
    assert len(rows) - 1 == hurt.data.execute("SELECT count(*) FROM customer").fetchone()[0]
    for row in rows[1:]:
        assert not any(cell[:1] in ("=", "+", "-", "@") for cell in row), row
    text = Path(target).read_text(encoding="utf-8-sig")
    assert "\x1b" not in text
    assert "\u202e" not in text
