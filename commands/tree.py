"""Typer's commands and groups as storeops needs them: global options, our help, our errors.

`equip` gives any plain `typer.Typer` these classes, so that a module of commands needs to know
nothing of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.main import get_group

from commands import habits
from commands import help as help_pages
from commands.context import current
from commands.options import global_options, take_globals
from storeops.domain import Noun, load
from storeops.errors import UsageError
from storeops.i18n import _, language
from storeops.spelling import nearest

# each of these says how many rows
_HOW_MANY = ("--all", "--limit")


def refuse_contradictions(given: Sequence[Any]) -> None:
    """Refuse an option that takes one value and is given twice, and `--all` beside `--limit`.

    Args:
        given: parameters in the order of the command line, each as often as it was given.

    Raises:
        UsageError: one of the values would have been dropped.
    """
    seen: set[Any] = set()
    for each in given:
        if each.param_type_name != "option" or each.multiple or each.count:
            continue
        if each in seen and not (each.is_flag and not each.secondary_opts):
            raise UsageError(
                _("{option} is given twice; it takes one value.").format(
                    option=max(each.opts, key=len)
                ),
                hint=_("Leave one of them out."),
            )
        seen.add(each)
    if all(any(name in each.opts for each in seen) for name in _HOW_MANY):
        raise UsageError(
            _("{options} contradict each other.").format(options=_(", ").join(_HOW_MANY)),
            hint=_("Leave one of them out."),
        )


class _Shared:
    """What commands and groups have in common."""

    hide_globals = True

    def get_params(self, ctx: Any) -> list[Any]:
        """Own parameters and the global options that they do not replace."""
        mine: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        shared: list[Any] | None = getattr(self, "_globals", None)
        if shared is None:
            taken = [name for each in mine for name in (*each.opts, *each.secondary_opts)]
            shared = list(global_options(taken, hidden=self.hide_globals))
            self._globals = shared  # the parser compares parameters by identity
        return [*mine, *shared]

    def get_help_option_names(self, ctx: Any) -> list[str]:
        """`--help` and, where it is free, `-h`."""
        names: list[str] = super().get_help_option_names(ctx)  # type: ignore[misc]
        taken = {name for each in self.get_params_of(ctx) for name in each.opts}
        return names if "-h" in taken or "--help" not in names else ["-h", *names]

    def get_params_of(self, ctx: Any) -> list[Any]:
        """The parameters but for help."""
        return list(getattr(self, "params", ()))

    def get_help_option(self, ctx: Any) -> Any:
        """`--help`, in the user's language."""
        option = super().get_help_option(ctx)  # type: ignore[misc]
        if option is not None:
            option.help = _("Show this page.")
        return option

    def make_parser(self, ctx: Any) -> Any:
        """A parser that refuses what would count in silence only once, or not at all."""
        parser: Any = super().make_parser(ctx)  # type: ignore[misc]
        if not ctx.resilient_parsing:
            parse = parser.parse_args

            def parse_once(args: list[str]) -> Any:
                found = parse(args=args)
                refuse_contradictions(found[2])
                return found

            parser.parse_args = parse_once
        return parser

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, then move the global options to the call.

        Raises:
            UsageError: an option is given twice, or together with one that contradicts it.
        """
        if not ctx.resilient_parsing:
            own = super().get_params(ctx)  # type: ignore[misc]
            current().disown([name for each in own for name in each.opts])
        rest: list[str] = super().parse_args(ctx, args)  # type: ignore[misc]
        given = take_globals(ctx.params)
        if not ctx.resilient_parsing:
            current().give(given)
            current().path = ctx.command_path.partition(" ")[2]
            current().options = frozenset(
                name for each in self.get_params(ctx) for name in getattr(each, "opts", ())
            )
        return rest


class Command(_Shared, TyperCommand):
    """A command: a noun's verb."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, and refuse a file beside another form.

        Raises:
            UsageError: as for every command; `--force` without a file, `--save` beside `--json`.
        """
        rest = super().parse_args(ctx, args)
        settings = current().settings
        if ctx.resilient_parsing:
            return rest
        if settings.over and not settings.save:
            raise UsageError(_("--force replaces the file of --save, and there is none."))
        if settings.save and settings.machine:
            raise UsageError(
                _("{options} contradict each other.").format(
                    options=f"--save, --{settings.format}"
                ),
                hint=_("For programs: {example}.").format(example=f"--{settings.format} > FILE"),
            )
        return rest

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help page."""
        formatter.write(help_pages.page(self, ctx, []))
        formatter.write("\n\n")
        note = _("Global options such as --json, -o wide, --fields, --profile: `storeops --help`.")
        formatter.write(note)


class Group(_Shared, TyperGroup):
    """A noun, or a group of verbs inside it."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help page."""
        rows = []
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                rows.append((name, command.get_short_help_str(1000)))
        formatter.write(help_pages.page(self, ctx, [(_("Commands:"), rows)]))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command, or say which one may have been meant."""
        command = self.get_command(ctx, args[0])
        if command is None and not ctx.resilient_parsing and not args[0].startswith("-"):
            meant = habits.verb(args[0], self.list_commands(ctx), args[1:])
            if not meant:
                raise self.unknown(ctx, args[0])
            args = [meant, *args[1:]]
        return super().resolve_command(ctx, args)

    def unknown(self, ctx: Any, word: str) -> UsageError:
        """The error for a command that does not exist."""
        known = self.list_commands(ctx)
        other = habits.other_verb(word, known)
        near = [other] if other else nearest(word, known, 1)
        path = ctx.command_path
        if near:
            hint = _("Did you mean {words}?").format(words=f"`{path} {near[0]}`")
        else:
            hint = _("`{command} --help` lists the commands there are.").format(command=path)
        return UsageError(
            _("There is no command {word}.").format(word=f"`{path} {word}`"),
            hint=hint,
            next_steps=[f"{path} {near[0]}" if near else f"{path} --help"],
        )


class Root(Group):
    """The root: imports the module of a noun only when the noun is used."""

    hide_globals = False
    nouns: Mapping[str, Noun] = {}
    groups: Mapping[str, str] = {}
    _version: Any = None

    def list_commands(self, ctx: Any) -> list[str]:
        """The nouns, in their order."""
        return [*self.nouns, *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The noun's group or command, imported now."""
        if cmd_name in self.nouns and cmd_name not in self.commands:
            app = load(f"{self.nouns[cmd_name].module}:app")
            self.add_command(build(app, cmd_name), cmd_name)
        return super().get_command(ctx, cmd_name)

    def get_params(self, ctx: Any) -> list[Any]:
        """Beside the global options `--version`, which ends the call."""
        found = super().get_params(ctx)
        if self._version is None:
            self._version = TyperOption(
                param_decls=["root_version", "--version", "-V"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_print_version,
                help=_("Say which version this is."),
            )
        return [*found, self._version]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the noun, also where the verb of other tools stands first."""
        return super().resolve_command(ctx, habits.turned(args, self.list_commands(ctx)))

    def unknown(self, ctx: Any, word: str) -> UsageError:
        """The error for a noun that does not exist."""
        line = habits.LINES.get(word)
        if line is None:
            return super().unknown(ctx, word)
        return UsageError(
            _("There is no command {word}.").format(word=f"`storeops {word}`"),
            hint=_("Did you mean {words}?").format(words=f"`{line}`"),
            next_steps=[f"{' '.join(line.split()[:2])} --help"],
        )

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help page without importing any noun."""
        groups = [
            (
                _(title),
                [(each.name, _(each.help)) for each in self.nouns.values() if each.group == key],
            )
            for key, title in self.groups.items()
        ]
        formatter.write(help_pages.page(self, ctx, groups))

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Complete nouns without importing any."""
        from typer.core import CompletionItem  # type: ignore[attr-defined]

        rows = [
            CompletionItem(each.name, help=_(each.help))
            for each in self.nouns.values()
            if each.name.startswith(incomplete)
        ]
        options: list[Any] = super(TyperGroup, self).shell_complete(ctx, incomplete)
        return rows + options


def _print_version(ctx: Any, _parameter: Any, wanted: bool) -> None:
    """Print the version and end."""
    if wanted and not ctx.resilient_parsing:
        from commands.output import line
        from storeops import __version__

        line(f"storeops {__version__}")
        raise typer.Exit


def root() -> Root:
    """The root of the command tree; modules of nouns are imported when they are used."""
    from commands import main

    Root.nouns, Root.groups = main.nouns(), main.GROUPS
    return Root(
        name="storeops",
        help=_(
            "Store operations for chains on WeCom: a mirror of customers to look at, plans to "
            "review, jobs that carry them out."
        ),
        epilog=_(
            "Start here: `storeops demo`. Filter language: `storeops help filter`. "
            "Exit codes: `storeops exit-codes`."
        ),
        no_args_is_help=True,
        rich_markup_mode=None,
    )


def equip(app: typer.Typer) -> None:
    """Give a Typer app, and those inside it, the classes of this module."""
    app.info.cls = Group
    app.info.no_args_is_help = True
    app.rich_markup_mode = None
    app._add_completion = False
    for command in app.registered_commands:
        command.cls = command.cls if command.cls not in (None, TyperCommand) else Command
    if app.registered_callback is not None:
        app.registered_callback.cls = Group
        if not app.registered_callback.invoke_without_command:
            app.registered_callback.no_args_is_help = True
    for inner in app.registered_groups:
        inner.cls = Group
        if inner.typer_instance is not None:
            equip(inner.typer_instance)


def _complete(command: Any) -> None:
    """Completion for a command and all inside it, when a shell asks."""
    from commands.completing import complete_by_metavar

    complete_by_metavar(command)
    for inner in getattr(command, "commands", {}).values():
        _complete(inner)


def build(app: typer.Typer, name: str) -> TyperGroup | TyperCommand:
    """The command tree of a noun's Typer app.

    An app whose only command is called like the noun becomes that command (`storeops doctor`).
    It is built once per language: nothing of a call stays in it.
    """
    return _built(app, name, language(), "_STOREOPS_COMPLETE" in os.environ)


@cache
def _built(
    app: typer.Typer, name: str, _language: str, completes: bool
) -> TyperGroup | TyperCommand:
    equip(app)
    group = get_group(app)
    group.name = name
    if completes:
        _complete(group)
    only = list(group.commands)
    if only == [name]:
        return cast(TyperCommand, group.commands[name])
    return group
