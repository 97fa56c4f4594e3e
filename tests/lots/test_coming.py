"""What is on its way to a shop: as the simulator knows it, and off the order that is proposed."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from storeops import config
from storeops.app import App
from storeops.domains.lots import coming
from tests.lots.conftest import Company
from tests.lots.dairy import START, Dairy, shop

DAY_S = 86_400.0


def test_what_was_sent_and_not_received(cli: Any, tmp_path: Path) -> None:
    config.save_profile(config.Profile("p", "ww1"))
    dairy = Dairy(runs=8, shops=6, each=4, seed=3)
    dairy.write(tmp_path / "events.json")
    assert cli("lot", "import", str(tmp_path / "events.json")).code == 0
    app = App.open("p")
    db = app.data
    (last,) = db.execute("SELECT max(at) FROM lots_event").fetchone()
    assert last > START.timestamp()
    total = 0.0
    for number in range(6):
        found = coming.coming(db, shop(number), last)
        truth = {lot: each["on_the_way"] for (lot, place), each in dairy.truth.items()
                 if place == shop(number) and each["on_the_way"]}  # fmt: skip
        assert {each.lot: each.pieces for each in found} == truth
        assert coming.coming(db, shop(number), last + 60 * DAY_S) == []
        assert all(each.late for each in coming.coming(db, shop(number), last + 9 * DAY_S))
        total += sum(truth.values())
    assert total  # else this shows nothing
    assert coming.coming(db, "", last) == []
    app.close()


def test_it_is_taken_off_the_order(cli: Any, company: Company, tmp_path: Path) -> None:
    core = App.open("demo")
    known: dict[str, dict[str, float]] = defaultdict(dict)
    for (store,) in core.data.execute("SELECT store FROM lots_place WHERE store <> ''").fetchall():
        for each in coming.coming(core.data, store, core.clock.now()):
            code = each.item.lstrip("0")
            known[store][code] = known[store].get(code, 0.0) + (each.pieces or 0.0)
    core.close()
    store, codes = next((store, codes) for store, codes in known.items() if any(codes.values()))
    words = ("forecast", "order", "--store", store, "--shelf-life", "7", "--json")
    rows = {each["product_id"]: each for each in cli(*words).json["items"]}
    assert {name: row["on_the_way"] for name, row in rows.items() if row["on_the_way"]} == codes
    for row in rows.values():
        need = row["target"] - row["usable"] - row["on_the_way"]
        assert abs(max(0.0, need) - row["missing"]) < 0.02
    # a list of what is there: what is on the way still comes from lots; unless it says so itself
    (tmp_path / "s.csv").write_text(f"product_id,qty,arrives\n{next(iter(rows))},3,\n")
    given = {each["product_id"]: each for each in cli(
        *words, "--stock", str(tmp_path / "s.csv")).json["items"]}  # fmt: skip
    assert given[next(iter(rows))]["on_hand"] == 3
    assert sum(each["on_the_way"] for each in given.values()) == sum(codes.values())
    (tmp_path / "s.csv").write_text(f"product_id,qty,arrives\n{next(iter(rows))},3,2026-01-01\n")
    given = {each["product_id"]: each for each in cli(
        *words, "--stock", str(tmp_path / "s.csv")).json["items"]}  # fmt: skip
    assert sum(each["on_the_way"] for each in given.values()) == 3
