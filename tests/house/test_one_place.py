"""What is done in one place is done nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ONLY = {
    "words that may have been meant": (r"\bdifflib\b", {"storeops/spelling.py"}),
}


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
