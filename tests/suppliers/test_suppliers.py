"""Suppliers and their papers: the layer that fails is named, a check digit refuses nothing."""

from __future__ import annotations

import csv
import hashlib
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from stdnum.iso7064 import mod_11_10

from storeops import config, paths, workdays
from storeops.domains.suppliers import numbers

ON = "2026-05-20"
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def organisation(body: str) -> str:
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    total = sum(letters.index(each) * weight
                for each, weight in zip(body, (3, 7, 9, 10, 5, 8, 4, 2), strict=True))  # fmt: skip
    rest = 11 - total % 11
    return body + ("X" if rest == 10 else "0" if rest == 11 else str(rest))


def uscc(dice: Random, authority: str = "91") -> str:
    body = f"{authority}330106" + organisation("MA" + "".join(dice.choices(ALPHABET[:20], k=6)))
    total = sum(ALPHABET.index(each) * pow(3, at, 31) for at, each in enumerate(body))
    return body + ALPHABET[(31 - total % 31) % 31]


def licence(dice: Random, prefix: str, start: str) -> str:
    body = start + "".join(str(dice.randrange(10)) for _each in range(13 - len(start)))
    return prefix + body + mod_11_10.calc_check_digit(body)


@pytest.fixture
def known(cli: Any, tmp_path: Path) -> str:
    """A dairy, V001, in a profile; returns its credit code."""
    config.save_profile(config.Profile("p", "ww1"))
    code = uscc(Random(1))
    (tmp_path / "suppliers.csv").write_text(
        "供应商编号,供应商名称,角色,统一社会信用代码,地址\n"
        f"V001,东湖乳业,生产商,{code},杭州市西湖区东湖路1号\nV002,西溪商贸,经销商,,\n",
        encoding="utf-8",
    )
    answer = cli("supplier", "import", str(tmp_path / "suppliers.csv"), "--json")
    assert answer.json == {"changed": 2, "unchanged": 0}, answer.err
    again = cli("supplier", "import", str(tmp_path / "suppliers.csv"), "--json")
    assert again.json == {"changed": 0, "unchanged": 2}
    return code


COLUMNS = ("supplier", "kind", "number", "holder_uscc", "address", "categories", "lot",
           "valid_from", "valid_until", "status")  # fmt: skip


def papers(dice: Random, holder: str) -> list[tuple[dict[str, str], str, str]]:
    """(paper, layer that fails, level) with every fault in turn; "" and ok where there is none."""
    found: list[tuple[dict[str, str], str, str]] = []
    for at in range(200):
        paper = {
            "supplier": "V001", "kind": "SC", "number": licence(dice, "SC", "105"),
            "holder_uscc": holder, "address": "", "categories": "105", "lot": "",
            "valid_from": "2023-06-01", "valid_until": "2028-05-31", "status": "有效",
        }  # fmt: skip
        number = paper["number"]
        wrong = {
            0: ({}, "", "ok"),
            1: ({"number": number[:-1] + str((int(number[-1]) + 3) % 10)}, "form", "warning"),
            2: ({"number": number[:-2]}, "form", "error"),
            3: ({"number": number + "7"}, "form", "error"),
            4: ({"number": number[:6] + "O" + number[7:]}, "form", "error"),
            5: ({"valid_until": "2026-05-19"}, "time", "error"),
            6: ({"valid_from": "2026-05-21"}, "time", "error"),
            7: ({"status": "吊销"}, "time", "error"),
            8: ({"status": "注销"}, "time", "error"),
            9: ({"number": f"QS{dice.randrange(10**12):012d}"}, "time", "error"),
            10: ({"number": licence(dice, "SC", "106")}, "scope", "error"),
            11: ({"holder_uscc": uscc(dice)}, "scope", "error"),
            12: ({"address": "上海市浦东新区别的路9号"}, "scope", "warning"),
            13: ({"kind": "出厂检验报告", "number": f"QA-{at}", "lot": ""}, "scope", "error"),
            14: ({"kind": "出厂检验报告", "number": f"SP20260501{at}", "lot": "A1"}, "", "ok"),
            15: ({"kind": "营业执照", "number": holder, "valid_until": "长期"}, "", "ok"),
            16: ({"kind": "营业执照", "number": holder[:-1]}, "form", "error"),
            17: ({"kind": "营业执照", "number": holder[:8] + "I" + holder[9:]}, "form", "error"),
            18: ({"valid_until": "2035-01-01"}, "time", "warning"),
            19: ({"valid_until": ""}, "time", "warning"),
        }[at % 20]  # fmt: skip
        found.append((paper | wrong[0], wrong[1], wrong[2]))
    return found


def test_two_hundred_papers_with_every_fault(cli: Any, known: str, tmp_path: Path) -> None:
    made = papers(Random(5), known)
    file = tmp_path / "papers.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        writer.writerows(each for each, _layer, _level in made)
    answer = cli("certificate", "check", "--file", str(file), "--on", ON, "--all", "--json")
    assert answer.code == 6
    found = answer.json["items"]
    for paper, layer, level in made:
        mine = [each for each in found
                if each["number"] == paper["number"] and each["lot"] == paper["lot"]]  # fmt: skip
        assert mine, paper
        assert any((each["layer"], each["level"]) == (layer, level) for each in mine), (paper, mine)
        if layer == "":
            assert all(each["level"] == "ok" for each in mine), (paper, mine)
    digit = [each for each in found if "check digit" in each["message"]]
    assert digit
    assert all(each["level"] == "warning" for each in digit)
    assert cli("certificate", "list", "--json").json["items"] == []  # only checked


@pytest.mark.parametrize(
    ("kind", "number", "level"),
    [
        ("uscc", "91330106MA27XL0R7A", "any"), ("uscc", "N2330106MA27XL0R7A", "any"),
        ("uscc", "9133010", "error"), ("uscc", "91330106MA27XL0RSI", "error"),
        ("sc", "JY10533050100012", "error"), ("sc", "ＳＣ１０５３３０５０１０００１２", "any"),
        ("sc", "SC 105 3305 0100 012", "any"), ("yb", "YB13301060000012", "ok"),
        ("yb", "YB133", "error"), ("free", "", "error"), ("free", "浙(2024)001", "ok"),
        ("jy", "SP3301061310012345", "warning"), ("sc", "QS123456789012", "warning"),
    ],
)  # fmt: skip
def test_forms(kind: str, number: str, level: str) -> None:
    found, why = numbers.form(kind, number)
    assert found == level if level != "any" else found in ("ok", "warning")
    assert bool(why) == (found != "ok")


def test_real_shapes_with_right_digits_pass() -> None:
    dice = Random(9)
    for _each in range(50):
        assert numbers.form("uscc", uscc(dice))[0] == "ok"
        assert numbers.form("uscc", uscc(dice, "N2"))[0] == "ok"  # rural collectives
        assert numbers.form("sc", licence(dice, "SC", "105"))[0] == "ok"
        assert numbers.form("jy", licence(dice, "JY", "1"))[0] == "ok"


def test_working_days_of_2026_and_estimates_beyond() -> None:
    import chinese_calendar

    days = [date(2026, 1, 1) + timedelta(days=at) for at in range(365)]
    assert all(workdays.is_workday(each) == (chinese_calendar.is_workday(each), False)
               for each in days)  # fmt: skip
    assert workdays.is_workday(date(2026, 10, 1)) == (False, False)
    assert workdays.is_workday(date(2026, 10, 10)) == (True, False)  # a make-up day
    works, estimated = workdays.is_workday(date(2029, 2, 13))  # the new year of the lunar calendar
    assert (works, estimated) == (False, True)
    day, estimated = workdays.before(date(2026, 10, 8), 1)
    assert (day, estimated) == (date(2026, 9, 30), False)
    for at in range(0, 300, 17):
        end = days[at + 60]
        begin, _guess = workdays.before(end, 30)
        assert workdays.between(begin - workdays.ONE, end - workdays.ONE)[0] == 30
    assert workdays.between(date(2026, 5, 20), date(2026, 5, 18))[0] == -2
    assert workdays.before(date(1, 1, 3), 9)[0] == date.min  # a misread day ends no command


def test_what_a_role_needs_and_what_is_missing(cli: Any, known: str, tmp_path: Path) -> None:
    scan = tmp_path / "licence.pdf"
    scan.write_bytes(b"%PDF-1.7 invented")
    number = licence(Random(2), "SC", "105")
    words = ("--from", "2023-06-01", "--until", "2028-05-31", "--holder", known)
    answer = cli("certificate", "add", "V001", "SC", number, *words, "--scan", str(scan), "--json")
    assert answer.json == {"changed": 1, "unchanged": 0}, answer.err
    assert cli("certificate", "add", "V001", "SC", number, *words, "--json").json["unchanged"] == 1
    (kept,) = cli("certificate", "list", "--json").json["items"]
    assert kept["sha256"] == hashlib.sha256(scan.read_bytes()).hexdigest()
    assert (paths.profile_dir("p") / "papers" / kept["file"]).read_bytes() == scan.read_bytes()
    found = cli("supplier", "check", "V001", "--on", ON, "--json")
    assert found.code == 6
    gone = [each["kind"] for each in found.json["items"] if "missing" in each["message"]]
    assert gone == ["business_licence"]
    assert cli("supplier", "show", "东湖", "--json").json["missing"] == ["business_licence"]
    cli("certificate", "add", "V001", "营业执照", known, "--until", "长期")
    assert cli("supplier", "check", "V001", "--on", ON).code == 0
    received = cli("supplier", "check", "V001", "--on", ON, "--lot", "A1", "--json")
    assert [each["kind"] for each in received.json["items"] if each["level"] == "error"] == [
        "lot_report"
    ]
    cli("certificate", "add", "V001", "lot_report", "QA-1", "--lot", "A1")
    assert cli("supplier", "check", "V001", "--on", ON, "--lot", "A1").code == 0
    assert cli("supplier", "check", "V001", "--on", "2028-06-01").code == 6  # not only today
    listed = {each["code"]: each for each in cli("supplier", "list", "--json").json["items"]}
    assert listed["V002"]["status"] == "error"
    (lacking,) = [each["kind"] for each in
                  cli("supplier", "check", "V002", "--on", ON, "--json").json["items"]
                  if "|" in each["kind"]]  # fmt: skip
    assert lacking == "trade_licence|prepacked_filing"


def test_renewal_in_working_days(cli: Any, known: str) -> None:
    dice = Random(3)
    cli("certificate", "add", "V001", "SC", licence(dice, "SC", "105"), "--until", "2026-07-10")
    cli("certificate", "add", "V002", "JY", licence(dice, "JY", "1"), "--until", "2029-03-01")
    cli("certificate", "add", "V001", "营业执照", known, "--until", "long-term")
    (row,) = cli("certificate", "expiring", "--on", ON, "--json").json["items"]
    assert row["days_left"] == 51
    assert row["renew_by"] == workdays.before(date(2026, 7, 10), 30)[0].isoformat()
    assert (row["step"], row["status"], row["estimated"]) == (60, "valid", False)
    assert (
        cli("certificate", "expiring", "--on", "2026-06-15", "--json").json["items"][0]["status"]
        == "renew"
    )
    assert (
        cli("certificate", "expiring", "--on", "2026-08-01", "--json").json["items"][0]["status"]
        == "expired"
    )
    answer = cli("certificate", "expiring", "--on", "2029-01-10")
    assert "estimated" in answer.err


def test_an_ended_paper_that_was_renewed_is_no_error(cli: Any, known: str) -> None:
    dice = Random(4)
    old, new = licence(dice, "SC", "105"), licence(dice, "SC", "105")
    paper = ("certificate", "add", "V001", "SC")
    cli("certificate", "add", "V001", "营业执照", known, "--until", "long-term")
    cli(*paper, old, "--from", "2021-05-02", "--until", "2026-05-01")

    def levels(day: str) -> dict[str, str]:
        items = cli("supplier", "check", "V001", "--on", day, "--json").json["items"]
        return {each["number"]: each["level"] for each in items}

    assert levels("2026-05-20")[old] == "error"
    cli(*paper, new, "--from", "2026-05-02", "--until", "2031-05-01")
    assert levels("2026-05-20") == {known: "ok", old: "ok", new: "ok"}
    assert "renewed" in cli("supplier", "check", "V001", "--on", "2026-05-20").out
    assert levels("2026-04-20") == {known: "ok", old: "ok", new: "error"}  # not yet, the old holds
    assert levels("2031-06-01")[new] == "error"
    # a gap, another truck's paper and one that was given up are no renewals
    other = licence(dice, "SC", "105")
    cli(*paper, other, "--from", "2021-05-02", "--until", "2026-05-10")
    assert levels("2026-05-20")[other] == "error"


def test_rules_of_the_profile_go_first(cli: Any, known: str, home: Path) -> None:
    folder = paths.profile_dir("p") / "rules" / "papers"
    folder.mkdir(parents=True)
    rule = folder / "own.toml"
    rule.write_text(
        '[roles.producer]\npapers = ["business_licence"]\nwords = ["生产商"]\n', "utf-8"
    )
    cli("certificate", "add", "V001", "营业执照", known, "--until", "长期")
    assert cli("supplier", "check", "V001", "--on", ON).code == 0
    rule.write_text('[roles.producer]\npapers = ["driving_licence"]\n', "utf-8")
    assert cli("supplier", "check", "V001", "--on", ON).code == 3


def test_what_cannot_be_taken_changes_nothing(cli: Any, known: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    for text, said in (
        ("code,name,role\nV003,北山,牧童\n", "line 2"),
        ("code,name,role\nV003,北山,生产商\nV003,北山,生产商\n", "stands in the list twice"),
        ("code,name,role\nV003,,生产商\n", "are needed"),
        ("colour\nred\n", "no column"),
    ):
        file.write_text(text, "utf-8")
        answer = cli("supplier", "import", str(file), "--json")
        assert answer.code == 2
        assert said in answer.error["message"]
    assert cli("supplier", "show", "V003").code == 5
    for words, code in (
        (("V001", "SC"), 2),
        (("V009", "SC", "SC1"), 5),
        (("V001", "passport", "1"), 2),
        (("V001", "SC", "SC1", "--until", "soon"), 2),
        (("V001", "SC", "SC1", "--from", "2026-05-02", "--until", "2026-05-01"), 2),
        (("V001", "SC", "SC1", "--status", "lost"), 2),
        (("V001", "SC", "SC1", "--scan", str(tmp_path / "none.pdf")), 5),
    ):
        assert cli("certificate", "add", *words).code == code, words
    assert cli("certificate", "list", "--json").json["items"] == []
    with pytest.MonkeyPatch.context() as patch:  # in words that can be typed
        patch.setenv("STOREOPS_LANG", "zh")
        assert "营业执照" in cli("certificate", "add", "V001", "护照", "1").err
        assert "供应商编号" in cli("supplier", "import", str(file)).err


def test_papers_of_unknown_suppliers_leave_no_scan_behind(
    cli: Any, tmp_path: Path, known: str
) -> None:
    """Looked for first; a supplier is found by name too; 9999-12-31 is a register's "no end"."""
    scan = tmp_path / "scan.pdf"
    scan.write_bytes(b"%PDF-1.7 licence")
    file = tmp_path / "papers.csv"
    kept = paths.profile_dir("p") / "papers"

    def listed(who: str) -> Any:
        file.write_text(
            f"供应商编码*,证照类型,证照代码,有效期至(年月日),扫描件\n{who},营业执照,{known},9999-12-31,scan.pdf\n",
            encoding="utf-8",
        )
        return cli("certificate", "add", "--file", str(file), "--json")

    assert listed("V009").code == 5
    assert not kept.exists()
    assert listed("东湖乳业").json["changed"] == 1
    (row,) = cli("certificate", "list", "--json").json["items"]
    assert (row["supplier"], row["valid_until"]) == ("V001", "long-term")
    assert len(list(kept.iterdir())) == 1
