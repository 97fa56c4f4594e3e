"""Reports: any report of any days, from a line to its customers, and to a file."""

from __future__ import annotations

from storeops.operations import reports


async def test_reports_days_customers_and_files(screens, core, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    now = core.clock.now()
    made = reports.make(core.data, "daily", reports.period(now), now)
    async with screens(start="reports", size=(160, 48)) as driver:
        await driver.rest()
        base = driver.base
        assert base.report.data == made.data
        assert f"Customers {made.data['totals']['customers']}" in driver.text
        assert "Lost –" in driver.text, "what is not known is no zero"
        for row in made.data["stores"]:
            assert f"{row['store']}  " in driver.text
        assert "last whole days" in base.why_not("later")
        assert base.command_line() == "storeops report daily"
        await driver.press("d")
        await driver.rest()
        assert base.report.period.days == 7
        await driver.press("left_square_bracket")
        await driver.rest()
        day = reports.period(now)
        assert (base.days.since, base.days.until) == (
            day.back(13).since,
            day.back(7).since,
        )
        assert base.command_line() == (
            f"storeops report daily --since {base.days.since} --until {base.days.until}"
        )
        await driver.press("e", "enter")
        await driver.rest()
        assert (tmp_path / f"report-daily-{base.days.until}.xlsx").read_bytes()[:2] == b"PK"
        days = base.days
        await driver.press("a")
        await driver.rest()
        assert driver.base.NAME == "customers"
        assert driver.base.look.where.endswith(f"since:{days.since} until:{days.until}")
        await driver.press("escape")
        assert driver.base.NAME == "reports"
        await driver.press("w", "down", "down", "enter")
        await driver.rest()
        assert base.report.name == "staff"
        await driver.press("c")
        await driver.rest()
        assert driver.base.look.where.startswith("@")
