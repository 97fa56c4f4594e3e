"""What storeops exports, it reads back without a difference: nothing to plan, nothing lost."""

from __future__ import annotations

import datetime
import json
import os

import pytest

from storeops import i18n

NASTY = [
    "=1+1", "'=1+1", "''+1", "-x", "@y", "+86 13812345678", "0012", "0012\t", "123456789012",
    "1e5", "a;b", "a; b", "王,女士", 'q"q', "line\nbreak", "\u202eevil", "\u200bzero", " blank ",
    "cr\r\nlf\u2028end", "\x1b[31m",
    "＝全角", "|pipe", "\ufeffbom", '="x"', "电话13812345678", "🦋\u200d", "{name}", "'", "",
]  # fmt: skip


@pytest.fixture
def hostile(people):
    """Remarks, names and tags that hurt; two customers with several owners and different tags."""
    with people.data.atomic() as connection:
        for number in range(1, 41):
            text = NASTY[number % len(NASTY)]
            connection.execute("UPDATE customer SET name = ? WHERE id = ?", (text, number))
            connection.execute(
                "UPDATE follow SET remark = ? WHERE customer_id = ?", (text[:20], number)
            )
        connection.executemany(
            "INSERT INTO tag (id, tag_id, group_id, name) VALUES (?, ?, 1, ?)",
            [(10, "et10", "a;b"), (11, "et11", "=cmd"), (12, "et12", "x/y|z")],
        )
        follows = connection.execute("SELECT id, staff_id, customer_id FROM follow").fetchall()
        connection.executemany(
            "INSERT INTO follow_tag (follow_id, tag_id, createtime, customer_id)"
            " VALUES (?, ?, 0, ?)",
            [(key, tag, customer) for key, staff, customer in follows
             for tag in ((1, 10) if staff == 1 else (2, 11))[: 1 + customer % 2]],
        )  # fmt: skip
        connection.execute("UPDATE follow SET mobiles = '[\"13812345678\"]' WHERE staff_id = 2")
    return people


@pytest.mark.parametrize("reveal", [["--reveal"], []])
@pytest.mark.parametrize("form", [["--raw"], [], ["--lang", "zh_CN"]])
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_export_plans_nothing(hostile, cli, tmp_path, kind, form, reveal):
    path = tmp_path / f"out.{kind}"
    assert cli("customer", "export", str(path), *form, *reveal, "--quiet").code == 0
    i18n.use("en")
    tags, remark, phones = {
        "--raw": ("tags", "remark", "remark_mobiles"),
        "--lang": ("标签", "备注", "手机号码"),
        "": ("Tags", "Remark", "Phone numbers"),
    }[form[0] if form else ""]
    for words in (
        ["tag", "plan", "--map", f"{tags}=add"],
        ["remark", "plan", "--map", f"{remark}=remark", "--map", f"{phones}=remark_mobiles"],
    ):
        answer = cli(*words, "--file", str(path), "--json")
        assert answer.code == 0, (answer.err, answer.out)
        found = answer.json
        assert found.get("rows", 0) == 0, "no plan, or one without a row"
        assert [each for each in found.get("problems", ()) if not each["warning"]] == []
    assert cli("plan", "list", "--json").json["items"] == []
    chosen = cli("tag", "plan", "--file", str(path), "--remove", "等级/金卡", "--json")
    assert chosen.json["file"]["rows"] == 40
    assert chosen.json["rows"] == 40, "both owners of two customers, one of whom has no gold"


def test_an_edited_row_of_several_owners_is_named(hostile, cli, tmp_path):
    path = tmp_path / "out.csv"
    assert cli("customer", "export", str(path), "--raw", "--quiet").code == 0
    text = path.read_text(encoding="utf-8").replace("等级/银卡", "等级/x/y|z")
    path.write_text(text, encoding="utf-8")
    answer = cli("tag", "plan", "--file", str(path), "--map", "tags=add", "--json")
    assert answer.code == 6
    assert {each["code"] for each in answer.json["problems"] if not each["warning"]} == {
        "several_owners"
    }


def test_people_get_words_dates_and_headings(people, cli, tmp_path):
    import openpyxl

    path = tmp_path / "out.xlsx"
    assert cli("customer", "export", str(path), "--lang", "zh_CN", "--quiet").code == 0
    sheet = openpyxl.load_workbook(path).active
    head, row = list(sheet.iter_rows(values_only=True))[:2]
    found = dict(zip(head, row, strict=True))
    assert found["类型"] == "微信用户"
    assert isinstance(found["添加时间"], datetime.datetime)
    assert found["状态"] == "在跟进"
    assert sheet.freeze_panes == "A2"
    assert sheet.column_dimensions["A"].width > 30
    text = tmp_path / "out.csv"
    assert cli("customer", "export", str(text), "--quiet", "--lang", "en").code == 0
    assert "QR code" in text.read_text(encoding="utf-8")
    assert "2025-10-09 16:5" in text.read_text(encoding="utf-8")
    lines = tmp_path / "out.ndjson"
    assert cli("customer", "export", str(lines), "--quiet").code == 0
    assert json.loads(lines.read_text(encoding="utf-8").splitlines()[0])["type"] == 1


def test_an_existing_file_is_not_replaced_in_silence(people, cli, tmp_path, monkeypatch):
    path = tmp_path / "out.csv"
    path.write_text("mine")
    refused = cli("customer", "export", str(path))
    assert refused.code == 2
    assert "--force" in refused.err
    assert path.read_text() == "mine"
    assert cli("customer", "export", str(path), "--force", "--quiet").code == 0
    assert path.read_text(encoding="utf-8") != "mine"


@pytest.mark.parametrize("kind", ["csv", "xlsx", "ndjson", "parquet"])
def test_planted_links_are_never_followed(people, cli, tmp_path, kind):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    folder = tmp_path / "open"
    folder.mkdir()
    path = folder / f"out.{kind}"
    path.symlink_to(victim)
    for name in (f".{path.name}.part", f".{path.name}.{os.getpid()}"):
        (folder / name).symlink_to(victim)
    assert cli("customer", "export", str(path), "--quiet").code == 2, "a link is a file of theirs"
    assert cli("customer", "export", str(path), "--force", "--quiet").code == 0
    assert victim.read_text() == "precious"
    assert not path.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_rows_that_ask_for_nothing_are_no_problem(hostile, cli, tmp_path, ending):
    """Nobody without tags, and nobody who is with somebody else now, is held against the file."""
    with hostile.data.atomic() as connection:
        connection.execute("DELETE FROM follow_tag WHERE customer_id IN (3, 5, 7)")
        connection.execute("UPDATE follow SET remark = '' WHERE customer_id IN (5, 9)")
        connection.execute("UPDATE follow SET status = 'lost' WHERE customer_id IN (5, 6, 7)")
    path = tmp_path / f"out.{ending}"
    assert cli("customer", "export", str(path), "--raw", "--reveal", "--quiet").code == 0
    for words in (
        ["tag", "plan", "--column", "tags=add"],
        ["remark", "plan", "--column", "remark=remark"],
    ):
        answer = cli(*words, "--file", str(path))
        assert answer.code == 0, (answer.err, answer.out)
        strict = cli(*words, "--file", str(path), "--strict", "--json")
        assert strict.code == 0
        assert {each["code"] for each in strict.json["problems"]} == {"already", "idle"}
    wished = cli("tag", "plan", "--file", str(path), "--column", "tags=add", "--add", "等级/银卡",
                 "--json")  # fmt: skip
    assert wished.code == 6, "a wish of the command is one for every row"
    assert "no_relation" in {each["code"] for each in wished.json["problems"]}


@pytest.fixture
def shared(people):
    """Two customers whom two members follow, with remarks, phones and tags of their own; of one
    of them one member is gone."""
    with people.data.atomic() as connection:
        connection.execute("UPDATE follow SET remark = 'R' || staff_id || ' ' || customer_id")
        connection.execute("UPDATE follow SET mobiles = '[\"1381234567' || staff_id || '\"]'")
        connection.execute(
            "INSERT INTO follow_tag (follow_id, tag_id, createtime, customer_id)"
            " SELECT id, staff_id, 0, customer_id FROM follow"
        )
        connection.execute(
            "UPDATE follow SET status = 'handed_over' WHERE staff_id = 2 AND customer_id = 40"
        )
    return people


WAYS_OUT = {
    "no member": "customer export {} --fields external_userid,remark,remark_mobiles,tags --quiet",
    "all": "customer export {} --quiet",
    "list": "customer list --all --save {}",
    "wide": "customer list --all -o wide --save {}",
}


@pytest.mark.parametrize("follows", [[], ["--follows", "all"], ["--follows", "newest"]])
@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("way", list(WAYS_OUT))
def test_whatever_writes_customers_is_read_back(shared, cli, tmp_path, way, language, follows):
    """A cell in which several members speak is no wish for one of them, whatever was left out."""
    path = tmp_path / "out.csv"
    assert cli(*WAYS_OUT[way].format(path).split(), "--lang", language).code == 0
    head = path.read_text(encoding="utf-8-sig").splitlines()[0].split(",")
    fields = {"Remark": "remark", "备注": "remark", "Phone": "remark_mobiles",
              "Phone numbers": "remark_mobiles", "手机号码": "remark_mobiles"}  # fmt: skip
    mine = [each for each in head if each in fields]
    words = [part for each in mine for part in ("--column", f"{each}={fields[each]}")]
    answer = cli("remark", "plan", "--file", str(path), *words, *follows, "--json")
    assert (answer.code, answer.json.get("rows", 0)) == (0, 0), answer.out
    assert [each for each in answer.json.get("problems", ()) if not each["warning"]] == []
    if follows:
        return
    tags = next(each for each in head if each in ("Tags", "标签"))
    answer = cli("tag", "plan", "--file", str(path), "--column", f"{tags}=add", "--json")
    assert (answer.code, answer.json.get("rows", 0)) == (0, 0), answer.out
    assert [each for each in answer.json.get("problems", ()) if not each["warning"]] == []


def test_a_wish_is_never_taken_for_our_own_joining(shared, cli, tmp_path):
    """A remark of its own may hold what joins; a text that one of several members has may be
    wished for all of them."""
    path = tmp_path / "wishes.csv"
    shared.data.execute("UPDATE follow SET remark = 'a; b; b' WHERE customer_id IN (1, 2)")
    path.write_text(
        "external_userid,remark\nwmCustomer0001,a; b\nwmCustomer0002,a、b\n"
        "wmCustomer0003,R1 3\n", encoding="utf-8",
    )  # fmt: skip
    words = ["remark", "plan", "--file", str(path), "--column", "remark=remark", "--json"]
    answer = cli(*words).json
    assert (answer["rows"], answer["ready"]) == (2, 2), answer
    (same,) = answer["problems"]
    assert (same["code"], same["warning"]) == ("already", True)
    assert same["message"].endswith("4"), "the line that was left out"
    shared.data.execute("UPDATE follow SET remark = '' WHERE customer_id = 39 AND staff_id = 2")
    path.write_text("external_userid,remark\nwmCustomer0039,R1 39\n", encoding="utf-8")
    answer = cli(*words).json
    (left,) = answer["problems"]
    assert (left["code"], left["warning"], answer.get("rows", 0)) == ("several_members", True, 0)
    assert "--follows all" in left["message"]
    assert left["message"].endswith("2")
    assert cli(*words, "--follows", "all").json["ready"] == 1


@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("noun", ["tag", "remark"])
def test_a_template_that_is_filled_in_is_read_as_it_is(people, cli, tmp_path, noun, language):
    """Its texts were written to be written; one heading more makes it a file like any other."""
    head, example = cli(noun, "plan", "--template", "--lang", language).out.splitlines()[:2]
    row = example.replace("wmExampleAAAA0000000000000000001", "wmCustomer0001").replace(
        "13800000000", "13800000001").replace("Level/Gold", "等级/金卡")  # fmt: skip
    path = tmp_path / "filled.csv"
    path.write_text(f"{head}\n{row}\n", encoding="utf-8")
    answer = cli(noun, "plan", "--file", str(path), "--json")
    assert (answer.code, answer.json["ready"]) == (0, 1), answer.err or answer.out
    path.write_text(f"{head},more\n{row},x\n", encoding="utf-8")
    other = cli(noun, "plan", "--file", str(path), "--json")
    assert (other.code == 0) is (noun == "tag"), "tags are known by their names, texts by nobody's"
