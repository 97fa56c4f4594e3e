"""Rows of lists with named columns: each becomes something, or its line refuses the file."""

from __future__ import annotations

from datetime import UTC, date, timedelta, timezone
from pathlib import Path

import pytest

from storeops.errors import UsageError
from storeops.tables import typed
from storeops.tables.headings import Field
from storeops.tables.named import NamedRow, read_each

FIELDS = (Field("item", ("商品",), key=True), Field("qty", ("数量",)), Field("last", ("到期日",)))


def counted(row: NamedRow) -> tuple[str, float, date | None]:
    return row.get("item"), typed.pieces(row.get("qty")), typed.day(row.get("last"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "list.csv"


def read(file: Path) -> list[tuple[str, float, date | None]]:
    return read_each(str(file), FIELDS, ("item", "qty"), counted)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_every_row_becomes_something(file, encoding):
    file.write_text(
        '库存表,,\n商品,数量,到期日\n\'0690,"1,200",2026年5月3日\n,,\n0691,0,\n', encoding
    )
    assert read(file) == [("0690", 1200.0, date(2026, 5, 3)), ("0691", 0.0, None)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("item,qty\na,1\nb,-1\n", "list.csv, line 3: “-1” is no number of pieces."),
        ("item,qty\na,\n", "line 2: “” is no number of pieces"),
        ("item,qty\na,nan\n", "line 2: “nan” is no number"),
        ("item,qty,last\na,1,2026-02-30\n", "line 2: “2026-02-30” is no day"),
        ("item,last\na,2026-05-01\n", "no column qty"),
        ("colour,qty\nred,1\n", "no column item"),
        ("item,商品,qty\na,b,1\n", "item and 商品 both mean item"),
        ("item,数量(件),数量（盒）\na,1,9\n", "both mean qty"),
    ],
)
def test_the_first_row_that_cannot_be_taken_refuses_the_file(file, text, said):
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        read(file)
    assert said in caught.value.message
    assert caught.value.hint
    assert "--column" not in caught.value.hint  # no such reader has it


@pytest.mark.parametrize(
    "text",
    ["2026-05-01", "2026/5/1", "2026.05.01", "2026年5月1日", "20260501", "'2026-05-01",
     "２０２６-05-01", " 2026-05-01 08:00", "2026-05-01T00:00:00"],
)  # fmt: skip
def test_a_day_however_it_is_written(text):
    assert typed.day(text) == date(2026, 5, 1)


@pytest.mark.parametrize(
    "text",
    ["2026-05-01 08:00", "2026/5/1 08:00:00", "2026年5月1日 08:00", "2026-05-01T00:00:00Z",
     "20260501080000", "1777593600", "1777593600000"],
)  # fmt: skip
def test_a_moment_however_it_is_written(text):
    assert typed.moment(text, timezone(timedelta(hours=8))) == 1777593600


@pytest.mark.parametrize("text", ["", "soon", "2026-05", "2026-02-30 08:00", "08:00"])
def test_no_moment(text):
    assert typed.moment(text, UTC) is None


@pytest.mark.parametrize(
    "text", ["soon", "2026-5", "2026-13-01", "1.5.2026", "2026-05-0112", "45778"]
)
def test_no_day(text):
    with pytest.raises(UsageError):
        typed.day(text)
