"""What head office keeps for shops, read as a shop reads it: two departments that are one shop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from storeops import config, times
from storeops.domains.report import kept
from storeops.domains.report.shared import THINGS
from storeops.errors import PolicyError
from storeops.mirror import meta
from storeops.notebook.stores import Shop, save_shops
from storeops.operations import reports
from tests.report.test_reports import DAY, MIDNIGHT, Mirror, Report, mirror, report
from tests.report.test_today import Open, at, page

__all__ = ["mirror", "page", "report"]

NOW = float(MIDNIGHT + 3 * DAY + 8 * 3600)
YESTERDAY = times.day(NOW - DAY)


@pytest.fixture
def shop(mirror: Mirror, report: Report) -> Mirror:
    """Figures of a morning are kept; from now on the file is a back office's."""
    kept.keep(mirror.db, NOW)
    as_shop(mirror)
    return mirror


def as_shop(mirror: Mirror) -> None:
    with mirror.db.atomic() as connection:
        meta.write(connection, meta.FED_BY, "storeops hub follow")
    config.save_profile(replace(config.load().profiles["t"], store="S01"))


async def test_today_is_of_all_departments_of_a_shop(
    shop: Mirror, report: Report, page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, 3)
    daily = report("daily", "--json").json
    staff = report("staff", "--json").json["staff"]
    assert len({each["store"] for each in staff}) == 2
    async with page() as driver:
        seen = driver.base._morning
    assert seen.total.day.main() == daily["totals"]
    assert {each.key for each in seen.lines} == {each["userid"] for each in staff}


def test_guides_are_called_as_they_are_called_now(shop: Mirror, report: Report) -> None:
    """Also whose userid was changed since; who is of another shop now, as then."""
    before = report("staff", "--json").json["staff"]
    shop.db.execute("UPDATE staff SET userid = 'renamed', name = '新' WHERE userid = 'u0'")
    shop.db.execute("PRAGMA foreign_keys = OFF")
    shop.db.execute("DELETE FROM staff WHERE userid = 'u2'")
    after = report("staff", "--json").json["staff"]
    called = {"u0": {"userid": "renamed", "name": "新"}}
    wanted = [{**each, **called.get(each["userid"], {})} for each in before]
    by = lambda each: each["userid"]  # noqa: E731
    assert sorted(after, key=by) == sorted(wanted, key=by)


def test_who_has_no_figures_has_zeros_and_who_is_gone_has_none(mirror: Mirror) -> None:
    save_shops(mirror.db, [Shop(12, "S03")], NOW)
    day = reports.period(NOW)
    stale = "INSERT INTO report_kept (store_id, start, ends, complete, made_at, document)"
    mirror.db.execute(f"{stale} VALUES (99, ?, ?, 1, ?, '{{}}')", (day.start, day.end, NOW - 60))
    kept.keep(mirror.db, NOW, [day])
    found = mirror.db.execute("SELECT store_id FROM report_kept ORDER BY store_id").fetchall()
    assert found == [(10,), (11,), (12,)]


def test_days_of_long_ago_stay_when_they_are_kept_now(mirror: Mirror, report: Report) -> None:
    words = ("--since", "2025-05-01", "--until", "2025-05-07")
    assert report("keep", *words, "--json").json["written"] == 2
    assert report("keep", "--json").json["removed"] == 0
    as_shop(mirror)
    assert report("store", *words).code == 0
    with mirror.db.atomic() as connection:
        meta.write(connection, meta.FED_BY, "")
    for later, there in ((34, (1, 7, 31)), (36, (1, 31)), (93, (31,)), (401, ())):
        kept.keep(mirror.db, NOW + later * DAY, [reports.period(NOW + later * DAY, on="2025")])
        found = mirror.db.execute(
            "SELECT (ends - start) / 86400 AS days FROM report_kept WHERE ends <= ?"
            " AND made_at <= ? GROUP BY days HAVING days IN (1, 7, 31)",
            (NOW, NOW),
        ).fetchall()
        assert tuple(days for (days,) in found) == there


def test_a_day_that_was_kept_before_it_was_over_is_counted_again(mirror: Mirror) -> None:
    today = reports.period(NOW, on="today")
    kept.keep(mirror.db, NOW, [today])
    later = kept.due(mirror.db, NOW + 20 * DAY)
    assert (today.start, today.end) in {(each.start, each.end) for each in later}


async def test_every_span_of_the_screens_is_there_on_the_first_morning(
    shop: Mirror, page: Open
) -> None:
    async with page() as driver:
        assert driver.base._morning.total.before is not None
        await driver.press("R")
        for days in (1, 7, 30, 1):
            await driver.settle()
            assert driver.base.report.period.days == days
            await driver.press("d")


def test_a_shop_that_asks_for_other_days_is_told_which_there_are(
    shop: Mirror, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = report("daily", "--on", "today", "--json")
    assert refused.code == 11
    assert YESTERDAY in refused.error["hint"]
    (step,) = refused.error["next_steps"]
    assert report(*step.split()[2:]).code == 0
    monkeypatch.setattr(times, "_zone", times.zone())  # put back afterwards
    monkeypatch.setenv("STOREOPS_TZ", "Europe/Berlin")
    refused = report("daily", "--json")
    assert refused.code == 11
    assert "17:00" in refused.error["hint"]
    assert "time_zone" in refused.error["hint"]


DEEP = "[" * 100_000
BROKEN = (
    "", "{", "[]", "null", "{}", '{"store":{},"guides":{},"notes":[7]}', DEEP,
    '{"store":{"new":"1"},"guides":{},"notes":[]}', '{"store":{},"guides":{"x":{}},"notes":[]}',
    '{"store":{},"guides":{"77":{"name":"A"}},"notes":[]}', '{"store":[],"guides":{},"notes":[]}',
)  # fmt: skip


def test_what_cannot_be_read_is_said(shop: Mirror) -> None:
    day = reports.period(NOW)
    reports.make(shop.db, "store", day, NOW)
    for document in BROKEN:
        shop.db.execute("UPDATE report_kept SET document = ? WHERE store_id = 11", (document,))
        with pytest.raises(PolicyError, match="cannot be read"):
            reports.make(shop.db, "store", day, NOW)


def test_what_a_shop_gets_of_a_day_is_found_by_its_guides(mirror: Mirror) -> None:
    """Not among the guides of all shops, for each shop anew: minutes for 1,500 shops."""
    db = mirror.db.connection
    db.execute("CREATE TEMP TABLE hub_wanted (key, store, PRIMARY KEY (key, store)) WITHOUT ROWID")
    (table,) = next(each.tables for each in THINGS if each.kind == "reportreplies")
    select = table.rows.format(wanted="hub_wanted", departments="hub_department")
    plan = " ".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {select}"))
    assert "SEARCH b USING PRIMARY KEY (day=? AND userid=?)" in plan, plan
    assert "SCAN s" not in plan, plan


def broken(shop: Mirror) -> None:
    shop.db.execute("UPDATE report_kept SET document = '{' WHERE ends - start < 100000")


def removed(shop: Mirror) -> None:
    shop.db.execute("DELETE FROM report_kept WHERE ends - start < 100000")


@pytest.mark.parametrize(("lose", "said"), [(broken, "cannot be read"), (removed, "keeps no")])
async def test_screens_say_why_there_are_no_figures_and_lead_on(
    shop: Mirror, page: Open, lose: Callable[[Mirror], None], said: str
) -> None:
    """Where the figures would be, not in a notice that goes away."""
    lose(shop)
    async with page() as driver:
        assert said in driver.text
        await driver.press("R")
        await driver.settle()
        screen = driver.base
        assert said in driver.text
        assert said in screen.why_not("export")
        await driver.press("left_square_bracket")
        await driver.settle()
        assert (screen.report, screen.days.since) == (None, times.day(NOW - 2 * DAY))
        assert screen.command_line() == f"storeops report daily --on {screen.days.since}"
        await driver.press("right_square_bracket", "d")
        await driver.settle()
        assert screen.report.period.days == 7
        assert said not in driver.text
