"""Lists as files for people: what they hold, that they read again, and what is never replaced."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Cli


def rows_of(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text("utf-8-sig"))))


@pytest.fixture
def done(cli: Cli, synced: Any) -> str:
    """A tag plan that was carried out; its plan_id."""
    tag = cli("tag", "list", "--json").json["items"][0]["tag_id"]
    words = ("tag", "plan", "--add", tag, "--where", "status:active", "--follows", "all")
    plan: str = cli(*words, "--json").json["plan_id"]
    assert cli("plan", "apply", plan, "--yes", "--quiet").code == 0
    return plan


LISTS = ("customer list", "staff list", "store list", "tag list", "group list", "job list",
         "plan list", "audit list", "sync history", "unassigned list")  # fmt: skip


def test_every_list_becomes_a_file_in_words(cli: Cli, done: str, tmp_path: Path) -> None:
    for number, line in enumerate(LISTS):
        path = tmp_path / f"{number}.csv"
        answer = cli(*line.split(), "--save", str(path), "--lang", "zh_CN")
        assert answer.code == 0, (line, answer.err)
        head, *rows = rows_of(path)
        listed = cli(*line.split(), "--json").json["items"]
        assert len(rows) == len(listed), line
        assert str(len(rows)) in answer.out
        assert len(set(head)) == len(head), line
        assert any("\u4e00" <= sign <= "\u9fff" for sign in "".join(head)), line
        cells = {cell for row in rows for cell in row}
        assert not cells & {"active", "done", "succeeded", "complete", "row.answer", "True"}, line
        for cell in cells:
            assert not cell.endswith("Z") or not cell[:4].isdigit(), (line, cell)


def test_a_workbook_has_dates_widths_and_a_heading_that_stays(
    cli: Cli, done: str, tmp_path: Path
) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    path = tmp_path / "staff.xlsx"
    assert cli("job", "list", "--save", str(path), "--lang", "zh_CN").code == 0
    sheet = openpyxl.load_workbook(path).active
    titles = [cell.value for cell in sheet[1]]
    due = titles.index("到期")
    assert sheet.freeze_panes == "A2"
    assert isinstance(sheet[2][due].value, datetime)
    assert sheet[2][titles.index("状态")].value == "成功"
    assert sheet.column_dimensions["A"].width != sheet.column_dimensions["B"].width


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_results_read_again_plan_nothing(cli: Cli, done: str, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"results.{ending}"
    for language in ("en", "zh_CN"):
        answer = cli("plan", "export", done, str(path), "--force", "--lang", language)
        assert answer.code == 0, answer.err
        tag = cli("tag", "list", "--json").json["items"][0]["tag_id"]
        again = cli("tag", "plan", "--add", tag, "--file", str(path), "--json")
        assert (again.code, again.json["plan_id"]) == (0, None), again.out


def test_nothing_is_replaced_unasked(cli: Cli, done: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("mine")
    answer = cli("staff", "list", "--save", str(path))
    assert answer.code == 2
    assert "--force" in answer.err
    assert path.read_text() == "mine"
    assert cli("staff", "list", "--save", str(path), "--force").code == 0
    assert rows_of(path)[0][0] == "Name"
    for words in (["--force"], ["--save", str(tmp_path / "y.csv"), "--json"],
                  ["--save", str(tmp_path / "y.pdf")]):  # fmt: skip
        assert cli("staff", "list", *words).code == 2, words
    assert not (tmp_path / "y.csv").exists()
    assert "--save" not in cli("plan", "apply", "--help").out


def test_every_export_spares_a_file_in_one_way(cli: Cli, done: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("mine")
    for line in ("customer export", "customer list --save", f"plan export {done}",
                 "trace export L1 --out", "forecast run --out"):  # fmt: skip
        answer = cli(*line.split(), str(path))
        assert answer.code == 2, line
        assert f"{path} exists already" in answer.err, line
        assert "--force" in answer.err, line
        assert path.read_text() == "mine"


def test_an_empty_csv_has_its_heading(cli: Cli, synced: Any) -> None:
    for line in ("view list", "mark list", "job list", "plan list", "events list",
                 "handover quota", "customer list --where 王王王王王"):  # fmt: skip
        answer = cli(*line.split(), "--csv")
        assert answer.code == 0, (line, answer.err)
        assert answer.out.count("\n") == 1, line
        assert "," in answer.out, line
