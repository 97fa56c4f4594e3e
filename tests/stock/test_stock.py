"""Stock through the command line: lists, counts, differences, what expires."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from storeops import config, times
from storeops.clock import SystemClock


@pytest.fixture
def days(cli: Any, tmp_path: Path) -> dict[str, str]:
    """A profile with stock in two shops; returns days by name."""
    config.save_profile(config.Profile("p", "ww1"))
    today = times.local(SystemClock().now()).date()
    spans = {"gone": -1, "today": 0, "tomorrow": 1, "later": 9}
    days = {name: (today + timedelta(days=at)).isoformat() for name, at in spans.items()}
    (tmp_path / "stock.csv").write_text(
        "门店编号,条码,批号,到期日,数量\n"
        f"S1,690,A,{days['later']},10\nS1,690,B,{days['tomorrow']},4\nS1,690,C,,7\n"
        f"S1,691,,{days['gone']},3\nS2,690,A,{days['today']},5\nS2,692,,{days['later']},0\n",
        encoding="utf-8",
    )
    answer = cli("stock", "import", str(tmp_path / "stock.csv"), "--json")
    assert answer.code == 0, answer.err
    assert answer.json == {
        "rows": 6, "changed": 5, "unchanged": 1, "gone": 0, "difference": 29.0,
    }  # fmt: skip
    return days


def test_first_expired_first(cli: Any, days: dict[str, str]) -> None:
    found = cli("stock", "list", "--store", "S1", "--product", "690", "--json").json["items"]
    assert [each["lot"] for each in found] == ["B", "A", "C"]
    assert len(cli("stock", "list", "--json").json["items"]) == 5  # nothing lies of the sixth


def test_what_expires_and_when(cli: Any, days: dict[str, str]) -> None:
    found = cli("stock", "expiring", "--json").json["items"]
    assert [(each["store"], each["due"], each["qty"]) for each in found] == [
        ("S1", "expired", 3), ("S2", "today", 5), ("S1", "tomorrow", 4),
    ]  # fmt: skip
    assert len(cli("stock", "expiring", "--days", "30", "--json").json["items"]) == 4
    assert "take it off the shelf now" in cli("stock", "expiring").out
    assert "expired pieces lie in 1 shop" in cli("status").out


def test_counts_keep_their_differences(cli: Any, days: dict[str, str], tmp_path: Path) -> None:
    words = ("stock", "count", "S1", "690")
    lot = ("--lot", "A", "--expires", days["later"], "--json")
    assert cli(*words, "10", *lot).json["difference"] == 0
    assert cli(*words, "8", *lot, "--as", "小王").json["difference"] == -2
    (newest, *_rest) = cli("stock", "list", "--differences", "--store", "S1", "--json").json[
        "items"
    ]
    assert (newest["before"], newest["after"], newest["who"], newest["source"]) == (
        10, 8, "小王", "count",
    )  # fmt: skip
    (tmp_path / "one.csv").write_text("product_id,qty,lot\n690,7,C\n")
    done = cli("stock", "import", str(tmp_path / "one.csv"), "--store", "S1", "--whole", "--json")
    assert (done.json["gone"], done.json["changed"]) == (3, 0)
    left = cli("stock", "list", "--store", "S1", "--json").json["items"]
    assert [(each["lot"], each["qty"]) for each in left] == [("C", 7)]
    assert cli("stock", "list", "--store", "S2", "--json").json["items"]  # another shop's stays


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("store_id,product_id,qty\nS1,690,-4\n", "line 2: “-4” is no number of pieces"),
        ("store_id,product_id,qty\nS1,690,viel\n", "is no number of pieces"),
        ("product_id,qty\n690,4\n", "the shop is missing"),
        ("store_id,product_id,qty\nS1,,4\n", "the product is missing"),
        ("store_id,product_id,qty,expires\nS1,690,4,soon\n", "“soon” is no day"),
        ("store_id,product_id,qty\nS1,690,4\nS1,690,5\n", "line 3: shop, product, lot"),
        ("store_id,product_id,qty,unit\nS1,690,4,件\nS1,691,2,箱\n", "line 3: “箱” is no unit"),
        ("colour\nred\n", "no column"),
    ],
)
def test_a_wrong_row_changes_nothing(cli: Any, tmp_path: Path, text: str, said: str) -> None:
    config.save_profile(config.Profile("p", "ww1"))
    (tmp_path / "bad.csv").write_text(text)
    answer = cli("stock", "import", str(tmp_path / "bad.csv"), "--json")
    assert answer.code == 2
    assert said in answer.error["message"]
    assert cli("stock", "list", "--json").json["items"] == []
    assert cli("stock", "count", "S1", "690", "many").code == 2
    assert cli("stock", "count", "S1", "690", "4", "--expires", "soon").code == 2


def test_a_list_as_shops_keep_it(cli: Any, tmp_path: Path) -> None:
    """A title, headings in other words than ours, GB18030; moments and --product as elsewhere."""
    config.save_profile(config.Profile("p", "ww1"))
    text = (
        "门店库存表 2026年11月29日,,,,\n门店代码,商品编码*,批号,到期日（年月日）,数量（件）\n"
        'S1,690,A,2026/11/3,"1,200"\nS1,691,B,2026年12月4日,3\n'
    )
    (tmp_path / "list.csv").write_bytes(text.encode("gb18030"))
    assert cli("stock", "import", str(tmp_path / "list.csv")).code == 0
    items = cli("stock", "list", "--json").json["items"]
    assert [(each["store"], each["item"], each["expires"], each["qty"]) for each in items] == [
        ("S1", "690", "2026-11-03", 1200), ("S1", "691", "2026-12-04", 3),
    ]  # fmt: skip
    assert all(each["counted_at"].endswith("Z") for each in items)
    found = cli("stock", "list", "--differences", "--product", "691", "--json").json["items"]
    assert [(each["item"], each["at"][-1]) for each in found] == [("691", "Z")]
