"""Options: the global ones, which every command takes, and shared ones to reuse.

Global options may stand before or after the command's words (`storeops --json customer list`,
`storeops customer list --json`); `commands/tree.py` adds them to every command, and their values
lie in `commands.context.current().settings`. A command does not declare them. It may declare an
option of the same name; then its own meaning holds after its words.

Shared options are annotations. Use them in a signature:

```python
app = typer.Typer(help=_("Customers"))

@app.command("list", help=_("List customers, newest first."))
def list_(reveal: Reveal = False) -> None: ...
```
Options that go together, such as `--limit`, `--all` and `--after`, are one parameter: see
`commands/option_sets.py`.
Every command gives its help by `help=_("…")`: docstrings are not shown. Groups need no `cls`,
markup mode or completion settings; the loader in `commands/main.py` sees to that.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperOption

from storeops.errors import UsageError
from storeops.i18n import N_, _

if TYPE_CHECKING:
    from datetime import date

Yes = Annotated[bool, typer.Option("--yes", "-y", help=_("Do it without asking."))]
Reveal = Annotated[bool, typer.Option("--reveal", help=_("Show phone numbers in full."))]
Reason = Annotated[str, typer.Option("--reason", help=_("Why; kept in the journal."))]
Force = Annotated[
    bool, typer.Option("--force", help=_("Replace the file when it exists, without asking."))
]
DryRun = Annotated[bool, typer.Option("--dry-run", help=_("Only say what would change."))]
RulePaths = Annotated[
    list[str], typer.Argument(metavar="PATH...", help=_("Rule files, or folders of them."))
]
RuleName = Annotated[str, typer.Argument(metavar="RULE", help=_("Name of the rule."))]


def day_of(text: str, option: str) -> date | None:
    """The day of an option as people write it; None without one.

    Raises:
        UsageError: it is none.
    """
    from storeops.tables import typed

    try:
        return typed.day(text)
    except UsageError as error:
        raise UsageError(
            _("{option}: {message}").format(option=option, message=error.message), hint=error.hint
        ) from None


def any_of(values: Sequence[str] | None, known: Collection[str] = ()) -> tuple[str, ...]:
    """The words of an option that is given several times, or holds several between commas.

    Args:
        values: as typed; a row fits when it is any of them.
        known: all statuses there are; nothing for words of another kind, which commas belong to.

    Raises:
        UsageError: a status that is none of them.
    """
    found = [word for each in values or () if (word := each.strip())]
    if known:
        found = [word for each in found for part in each.split(",") if (word := part.strip())]
    for word in found:
        if known and word not in known:
            raise UsageError(
                _("There is no status {status}.").format(status=word),
                hint=_("Known: {names}.").format(names=_(", ").join(known)),
            )
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Global:
    """One global option.

    Attributes:
        key: field of `Settings`.
        names: its spellings.
        help: English help text, translated when shown.
        value: what a flag sets; None when the option takes a value.
        metavar: the value's name in help.
        completion: what the shell completes its value with, a key of `completing.completion`.
        known: the values there are; nothing when any text will do.
        beside: only commands with one of these options take it; nothing for every command.
    """

    key: str
    names: tuple[str, ...]
    help: str
    value: Any = None
    metavar: str = ""
    completion: str = ""
    known: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()

    @property
    def parameter(self) -> str:
        """Name of the parsed parameter; never an author's."""
        return "global_" + self.names[0].strip("-").replace("-", "_")

    def option(self, names: Sequence[str] = (), *, hidden: bool) -> TyperOption:
        """The option as Typer parses it, by those of its names that nobody else has taken."""
        flag = self.value is not None
        return TyperOption(
            param_decls=[self.parameter, *(names or self.names)],
            is_flag=flag,
            default=False if flag else None,
            type=None if flag else str,
            metavar=self.metavar or None,
            help=_(self.help),
            hidden=hidden,
            expose_value=True,
            autocompletion=self._complete if self.completion else None,
        )

    def _complete(self, ctx: Any, _words: list[str], incomplete: str) -> list[tuple[str, str]]:
        from commands.completing import completion

        return completion(self.completion)(ctx, incomplete)


FORMS = ("table", "wide", "json", "ndjson", "csv")
GLOBALS: tuple[Global, ...] = (
    Global("format", ("--json",), N_("Answer as one JSON object."), "json"),
    Global("format", ("--ndjson",), N_("Answer as one JSON object per line."), "ndjson"),
    Global("format", ("--csv",), N_("Answer as CSV, safe for spreadsheets."), "csv"),
    Global(
        "format",
        ("--output", "-o", "--format"),
        N_("The form of the answer: table, wide (nothing is cut), json, ndjson or csv."),
        metavar="FORM",
        completion="form",
        known=FORMS,
    ),
    Global(
        "fields",
        ("--fields",),
        N_("Only these fields, in this order: a,b,c.d"),
        metavar="NAMES",
        completion="fields",
    ),
    Global("header", ("--no-header",), N_("No header line in tables and CSV."), False),
    Global("bom", ("--bom",), N_("Begin CSV with a byte order mark, for older Excel."), True),
    Global(
        "save",
        ("--save",),
        N_("Write the list to FILE for people: .xlsx or .csv, in words, with real dates."),
        metavar="FILE",
        beside=("--limit",),
    ),
    Global(
        "over",
        ("--force",),
        N_("With --save: replace FILE without asking."),
        True,
        beside=("--limit",),
    ),
    Global(
        "dry_run",
        ("--dry-run",),
        N_("For hands used to it: planning sends nothing anyway."),
        True,
        beside=("--again", "--spread"),
    ),
    Global(
        "detailed",
        ("--detailed-exitcode",),
        N_("End with 10 when the plan has something to change, with 0 when it has not."),
        True,
        beside=("--again", "--spread"),
    ),
    Global(
        "profile",
        ("--profile", "-p"),
        N_("The profile to use; else STOREOPS_PROFILE, else the default."),
        metavar="NAME",
        completion="profile",
    ),
    Global(
        "as_name",
        ("--as",),
        N_("Who you are, on a shared PC; kept in the journal."),
        metavar="NAME",
    ),
    Global("read_only", ("--read-only",), N_("Refuse every change at WeCom."), True),
    Global("quiet", ("--quiet", "-q"), N_("No notes and no progress on stderr."), True),
    Global(
        "language",
        ("--lang",),
        N_("The language of this call: en or zh_CN."),
        metavar="LANG",
        completion="language",
    ),
    Global("verbose", ("--verbose", "-v"), N_("Show tracebacks of bugs, log more."), True),
)


def global_options(taken: Sequence[str], *, hidden: bool) -> list[TyperOption]:
    """The global options whose names a command has not taken for itself."""
    return [
        each.option(free, hidden=hidden)
        for each in GLOBALS
        if (free := [name for name in each.names if name not in taken])
        and (not each.beside or any(name in taken for name in each.beside))
    ]


def take_globals(parameters: dict[str, Any]) -> dict[str, Any]:
    """Remove the global options from parsed parameters; returns fields of `Settings` given.

    Args:
        parameters: a Typer context's params; changed in place.

    Raises:
        UsageError: two flags of one setting, such as `--json --csv`.
    """
    given: dict[str, Any] = {}
    for each in GLOBALS:
        value = parameters.pop(each.parameter, None)
        if value is None or value is False or each.key == "language":
            continue  # the language was chosen before anything was parsed
        if each.known and value not in each.known:
            raise UsageError(
                _("{option}: there is no {word}.").format(option=each.names[0], word=value),
                hint=_("Known: {names}.").format(names=_(", ").join(each.known)),
            )
        if each.key == "fields":
            value = tuple(name.strip() for name in value.split(",") if name.strip())
        elif each.value is not None:
            value = each.value
        if given.setdefault(each.key, value) != value:
            raise UsageError(
                _("{options} contradict each other.").format(
                    options=f"{spelling(each.key, given[each.key])}, {each.names[0]}"
                ),
                hint=_("Leave one of them out."),
            )
    return given


def spelling(key: str, value: Any) -> str:
    """How the command line says a field of `Settings`: `--json` for format json."""
    found = [each for each in GLOBALS if each.key == key]
    return next((each.names[0] for each in found if each.value == value), found[0].names[0])
