"""What is done in one place is done nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ONLY = {
    "words that may have been meant": (r"\bdifflib\b", {"storeops/spelling.py"}),
    "locks of files": (r"\bflock\(|\bmsvcrt\b", {"storeops/file_lock.py"}),
    "curves made of characters": (r"= \"▁▂▃", {"storeops/sparks.py"}),
    "phones in JSON": (r"def masked\(value", {"storeops/plain.py"}),
}


def test_no_page_is_cited_that_is_not_here() -> None:
    """Chapters of a contract or a plan that readers do not have; WeCom's own pages are `doc N`."""
    cited = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for folder in ("storeops", "commands", "tui", "tests", "docs", "benchmarks")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".md", ".po", ".tcss") and path != Path(__file__)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if re.search("\u00a7|contract 0[0-9]", line)
    ]
    assert cited == []


@pytest.mark.parametrize("what", ONLY)
def test_one_place(what: str) -> None:
    pattern, places = ONLY[what]
    found = {
        str(path.relative_to(ROOT))
        for folder in ("storeops", "commands", "tui")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(pattern, path.read_text("utf-8"))
    }
    assert found == places


def test_no_placeholder_has_a_number() -> None:
    """`?1` with a tuple is deprecated since Python 3.12 and an error in 3.14: `?` or `:name`."""
    numbered = re.compile(r"= \?[0-9]|\(\?[0-9]")
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for room in ("storeops", "commands", "tui")
        for path in sorted((ROOT / room).rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if numbered.search(line)
    ]
    assert not found
