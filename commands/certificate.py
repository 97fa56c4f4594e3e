"""`storeops certificate`: licences and reports of suppliers, and the scans of them."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from commands import cells, output
from commands.context import current
from commands.diagnostics import note
from commands.option_sets import option_sets
from commands.output import Column
from commands.page_options import PageOptions
from commands.supplier import On, Which, day, rules, show_findings
from storeops.domains.suppliers.words import kind_name
from storeops.errors import UsageError
from storeops.i18n import _, labelled, ngettext

app = typer.Typer(help=_("Licences and reports: add, list, check, what expires."))
OfSupplier = Annotated[
    str, typer.Option("--supplier", metavar="SUPPLIER", help=_("Of this supplier only."))
]


@app.command("add", help=_("Add a paper, or a list of them with --file."))
def add(
    supplier: Which = "",
    kind: Annotated[
        str,
        typer.Argument(metavar="KIND", help=_("What paper it is: 营业执照, SC, lot_report …")),
    ] = "",
    number: Annotated[str, typer.Argument(metavar="NUMBER", help=_("Its number."))] = "",
    file: Annotated[
        str,
        typer.Option(
            "--file", metavar="FILE", help=_("CSV or workbook of papers; - for stdin.")
        ),
    ] = "",
    from_: Annotated[
        str, typer.Option("--from", metavar="DAY", help=_("First day on which it is valid."))
    ] = "",
    until: Annotated[
        str,
        typer.Option("--until", metavar="DAY", help=_("Last day, or long-term.")),
    ] = "",
    holder: Annotated[
        str, typer.Option("--holder", metavar="USCC", help=_("The holder's credit code."))
    ] = "",
    address: Annotated[
        str, typer.Option("--address", metavar="TEXT", help=_("The address on it."))
    ] = "",
    category: Annotated[
        list[str] | None, typer.Option("--category", metavar="NAME", help=_("What it covers."))
    ] = None,
    lot: Annotated[
        str, typer.Option("--lot", metavar="LOT", help=_("The lot that a report is about."))
    ] = "",
    status: Annotated[
        str,
        typer.Option(
            "--status", metavar="STATUS", help=_("valid, revoked, cancelled or suspended.")
        ),
    ] = "valid",
    scan: Annotated[
        str, typer.Option("--scan", metavar="FILE", help=_("A scan, kept with its hash."))
    ] = "",
) -> None:  # fmt: skip
    """Add."""
    from storeops import paths
    from storeops.domains.suppliers import check, register
    from storeops.tables.named import NamedRow

    call = current()
    known = rules()
    if bool(file) == bool(supplier):
        raise UsageError(_("Name a supplier, a kind and a number, or a list with --file."))
    if file:
        listed = register.read_papers_list(file, known)
        beside = Path(file).expanduser().parent
    else:
        if not (kind and number):
            raise UsageError(_("Name a supplier, a kind and a number, or a list with --file."))
        code = register.supplier(call.app.data, supplier)["code"]
        row = NamedRow(0, {
            "supplier": code, "kind": kind, "number": number, "holder_uscc": holder,
            "address": address, "categories": ";".join(category or ()), "lot": lot,
            "valid_from": from_, "valid_until": until, "status": status,
        })  # fmt: skip
        listed, beside = [(register.paper_of(row, known), scan)], Path()
    # Before a scan is kept: that of a supplier who is not there would stay behind.
    codes = {
        name: register.supplier(call.app.data, name)["code"]
        for name in sorted({paper.supplier for paper, _scan in listed})
    }
    folder = paths.profile_dir(call.app.profile.name) / "papers"
    papers = []
    for paper, name in listed:
        paper = replace(paper, supplier=codes[paper.supplier])
        if name:
            kept, digest = register.keep_scan(folder, str(beside / Path(name).expanduser()))
            paper = replace(paper, file=kept, sha256=digest)
        papers.append(paper)
    done = register.add_papers(call.app.data, papers, call.app.clock.now())
    output.result(
        asdict(done),
        _("Papers written: {changed}, known already: {unchanged}.").format(
            changed=done.changed, unchanged=done.unchanged
        ),
    )
    holders = {each["code"]: each for each in register.suppliers(call.app.data)}
    today = day("")
    for paper in papers[:200]:
        for found in check.check_paper(paper, known, today, holders[paper.supplier]):
            if found.message:
                paper_name = f"{paper.supplier} {kind_name(paper.kind)} {paper.number}"
                note(labelled(paper_name, found.message))


@app.command("list", help=_("List papers."))
@option_sets
def list_(
    supplier: OfSupplier = "",
    kind: Annotated[str, typer.Option("--kind", metavar="KIND", help=_("Of this kind only."))] = "",
    page: PageOptions = PageOptions(limit=200),
) -> None:
    """List."""
    from storeops.domains.suppliers import register

    call = current()
    code = register.supplier(call.app.data, supplier)["code"] if supplier else ""
    name = rules().kind(kind).name if kind else ""
    output.paged(
        (
            asdict(each)
            for each in register.papers(call.app.data, code)
            if name in ("", each.kind)
        ),
        [
            Column("supplier", _("Supplier"), max_width=16),
            Column("kind", _("Paper"), show=kind_name, max_width=28),
            Column("number", _("Number"), max_width=24),
            Column("lot", _("Lot"), max_width=16),
            Column("valid_from", _("Valid from")),
            Column("valid_until", _("Valid until")),
            Column("file", _("Scan"), show=lambda file: file[:12]),
        ],
        page=page, as_of=call.app.clock.now(),
        empty=_("No paper is known; add one: storeops certificate add --help"),
    )  # fmt: skip


@app.command("check", help=_("Whether papers hold on a day; or a list before it is added."))
@option_sets
def check_(
    file: Annotated[
        str,
        typer.Option("--file", metavar="FILE", help=_("Check a list of papers; nothing is kept.")),
    ] = "",
    supplier: OfSupplier = "",
    on: On = "",
    page: PageOptions = PageOptions(limit=200),
) -> None:  # fmt: skip
    """Check."""
    from storeops.domains.suppliers import check, register

    call = current()
    known = rules()
    asked = day(on)
    holders = {each["code"]: each for each in register.suppliers(call.app.data)}
    if file:
        papers = [paper for paper, _scan in register.read_papers_list(file, known)]
    else:
        code = register.supplier(call.app.data, supplier)["code"] if supplier else ""
        papers = register.papers(call.app.data, code)
    found = []
    for each in papers:
        found += check.check_paper(each, known, asked, holders.get(each.supplier))
    show_findings(
        found, page=page,
        empty=_("No paper is known; add one: storeops certificate add --help"),
    )  # fmt: skip


@app.command("expiring", help=_("Papers that end soon, or are to be renewed, in working days."))
@option_sets
def expiring(
    within: Annotated[
        int, typer.Option("--within", metavar="DAYS", min=0, max=3650, help=_("Days ahead."))
    ] = 90,
    on: On = "",
    page: PageOptions = PageOptions(limit=200),
) -> None:
    """Expiring."""
    from storeops.domains.suppliers import expiring as engine
    from storeops.domains.suppliers import register

    call = current()
    rows = engine.expiring(register.papers(call.app.data), rules(), day(on), within)
    words = {"expired": _("expired"), "renew": _("to be renewed"), "valid": _("valid")}
    output.paged(
        rows,
        [
            Column("supplier", _("Supplier"), max_width=12),
            Column("kind", _("Paper"), show=kind_name, max_width=24),
            Column("number", _("Number"), max_width=18),
            Column("valid_until", _("Valid until")),
            Column("days_left", _("Days"), right=True, show=cells.amount),
            Column("working_days_left", _("Working days"), right=True, show=cells.amount),
            Column("renew_by", _("Renew from")),
            Column("status", _("Status"), show=lambda status: words[status]),
        ],
        page=page, as_of=call.app.clock.now(),
        empty=ngettext(
            "No paper ends within {days} day.", "No paper ends within {days} days.", within
        ).format(days=within),
    )  # fmt: skip
    if any(row["estimated"] for row in rows):
        note(_("Working days of years that are not announced yet are estimated."))
