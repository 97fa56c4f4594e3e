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
    from commands.file_options import FileOptions
    from storeops.changes.follow_requests import FollowRequest, SelectedFollows
    from storeops.changes.sheets import Field
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
    bool,
    typer.Option(
        "--template",
        help=_("Print a CSV with the headings and an example row to replace, then end."),
    ),
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


def request_of(selection: Selection, follows: str) -> FollowRequest:
    """The choice that options make.

    Raises:
        UsageError: an unknown word after --follows.
    """
    from storeops.changes.follow_requests import ALL, NEWEST, OWNER, FollowRequest

    if follows not in ("", OWNER, ALL, NEWEST):
        raise UsageError(
            _("--follows: there is no {word}.").format(word=follows),
            hint=_("Known: {names}.").format(names="owner, all, newest"),
        )
    return FollowRequest(selection, follows)


def selected(
    request: FollowRequest, fields: Sequence[Field], file: FileOptions, *, requested: bool
) -> SelectedFollows:
    """The follows that options or a file mean; `requested`: whether options say what to change.

    Raises:
        UsageError: nothing or too much was chosen.
    """
    from storeops.changes import sheets
    from storeops.changes.follow_requests import of_sheet, select_follows
    from storeops.reading.customers import Selection

    app = current().app
    source = file.source(file.path)
    if source is None:
        request = replace(request, selection=within_own_store(request.selection))
        return select_follows(app.data, request, app.clock.now())
    if replace(request.selection, owner=()) != Selection():
        raise UsageError(
            _("A file and a filter cannot be combined."),
            hint=_("Choose by --file, or by --where, --view, --marked, --store."),
        )
    found = sheets.read(source, fields)
    return of_sheet(
        app.data, found, follows=request.follows, owner=request.selection.owner,
        strict=source.strict, requested=requested,
    )  # fmt: skip


def print_template(fields: Sequence[Field]) -> None:
    """Write the CSV to fill in."""
    from storeops.changes.sheets import template

    output.write(template(fields, bom=current().settings.bom))
