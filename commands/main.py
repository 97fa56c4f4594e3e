"""The front door: choose the language, find the noun, run it, explain what went wrong."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import NoReturn

from storeops import i18n
from storeops.domain import Noun, registry
from storeops.i18n import N_, _

# nouns that belong to no domain; those of domains come from the registry
CORE: tuple[Noun, ...] = tuple(
    Noun(name=name, module=f"commands.{module or name}", help=text, group=group)
    for group, name, module, text in (
        ("look", "tui", "", N_("Open the full-screen interface.")),
        ("look", "customer", "", N_("Find, show and export customers; notes and timelines.")),
        ("look", "staff", "", N_("Staff members: list and show.")),
        ("look", "stats", "", N_("Count customers by store, owner, tag, way or month.")),
        ("change", "plan", "", N_("Plans: review, apply, export.")),
        ("change", "job", "", N_("Jobs: watch, retry, cancel.")),
        ("change", "audit", "", N_("The journal: who changed what, and proof that it is whole.")),
        ("watch", "sync", "", N_("Bring the mirror up to date, verify it.")),
        ("watch", "events", "", N_("What WeCom calls back about: receive, handle, look.")),
        ("watch", "status", "", N_("How fresh the mirror is, limits, queue, disk.")),
        ("setup", "doctor", "", N_("Check the set-up and say what to change where.")),
        ("setup", "profile", "", N_("Companies: add, list, choose, show, remove.")),
        ("setup", "config", "", N_("Settings: list, get, set.")),
        (
            "setup",
            "db",
            "",
            N_("Database files: check, back up, restore, prune, query."),
        ),
        ("setup", "plugin", "", N_("Domains: which there are, from where, and what each brings.")),
        ("setup", "api", "", N_("Call the WeCom API raw, within the limits.")),
        ("setup", "completion", "", N_("Shell completion for bash, zsh, fish.")),
        ("setup", "help", "manual", N_("Help: of a command, of the filter language, of output.")),
        ("setup", "schema", "", N_("What every command takes and answers, as JSON Schema.")),
        ("setup", "exit-codes", "exit_codes", N_("What the exit codes mean.")),
        ("setup", "version", "", N_("The versions in use.")),
    )
)
GROUPS = {
    "try": N_("Try it:"),
    "look": N_("Look:"),
    "change": N_("Change:"),
    "watch": N_("Keep watch:"),
    "setup": N_("Set up:"),
}


@cache
def nouns() -> dict[str, Noun]:
    """Every noun by its name, in the order of the help page; a module is imported when used."""
    found = [*CORE, *(noun for _domain, noun in registry().named("nouns").values())]
    order = list(GROUPS)
    found.sort(key=lambda each: order.index(each.group) if each.group in order else len(order))
    return {each.name: each for each in found}


def main() -> NoReturn:
    """Entry point of the `storeops` script."""
    _reopen()
    under = sys.stderr  # kept: it would close the buffer that both write to
    sys.stderr = _Notes(under.buffer, under.encoding, line_buffering=True)
    sys.exit(run(sys.argv[1:]))


class _Notes(io.TextIOWrapper):
    """A stderr that ends no command when it takes nothing more: a full disk, a closed pipe."""

    def write(self, text: str, /) -> int:
        """Write what can be written."""
        with suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        """Flush what can be flushed."""
        with suppress(OSError):
            super().flush()


def _reopen() -> None:
    """Let streams that were closed (`>&-`) lead nowhere, as `>/dev/null` does.

    A file opened later would get their number, and what a library prints would go into it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            mode = os.O_RDONLY if number == 0 else os.O_WRONLY
            if os.open(os.devnull, mode) != number:
                continue
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", closefd=False))


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns its exit code. Writes to sys.stdout and sys.stderr.

    Args:
        arguments: the words after `storeops`.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a stray surrogate must not end the command
            stream.reconfigure(errors="backslashreplace")
    config_error = _speak(arguments)
    # the language is chosen: help texts may be evaluated now
    from commands import context, diagnostics

    call = context.begin()
    call.expect(_formats(arguments))  # errors of parsing already answer in it
    code: int
    try:
        refuse_foreign_encoding(arguments)
        if config_error is not None and not _needs_no_config(arguments):
            raise config_error
        code = _serve(list(arguments))
        sys.stdout.flush()
    except BrokenPipeError:
        _swallow_stdout()
        code = 0  # whoever read has seen enough
    except SystemExit as error:
        if isinstance(error.__context__, BrokenPipeError):  # Typer turns it into exit 1
            _swallow_stdout()
            code = 0
        else:  # Typer's completion ends like this
            code = error.code if isinstance(error.code, int) else 1
    except BaseException as error:
        try:
            code = diagnostics.exit_code(error, call.settings)
            sys.stdout.flush()  # a bare noun answers with its help
        except BrokenPipeError:
            _swallow_stdout()
            code = 0
        except OSError as trouble:
            _swallow_stdout()
            code = diagnostics.exit_code(trouble, call.settings)
    finally:
        call.close()
    try:
        sys.stdout.flush()
    except OSError:
        _swallow_stdout()
    return code


def refuse_foreign_encoding(arguments: Sequence[str]) -> None:
    """Refuse words that are not UTF-8, such as those of a GBK terminal.

    Raises:
        UsageError: which word, and what to do.
    """
    from storeops.errors import UsageError

    for number, each in enumerate(arguments, 1):
        try:
            each.encode()
        except UnicodeEncodeError:
            shown = each.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            raise UsageError(
                _("Word {number} of the command line is not UTF-8: {word}").format(
                    number=number, word=shown
                ),
                hint=_("Set the terminal to UTF-8 (locale zh_CN.UTF-8; on Windows: chcp 65001)."),
            ) from None


def _serve(arguments: list[str]) -> int:
    from commands import tree

    root = tree.root()
    if "_STOREOPS_COMPLETE" in os.environ:
        from typer.completion import completion_init  # type: ignore[attr-defined]

        completion_init()
    answer = root.main(args=arguments, prog_name="storeops", standalone_mode=False)
    return answer if isinstance(answer, int) else 0


def _speak(arguments: Sequence[str]) -> Exception | None:
    """Choose the language: --lang, STOREOPS_LANG, config.toml, locale."""
    from storeops.errors import StoreOpsError, UsageError

    wanted = _value_of("--lang", arguments)
    if wanted[:2].lower() in ("zh", "en"):
        i18n.use("zh_CN" if wanted.lower().startswith("zh") else "en")
        return None
    if wanted:
        i18n.use(i18n.pick_language())
        return UsageError(
            _("--lang: “{wish}” is no language of storeops.").format(wish=wanted),
            hint=_("Use one of: {words}.").format(words="en, zh_CN"),
        )
    configured = ""
    failed: Exception | None = None
    if not os.environ.get("STOREOPS_LANG"):
        i18n.use(i18n.pick_language())
        try:
            configured = _configured_language()
        except StoreOpsError as error:
            failed = error
        except OSError as error:
            from storeops.os_errors import explain_os

            failed = explain_os(error) or error
    i18n.use(i18n.pick_language(configured))
    return failed


def _configured_language() -> str:
    from storeops import paths

    if not paths.config_file().exists():  # the TOML parser costs 5 ms
        return ""
    from storeops import config

    return config.load().language


def _needs_no_config(arguments: Sequence[str]) -> bool:
    """Help, completion and the commands that explain or repair a broken config.toml."""
    words = [each for each in arguments if not each.startswith("-")]
    return (
        any(each in ("--help", "-h", "--version", "-V") for each in arguments)
        or "_STOREOPS_COMPLETE" in os.environ
        or (
            not words
            or words[0] in ("doctor", "version", "exit-codes", "completion", "help", "schema")
        )
    )


def _value_of(name: str, arguments: Sequence[str]) -> str:
    for index, each in enumerate(arguments):
        if each == "--":
            break
        if each == name and index + 1 < len(arguments):
            return arguments[index + 1]
        if each.startswith(f"{name}="):
            return each.partition("=")[2]
    return ""


def _formats(arguments: Sequence[str]) -> list[str]:
    """The options that may choose the format; a command can mean something else by one."""
    words = list(arguments)
    words = words[: words.index("--")] if "--" in words else words
    chosen = [each for each in words if each in ("--json", "--ndjson", "--csv")]
    form = next(filter(None, (_value_of(name, words) for name in ("--output", "-o"))), "")
    return chosen or ([f"--{form}"] if form in ("json", "ndjson", "csv") else [])


def _swallow_stdout() -> None:
    """Let the interpreter's last flush go nowhere."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
    except (OSError, ValueError):
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123
