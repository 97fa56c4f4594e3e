"""Every text a user sees has its Chinese twin; none is stale; placeholders agree."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from tests.meta.source import ROOT, files, nodes

LANGUAGE = ROOT / "storeops" / "locale" / "zh_CN"
CALLS = {"_": 1, "N_": 1, "ngettext": 2, "plural": 2, "kept_plural": 2}


def texts(path: Path) -> Iterator[tuple[str, int]]:
    """(text, line) of every literal given to _, N_ and ngettext; anything else is an error."""
    for node in nodes(path):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        wanted = CALLS.get(node.func.id)
        if wanted is None or len(node.args) < wanted:
            continue
        for argument in node.args[:wanted]:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value, node.lineno
            elif isinstance(argument, ast.JoinedStr):
                raise AssertionError(f"{path}:{node.lineno}: f-string inside {node.func.id}()")


@cache
def used() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in files():
        for text, line in texts(path):
            found.setdefault(text, f"{path.relative_to(ROOT)}:{line}")
    return found | sandbox_meanings()


def sandbox_meanings() -> dict[str, str]:
    """What the sandbox says of its parts, in English only: commands translate it."""
    from storeops.sandbox import acts, settings
    from storeops.sandbox.faults import KINDS

    found = {text: f"fault {kind}" for kind, text in KINDS.items()}
    found |= {row["meaning"]: f"act {row['act']}" for row in acts.described()}
    return found | {text: f"setting {name}" for name, _default, text in settings.described()}


@cache
def translated() -> dict[str, tuple[str, str]]:
    """English id -> (Chinese, file); plural forms share the one Chinese form."""
    found: dict[str, tuple[str, str]] = {}
    for path in sorted(LANGUAGE.glob("*.po")):
        with path.open("rb") as handle:
            catalogue = read_po(handle, locale="zh_CN", abort_invalid=True)
        for message in catalogue:
            if not message.id:
                continue
            ids = message.id if isinstance(message.id, list | tuple) else (message.id,)
            strings = message.string
            chinese = strings if isinstance(strings, str) else strings[0]
            for each in ids:
                found[each] = (chinese, path.name)
    return found


def placeholders(text: str) -> set[str]:
    return {name for _text, name, _spec, _conv in string.Formatter().parse(text) if name}


def test_every_text_has_its_twin() -> None:
    twins = translated()
    missing = {text: where for text, where in used().items() if not twins.get(text, ("", ""))[0]}
    listing = "\n".join(f"{where}: {text!r}" for text, where in sorted(missing.items()))
    assert not missing, f"{len(missing)} texts lack a Chinese twin:\n{listing}"


def test_no_twin_is_stale() -> None:
    present = used()
    stale = {text: file for text, (_zh, file) in translated().items() if text not in present}
    listing = "\n".join(f"{file}: {text!r}" for text, file in sorted(stale.items()))
    assert not stale, f"{len(stale)} twins belong to no text:\n{listing}"


def singulars() -> set[str]:
    """Singular forms; they may leave the number out, Chinese has one form for both."""
    found = set()
    for path in LANGUAGE.glob("*.po"):
        with path.open("rb") as handle:
            catalogue = read_po(handle, locale="zh_CN", abort_invalid=True)
        found |= {each.id[0] for each in catalogue if isinstance(each.id, list | tuple)}
    return found


def test_placeholders_agree() -> None:
    wrong = []
    one = singulars()
    for text, (chinese, file) in translated().items():
        ours, theirs = placeholders(text), placeholders(chinese)
        if chinese and not (ours == theirs or (text in one and ours <= theirs)):
            wrong.append(f"{file}: {text!r} -> {chinese!r}")
    assert not wrong, "\n".join(wrong)


def test_nothing_is_left_in_english() -> None:
    """A twin that equals its id is a forgotten one, unless it holds no words to translate."""
    same = [
        f"{file}: {text!r}"
        for text, (chinese, file) in translated().items()
        if chinese == text and any(word.islower() and len(word) > 3 for word in words(text))
    ]
    assert not same, "\n".join(same)


def words(text: str) -> list[str]:
    """Words of a text, without placeholders, options and commands in backquotes."""
    bare = "".join(part for index, part in enumerate(text.split("`")) if index % 2 == 0)
    for name in placeholders(text):
        bare = bare.replace("{" + name + "}", " ")
    return [word for word in bare.split() if word.isalpha()]


@pytest.mark.parametrize("language", ["zh_CN"])
def test_compiled_catalogue_is_current(language: str) -> None:
    compiled = LANGUAGE.parent / language / "LC_MESSAGES" / "storeops.mo"
    assert compiled.exists(), "run `make messages`"
    newest = max(path.stat().st_mtime for path in LANGUAGE.glob("*.po"))
    assert compiled.stat().st_mtime >= newest, "run `make messages`"
