"""Forecasts through the command line: what is written, what is refused, what nobody may know."""

from __future__ import annotations

import csv
import gzip
import subprocess
import sys
import textwrap
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import write_chain

AS_OF = "2024-05-05"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def make(cli: Any, data: Path, out: Path, *more: str) -> Any:
    words = ("--data", str(data), "--as-of", AS_OF, "--horizon", "7", "--out", str(out))
    return cli("forecast", "run", *words, "--json", *more)


def test_every_shop_product_and_day_is_forecast_and_quantiles_grow(
    cli: Any, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "f.csv"
    answer = make(cli, data, out)
    assert answer.code == 0, answer.err
    found = rows(out)
    assert list(found[0]) == [
        "store_id",
        "product_id",
        "dt",
        "forecast",
        "q50",
        "q80",
        "q90",
        "q95",
    ]
    assert len(found) == answer.json["rows"] == 6 * 12 * 7
    assert {row["dt"] for row in found} == {f"2024-05-{day:02d}" for day in range(6, 13)}
    for row in found:
        numbers = [float(row[name]) for name in ("q50", "q80", "q90", "q95")]
        assert numbers == sorted(numbers)
        assert float(row["forecast"]) > 0
    assert not list(tmp_path.glob(".f.csv*"))


def test_nothing_sold_after_the_day_reaches_the_forecast(
    cli: Any, data: Path, tmp_path: Path
) -> None:
    """The same bytes whatever was sold, and however empty the shelves were, after the day."""

    def planted(_shop: str, _product: str, day: date, row: list[Any]) -> list[Any]:
        return [9999, 0, *row[2:]] if day > date.fromisoformat(AS_OF) else row

    other = write_chain(tmp_path / "planted", change=planted)
    assert (other / "sales.csv").read_bytes() != (data / "sales.csv").read_bytes()
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    assert make(cli, data, first).code == make(cli, other, second).code == 0
    assert first.read_bytes() == second.read_bytes()


def test_a_price_planned_ahead_is_used(cli: Any, data: Path, tmp_path: Path) -> None:
    def cheaper(_shop: str, product: str, day: date, row: list[Any]) -> list[Any]:
        if day > date.fromisoformat(AS_OF) and product == "3":
            return [*row[:2], 0.7, 1]
        return row

    other = write_chain(tmp_path / "cheaper", change=cheaper)
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    make(cli, data, first)
    make(cli, other, second)
    before = {(r["store_id"], r["dt"]): float(r["forecast"]) for r in rows(first)
              if r["product_id"] == "3"}  # fmt: skip
    after = {(r["store_id"], r["dt"]): float(r["forecast"]) for r in rows(second)
             if r["product_id"] == "3"}  # fmt: skip
    assert sum(after.values()) > 1.3 * sum(before.values())


def test_packed_shuffled_and_quoted_files_say_the_same(
    cli: Any, data: Path, tmp_path: Path
) -> None:
    plain = tmp_path / "plain.csv"
    make(cli, data, plain)
    lines = (data / "sales.csv").read_text().splitlines()
    variants = {
        "packed": ("sales.csv.gz", gzip.compress((data / "sales.csv").read_bytes())),
        "shuffled": ("sales.csv", "\n".join([lines[0], *reversed(lines[1:])]).encode()),
        "quoted": ("sales.csv", "\r\n".join(f'"{each}"'.replace(",", '","') for each in lines)
                   .encode()),
        "chinese": ("sales.csv", "\n".join(["门店,商品,日期,销量,缺货小时,折扣,促销",
                                            *lines[1:]]).encode("gb18030")),
        "semicolons": ("sales.csv", "\n".join(lines).translate({44: ";", 45: "/"}).encode()),
    }  # fmt: skip
    for name, (file, content) in variants.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / file).write_bytes(content)
        for other in ("products.csv", "calendar.csv"):
            (folder / other).write_bytes((data / other).read_bytes())
        out = tmp_path / f"{name}.csv"
        answer = make(cli, folder, out)
        assert answer.code == 0, answer.err
        assert out.read_bytes() == plain.read_bytes(), name


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("0,0,2024-03-04,-3,0,1,0", "line 2: sale_amount -3 is negative"),
        ("0,0,2024-03-04,3,0,90,0", "0.9 means 10% off"),
        ("0,0,2024-03-04,3,99,1,0", "is no number of hours"),
        ("0,0,2024-02-30,3,0,1,0", "line 2: dt: “2024-02-30” cannot be read"),
        ("0,0,2024-03-04,viele,0,1,0", "line 2: sale_amount: “viele” cannot be read"),
        ("0,0,2024-03-04,inf,0,1,0", "line 2: sale_amount: “inf” cannot be read"),
        ("0,0,2024-03-04,1e400,0,1,0", "line 2: sale_amount: “1e400” cannot be read"),
        ("0,0,2024-03-05,3,0,1,0", "store 0, product 0 has 2 rows for 2024-03-05"),
    ],
)
def test_a_wrong_row_is_one_sentence_and_writes_nothing(
    cli: Any, data: Path, tmp_path: Path, line: str, said: str
) -> None:
    file = data / "sales.csv"
    lines = file.read_text().splitlines()
    lines[1] = line
    file.write_text("\n".join(lines) + "\n")
    answer = make(cli, data, tmp_path / "f.csv")
    assert answer.code == 2
    assert said in answer.error["message"]
    assert not (tmp_path / "f.csv").exists()


def test_what_is_no_history_is_refused(cli: Any, data: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "f.csv")
    assert cli("forecast", "run", "--out", out).code == 2  # neither --data nor an earlier run
    assert cli("forecast", "run", "--data", str(tmp_path), "--out", out).code == 5
    late = ("--as-of", "2025-01-01")
    assert cli("forecast", "run", "--data", str(data), *late, "--out", out).code == 2
    packed = (data / "sales.csv").read_bytes()
    (data / "sales.csv").write_bytes(gzip.compress(packed)[:-400])
    answer = make(cli, data, tmp_path / "f.csv")
    assert answer.code == 2
    assert "damaged" in answer.error["message"]
    assert not Path(out).exists()


def test_an_empty_shelf_is_no_small_demand(cli: Any, tmp_path: Path) -> None:
    """A week of empty shelves before the day lowers nothing."""

    def empty(_shop: str, _product: str, day: date, row: list[Any]) -> list[Any]:
        return [0, 16, *row[2:]] if date(2024, 4, 29) <= day <= date.fromisoformat(AS_OF) else row

    full, gap = write_chain(tmp_path / "full"), write_chain(tmp_path / "gap", change=empty)
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    make(cli, full, first)
    make(cli, gap, second)
    one, two = (sum(float(row["forecast"]) for row in rows(each)) for each in (first, second))
    assert 0.9 < two / one < 1.1


def test_workers_and_kills_leave_the_same_bytes(
    cli: Any, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts of one shop each: two processes, and a run killed in the middle that goes on."""
    from storeops.domains.forecast import run as module

    monkeypatch.setattr(module, "PART", 12)
    one = tmp_path / "one.csv"
    answer = make(cli, data, one)
    assert answer.json["parts"] == 6
    script = textwrap.dedent(f"""
        import os, sys
        from datetime import date
        from storeops.domains.forecast import run
        run.PART = 12
        def told(done, total):
            if done == 3:
                os._exit(9)
        if __name__ == "__main__":
            run.run_forecast({str(data)!r}, sys.argv[1], as_of=date.fromisoformat("{AS_OF}"),
                             workers=int(sys.argv[2]), on_progress=told if sys.argv[3] else print)
    """)
    file = tmp_path / "killed.py"
    file.write_text(script, encoding="utf-8")

    def run(out: Path, workers: int, kill: str) -> int:
        words = [sys.executable, str(file), str(out), str(workers), kill]
        return subprocess.run(words, check=False, capture_output=True).returncode

    killed = tmp_path / "killed.csv"
    assert run(killed, 1, "yes") == 9
    assert not killed.exists()
    assert len(list(tmp_path.glob(".killed.csv.forecast-*/part-*.csv"))) == 3
    answer = make(cli, data, killed)
    assert answer.json["resumed"] == 3
    assert killed.read_bytes() == one.read_bytes()
    assert not list(tmp_path.glob(".killed.csv*"))
    two = tmp_path / "two.csv"
    assert run(two, 2, "") == 0
    assert two.read_bytes() == one.read_bytes()


def test_score_names_its_level_and_beats_the_naive_one(cli: Any, data: Path) -> None:
    found = cli("forecast", "score", "--data", str(data), "--json").json
    assert found["origins"] == ["2024-04-28", "2024-05-05", "2024-05-12"]
    first = found["items"][0]
    assert first["level"] == "store-product-day"
    assert first["volume"] == "all"
    assert first["gain"] > 0.15
    assert abs(first["bias"]) < 0.1
    assert {each["level"] for each in found["items"]} == {
        "store-product-day", "store-product-week", "product-day", "store-day",
    }  # fmt: skip
    parts = [each["cells"] for each in found["items"] if each["volume"] != "all"]
    assert sum(parts) == first["cells"]


def test_explained_factors_multiply_to_the_number(cli: Any, data: Path, tmp_path: Path) -> None:
    make(cli, data, tmp_path / "f.csv")
    words = ("--data", str(data), "--as-of", AS_OF, "--json")
    found = cli("forecast", "explain", "2", "7", "2024-05-11", *words).json
    product = found["level"] * found["weekday"] * found["price"] * found["correction"]
    assert product == pytest.approx(found["forecast"], rel=1e-3)
    row = next(
        each for each in rows(tmp_path / "f.csv")
        if (each["store_id"], each["product_id"], each["dt"]) == ("2", "7", "2024-05-11")
    )  # fmt: skip
    assert float(row["forecast"]) == pytest.approx(found["forecast"], abs=1e-3)
    assert found["kind"] == "saturday"
    assert found["weekday"] > 1.2
    assert 1.2 < found["elasticity"] < 2.8  # two was planted
    assert found["days_skipped"] > 0
    assert any(not each["counted"] for each in found["recent"]) or found["days_skipped"] < 14
    assert cli("forecast", "explain", "2", "99", *words).code == 5
    assert cli("forecast", "explain", "2", "7", "2024-07-01", *words).code == 2


def test_an_order_takes_off_what_is_there(cli: Any, data: Path, tmp_path: Path) -> None:
    words = ("forecast", "order", "--data", str(data), "--as-of", AS_OF, "--store", "1", "--json")
    life = ("--shelf-life", "2", "--review", "2")
    empty = cli(*words, *life).json
    assert empty["ratio"] == 0.95
    assert (empty["from"], empty["until"]) == ("2024-05-06", "2024-05-07")
    stock = tmp_path / "stock.csv"
    stock.write_text(
        "store_id,product_id,qty,expires,arrives\n"
        "1,0,500,2024-05-09,\n"  # enough, and it outlives the cover
        "1,1,500,2024-05-05,\n"  # expired by then
        "1,2,500,2024-05-06,\n"  # good for the first day only
        "1,3,3,,2024-05-07\n"  # on the way
        "9,4,500,2024-05-09,\n"  # another shop's
    )
    found = cli(*words, *life, "--stock", str(stock), "--pack", "6").json
    before = {each["product_id"]: each for each in empty["items"]}
    after = {each["product_id"]: each for each in found["items"]}
    assert after["0"]["order"] == 0
    assert after["1"]["usable"] == 0
    assert 0 < after["2"]["usable"] < before["2"]["forecast"]
    assert after["3"]["missing"] == pytest.approx(before["3"]["missing"] - 3, abs=0.02)
    assert after["4"]["missing"] == before["4"]["missing"]
    assert all(each["order"] % 6 == 0 for each in found["items"])
    past = {each["by"]: each for each in found["past"]}
    assert set(past) == {"forecast", "last week", "mean + z·sigma"}
    stock.write_text("store_id,product_id,qty\n1,0,-4\n")
    answer = cli(*words, "--stock", str(stock))
    assert answer.code == 2
    assert "line 2: “-4” is no number of pieces" in answer.error["message"]


def test_an_order_takes_the_stock_that_the_profile_knows(
    cli: Any, data: Path, tmp_path: Path
) -> None:
    from storeops import config

    config.save_profile(config.Profile("p", "ww1"))
    words = ("forecast", "order", "--data", str(data), "--as-of", AS_OF, "--store", "1", "--json")
    assert "No stock was given" in cli(*words[:-1]).err
    assert cli("stock", "count", "1", "5", "400").code == 0
    found = {each["product_id"]: each for each in cli(*words).json["items"]}
    assert found["5"]["on_hand"] == 400
    assert found["5"]["order"] == 0
    assert found["6"]["order"] > 0


def test_what_keeps_longer_than_a_week_is_thrown_away_too(
    cli: Any, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def heaped(origin: Any, ratios: Any, ratio: float) -> dict[str, Any]:
        return {"forecast": np.full_like(origin.said, 1_000.0)}

    monkeypatch.setattr("storeops.domains.forecast.ordering.habits", heaped)
    words = ("forecast", "order", "--data", str(data), "--store", "1", "--shelf-life", "8")
    (past,) = cli(*words, "--json").json["past"]
    assert past["wasted_pieces"] > 0


def test_a_higher_ratio_orders_more_loses_less_and_wastes_more(cli: Any, data: Path) -> None:
    words = ("forecast", "order", "--data", str(data), "--store", "1", "--json")
    low, high = (cli(*words, "--ratio", each).json for each in ("0.6", "0.95"))
    assert sum(each["target"] for each in high["items"]) > sum(
        each["target"] for each in low["items"]
    )
    assert high["past"][0]["lost"] < low["past"][0]["lost"]
    assert high["past"][0]["wasted"] > low["past"][0]["wasted"]
    assert cli(*words, "--margin", "3", "--waste", "1").json["ratio"] == 0.75
    assert cli(*words, "--ratio", "1.5").code == 2
    assert cli(*words, "--margin", "3").code == 2


def test_the_last_run_is_remembered_by_the_profile(cli: Any, data: Path, tmp_path: Path) -> None:
    from storeops import config

    config.save_profile(config.Profile("p", "ww1"))
    assert cli("forecast", "show").code == 2
    out = tmp_path / "f.csv"
    make(cli, data, out)
    found = cli("forecast", "show", "--store", "2", "--product", "7", "--json").json
    assert len(found["items"]) == 7
    assert found["items"][0]["dt"] == "2024-05-06"
    assert cli("forecast", "explain", "2", "7", "--json").json["as_of"] == AS_OF
    first = cli("forecast", "show", "-n", "3", "--json").json
    second = cli("forecast", "show", "-n", "3", "--after", first["next"], "--json").json
    assert first["has_more"]
    assert not {str(each) for each in first["items"]} & {str(each) for each in second["items"]}
    assert make(cli, data, out).code == 2  # there already
    assert make(cli, data, out, "--force").code == 0
    (tmp_path / "no.csv").write_text("a,b\n")
    assert cli("forecast", "show", "--file", str(tmp_path / "no.csv")).code == 2


def test_the_boosted_method_forecasts_and_says_what_it_lacks(
    cli: Any, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storeops.domains.forecast import boosted

    monkeypatch.setattr(boosted, "TREES", 10)
    out = tmp_path / "f.csv"
    answer = make(cli, data, out, "--method", "boosted")
    assert answer.code == 0, answer.err
    assert len(rows(out)) == 6 * 12 * 7
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    answer = make(cli, data, out, "--method", "boosted", "--force")
    assert answer.code == 3
    assert "storeops[forecast]" in answer.error["hint"]
    assert make(cli, data, out, "--method", "magic", "--force").code == 2


def test_what_tills_sold_is_the_history_of_a_profile(cli: Any, tmp_path: Path) -> None:
    """A day without any order of a shop is no day without demand."""
    from datetime import timedelta

    from storeops import config

    config.save_profile(config.Profile("p", "ww1"))
    lines = ["order_no,paid_at,status,shop,code,quantity,price,amount"]
    for at in range(42):
        day = date(2026, 3, 2) + timedelta(days=at)
        if at == 39:
            continue  # the till was away
        lines.append(f"A{at},{day} 10:00,paid,S1,MILK,{6 if day.weekday() >= 5 else 3},5,15")
        if at % 2 == 0:
            lines.append(f"B{at},{day} 11:00,paid,S1,BREAD,2,5,10")
    (tmp_path / "orders.csv").write_text("\n".join(lines) + "\n")
    out = tmp_path / "f.csv"
    assert cli("forecast", "run", "--out", str(out)).code == 2
    assert cli("order", "import", str(tmp_path / "orders.csv"), "--source", "till").code == 0
    answer = cli("forecast", "run", "--out", str(out), "--json")
    assert answer.code == 0, answer.err
    assert answer.json["as_of"] == "2026-04-12"
    found = {(each["product_id"], each["dt"]): float(each["forecast"]) for each in rows(out)}
    assert found["MILK", "2026-04-15"] == pytest.approx(3, rel=0.25)
    assert found["MILK", "2026-04-18"] > 1.4 * found["MILK", "2026-04-15"]
    assert found["BREAD", "2026-04-15"] == pytest.approx(1, rel=0.5)  # every other day two
    told = cli("forecast", "explain", "S1", "MILK", "--json").json
    assert told["as_of"] == "2026-04-12"
    assert next(each["sold"] for each in told["recent"] if each["dt"] == "2026-04-10") is None
