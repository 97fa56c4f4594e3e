"""Lots through the command line: taking events in, tracing both ways, calling back."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from storeops import config
from storeops.domains.lots import gs1, importing
from tests.lots.dairy import CENTRE, MILK, PINT, PLANT, Dairy, shop


@pytest.fixture
def dairy(cli: Any, tmp_path: Path) -> Dairy:
    """A profile that knows a dairy's events; `cli` is at work on it."""
    config.save_profile(config.Profile("p", "ww1"))
    made = Dairy(runs=4, shops=5, each=4, seed=3)
    made.write(tmp_path / "events.json")
    answer = cli("lot", "import", str(tmp_path / "events.json"), "--json")
    assert answer.code == 0, answer.err
    assert answer.json["added"] == answer.json["events"] > 80
    assert answer.json["problems"] == []
    return made


def by_place(items: list[dict[str, Any]]) -> dict[tuple[str, str, str], float]:
    return {(each["lot"], each["place"], each["state"]): each["qty"] for each in items}


def test_a_bad_tank_is_found_at_every_shop(cli: Any, dairy: Dairy) -> None:
    for run in range(dairy.runs):
        found = cli("trace", "forward", f"{MILK}/{dairy.tank(run)}", "--all", "--json").json
        assert found["complete"]
        told = by_place(found["items"])
        states = ("on_the_way", "on_shelf", "sold", "thrown_away")
        shops = {key: qty for key, qty in told.items() if key[2] in states}
        assert shops == {
            (lot, place, state): qty
            for (lot, place), amounts in dairy.truth.items()
            for state, qty in amounts.items()
            if lot == dairy.lot(run) and qty
        }
        assert told[dairy.tank(run), PLANT, "used"] == 5000
        assert set(found["items"][0]) == {
            "lot", "item", "place", "kind", "qty", "state", "at", "event_id", "papers",
        }  # fmt: skip


def test_back_from_a_carton_ends_at_the_farm_with_its_papers(cli: Any, dairy: Dairy) -> None:
    pallet, lot = next(iter(dairy.pallets.items()))
    for asked in (
        pallet, f"{PINT}/{lot}", f"https://id.gs1.org/01/{PINT}/10/{lot}",
        f"urn:epc:class:lgtin:{PINT[1:8]}.{PINT[0]}{PINT[8:13]}.{lot}",
    ):  # fmt: skip
        found = cli("trace", "back", asked, "--all", "--json").json["items"]
        tank = [each for each in found if each["item"] == MILK]
        assert [each["state"] for each in tank] == ["made", "on_the_way", "in_stock", "used"]
        assert tank[0]["papers"] == [
            {"type": "bol", "number": f"HX-{int(lot[1:])}", "state": "not_kept"}
        ]
        made = next(each for each in found if each["item"] == PINT and each["state"] == "made")
        assert made["papers"] == [
            {"type": "testres", "number": f"QA-{int(lot[1:])}", "state": "not_kept"}
        ]


def test_papers_have_the_state_of_the_suppliers_register(
    cli: Any, dairy: Dairy, tmp_path: Path
) -> None:
    (tmp_path / "s.csv").write_text("code,name,role\nV1,Dairy,producer\nV2,Farm,milk_station\n")
    assert cli("supplier", "import", str(tmp_path / "s.csv")).code == 0
    report = ("lot_report", "QA-0", "--lot", dairy.lot(0))
    assert cli("certificate", "add", "V1", *report).code == 0
    permit = ("raw_milk_transport", "HX-0", "--until", "2026-03-31")
    assert cli("certificate", "add", "V2", *permit).code == 0
    found = cli("trace", "back", f"{PINT}/{dairy.lot(0)}", "--json").json["items"]
    papers = {each["number"]: each["state"] for item in found for each in item["papers"]}
    assert papers == {"QA-0": "ok", "HX-0": "error"}  # it had expired on the day of the milk


def test_twice_is_harmless_however_it_is_written(cli: Any, dairy: Dairy, tmp_path: Path) -> None:
    events = list(Dairy(runs=4, shops=5, each=4, seed=3).events())
    variants = {
        "lines.json": "\n".join(json.dumps(each) for each in events).encode(),
        "list.json": json.dumps(events, indent=1).encode(),
        "packed.json.gz": gzip.compress((tmp_path / "events.json").read_bytes()),
        "sorted.json": json.dumps([dict(sorted(each.items())) for each in events]).encode(),
    }
    for name, content in variants.items():
        (tmp_path / name).write_bytes(content)
        found = cli("lot", "import", str(tmp_path / name), "--json").json
        assert (found["events"], found["added"]) == (len(events), 0), name
        assert found["known"] == len(events)


def event(**changed: Any) -> dict[str, Any]:
    found = {
        "type": "ObjectEvent", "action": "OBSERVE", "eventTime": "2026-05-01T08:00:00+08:00",
        "eventTimeZoneOffset": "+08:00", "bizStep": "shipping",
        "bizLocation": {"id": f"https://id.gs1.org/414/{PLANT}"},
        "quantityList": [{"epcClass": f"https://id.gs1.org/01/{PINT}/10/A1", "quantity": 5}],
    }  # fmt: skip
    found |= changed
    return {key: value for key, value in found.items() if value is not None}


def quantity(**changed: Any) -> list[dict[str, Any]]:
    return [{"epcClass": f"https://id.gs1.org/01/{PINT}/10/A1", "quantity": 5} | changed]


def test_an_event_is_one_however_it_is_spelt(cli: Any, tmp_path: Path) -> None:
    """Offsets, 1 and 1.0, URNs, URIs of words, pieces, the order of lists."""
    config.save_profile(config.Profile("p", "ww1"))
    file = tmp_path / "e.json"

    def taken(each: dict[str, Any]) -> int:
        file.write_text(json.dumps([each]), encoding="utf-8")
        answer = cli("lot", "import", str(file), "--json")
        assert answer.code == 0, answer.out
        added: int = answer.json["added"]
        return added

    two = [
        {"epcClass": f"https://id.gs1.org/01/{PINT}/10/A1", "quantity": 5},
        {"epcClass": f"https://id.gs1.org/01/{PINT}/10/A2", "quantity": 1},
    ]
    urn = f"urn:epc:class:lgtin:{PINT[1:8]}.{PINT[0]}{PINT[8:13]}.A1"
    one = event(quantityList=two, eventID="urn:uuid:7")
    assert taken(one) == 1
    for change in (
        {"eventTime": "2026-05-01T00:00:00.000Z"},
        {"bizStep": "https://ref.gs1.org/cbv/BizStep-shipping"},
        {"quantityList": [two[1], {**two[0], "quantity": 5.0}]},
        {"quantityList": [{**two[0], "epcClass": urn}, two[1]]},
        {"quantityList": [{**two[0], "uom": "EA"}, {**two[1], "uom": "H87"}]},
        {"eventID": None},
    ):
        assert taken(event(**{**one, **change})) == 0, change
    file.write_text(json.dumps([event(**{**one, "quantityList": two[:1]})]), encoding="utf-8")
    assert cli("lot", "import", str(file)).code == 2  # an edit
    wrong = {"declarationTime": "2026-05-02T00:00:00Z", "reason": "did_not_occur"}
    assert taken(event(**one, errorDeclaration=wrong)) == 1
    assert cli("trace", "forward", f"{PINT}/A1", "--json").json["items"] == []


def test_of_more_events_than_are_held_none_is_kept_when_one_is_bad(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are read twice; what only the second reading needs is looked at by the first, too."""
    config.save_profile(config.Profile("p", "ww1"))
    monkeypatch.setattr(importing, "HELD", 2)
    monkeypatch.setattr(importing, "BATCH", 2)
    days = [event(eventTime=f"2026-05-0{day}T08:00:00+08:00") for day in range(1, 7)]
    file = tmp_path / "e.json"
    bad = event(readPoint={"id": "https://id.gs1.org/414/6901234000000"})
    file.write_text(json.dumps([*days, bad]), encoding="utf-8")
    answer = cli("lot", "import", str(file), "--json")
    assert answer.code == 2
    assert "wrong check digit" in answer.json["problems"][0]["message"]
    file.write_text(json.dumps(days), encoding="utf-8")
    for added in (6, 0):
        assert cli("lot", "import", str(file), "--json").json["added"] == added
    assert len(cli("trace", "export", f"{PINT}/A1").out) > 100


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (event(eventTime=None), "eventTime is missing"),
        (event(type=None, eventType="ObjectEvent"), "EPCIS 2.0 writes type"),
        (event(eventTimeZoneOffset="+8"), "eventTimeZoneOffset is not as EPCIS 2.0 writes it"),
        (event(eventTime="2026-05-01T08:00:00"), "no time with an offset"),
        (event(eventTime="2096-05-01T08:00:00+08:00"), "is in the future"),
        (event(bizStep="pasteurising"), "no bizStep of the standard"),
        (event(bizStep="shiping"), "did you mean shipping?"),
        (event(disposition="rotten"), "no disposition of the standard"),
        (event(quantityList=quantity(quantity=-5)), "-5 is no number of pieces"),
        (event(quantityList=quantity(uom="litres")), "“litres” is no unit"),
        (event(quantityList=quantity(quantity="5")), "quantityList.0.quantity is not"),
        (event(quantityList=quantity(epcClass="https://id.gs1.org/01/06901234567893/10/A1")),
         "wrong check digit; it would be 2"),
        (event(quantityList=quantity(epcClass="carton 7")), "no lot, article or pallet"),
        (event(bizLocation={"id": "https://id.gs1.org/414/6901234000000"}), "wrong check digit"),
        (event(action="EAT"), "action is not as EPCIS 2.0 writes it"),
        (event(action=None), "action is missing"),
        (event(quantityList=None), "needs epcList or quantityList"),
        (event(colour="red"), "colour is no field"),
        ([1, 2], "it is no event"),
    ],
)  # fmt: skip
def test_a_wrong_event_is_named_with_its_line_and_nothing_is_imported(
    cli: Any, tmp_path: Path, wrong: Any, said: str
) -> None:
    config.save_profile(config.Profile("p", "ww1"))
    file = tmp_path / "e.json"
    file.write_text("\n".join(json.dumps(each) for each in (event(), wrong, event(bizStep=None))))
    answer = cli("lot", "import", str(file), "--json")
    assert answer.code == 2
    found = answer.json
    assert (found["events"], found["added"], found["known"]) == (3, 0, 0)
    (problem,) = found["problems"]
    assert problem["line"] == 2
    assert said in problem["message"]
    assert cli("lot", "show", f"{PINT}/A1").code == 5


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<?xml version='1.0'?><epcis:EPCISDocument/>", "is XML, as EPCIS 1.2 is written"),
        (b'{"type": "EPCISDocument", "schemaVersion": "1.2", "epcisBody": {"eventList": []}}',
         "is EPCIS 1.2"),
        (b'{"epcisBody": {"eventList": [{"type": "ObjectEvent"', "it is no JSON there"),
        (b'{"epcisBody": {"eventList": [', "the list of events is not closed"),
        (b'{"a": "\xff\xfe"}', "is no UTF-8 text"),
        (b"\x1f\x8b\x08\x00broken", "is damaged"),
        (b"[" * 100_000, "no"),
        (b"colour,size\nred,3\n", "has no column"),
    ],
)  # fmt: skip
def test_what_is_no_epcis_is_one_sentence(
    cli: Any, tmp_path: Path, content: bytes, said: str
) -> None:
    config.save_profile(config.Profile("p", "ww1"))
    (tmp_path / "e.json").write_bytes(content)
    answer = cli("lot", "import", str(tmp_path / "e.json"), "--json")
    assert answer.code == 2
    assert said in (answer.error["message"] if answer.err.strip() else answer.out)
    assert "Traceback" not in answer.err


def test_an_event_of_any_shape_is_read_at_once(cli: Any, tmp_path: Path) -> None:
    config.save_profile(config.Profile("p", "ww1"))
    deep: Any = 1
    for _each in range(200):
        deep = [deep, {"a": 1}]
    (tmp_path / "e.json").write_text(json.dumps(event(ilmd={"x:y": deep})))
    assert cli("lot", "import", str(tmp_path / "e.json"), "--json").json["added"] == 1


def test_a_place_is_one_however_it_is_written() -> None:
    assert {
        gs1.place(f"https://id.gs1.org/414/{PLANT}/254/dock%201"),
        gs1.place(f"https://plant.example/a/414/{PLANT}/254/dock%201"),
        gs1.place(f"urn:epc:id:sgln:{PLANT[:7]}.{PLANT[7:12]}.dock%201"),
    } == {f"{PLANT}.dock 1"}
    assert gs1.thing(f"https://id.gs1.org/01/{PINT}/10/00/21/5") == (PINT, "00")


def test_what_a_disposition_threw_away_is_thrown_away_in_every_list(
    cli: Any, tmp_path: Path
) -> None:
    config.save_profile(config.Profile("p", "ww1"))
    gone = event(bizStep=None, action="DELETE", disposition="destroyed")
    (tmp_path / "e.json").write_text(json.dumps([event(bizStep="receiving"), gone]))
    assert cli("lot", "import", str(tmp_path / "e.json"), "--json").json["added"] == 2
    for words in (("lot", "show"), ("trace", "forward")):
        items = cli(*words, f"{PINT}/A1", "--json").json["items"]
        assert "thrown_away" in {each["state"] for each in items}


def test_what_was_wrong_is_declared_not_edited(cli: Any, dairy: Dairy, tmp_path: Path) -> None:
    """Either order of event and declaration; what it said is traced no more, but kept."""
    sale = event(
        bizStep="retail_selling", action="DELETE", eventID="urn:uuid:7",
        bizLocation={"id": f"https://id.gs1.org/414/{shop(0)}"},
        quantityList=[{"epcClass": f"https://id.gs1.org/01/{PINT}/10/{dairy.lot(0)}",
                       "quantity": 3}],
    )  # fmt: skip
    declared = {**sale, "errorDeclaration": {
        "declarationTime": "2026-05-02T08:00:00+08:00", "reason": "did_not_occur"}}  # fmt: skip
    file = tmp_path / "one.json"

    def forward() -> dict[Any, Any]:
        words = ("trace", "forward", f"{PINT}/{dairy.lot(0)}", "--all", "--json")
        return by_place(cli(*words).json["items"])

    before = forward()
    file.write_text(json.dumps(sale))
    assert cli("lot", "import", str(file), "--json").json["added"] == 1
    assert forward() != before
    changed = {**sale, "eventTime": "2026-05-01T09:00:00+08:00"}
    file.write_text(json.dumps(changed))
    answer = cli("lot", "import", str(file), "--json")
    assert answer.code == 2
    assert "error declaration" in answer.json["problems"][0]["message"]
    file.write_text(json.dumps(declared))
    assert cli("lot", "import", str(file), "--json").json["added"] == 1
    assert forward() == before
    assert cli("lot", "import", str(file), "--json").json["known"] == 1
    later = {**sale, "eventID": "urn:uuid:8", "eventTime": "2026-05-03T08:00:00+08:00"}
    file.write_text(
        json.dumps([{**later, "errorDeclaration": declared["errorDeclaration"]}, later])
    )
    assert cli("lot", "import", str(file), "--json").json["added"] == 2
    assert forward() == before


def test_papers_of_the_usual_kind(cli: Any, tmp_path: Path) -> None:
    config.save_profile(config.Profile("p", "ww1"))
    file = tmp_path / "papers.csv"
    file.write_text(
        "类型,时间,商品条码,批号,数量,单位,地点,发货方,收货方,单号,原料条码,原料批次,原料数量,原料单位\n"
        f"收奶,2026-05-01 04:00,{MILK},T1,800,升,F1,,,HX-1,,,,\n"
        f"收奶,2026-05-01 04:30,{MILK},T2,900,升,F2,,,HX-2,,,,\n"
        f"生产,2026-05-01 07:00,{PINT},A1,48,,{PLANT},,,PO-1,{MILK},T1,800,升\n"
        f"生产,2026-05-01 07:00,{PINT},A1,48,,{PLANT},,,PO-1,{MILK},T2,900,升\n"
        f"发货,2026/05/01 12:00,{PINT},A1,48,,,{PLANT},S001,DN-1,,,,\n"
        f"收货,2026-05-01 16:00,{PINT},A1,40,,S001,,,DN-1,,,,\n"
        f"销售,2026-05-01 18:00,(01){PINT}(10)A1,,7,,S001,,,,,,,\n",
        encoding="utf-8",
    )
    answer = cli("lot", "import", str(file), "--json")
    assert answer.code == 0, answer.out
    assert answer.json["events"] == 6  # two rows of one production order are one run
    told = by_place(cli("trace", "forward", f"{MILK}/T2", "--json").json["items"])
    assert told["T2", PLANT, "used"] == 900  # its way there has no paper
    assert ("T2", "F2", "in_stock") not in told
    assert told["A1", "S001", "on_the_way"] == 8  # sent and not received
    assert told["A1", "S001", "on_shelf"] == 33
    assert told["A1", "S001", "sold"] == 7
    found = cli("trace", "back", f"{PINT}/A1", "--json").json["items"]
    assert {each["lot"] for each in found} == {"A1", "T1", "T2"}
    for bad, said in (
        (f"发货,2026-05-01 12:00,{PINT},A1,-4,,,{PLANT},S001,DN-1,,,,", "no number of pieces"),
        (f"生产,2026-05-01 07:00,{PINT},A2,48,,{PLANT},,,PO-2,,,,", "input_lot"),
        (f"吃掉,2026-05-01 07:00,{PINT},A2,48,,{PLANT},,,PO-2,,,,", "no kind of paper"),
        (f"收货,gestern,{PINT},A2,48,,{PLANT},,,PO-2,,,,", "no time"),
        (f"收货,2026-05-01,{PINT},A2,48,斗,{PLANT},,,PO-2,,,,", "no unit"),
    ):
        lines = file.read_text("utf-8").splitlines()[:1]
        (tmp_path / "bad.csv").write_text("\n".join([*lines, bad]) + "\n", encoding="utf-8")
        answer = cli("lot", "import", str(tmp_path / "bad.csv"), "--json")
        assert answer.code == 2
        assert said in answer.json["problems"][0]["message"]
        assert answer.json["problems"][0]["line"] == 2


def test_a_recall_is_planned_confirmed_and_closed(cli: Any, dairy: Dairy, tmp_path: Path) -> None:
    bad = f"{MILK}/{dairy.tank(1)}"
    (tmp_path / "places.csv").write_text(f"place,name,store\n{shop(0)},东门店,S000\n", "utf-8")
    words = ("lot", "import", str(tmp_path / "places.csv"), "--kind", "places")
    assert "nothing was changed" in cli(*words, "--dry-run").out
    assert not cli("db", "query", "SELECT * FROM lots_place", "--json").json["items"]
    assert cli(*words).code == 0
    made = cli("trace", "recall", "plan", bad, "--reason", "抗生素", "--json").json
    truth = {place: amounts for (lot, place), amounts in dairy.truth.items()
             if lot == dairy.lot(1)}  # fmt: skip
    assert made["to_block"] == sum(each["on_shelf"] + each["on_the_way"] for each in truth.values())
    assert made["sold"] == sum(each["sold"] for each in truth.values())
    assert {each["place"] for each in made["items"]} == set(truth)
    number = str(made["recall"])
    assert cli("trace", "recall", "plan", bad, "--reason", "again").code == 9
    assert cli("trace", "recall", "close", number).code == 9
    assert any("Recall" in line for line in cli("status").out.splitlines())
    places = sorted({each["place"] for each in made["items"]})
    for place in places:
        held = sum(each["to_block"] for each in made["items"] if each["place"] == place)
        answer = cli("trace", "recall", "confirm", number, place, "--blocked", str(held))
        assert answer.code == 0, answer.err
    assert cli("trace", "recall", "confirm", number, CENTRE, "--blocked", "1").code == 5
    assert cli("trace", "recall", "confirm", number, places[0], "--blocked", "-1").code == 2
    done = cli("trace", "recall", "close", number, "--json").json
    assert done["status"] == "closed"
    assert done["blocked"] == done["to_block"]
    assert cli("trace", "recall", "close", number).code == 9
    assert cli("trace", "recall", "list", "--json").json["items"][0]["status"] == "closed"
    other = cli("trace", "recall", "plan", f"{PINT}/{dairy.lot(2)}", "--reason", "x", "--json").json
    early = cli("trace", "recall", "close", str(other["recall"]), "--reason", "false alarm")
    assert early.code == 0
    assert cli("trace", "recall", "list", "99").code == 5


def test_an_export_is_read_back_as_known(cli: Any, dairy: Dairy, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    answer = cli("trace", "export", f"{PINT}/{dairy.lot(0)}", "--out", str(out), "--json")
    assert answer.code == 0, answer.err
    found = cli("lot", "import", str(out), "--json").json
    assert found["events"] == found["known"] == answer.json["events"] > 5
    home = tmp_path / "other"
    import os

    os.environ["STOREOPS_HOME"] = str(home)
    config.save_profile(config.Profile("p", "ww1"))
    assert cli("lot", "import", str(out), "--json").json["added"] == answer.json["events"]
    told = by_place(
        cli("trace", "forward", f"{PINT}/{dairy.lot(0)}", "--all", "--json").json["items"]
    )
    assert {key: qty for key, qty in told.items() if key[2] == "sold"} == {
        (lot, place, "sold"): amounts["sold"]
        for (lot, place), amounts in dairy.truth.items()
        if lot == dairy.lot(0) and amounts["sold"]
    }


def test_an_unknown_lot_is_not_found_with_its_neighbours(cli: Any, dairy: Dairy) -> None:
    answer = cli("trace", "back", f"{PINT}/NOPE", "--json")
    assert answer.code == 5
    assert dairy.lot(3) in answer.error["hint"]
    for wrong in ("hello", "06901234567893/A", "", "690/A"):
        assert cli("trace", "forward", wrong).code == 2
    page = cli("lot", "show", f"{PINT}/{dairy.lot(0)}", "-n", "2", "--json").json
    assert page["has_more"]
    assert len(page["items"]) == 2
