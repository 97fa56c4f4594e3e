"""`storeops store`: which departments are shops, with the chain's own numbers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from commands import cells, freshness, output
from commands.completing import completion
from commands.context import current
from commands.diagnostics import note
from commands.file_options import TableFile
from commands.option_sets import option_sets
from commands.options import DryRun
from commands.output import Column
from commands.page_options import PageOptions
from storeops.errors import ExitCode
from storeops.i18n import _

app = typer.Typer(help=_("Stores: list, show, import numbers and names, map to departments."))

Which = Annotated[
    str,
    typer.Argument(
        metavar="STORE",
        autocompletion=completion("store"),
        help=_("Number, name or department id."),
    ),
]


def _columns() -> list[Column]:
    return [
        Column("code", _("Number"), max_width=16),
        Column("name", _("Name"), max_width=28),
        Column("region", _("Region"), max_width=16),
        Column("department_id", _("Department"), right=True),
        Column("staff", _("Staff"), right=True, show=cells.amount),
        Column("customers", _("Customers"), right=True, show=cells.amount),
        Column("follows", _("Follows"), right=True, show=cells.amount),
        Column("unassigned", _("Unassigned"), right=True, show=cells.amount),
        Column("complete_at", _("Read at"), show=cells.when),
    ]


@app.command("list", help=_("List stores with staff and customers."))
@option_sets
def list_(
    region: Annotated[
        str, typer.Option("--region", metavar="REGION", help=_("Of this region only."))
    ] = "",
    unmapped: Annotated[
        bool, typer.Option("--unmapped", help=_("Only departments without a shop number."))
    ] = False,
    page: PageOptions = PageOptions(limit=200),
) -> None:
    """List stores."""
    from storeops.domains.stores.stores import list_stores

    call = current()
    fresh = freshness.noted()
    found = list_stores(call.app.data)
    if region:
        found = [each for each in found if region.casefold() in each.region.casefold()]
    if unmapped:
        found = [each for each in found if not each.code]
    output.paged(
        (asdict(each) for each in found),
        _columns(),
        page=page,
        complete=fresh.complete,
        as_of=fresh.as_of,
        empty=_("No store matches."),
    )


@app.command("show", help=_("Show one store and its staff."))
def show(which: Which) -> None:
    """Show one store."""
    from commands.staff import status_name
    from storeops.domains.stores.stores import show_store
    from storeops.reading.directory import members

    call = current()
    fresh = freshness.noted()
    store = show_store(call.app.data, which)
    staff = [
        {
            "userid": each.userid,
            "name": each.name,
            "status": each.status,
            "follows": each.follows,
            "unassigned": each.unassigned,
        }
        for each in members(call.app.data)
        if each.store_id == store.department_id
    ]
    if call.settings.machine or call.settings.fields:
        output.item({**asdict(store), "members": staff, "as_of": cells.iso(fresh.as_of)}, [])
        return
    output.item(asdict(store), [*_columns(), Column("department", _("Department's name"))])
    output.line("")
    output.items(
        staff,
        [
            Column("name", _("Name"), max_width=20),
            Column("userid", _("Member id"), max_width=24),
            Column("status", _("Status"), show=status_name),
            Column("follows", _("Customers"), right=True, show=cells.amount),
            Column("unassigned", _("Unassigned"), right=True, show=cells.amount),
        ],
        empty=_("Nobody works there."),
    )


@app.command(
    "import",
    help=_("Take in the chain's list of shops (code, name, region, department_id)."),
)
def import_(
    path: TableFile,
    dry_run: DryRun = False,
) -> None:
    """Import shops; lines without a certain department are named with suggestions."""
    from storeops.domains.stores.stores import import_stores

    call = current()
    done = import_stores(call.app.data, path, call.app.clock.now(), dry_run=dry_run)
    waiting = [
        {
            "line": each.line,
            "code": each.shop.code,
            "name": each.shop.name,
            "suggestions": [{"department_id": key, "name": name} for key, name in each.suggestions],
        }
        for each in done.open
    ]
    text = _("Stores written: {changed}; known already: {unchanged}; open: {open}.")
    if dry_run:
        text = _("Stores that would be written: {changed}; known: {unchanged}; open: {open}.")
    output.result(
        {"changed": done.changed, "unchanged": done.unchanged, "open": waiting, "dry_run": dry_run},
        text.format(changed=done.changed, unchanged=done.unchanged, open=len(waiting)),
    )
    for each in done.open:
        words = _(", ").join(f"{key} {name}" for key, name in each.suggestions)
        note(
            _("Line {line}, {code} {name}: is it {words}?").format(
                line=each.line, code=each.shop.code, name=each.shop.name, words=words
            )
            if words
            else _("Line {line}, {code} {name}: no department is called so.").format(
                line=each.line, code=each.shop.code, name=each.shop.name
            )
        )
    if waiting:
        note(_("Map them: storeops store map DEPARTMENT --code NUMBER"))
        raise typer.Exit(ExitCode.PARTIAL)


@app.command("map", help=_("Say which shop a department is."))
def map_(
    department: Annotated[
        str,
        typer.Argument(
            metavar="DEPARTMENT",
            autocompletion=completion("store"),
            help=_("Department id, or the name of a store."),
        ),
    ],
    code: Annotated[
        str, typer.Option("--code", metavar="NUMBER", help=_("The chain's own number."))
    ] = "",
    name: Annotated[str, typer.Option("--name", metavar="NAME", help=_("A name to show."))] = "",
    region: Annotated[
        str, typer.Option("--region", metavar="REGION", help=_("The region it belongs to."))
    ] = "",
    forget: Annotated[
        bool, typer.Option("--forget", help=_("Take the department's shop out again."))
    ] = False,
) -> None:
    """Map one department."""
    from storeops.domains.stores.stores import forget_store, map_store, show_store
    from storeops.errors import UsageError

    call = current()
    if forget:
        key, gone = forget_store(call.app.data, department)
        output.result(
            {"department_id": key, "forgotten": gone},
            _("Department {department} is no mapped shop any more.").format(department=key),
        )
        return
    if not (code or name or region):
        raise UsageError(
            _("Nothing to write down."), hint=_("Add --code, --name or --region, or --forget.")
        )
    shop = map_store(
        call.app.data, department, code=code, name=name, region=region, now=call.app.clock.now()
    )
    name = shop.name or show_store(call.app.data, str(shop.department_id)).department
    output.result(
        asdict(shop),
        _("Department {department} is shop {code} {name}.").format(
            department=shop.department_id, code=shop.code or "-", name=name
        ),
    )
