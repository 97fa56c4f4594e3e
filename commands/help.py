"""Help pages: translated, cut by cells rather than characters, and without Rich (46 ms)."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

from storeops.i18n import _
from storeops.plain import cell_width, pad, wrap

if TYPE_CHECKING:
    from typer import Context
    from typer.core import TyperCommand, TyperGroup


def width() -> int:
    """Columns a page may take: the terminal's, 80 at least where nothing is known, 100 at most."""
    return max(40, min(100, shutil.get_terminal_size((80, 24)).columns))


def usage(command: TyperCommand | TyperGroup, context: Context) -> str:
    """The usage line: `Usage: storeops customer list [OPTIONS]`."""
    pieces = re.sub(r"\{(\w+)\}", r"\1", " ".join(command.collect_usage_pieces(context)))
    return _("Usage: {command} {pieces}").format(command=context.command_path, pieces=pieces)


def page(
    command: TyperCommand | TyperGroup,
    context: Context,
    groups: list[tuple[str, list[tuple[str, str]]]],
) -> str:
    """The whole help page of a command or group.

    Args:
        command: what is explained.
        context: its Typer context.
        groups: heading and (name, one line) of the commands inside, per group of them.
    """
    parts = [usage(command, context), ""]
    for line in (command.help or "").split("\n"):
        parts += [f"  {each}" if each else "" for each in wrap(line, width() - 2)]
    arguments: list[tuple[str, str]] = []
    options: list[tuple[str, str]] = []
    for parameter in command.get_params(context):
        if getattr(parameter, "hidden", False):
            continue
        if parameter.param_type_name == "argument":
            arguments.append(_record(parameter, parameter.make_metavar(context)))
        else:
            options.append(_record(parameter, _spelling(parameter, context)))
    for title, rows in (
        (_("Arguments:"), arguments),
        (_("Options:"), options),
        *groups,
    ):
        if rows:
            parts += ["", title, *columns(rows)]
    if any(getattr(each, "metavar", "") == "FILTER" for each in command.params):
        parts += ["", _("Filters, side by side or with `or` between them:"), *columns(filters())]
    if command.epilog:
        parts.append("")
        for line in command.epilog.split("\n"):
            parts += wrap(line, width())
    return "\n".join(parts)


def filters() -> list[tuple[str, str]]:
    """The filter language in a dozen lines, for who has no documents at hand."""
    return [
        (_("WORD"), _("In the name, a remark, pinyin or its initials, a phone; any part.")),
        ("@NAME, #TAG", _("Of this owner; with this tag, group/tag, or group/* for any of it.")),
        ("store:NAME", _("In this store or region: number, name or department id.")),
        ("has:WHAT", _("phone, remark, description, tag, state, unionid or group.")),
        ("owners:>1", _("How many staff members follow: 2 >1 <3 >=2.")),
        ("status: state: way:", _("As the options of these names say.")),
        ("since:7d until:2026-05", _("Added then: 2026-05-01, 2026-05, today, month, 24h, 7d.")),
        ("gender: type:", _("male, female, unknown; wechat, wecom.")),
        (
            "group: mark: note: id:",
            _("In this chat or mark; a note says it; this customer id."),
        ),
        ("!", _("Not: !has:tag has no tag at all, !#TAG not this one.")),
    ]


_VALUES = {"<int>": "N", "<int range>": "N", "<float>": "NUMBER", "<str>": "TEXT"}


def value_word(option: Any, context: Context) -> str:
    """What stands for an option's value, Typer's words for types replaced."""
    word = str(option.make_metavar(context))
    return _VALUES.get(word, word)


def _spelling(option: Any, context: Context) -> str:
    names = ", ".join(sorted(option.opts, key=len))
    if option.secondary_opts:
        names += " / " + ", ".join(option.secondary_opts)
    if option.is_flag or option.count:
        return names
    return f"{names} {value_word(option, context)}"


def _record(parameter: Any, spelling: str) -> tuple[str, str]:
    text = parameter.help or ""
    extra = []
    default = parameter.default
    if callable(default):
        default = None
    if parameter.show_default and default not in (None, "", False, (), []) and default is not True:
        extra.append(_("default: {value}").format(value=getattr(default, "value", default)))
    if parameter.required:
        extra.append(_("required"))
    if extra:
        more = _("; ").join(extra)
        text = f"{text}  [{more}]".strip()
    return spelling, text


def columns(rows: list[tuple[str, str]]) -> list[str]:
    """Name and text side by side; a long name stands on a line of its own."""
    first = min(max(cell_width(name) for name, _text in rows), 30)
    lines = []
    for name, text in rows:
        wrapped = wrap(text, max(20, width() - first - 4)) or [""]
        if cell_width(name) > first:
            lines.append(f"  {name}")
            if not text:
                continue
        else:
            lines.append(f"  {pad(name, first)}  {wrapped.pop(0)}".rstrip())
        lines += [" " * (first + 4) + each for each in wrapped]
    return lines
