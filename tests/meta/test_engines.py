"""Engines know no domain: not in imports (import-linter), nor in SQL, kinds of plans or words."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator

from storeops.domain import load
from tests.meta.test_rooms import DOORS, READ, ROOT, WRITE, owners, room, texts, trees

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
DOMAINS = [load(where) for where in PROJECT["project"]["entry-points"]["storeops.domains"].values()]
ENGINES = next(
    tuple(each["source_modules"])
    for each in PROJECT["tool"]["importlinter"]["contracts"]
    if each["name"] == "Engines know no domain"
)
KINDS = {kind for each in DOMAINS for kind in each.actions}
COMMAND = re.compile(r"\bstoreops (\w+)")
# the words of facts, which engines may say: WeCom's tags and remarks as the mirror keeps them
OF_FACTS = {"tag", "remark"}

# What does not keep the rule yet; a line leaves this list when it is mended, and none comes.
EXCEPTIONS = {
    "storeops.operations.doctor": {"kind handover"},  # the name of a check, which scripts know
    # hints: where a person finds the word, or the way out
    "storeops.changes.relations": {"command leaver"},
    "storeops.mirror.tag_names": {"command tag"},
    "storeops.reading.filter_names": {"command store"},
    "storeops.wecom.failures": {"command sandbox"},
}


def engine(module: str) -> bool:
    return any(module == each or module.startswith(f"{each}.") for each in ENGINES)


def named(module: str) -> Iterator[str]:
    """What a module names of domains: `table X`, `kind X`, `command X`."""
    tree = trees()[module]
    owner = owners()
    nouns = {noun.name for each in DOMAINS for noun in each.nouns}
    for text in texts(tree):
        for table in (*READ.findall(text), *WRITE.findall(text)):
            if owner.get(table, "").startswith("domains.") and owner[table] != room(module):
                yield f"table {table}"
        for noun in COMMAND.findall(text):
            if noun in nouns:
                yield f"command {noun}"
        if text in KINDS - OF_FACTS - DOORS.get(module, set()):
            yield f"kind {text}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(ast.unparse(each).split(".")[-1] in ("kind", "action") for each in sides):
                yield from _kinds(sides)


def _kinds(nodes: list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and node.value in KINDS:
            yield f"kind {node.value}"


def test_engines_name_no_domain() -> None:
    found = defaultdict(set)
    for module in filter(engine, trees()):
        for each in named(module):
            found[module].add(each)
    assert dict(found) == EXCEPTIONS


def test_the_rule_sees_what_it_forbids() -> None:
    """A kind, a table and a command of a domain are found where one of them stands."""
    trees()["storeops.changes.wrong"] = ast.parse(
        "def f(db, plan):\n"
        "    if plan.kind == 'tag':\n"
        "        db.execute('SELECT 1 FROM handover')\n"
        "    return 'storeops leaver list', {'remark': 2}, 'tag_library'\n"
    )
    try:
        assert set(named("storeops.changes.wrong")) == {
            "kind tag", "kind tag_library", "table handover", "command leaver",
        }  # fmt: skip
    finally:
        del trees()["storeops.changes.wrong"]
