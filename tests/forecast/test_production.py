"""The plant's hours from shops' orders: numbers worked by hand, and a property of any plant."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storeops import config, times
from storeops.domains.forecast.production import MadeOn, ShopOrder, Trip, production

from .test_forecast import AS_OF

DAY = date(2026, 5, 19)
BEGIN = times.start(2026, 5, 18, 8).timestamp()


def hour(text: str) -> str:
    """Day and hour in China of a moment in UTC."""
    return times.minute(times.seconds_of(text))[5:]


@pytest.fixture
def plant(tmp_path: Path) -> Any:
    """A call of `forecast production` with tables written for it."""

    def call(cli: Any, lines: str, trucks: str, orders: str, *more: str) -> Any:
        heads = ("product_id,line,rate,batch,change,ready,opens,closes,stock",
                 "store_id,truck,by,hours", "store_id,product_id,qty")  # fmt: skip
        words = ["forecast", "production", "--json"]
        names = ("lines", "trucks", "orders")
        for name, head, rows in zip(names, heads, (lines, trucks, orders), strict=True):
            (tmp_path / f"{name}.csv").write_text(f"{head}\n{rows}", encoding="utf-8")
            words += [f"--{name}", str(tmp_path / f"{name}.csv")]
        return cli(*words, "--day", "2026-05-19", "--begin", "2026-05-18 08:00", *more)

    return call


def test_two_products_on_a_line_worked_by_hand(cli: Any, plant: Any) -> None:
    """Trucks leave at 20:00 and 22:00.

    Milk, 600 an hour in batches of 300, leaves two hours after its run: 500 + 200 = 700 pieces less
    100 in stock: 600, two batches of half an hour. The first holds pieces for 20:00, so it ends by
    18:00; the second holds the rest of S1 (400 - 300 = 100) too: 18:00 as well. The run is 17:00 to
    18:00. Yoghurt, 200 an hour, one batch of 100, ready at once, truck at 22:00, would run 21:30 to
    22:00, after the milk.
    """
    answer = plant(
        cli,
        "MILK,1,600,300,30,120,08:00,24:00,100\nYOG,1,200,100,30,0,08:00,24:00,",
        "S1,a,06:00,10\nS2,b,06:00,8",
        "S1,MILK,500\nS2,MILK,200\nS2,YOG,60\nS2,YOG,20",
    )
    assert answer.code == 0, answer.err
    milk, yoghurt = answer.json["items"]
    assert (hour(milk["start"]), hour(milk["end"])) == ("05-18 17:00", "05-18 18:00")
    assert (milk["pieces"], milk["batches"], milk["ordered"], milk["spare"]) == (600, 2, 600, 0)
    assert (milk["stores"], hour(milk["leaves"])) == (2, "05-18 20:00")
    assert (hour(yoghurt["start"]), hour(yoghurt["end"])) == ("05-18 21:30", "05-18 22:00")
    assert (yoghurt["ordered"], yoghurt["spare"]) == (80, 20)
    sums = {"ordered": 780, "from_stock": 100, "made": 700, "spare": 20, "short": 0}
    assert {name: answer.json[name] for name in sums} == sums


def test_the_change_between_products_and_the_hours_of_a_line_count(cli: Any, plant: Any) -> None:
    """Both are due at 22:00, the line closes at 20:00: B 19:00 to 20:00, 45 minutes to set it up,
    so A ends at 18:15 and begins at 17:15."""
    answer = plant(
        cli, "A,1,100,100,20,0,06:00,20:00,\nB,1,100,100,45,0,06:00,20:00,", "*,,06:00,8",
        "S1,A,100\nS1,B,100",
    )  # fmt: skip
    first, second = answer.json["items"]
    assert (first["product_id"], hour(first["start"]), hour(first["end"])) == (
        "A", "05-18 17:15", "05-18 18:15",
    )  # fmt: skip
    assert (hour(second["start"]), hour(second["end"])) == ("05-18 19:00", "05-18 20:00")


def test_what_cannot_be_made_in_time_is_named_with_its_shop(
    cli: Any, plant: Any, tmp_path: Path
) -> None:
    """From 08:00 to the truck at 10:00 two batches of an hour fit, not three; the third is the one
    that serves fewest. S3 has no truck, Z no line, and the truck of S2 left at 07:00."""
    answer = plant(
        cli, "A,1,100,100,0,0,,,", "S1,,06:00,20\nS2,,06:00,23",
        "S1,A,250\nS2,A,10\nS3,A,5\nS1,Z,7",
    )  # fmt: skip
    assert answer.code == 6
    found = answer.json
    assert [(hour(each["start"]), each["pieces"]) for each in found["items"]] == [
        ("05-18 08:00", 200)
    ]
    # the batch due at 07:00 holds S2's 10 and 90 of S1; of the others one holds 60
    short = {(each["store_id"], each["product_id"], each["reason"]): each["pieces"]
             for each in found["not_in_time"]}  # fmt: skip
    assert short == {
        ("S2", "A", "no_time"): 10, ("S1", "A", "no_time"): 90, ("S3", "A", "no_truck"): 5,
        ("S1", "Z", "no_line"): 7,
    }  # fmt: skip
    assert found["short"] == 112
    files = [f"--{name}={tmp_path / name}.csv" for name in ("lines", "trucks", "orders")]
    when = ("--day", "2026-05-19", "--begin", "2026-05-18 08:00")
    shown = cli("forecast", "production", *files, *when)
    assert shown.code == 6
    assert "Cannot be made in time" in shown.out
    assert "no truck goes there" in shown.out


@pytest.mark.parametrize(
    ("lines", "trucks", "said"),
    [
        ("A,1,0,1,,,,,", "*,,06:00,8", "line 2: rate is a number above 0"),
        ("A,1,1,1,,,8 o'clock,,", "*,,06:00,8", "is no hour of the day"),
        ("A,1,1,100,,,08:00,20:00,", "*,,06:00,8", "longer than the line is open"),
        ("A,1,9,9,,,,,\nA,2,9,9,,,,,", "*,,06:00,8", "product A is on two lines"),
        ("A,1,9,9,,,,,\nB,1,9,9,,,08:00,20:00,", "*,,06:00,8", "line 1 has two different hours"),
        ("A,1,9,9,,,,,", "*,,06:00,300", "hours is a number from 0 to 72"),
        ("A,1,9,9,,,,,", "S1,,06:00,8\nS1,,07:00,8", "store S1 has two rows"),
        ("A,1,9,1e-6,,,,,", "*,,06:00,8", "would make"),
    ],
)
def test_a_wrong_table_is_one_sentence(
    cli: Any, plant: Any, lines: str, trucks: str, said: str
) -> None:
    answer = plant(cli, lines, trucks, "S1,A,10")
    assert answer.code == 2
    assert said in answer.error["message"]


@pytest.mark.parametrize("heading", ["paid_at", "支付时间", "实收金额（元）"])
@pytest.mark.parametrize(
    "words",
    [
        ("forecast", "production", "--lines", "lines.csv", "--trucks", "trucks.csv", "--orders"),
        ("forecast", "order", "--store", "S1", "--data", "none", "--stock"),
        ("stock", "import"),
    ],
)
def test_what_was_sold_is_neither_ordered_nor_there(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: Any, heading: str
) -> None:
    monkeypatch.chdir(tmp_path)
    config.save_profile(config.Profile("p", "ww1"))
    (tmp_path / "none").mkdir()
    Path("lines.csv").write_text("product_id,line,rate\nA,1,9\n", encoding="utf-8")
    Path("trucks.csv").write_text("store_id,by,hours\n*,06:00,8\n", encoding="utf-8")
    text = f"order_no,{heading},store_id,product_id,qty\n1,2026-05-01,S1,A,2\n"
    Path("receipts.csv").write_text(text, encoding="utf-8")
    answer = cli(*words, "receipts.csv", "--json")
    assert answer.code == 2
    assert "receipts.csv holds receipts" in answer.error["message"]
    assert "order import" in answer.error["hint"]


def test_orders_of_all_shops_are_those_of_each(cli: Any, data: Path, plant: Any) -> None:
    """Without --orders the plant makes what `forecast order` says, shop by shop."""
    words = ("--data", str(data), "--as-of", AS_OF, "--ratio", "0.9", "--json")
    ordered = sum(
        each["order"] for shop in range(6)
        for each in cli("forecast", "order", "--store", str(shop), "--pack", "6", *words).json[
            "items"
        ]
    )  # fmt: skip
    lines = "".join(f"{each},1,5000,50,,,,,\n" for each in range(12))
    plant(cli, lines, "*,,06:00,8", "0,0,1")
    folder = data.parent
    tables = ("--lines", str(folder / "lines.csv"), "--trucks", str(folder / "trucks.csv"))
    answer = cli("forecast", "production", *tables, "--pack", "6", *words)
    assert answer.code == 0, answer.err
    assert answer.json["day"] == "2024-05-06"
    assert answer.json["begin"] == "2024-05-04T16:00:00Z"  # the day has begun long ago
    assert answer.json["ordered"] == pytest.approx(ordered)
    assert answer.json["made"] - answer.json["spare"] == pytest.approx(ordered)


@given(
    orders=st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(1, 400)), max_size=12
    ),
    hours=st.lists(st.integers(0, 20), min_size=5, max_size=5),
    batches=st.lists(st.integers(20, 200), min_size=4, max_size=4),
    opens=st.sampled_from([(0, 1440), (360, 1320), (1320, 1800)]),
    change=st.integers(0, 60),
)
def test_every_plan_can_be_carried_out_and_loses_no_piece(
    orders: list[tuple[int, int, int]], hours: list[int], batches: list[int],
    opens: tuple[int, int], change: int,
) -> None:  # fmt: skip
    lines = {
        str(at): MadeOn(str(at), str(at % 2), 150.0, batch, change, 30.0, *opens)
        for at, batch in enumerate(batches)
    }
    trucks = {str(at): Trip(str(at), "", 360, hour) for at, hour in enumerate(hours)}
    asked = [ShopOrder(str(shop), str(product), pieces) for shop, product, pieces in orders]
    found = production(asked, lines, trucks, DAY, BEGIN)
    made = {line: [each for each in found["items"] if each["line"] == line] for line in "01"}
    for line in made.values():
        for before, after in pairwise(line):
            gap = change * 60 if before["product_id"] != after["product_id"] else 0
            assert times.seconds_of(before["end"]) + gap <= times.seconds_of(after["start"]) + 1
    for each in found["items"]:
        start, end = times.seconds_of(each["start"]), times.seconds_of(each["end"])
        assert start >= BEGIN - 1
        assert end - start == pytest.approx(each["pieces"] / 150 * 3600, abs=1.5)
        first = start + each["pieces"] / each["batches"] / 150 * 3600
        assert first + 30 * 60 <= times.seconds_of(each["leaves"]) + 1
        minute = (start - times.start(2026, 5, 17).timestamp()) / 60 - opens[0] + 0.1
        assert minute % 1440 + (end - start) / 60 <= opens[1] - opens[0] + 0.2 or opens[0] == 0
    ordered = sum(each["ordered"] for each in found["items"])
    assert ordered + found["short"] == pytest.approx(found["ordered"])
    assert found["made"] - found["spare"] == pytest.approx(ordered)
