"""One table judges errcodes: nobody else compares one with a number."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from storeops.wecom.errcodes import table
from tests.meta.source import ROOT, files, nodes

TABLE = "storeops/wecom/errcode_table.py"
# where a number of the table stands all the same, and why
ALLOWED = {
    ("storeops/wecom/client.py", 40014): "told, not judged: the error of a client that keeps quiet",
    ("storeops/domains/handover/checks.py", 40100): "foretold: what a running handover answers",
    ("storeops/domains/handover/group_checks.py", 90500): "foretold, as is 90502: the wrong way",
    ("storeops/domains/handover/group_checks.py", 90502): "foretold, as is 90500: the wrong way",
}
# a verdict or an answer that foretells what WeCom would say carries its code, and judges nothing
FORETELL = {"errcode", "code"}


def sources() -> list[Path]:
    return [each for each in files() if "sandbox" not in each.relative_to(ROOT).parts[:2]]


def judged(every: Sequence[ast.AST]) -> Iterator[tuple[int, int]]:
    """(errcode, line) of numbers that do not merely foretell an answer."""
    told = {
        id(node)
        for call in every
        if isinstance(call, ast.Call)
        for node in [
            *(value.value for value in call.keywords if value.arg in FORETELL),
            *(call.args[2:3] if getattr(call.func, "id", "") == "RowResult" else ()),
        ]
    }
    inside = {
        id(node)
        for call in every
        if isinstance(call, ast.Call)
        for value in call.keywords
        if value.arg in FORETELL and isinstance(value.value, ast.IfExp)
        for node in (value.value.body, value.value.orelse)
    }
    inside |= {
        id(node)
        for each in every
        if id(each) in inside and isinstance(each, ast.IfExp)
        for node in (each.body, each.orelse)
    }
    foretold = told | inside
    for node in every:
        if not isinstance(node, ast.Constant) or id(node) in foretold:
            continue
        if isinstance(node.value, int) and node.value in table() and abs(node.value) > 1:
            yield node.value, node.lineno
        elif isinstance(node.value, str):
            for code in re.findall(r"errcode\s*(?:=|<>|IN|in)\s*\(?\s*(-?\d+)", node.value):
                if int(code) in table():
                    yield int(code), node.lineno


def test_errcodes_are_judged_by_the_table_alone() -> None:
    wrong, used = [], set()
    for path in sources():
        name = str(path.relative_to(ROOT))
        if name == TABLE:
            continue
        for code, line in judged(nodes(path)):
            used.add((name, code))
            if (name, code) not in ALLOWED:
                wrong.append(f"{name}:{line}: {code}")
    assert not wrong, "ask storeops.wecom.errcodes instead:\n" + "\n".join(wrong)
    assert set(ALLOWED) <= used, "an exception that is needed no more"


def test_the_table_has_one_row_a_line() -> None:
    lines = (ROOT / TABLE).read_text("utf-8").splitlines()
    rows = [line for line in lines if line.startswith("    CodeRow(")]
    assert len(rows) == len(table())
    assert all(line.endswith("),") for line in rows)
