"""Tables on a narrow terminal: who gives way, in which order, and what is never cut."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import pytest

from commands import audit, cells, output, table
from commands.context import begin
from commands.output import Column
from commands.plan import ROW_COLUMNS
from storeops.plain import cell_width

ID = "wm673Hm6GFfZh6N48M-XEHBJDoz7RSog"
ROW = {
    "name": "半糖主义的小店",
    "remark": "林总 新客 喜欢红色的鞋子",
    "owner": "张娜",
    "count": 1234567,
    "createtime": 1_795_881_510,
    "remark_mobiles": ["175****2022"],
    "why": "The customer was handed over within ninety days and must wait.",
    "external_userid": ID,
}
COLUMNS = [
    Column("name", "Name"),
    Column("remark", "Remark", max_width=20),
    Column("owner", "Owner"),
    Column("count", "Count", right=True, show=cells.amount),
    Column("createtime", "Since", show=cells.when),
    Column("remark_mobiles", "Phones"),
    Column("why", "Why"),
    Column("external_userid", "Id"),
]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Any:
    """stdout as a terminal of a width."""
    call = begin()
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("PAGER", "")

    def of(width: int) -> Any:
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        return call

    return of


@pytest.mark.parametrize("width", [48, 60, 80, 100, 120, 160, 240])
def test_nothing_of_use_is_cut(
    terminal: Any, capsys: pytest.CaptureFixture[str], width: int
) -> None:
    terminal(width)
    output.items([ROW] * 3, COLUMNS)
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert all(cell_width(each) <= max(width, 80) for each in lines)
    assert shown.out.count(ID) == 3
    assert shown.out.count("175****2022") == 3
    for cut in re.findall(r"\S*…", shown.out):
        assert not re.search(r"\d", cut)
    if "Since" in lines[0]:
        assert shown.out.count("2026-11-28") == 3
    for title in ("Name", "Remark", "Owner", "Count", "Since", "Phones", "Why", "Id"):
        assert (title in lines[0]) != (title in shown.err)


def test_sentences_go_on_below(terminal: Any, capsys: pytest.CaptureFixture[str]) -> None:
    terminal(60)
    output.items([{"row": 1, "why": ROW["why"]}], [Column("row", "Row"), Column("why", "Why")])
    shown = capsys.readouterr()
    said = " ".join(shown.out.split())
    assert "handed over within ninety days and must wait." in said
    assert len(shown.out.splitlines()) > 2
    assert shown.err == ""


def test_the_order_in_which_columns_leave() -> None:
    heads = [each.head() for each in COLUMNS]
    natural = [14, 24, 6, 9, 16, 11, 60, 32]

    def left(room: int) -> set[str]:
        placed = table.layout(natural, heads, room)
        return {head.title for head, width in zip(heads, placed.widths, strict=True) if not width}

    assert left(300) == set()
    assert left(150) == set()
    gone: set[str] = set()
    for room in range(150, 30, -1):
        gone |= left(room)
        assert not gone & {"Name", "Phones", "Id"}
    assert gone == {"Remark", "Owner", "Count", "Since", "Why"}
    assert left(128) in ({"Remark"}, {"Owner"})  # texts first


def test_an_empty_column_leaves_before_one_with_something() -> None:
    heads = [Column("a", "A").head(), Column("b", "B").head(), Column("c", "C").head()]
    placed = table.layout([20, 20, 20], heads, 30, {0})
    assert placed.widths[0] is None
    assert None not in placed.widths[1:]
    heads = [Column(name, name).head() for name in "abc"]
    placed = table.layout([20, 20, 1], heads, 24, {2})
    assert placed.widths[2] is None, "nothing in it: it does not come back where another left"


def test_a_wide_table_is_whole(terminal: Any, capsys: pytest.CaptureFixture[str]) -> None:
    terminal(80).set(format="wide")
    output.items([ROW], COLUMNS)
    shown = capsys.readouterr()
    assert ROW["remark"] in shown.out
    assert "2026-11-29 07:58" in shown.out or "2026-11-28 23:58" in shown.out
    assert shown.err == ""


def test_forms_by_one_option(cli: Any) -> None:
    """kubectl's -o, and --output, --format of many: the same as the flags."""
    whole = cli("exit-codes", "--json").out
    for words in (["-o", "json"], ["--output", "json"], ["--output=json"], ["--format", "json"]):
        assert cli("exit-codes", *words).out == whole
    assert json.loads(whole)["items"]
    assert cli("exit-codes", "-o", "table").out == cli("exit-codes").out
    odd = cli("exit-codes", "-o", "yaml")
    assert odd.code == 2
    assert "json" in odd.err
    both = cli("exit-codes", "-o", "csv", "--json")
    assert both.code == 2
    assert "contradict" in both.err


def test_a_customer_is_shown_in_blocks(cli: Any, synced: Any) -> None:
    who = json.loads(cli("customer", "list", "-n", "1", "--json").out)["items"][0]
    shown = cli("customer", "show", who["external_userid"]).out
    follow = who["follows"][0]
    blocks = shown.split("\n\n")
    assert "Owner" in blocks[1]
    assert f"({follow['userid']})" in blocks[1]
    assert follow["store"] in blocks[1]
    assert len(blocks) >= 1 + len(who["follows"])


def test_an_id_without_a_name_keeps_its_end(
    terminal: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(40)
    output.items(
        [{"row": 1, "name": ID, "note": "x" * 40}, {"row": 2, "name": "小" * 20, "note": ""}],
        [Column("row", "Row", right=True), Column("name", "Customer"), Column("note", "Note")],
    )
    lines = capsys.readouterr().out.splitlines()
    told = lines[1].split()[1]
    assert told.startswith("…")
    assert ID.endswith(told[1:])
    assert "小…" in lines[2]


@pytest.mark.parametrize("width", [80, 100])
def test_a_plan_shows_what_will_be_before_what_was(terminal: Any, width: int) -> None:
    heads = [each.head() for each in ROW_COLUMNS]
    titles = [each.key for each in ROW_COLUMNS]
    placed = table.layout([3, 11, 20, 12, 30, 30, 60], heads, width)
    left = [title for title, cells_ in zip(titles, placed.widths, strict=True) if cells_ is None]
    assert "after_text" not in left
    assert left[:1] == ["staff_name"] or not left


def test_the_journal_says_what_was_done_before_to_whom(terminal: Any) -> None:
    columns = audit._columns()
    placed = table.layout([3, 16, 10, 14, 15, 3, 34, 60], [each.head() for each in columns], 80)
    left = {each.key for each, cells_ in zip(columns, placed.widths, strict=True) if cells_ is None}
    assert left == {"external_userid"}
