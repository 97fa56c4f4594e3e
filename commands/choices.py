"""Options that choose customers for planners, shared by `tag plan` and `remark plan`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from commands import output
from commands.context import current
from commands.selecting import within_own_store
from storeops.errors import UsageError
from storeops.i18n import _

if TYPE_CHECKING:
    from storeops.changes.sheets import Field, Source
    from storeops.changes.wishes import Choice, Chosen
    from storeops.reading.customers import Selection

Follows = Annotated[
    str,
    typer.Option(
        "--follows",
        metavar="WHICH",
        help=_("Which follows of a customer: owner (with --owner), all, or newest."),
    ),
]
Template = Annotated[
    bool, typer.Option("--template", help=_("Print an empty CSV with the headings, then end."))
]
Strict = Annotated[
    bool, typer.Option("--strict", help=_("Refuse the whole file when one row is wrong."))
]
Again = Annotated[
    str,
    typer.Option("--again", metavar="PLAN", help=_("What of an earlier plan was not done.")),
]


def plan_again(kind: str, name: str, reason: str, others: Sequence[object]) -> None:
    """Plan what of an earlier plan was not done, and show it.

    Raises:
        UsageError: something else was chosen, too.
    """
    from commands.planned import show_plan
    from storeops.changes.replan import again

    if any(others):
        raise UsageError(
            _("--again names all there is to do; nothing else can be chosen with it."),
            hint=_("Leave the others out."),
        )
    show_plan(again(current().app.ledger, name, kind, reason=reason))


def choice_of(selection: Selection, follows: str) -> Choice:
    """The choice that options make.

    Raises:
        UsageError: an unknown word after --follows.
    """
    from storeops.changes.wishes import ALL, NEWEST, OWNER, Choice

    if follows not in ("", OWNER, ALL, NEWEST):
        raise UsageError(
            _("--follows: there is no {word}.").format(word=follows),
            hint=_("Known: {names}.").format(names="owner, all, newest"),
        )
    return Choice(selection, follows)


def chosen(
    choice: Choice, fields: Sequence[Field], source: Source | None, *, wished: bool
) -> Chosen:
    """The follows that options or a file mean; `wished`: whether options say what to change.

    Raises:
        UsageError: nothing or too much was chosen.
    """
    from storeops.changes import sheets
    from storeops.changes.wishes import choose, of_sheet
    from storeops.reading.customers import Selection

    app = current().app
    if source is None:
        choice = replace(choice, selection=within_own_store(choice.selection))
        return choose(app.data, choice, app.clock.now())
    if replace(choice.selection, owner=()) != Selection():
        raise UsageError(
            _("A file and a filter cannot be combined."),
            hint=_("Choose by --file, or by --where, --view, --marked, --store."),
        )
    found = sheets.read(source, fields)
    return of_sheet(
        app.data, found, follows=choice.follows, owner=choice.selection.owner,
        strict=source.strict, wished=wished,
    )  # fmt: skip


def print_template(fields: Sequence[Field]) -> None:
    """Write the CSV to fill in."""
    from storeops.changes.sheets import template

    output.write(template(fields, bom=current().settings.bom))
