"""Tables, JSON, NDJSON, CSV: one contract, and nothing a stranger wrote breaks out."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from commands import cells, output, table
from commands.context import begin
from commands.output import Column
from storeops.errors import UsageError
from storeops.plain import MASKED, cell_width, fit, mask_phone, mask_phones, pad, plain, wrap

NASTY = [
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x9b31m",
    "[bold]markup[/bold]",
    "=1+1",
    "+cmd|' /C calc'!A0",
    "＝SUM(A1)",
    "@import",
    "-2+3",
    "a\x00b",
    "line\nbreak\r\tand tab",
    "\u202eright to left",
    "\u2066isolate",
    "👨‍👩‍👧‍👦 family",
    "𠮷野家",
    "e\u0301\u0301\u0301\u0301\u0301\u0301",
    "\ud800 lone",
    '"quoted", comma',
    "字" * 20,
    "\ufeffbom",
    "\x7fdelete",
]
DANGER = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


@pytest.fixture(autouse=True)
def call() -> Any:
    return begin()


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


@pytest.mark.parametrize("name", NASTY)
@pytest.mark.parametrize("format_", ["table", "json", "ndjson", "csv"])
def test_nothing_breaks_out(
    call: Any, capsys: pytest.CaptureFixture[str], name: str, format_: str
) -> None:
    call.set(format=format_)
    output.items([{"id": 1, "name": name}], [Column("id", "Id"), Column("name", "Name")])
    text = shown(capsys)
    assert not DANGER.search(text.replace("\r\n", "\n") if format_ == "csv" else text)
    if format_ == "json":
        assert json.loads(text)["items"][0]["name"] == name
    elif format_ == "ndjson":
        assert json.loads(text)["name"] == name
        assert text.count("\n") == 1
    elif format_ == "csv":
        (row,) = list(csv.reader(io.StringIO(text)))[1:]
        assert not row[1].lstrip(" \n").startswith(tuple("=+-@＝＋－＠\t|"))
    else:
        assert text.count("\n") == 2
        assert name.startswith("\x1b") is False or "␛" in text


def test_markup_is_text(call: Any, capsys: pytest.CaptureFixture[str]) -> None:
    output.items([{"name": "[red]x[/red]"}], [Column("name", "Name")])
    assert "[red]x[/red]" in shown(capsys)


def test_envelope(call: Any, capsys: pytest.CaptureFixture[str]) -> None:
    call.set(format="json")
    output.items([{"a": 1}], [Column("a", "A")], next_="c1", has_more=True, as_of=0.0)
    assert json.loads(shown(capsys)) == {
        "items": [{"a": 1}],
        "next": "c1",
        "has_more": True,
        "complete": True,
        "as_of": "1970-01-01T00:00:00Z",
    }


def test_a_cut_list_says_so(call: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """What goes on is an option of the command, and here is none; test_contradictions has both."""
    output.items([{"a": 1}], [Column("a", "A")], next_="c1", has_more=True)
    captured = capsys.readouterr()
    assert captured.out == "A\n1\n"
    assert captured.err == "More rows follow.\n"


@pytest.mark.parametrize(("kind", "data"), [("csv", "a\r\n1\r\n"), ("ndjson", '{"a": 1}\n')])
def test_a_cut_file_says_so_beside_the_rows(
    call: Any, capsys: pytest.CaptureFixture[str], kind: str, data: str
) -> None:
    """`list --csv > all.csv` of a hundred rows must not look like all of them."""
    call.set(format=kind)
    output.items([{"a": 1}], [Column("a", "A")], next_="c1", has_more=True)
    assert tuple(capsys.readouterr()) == (
        data,
        "More rows follow.\n",
    )


def test_quiet_is_quiet(call: Any, capsys: pytest.CaptureFixture[str]) -> None:
    call.set(quiet=True)
    output.items([], [Column("a", "A")], has_more=True, empty="none")
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_fields_reach_inside(call: Any, capsys: pytest.CaptureFixture[str]) -> None:
    call.set(format="json", fields=("name", "follows.userid", "follows.0.store"))
    row = {"name": "王", "follows": [{"userid": "a", "store": 1}, {"userid": "b", "store": 2}]}
    output.items([row], [])
    assert json.loads(shown(capsys))["items"] == [
        {"name": "王", "follows.userid": ["a", "b"], "follows.0.store": 1}
    ]


def test_fields_may_be_missing_when_lists_are_empty(
    call: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    call.set(format="ndjson", fields=("name", "follows.userid"))
    output.items([{"name": "a", "follows": []}, {"name": "b", "follows": [{"userid": "u"}]}], [])
    lines = [json.loads(line) for line in shown(capsys).splitlines()]
    assert [line["follows.userid"] for line in lines] == [[], ["u"]]


def test_an_unknown_field_is_refused_before_anything_is_written(
    call: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    call.set(format="csv", fields=("nmae",))
    with pytest.raises(UsageError) as error:
        output.items([{"name": "a"}], [Column("name", "Name")])
    assert "nmae" in error.value.message
    assert "name" in error.value.hint
    assert shown(capsys) == ""


def test_csv_header_bom_and_ids_stay_text(call: Any, capsys: pytest.CaptureFixture[str]) -> None:
    call.set(format="csv", bom=True)
    output.items(
        [{"userid": "0012", "n": -5, "code": "1e5", "phone": "138", "when": None}],
        [Column("userid", "Id")],
    )
    text = shown(capsys)
    assert text.startswith("\ufeffuserid,n,code,phone,when\r\n")
    assert text.splitlines()[1] == "0012\t,-5,1e5\t,138,"


def test_csv_without_rows_still_has_a_header(call: Any, capsys: pytest.CaptureFixture[str]) -> None:
    call.set(format="csv")
    output.items([], [Column("a", "A")], csv_keys=("a", "b"))
    assert shown(capsys) == "a,b\r\n"


def test_table_lines_up_by_cells(call: Any, capsys: pytest.CaptureFixture[str]) -> None:
    output.items(
        [{"name": "王小明", "n": 5}, {"name": "Ann", "n": 12345}],
        [Column("name", "Name"), Column("n", "Count", right=True, show=cells.amount)],
    )
    lines = shown(capsys).splitlines()
    assert [cell_width(line) for line in lines] == [14, 14, 14]
    assert lines[1].endswith("5")
    assert lines[2].endswith("12,345")


def test_item_leaves_empty_lines_out(call: Any, capsys: pytest.CaptureFixture[str]) -> None:
    output.item({"a": "x", "b": None}, [Column("a", "A"), Column("b", "B")])
    assert shown(capsys) == "A  x\n"


def test_a_million_rows_stream(call: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows are taken one by one: nothing is gathered but the sample for the widths."""
    alive = 0
    most = 0

    class Row(dict[str, Any]):
        def __init__(self, *args: Any) -> None:
            nonlocal alive, most
            super().__init__(*args)
            alive += 1
            most = max(most, alive)

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    output.items((Row({"n": n}) for n in range(5000)), [Column("n", "N")])
    assert most <= 3
    assert shown(capsys).count("\n") == 5001


def test_pager_gets_long_tables(call: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    target = tmp_path / "paged"
    script = tmp_path / "pager"
    script.write_text(f"#!/bin/sh\ncat > {target}\n")
    script.chmod(0o700)
    monkeypatch.setenv("STOREOPS_PAGER", str(script))
    monkeypatch.setenv("LINES", "5")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    table.show(((str(n),) for n in range(50)), [table.Head("N")])
    assert target.read_text().splitlines() == ["N", *map(str, range(50))]


def test_plain_and_widths() -> None:
    assert plain("王 ok") == "王 ok"
    assert plain("a\x1b[0m") == "a␛[0m"
    assert plain("\u202e") == "<202E>"
    assert cell_width("王a") == 3
    assert fit("王小明", 5) == "王小…"
    assert fit("王小明", 4) == "王…"
    assert pad("王", 4) == "王  "
    assert pad("5", 3, right=True) == "  5"
    assert wrap("一二三四五，六七", 10) == ["一二三四", "五，六七"]
    assert wrap("one two three", 8) == ["one two", "three"]


def test_phones_are_masked() -> None:
    assert mask_phone("13812345678") == "138****5678"
    assert mask_phone("021-12345") == "*******45"
    assert mask_phones("call 13812345678 or 23812345678") == "call 138****5678 or 23812345678"
    for written, left in (
        ("+8613812345678", "+86138****5678"), ("8613812345678", "86138****5678"),
        ("0086 138 1234 5678", "0086 138 ****5678"), ("138-1234-5678", "138-****-5678"),
        ("１３８１２３４５６７８", "１３８****５６７８"),
    ):  # fmt: skip
        masked = mask_phones(f"李{written}，")
        assert masked.replace(" ", "") == f"李{left}，".replace(" ", "")
        assert MASKED.search(masked)
    for kept in ("1381234567812", "6901381234567", "88613812345678"):
        assert mask_phones(kept) == kept
