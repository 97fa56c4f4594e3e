"""Buyers of a recalled lot are found by what papers and receipts say, none is lost."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.lots.conftest import Company
from tests.lots.dairy import MILK, PINT, PLANT, gtin

CREAM = gtin(2)
Count = Callable[[list[tuple[str, dict[str, str]]], list[dict[str, Any]]], tuple[int, int]]


def lot(item: str, name: str) -> dict[str, Any]:
    return {"epcClass": f"https://id.gs1.org/01/{item}/10/{name}", "quantity": 2}


def event(step: str, place: str, hour: int, **more: Any) -> dict[str, Any]:
    return {
        "type": "ObjectEvent", "eventTime": f"2026-05-16T{hour:02}:00:00+08:00",
        "eventTimeZoneOffset": "+08:00", "bizStep": step, "action": "OBSERVE",
        "bizLocation": {"id": f"https://id.gs1.org/414/{place}"}, **more,
    }  # fmt: skip


def sale(hour: int, lots: list[dict[str, Any]], *receipts: str) -> dict[str, Any]:
    """A till's sale of lots, in the first shop of the company."""
    return event(
        "retail_selling", "SHOP", hour, action="DELETE", quantityList=lots,
        bizTransactionList=[{"type": "inv", "bizTransaction": f"urn:paper:{each}"}
                            for each in receipts],
    )  # fmt: skip


@pytest.fixture
def counted(cli: Any, company: Company, tmp_path: Path) -> Count:
    """(buyers, proved) of tank T9, of which milk X and cream Y were made, after these papers.

    Receipts are (number, {article as the till calls it: hour}), each of a customer of its own.
    """
    with (company.files.folder / "places.csv").open(encoding="utf-8", newline="") as file:
        place, store = next((row["place"], row["store"]) for row in csv.DictReader(file)
                            if row["store"])  # fmt: skip
    with (company.files.folder / "orders.csv").open(encoding="utf-8", newline="") as file:
        people = list(dict.fromkeys(row["external_userid"] for row in csv.DictReader(file)
                                    if row["external_userid"]))  # fmt: skip

    def count(
        receipts: list[tuple[str, dict[str, str]]], sales: list[dict[str, Any]]
    ) -> tuple[int, int]:
        run = {key: value for key, value in event("creating_class_instance", PLANT, 1).items()
               if key != "action"}  # fmt: skip
        events = [
            run | {"type": "TransformationEvent", "inputQuantityList": [lot(MILK, "T9")],
                   "outputQuantityList": [lot(PINT, "X"), lot(CREAM, "Y")]},
            *sales,
        ]  # fmt: skip
        document = {
            "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
            "type": "EPCISDocument", "schemaVersion": "2.0",
            "creationDate": "2026-05-17T00:00:00Z", "epcisBody": {"eventList": events},
        }  # fmt: skip
        text = json.dumps(document).replace("414/SHOP", f"414/{place}")
        (tmp_path / "events.json").write_text(text, encoding="utf-8")
        answer = cli("lot", "import", str(tmp_path / "events.json"), "--json")
        assert (answer.code, answer.json["problems"]) == (0, [])
        with (tmp_path / "tills.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("order_no", "paid_at", "shop", "external_userid", "code", "amount"))
            for buyer, (number, bought) in zip(people, receipts, strict=False):
                for code, hour in bought.items():
                    writer.writerow((number, f"2026-05-16 {hour}:30", store, buyer, code, "10"))
        answer = cli("order", "import", str(tmp_path / "tills.csv"), "--source", "tills", "--json")
        assert answer.code == 0, answer.err
        plan = cli("trace", "recall", "plan", f"{MILK}/T9", "--reason", "x", "--json").json
        return plan["buyers"], plan["buyers_proved"]

    return count


def test_one_paper_of_several_lots_and_receipts_proves_each(counted: Count) -> None:
    both = sale(12, [lot(PINT, "X"), lot(CREAM, "Y")], "R1", "R2")
    assert counted([("R1", {PINT: "12"}), ("R2", {CREAM: "12"})], [both]) == (2, 2)


def test_a_receipt_of_two_sales_keeps_both(counted: Count) -> None:
    """The receipt's other lot is of an article that nobody bought on it."""
    sales = [sale(12, [lot(PINT, "X")], "R1"), sale(13, [lot(CREAM, "Y")], "R1")]
    assert counted([("R1", {PINT: "12"})], sales) == (1, 1)


def test_another_article_that_was_scanned_excuses_nothing(counted: Count) -> None:
    sales = [sale(12, [lot(PINT, "X")]), sale(13, [lot(gtin(7), "Z")], "R1")]
    assert counted([("R1", {PINT: "12", gtin(7): "12"})], sales) == (1, 0)


def test_another_lot_of_the_article_does(counted: Count) -> None:
    sales = [sale(12, [lot(PINT, "X")]), sale(13, [lot(PINT, "Z")], "R1")]
    assert counted([("R1", {PINT: "12"}), ("R2", {PINT: "12"})], sales) == (1, 0)


def test_a_paper_that_names_no_lot_excuses_nothing(counted: Count) -> None:
    unnamed = {"epcClass": f"https://id.gs1.org/01/{PINT}", "quantity": 1}
    sales = [sale(12, [lot(PINT, "X")]), sale(13, [unnamed], "R1")]
    assert counted([("R1", {PINT: "12"})], sales) == (1, 0)


def test_a_till_may_sell_by_a_number_of_its_own(cli: Any, counted: Count, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(f"code,gtin\n0077,{PINT}\n0078,{CREAM}\n", encoding="utf-8")
    assert cli("product", "import", str(tmp_path / "p.csv")).code == 0
    sales = [sale(12, [lot(PINT, "X")], "R1"), sale(13, [lot(CREAM, "Y")])]
    assert counted([("R1", {"0077": "12"}), ("R2", {"0078": "12"})], sales) == (2, 1)
