"""The code as the tests of the house read it: each file parsed and walked once a process."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@cache
def files() -> tuple[Path, ...]:
    """Every module of the three packages."""
    folders = ("storeops", "commands", "tui")
    return tuple(path for each in folders for path in sorted((ROOT / each).rglob("*.py")))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Every node of a module, those outside before those inside."""
    return tuple(ast.walk(ast.parse(path.read_text("utf-8"))))


def tree(path: Path) -> ast.Module:
    """A module as parsed."""
    module = nodes(path)[0]
    assert isinstance(module, ast.Module)
    return module
