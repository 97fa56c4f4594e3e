"""Files as the world brings them: every row is in the plan or named with its line."""

from __future__ import annotations

import re
import zipfile

import pytest

from tests.files.conftest import customer, phone, row, sheet, workbook

IDS = ["external_userid", "userid"]


def csv(*rows, end="\n", encoding="utf-8", sep=","):
    return (end.join(sep.join(each) for each in rows) + end).encode(encoding)


def many(count, start=1):
    return [[customer(n), "zhangsan"] for n in range(start, start + count)]


def tall(count, start=1):
    return [IDS, *many(count, start)]


def one(text, heading="手机号"):
    """A CSV with one cell as its only row."""
    return csv([heading, "x"], [text, "y"])


DATE = '<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
FORMULA = (
    '<row r="3"><c r="A3"><f>B3</f></c><c r="B3" t="inlineStr"><is><t>zhangsan</t></is></c></row>'
)
FILES = {
    # -- workbooks whose own words are wrong
    "dimension A1": (workbook(sheet(tall(20), before='<dimension ref="A1"/>')), 20, 0, ""),
    "dimension ends early": (
        workbook(sheet(tall(20), before='<dimension ref="A1:B6"/>')), 20, 0, ""),
    "rows without numbers": (
        workbook(sheet([re.sub(r' r="[^"]*"', "", row(1, each)) for each in tall(5)])), 5, 0, ""),
    "formula without value": (
        workbook(sheet([IDS, many(1)[0], FORMULA, many(1, 3)[0]])), 2, 1,
        "line 3: external_userid: its formula was never calculated"),
    "formula alone in its row": (
        workbook(sheet([IDS[:1], [customer(1)], '<row r="3"><c r="A3"><f>B3</f></c></row>',
                        [customer(3)]])),
        2, 1, "line 3: external_userid: its formula was never calculated"),
    "error cell": (
        workbook(sheet([IDS, '<row r="2"><c r="A2" t="e"><v>#N/A</v></c></row>', many(1)[0]])),
        1, 1, "line 2: external_userid: it holds the error #N/A"),
    "shared index": (
        workbook(sheet([IDS, '<row r="2"><c r="A2" t="s"><v>99</v></c></row>', many(1)[0]])),
        1, 1, "it names a text that the workbook does not hold"),
    "a cell twice": (
        workbook(sheet([IDS, '<row r="2"><c r="A2"><v>1</v></c><c r="A2"><v>2</v></c></row>'])),
        0, 1, "it stands in its row twice"),
    "hidden row": (
        workbook(sheet([IDS, many(1)[0], row(3, many(1, 2)[0], ' hidden="1"')])), 1, 1,
        "line 3: the row is hidden"),
    "headings in brackets": (
        csv(["[a]", "external_userid"], ["{", customer(2)]).replace(b'"', b""), 1, 0, ""),
    "row without height": (
        workbook(sheet([IDS, row(2, many(1)[0], ' ht="0" customHeight="1"'),
                        row(3, many(1, 2)[0], ' ht="0.0"'), row(4, many(1, 3)[0], ' ht="15"'),
                        row(5, many(1, 4)[0], ' ht="x"')])), 2, 2,
        "line 2: the row is hidden"),
    "hidden sheet": (
        workbook(sheet(tall(3)), sheet(tall(5)), states=["hidden", ""], names=["旧", "新"]),
        5, 0, ""),
    "chart sheet first": (
        workbook("<chartsheet/>", sheet(tall(3)), kinds=["chartsheet", "worksheet"]), 3, 0, ""),
    "cover sheet": (workbook(sheet([["会员名单 2026"], ["作者", "李"]]), sheet(tall(4))), 4, 0, ""),
    "title and merged rows": (
        workbook(sheet([["五月活动名单"], ["制表", None, "2026-05-01"], *tall(4)],
                       after='<mergeCells><mergeCell ref="A1:C1"/></mergeCells>')), 4, 0, ""),
    "two heading rows": (
        workbook(sheet([["external_userid", "userid"], ["客户ID", "导购"], *many(3)])), 3, 0, ""),
    "heading over two rows": (
        workbook(sheet([["客户ID", "人员"], [None, "导购"], *many(3)])), 3, 0, ""),
    "merged down": (
        workbook(sheet([["导购", "客户ID"], ["zhangsan", customer(1)], [None, customer(39)]],
                       after='<mergeCells><mergeCell ref="A2:A3"/></mergeCells>')), 2, 0, ""),
    "empty-looking rows": (
        workbook(sheet([*tall(2), [" ", "\u200b"], ["\u3000", "\ufeff"], *many(1, 3)])), 3, 0, ""),
    "very wide row": (
        workbook(sheet([IDS, many(1)[0], row(3, many(1, 2)[0]).replace(
            "</row>", '<c r="XFD3"><v>1</v></c></row>')])), 2, 0, ""),
    "numbers": (workbook(sheet([["手机号"], [13800000001], [13800000002.0]])), 2, 0, ""),
    "number in letters of science": (
        workbook(sheet([["手机号"], ['1.3800000001E10'.join(["", ""])]])), 1, 0, ""),
    "strict prefix of names": (
        workbook(sheet(tall(3)).replace("<", "<x:").replace("<x:/", "</x:").replace(
            "<x:?xml", "<?xml").replace("xmlns=", "xmlns:x=")), 3, 0, ""),
    # -- CSV
    "open quote": (csv(IDS, ['"' + customer(1), "zhangsan"], *many(8, 2)), 8, 1,
                   "line 2: a quotation mark is opened and not closed"),
    "open quote closed by another": (
        csv(IDS, [customer(1), '"zhangsan'], *many(5, 2), [customer(7), 'zhangsan"'], *many(1, 8)),
        6, 2, "line 2: a quotation mark is opened and not closed"),
    "quotes in a line": (csv(IDS, [customer(1), '"zhang"san'], *many(2, 2)), 3, 0, ""),
    "CR line ends": (csv(*tall(5), end="\r"), 5, 0, ""),
    "mixed line ends": (csv(*tall(2)) + csv(*many(2, 3), end="\r") + csv(*many(1, 5), end="\r\n"),
                        5, 0, ""),
    "NUL": (csv(IDS, [customer(1), "zhang\x00san"], *many(2, 2)), 2, 1, "line 2: it holds a NUL"),
    "mixed encodings": (csv(["客户ID", "导购"], [customer(1), "张三"])
                        + csv([customer(2), "张三"], encoding="gb18030"), 2, 0, ""),
    "broken bytes": (csv(["客户ID", "导购"], *many(3)) + b"\xff\xfe,x\n", 3, 1,
                     "line 5: it is in another encoding"),
    "UTF-16 without a mark": (csv(*tall(3), encoding="utf-16-le"), 3, 0, ""),
    "UTF-32": (csv(*tall(3), encoding="utf-32"), 3, 0, ""),
    "sep=": (b"sep=;\r\n" + csv(*tall(3), sep=";"), 3, 0, ""),
    "title row": (csv(["五月活动名单"], ["", ""], *tall(3)), 3, 0, ""),
    "separators in the title": (csv(["名单；五月；全部；最终"], *tall(3)), 3, 0, ""),
    "trailing separators": (csv(IDS, [*many(1)[0], "", ""], *many(2, 2)), 3, 0, ""),
    "trailing cells": (csv(IDS, [*many(1)[0], "", "more"], *many(2, 2)), 2, 1,
                       "line 2: more cells than headings"),
    "short rows": (csv(IDS, [customer(1)], *many(1, 2)), 2, 0, ""),
    "duplicates": (csv(IDS, *many(2), *many(2)), 2, 2, "line 4: the same customer and member"),
    "wide row": (csv(IDS, ["x"] * 20_000, *many(2)), 2, 1, "line 2: more than 16,384 cells"),
    "very long line": (csv(IDS, ["x," * 600_000], *many(2)), 2, 1, "line 2: more than 16,384"),
    "line break in a cell": (csv(IDS, [f'"{customer(1)}\n"', "zhangsan"], *many(1, 2)), 2, 0, ""),
    "no final line end": (csv(*tall(2)).rstrip(), 2, 0, ""),
    "DOS end": (csv(*tall(2)) + b"\x1a", 2, 0, ""),
    # -- cells
    "formula of a phone": (one(f'="{phone(1)}"'.replace('"', '""').join('""')), 1, 0, ""),
    "bare formula of a phone": (one(f'="{phone(1)}"'), 1, 0, ""),
    "apostrophe": (one(f"'{phone(1)}"), 1, 0, ""),
    "point zero": (one(f"{phone(1)}.0"), 1, 0, ""),
    "0086": (one(f"0086{phone(1)}"), 1, 0, ""),
    "+86 with dashes": (one("+86 138-0000-0001"), 1, 0, ""),
    "brackets": (one("（86）138 0000 0001"), 1, 0, ""),
    "full-width": (one("１３８０００００００１"), 1, 0, ""),
    "NBSP and marks": (one("\u202a138\xa00000\u200b0001\u202c\ufeff"), 1, 0, ""),
    "two phones, one known": (one(f"13911112222/{phone(1)}"), 1, 0, ""),
    "masked": (one("138****0001"), 0, 1, "line 2: the phone number is masked"),
    "masked by x": (one("138xxxx0001"), 0, 1, "line 2: the phone number is masked"),
    "rounded": (one("1.38E+10"), 0, 1, "line 2: the spreadsheet has rounded the phone number"),
    "science with all digits": (one("1.3800000001E+10"), 1, 0, ""),
    "words": (one("无"), 0, 1, "line 2: this is not a phone number"),
    "marks in ids and headings": (
        csv(["\u200b客户ID\xa0", "导购\ufeff"], ["\ufeff" + customer(1) + "\u202c", " 张三\u200b"]),
        1, 0, ""),
    "a CRM's own ids": (
        csv(["客户ID", "手机号"], ["C000001", phone(1)], ["C000002", phone(2)], ["C000003", ""]),
        2, 1, "line 4: C000003 is not a customer id of WeCom"),
    "several owners": (csv(["external_userid"], [customer(39)], [customer(1)]), 1, 1,
                       "several members follow this customer (李四, 张三)"),
}  # fmt: skip
REFUSED = {
    "a row far out": (workbook(sheet([IDS, '<row r="2000000000"><c><v>1</v></c></row>'])),
                      "it has a row 2000000000, and a sheet ends at row 1,048,576"),
    "a column far out": (workbook(sheet([IDS, '<row r="2"><c r="ZZZZ2"><v>1</v></c></row>'])),
                         "it has a cell ZZZZ2"),
    "deep XML": (workbook(sheet([IDS, "<row>" + "<c>" * 200_000])), "nested deeper than any sheet"),
    "entities": (workbook(sheet(tall(1)).replace(
        "<worksheet", '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><worksheet')),
        "declares a document type or entities"),
    "half a workbook": (workbook(sheet(tall(50)))[:900], "is not an XLSX workbook"),
    "damaged XML": (workbook(sheet(tall(3))[:-40]), "sheet1.xml is damaged in line"),
    "no sheet": (workbook("<chartsheet/>", kinds=["chartsheet"]), "it has no sheet with cells"),
    "a long tag": (workbook(sheet([IDS, f'<row x="{"y" * 3_000_000}"/>'])),
                   "one of its tags is longer"),
    "bomb": (lambda: workbook(sheet([IDS, "<row/>" + " " * 60_000_000])), "unpacked, its part"),
    "an old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "XLS 97"),
    "a protected workbook": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
        "protected by a password"),
    "a page that calls itself a workbook": (b"<html><table><tr><td>x", "another kind: HTML"),
    "an export as NDJSON": (b'{"external_userid":"wm1","follows":[]}\n{"a":1}\n', "kind: NDJSON"),
    "an export of nothing as NDJSON": (b"{}\n", "kind: NDJSON"),
    "an answer of --json": (b'{\n  "items": [\n    {"external_userid": "wm1"}]}', "kind: JSON"),
    "a JSON list": (b'\xef\xbb\xbf [\n{"external_userid": "wm1"}]', "kind: JSON"),
    "an export as Parquet": (b"PAR1 ...", "kind: Parquet"),
    "PDF": (b"%PDF-1.7 ...", "another kind: PDF"),
    "two lists": (workbook(sheet(tall(2)), sheet(tall(2)), names=["五月", "四月"]),
                  "Several sheets of"),
    "nothing": (b"", "is empty"),
    "no heading": (csv(["a", "b"], ["1", "2"]), "has no column that names customers"),
}  # fmt: skip


def plan(cli, path, *more):
    return cli("tag", "plan", "--file", str(path), "--add", "等级/金卡", "--json", *more)


@pytest.mark.parametrize("name", FILES)
def test_every_row_is_planned_or_named(people, cli, tmp_path, name):
    content, planned, named, sentence = FILES[name]
    path = tmp_path / "in"
    path.write_bytes(content)
    answer = plan(cli, path)
    assert answer.code == (6 if named else 0), answer.err
    found = answer.json
    problems = [each for each in found["problems"] if not each["warning"]]
    assert found["rows"] == planned, found["problems"]
    assert sum(each.get("count", 1) for each in problems) == named, problems
    assert found["file"]["rows"] == planned + named
    if sentence:
        assert sentence in " ".join(each["message"] for each in problems)
    strict = plan(cli, path, "--strict")
    assert strict.code == (2 if named else 0)
    if named:
        assert "nothing was planned" in strict.error["message"]


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_sheet_holds_is_refused_in_a_sentence(people, cli, tmp_path, name):
    content, sentence = REFUSED[name]
    path = tmp_path / "in"
    path.write_bytes(content() if callable(content) else content)
    answer = plan(cli, path)
    assert answer.code == 2
    assert sentence in answer.error["message"]
    assert answer.error["hint"]
    if "JSON" in sentence or "Parquet" in sentence:
        assert ".csv or .xlsx" in answer.error["hint"]


def test_hidden_rows_and_sheets_are_read_when_asked(people, cli, tmp_path):
    path = tmp_path / "in.xlsx"
    path.write_bytes(FILES["hidden row"][0])
    assert plan(cli, path, "--hidden").json["rows"] == 2
    path.write_bytes(FILES["hidden sheet"][0])
    assert plan(cli, path, "--sheet", "旧").json["rows"] == 3
    assert plan(cli, path).json["file"]["sheets_not_read"] == {"旧": 4}


def test_dates_are_dates(people, cli, tmp_path):
    path = tmp_path / "in.xlsx"
    values = "".join(
        f'<row r="{at}"><c r="A{at}" t="inlineStr"><is><t>{customer(at)}</t></is></c>{cell}</row>'
        for at, cell in enumerate(
            ['<c r="B2" s="1"><v>46143</v></c>', '<c r="B3" s="1"><v>46143.6875</v></c>',
             '<c r="B4" s="2"><v>7</v></c>', '<c r="B5" s="3"><v>0.5</v></c>',
             '<c r="B6"><v>0.1</v></c>', '<c r="B7" t="b"><v>1</v></c>'], 2)
    )  # fmt: skip
    styles = (
        '<numFmts><numFmt numFmtId="200" formatCode="00000"/></numFmts><cellXfs>'
        '<xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="200"/><xf numFmtId="9"/></cellXfs>'
    )
    path.write_bytes(workbook(sheet([["客户ID", "备注"], values]), styles=styles))
    made = cli("remark", "plan", "--file", str(path), "--map", "备注=remark", "--json")
    assert made.code == 0, made.err
    rows = cli("plan", "show", made.json["plan_id"], "--all", "--json").json["items"]
    assert [each["after"]["remark"] for each in rows] == [
        "2026-05-01", "2026-05-01 16:30", "00007", "50%", "0.1", "TRUE",
    ]  # fmt: skip


def test_a_file_that_shrinks_while_it_is_read_is_not_planned(people, cli, tmp_path, monkeypatch):
    import os

    path = tmp_path / "in.csv"
    path.write_bytes(csv(*tall(5)))
    real, seen = os.fstat, []

    def fstat(handle):
        found = real(handle)
        if found.st_size == path.stat().st_size and not seen:
            seen.append(handle)
            with path.open("r+b") as file:
                file.truncate(40)
        return found

    monkeypatch.setattr("storeops.tables.content.os.fstat", fstat)
    answer = plan(cli, path)
    assert answer.code == 9
    assert "changed while it was read" in answer.error["message"]


def test_problems_are_counted_exactly_and_kept_within_bounds(people, cli, tmp_path):
    path = tmp_path / "in.csv"
    path.write_bytes(
        csv(["external_userid"], *([f"wmNobody{n:06}"] for n in range(5_000)), [customer(1)])
    )
    answer = plan(cli, path)
    assert answer.code == 6
    problems = answer.json["problems"]
    assert len([each for each in problems if not each["warning"]]) == 1_001
    assert sum(each.get("count", 1) for each in problems if not each["warning"]) == 5_000
    assert "5,000 rows of the file are not in the plan" in answer.error["message"]


def test_memory_stays_flat_under_a_cell_of_many_megabytes(people, cli, tmp_path):
    import tracemalloc

    path = tmp_path / "in.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as book:
        with zipfile.ZipFile(__import__("io").BytesIO(workbook("@"))) as shell:
            for name in shell.namelist():
                if "sheet1" not in name:
                    book.writestr(name, shell.read(name))
        before, after = sheet([IDS, many(1)[0], row(3, ["@", "zhangsan"])]).split("@")
        with book.open("xl/worksheets/sheet1.xml", "w") as part:
            part.write(before.encode())
            for _each in range(300):
                part.write(b"x" * 100_000)
            part.write(after.encode())
    tracemalloc.start()
    answer = plan(cli, path)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.json["rows"] == 1
    assert "it has more than 32,767 characters" in answer.json["problems"][0]["message"]
    assert peak < 30_000_000 + 15_000_000  # the file itself, and little beside it


def test_headings_are_said_and_can_be_switched_off(people, cli, tmp_path):
    path = tmp_path / "crm.csv"
    path.write_bytes(csv(["手机号", "备注", "负责人"], [phone(1), "老客户", "李四"]))
    said = cli("tag", "plan", "--file", str(path), "--add", "等级/金卡")
    assert said.code == 6
    assert "columns: 手机号 → phone, 负责人 → userid; not used: 备注" in said.out
    off = plan(cli, path, "--map", "负责人=")
    assert off.json["file"]["columns"] == {"手机号": "phone"}
    assert off.json["file"]["not_used"] == ["备注", "负责人"]
    assert off.json["rows"] == 1
    assert plan(cli, path, "--header-row", "2").error["message"].endswith("names customers.")


def test_texts_are_only_taken_when_asked_for(people, cli, tmp_path):
    path = tmp_path / "crm.csv"
    path.write_bytes(
        csv(["手机号", "备注", "公司", "标签"], [phone(1), "老客户", "某公司", "银卡"])
    )
    only = cli("remark", "plan", "--file", str(path), "--map", "公司=remark_company", "--json").json
    rows = cli("plan", "show", only["plan_id"], "--json").json["items"]
    assert rows[0]["after"] == {"remark_company": "某公司"}
    asked = cli("remark", "plan", "--file", str(path), "--json")
    assert asked.code == 2
    assert "--column '备注=remark'" in asked.error["hint"]
    asked = cli("tag", "plan", "--file", str(path), "--json")
    assert "--column '标签=add'" in asked.error["hint"]
    assert cli("tag", "plan", "--file", str(path), "--map", "标签=add", "--json").json["rows"] == 1


def test_strict_means_every_kind_of_wrong_row(people, cli, tmp_path):
    path = tmp_path / "late.csv"
    path.write_bytes(
        csv(["external_userid", "add"], [customer(1), "金卡"], [customer(2), "无此标签"])
    )
    late = cli("tag", "plan", "--file", str(path), "--strict", "--json")
    assert late.code == 2
    assert "line 3" in late.error["message"]
    assert cli("plan", "list", "--json").json["items"] == []
    path.write_bytes(csv(["external_userid", "备注"], [customer(1), "长" * 40], [customer(2), "b"]))
    words = ("remark", "plan", "--file", str(path), "--map", "备注=remark", "--json")
    assert cli(*words, "--strict").code == 2
    assert cli(*words).json["blocked"] == 1


@pytest.mark.parametrize(
    "spelling", [["--csv", "{}"], ["--csv={}"], ["--xlsx", "{}"], ["-f", "{}"]]
)
def test_a_file_is_named_with_a_blank_or_an_equals_sign(people, cli, tmp_path, spelling):
    path = tmp_path / "in.csv"
    path.write_bytes(csv(*tall(2)))
    words = [each.format(path) for each in spelling]
    for verb in (["tag", "plan", "--add", "等级/金卡"], ["remark", "plan", "--remark", "x"],
                 ["handover", "plan", "--to", "lisi"]):  # fmt: skip
        text = cli(*verb, *words)
        assert text.code == 0, text.err
        assert text.out.startswith("Plan "), "a summary for people, no machine CSV"
        wrong = cli(*verb, *words, "--wrong")
        assert wrong.err.startswith("storeops: error:"), "an error for people"
        assert "plan_id" in cli(*verb, *words, "--json").json


def test_a_list_of_shops_is_read_like_any_other_file(people, cli, tmp_path):
    """Near relatives: the list of shops, and ids from a pipe."""
    with people.data.atomic() as connection:
        connection.executemany(
            "INSERT INTO department (id, name, first_seen_at, updated_at) VALUES (?, ?, 0, 0)",
            [(10, "旗舰店"), (11, "二店")],
        )
    path = tmp_path / "shops"
    path.write_bytes(
        workbook(sheet([["门店编号", "名称"], ["S\u200b10", "旗舰店"], ["S11", "二店"]]))
    )
    assert cli("store", "import", str(path), "--json").json["changed"] == 2
    path.write_bytes(csv(["code", "name"], ["S12", '"旗舰店'], ["S13", "二店"]))
    refused = cli("store", "import", str(path), "--json")
    assert refused.code == 2
    assert "line 2: a quotation mark is opened" in refused.error["message"]
    path.write_bytes(b"code,name\nS1,\xff\xfe\nS2,x\n")
    assert cli("store", "import", str(path), "--json").code == 2
    marked = cli("mark", "add", "m", "--id", "\ufeff" + customer(1) + "\u200b", "--json")
    assert marked.json["added"] == 1
