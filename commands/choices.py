"""Options that choose customers for planners, shared by `tag plan` and `remark plan`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from commands import output
from commands.context import current
from storeops.errors import UsageError
from storeops.i18n import _

if TYPE_CHECKING:
    from storeops.operations.sheets import Field
    from storeops.operations.wishes import Choice, Chosen

Where = Annotated[
    str, typer.Option("--where", metavar="FILTER", help=_("Customers that match this filter."))
]
View = Annotated[str, typer.Option("--view", metavar="NAME", help=_("Customers of a saved view."))]
Marked = Annotated[
    str | None,
    typer.Option(
        "--marked", metavar="NAME", help=_("Customers of a mark; the screens' is “marked”.")
    ),
]
Store = Annotated[
    list[str] | None,
    typer.Option("--store", metavar="CODE", help=_("Only follows of this shop; may be repeated.")),
]
Owner = Annotated[
    list[str] | None,
    typer.Option(
        "--owner", metavar="USERID", help=_("Only this member's follows; may be repeated.")
    ),
]
Follows = Annotated[
    str,
    typer.Option(
        "--follows",
        metavar="WHICH",
        help=_("Which follows of a customer: owner (with --owner), all, or newest."),
    ),
]
Csv = Annotated[
    str,
    typer.Option(
        "--csv", metavar="FILE", help=_("Customers (and texts) of a CSV file; - reads a pipe.")
    ),
]
Xlsx = Annotated[
    str, typer.Option("--xlsx", metavar="FILE", help=_("Customers of an XLSX workbook."))
]
SheetName = Annotated[
    str, typer.Option("--sheet", metavar="NAME", help=_("Sheet of the workbook; else the first."))
]
Map = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="HEADING=FIELD", help=_("What a heading of the file means.")),
]
Template = Annotated[
    bool, typer.Option("--template", help=_("Print an empty CSV with the headings, then end."))
]
Strict = Annotated[
    bool, typer.Option("--strict", help=_("Refuse the whole file when one row is wrong."))
]
Reason = Annotated[str, typer.Option("--reason", help=_("Why; kept in the journal."))]


def choice_of(
    where: str,
    view: str,
    marked: str | None,
    store: list[str] | None,
    owner: list[str] | None,
    follows: str,
) -> Choice:
    """The choice that options make.

    Raises:
        UsageError: an unknown word after --follows.
    """
    from storeops.operations.wishes import ALL, NEWEST, OWNER, Choice

    if follows not in ("", OWNER, ALL, NEWEST):
        raise UsageError(
            _("--follows: there is no {word}.").format(word=follows),
            hint=_("Known: {names}.").format(names="owner, all, newest"),
        )
    return Choice(where, view, marked or "", tuple(store or ()), tuple(owner or ()), follows)


def chosen(
    choice: Choice,
    fields: Sequence[Field],
    *,
    csv: str = "",
    xlsx: str = "",
    sheet: str = "",
    mapping: Sequence[str] = (),
    strict: bool = False,
) -> Chosen:
    """The follows that options or a file mean.

    Raises:
        UsageError: nothing or too much was chosen; with `strict`, a row of the file is wrong.
    """
    from storeops.operations import sheets
    from storeops.operations.wishes import choose, of_sheet

    app = current().app
    if not csv and not xlsx:
        return choose(app.data, choice, app.clock.now())
    if (csv and xlsx) or choice.where or choice.view or choice.marked or choice.store:
        raise UsageError(
            _("A file and a filter cannot be combined."),
            hint=_("Choose by --csv or --xlsx, or by --where, --view, --marked, --store."),
        )
    headings = sheets.parse_mapping(list(mapping))
    if csv:
        found = sheets.read_csv(csv, fields, mapping=headings)
    else:
        found = sheets.read_xlsx(xlsx, fields, sheet=sheet, mapping=headings)
    result = of_sheet(app.data, found, follows=choice.follows, owner=choice.owner)
    if strict and result.problems:
        first = result.problems[0]
        raise UsageError(
            _("{count} rows of the file are wrong; nothing was planned. {first}").format(
                count=len(result.problems), first=first.message
            ),
            hint=_("Leave --strict out to plan the others."),
            details={"problems": [each.as_dict() for each in result.problems[:1000]]},
        )
    return result


def print_template(fields: Sequence[Field]) -> None:
    """Write the CSV to fill in."""
    from storeops.operations.sheets import template

    output.write(template(fields, bom=current().settings.bom))
