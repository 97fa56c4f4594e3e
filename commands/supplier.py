"""`storeops supplier`: who supplies, in which role, and whether the papers of each hold."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

import typer

from commands import cells, output
from commands.context import current
from commands.file_options import TableFile
from commands.option_sets import option_sets
from commands.options import day_of
from commands.output import Column
from commands.page_options import PageOptions
from storeops.domains.suppliers.words import kind_name, role_name
from storeops.errors import ExitCode
from storeops.i18n import _

app = typer.Typer(help=_("Suppliers: import, list, show, check their papers."))

Which = Annotated[str, typer.Argument(metavar="SUPPLIER", help=_("The supplier's number or name."))]
On = Annotated[
    str,
    typer.Option(
        "--on", metavar="DAY", help=_("The day of production or receipt; else today.")
    ),
]  # fmt: skip


def rules() -> Any:
    """The rules of the profile in use."""
    from storeops.domains.suppliers.rules import load_rules

    return load_rules(current().app.profile.name)


def day(text: str) -> date:
    """A day of `--on`; today when it is empty.

    Raises:
        UsageError: it is none.
    """
    from storeops import times

    return day_of(text, "--on") or times.local(current().app.clock.now()).date()


def show_findings(found: list[Any], *, page: PageOptions, empty: str) -> None:
    """Write findings; exit 6 when one of them is an error.

    Args:
        found: `PaperFinding`s.
        page: which part of the list.
        empty: what to say when there is none.
    """
    layers = {"form": _("form"), "time": _("time"), "scope": _("scope"), "": ""}
    levels = {"ok": _("ok"), "warning": _("warning"), "error": _("error")}
    output.paged(
        (asdict(each) for each in found),
        [
            Column("supplier", _("Supplier"), max_width=12),
            Column("kind", _("Paper"), show=kind_name, max_width=24),
            Column("number", _("Number"), max_width=20),
            Column("lot", _("Lot"), max_width=12),
            Column("level", _("Result"), show=lambda level: levels[level]),
            Column("layer", _("Layer"), show=lambda layer: layers[layer]),
            Column("message", _("Why")),
        ],
        page=page, as_of=current().app.clock.now(), empty=empty,
    )  # fmt: skip
    if any(each.level == "error" for each in found):
        raise typer.Exit(ExitCode.PARTIAL)


@app.command("import", help=_("Take in a list of suppliers: code, name, role, uscc, address."))
def import_(
    file: TableFile,
) -> None:
    """Import."""
    from storeops.domains.suppliers.register import import_suppliers

    call = current()
    done = import_suppliers(call.app.data, file, rules(), call.app.clock.now())
    output.result(
        asdict(done),
        _("Suppliers written: {changed}, known already: {unchanged}.").format(
            changed=done.changed, unchanged=done.unchanged
        ),
    )


@app.command("list", help=_("List suppliers with the state of their papers."))
@option_sets
def list_(
    role: Annotated[str, typer.Option("--role", metavar="ROLE", help=_("Of this role only."))] = "",
    page: PageOptions = PageOptions(limit=200),
) -> None:
    """List."""
    from storeops.domains.suppliers.standing import standings

    call = current()
    known = rules()
    asked = known.role(role).name if role else ""
    found = standings(call.app.data, known, day(""), role=asked)
    words = {"ok": _("ok"), "warning": _("warning"), "error": _("error")}
    output.paged(
        [each.as_dict() for each in found],
        [
            Column("code", _("Number"), max_width=16),
            Column("name", _("Name"), max_width=28),
            Column("role", _("Role"), show=role_name),
            Column("papers", _("Papers held"), right=True, show=cells.amount),
            Column("errors", _("Errors"), right=True, show=cells.amount),
            Column("warnings", _("Warnings"), right=True, show=cells.amount),
            Column("status", _("Status"), show=lambda status: words[status]),
        ],
        page=page, as_of=call.app.clock.now(),
        empty=_("No supplier is known; take a list in: storeops supplier import FILE"),
    )  # fmt: skip


@app.command("show", help=_("Show one supplier and its papers."))
def show(which: Which) -> None:
    """Show."""
    from storeops.domains.suppliers import check, register

    call = current()
    one = cells.moments([register.supplier(call.app.data, which)], "updated_at")[0]
    known = rules()
    held = register.papers(call.app.data, one["code"])
    lacking = check.missing(known.role(one["role"]), held, known)
    if call.settings.machine or call.settings.fields:
        output.item({**one, "papers": [asdict(each) for each in held], "missing": lacking}, [])
        return
    output.item(
        {**one, "missing": lacking},
        [
            Column("code", _("Number")), Column("name", _("Name")),
            Column("role", _("Role"), show=role_name), Column("uscc", _("Credit code")),
            Column("address", _("Address")), Column("categories", _("Categories")),
            Column("missing", _("Missing"),
                   show=lambda names: _(", ").join(kind_name(each) for each in names)),
        ],
    )  # fmt: skip
    output.line("")
    output.items(
        (asdict(each) for each in held),
        [
            Column("kind", _("Paper"), show=kind_name, max_width=28),
            Column("number", _("Number"), max_width=24),
            Column("lot", _("Lot"), max_width=16),
            Column("valid_from", _("Valid from")),
            Column("valid_until", _("Valid until")),
            Column("file", _("Scan"), show=lambda name: name[:12]),
        ],
        empty=_("It has no paper yet."),
    )


@app.command("check", help=_("Whether a supplier's papers hold: form, time, scope."))
@option_sets
def check_(
    which: Annotated[
        str,
        typer.Argument(metavar="SUPPLIER", help=_("The supplier's number or name; else all.")),
    ] = "",
    on: On = "",
    lot: Annotated[
        str, typer.Option("--lot", metavar="LOT", help=_("A lot that is received: its report."))
    ] = "",
    category: Annotated[
        str, typer.Option("--category", metavar="NAME", help=_("Goods that must be covered."))
    ] = "",
    page: PageOptions = PageOptions(limit=200),
) -> None:  # fmt: skip
    """Check."""
    from storeops.domains.suppliers import check, register

    call = current()
    asked = day(on)
    known = rules()
    listed = (
        [register.supplier(call.app.data, which)] if which else register.suppliers(call.app.data)
    )
    found = []
    for each in listed:
        held = register.papers(call.app.data, each["code"])
        found += check.check_supplier(each, held, known, asked, lot, category)
    show_findings(
        found, page=page,
        empty=_("No supplier is known; take a list in: storeops supplier import FILE"),
    )  # fmt: skip
