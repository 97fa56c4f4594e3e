"""One zone in every surface, one formatter of moments; odd moments are no bug."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from storeops import times
from storeops.reading.customers import open_query

ROOT = Path(__file__).parents[2]
OTHERS = re.compile(
    r"astimezone\(|\bstrftime\(|fromtimestamp\(|localtime\(|\.gmtime\(|timezone\("
    r"|28800|(?<!\d)8 \* 3600"
)
# the sandbox imports nothing of ours; WeCom's own day is a rule of the contract, and the cells of
# a workbook hold what a clock showed: neither has a zone
EXEMPT = {
    "storeops/times.py", "storeops/domains/handover/rules.py", "storeops/tables/workbook.py",
    "storeops/domains/report/behaviour.py",
}  # fmt: skip
IN_SQL = re.compile(  # months, days and the present second, reckoned by SQLite
    r"strftime\('%Y-%m(-%d)?'|strftime\('%s', (last_at|'now')"
)
EVE = 1_777_653_000  # 2026-05-01 16:30 UTC, 2026-05-02 00:30 in China


@pytest.fixture(autouse=True)
def _zone() -> Any:
    yield
    times._zone = None


def test_no_other_place_formats_moments() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for folder in ("storeops", "commands", "tui")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "sandbox/" not in str(path.relative_to(ROOT))
        and str(path.relative_to(ROOT)) not in EXEMPT
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if OTHERS.search(line) and not IN_SQL.search(line)
    ]
    assert found == []


@pytest.fixture
def eve(chain: Any) -> str:
    """A customer of whom a follow began at the eve of a day."""
    row = chain.app.data.execute(
        "SELECT f.id, c.external_userid FROM follow AS f JOIN customer AS c ON c.id = f.customer_id"
        " GROUP BY c.id HAVING count(*) = 1 LIMIT 1"
    ).fetchone()
    at(chain, row[0], EVE)
    return str(row[1])


def at(chain: Any, follow: int, moment: int) -> None:
    """Let a follow have begun at a moment."""
    db = chain.app.data
    for sql in (
        "UPDATE follow SET createtime = :at WHERE id = :id",
        "UPDATE follow_tag SET createtime = :at WHERE follow_id = :id",
        "UPDATE customer SET createtime = :at WHERE id = (SELECT customer_id FROM follow"
        " WHERE id = :id)",
        "UPDATE mirror_meta SET value = value + 1 WHERE key = 'revision'",
    ):
        db.execute(sql, {"at": moment, "id": follow})


@pytest.mark.parametrize(
    ("zone", "shown"),
    [("", "2026-05-02 00:30"), ("Asia/Tokyo", "2026-05-02 01:30"),
     ("America/New_York", "2026-05-01 12:30")],
)  # fmt: skip
@pytest.mark.parametrize("machine", ["UTC", "America/New_York", "Asia/Shanghai"])
def test_tables_filters_and_statistics_agree(
    cli: Any, chain: Any, eve: str, zone: str, shown: str, machine: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("TZ", machine)
    time.tzset()
    if zone:
        assert cli("config", "set", "time_zone", zone).code == 0
    day = shown[:10]
    rows = cli("customer", "list", "--where", f"id:{eve} since:{day} until:{day}", "--all")
    assert shown in rows.out
    whole = cli("customer", "show", eve)
    assert shown in whole.out
    months = {
        each["name"]: each["customers"] for each in cli("stats", "month", "--json").json["items"]
    }
    some = cli("stats", "month", "--where", "!status:lost", "--json").json["items"]
    assert months == {each["name"]: each["customers"] for each in some}
    monkeypatch.undo()
    time.tzset()


def test_a_zone_is_a_setting_and_a_wrong_one_is_named(
    cli: Any, chain: Any, eve: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("config", "get", "time_zone").out.strip() == "Asia/Shanghai"
    assert cli("config", "set", "time_zone", "Mars/Olympus").code in (2, 3)
    monkeypatch.setenv("STOREOPS_TZ", "Europe/Berlin")
    assert "2026-05-01 18:30" in cli("customer", "list", "--where", f"id:{eve}").out
    monkeypatch.setenv("STOREOPS_TZ", "Nowhere")
    answer = cli("customer", "list")
    assert answer.code == 3
    assert "no time zone Nowhere" in answer.err


@pytest.mark.parametrize(
    "moment", [0, -1, -(10**12), 1_777_653_000_000, 9_999_999_999, 99_999_999_999, 10**17]
)
def test_odd_moments_are_shown_or_left_out(cli: Any, chain: Any, eve: str, moment: int) -> None:
    follow = chain.app.data.execute(
        "SELECT f.id FROM follow AS f JOIN customer AS c ON c.id = f.customer_id"
        " WHERE c.external_userid = ?", (eve,)
    ).fetchone()[0]  # fmt: skip
    at(chain, follow, moment)
    for words in (
        ("stats", "month"), ("stats", "month", "--where", "!status:lost"), ("stats", "store"),
        ("stats", "month", "--on", "yesterday"), ("customer", "list", "--all"),
        ("customer", "show", eve), ("customer", "list", "--since", "month"),
        ("customer", "list", "--until", "2026-05-01"), ("leaver", "list"),
    ):  # fmt: skip
        assert cli(*words).code == 0, words
        assert cli(*words, "--json").code == 0, words


def test_an_old_mirror_with_milliseconds_is_put_right(chain: Any) -> None:
    from storeops.mirror.schema import MIGRATIONS

    db = chain.app.data
    db.execute("UPDATE follow SET createtime = createtime * 1000")
    db.execute("UPDATE customer SET createtime = createtime * 1000000")
    next(each for each in MIGRATIONS if each.name == "m006_seconds").apply(db.connection)
    now = chain.app.clock.now()
    assert db.execute("SELECT max(createtime) FROM follow").fetchone()[0] <= now
    assert db.execute("SELECT max(createtime) FROM customer").fetchone()[0] <= now
    assert open_query(db, "since:30d", now=now).count().rows >= 0
