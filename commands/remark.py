"""`storeops remark plan`: remark, description, company and phone numbers of follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import follow_options, planned
from commands.context import current
from commands.file_options import FileOptions
from commands.follow_options import Again, Follows, Template
from commands.option_sets import option_sets
from commands.options import Reason
from commands.selecting import as_options, selecting
from storeops.i18n import _

if TYPE_CHECKING:
    from storeops.reading.customers import Selection

app = typer.Typer(help=_("What members note about customers, changed as plans."))


@app.callback()
def remark_app() -> None:
    """Keep `plan` a word of its own, though it is the only verb."""


@app.command("plan", help=_("Plan new remarks, descriptions, companies or phone numbers."))
@option_sets
@selecting
def plan(
    remark: Annotated[
        str | None,
        typer.Option(
            "--remark",
            metavar="TEXT",
            help=_("At most 20 characters; {name}, {store}, {staff}, {remark}, {date} are filled."),
        ),
    ] = None,
    description: Annotated[
        str | None,
        typer.Option("--description", metavar="TEXT", help=_("At most 150 characters.")),
    ] = None,
    company: Annotated[
        str | None,
        typer.Option("--company", metavar="TEXT", help=_("At most 20 characters.")),
    ] = None,
    clear_mobiles: Annotated[
        bool, typer.Option("--clear-mobiles", help=_("Take all phone numbers off."))
    ] = False,
    cut: Annotated[bool, typer.Option("--cut", help=_("Cut texts that are too long."))] = False,
    *,
    selection: Selection,
    follows: Follows = "",
    file: FileOptions,
    template: Template = False,
    again: Again = "",
    reason: Reason = "",
) -> None:
    """Fields that are not named stay; phone numbers come from files, never from arguments."""
    from storeops.domains.remarks.remark_plan import SHEET_FIELDS, plan_remarks

    if template:
        follow_options.print_template(SHEET_FIELDS)
        return
    values: dict[str, Any] = {}
    for key, text in (
        ("remark", remark), ("description", description), ("remark_company", company)
    ):  # fmt: skip
        if text is not None:
            values[key] = text
    if clear_mobiles:
        values["remark_mobiles"] = []
    ledger = current().app.ledger
    ledger.policy.may_write()
    if again:
        follow_options.plan_again(
            "remark", again, reason, (values, *as_options(selection).values(), follows, file.path)
        )
        return
    request = follow_options.request_of(selection, follows)
    found = follow_options.selected(request, SHEET_FIELDS, file, requested=bool(values))
    command = planned.command_line(
        "remark", "plan", remark=remark, description=description, company=company,
        clear_mobiles=clear_mobiles, cut=cut, **as_options(selection),
        follows=follows, **file.typed(),
    )  # fmt: skip
    made = plan_remarks(ledger, found, values, cut=cut, reason=reason, command=command)
    planned.show_plan(made, found.sheet)
