"""Rules of this project that no tool holds: sizes, error tree, exit codes, nouns, arrows, words."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from commands.exit_codes import MEANINGS
from commands.main import nouns
from storeops import errors
from storeops.errors import ExitCode, StoreOpsError
from tests.meta import source

ROOT = Path(__file__).parents[2]
PACKAGES = ("storeops", "commands", "tui")


def python_files(*folders: str) -> list[Path]:
    return [path for each in folders for path in sorted((ROOT / each).rglob("*.py"))]


def test_no_file_is_called_utils_or_helpers() -> None:
    assert not [p for p in python_files(*PACKAGES) if re.search(r"util|helper|misc|common", p.stem)]


def test_importing_a_room_imports_nothing_of_it() -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for path in python_files(*PACKAGES)
        if path.name == "__init__.py"
        and len(path.relative_to(ROOT).parts) <= 3
        and re.search(r"^(?!from __future__)(import|from) ", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert not wrong


def subclasses(cls: type[StoreOpsError]) -> list[type[StoreOpsError]]:
    direct = cls.__subclasses__()
    return direct + [deep for each in direct for deep in subclasses(each)]


def test_error_categories_are_unique_and_drawn() -> None:
    own = [each for each in StoreOpsError.__subclasses__() if each.__module__ == errors.__name__]
    categories = [each.category for each in own]
    assert len(set(categories)) == len(categories)
    assert errors.__doc__ is not None
    for each in own:
        assert re.search(rf"{each.__name__} +{int(each.exit_code)} ", errors.__doc__), each


def test_every_error_ends_with_a_documented_exit_code() -> None:
    for path in python_files("storeops"):
        if path.name == "errors.py":
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    for each in subclasses(StoreOpsError):
        assert each.exit_code in MEANINGS


def test_every_exit_code_has_a_meaning() -> None:
    assert set(MEANINGS) == set(ExitCode)


@pytest.mark.parametrize("noun", nouns())
def test_every_noun_has_its_module(noun: str) -> None:
    module = importlib.import_module(nouns()[noun].module)
    assert module.app.registered_commands or module.app.registered_callback


def test_arrows_between_rooms() -> None:
    script = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([script, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


# paths of the machine at hand: where this checkout lies, and whose home it is
HERE = [path for path in (ROOT, Path.home()) if len(path.parts) > 2]
FORBIDDEN = re.compile("|".join(re.escape(f"{path}/") for path in HERE) or r"(?!)")


def test_no_file_names_a_path_of_this_machine() -> None:
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True
    ).stdout.split("\0")
    found = []
    for name in filter(None, names):
        path = ROOT / name
        if not path.is_file() or path.suffix in {".gz", ".svg", ".png"}:
            continue
        text = path.read_text(encoding="utf-8", errors="ignore")
        found += [f"{name}: {match[0]}" for match in FORBIDDEN.finditer(text)]
    assert not found


def test_locks_record_hashes_and_no_address() -> None:
    for name in ("run", "dev"):
        text = (ROOT / "requirements" / f"{name}.lock").read_text()
        assert "://" not in text
        assert not re.search(r"^-", text, re.MULTILINE)  # no option, so no index either
        pins = re.findall(r"^[A-Za-z0-9_.-]+==\S+", text, re.MULTILINE)
        assert len(pins) > 10


JOINERS = (", ", "; ", "、", "；")


def _joins_by_itself(node: ast.AST) -> bool:
    """Whether `node` holds a `", ".join(…)` whose comma no catalogue has."""
    return any(
        isinstance(each, ast.Call)
        and isinstance(each.func, ast.Attribute)
        and each.func.attr == "join"
        and isinstance(each.func.value, ast.Constant)
        and each.func.value.value in JOINERS
        for each in ast.walk(node)
    )


@pytest.mark.parametrize("room", ["storeops", "commands", "tui"])
def test_lists_in_texts_have_the_commas_of_the_language(room: str) -> None:
    """What is filled into a text is joined by `_(", ").join(…)`: Chinese has 、 there."""
    found = []
    for path in sorted((ROOT / room).rglob("*.py")):
        if "sandbox" in path.parts:  # speaks WeCom's English
            continue
        for function in source.nodes(path):
            if not isinstance(function, ast.FunctionDef | ast.Lambda):
                continue
            joined = {
                target.id
                for each in ast.walk(function)
                if isinstance(each, ast.Assign) and _joins_by_itself(each.value)
                for target in each.targets
                if isinstance(target, ast.Name)
            }
            for call in ast.walk(function):
                if not isinstance(call, ast.Call) or getattr(call.func, "attr", "") != "format":
                    continue
                for filled in call.keywords:
                    if _joins_by_itself(filled.value) or (
                        isinstance(filled.value, ast.Name) and filled.value.id in joined
                    ):
                        found.append(f"{path.relative_to(ROOT)}:{filled.value.lineno}")
    assert not found
