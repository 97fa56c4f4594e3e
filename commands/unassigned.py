"""`storeops unassigned`: customers whose guide has left."""

from __future__ import annotations

from typing import Annotated

import typer

from commands import cells, freshness, output
from commands.completing import completion
from commands.context import current
from commands.option_sets import option_sets
from commands.options import any_of
from commands.output import Column
from commands.page_options import PageOptions
from storeops.i18n import _

app = typer.Typer(help=_("Customers of staff who have left."))


@app.command("list", help=_("List what leavers left behind, oldest leaving first."))
@option_sets
def list_(
    owner: Annotated[
        list[str] | None,
        typer.Option(
            "--owner",
            metavar="STAFF",
            autocompletion=completion("owner"),
            help=_("Of this leaver; may be repeated."),
        ),
    ] = None,
    page: PageOptions = PageOptions(limit=100),
) -> None:
    """List unassigned customers with the days left to hand them over."""
    from storeops.domains.handover.unassigned import list_unassigned

    call = current()
    fresh = freshness.noted()
    rows = list_unassigned(
        call.app.data, owners=any_of(owner), limit=page.end, now=call.app.clock.now()
    )
    output.paged(
        rows,
        [
            Column("name", _("Customer"), max_width=24),
            Column("staff_name", _("Leaver"), max_width=16),
            Column("handover_userid", _("Member id"), max_width=20),
            Column("store", _("Store"), max_width=20),
            Column("dimission_time", _("Left"), show=cells.when),
            Column("days_left", _("Days left"), right=True),
            Column("external_userid", _("Id")),
        ],
        page=page,
        complete=fresh.complete,
        as_of=fresh.as_of,
        empty=_("No customer waits for a new owner."),
    )
