"""The screens of goods on the demo's dairy: at three sizes, in both languages, walked."""

from __future__ import annotations

import shlex
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from textual.widgets import Input

from storeops import i18n
from storeops.app import App
from storeops.domains.stock import shelf
from tests.lots.conftest import Company
from tests.tui.conftest import Driver, FrozenClock
from tui.app import StoreOpsApp

SIZES = ((80, 24), (120, 35), (200, 60))
NAMES = ("tracing", "suppliers", "stock", "forecast")


@pytest.fixture
def core(company: Company) -> Iterator[App]:
    app = App.open("demo")
    app._once("clock", FrozenClock)
    yield app
    app.close()


@pytest.fixture
def driven(core: App) -> Callable[..., Any]:
    @asynccontextmanager
    async def run(size: tuple[int, int] = (120, 35), start: str = "today") -> AsyncIterator[Driver]:
        app = StoreOpsApp(core, start=start)
        async with app.run_test(size=size) as pilot:
            driver = Driver(app, pilot)
            await driver.settle()
            await driver.rest()
            yield driver
        if app.crash is not None:
            raise app.crash

    return run


@pytest.mark.parametrize(("language", "sizes"), [("en", SIZES), ("zh_CN", SIZES[:1])])
async def test_all_of_them_at_three_sizes(driven: Any, language: str, sizes: Any) -> None:
    i18n.use(language)
    says = {
        "tracing": "A0516",
        "suppliers": "北坡牧场",
        "stock": "鲜羊奶",
        "forecast": "█",
    }
    async with driven(start="suppliers") as driver:
        for name in NAMES:
            driver.app.action_go(name)
            await driver.rest()
            for width, height in sizes:
                await driver.resize(width, height)
                assert says[name] in driver.text
                assert not any(line.startswith("Traceback") for line in driver.text.splitlines())


async def test_keys_lead_there_and_tabs_stand_where_they_are_used(driven: Any) -> None:
    async with driven() as driver:
        for key, name in (("T", "tracing"), ("S", "suppliers"), ("K", "stock"), ("W", "forecast")):
            await driver.press(key)
            assert name == driver.base.NAME
            assert key in driver.text.splitlines()[0].split()
        assert {"tracing", "suppliers", "stock", "forecast"} <= driver.app.used


async def test_a_card_read_late_is_not_put_beside_no_row(driven: Any, monkeypatch: Any) -> None:
    started, ready, stock = threading.Event(), threading.Event(), shelf.stock

    def late(*which: Any, **how: Any) -> Any:
        started.set()
        assert ready.wait(10)
        return stock(*which, **how)

    async with driven(size=(160, 50), start="stock") as driver:
        assert "All lots here" in driver.text
        monkeypatch.setattr(shelf, "stock", late)
        await driver.pilot.press("down")
        assert started.wait(10)
        driver.base.query_one("#words", Input).value = "no row holds this"
        await driver.pilot.pause()
        ready.set()
        await driver.rest()
        assert "No row holds these words" in driver.text
        assert "All lots here" not in driver.text


async def test_a_tree_is_walked_both_ways(driven: Any, company: Company) -> None:
    bad, made = company.files.bad_lot, company.files.made_lot
    async with driven(size=(160, 50), start="tracing") as driver:
        await driver.press("slash")
        await driver.type(bad)
        await driver.press("enter")
        await driver.rest()
        assert driver.base.middle == tuple(bad.split("/"))
        assert "运苏E-0929" in driver.text  # the permit that had expired
        assert "on the shelf" in driver.text
        names = [each.cells[0] for each in driver.base.rows.lines]
        at = next(at for at, each in enumerate(names) if made.split("/")[1] in each)
        await driver.press(*["down"] * at, "enter")
        await driver.rest()
        assert driver.base.middle == tuple(made.split("/"))
        assert "▲ 原料奶" in driver.base.rows.lines[0].cells[0]
        await driver.press("home", "w")
        await driver.rest()
        assert driver.base.middle == tuple(bad.split("/"))
        assert "in the middle already" in driver.base.why_not("walk")
        await driver.press("escape")
        await driver.rest()
        assert driver.base.middle == tuple(made.split("/"))
        await driver.press("b")
        await driver.rest()
        assert driver.base.middle is None


async def test_a_word_that_is_no_lot_is_said(driven: Any) -> None:
    async with driven(start="tracing") as driver:
        await driver.press("slash")
        await driver.type("12/34")
        await driver.press("enter")
        await driver.rest()
        assert driver.base.NAME == "tracing"
        assert driver.app._notices


async def test_a_recall_on_today_leads_to_its_tree(
    driven: Any, company: Company, cli: Any, core: App
) -> None:
    assert cli("trace", "recall", "plan", company.files.bad_lot, "--reason", "x").code == 0
    async with driven(size=(160, 50), start="tracing") as driver:
        assert "! called back" in driver.text
        driver.app.go("tracing", company.files.bad_lot)
        await driver.rest()
        assert driver.base.middle == tuple(company.files.bad_lot.split("/"))


def field(driver: Driver, name: str) -> str:
    """What the card says behind a name."""
    return next(
        each.split(name)[1].strip(" :│┃") for each in driver.text.splitlines() if name in each
    )


async def test_what_if_the_shelf_life_were_longer(driven: Any, cli: Any) -> None:
    """And the command that the screen names says the same."""
    async with driven(size=(160, 50), start="forecast") as driver:
        assert "known until 2026-05-17" in driver.text
        await driver.press("o")
        await driver.rest()
        assert "3 days of shelf life" in driver.text
        await driver.press("right_square_bracket")
        await driver.rest()
        assert "5 days of shelf life" in driver.text
        line = driver.base.command_line()
        assert "--shelf-life 5" in line
        names = ("To order", "Fill up to", "On hand, usable", "In the last weeks")
        order, target, usable, past = (field(driver, each) for each in names)
    typed = cli(*shlex.split(line)[1:], "--json").json
    (row,) = typed["items"]
    shares = {each["by"]: each for each in typed["past"]}["forecast"]
    assert row["on_hand"] > 0
    assert order == f"{row['order']:g}"
    assert target == f"{row['target']:,.1f} ({typed['ratio']:.0%})"
    assert usable == f"{row['usable']:,.1f}"
    assert past.startswith(f"{shares['lost']:.1%} lost")


async def test_rows_that_are_not_shown_are_counted(
    driven: Any, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.screens.forecast.MOST", 2)
    monkeypatch.setattr("storeops.domains.lots.tree.MOST_LOTS", 0)
    async with driven(size=(160, 50), start="forecast") as driver:
        assert len(driver.base.rows.lines) == 2
        assert "10 more: storeops forecast run --out FILE" in driver.text
        driver.app.go("tracing", company.files.bad_lot)
        await driver.rest()
        assert driver.base._tree.cut == 1
        assert "1 more lot: storeops trace forward LOT" in driver.text


async def test_printed_commands_can_be_typed(driven: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from tui.screens.forecast import ForecastScreen
    from tui.screens.tracing import TracingScreen

    load = ForecastScreen.load
    monkeypatch.setattr(
        ForecastScreen, "load",
        lambda self: [replace(line, key=("S 1", "it's")) for line in load(self)],
    )  # fmt: skip
    async with driven(size=(160, 50), start="forecast") as driver:
        assert shlex.split(driver.base.command_line())[-2:] == ["S 1", "it's"]
        driver.base._life = 3
        assert "--store 'S 1'" in driver.base.command_line()
        driver.app.action_go("tracing")
        await driver.rest()
        monkeypatch.setattr(TracingScreen, "middle", ("06900000000014", "A 1;x"))
        assert shlex.split(driver.base.command_line())[-1] == "06900000000014/A 1;x"


async def test_the_days_of_stock_go_round(driven: Any, cli: Any) -> None:
    async with driven(size=(160, 50), start="stock") as driver:
        listed = [len(driver.base.rows.lines)]
        printed: list[list[str]] = []
        for _span in range(3):
            await driver.press("d")
            await driver.rest()
            listed.append(len(driver.base.rows.lines))
            printed.append(shlex.split(driver.base.command_line())[1:])
        assert listed[0] == listed[3]
        assert listed[2] < listed[0] <= listed[1]
        assert "Counted at" in driver.text
    for words, count in zip(printed, listed[1:], strict=True):
        assert len(cli(*words, "--all", "--json").json["items"]) == count


async def test_suppliers_with_failing_papers_stand_first(driven: Any) -> None:
    async with driven(size=(160, 50), start="suppliers") as driver:
        assert driver.base.rows.lines[0].key == "V002"
        assert "raw milk transport permit" in driver.text
        await driver.press("w")
        await driver.rest()
        assert driver.base.rows.lines[0].key == "V001"
