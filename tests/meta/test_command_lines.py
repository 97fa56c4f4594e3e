"""Every command line that a text of the code names can be typed: noun, verb and options exist."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from typing import Any

import typer

from commands import main, tree
from commands.help import value_word
from commands.options import global_options
from tests.meta.source import ROOT, files, nodes

# "storeops" as the subject of a sentence, not as a command
SENTENCES = {"already", "and", "anew", "does", "goes", "itself", "pauses", "works", "wrote"}
HOLE = "HOLE"  # what the code fills in


def root() -> Any:
    tree.Root.nouns, tree.Root.groups = main.nouns(), main.GROUPS
    return tree.Root(name="storeops")


def texts() -> Iterator[tuple[str, str]]:
    """(where, text) of every string of the code; f-strings and placeholders have holes."""
    for path in files():
        prose = {
            id(node.body[0].value)
            for node in nodes(path)
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        inside: set[int] = set()
        for node in nodes(path):
            if id(node) in prose or id(node) in inside:
                continue
            if isinstance(node, ast.JoinedStr):
                inside |= {id(each) for each in node.values}
                text = "".join(
                    str(each.value) if isinstance(each, ast.Constant) else HOLE
                    for each in node.values
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
            else:
                continue
            where = f"{path.relative_to(ROOT)}:{node.lineno}"
            yield where, re.sub(r"\{[a-z_]*\}", HOLE, text)


def command_lines(text: str) -> Iterator[list[str]]:
    """The words behind each `storeops` of a text, as far as they can belong to a command line."""
    for found in re.finditer(r"(?<![\w./-])storeops ((?:HOLE|[a-z-])[^`\n;]*)", text):
        line = re.split(r"[,.)](?:\s|$)|\s[a-z]+ed\b|…", found[1])[0]
        try:
            words = shlex.split(line)
        except ValueError:
            words = line.replace("'", "").split()
        if words and words[0] not in SENTENCES:
            yield words


def trouble(words: list[str], top: Any) -> str:
    """What is wrong with a command line, "" when it can be typed."""
    command = top
    rest = words[2:] if words[0] == "--profile" else list(words)
    while rest and not rest[0].startswith("-") and rest[0] != HOLE:
        if command is top:
            inner = command.get_command(None, rest[0])
        else:
            inner = getattr(command, "commands", {}).get(rest[0])
        if inner is None:
            break
        command = inner
        rest.pop(0)
    if command is top:
        return "" if rest[:1] == [HOLE] or rest[:1] == ["--help"] else f"no noun {rest[0]}"
    if getattr(command, "commands", {}) and rest and rest[0] not in (HOLE, "--help"):
        return f"no verb {rest[0]}"
    known = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    shared = [*global_options(sorted(known), hidden=True), *global_options((), hidden=True)]
    known |= {name for each in shared for name in each.opts} | {"--help", "-h"}
    wrong = [
        option
        for each in rest
        if (option := each.partition("=")[0]).startswith("-")
        and option.strip("-") != HOLE
        and option not in known
        and not option[1:].isdecimal()
    ]
    return f"no option {', '.join(wrong)}" if wrong else ""


def test_what_cannot_be_typed_is_found() -> None:
    top = root()
    for line, why in {
        "nobody list": "no noun nobody",
        "plan shwo X": "no verb shwo",
        "plan show X --bogus": "no option --bogus",
        "plan show X --json": "",
        "tag group add X --tag=Y": "",
    }.items():
        assert trouble(line.split(), top) == why


def test_every_command_line_in_a_text_can_be_typed() -> None:
    top = root()
    seen = 0
    wrong = []
    for where, text in texts():
        for words in command_lines(text):
            seen += 1
            if why := trouble(words, top):
                wrong.append(f"{where}: storeops {' '.join(words)}: {why}")
    assert seen > 200
    assert wrong == []


def parameters(command: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """(what, parameter, context) of every parameter of every command below one."""
    context = typer.Context(command, info_name=path)
    for each in command.params:
        if not getattr(each, "hidden", False):
            yield f"{path} {each.human_readable_name}", each, context
    if hasattr(command, "list_commands"):
        for name in command.list_commands(context):
            yield from parameters(command.get_command(context, name), f"{path} {name}")


def test_every_parameter_says_what_it_is() -> None:
    seen, silent, typed = 0, [], []
    for what, each, context in parameters(root(), "storeops"):
        seen += 1
        if not each.help:
            silent.append(what)
        if not getattr(each, "is_flag", False) and "<" in value_word(each, context):
            typed.append(what)
    assert seen > 400
    assert silent == []
    assert typed == []
