"""docs/screens.md and its pictures say what the screens say; `make screens` writes them anew."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from storeops import i18n
from tests.tui.conftest import Driver

ROOT = Path(__file__).parents[2]
NAMES = {"Enter": "enter", "Space": "space", "Home": "home", "Escape": "escape"}  # tmux → Textual
ALSO = "customers", "customers.zh", "customers-small"  # pictures that are drawn again here


def load_docs():
    spec = importlib.util.spec_from_file_location("docs_screens", ROOT / "docs" / "screens.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def left_of_notices(screen: str) -> str:
    """The screen without what stands in or behind a notice."""
    return "\n".join(line.split("▌")[0].rstrip() for line in screen.rstrip("\n").split("\n"))


@pytest.fixture
def noon(tmp_path, monkeypatch):
    """docs/screens.py with its chain; nothing of its environment stays."""
    import storeops.app

    docs = load_docs()
    for name in ("STOREOPS_HOME", "STOREOPS_LANG"):
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(storeops.app, "SystemClock", storeops.app.SystemClock)
    home = tmp_path / "home"
    home.mkdir()
    with docs.chain(home):
        yield docs, home
    i18n.use("en")


@pytest.mark.timeout(180)
async def test_page_and_pictures_are_true(painted, noon, tmp_path, monkeypatch):
    """The journey step by step, then the pictures that the README and the page begin with."""
    from storeops.app import App
    from tui.app import StoreOpsApp

    docs, home = noon
    page = docs.PAGE.read_text(encoding="utf-8")
    chinese = (ROOT / "docs" / "zh" / "screens.md").read_text(encoding="utf-8")
    steps = dict(re.findall(r"^\*\*(.+?)\*\*\n\n```text\n(.*?)\n```$", page, re.M | re.S))
    assert list(steps) == [title for title, _keys in docs.JOURNEY]
    monkeypatch.chdir(tmp_path)
    with docs.copied(home):
        core = App.open("demo")
        app = StoreOpsApp(core)
        async with app.run_test(size=docs.LINES, notifications=True) as pilot:
            driver = Driver(app, pilot)
            await driver.rest()
            for title, keys in docs.JOURNEY:
                for key in keys:
                    await driver.press(NAMES.get(key, key))
                await driver.rest()
                if title.startswith("Enter writes"):
                    await driver.hush()  # its notice names a folder of this run
                seen = left_of_notices(driver.text)
                assert seen == left_of_notices(steps[title]), f"{title}: run `make screens`"
        core.close()
    written = (tmp_path / "customers.csv").read_text(encoding="utf-8-sig").count("\n") - 1
    assert f"The file holds {written} customers" in page
    for picture in docs.DRAWN:
        written_in = chinese if picture.language == "zh_CN" else page
        assert f"pictures/{picture.name}.svg" in written_in
        if picture.name in ALSO:
            with docs.copied(home):
                svg = await docs.draw(picture)
            kept = (docs.PICTURES / f"{picture.name}.svg").read_text(encoding="utf-8")
            assert svg == kept, f"pictures/{picture.name}.svg: run `make screens`"
    for readme, picture in (("README.md", "customers"), ("README.zh-CN.md", "customers.zh")):
        before_first_list = (ROOT / readme).read_text(encoding="utf-8").split("\n- ")[0]
        assert f"(docs/pictures/{picture}.svg)" in before_first_list
