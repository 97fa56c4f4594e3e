"""`storeops schema`: what every command takes and answers, as JSON Schema, for programs.

Arguments and options are read from the parser itself, so that they cannot differ from it. Fields of
answers lie in `commands/answers.json`: `tests/commands/test_schema.py` gathers them from what
commands answer, and fails when an answer has a field that is not there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

from commands import output
from commands.output import Column
from storeops.domain import registry
from storeops.errors import ExitCode, UsageError
from storeops.i18n import _

app = typer.Typer(help=_("What commands take and answer, as JSON Schema."))

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ANSWERS = Path(__file__).with_name("answers.json")
# what a command does beyond reading files of the profile: words it begins with
SENDS = ("plan apply", "job run", "api")
CALLS = (
    "sync run", "sync verify", "handover watch", "handover restore", "handover plan", "leaver plan",
    "demo", "doctor", "profile add", "sandbox", "events", "tag rule plan",
)  # fmt: skip
_ANY = (ExitCode.OK, ExitCode.BUG, ExitCode.USAGE, ExitCode.CONFIG, ExitCode.INTERRUPTED,
        ExitCode.TERMINATED)  # fmt: skip
_FILES = (ExitCode.NOT_FOUND, ExitCode.PARTIAL, ExitCode.CONFLICT, ExitCode.POLICY)
_WECOM = (ExitCode.ACCESS, ExitCode.LIMIT, ExitCode.NETWORK, ExitCode.STILL_RUNNING)
ERROR = {
    "type": "object",
    "properties": {
        "category": {"type": "string"},
        "errcode": {"type": ["integer", "null"], "description": "WeCom's code"},
        "message": {"type": "string"},
        "hint": {"type": "string"},
        "next_steps": {"type": "array", "items": {"type": "string"}},
        "retryable": {"type": "boolean"},
        "retry_after_s": {"type": ["number", "null"]},
    },
    "required": ["category", "errcode", "message", "hint", "next_steps", "retryable"],
}


@app.command("schema", help=_("Say what a command takes and answers, as JSON Schema."))
def schema(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="WORDS", help=_("Noun and verb; a noun alone means all its verbs.")),
    ] = None,
) -> None:
    """Without words: every command, one a row; with --json the whole of each."""
    from commands.context import current

    wanted = list(words or ())
    found = [each for each in leaves() if each[0].split()[: len(wanted)] == wanted]
    if not found:
        from storeops.spelling import did_you_mean

        raise UsageError(
            _("There is no command {word}.").format(word=f"`storeops {' '.join(wanted)}`"),
            hint=did_you_mean(
                " ".join(wanted),
                [path for path, _command, _context in leaves()],
                _("`storeops schema` lists the commands there are."),
            ),
            next_steps=["storeops schema"],
        )
    if len(found) == 1 and found[0][0].split() == wanted:
        output.write(cells_json(described(*found[0])) + "\n")
    elif current().settings.format in ("", "table", "wide"):
        output.items(
            ({"command": path, "what": command.get_short_help_str(1000), "effect": effect(path)}
             for path, command, _context in found),
            [
                Column("command", _("Command")),
                Column("effect", _("Effect"), show=effect_word),
                Column("what", _("What"), kind="sentence"),
            ],
        )  # fmt: skip
    else:
        output.items([described(*each) for each in found], [])


def cells_json(value: Any) -> str:
    """JSON for a person or a program, whichever reads."""
    from commands.cells import json_text

    return json_text(value, indent=2)


def effect_word(key: str) -> str:
    """What an effect means, in the user's language."""
    return {
        "reads": _("here alone"),
        "calls": _("asks WeCom"),
        "sends": _("changes WeCom"),
    }[key]


def effect(path: str) -> str:
    """reads (or keeps something here) | calls (reads WeCom) | sends (changes things at WeCom)."""

    def begins(words: tuple[str, ...]) -> bool:
        return any(path == each or path.startswith(f"{each} ") for each in words)

    return "sends" if begins(SENDS) else "calls" if begins(CALLS) else "reads"


def leaves() -> Iterator[tuple[str, Any, Any]]:
    """(words after `storeops`, command, context) of every command that does something."""
    from commands import tree

    root = tree.root()
    yield from _below(root, "", root.context_class(root, info_name="storeops"))


def _below(command: Any, path: str, context: Any) -> Iterator[tuple[str, Any, Any]]:
    names = command.list_commands(context) if hasattr(command, "list_commands") else ()
    if not names or (path and command.invoke_without_command):
        yield path, command, context
    for name in names:
        try:
            inner = command.get_command(context, name)
        except Exception as error:
            if registry().at_fault(error) is None:
                raise
            continue  # of another package, which `plugin list` names
        if inner is not None and not inner.hidden:
            below = inner.context_class(inner, info_name=name, parent=context)
            yield from _below(inner, f"{path} {name}".strip(), below)


def described(path: str, command: Any, context: Any) -> dict[str, Any]:
    """The whole of one command."""
    from commands.exit_codes import MEANINGS

    codes = {*_ANY, *_FILES, *(() if effect(path) == "reads" else _WECOM)}
    if any("--detailed-exitcode" in each.opts for each in command.get_params(context)):
        codes.add(ExitCode.CHANGES)
    return {
        "command": f"storeops {path}",
        "description": command.help or "",
        "effect": effect(path),
        "input": taken(command, context),
        "global_options": {
            option: each.help
            for each in command.get_params(context)
            if (each.name or "").startswith("global_")
            for option in each.opts[:1]
        },
        "output": answered(path),
        "error": ERROR,
        "exit_codes": {str(int(code)): _(MEANINGS[code]) for code in MEANINGS if code in codes},
    }


def taken(command: Any, context: Any) -> dict[str, Any]:
    """Arguments and options of a command; `x-argument` and `x-options` say how each is typed."""
    properties: dict[str, Any] = {}
    required = []
    position = 0
    for each in command.get_params(context):
        if "--help" in each.opts or (each.name or "").startswith("global_"):
            continue
        argument = each.param_type_name == "argument"
        if argument:
            position += 1
            name = str(each.name).strip("_")
        else:
            name = max(each.opts, key=len).strip("-")
        kind = typed(each)
        if each.multiple or each.nargs == -1:
            kind = {"type": "array", "items": kind}
        default = each.default
        if default not in (None, "", False, (), []) and not callable(default):
            kind["default"] = getattr(default, "value", default)
        kind["description"] = (each.help or "").strip()
        if argument:
            kind["x-argument"] = position
        else:
            kind["x-options"] = [*each.opts, *each.secondary_opts]
        properties[name] = kind
        if each.required:
            required.append(name)
    found: dict[str, Any] = {"$schema": DIALECT, "type": "object", "properties": properties}
    if required:
        found["required"] = required
    return found | {"additionalProperties": False}


def typed(parameter: Any) -> dict[str, Any]:
    """The JSON Schema of one value of a parameter."""
    if getattr(parameter, "is_flag", False):
        return {"type": "boolean"}
    kind = parameter.type
    name = {"integer range": "integer", "float range": "float"}.get(kind.name, kind.name)
    found: dict[str, Any] = {"type": {"integer": "integer", "float": "number"}.get(name, "string")}
    for key, bound in (("minimum", "min"), ("maximum", "max")):
        if getattr(kind, bound, None) is not None:
            found[key] = getattr(kind, bound)
    if known := getattr(kind, "choices", None):
        found["enum"] = [str(getattr(each, "value", each)) for each in known]
    return found


@cache
def answers() -> Mapping[str, Any]:
    """The answers of every command, by its words; customers with the columns of all domains."""
    from storeops.reading.columns import columns

    found: dict[str, Any] = json.loads(ANSWERS.read_text(encoding="utf-8"))
    kinds = {int: "integer|null", float: "number|null"}
    brought = {key: kinds.get(each.kind, "string|null") for key, (_by, each) in columns().items()}
    for path in ("customer list", "customer search", "customer show", "mark show"):
        if path in found:
            found[path]["row"] |= brought
    return found


def answered(path: str) -> dict[str, Any]:
    """The JSON Schema of a command's answer with `--json`; {} for what is not known."""
    known = answers().get(path)
    if known is None:
        return {}
    row = as_schema(known["row"])
    if known["kind"] != "list":
        return {"$schema": DIALECT, **row}
    return {
        "$schema": DIALECT,
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": row},
            "next": {"type": ["string", "null"], "description": _("for --after")},
            "has_more": {"type": "boolean"},
            "complete": {"type": "boolean", "description": _("whether all of it was read")},
            "as_of": {"type": ["string", "null"], "format": "date-time"},
        },
        "required": ["items", "next", "has_more", "complete", "as_of"],
    }


def as_schema(shape: Any) -> dict[str, Any]:
    """JSON Schema of a shape of `answers.json`.

    A shape is "string", "integer|null", …; [shape] for a list; {name: shape} for an object, and
    {"*": shape} for one whose names are data.
    """
    if isinstance(shape, str):
        kinds = shape.split("|")
        if "any" in kinds or kinds == ["null"]:  # nothing else was ever seen: no promise
            return {}
        return {"type": kinds[0] if len(kinds) == 1 else kinds}
    if isinstance(shape, list):
        return {"type": "array", "items": as_schema(shape[0]) if shape else {}}
    nullable = "?" in shape
    names = {name: each for name, each in shape.items() if name != "?"}
    found: dict[str, Any] = {"type": ["object", "null"] if nullable else "object"}
    if "*" in names:
        return found | {"additionalProperties": as_schema(names["*"])}
    return found | {"properties": {name: as_schema(each) for name, each in names.items()}}
