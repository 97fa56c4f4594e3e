"""Contact ways as plans: made, changed, deleted, put back; files that read back the same."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from storeops.changes import plans, row_results
from storeops.changes.undo import plan_undo


def planned(cli: Any, *words: str) -> Any:
    """The plan that a command made."""
    answer = cli("contact-way", "plan", *words, "--json")
    assert answer.code == 0, answer.err + answer.out
    return answer.json


def test_a_way_is_made_changed_and_put_back(codes: Any, cli: Any) -> None:
    first, second = codes.staff()[:2]
    plan = planned(
        cli, "add", "--user", first, "--state", "expo", "--remark", "展会 1 号", "--verify"
    )
    assert (plan["ready"], plan["calls"], codes.calls("add_contact_way")) == (1, 1, 0)
    assert codes.carry(plan["plan_id"]) == {"done": 1}
    way = cli("contact-way", "show", "展会 1 号", "--json").json
    assert (way["user"], way["type"], way["skip_verify"]) == ([first], 1, False)
    assert way["qr_code"].startswith("https://")
    assert codes.mirror_of_ways() == codes.truth()

    changed = planned(cli, "update", "expo", "--user", second, "--state", "expo-b")
    assert codes.carry(changed["plan_id"]) == {"done": 1}
    assert codes.ways()[way["config_id"]]["user"] == [second]
    assert codes.ways()[way["config_id"]]["remark"] == "展会 1 号"
    undo = plan_undo(codes.app.ledger, changed["plan_id"])
    assert codes.carry(undo) == {"done": 1}
    assert codes.ways()[way["config_id"]]["user"] == [first]
    assert codes.mirror_of_ways() == codes.truth()

    back = plan_undo(codes.app.ledger, plan["plan_id"])
    assert codes.carry(back) == {"done": 1}
    assert way["config_id"] not in codes.ways()
    assert codes.mirror_of_ways() == codes.truth()
    again = plan_undo(codes.app.ledger, back.name)
    (row,) = row_results.results(codes.app.data, again.id)
    assert (again.ready, row.code) == (0, "deleted")


def test_deleting_says_what_it_costs(codes: Any, cli: Any) -> None:
    way = next(each for each in codes.ways().values() if each["remark"])
    plan = planned(cli, "delete", way["config_id"])
    (warning,) = plan["problems"]
    assert warning["code"] == "no_undo"
    assert "cannot be put back" in warning["message"]
    assert codes.carry(plan["plan_id"]) == {"done": 1}
    assert codes.mirror_of_ways() == codes.truth()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--user", "u_office"), "unfit"),
        (("--user", "{leaver}"), "unfit"),
        (("--user", "{first}", "--state", "s" * 31), "too_long"),
        (("--user", "{first}", "--remark", "花" * 31), "too_long"),
        (("--store", "1"), ""),
    ],
)
def test_what_wecom_would_refuse_is_blocked(
    codes: Any, cli: Any, words: tuple[str, ...], code: str
) -> None:
    leaver = next(each for each in codes.control.export("staff") if each["left_at"])
    given = [w.format(first=codes.staff()[0], leaver=leaver["userid"]) for w in words]
    answer = cli("contact-way", "plan", "add", *given, "--json")
    plan = answer.json
    (row,) = row_results.results(codes.app.data, _number(codes, plan["plan_id"]))
    assert row.code == code
    assert answer.code == (6 if code else 0)


def _number(codes: Any, name: str) -> int:
    from storeops.changes import plans

    return plans.get(codes.app.data, name).id


def test_a_plan_is_read_in_words(codes: Any, cli: Any) -> None:
    store = codes.app.data.execute(
        "SELECT d.id, d.name FROM department AS d JOIN staff AS s"
        " ON s.main_department = d.id LIMIT 1"
    ).fetchone()
    plan = planned(cli, "add", "--store", str(store[0]), "--state", "shop-1")
    shown = cli("plan", "show", plan["plan_id"], "--lang", "zh_CN", "-o", "wide").out
    assert all(word not in shown for word in ("party", "skip_verify", "scene", "True"))
    assert store[1] in shown


def test_what_wecom_refuses_all_the_same_is_told_in_words(codes: Any, cli: Any) -> None:
    codes.control.settings(contact_way_cap=1)
    nameless = ("--user", codes.staff()[0], "--state", "one-more")
    assert "has no name" in cli("contact-way", "plan", "add", *nameless).err
    plan = planned(cli, "add", *nameless)
    assert codes.carry(plan["plan_id"]) == {"failed": 1}
    (row,) = row_results.results(codes.app.data, _number(codes, plan["plan_id"]))
    assert (row.errcode, "more contact ways" in row.meaning) == (41045, True)


def test_a_way_that_vanished_meanwhile_is_known_to_be_gone(codes: Any, cli: Any) -> None:
    from storeops.wecom import contact_ways

    first = next(iter(codes.ways()))
    plan = planned(cli, "update", first, "--remark", "neu")
    contact_ways.delete(codes.app.client, first)
    assert codes.carry(plan["plan_id"]) == {"vanished": 1}
    assert codes.mirror_of_ways() == codes.truth()
    answer = cli("contact-way", "plan", "update", first, "--remark", "neu", "--json")
    (row,) = row_results.results(codes.app.data, _number(codes, answer.json["plan_id"]))
    assert (row.status, row.code) == ("blocked", "unknown_way")


@pytest.mark.parametrize("path", ["add", "update", "del"])
def test_a_lost_answer_does_it_once(codes: Any, cli: Any, path: str) -> None:
    first = next(iter(codes.ways()))
    words = {
        "add": ("add", "--user", codes.staff()[0], "--state", "once", "--remark", "einmal"),
        "update": ("update", first, "--state", "once"),
        "del": ("delete", first),
    }[path]
    plan = planned(cli, *words)
    codes.control.fault("lost", f"externalcontact/{path}_contact_way", first=1)
    assert codes.carry(plan["plan_id"]) == {"done": 1}
    assert codes.calls(f"{path}_contact_way") == 1
    assert codes.mirror_of_ways() == codes.truth()


def test_one_for_every_guide_and_for_every_store_once(codes: Any, cli: Any) -> None:
    guides = {
        each["userid"] for each in codes.control.export("staff")
        if each["customer_contact"] and not each["left_at"] and each["main_department"] > 2
    }  # fmt: skip
    words = ("add", "--each", "guide", "--state", "{department}-{userid}", "--remark", "{name}")
    plan = planned(cli, *words)
    assert plan["rows"] == len(guides)
    done = codes.carry(plan["plan_id"])
    made = [each for each in codes.ways().values() if "-" in each["state"]]
    assert done["done"] == len(made) > 2
    assert {each["state"].partition("-")[2] for each in made} == {e["user"][0] for e in made}
    again = cli("contact-way", "plan", *words, "--json")
    assert done == {"done": len(guides)}
    assert again.json["rows"] == 0
    shops = {each["main_department"] for each in codes.control.export("staff")
             if each["userid"] in guides}  # fmt: skip
    for where in ((), ("--store", "1")):  # the root is a region of all
        state = f"d{len(where)}-{{department}}"
        stores = planned(cli, "add", "--each", "store", *where, "--state", state)
        assert stores["rows"] == len(shops)
    codes.carry(stores["plan_id"])
    made = [each for each in codes.ways().values() if each["state"].startswith("d2-")]
    assert {(tuple(w["party"]), w["type"]) for w in made} == {((each,), 2) for each in shops}
    assert not any(each["user"] for each in made)
    odd = cli("contact-way", "plan", "add", "--each", "store", "--state", "{shop}", "--json")
    assert (odd.code, "{store}" in odd.error["hint"]) == (2, True)
    alike = cli("contact-way", "plan", "add", "--each", "store", "--state", "all", "--json")
    assert alike.code == 2


def test_a_leaver_is_replaced_everywhere(codes: Any, cli: Any) -> None:
    first, second, third = codes.staff()[:3]
    planned_ways = [("solo", (first,)), ("pair", (first, second)), ("other", (second,))]
    for state, users in planned_ways:
        words = [word for each in users for word in ("--user", each)]
        codes.carry(planned(cli, "add", *words, "--state", state)["plan_id"])
    codes.act("staff_leave", userid=first)
    codes.sync(2)
    dropped = cli("contact-way", "plan", "replace", first, "--json")
    assert "--by" in dropped.json["problems"][0]["message"]
    plan = planned(cli, "replace", first, "--by", third)
    codes.carry(plan["plan_id"])
    users = {each["state"]: each["user"] for each in codes.ways().values()}
    assert (users["solo"], users["pair"], users["other"]) == ([third], [third, second], [second])
    assert cli("contact-way", "list", "--user", first, "--json").json["items"] == []


def test_what_the_list_writes_reads_back_without_a_difference(
    codes: Any, cli: Any, tmp_path: Path
) -> None:
    codes.carry(
        planned(cli, "add", "--store", "3", "--remark", "=1+1", "--state", "-@x")["plan_id"]
    )
    codes.act("userid_change", userid=codes.staff()[0], new_userid="lin.hong")
    codes.sync()
    path = tmp_path / "ways.csv"
    path.write_text(cli("contact-way", "list", "--all", "--csv").out, encoding="utf-8")
    same = cli("contact-way", "plan", "file", str(path), "--json")
    assert (same.code, same.json["rows"], same.json["problems"]) == (0, 0, [])
    for language in ("en", "zh_CN"):
        saved = tmp_path / f"{language}.xlsx"
        cli("contact-way", "list", "--all", "--save", str(saved), "--lang", language)
        same = cli("contact-way", "plan", "file", str(saved), "--json")
        assert (same.code, same.json["rows"], same.json["problems"]) == (0, 0, []), language

    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    changed = next(each for each in rows if each["user"])
    changed["remark"] = "店门口"
    rows.append(dict.fromkeys(rows[0], "") | {"remark": "新", "user": codes.staff()[1]})
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    plan = planned(cli, "file", str(path))
    assert (plan["rows"], plan["ready"]) == (2, 2)
    assert codes.carry(plan["plan_id"]) == {"done": 2}
    assert codes.mirror_of_ways() == codes.truth()
    again = cli("contact-way", "plan", "file", str(path), "--json")
    assert again.json["rows"] == 0


def test_rows_that_cannot_be_taken_are_named(codes: Any, cli: Any, tmp_path: Path) -> None:
    first = codes.staff()[0]
    path = tmp_path / "new.csv"
    lines = [
        "名称,渠道,成员,免验证,config_id,type",
        f"甲,a-1,{first},是,,",
        f"甲,a-1,{first},是,,",  # the same again
        "乙,a-2,nobody,是,,",
        f"丙,a-3,{first},perhaps,,",
        f"丁,a-4,{first},,cfgNone,",
        "戊,a-5,,,,",
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    answer = cli("contact-way", "plan", "file", str(path), "--json")
    assert (answer.code, answer.json["rows"]) == (6, 1)
    assert [each["line"] for each in answer.json["problems"]] == [3, 4, 5, 6, 7]
    strict = cli("contact-way", "plan", "file", str(path), "--strict", "--json")
    assert strict.code == 2
    template = cli("contact-way", "plan", "file", "--template").out
    assert template.startswith("config_id,remark,state")


def test_an_update_and_its_undo_keep_what_others_changed_meanwhile(codes: Any, cli: Any) -> None:
    from storeops.wecom import contact_ways

    first, second = codes.staff()[:2]
    codes.carry(planned(cli, "add", "--user", first, "--user", second, "--state", "x")["plan_id"])
    (way,) = cli("contact-way", "list", "--state", "x", "--json").json["items"]
    config_id = way["config_id"]
    plan = planned(cli, "update", "x", "--remark", "neu")
    contact_ways.update(codes.app.client, config_id, {"user": [second]})  # another app's
    assert codes.carry(plan["plan_id"]) == {"done": 1}
    assert codes.ways()[config_id]["user"] == [second]
    contact_ways.update(codes.app.client, config_id, {"user": [first], "remark": "neu"})
    assert codes.carry(plan_undo(codes.app.ledger, plan["plan_id"])) == {"done": 1}
    assert (codes.ways()[config_id]["user"], codes.ways()[config_id]["remark"]) == ([first], "")

    plan = planned(cli, "update", "x", "--remark", "wieder")
    contact_ways.update(codes.app.client, config_id, {"remark": "another", "user": [first]})
    assert codes.carry(plan["plan_id"]) == {"failed": 1}
    assert codes.ways()[config_id]["remark"] == "another"
    (row,) = row_results.results(codes.app.data, _number(codes, plan["plan_id"]))
    assert "remark" in row.meaning


def test_renaming_a_code_of_a_leaver_says_who_is_in_the_way(codes: Any, cli: Any) -> None:
    first, second = codes.staff()[:2]
    words = ("--user", first, "--user", second, "--state", "two")
    codes.carry(planned(cli, "add", *words)["plan_id"])
    codes.act("staff_leave", userid=first)
    codes.sync(2)
    answer = cli("contact-way", "plan", "update", "two", "--remark", "neu", "--json")
    (row,) = row_results.results(codes.app.data, _number(codes, answer.json["plan_id"]))
    assert (row.status, row.code, "replace" in row.next_step) == ("blocked", "unfit", True)
    codes.app.data.execute(
        "UPDATE contact_way SET user = ? WHERE state = 'two'",
        (json.dumps([first, "Nobody Known", second]),),
    )
    answer = cli("contact-way", "plan", "update", "two", "--remark", "neu", "--json")
    (row,) = row_results.results(codes.app.data, _number(codes, answer.json["plan_id"]))
    assert f"plan replace {first} 'Nobody Known' --by STAFF" in row.next_step


def test_a_lost_adding_takes_no_code_that_has_more_than_was_asked_for(codes: Any, cli: Any) -> None:
    from storeops.wecom import contact_ways

    user = codes.staff()[0]
    other = {"type": 1, "scene": 2, "user": [user], "state": "s", "remark": "another app's"}
    plan = planned(cli, "add", "--user", user, "--state", "s")
    theirs = contact_ways.add(codes.app.client, other).config_id
    codes.control.fault("lost", "externalcontact/add_contact_way", first=1)
    assert codes.carry(plan["plan_id"]) == {"done": 1}
    assert theirs not in codes.mirror_of_ways()
    made = [each for each in codes.ways().values() if each["state"] == "s"]
    assert {each["remark"] for each in made} == {"", "another app's"}


def test_undoing_an_adding_says_what_it_costs_and_spares_what_was_changed(
    codes: Any, cli: Any
) -> None:
    first, second = codes.staff()[:2]
    plan = planned(cli, "add", "--user", first, "--state", "u")
    codes.carry(plan["plan_id"])
    undo = cli("plan", "undo", plan["plan_id"], "--json").json
    assert [each["code"] for each in undo["problems"]] == ["no_undo"]
    cli("plan", "cancel", undo["plan_id"])
    codes.carry(planned(cli, "update", "u", "u", "--user", second)["plan_id"])
    again = plan_undo(codes.app.ledger, plan["plan_id"])
    (row,) = row_results.results(codes.app.data, again.id)
    assert (again.ready, row.code) == (0, "changed")


def test_who_is_unknown_to_the_mirror_is_taken_out_of_codes_too(codes: Any, cli: Any) -> None:
    first, second, third = codes.staff()[:3]
    pair = planned(
        cli, "add", "--user", first, "--user", second, "--user", third, "--state", "trio"
    )
    codes.carry(pair["plan_id"])
    codes.app.data.execute(
        "UPDATE contact_way SET user = ? WHERE state = 'trio'",
        (f'["Nobody Known", "{second}", "{third}"]',),
    )
    shown = cli("contact-way", "show", "trio")
    step = "storeops contact-way plan replace 'Nobody Known'"
    assert step in shown.err
    assert "--by" not in shown.err
    listed = cli("contact-way", "list", "--user", "nobody known", "--json").json["items"]
    assert [each["state"] for each in listed] == ["trio"]
    plan = planned(cli, "replace", "nobody known", "--by", first)
    assert plan["ready"] == 1
    assert cli("contact-way", "plan", "replace", "nobody at all", "--json").code == 5
    for plan_id in (plan["plan_id"], planned(cli, "replace", "nobody known")["plan_id"]):
        title = plans.get(codes.app.data, plan_id).title
        assert title.startswith('{"say": "Contact ways: '), "said in the language of who reads it"


def test_two_leavers_of_one_code_go_together(codes: Any, cli: Any) -> None:
    first, second, third = codes.staff()[:3]
    words = [word for each in (first, second, third) for word in ("--user", each)]
    codes.carry(planned(cli, "add", *words, "--state", "trio")["plan_id"])
    codes.act("staff_leave", userid=first)
    codes.act("staff_leave", userid=second)
    codes.sync(2)
    alone = cli("contact-way", "plan", "replace", first, "--json").json
    assert any(
        each.code == "unfit" and f"plan replace {first} {second}" in each.next_step
        for each in row_results.results(codes.app.data, _number(codes, alone["plan_id"]))
    )
    step = cli("contact-way", "show", "trio").err
    assert f"plan replace {first} {second}" in step
    plan = planned(cli, "replace", first, second)
    codes.carry(plan["plan_id"])
    assert {each["state"]: each["user"] for each in codes.ways().values()}["trio"] == [third]


@pytest.mark.parametrize("text", ["a\x1b[31m", "two\nlines", " ", "end ", "\u202edcba", "a\u200bb"])
def test_names_that_cannot_be_seen_are_not_made(codes: Any, cli: Any, text: str) -> None:
    for option in ("--state", "--remark"):
        made = cli("contact-way", "plan", "add", "--user", codes.staff()[0], option, text, "--json")
        assert (made.code, made.json["blocked"]) == (6, 1)


def test_a_hidden_character_of_others_is_no_difference(
    codes: Any, cli: Any, tmp_path: Path
) -> None:
    from storeops.wecom import contact_ways

    contact_ways.add(
        codes.app.client,
        {
            "type": 2, "scene": 2, "user": [codes.staff()[0]], "state": "x\x1b[31m\n=1",
            "remark": "\u202ea",
        },
    )  # fmt: skip
    codes.read()
    file = tmp_path / "codes.csv"
    file.write_text(cli("contact-way", "list", "--csv", "--all").out, encoding="utf-8")
    again = cli("contact-way", "plan", "file", str(file), "--json")
    assert again.json is None or not again.json.get("plan_id"), again.json


def test_what_was_erased_here_can_be_taken_out_of_wecom(codes: Any, cli: Any) -> None:
    from storeops.wecom import contact_ways

    state, user = "tel-13912345678", codes.staff()[0]
    codes.carry(planned(cli, "add", "--user", user, "--state", state)["plan_id"])
    codes.read(full=True)
    db = codes.app.data
    who, follow = db.execute(
        "SELECT external_userid, follow.id FROM follow JOIN customer ON customer.id = customer_id"
    ).fetchone()
    db.execute("UPDATE follow SET mobiles = ? WHERE id = ?", ('["13912345678"]', follow))
    assert "contact-way plan update" in cli("audit", "erase", who, "--yes").out
    (way,) = [key for key, each in codes.ways().items() if each["state"] == state]
    plan = planned(cli, "update", way, "--state", "clean")
    contact_ways.update(codes.app.client, way, {"state": "another"})
    assert codes.carry(plan["plan_id"]) == {"failed": 1}  # somebody has changed it since
    contact_ways.update(codes.app.client, way, {"state": state})
    assert codes.carry(planned(cli, "update", way, "--state", "clean")["plan_id"]) == {"done": 1}
    assert codes.ways()[way]["state"] == "clean"


def test_an_erasure_takes_rows_whose_codes_were_called_by_the_person(codes: Any, cli: Any) -> None:
    who, follow = codes.app.data.execute(
        "SELECT external_userid, follow.id FROM follow JOIN customer ON customer.id = customer_id"
    ).fetchone()
    words = ("--user", codes.staff()[0], "--state")
    for state in ("tel-13912345678", "del-13912345678"):
        codes.carry(planned(cli, "add", *words, state)["plan_id"])
    codes.carry(planned(cli, "update", "tel-13912345678", "--remark", "13912345678")["plan_id"])
    codes.carry(planned(cli, "update", "tel-13912345678", "--state", "clean")["plan_id"])  # kept
    codes.carry(planned(cli, "update", "clean", "--remark", "clean")["plan_id"])
    codes.carry(planned(cli, "delete", "del-13912345678")["plan_id"])
    db = codes.app.data
    db.execute("UPDATE follow SET mobiles = ? WHERE id = ?", ('["13912345678"]', follow))
    assert cli("audit", "erase", who, "--yes").code == 0
    for table in ("plan", "plan_row", "journal", "contact_way"):
        rows = json.dumps(db.execute(f"SELECT * FROM {table}").fetchall(), default=str)
        assert "13912345678" not in rows, table
    assert cli("audit", "verify").code == 0


def test_a_file_takes_a_blank_out_of_a_name(codes: Any, cli: Any, tmp_path: Path) -> None:
    from storeops.wecom import contact_ways

    made = {"type": 2, "scene": 2, "user": [codes.staff()[0]], "remark": " 门店", "state": "x "}
    way = contact_ways.add(codes.app.client, made).config_id
    codes.read()
    file = tmp_path / "codes.csv"
    file.write_text(cli("contact-way", "list", "--csv", "--all").out, encoding="utf-8")
    again = cli("contact-way", "plan", "file", str(file), "--json")
    assert again.json is None or not again.json.get("plan_id"), again.json
    file.write_text(f"config_id,remark,state\n{way},门店,x\n", encoding="utf-8")
    assert codes.carry(planned(cli, "file", str(file))["plan_id"]) == {"done": 1}
    assert (codes.ways()[way]["remark"], codes.ways()[way]["state"]) == ("门店", "x")


def test_an_undo_puts_back_what_cannot_be_seen(codes: Any, cli: Any) -> None:
    from storeops.wecom import contact_ways

    way = contact_ways.add(
        codes.app.client, {"type": 2, "scene": 2, "user": [codes.staff()[0]], "remark": "门店 "}
    ).config_id
    codes.read()
    plan = planned(cli, "update", way, "--remark", "门店")
    assert codes.carry(plan["plan_id"]) == {"done": 1}
    assert codes.carry(plan_undo(codes.app.ledger, plan["plan_id"])) == {"done": 1}
    assert codes.ways()[way]["remark"] == "门店 "


def test_what_a_job_wrote_was_not_read(codes: Any, cli: Any) -> None:
    plan = planned(cli, "add", "--user", codes.staff()[0], "--state", "unread")
    codes.carry(plan["plan_id"])
    assert cli("contact-way", "show", "unread", "--json").json["read_at"] is None
    codes.control.call("POST", "clock", {"advance_s": 5})
    codes.read()
    assert cli("contact-way", "show", "unread", "--json").json["read_at"]
    assert codes.mirror_of_ways() == codes.truth()


def test_why_an_update_was_not_sent_is_told_in_the_language_of_who_asks(
    codes: Any, cli: Any
) -> None:
    from storeops.wecom import contact_ways

    first = next(iter(codes.ways()))
    plan = planned(cli, "update", first, "--remark", "neu")
    contact_ways.update(codes.app.client, first, {"remark": "anders"})
    cli("plan", "apply", plan["plan_id"], "--yes", "--lang", "zh_CN")
    for lang in ("en", "zh_CN"):
        (row,) = cli("plan", "results", plan["plan_id"], "--json", "--lang", lang).json["items"]
        assert "remark" in row["meaning"]
        assert row["meaning"].isascii() == (lang == "en")
        assert row["next_step"].isascii() == (lang == "en")
