"""stderr and exit codes: the one place where an error becomes words.

People get one line, a hint and up to three next steps; with `--json`, `--ndjson` or `--csv` one
JSON object on stderr (`StoreOpsError.as_dict`). Bugs go to the log with their traceback.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from commands import habits
from commands.cells import json_text
from commands.context import Interrupted, current
from storeops.domain import registry
from storeops.errors import ExitCode, NothingToDoError, StoreOpsError, UsageError
from storeops.i18n import N_, _
from storeops.plain import plain
from storeops.spelling import did_you_mean

if TYPE_CHECKING:
    from commands.context import Settings


def note(text: str) -> None:
    """Say something to the person, on stderr; silent with `--quiet`."""
    if not current().settings.quiet:
        print(plain(named(text)), file=sys.stderr)


def warn(text: str) -> None:
    """Say something that must not be missed, on stderr; also with `--quiet`."""
    print(_("storeops: warning: {text}").format(text=plain(text)), file=sys.stderr)


# a command line at the end of a line or clause, or between backticks
_IN_TEXT = re.compile(
    r"(?:(?<=: )|(?<=：)|(?<=`))storeops [^`;；。\n]*?(?=\.?(?:[`;；。]|\.\s|$))", re.M
)


def named(text: str) -> str:
    """A text whose command lines work as they stand: with the profile this command was given."""
    settings = current().settings
    return _IN_TEXT.sub(lambda found: typed(found[0], settings), text)


def report(error: StoreOpsError, settings: Settings) -> int:
    """Write an error to stderr; returns the exit code."""
    if settings.machine:
        value = error.as_dict()
        value["next_steps"] = [typed(step, settings) for step in error.next_steps]
        print(json_text(value), file=sys.stderr)
        return int(error.exit_code)
    lines = [_("storeops: error: {message}").format(message=plain(error.message))]
    if error.hint:
        hint = _IN_TEXT.sub(lambda found: typed(found[0], settings), error.hint)
        lines.append("  " + _("hint: {hint}").format(hint=plain(hint)))
    lines += [
        "  " + _("next: {step}").format(step=plain(typed(step, settings)))
        for step in error.next_steps[:3]
        if step not in error.hint
    ]
    print("\n".join(lines), file=sys.stderr)
    return int(error.exit_code)


def typed(step: str, settings: Settings) -> str:
    """A command line as it must be typed here: with the profile that this command was given."""
    if not settings.profile or not step.startswith("storeops ") or " --profile" in step:
        return step
    if step.startswith("storeops profile "):  # it names profiles itself
        return step
    return f"{step} --profile {shlex.quote(settings.profile)}"


def exit_code(error: BaseException, settings: Settings) -> int:
    """Explain whatever ended the command; returns its exit code."""
    if isinstance(error, NothingToDoError):
        return _nothing(error)
    if isinstance(error, StoreOpsError):
        return report(error, settings)
    if isinstance(error, typer.Exit):
        return error.exit_code
    if isinstance(error, Interrupted):
        code = _interrupted(error.resume, settings)
        return int(ExitCode.TERMINATED) if error.terminated else code
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return _interrupted("", settings)
    if isinstance(error, typer.TyperException):
        if type(error).__name__ == "NoArgsIsHelpError":
            print(str(getattr(error, "message", "")))
            return int(ExitCode.OK)
        return report(usage_error(error), settings)
    if isinstance(error, OSError) or type(error).__module__ == "sqlite3":  # importing costs 3 ms
        from storeops.database.trouble import known

        found = known(error, settings_database(settings))
        if found is not None:
            return report(found, settings)
    return _bug(error, settings)


def _nothing(error: NothingToDoError) -> int:
    """All is as it was wished: an answer, not an error."""
    from commands import output

    output.result(error.details, "\n  ".join(filter(None, (error.message, error.hint))))
    return int(error.exit_code)


def settings_database(settings: Settings) -> Any:
    """The database that a bare SQLite error most likely speaks of."""
    from storeops import config, paths

    with suppress(StoreOpsError, OSError):
        name = config.load().choose(settings.profile or None).name
        return paths.data_file(name)
    return Path("data.db")


def _interrupted(resume: str, settings: Settings) -> int:
    if settings.machine:
        words = {"category": "interrupted", "errcode": None, "message": "interrupted", "hint": ""}
        steps = [typed(resume, settings)] if resume else []
        print(
            json_text({**words, "next_steps": steps, "retryable": True, "retry_after_s": None}),
            file=sys.stderr,
        )
    elif resume:
        text = _("Stopped; everything so far is kept. Go on with: {command}")
        print("\n" + text.format(command=typed(resume, settings)), file=sys.stderr)
    else:
        print("\n" + _("Stopped."), file=sys.stderr)
    return int(ExitCode.INTERRUPTED)


def _bug(error: BaseException, settings: Settings) -> int:
    from commands import logs  # logging costs 6 ms, and bugs are rare

    kind = type(error).__name__
    where = None
    with suppress(OSError, StoreOpsError):
        where = logs.bug(error)
    hint = (
        _("The details are in {path}; please report them.").format(path=where)
        if where is not None
        else _("The log cannot be written; run it again with --verbose and report what it prints.")
    )
    found = registry().at_fault(error)
    words = _("This is a bug in storeops ({kind}).").format(kind=kind)
    if found is not None:
        words = _("This is a bug in {package} (domain {name}, {kind}), not in storeops.").format(
            package=found.package, name=found.name, kind=kind
        )
        if where is not None:
            hint = _(
                "The details are in {path}; report them to whoever made that package. All else"
                " works without it."
            ).format(path=where)
    known = StoreOpsError(words, hint=hint)
    if settings.verbose and not settings.machine:
        import traceback

        print(logs.clean("".join(traceback.format_exception(error))), file=sys.stderr)
    return report(known, settings)


_VALUES = (
    (
        r"'?(?P<value>.*?)'? is not a valid (?:integer|int)\b.*",
        N_("{value} is not a whole number."),
    ),
    (r"'?(?P<value>.*?)'? is not a valid (?:float)\b.*", N_("{value} is not a number.")),
    (
        r"'?(?P<value>.*?)'? is not in the range x>=(?P<least>\S+?)\.?",
        N_("{value} is too little; {least} is the least."),
    ),
    (
        r"'?(?P<value>.*?)'? is not in the range x<=(?P<most>\S+?)\.?",
        N_("{value} is too much; {most} is the most."),
    ),
    (
        r"'?(?P<value>.*?)'? is not in the range (?P<least>\S+?)<=?x<=?(?P<most>\S+?)\.?",
        N_("{value} is not between {least} and {most}."),
    ),
    (
        r"'?(?P<value>.*?)'? is not (?:one of|a valid choice\.?:?) ?(?P<rest>.*?)\.?",
        N_("{value} is not one of {rest}."),
    ),
    (
        r"(?:File|Path|Directory) '?(?P<value>.*?)'? does not exist\.?",
        N_("There is no file {value}."),
    ),
)


def usage_error(error: Any) -> UsageError:
    """Typer's complaint about the words of a command as ours, in the user's language."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "storeops"
    steps = [f"{path} --help"]
    more = _("`{command} --help` explains the options.").format(command=path)
    kind = type(error).__name__
    parameter = getattr(error, "param", None)
    if kind == "NoSuchOption":
        return UsageError(
            _("There is no option {name}.").format(name=error.option_name),
            hint=habits.option_hint(error.option_name)
            or did_you_mean(error.option_name, _option_names(context), more),
            next_steps=steps,
        )
    if kind == "MissingParameter" and parameter is not None:
        return UsageError(
            _("{name} is missing.").format(name=_name(parameter, context)),
            hint=more,
            next_steps=steps,
        )
    if kind == "BadParameter":
        return UsageError(
            _("{name}: {text}").format(
                name=_name(parameter, context), text=_value(str(error.message))
            ),
            hint=more,
            next_steps=steps,
        )
    message = str(getattr(error, "message", error))
    extra = re.match(r"Got unexpected extra arguments?\(?s?\)? \((.*)\)", message, re.DOTALL)
    if extra is not None:
        text = _("There is one word too many: {words}.").format(words=extra[1])
        if current().settings.machine and re.fullmatch(r"[\w.]+(,[\w.]+)*,?", extra[1]):
            more = _("Fields stand behind --fields: {example}.").format(
                example=f"--fields {extra[1]}"
            )
        elif "--where" in _option_names(context):
            more = _("A filter stands behind --where: {example}.").format(
                example=f"--where '{extra[1].split()[0]}'"
            )
    elif kind == "BadOptionUsage":
        takes_none = "does not take" in message
        text = (
            _("The option {name} takes no value.") if takes_none else _("{name} needs a value.")
        ).format(name=error.option_name)
    elif message.startswith("Missing command"):
        text = _("A command is missing.")
    else:
        text = message
    return UsageError(text, hint=more, next_steps=steps)


def _name(parameter: Any, context: Any) -> str:
    if parameter is None:
        return _("The value")
    if parameter.param_type_name == "argument":
        return str(parameter.make_metavar(context))
    return str(max(parameter.opts, key=len))


def _value(message: str) -> str:
    for pattern, text in _VALUES:
        match = re.fullmatch(pattern, message, re.DOTALL)
        if match is not None:
            return _(text).format(**match.groupdict())
    return message


def _option_names(context: Any) -> Sequence[str]:
    if context is None:
        return []
    parameters = context.command.get_params(context)
    return [name for each in parameters for name in (*each.opts, *each.secondary_opts)]
