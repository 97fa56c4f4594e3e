"""Write docs/reference.md and docs/zh/reference.md from the code, in a process for each language.

`--check` fails when a page is not current. `--man FOLDER` writes man pages of the same words
instead: FOLDER/man1 and FOLDER/zh_CN/man1, one a noun.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

# help texts are chosen when modules are imported
os.environ["STOREOPS_LANG"] = "zh_CN" if "zh_CN" in sys.argv else "en"

import typer

from commands import tree
from commands.exit_codes import MEANINGS
from commands.help import value_word
from commands.main import nouns
from commands.options import GLOBALS
from storeops import config, i18n, times
from storeops.ceilings import CallLimits, Ceilings

LANGUAGE = os.environ["STOREOPS_LANG"]
i18n.use(LANGUAGE)
HERE = Path(__file__).parent
TARGET = HERE / "zh" / "reference.md" if LANGUAGE == "zh_CN" else HERE / "reference.md"

CONFIG_KEYS = {
    "language": "`en` or `zh_CN`; unset: the locale decides",
    "profile": "the default profile",
    "stale_after": "a mirror older than this is called stale",
    "time_zone": "the zone in which moments are shown and read, such as Asia/Tokyo",
    "profiles.NAME.corp_id": "WeCom's corpid",
    "profiles.NAME.agent_id": "the app's number",
    "profiles.NAME.base_url": "where the API answers; `http://` on this machine only",
    "profiles.NAME.store": "one shop (code, name or number) as the default of every view",
    "profiles.NAME.read_only": "`true` refuses every change",
    "profiles.NAME.sandbox": "`true`: a WeCom on this desk",
    "profiles.NAME.head_office": "address of the hub that a back office follows",
    "profiles.NAME.allow": "kinds of plan that may be applied; unset: all",
    "profiles.NAME.limits.in_flight": "calls at the same moment, per corp and API",
    "profiles.NAME.limits.per_minute": "calls in any minute, per corp and API",
    "profiles.NAME.limits.per_hour": "calls in any hour, per corp and API",
    "profiles.NAME.limits.timeout_s": "seconds to wait for an answer, per try; 35 at most",
    "profiles.NAME.policy.max_rows_per_plan": "ready rows of one plan; 0: no ceiling",
    "profiles.NAME.policy.max_rows_per_day": "rows applied in one day; 0: no ceiling",
}
ENVIRONMENT = {
    "STOREOPS_HOME": "moves configuration, data and logs into one folder",
    "STOREOPS_PROFILE": "the profile to use",
    "STOREOPS_LANG": "`en` or `zh_CN`",
    "STOREOPS_TZ": "goes before `time_zone`",
    "STOREOPS_SECRET_<PROFILE>": "the app's secret; capitals, other characters as `_`",
    "STOREOPS_CALLBACK_TOKEN_<PROFILE>": "the token of its callbacks",
    "STOREOPS_CALLBACK_KEY_<PROFILE>": "the EncodingAESKey of its callbacks",
    "STOREOPS_PAGER": "pager for long tables, else `PAGER`, else `less`; empty: none",
    "NO_COLOR": "no bold, no colour",
}


# texts of the page that belong to no command
CHINESE: dict[str, str] = json.loads((HERE / "zh" / "reference.json").read_text(encoding="utf-8"))


def say(text: str) -> str:
    """A text of these pages in their language."""
    return CHINESE[text] if LANGUAGE == "zh_CN" else text


def defaults() -> dict[str, str]:
    """Config key -> its default, from the dataclasses."""
    profile = config.Profile(name="", corp_id="")
    found = {
        "stale_after": config.duration(config.Config().stale_after),
        "time_zone": times.DEFAULT,
    }
    for key in CONFIG_KEYS:
        last = key.rsplit(".", 1)[-1]
        if ".limits." in key or ".policy." in key:
            inner = profile.limits if ".limits." in key else profile.policy
            found[key] = str(getattr(inner, last))
        elif key.startswith("profiles.") and getattr(profile, last) not in ("", None):
            found[key] = str(getattr(profile, last)).lower()
    return found


def check_keys() -> None:
    """Every key of the code is on the page, and no other."""
    fields = {f"profiles.NAME.{name}" for name in config.Profile.__dataclass_fields__} - {
        "profiles.NAME.name",
        "profiles.NAME.limits",
        "profiles.NAME.policy",
    }
    fields |= {f"profiles.NAME.limits.{name}" for name in CallLimits.__dataclass_fields__}
    fields |= {f"profiles.NAME.policy.{name}" for name in Ceilings.__dataclass_fields__}
    fields |= set(config.Config.__dataclass_fields__) - {"profiles"}
    assert fields == set(CONFIG_KEYS), fields ^ set(CONFIG_KEYS)


def cell(text: str) -> str:
    """Text for a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")


def parameters(command: Any, context: typer.Context) -> list[str]:
    """Rows of a command's arguments and options, without the global ones."""
    rows = []
    for each in command.params:
        if each.name.startswith("global_") or getattr(each, "hidden", False):
            continue
        if each.param_type_name == "argument":
            name = each.make_metavar(context)
        else:
            name = ", ".join([*each.opts, *each.secondary_opts])
            if not each.is_flag:
                name += f" {value_word(each, context)}"
        text = each.help or ""
        default = each.default
        shown = each.show_default and not callable(default)
        if shown and default not in (None, "", False, True, (), []):
            text += f" ({say('default: {value}').format(value=getattr(default, 'value', default))})"
        rows.append(f"| `{cell(name)}` | {cell(text)} |")
    return rows


def command_pages(command: Any, path: str, parent: typer.Context) -> list[str]:
    """The section of a command, or of a group and everything inside it."""
    context = tree.Command.context_class(command, info_name=path.split()[-1], parent=parent)
    lines = [f"### `{path}`", "", command.help or "", ""]
    rows = parameters(command, context)
    if rows:
        lines += ["| | |", "|---|---|", *rows, ""]
    for name in getattr(command, "commands", {}):
        lines += command_pages(command.commands[name], f"{path} {name}", context)
    return lines


def page() -> str:
    """The whole page."""
    check_keys()
    root = tree.root()
    context = root.context_class(root, info_name="storeops")
    lines = [
        f"# {say('Reference')}",
        "",
        say(
            "Made from the code by `make docs`; do not edit. The filter language has "
            "[its own page](filter-language.md)."
        ),
        "",
        f"## {say('Global options')}",
        "",
        say("They stand before or after the words of any command."),
        "",
        "| | |",
        "|---|---|",
    ]
    for option in GLOBALS:
        name = ", ".join(option.names) + (f" {option.metavar}" if option.metavar else "")
        lines.append(f"| `{name}` | {cell(i18n._(option.help))} |")
    lines += [
        "",
        say(
            'Lists answer `{"items": […], "next": …, "has_more": …, "complete": …, "as_of": …}` '
            "with `--json`. Errors go to stderr: one line, a hint, next steps; with `--json`, "
            "`--ndjson` or `--csv` one object `{category, errcode, message, hint, next_steps, "
            "retryable, retry_after_s}`."
        ),
        "",
        f"## {say('Exit codes')}",
        "",
        f"| {say('code')} | {say('meaning')} |",
        "|---|---|",
        *(f"| {int(code)} | {i18n._(text)} |" for code, text in MEANINGS.items()),
        "",
        f"## {say('Settings')}",
        "",
        say(
            "`config.toml`, read and written by `storeops config`; `storeops config list --json` "
            "says where it lies."
        ),
        "",
        f"| {say('key')} | {say('default')} | {say('meaning')} |",
        "|---|---|---|",
    ]
    known = defaults()
    lines += [
        f"| `{key}` | {known.get(key, '')} | {say(text)} |" for key, text in CONFIG_KEYS.items()
    ]
    lines += ["", f"## {say('Environment')}", "", f"| {say('variable')} | {say('meaning')} |"]
    lines += ["|---|---|"]
    lines += [f"| `{name}` | {say(text)} |" for name, text in ENVIRONMENT.items()]
    lines += ["", f"## {say('Commands')}", ""]
    for noun in nouns():
        lines += command_pages(root.get_command(context, noun), f"storeops {noun}", context)
    return "\n".join(lines).rstrip() + "\n"


def roff(text: str) -> str:
    """Text as troff takes it."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join(
        f"\\&{line}" if line.startswith((".", "'")) else line for line in text.split("\n")
    )


def man_pages(folder: Path) -> None:
    """One page a noun, and one of the root, under FOLDER/man1 or FOLDER/zh_CN/man1."""
    from storeops import __version__

    where = folder / ("man1" if LANGUAGE == "en" else f"{LANGUAGE}/man1")
    where.mkdir(parents=True, exist_ok=True)
    root = tree.root()
    context = root.context_class(root, info_name="storeops")
    for noun in ("", *nouns()):
        command = root.get_command(context, noun) if noun else root
        name = f"storeops-{noun}" if noun else "storeops"
        lines = [
            f'.TH "{name.upper()}" "1" "" "storeops {__version__}"',
            f".SH {say('NAME')}",
            roff(f"{name} - {(command.help or '').splitlines()[0]}"),
        ]
        for path, each, its in _below(command, f"storeops {noun}".strip(), context, bool(noun)):
            formatter = its.make_formatter()
            each.format_help(its, formatter)
            body = roff(formatter.getvalue().rstrip())
            lines += [f".SH {roff(path)}", ".nf", body, ".fi"]
        (where / f"{name}.1").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _below(command: Any, path: str, parent: Any, inside: bool) -> list[tuple[str, Any, Any]]:
    """(words, command, context) of a command and, when asked for, of those inside it."""
    if not inside:
        return [(path, command, parent)]
    context = command.context_class(command, info_name=path.split()[-1], parent=parent)
    found = [(path, command, context)]
    for name, inner in getattr(command, "commands", {}).items():
        found += _below(inner, f"{path} {name}", context, True)
    return found


def main() -> int:
    """Write the pages, or compare them; the Chinese ones in a process of their own."""
    failed = 0
    if LANGUAGE == "en":
        words = [sys.executable, __file__, *sys.argv[1:], "--language", "zh_CN"]
        failed = subprocess.run(words, check=False).returncode
    if "--man" in sys.argv:
        man_pages(Path(sys.argv[sys.argv.index("--man") + 1]))
        return failed
    text = page()
    if "--check" not in sys.argv:
        TARGET.write_text(text, encoding="utf-8")
        return failed
    if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text:
        print(f"{TARGET.relative_to(HERE.parent)} is not current: run `make docs`", file=sys.stderr)
        return 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
