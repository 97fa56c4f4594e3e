"""Every status, kind and code has its word in both languages, and a Chinese cell no English one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from storeops import i18n, terms
from storeops.changes import plans
from storeops.changes.action import ROW_STATUSES
from storeops.changes.jobs import queue
from storeops.reading.filter_words import CLOSED

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("of", list(terms.ALL))
def test_every_code_has_a_word(of: str) -> None:
    for code in terms.ALL[of]:
        i18n.use("en")
        assert terms.term(of, code).isascii()
        i18n.use("zh_CN")
        chinese = terms.term(of, code)
        assert re.search("[\u4e00-\u9fff]", chinese), (of, code)
        assert not re.search("[A-Za-z]", chinese), (of, code, chinese)
        assert not re.search(r"[\u4e00-\u9fff][,;:!?()]", chinese), (of, code, chinese)
    assert terms.term(of, "brand_new") == "brand_new"


def test_the_filter_languages_words_are_chinese() -> None:
    for name, found in CLOSED.items():
        for each in found:
            assert each.slug == "unionid" or not re.search("[A-Za-z]", each.chinese), (name, each)


def test_no_status_is_forgotten() -> None:
    assert set(ROW_STATUSES) <= set(terms.ROW)
    assert set(queue.STATUSES) <= set(terms.JOB)
    assert set(plans.STATUSES) <= set(terms.PLAN)


def test_no_kind_of_line_is_forgotten() -> None:
    """A kind of journal line anywhere in the code is in the catalogue."""
    named = re.compile(r'"((?:plan|row|call|api|db|job|audit|journal)\.[a-z_]+)"')
    files = {"journal.key", "journal.seal", "journal.ndjson"}
    found = {
        kind
        for path in (ROOT / "storeops").rglob("*.py")
        for kind in named.findall(path.read_text("utf-8"))
        if path.name != "terms.py"
    } - files
    assert len(found) > 12
    assert found <= set(terms.JOURNAL), found - set(terms.JOURNAL)
    events = re.findall(
        r'queue\.event\(\s*connection, \[\(job(?:\.id)?, "([a-z_]+)"',
        (ROOT / "storeops" / "changes" / "jobs" / "result_handler.py").read_text("utf-8"),
    )
    assert events
    assert set(events) <= set(terms.JOB_EVENT)


def test_one_word_a_thing() -> None:
    """Second words for what has one (CONTRIBUTING.md, Words) are in no Chinese text."""
    retired = re.compile("沙盒|档案|备忘|笔记|员工|转交|改动|虚构连锁")
    folder = ROOT / "storeops" / "locale" / "zh_CN"
    pages = [*folder.glob("*.po"), *(ROOT / "docs" / "zh").glob("*.md"), ROOT / "README.zh-CN.md"]
    wrong = [
        f"{path.name}: {line}"
        for path in pages
        for line in path.read_text("utf-8").splitlines()
        if not line.startswith("msgid") and retired.search(line)
    ]
    assert wrong == []
    half = re.compile(r"[\u4e00-\u9fff](?:[,;!?](?![\w/])|[()])")
    texts = [
        f"{path.name}: {line}"
        for path in folder.glob("*.po")
        for line in path.read_text("utf-8").splitlines()
        if line.startswith("msgstr") and half.search(line)
    ]
    assert texts == []
