"""The journeys of docs/goods.md, typed as they stand there, in both languages."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.lots.conftest import Company

DOCS = Path(__file__).parents[2] / "docs"
ENDS_WITH_6 = ("supplier check", "recall notify 1 --yes")  # as the page says


@pytest.mark.parametrize("page", ["goods.md", "zh/goods.md"])
def test_every_line_of_the_journey_works(
    cli: Any, company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (DOCS / page).read_text(encoding="utf-8")
    journey = text.split("\n## ")[1]
    lines = re.findall(r"^\$ storeops (.+)$", journey, re.M)
    assert lines[0] == "demo --dairy"
    assert len(lines) > 15
    for line in lines[1:]:
        answer = cli(*shlex.split(line))
        expected = (0, 6) if any(each in line for each in ENDS_WITH_6) else (0,)
        assert answer.code in expected, (line, answer.err)
        assert answer.out.strip(), line
    assert company.files.bad_lot in journey
    assert company.files.made_lot in journey
    assert cli("trace", "recall", "list", "--json").json["items"][0]["status"] == "closed"
    later = cli("trace", "forward", company.files.bad_lot, "--json").json
    assert later["complete"]
