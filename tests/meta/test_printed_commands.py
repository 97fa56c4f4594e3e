"""Command lines that are printed can be typed as they stand, whatever a thing is called."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from tests.meta.source import ROOT, files, nodes

# names that people choose; ids, numbers, days and words of ours need no quotes
CHOSEN = {"name", "task", "store", "path", "file", "tag", "to", "group", "product", "supplier"}
# plans, profiles and runs are called by us, or by a rule that leaves nothing to quote
SURE = re.compile(
    r"(plan|old|made|new|found\.plan|under_way|profile|known|wanted|each)\.name|profile"
)

# here `name` is a plan's, a profile's or a page's of the help
OF_OURS = {
    "commands/manual.py", "commands/profile.py", "storeops/domains/handover/afterwards.py",
    "storeops/operations/ownership.py",
}  # fmt: skip


def texts(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def unquoted(tree: Iterable[ast.AST]) -> Iterator[ast.expr]:
    """What stands in a printed command as it is called, though people choose how."""
    for node in tree:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr == "format":
                said = "`".join(texts(node.func.value))
                commands = re.findall(r"storeops [a-z][^`“.]*", said)
                slots = set(re.findall(r"\{(\w+)", " ".join(commands))) & CHOSEN
                yield from (each.value for each in node.keywords if each.arg in slots)
        elif isinstance(node, ast.JoinedStr) and ast.unparse(node)[2:].startswith("storeops "):
            for each in node.values:
                filled = isinstance(each, ast.FormattedValue) and ast.unparse(each.value)
                if filled and re.search(r"\b(name|task|wanted)$", filled):
                    yield each.value


def test_names_in_printed_commands_are_quoted() -> None:
    wrong = []
    for path in files():
        for found in unquoted(nodes(path)):
            said = ast.unparse(found)
            name = path.relative_to(ROOT).as_posix()
            sure = SURE.fullmatch(said) or (said == "name" and name in OF_OURS)
            if "shlex." not in said and not sure:
                wrong.append(f"{name}:{found.lineno}: {said}")
    assert wrong == []
