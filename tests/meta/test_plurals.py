"""A number that is spoken has its singular: no `1 customers`."""

from __future__ import annotations

import ast
import re

from tests.meta.source import ROOT, files, nodes

THINGS = (
    "calls changes columns customers days events facts files follows groups items jobs leavers "
    "lines looks members messages orders pieces plans products purchases relations requests "
    "returns rows runs shops stores tags tasks times words"
)
SPOKEN = re.compile(r"\{(\w+)\} (?:[a-z-]+ ){0,2}?(?:" + "|".join(THINGS.split()) + r")\b")
# figures that are never one: what is allowed at most, what is written in the code, totals of chains
FIGURES = {"limit", "most", "least", "size", "capacity", "total", "share", "years", "several"}
NAMES = {"task", "name", "kind", "file", "store", "time"}  # before a verb: `{task} runs already`


def test_no_number_without_its_singular() -> None:
    wrong = []
    for path in files():
        for node in nodes(path):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            text = node.args[0] if node.func.id in ("_", "N_") and node.args else None
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                found = {match[1] for match in SPOKEN.finditer(text.value)} - FIGURES - NAMES
                if found:
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: {text.value}")
    assert not wrong, "\n".join(wrong)  # plural, or pieces that have a singular each
