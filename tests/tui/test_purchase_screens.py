"""Care, Orders, Performance: the demo's purchases on the screens, from a line to its facts."""

from __future__ import annotations

import shlex
import shutil
import threading
from pathlib import Path

import pytest
from textual.widgets import Input

from storeops import times
from storeops.app import App
from storeops.domains.care import matters, tasks
from storeops.domains.commission import months, statements
from storeops.domains.commission.calendar_months import last_month
from storeops.domains.orders import matching, orders
from storeops.domains.orders.values import yuan
from storeops.domains.sandbox import demo
from storeops.operations import reports
from tests.tui.conftest import Chain, FrozenClock


@pytest.fixture(scope="module")
def stocked(chain: Chain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chain's home with purchases, tasks and rules."""
    home = tmp_path_factory.mktemp("stocked") / "home"
    shutil.copytree(chain.home, home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STOREOPS_HOME", str(home))
        core = App.open("demo", as_name=demo.INVENTOR)
        core._once("clock", FrozenClock)
        demo.furnish(core)
        core.close()
    return home


@pytest.fixture
def home(stocked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    shutil.copytree(stocked, folder)
    monkeypatch.setenv("STOREOPS_HOME", str(folder))
    return folder


async def test_care_is_done_put_off_and_skipped_with_a_word(screens, core):
    now = core.clock.now()
    due = tasks.list_tasks(core.data, now)
    assert len(due) > 3
    async with screens(start="today", size=(160, 40)) as driver:
        await driver.rest()
        assert f"{len(due)} care tasks" in driver.text
        await driver.press("C")
        await driver.rest()
        assert driver.base.NAME == "care"
        first = driver.base.task_here()
        assert first["text"] in driver.text
        assert first["userid"] not in driver.text, "guides have names"
        await driver.press("d")
        await driver.type("works well")
        await driver.press("enter")
        await driver.rest()
        found = tasks.show_task(core.data, first["id"])
        assert (found["status"], found["note"]) == ("done", "works well")
        second = driver.base.task_here()
        assert second["id"] != first["id"], "the cursor stays, the next task comes up"
        await driver.press("s", "enter")
        assert tasks.show_task(core.data, second["id"])["status"] == "open", "skipped with a reason"
        await driver.type("asked for quiet")
        await driver.press("enter")
        await driver.rest()
        assert tasks.show_task(core.data, second["id"])["note"] == "asked for quiet"
        third = driver.base.task_here()
        await driver.press("z", "down", "enter")
        await driver.rest()
        assert tasks.show_task(core.data, third["id"])["due_at"] == int(now) + 3 * 86_400
        assert len(driver.base.rows.lines) == len(due) - 3
        customer = driver.base.task_here()
        await driver.press("b")
        await driver.type("too loud")
        await driver.press("enter")
        await driver.rest()
        (open_,) = (each for each in matters.list_matters(core.data, now)
                    if each["text"] == "too loud")  # fmt: skip
        assert open_["external_userid"] == customer["external_userid"]
        await driver.press("enter")
        await driver.rest()
        assert type(driver.app.screen).__name__ == "TextModal"
        assert "How to serve" in driver.text
        await driver.press("escape", "c")
        await driver.rest()
        assert driver.base.look.where == f"id:{customer['external_userid']}"
        await driver.press("escape", "v", "v")
        await driver.rest()
        assert {line.data["status"] for line in driver.base.rows.lines} == {"done", "skipped"}
        assert "has ended" in driver.base.why_not("done")
        assert driver.base.command_line().endswith("--status done,skipped,lapsed,gone")


async def test_orders_wait_with_their_reason_and_are_summed(screens, core):
    now = core.clock.now()
    found = matching.report(core.data)
    assert found.unmatched > 0
    (plain,) = core.data.execute(
        "SELECT o.order_no FROM orders_order o JOIN orders_buyer b ON b.id = o.buyer_id"
        " WHERE b.reason = 'no_key' ORDER BY o.paid_at DESC LIMIT 1"
    ).fetchone()
    buyer, people = core.data.execute(
        "SELECT o.buyer_id, (SELECT json_group_array(id) FROM (SELECT id FROM customer LIMIT 2))"
        " FROM orders_order o WHERE o.order_no = ?",
        (plain,),
    ).fetchone()
    core.data.execute(
        "UPDATE orders_buyer SET reason = 'ambiguous', candidates = ?, member = 'M1' WHERE id = ?",
        (people, buyer),
    )
    async with screens(start="orders", size=(120, 35)) as driver:
        await driver.rest()
        assert "Enter shows" not in driver.text
        await driver.press("d", "u")
        await driver.rest()
        lines = driver.base.rows.lines
        waiting = orders.OrderFilter(match="waiting", since=int(now) - 365 * 86_400)
        assert len(lines) == len(list(orders.list_orders(core.data, waiting)))
        assert {line.data["reason"] for line in lines} <= set(matching.REASONS)
        assert driver.base.order_here()["order_no"] == plain
        assert "several customers fit" in driver.text
        await driver.press("a")
        await driver.rest()
        await driver.press("down", "enter")
        await driver.rest()
        shown = orders.show_order(core.data, plain)
        assert shown["external_userid"]
        assert shown["matched_by"] == "person"
        nobody = driver.base.order_here()
        assert nobody["reason"] != "ambiguous"
        external, name = core.data.execute(
            "SELECT external_userid, name FROM customer WHERE length(name) > 2 AND id NOT IN"
            " (SELECT customer_id FROM orders_order WHERE customer_id IS NOT NULL) LIMIT 1"
        ).fetchone()
        await driver.press("a")
        await driver.type("noFilter:")
        await driver.press("enter")
        await driver.rest()
        assert not orders.show_order(core.data, nobody["order_no"])["external_userid"]
        await driver.press("a")
        await driver.type(f"id:{external}")
        await driver.press("enter")
        await driver.rest()
        assert name in driver.text
        await driver.press("enter")
        await driver.rest()
        assert orders.show_order(core.data, nobody["order_no"])["external_userid"] == external
        await driver.press("v")
        await driver.rest()
        shops = orders.totals(
            core.data, "shop", orders.OrderFilter(since=driver.base._period().start), now
        )
        assert [line.key for line in driver.base.rows.lines] == [row["name"] for row in shops]
        await driver.press("enter")
        await driver.rest()
        assert {line.data["shop"] for line in driver.base.rows.lines} == {shops[0]["name"]}
        assert len(driver.base.rows.lines) >= shops[0]["orders"] + shops[0]["returns"]
        await driver.press("escape")
        await driver.rest()
        assert len(driver.base.rows.lines) == len(shops), "back to the sums"
        await driver.press("c")
        await driver.rest()
        assert driver.base.look.where.startswith("shop-bought:")


async def test_a_day_of_orders_is_turned_and_a_sum_of_nowhere_is_no_filter(screens, core):
    core.data.execute("UPDATE orders_order SET shop = '' WHERE id % 5 = 0")
    async with screens(start="orders", size=(120, 35)) as driver:
        await driver.rest()
        await driver.press("v")
        await driver.rest()
        at = [line.key for line in driver.base.rows.lines].index("")
        await driver.press("home", *["down"] * at, "enter")
        await driver.rest()
        assert "do not say where" in driver.text
        assert driver.base._view == "shop", "a sum that has no name is not entered"
        await driver.press("v", "v")
        await driver.rest()
        days = [line.key for line in driver.base.rows.lines]
        await driver.press("home", "down", "down", "enter")
        await driver.rest()
        day = driver.base._period()
        assert day.since == day.until == days[2]
        assert driver.base.command_line().endswith(f"--since {days[2]} --until {days[2]}")
        await driver.press("left_square_bracket")
        await driver.rest()
        before = reports.period(core.clock.now(), on=days[2]).back(1)
        which = orders.OrderFilter(since=before.start, until=before.end)
        assert [line.data["order_no"] for line in driver.base.rows.lines] == [
            row["order_no"] for row in orders.list_orders(core.data, which)
        ]
        assert driver.base.command_line().endswith(f"--until {before.until}")


async def test_an_order_read_late_is_not_put_beside_no_row(screens, core, monkeypatch):
    started, ready, show = threading.Event(), threading.Event(), orders.show_order

    def late(*which):
        started.set()
        assert ready.wait(10)
        return show(*which)

    async with screens(start="orders", size=(160, 40)) as driver:
        await driver.rest()
        monkeypatch.setattr(orders, "show_order", late)
        await driver.pilot.press("down")
        assert started.wait(10)
        driver.base.query_one("#words", Input).value = "no row holds this"
        await driver.pilot.pause()
        ready.set()
        await driver.rest()
        assert "No row holds these words" in driver.text
        assert "Order lines" not in driver.text


async def test_performance_leads_from_a_month_to_the_why_of_a_line(screens, core, cli):
    for column in ("order_no", "original"):  # what a till calls an order is any text
        core.data.execute(
            f"UPDATE orders_order SET {column} = '-' || {column} || ' ''$(x)' WHERE {column} <> ''"
        )
    month = months.reckon(core.data, times.month(core.clock.now()))
    rows = statements.statement(core.data, month)
    async with screens(start="performance", size=(160, 40)) as driver:
        await driver.rest()
        assert [line.data for line in driver.base.rows.lines] == rows
        assert f"{yuan(month.share_fen)} in shares" in driver.text
        assert "month of today" in driver.base.why_not("later")
        await driver.press("enter")
        await driver.rest()
        mine = [line.data for line in driver.base.rows.lines]
        assert sum(each.share.share_fen for each in mine) == rows[0].share_fen
        words = shlex.split(driver.base.command_line())
        assert words[:3] == ["storeops", "commission", "explain"]
        assert words[-1].startswith("-")
        assert cli(*words[1:]).code == 0
        await driver.press("enter")
        await driver.rest()
        assert "Arithmetic" in driver.text
        assert rows[0].name in driver.text
        assert rows[0].userid not in driver.text
        await driver.press("escape", "escape", "left_square_bracket")
        await driver.rest()
        before = months.reckon(core.data, last_month(core.clock.now()))
        assert f"{yuan(before.share_fen)} in shares" in driver.text
        assert driver.base.command_line().endswith(f"--month {before.month}")
