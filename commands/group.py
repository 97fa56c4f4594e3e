"""`storeops group`: group chats and who is in them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from commands import cells, freshness, output
from commands.completing import completion
from commands.context import current
from commands.option_sets import option_sets
from commands.options import any_of
from commands.output import Column
from commands.page_options import PageOptions
from storeops.i18n import _
from storeops.terms import term

app = typer.Typer(help=_("Group chats: list, show, members."))

Which = Annotated[
    str,
    typer.Argument(metavar="CHAT", autocompletion=completion("group"), help=_("chat_id or name.")),
]


def _columns() -> list[Column]:
    return [
        Column("name", _("Name"), max_width=30),
        Column("owner", _("Group owner"), max_width=16),
        Column("members", _("Members"), right=True, show=cells.amount),
        Column("customers", _("Customers"), right=True, show=cells.amount),
        Column("status", _("Status"), show=lambda value: term("group", value)),
        Column("gone", _("Owner left")),
        Column("create_time", _("Created"), show=cells.when),
        Column("chat_id", _("Id")),
    ]


@app.command("list", help=_("List group chats, newest first."))
@option_sets
def list_(
    owner: Annotated[
        list[str] | None,
        typer.Option(
            "--owner",
            metavar="STAFF",
            autocompletion=completion("owner"),
            help=_("Of this member; may be repeated."),
        ),
    ] = None,
    owner_left: Annotated[
        bool, typer.Option("--owner-left", help=_("Only those whose owner has left."))
    ] = False,
    page: PageOptions = PageOptions(limit=200),
) -> None:
    """List group chats."""
    from storeops.domains.groups.groups import list_groups

    fresh = freshness.noted()
    found = list_groups(current().app.data, owners=any_of(owner), owner_left=owner_left)
    output.paged(
        (asdict(each) for each in found),
        _columns(),
        page=page,
        complete=fresh.complete,
        as_of=fresh.as_of,
        empty=_("No group chat matches."),
    )


@app.command("show", help=_("Show one group chat."))
def show(which: Which) -> None:
    """Show one group chat."""
    from storeops.domains.groups.groups import find_group

    fresh = freshness.noted()
    row = asdict(find_group(current().app.data, which))
    if current().settings.machine:
        row["as_of"] = cells.iso(fresh.as_of)
    output.item(row, [*_columns(), Column("notice", _("Notice"))])


def _member(row: dict[str, Any]) -> dict[str, Any]:
    """A member; for people, staff are no customers, known or not."""
    if row["type"] == 1 and not current().settings.machine:
        row["known"] = None
    return row


@app.command("members", help=_("List who is in a group chat."))
@option_sets
def members(
    which: Which,
    customers: Annotated[
        bool, typer.Option("--customers", help=_("Only customers, no staff."))
    ] = False,
    page: PageOptions = PageOptions(limit=500),
) -> None:
    """List members."""
    from storeops.domains.groups.groups import find_group, list_members

    call = current()
    fresh = freshness.noted()
    chat = find_group(call.app.data, which)
    found = list_members(call.app.data, chat.chat_id, customers_only=customers)
    output.paged(
        (_member(asdict(each)) for each in found),
        [
            Column("name", _("Name"), max_width=24),
            Column("group_nickname", _("Name in the chat"), max_width=24),
            Column(
                "type",
                _("Kind of member"),
                show=lambda kind: _("staff") if kind == 1 else _("customer"),
            ),
            Column("known", _("Known here")),
            Column("join_time", _("Joined"), show=cells.when),
            Column("invitor", _("Invited by"), max_width=20),
            Column("member", _("Id")),
        ],
        page=page,
        complete=fresh.complete,
        as_of=fresh.as_of,
        empty=_("Nobody is in it, or it was not read yet."),
    )
