"""Every command in the pages about reading runs as it stands, and the pages name every word."""

import re
import shlex
from pathlib import Path

import pytest

from storeops.reading.filter import keys
from storeops.reading.filter_words import HAS, STATUSES, WAYS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "filter-language.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ storeops (.+)$", PAGE, flags=re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_an_example_runs(command, ask):
    found = ask(*shlex.split(command))
    if "stats:lost" in command:
        assert found.code == 2
        shown = PAGE.split(command)[1].split("```")[0].strip()
        assert found.err.strip() == shown
    else:
        assert found.code == 0, found.err


def test_the_page_names_every_key_and_every_closed_word():
    for key in set(keys()) - {"owner", "tag"}:
        assert f"`{key}:" in PAGE
    for term in (*STATUSES, *WAYS, *HAS):
        assert re.search(rf"\b{re.escape(term.slug)}\b", PAGE), term.slug
