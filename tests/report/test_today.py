"""Today and the reports name one number for one thing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from typing import Any

import pytest

from storeops import config, times
from storeops.domains.report.morning import morning
from tests.report.test_reports import DAY, HOSTILE, MIDNIGHT, Mirror, Report, mirror, report
from tests.tui.conftest import Driver

__all__ = ["mirror", "report"]

Open = Callable[..., Any]


@pytest.fixture
def page() -> Open:
    """The application on Today, over the profile of the reports."""

    @asynccontextmanager
    async def open_() -> AsyncIterator[Driver]:
        from storeops.app import App
        from tui.app import StoreOpsApp

        with closing(App.open("t")) as core:
            app = StoreOpsApp(core, start="today")
            async with app.run_test(size=(160, 48)) as pilot:
                driver = Driver(app, pilot)
                await driver.settle()
                yield driver

    return open_


def at(monkeypatch: pytest.MonkeyPatch, day: int) -> None:
    """Eight in the morning of a day."""
    moment = float(MIDNIGHT + day * DAY + 8 * 3600)
    monkeypatch.setattr("storeops.clock.SystemClock.now", lambda _self: moment)


@pytest.mark.parametrize("day", [1, 3])
async def test_the_page_says_what_the_daily_report_says(
    report: Report, page: Open, monkeypatch: pytest.MonkeyPatch, day: int
) -> None:
    at(monkeypatch, day)
    daily = report("daily", "--json").json
    since = times.day(MIDNIGHT + (day - 7) * DAY)
    week = report("store", "--since", since, "--json").json
    async with page() as driver:
        seen = driver.base._morning
        text = driver.text
    assert seen.total.day.main() == daily["totals"]
    assert [{"store": each.name, **each.day.main()} for each in seen.lines] == [
        {k: v for k, v in each.items() if k != "store_code"} for each in daily["stores"]
    ]
    assert seen.total.week.as_dict() == week["totals"]
    totals = daily["totals"]
    yesterday = next(line for line in text.splitlines() if "Yesterday  " in line and "new" in line)
    lost = f"−{totals['lost']}" if totals["lost"] else "0"
    assert f"+{totals['new']} new · {lost} lost" in yesterday
    assert f"{totals['handed_over']} handed over" in yesterday
    stood = next(line for line in text.splitlines() if "handovers under way" in line)
    assert f"{totals['customers']} customers · {totals['untagged']} untagged" in stood
    shop = next(row for row in daily["stores"] if row["store"] == "B")
    weekly = next(row for row in week["stores"] if row["store"] == "B")["new"]
    shown = next(line for line in text.splitlines() if " B " in line).strip("│› ").split()
    assert shown[1:].count(f"+{shop['new']}") == (shop["new"] > 0) + (weekly == shop["new"] > 0)
    assert shown[-2:] == [str(shop["untagged"]), str(shop["customers"])]


async def test_a_shops_own_page_says_what_the_staff_report_says(
    report: Report, page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, 1)
    staff = report("staff", "--json").json["staff"]
    config.save_profile(replace(config.load().profiles["t"], store="S01"))
    async with page() as driver:
        seen = driver.base._morning
        assert "Guides" in driver.text
    assert {each.key: each.day.as_dict() for each in seen.lines} == {
        row["userid"]: {name: row[name] for name in seen.total.day.as_dict()}
        for row in staff
        if row["store"] == HOSTILE
    }
    shops = report("daily", "--json").json["stores"]
    assert seen.total.day.main() == {k: v for k, v in shops[0].items() if "store" not in k}


async def test_what_nobody_knows_is_no_zero(
    mirror: Mirror, report: Report, page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.db.execute("DELETE FROM sync_scope")
    at(monkeypatch, 1)
    daily = report("daily", "--json").json
    assert set(daily["totals"].values()) == {None}
    async with page() as driver:
        text = driver.text
    assert "new: not known · lost: not known" in text
    assert "+0 new" not in text
    assert f"! {daily['notes'][0]}" in text


async def test_a_day_that_no_reading_followed_is_no_zero(
    report: Report, page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, 5)
    daily = report("daily", "--json").json
    assert (daily["totals"]["new"], daily["totals"]["lost"]) == (None, None)
    assert daily["totals"]["customers"] == 4
    async with page() as driver:
        yesterday = next(line for line in driver.text.splitlines() if "Yesterday  " in line)
    assert "new: not known · lost: not known" in yesterday


def test_who_fell_behind(mirror: Mirror) -> None:
    """Less than half of a week that had something."""
    for who in range(50, 55):
        mirror.add(who, "u2", MIDNIGHT - 8 * DAY)
    found = morning(mirror.db, float(MIDNIGHT + 3 * DAY + 8 * 3600))
    assert {each.name: each.behind for each in found.lines} == {HOSTILE: False, "B": True}
