"""A recall tells shops and the guides of buyers, once each, and stays open until all is done."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from tests.lots.conftest import Company


@pytest.fixture
def planned(cli: Any, company: Company) -> dict[str, Any]:
    answer = cli("trace", "recall", "plan", company.files.bad_lot, "--reason", "抗生素", "--json")
    assert answer.code == 0, answer.err
    found: dict[str, Any] = answer.json
    return found


def receipts(company: Company) -> set[str]:
    """external_userids of the receipts that a paper of the bad lot names."""
    lot = company.files.made_lot.split("/")[1]
    with (company.files.folder / "lots.csv").open(encoding="utf-8", newline="") as file:
        papers = {row["paper"] for row in csv.DictReader(file)
                  if row["kind"] == "sale" and row["lot"] == lot}  # fmt: skip
    with (company.files.folder / "orders.csv").open(encoding="utf-8", newline="") as file:
        return {row["external_userid"] for row in csv.DictReader(file)
                if row["order_no"] in papers and row["external_userid"]
                and row["code"] == company.files.code}  # fmt: skip


def test_shops_and_guides_are_told_once(cli: Any, company: Company, planned: Any) -> None:
    truth = receipts(company)
    assert len(truth) > 3
    assert planned["buyers"] == planned["buyers_proved"] == len(truth)
    number = str(planned["recall"])
    listed = cli("trace", "recall", "notify", number, "--dry-run", "--json").json["items"]
    assert len(listed) == 4
    assert all(each["staff"] and "抗生素" in each["text"] for each in listed)
    assert cli("trace", "recall", "notify", number).code == 2  # nobody can be asked
    done = cli("trace", "recall", "notify", number, "--yes", "--json")
    assert len(done.json["messages"]) == 4
    assert done.json["tasks"] == len(truth)
    assert done.json["unreachable"] == ["晨露乳品厂"]
    found = cli("trace", "recall", "list", number, "--json").json
    assert {each["told"] for each in found["items"] if each["store"]} <= {"sent", "partly"}
    assert done.code == (6 if "partly" in {each["told"] for each in found["items"]} else 0)
    tasks = cli("care", "list", "--json", "--all").json["items"]
    assert {each["external_userid"] for each in tasks} == truth
    again = cli("trace", "recall", "notify", number, "--yes", "--json").json
    assert again["messages"] == []
    assert again["tasks"] == 0


def test_it_closes_when_places_and_customers_are_done(
    cli: Any, company: Company, planned: Any
) -> None:
    number = str(planned["recall"])
    cli("trace", "recall", "notify", number, "--yes")
    for each in planned["items"]:
        cli("trace", "recall", "confirm", number, each["place"], "--blocked",
            str(each["to_block"]))  # fmt: skip
    early = cli("trace", "recall", "close", number)
    assert early.code == 9
    assert "customer" in early.err
    for task in cli("care", "list", "--json", "--all").json["items"]:
        assert cli("care", "done", str(task["id"]), "--note", "brought back").code == 0
    closed = cli("trace", "recall", "close", number, "--json").json
    assert closed["status"] == "closed"
    assert closed["customers"] > 0
    assert closed["customers_open"] == 0
    late = cli("trace", "recall", "notify", number, "--yes")
    assert late.code == 9


def test_a_target_named_like_the_shop_goes_first(cli: Any, company: Company, planned: Any) -> None:
    assert cli("notify", "app", "add", "S002", "--user", "g00001").code == 0
    listed = cli("trace", "recall", "notify", str(planned["recall"]), "--dry-run", "--json").json
    assert {each["store"]: each["to"] for each in listed["items"]}["S002"] == "S002"


def test_a_long_reason_keeps_no_shop_from_knowing(cli: Any, company: Company) -> None:
    lot = company.files.bad_lot
    number = str(
        cli("trace", "recall", "plan", lot, "--reason", "抗生素" * 300, "--json").json["recall"]
    )
    listed = cli("trace", "recall", "notify", number, "--dry-run", "--json").json["items"]
    bodies = [each["text"] for each in listed]
    done = cli("trace", "recall", "notify", number, "--yes", "--json")
    assert len(done.json["messages"]) == len(bodies) == 4
    for body in bodies:
        assert len(body.encode()) <= 2048
        assert company.files.made_lot.split("/")[1] in body
        assert "hold back" in body.splitlines()[-1]


@pytest.mark.parametrize("kind", ["robot", "chat"])
def test_a_name_that_another_kind_has_stops_one_shop_only(
    cli: Any, company: Company, planned: Any, kind: str
) -> None:
    from storeops.app import App
    from storeops.domains.notify import targets

    core = App.open("demo")
    targets.save(core.data, "SHOP-s002", kind, core.clock.now())
    core.close()
    number = str(planned["recall"])
    name = next(each["name"] for each in planned["items"] if each["store"] == "S002")
    listed = cli("trace", "recall", "notify", number, "--dry-run", "--json").json["items"]
    assert {each["store"] for each in listed} == {"S001", "S003", "S004"}
    done = cli("trace", "recall", "notify", number, "--yes", "--json").json
    assert len(done["messages"]) == 3
    assert sorted(done["unreachable"]) == sorted(["晨露乳品厂", name])
    assert done["tasks"] > 0
    found = cli("trace", "recall", "list", number, "--json").json
    told = {each["store"]: each["told"] for each in found["items"] if each["store"]}
    assert told.pop("S002") == ""
    assert set(told.values()) <= {"sent", "partly"}


def test_a_target_that_goes_meanwhile_stops_one_shop_only(
    cli: Any, company: Company, planned: Any
) -> None:
    from storeops.domains.lots import notices
    from storeops.errors import NotFoundError

    def gone(*values: Any, **more: Any) -> Any:
        if values[1] == "shop-S001":
            raise NotFoundError("gone")
        return post(*values, **more)

    post = notices.outbox.post
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(notices.outbox, "post", gone)
        done = cli("trace", "recall", "notify", str(planned["recall"]), "--yes", "--json").json
    assert len(done["messages"]) == 3
    assert len(done["unreachable"]) == 2
    again = cli("trace", "recall", "notify", str(planned["recall"]), "--yes", "--json").json
    assert again["messages"] == ["shop-S001"]


def test_a_round_that_was_cut_off_is_ended_by_the_next(
    cli: Any, company: Company, planned: Any, tmp_path: Path
) -> None:
    """Messages were kept, half of that was noted, nothing was sent, and a shop is renamed."""
    from storeops.app import App
    from storeops.domains.lots import notices

    number = str(planned["recall"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(notices.outbox, "deliver", lambda *_values, **_more: None)
        assert cli("trace", "recall", "notify", number, "--yes").code == 0
    shop = next(each["place"] for each in planned["items"] if each["store"] == "S002")
    core = App.open("demo")
    with core.data.atomic() as connection:
        connection.execute("DELETE FROM lots_recall_told WHERE place = ?", (shop,))
    core.close()
    (tmp_path / "p.csv").write_text(f"place,name,store\n{shop},新名店,S002\n", encoding="utf-8")
    assert cli("lot", "import", str(tmp_path / "p.csv"), "--kind", "places").code == 0
    cli("trace", "recall", "notify", number, "--yes")
    found = cli("trace", "recall", "list", number, "--json").json
    assert {each["told"] for each in found["items"] if each["store"]} <= {"sent", "partly"}
    assert len(cli("notify", "log", "--json", "--all").json["items"]) == 4


def test_only_messages_of_the_recall_are_named_to_be_sent_again(
    cli: Any, company: Company, planned: Any
) -> None:
    from storeops.app import App

    number = str(planned["recall"])
    cli("trace", "recall", "notify", number, "--yes")
    lines = [each for each in planned["items"] if each["store"]]
    first, second = list(dict.fromkeys(f"recall-{number}-{each['place']}" for each in lines))[:2]
    core = App.open("demo")
    with core.data.atomic() as connection:
        connection.execute("UPDATE notify_message SET status = 'sent'")
        for status, id in (("failed", first), ("uncertain", second)):
            connection.execute("UPDATE notify_message SET status = ? WHERE id = ?", (status, id))
    core.close()
    done = cli("trace", "recall", "notify", number, "--yes")
    assert done.code == 6
    assert "everywhere: 2." in done.err
    steps = [line.strip() for line in done.err.splitlines()]
    assert any(step.endswith(f"storeops notify retry {first}") for step in steps)
    assert any(step.endswith(f"send it again: storeops notify retry {second}") for step in steps)


def test_read_only_tells_nobody(cli: Any, company: Company, planned: Any) -> None:
    answer = cli("trace", "recall", "notify", str(planned["recall"]), "--yes", "--read-only")
    assert answer.code == 11
    found = cli("trace", "recall", "list", str(planned["recall"]), "--json").json
    assert not any(each["told"] for each in found["items"])
    assert found["customers"] == 0


def test_without_scanned_lots_buyers_are_possible(
    cli: Any, company: Company, tmp_path: Path
) -> None:
    """Tills that scan no lot: who bought the article while the lot lay there may have it."""
    from storeops.app import App

    truth = receipts(company)
    papers = tmp_path / "lots.csv"
    with (company.files.folder / "lots.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with papers.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        for row in rows:
            writer.writerow(row | ({"paper": ""} if row["kind"] == "sale" else {}))
    core = App.open("demo")
    with core.data.atomic() as connection:
        for table in ("lots_line", "lots_edge", "lots_event"):
            connection.execute(f"DELETE FROM {table}")
    core.close()
    assert cli("lot", "import", str(papers)).code == 0
    found = cli("trace", "recall", "plan", company.files.bad_lot, "--reason", "x", "--json").json
    assert found["buyers_proved"] == 0
    assert found["buyers"] >= len(truth)
    number = str(found["recall"])
    cli("trace", "recall", "notify", number, "--yes")
    tasks = cli("care", "list", "--json", "--all").json["items"]
    assert truth <= {each["external_userid"] for each in tasks}
    assert all("perhaps" in each["text"] for each in tasks)


LATE = """kind,at,item,lot,qty,unit,place,from,to,paper,input_item,input_lot,input_qty,input_unit
{kind},{day} 05:00,{item},{lot},40,,{place},{source},{to},P{to}{lot},{tank},{tank_lot},38,{unit}
"""


def test_papers_that_come_late_widen_an_open_recall(
    cli: Any, company: Company, planned: Any, tmp_path: Path
) -> None:
    """A shop and a run that nobody knew of are told and confirmed too, before it can close."""
    number = str(planned["recall"])
    tank, tank_lot = company.files.bad_lot.split("/")
    item, plant = company.files.made_lot.split("/")[0], "6900000001004"
    cli("trace", "recall", "notify", number, "--yes")
    for each in planned["items"]:
        cli("trace", "recall", "confirm", number, each["place"], "--blocked", "0")
    shop = next(each["place"] for each in planned["items"] if each["store"] == "S002")
    day = cli("trace", "back", company.files.made_lot, "--json").json["items"][0]["at"][:10]
    run = LATE.format(kind="production", day=day, item=item, lot="LATE", place=plant, source="",
                      to="", tank=tank, tank_lot=tank_lot, unit="LTR")  # fmt: skip
    sent = LATE.format(kind="delivery", day=day, item=item, lot="LATE", place="", source=plant,
                       to=shop, tank="", tank_lot="", unit="")  # fmt: skip
    for name, text in (("a.csv", run), ("b.csv", sent.replace(",38,", ",,"))):
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert cli("lot", "import", str(tmp_path / name)).code == 0
    found = cli("trace", "recall", "list", number, "--json").json
    late = [each for each in found["items"] if each["lot"] == "LATE"]
    assert [(each["place"], each["to_block"], each["told"]) for each in late] == [(shop, 40, "")]
    assert found["open"] >= 1
    assert cli("trace", "recall", "close", number).code == 9
    again = cli("trace", "recall", "notify", number, "--yes", "--json").json
    assert again["messages"] == ["shop-S002"]
    assert cli("trace", "recall", "notify", number, "--yes", "--json").json["messages"] == []
    text = next(each["body"] for each in cli("notify", "log", "--json", "--all").json["items"]
                if each["id"].endswith("-2"))  # fmt: skip
    assert "LATE" in text
    assert company.files.made_lot.split("/")[1] not in text
    assert "LATE" not in cli("forecast", "order", "--store", "S002", "--json").out
    closed = cli("trace", "recall", "close", number, "--reason", "x", "--json").json
    assert closed["places"] == found["places"]
    (tmp_path / "c.csv").write_text(run.replace("LATE", "AFTER"), encoding="utf-8")
    assert cli("lot", "import", str(tmp_path / "c.csv")).code == 0
    cli("stock", "count", "S002", item, "3", "--lot", "AFTER", "--expires", day)
    assert due(cli, "S002")["AFTER"] == "called_back"


def due(cli: Any, store: str) -> dict[str, str]:
    """Lot → what is to be done with it."""
    shown = cli("stock", "expiring", "--store", store, "--days", "3650", "--json", "--all").json
    return {each["lot"]: each["due"] for each in shown["items"]}


def test_a_false_alarm_makes_its_lots_good_again(cli: Any, company: Company, planned: Any) -> None:
    number, lot = str(planned["recall"]), company.files.made_lot.split("/")[1]
    store = next(each["store"] for each in planned["items"] if each["store"] and each["to_block"])
    cli("stock", "count", store, company.files.code, "7", "--lot", lot,
        "--expires", planned["made_at"][:10])  # fmt: skip
    assert due(cli, store)[lot] == "called_back"
    assert cli("trace", "recall", "notify", number, "--yes", "--json").json["tasks"] > 0
    cli("care", "done", str(cli("care", "list", "--json").json["items"][0]["id"]))
    end = ("trace", "recall", "close", number, "--false-alarm")
    assert cli(*end).code == 2  # without a word of why
    found = cli(*end, "--reason", "样品标签贴错", "--json").json
    assert found["status"] == "false_alarm"
    assert found["customers_open"] == 0
    assert found["tasks_ended"] == found["customers"] - 1
    assert due(cli, store)[lot] in ("today", "expired")
    said = cli("audit", "list", "--json", "--all").json["items"]
    told = next(each["payload"] for each in said if each["kind"] == "recall.false_alarm")
    assert (told["recall"], told["reason"]) == (planned["recall"], "样品标签贴错")
    assert cli("audit", "verify").code == 0
    assert cli(*end, "--reason", "x").code == 9
    assert cli("trace", "recall", "confirm", number, store, "--blocked", "1").code == 9
    clear = ("trace", "recall", "notify", number)
    other = str(
        cli("trace", "recall", "plan", company.files.made_lot, "--reason", "z", "--json").json[
            "recall"]
    )  # fmt: skip
    texts = [each["text"] for each in cli(*clear, "--dry-run", "--json").json["items"]]
    assert all("still keep apart" in each and lot in each for each in texts)
    cli("trace", "recall", "close", other, "--false-alarm", "--reason", "z")
    for shops, round_ in ((4, "first"), (0, "second")):  # those that were told of it, once
        done = cli("trace", "recall", "notify", number, "--yes", "--json").json
        assert len(done["messages"]) == shops, round_
    texts = [each["body"] for each in cli("notify", "log", "--json", "--all").json["items"]]
    assert sum("was a false alarm: 样品标签贴错" in each for each in texts) == 4
    skipped = ("care", "list", "--json", "--all", "--status", "skipped", "--rule")
    assert len(cli(*skipped, f"recall {number}").json["items"]) == found["tasks_ended"]
    assert cli(*skipped, "recal 1").code == 5
    again = cli("trace", "recall", "plan", company.files.bad_lot, "--reason", "y", "--json")
    assert again.code == 0
    assert due(cli, store)[lot] == "called_back"


def test_nobody_is_told_of_what_turns_out_a_false_alarm_meanwhile(
    cli: Any, company: Company, planned: Any
) -> None:
    from storeops.domains.lots import notices
    from storeops.domains.lots import recall as engine

    def ended(app: Any, number: int, *values: Any) -> Any:
        if not engine.is_false_alarm(app.data, number):
            engine.end_as_false_alarm(app.ledger, number, "x")
        return hand_over(app, number, *values)

    hand_over = notices._hand_over
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(notices, "_hand_over", ended)
        done = cli("trace", "recall", "notify", str(planned["recall"]), "--yes", "--json").json
    assert done["messages"] == []
    assert done["tasks"] == 0
    assert cli("notify", "log", "--json", "--all").json["items"] == []


def test_a_round_that_dies_between_telling_and_noting_leaves_neither(
    cli: Any, company: Company, planned: Any
) -> None:
    """Else the next one would take lots for told that its message does not name."""
    from storeops.domains.lots import notices

    def dies(*values: Any, **more: Any) -> Any:
        post(*values, **more)
        raise KeyboardInterrupt

    post = notices.outbox.post
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(notices.outbox, "post", dies)
        cli("trace", "recall", "notify", str(planned["recall"]), "--yes")
    assert cli("notify", "log", "--json", "--all").json["items"] == []
    again = cli("trace", "recall", "notify", str(planned["recall"]), "--yes", "--json").json
    assert len(again["messages"]) == 4


def test_litres_are_not_summed_with_pieces(cli: Any, company: Company, planned: Any) -> None:
    tank = [each for each in planned["items"] if each["unit"] == "LTR"]
    pieces = [each for each in planned["items"] if not each["unit"]]
    assert tank
    assert planned["to_block"] == sum(each["to_block"] for each in pieces)
    shown = cli("trace", "recall", "list", str(planned["recall"]), "-o", "wide").out
    assert f"{tank[0]['to_block']:g} L" in shown
    assert "Project-Id" not in shown


def test_what_is_called_back_is_not_counted_on(
    cli: Any, company: Company, planned: Any, tmp_path: Path
) -> None:
    """Neither what lies in the shop nor what is on its way there."""

    def counted() -> tuple[float, str]:
        found = cli("forecast", "order", "--store", store, "--shelf-life", "6", "--json").json
        mine = next(each for each in found["items"] if each["product_id"] == company.files.code)
        return mine["on_hand"] + mine["on_the_way"], " ".join(found["notes"])

    lot = company.files.made_lot.split("/")[1]
    line = next(each for each in planned["items"] if each["store"] and each["to_block"])
    store = line["store"]
    assert "called back" in counted()[1]
    before = counted()[0]
    cli("stock", "count", store, company.files.code, "7", "--lot", lot,
        "--expires", planned["made_at"][:10])  # fmt: skip
    assert counted()[0] == before
    shown = cli("stock", "expiring", "--store", store, "--days", "3650", "--json").json["items"]
    assert (
        [each for each in shown if each["lot"] == lot]
        == [each for each in shown if each["due"] == "called_back"]
        != []
    )
    cli("stock", "count", store, company.files.code, "7", "--lot", "OTHER")
    assert counted()[0] == before + 7
    other = next(each["store"] for each in planned["items"] if each["store"] not in ("", store))
    cli("stock", "count", other, company.files.code, "7", "--lot", lot)
    lines, trucks = tmp_path / "l.csv", tmp_path / "t.csv"
    lines.write_text(f"product_id,line,rate\n{company.files.code},1,9\n", encoding="utf-8")
    trucks.write_text("store_id,by,hours\n*,06:00,8\n", encoding="utf-8")
    found = cli("forecast", "production", "--lines", str(lines), "--trucks", str(trucks), "--json")
    said = [each for each in found.json["notes"] if "on the shelf" in each]
    assert len(said) == 1  # of all shops together
    assert int(said[0].split()[0]) >= 2
