"""The demo's dairy tells something everywhere, and its files are what commands take in."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

from storeops.domains.sandbox import demo, demo_dairy
from storeops.domains.sandbox.demo_dairy import DairyShop
from tests.lots.conftest import Company

SHOPS = [DairyShop("S001", "东门店", ("wm1", "wm2")), DairyShop("S002", "西门店")]


def test_every_command_tells_something(cli: Any, company: Company) -> None:
    """The ones that the demo proposes, as printed."""
    import shlex

    from commands.dairy import next_steps

    for words, _what in next_steps(company.files):
        answer = cli(*shlex.split(words), "--json")
        assert answer.code == 0, (words, answer.err)
        assert answer.json.get("items", ["-"]), words


def test_the_bad_tank_adds_up(cli: Any, company: Company) -> None:
    found = cli("trace", "forward", company.files.bad_lot, "--all", "--json").json
    assert found["complete"]
    states = defaultdict(float)
    for each in found["items"]:
        if each["lot"] == company.files.made_lot.split("/")[1]:
            states[each["state"]] += each["qty"]
    made = states.pop("made")
    assert made == sum(states.values())
    assert {"sold", "on_shelf", "on_the_way"} <= states.keys()
    papers = [
        paper
        for each in cli("trace", "back", company.files.made_lot, "--all", "--json").json["items"]
        for paper in each["papers"]
    ]
    assert "error" in {each["state"] for each in papers}


def test_stock_is_what_papers_leave_on_shelves(cli: Any, company: Company) -> None:
    found = cli("trace", "forward", company.files.made_lot, "--all", "--json").json["items"]
    article, lot = company.files.made_lot.split("/")
    listed = cli("stock", "list", "--product", article[1:], "--all", "--json").json["items"]
    assert sum(each["qty"] for each in listed if each["lot"] == lot) == sum(
        each["qty"] for each in found if each["state"] == "on_shelf"
    )


def test_files_are_taken_in_by_hand_too(cli: Any, tmp_path: Path) -> None:
    """As docs/goods.md says; twice is harmless."""
    from storeops import config

    config.save_profile(config.Profile("p", "ww1"))
    files = demo_dairy.write(tmp_path / "dairy", SHOPS, date(2026, 5, 18))
    commands = (
        ("supplier", "import", files.path("suppliers")),
        ("certificate", "add", "--file", files.path("certificates")),
        ("product", "import", files.path("products")),
        ("order", "import", files.path("orders"), "--source", "dairy"),
        ("lot", "import", files.path("places"), "--kind", "places"),
        ("lot", "import", files.path("lots")),
        ("stock", "import", files.path("stock"), "--whole"),
    )
    for words in commands + commands[-2:]:
        answer = cli(*words, "--json")
        assert answer.code == 0, (words, answer.err)
    assert cli("lot", "import", files.path("lots"), "--json").json["added"] == 0
    checked = cli("supplier", "check", "V003", "--on", "2026-05-18", "--json").json["items"]
    assert {each["level"] for each in checked} == {"ok"}


def test_the_same_day_is_the_same_dairy(tmp_path: Path) -> None:
    for name in ("one", "two"):
        demo_dairy.write(tmp_path / name, SHOPS, date(2026, 5, 18))
    for name in demo_dairy.HEADS:
        one, two = (tmp_path / each / f"{name}.csv" for each in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()
        with one.open(encoding="utf-8", newline="") as file:
            assert len(list(csv.reader(file))) > 2


def test_a_day_that_is_not_over_is_no_history(cli: Any, company: Company, tmp_path: Path) -> None:
    """What tills sold since midnight waits for tomorrow's forecast."""
    asked = ("forecast", "explain", "S001", company.files.code, "--json")
    before = cli(*asked).json
    rows = tmp_path / "today.csv"
    rows.write_text(
        "order_no,paid_at,shop,code,product,quantity,amount\n"
        f"X1,2026-05-18 09:00,S001,{company.files.code},鲜牛奶 950ml,1,16.80\n",
        encoding="utf-8",
    )
    assert cli("order", "import", str(rows), "--source", "dairy").code == 0
    after = cli(*asked).json
    assert after["as_of"] == before["as_of"] == "2026-05-17"
    assert after["forecast"] == before["forecast"]


def test_the_shops_of_the_dairy_are_nobodys_work(cli: Any, company: Company) -> None:
    """Else a demo that nobody touched is kept when its sandbox is gone."""
    assert not demo.made_by_hand().get("shop")
    first = cli("store", "list", "--json").json["items"][0]["department_id"]
    assert cli("store", "map", str(first), "--region", "东").code == 0
    assert demo.made_by_hand()["shop"] == 1, "what a person says of one counts"
