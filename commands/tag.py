"""`storeops tag`: the library of corp tags, and plans that mark customers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from commands import cells, freshness, output, tag_changes
from commands.completing import completion
from commands.context import current
from commands.option_sets import option_sets
from commands.output import Column
from commands.page_options import PageOptions
from storeops.i18n import _

app = typer.Typer(help=_("Corp tags: list and show, plan changes."))


def _columns() -> list[Column]:
    return [
        Column("group", _("Group"), max_width=20),
        Column("name", _("Tag"), max_width=28),
        Column("follows", _("Follows"), right=True, show=cells.amount),
        Column("tag_id", _("Id")),
    ]


@app.command("list", help=_("List corp tags with how often they are used."))
@option_sets
def list_(
    group: Annotated[
        str, typer.Option("--group", metavar="GROUP", help=_("Of this tag group only."))
    ] = "",
    deleted: Annotated[
        bool, typer.Option("--deleted", help=_("Also tags that WeCom no longer has."))
    ] = False,
    page: PageOptions = PageOptions(limit=500),
) -> None:
    """List tags."""
    from storeops.reading.directory import tags

    fresh = freshness.noted()
    found = [
        each
        for each in tags(current().app.data)
        if (deleted or not each.deleted) and group.casefold() in each.group.casefold()
    ]
    output.paged(
        (asdict(each) for each in found),
        _columns(),
        page=page,
        complete=fresh.complete,
        as_of=fresh.as_of,
        empty=_("No tag matches."),
    )


@app.command("show", help=_("Show one tag: who uses it, in which stores."))
def show(
    which: Annotated[
        str,
        typer.Argument(
            metavar="TAG", autocompletion=completion("tag"), help=_("Id, name or group/name.")
        ),
    ],
) -> None:
    """Show one tag."""
    from storeops.mirror.tag_names import TagNames
    from storeops.reading.customers import open_query
    from storeops.reading.filter import one_of
    from storeops.reading.stats import count_by

    call = current()
    fresh = freshness.noted()
    tag = TagNames(call.app.data).find(which)
    query = open_query(call.app.data, one_of("tag", (tag.tag_id,)), now=call.app.clock.now())
    row = {
        "tag_id": tag.tag_id,
        "group": tag.group,
        "name": tag.name,
        "kind": tag.kind,
        "deleted": bool(tag.deleted),
        "customers": query.count().rows,
        "stores": [asdict(each) for each in count_by(call.app.data, query, "store", 20)[0]],
        "owners": [asdict(each) for each in count_by(call.app.data, query, "owner", 20)[0]],
    }
    if call.settings.machine or call.settings.fields:
        output.item({**row, "as_of": cells.iso(fresh.as_of)}, [])
        return
    output.item(
        row,
        [
            Column("group", _("Group")),
            Column("name", _("Tag")),
            Column("tag_id", _("Id")),
            Column("deleted", _("Deleted")),
            Column("customers", _("Customers"), show=cells.amount),
        ],
    )
    for title, key in ((_("Store"), "stores"), (_("Owner"), "owners")):
        output.line("")
        output.items(
            row[key],  # type: ignore[arg-type]
            [
                Column("name", title, max_width=28),
                Column("customers", _("Customers"), right=True, show=cells.amount),
            ],
        )


tag_changes.register(app)
