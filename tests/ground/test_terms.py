"""Every status, kind and code has its word in both languages, and a Chinese cell no English one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import pytest

from storeops import i18n, terms
from storeops.changes import plans
from storeops.changes.action import ROW_STATUSES
from storeops.changes.jobs import queue
from storeops.reading.filter_words import CLOSED
from tests.meta import source

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


# what puts a line into the journal, and what their parts are made of
_WRITERS = {"JournalLine", "_note", "_write"}
_ELSEWHERE = {  # of other objects
    "data.db", "inbox.db", "more", "plan_id", "refused", "taken", "late", "unknown", "withdrawn",
}  # fmt: skip
_OPEN = {"_asdict", "as_dict"}  # of records: their fields are named in the test


def _functions() -> Iterator[tuple[ast.FunctionDef, dict[str, ast.FunctionDef]]]:
    """Functions that write lines, each with all functions of its module."""
    for path in [*(ROOT / "storeops").rglob("*.py"), *(ROOT / "commands").rglob("*.py")]:
        if "JournalLine(" not in path.read_text("utf-8"):
            continue
        nodes = source.nodes(path)
        every = {each.name: each for each in nodes if isinstance(each, ast.FunctionDef)}
        for each in every.values():
            if any(_called(node) in _WRITERS for node in ast.walk(each)):
                yield each, every


def _called(node: ast.AST) -> str:
    if not isinstance(node, ast.Call):
        return ""
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def _keys(of: ast.AST, every: dict[str, ast.FunctionDef]) -> Iterator[str]:
    """Keys of every object that is made in a function, and in those it takes some from."""
    for node in ast.walk(of):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value
                elif key is None and (name := _called(value)) not in _OPEN and name in every:
                    yield from _keys(every[name], every)
        elif _called(node) in ("update", "_write"):
            yield from (each.arg for each in node.keywords if each.arg)


def test_no_key_of_a_line_is_forgotten() -> None:
    """What a line of the journal says has a word, wherever in the code it is written."""
    from storeops.changes.control import CancelledRows
    from storeops.changes.loss import Loss
    from storeops.changes.seal import Seal
    from storeops.domain import registry
    from storeops.domains.commission.rules import CommissionRule

    found = {key for each, every in _functions() for key in _keys(each, every)}
    found |= {*CancelledRows._fields, *(each.name for each in fields(CommissionRule))}
    found |= {*registry().named("erase")}
    found |= {*Loss("cut", Seal(""), 0, 0, "").payload()}
    assert {"backup_count", "held_plans", "errcode", "params", "rule", "altered"} <= found
    assert found - _ELSEWHERE <= set(terms.DETAIL), found - _ELSEWHERE - set(terms.DETAIL)


def test_no_kind_of_line_is_forgotten() -> None:
    """A kind of journal line anywhere in the code is in the catalogue."""
    named = re.compile(r'"((?:plan|row|call|api|db|job|audit|journal|message)\.[a-z_]+)"')
    files = {"journal.key", "journal.seal", "journal.ndjson"}
    found = {
        kind
        for path in (ROOT / "storeops").rglob("*.py")
        for kind in named.findall(path.read_text("utf-8"))
        if path.name != "terms.py"
    } - files
    written = re.compile(r'JournalLine\(\s*"([a-z_.]+)"')
    for path in (ROOT / "storeops").rglob("*.py"):
        found |= {*written.findall(path.read_text("utf-8"))}
    assert len(found) > 12
    assert found <= set(terms.JOURNAL), found - set(terms.JOURNAL)
    events = re.findall(
        r'queue\.event\(\s*connection, \[\(job(?:\.id)?, "([a-z_]+)"',
        (ROOT / "storeops" / "changes" / "jobs" / "result_handler.py").read_text("utf-8"),
    )
    assert events
    assert set(events) <= set(terms.JOB_EVENT)


ENGINE = ("changes", "domains", "mirror", "operations", "reading", "tables", "toml")


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


# what machines read, or says nothing in words
PLAIN_SIGNS = {
    "commands/doctor.py", "storeops/changes/owner.py", "storeops/operations/at_once.py",
    "tui/app.py",
}  # fmt: skip


def test_names_and_brackets_take_the_languages_own_signs() -> None:
    """`{name}: {text}` and `{text} ({more})` outside the catalogue are half-width in Chinese."""
    sql = re.compile(r"\b(SELECT|INSERT|VALUES|iif)\b")
    wrong = []
    for room in ("commands", "tui", *(f"storeops/{each}" for each in ENGINE)):
        for path in sorted((ROOT / room).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            for node in source.nodes(path):
                if not isinstance(node, ast.JoinedStr) or name in PLAIN_SIGNS:
                    continue
                texts = [each.value for each in node.values if isinstance(each, ast.Constant)]
                if sql.search(" ".join(map(str, texts))):
                    continue
                for before, after in pairwise(node.values):
                    spoken = isinstance(before, ast.FormattedValue)
                    if not spoken or not isinstance(after, ast.Constant):
                        continue
                    if str(after.value).startswith((": ", " (")):
                        wrong.append(f"{name}:{node.lineno}")
    assert wrong == []  # i18n.labelled and i18n.aside write them
