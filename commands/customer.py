"""`storeops customer`: list, search, show, timeline, note, export."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import cells, freshness, output
from commands.completing import completion
from commands.context import current
from commands.diagnostics import note as say
from commands.option_sets import option_sets
from commands.options import Force, Reveal
from commands.output import Column
from commands.page_options import PageOptions
from commands.question import may_replace
from commands.selecting import Sort, selected, selecting
from storeops.i18n import _, aside, labelled, ngettext, plural

if TYPE_CHECKING:
    from storeops.reading.customers import Selection
    from storeops.reading.query import CustomerQuery

app = typer.Typer(help=_("Customers: list, search, show, history, notes, export."))

Explain = Annotated[
    bool, typer.Option("--explain", help=_("Say how the filter is read instead of reading."))
]
Who = Annotated[
    str, typer.Argument(metavar="CUSTOMER", help=_("external_userid, or words that find one."))
]


def status_name(value: str) -> str:
    """A status in the user's language."""
    from storeops.reading.filter_words import label

    return label("status", value)


def way_name(value: int) -> str:
    """An add_way in the user's language."""
    from storeops.reading.filter_words import label

    return label("way", value)


def _owners(follows: list[Mapping[str, Any]]) -> str:
    return _(", ").join(each["staff_name"] or each["userid"] for each in follows)


def _stores(follows: list[Mapping[str, Any]]) -> str:
    return _(", ").join(dict.fromkeys(each["store"] for each in follows if each["store"]))


def _tags(follows: list[Mapping[str, Any]]) -> str:
    return _(", ").join(dict.fromkeys(tag["name"] for each in follows for tag in each["tags"]))


def _remarks(follows: list[Mapping[str, Any]]) -> str:
    return _(", ").join(dict.fromkeys(each["remark"] for each in follows if each["remark"]))


def _named(follow: Mapping[str, Any]) -> str:
    name, userid = follow["staff_name"], follow["userid"]
    return aside(name, userid) if name else str(userid)


def _tag_names(tags: list[Mapping[str, Any]]) -> str:
    return _(", ").join(each["name"] for each in tags)


def columns() -> list[Column]:
    """The columns of a list of customers."""
    return [
        Column("name", _("Name"), max_width=24),
        Column("follows", _("Remark"), show=_remarks, max_width=20, minor=3),
        Column("follows", _("Owners"), show=_owners, max_width=20),
        Column("follows", _("Store"), show=_stores, max_width=20, minor=1),
        Column("follows", _("Tags"), show=_tags, max_width=24, minor=2),
        Column("status", _("Status"), show=status_name),
        Column("follows.0.createtime", _("Since"), show=cells.when),
        *_of_domains(),
        Column("external_userid", _("Customer id") if current().settings.save else _("Id")),
    ]


def _of_domains() -> list[Column]:
    """The columns that domains bring."""
    from storeops.reading.columns import columns as domain_columns

    return [
        Column(key, _(column.title), show=column.show, right=column.right, max_width=24)
        for key, (_domain, column) in domain_columns().items()
    ]


def listing(query: CustomerQuery, *, page: PageOptions, reveal: bool, explain: bool) -> None:
    """Write a list of customers, or how it would be read."""
    from storeops.reading import customers

    if explain:
        explained(query)
        return
    fresh = freshness.noted()
    rows, following = customers.stream(
        query,
        customers.rows_of(current().app.data, reveal=reveal),
        None if page.all_ else page.limit,
        page.after,
    )
    if current().settings.format == "csv" and not current().settings.fields:
        from storeops.reading.export_rows import flat

        rows = map(flat, rows)  # a spreadsheet has no room for lists
    output.items(
        rows,
        columns(),
        next_=following,
        has_more=following is not None,
        complete=fresh.complete,
        as_of=fresh.as_of,
        empty=_("No customer matches."),
    )


def explained(query: CustomerQuery) -> None:
    """Write how a filter is read."""
    found = query.explain()
    alternatives = [
        {
            "drives": drives,
            "conditions": [{"condition": label, "rows": rows} for label, rows in considered],
            "sql": sql,
        }
        for drives, sql, considered in found.alternatives
    ]
    lines = [
        _("filter: {filter}").format(filter=found.filter or _("(everybody)")),
        _("order: {order}").format(order=found.sort),
    ]
    for each in found.alternatives:
        lines.append(_("read by: {drives}").format(drives=each[0]))
        lines += [
            "  " + labelled(label, _("many rows") if rows is None
                            else plural("{count} row", "{count} rows", rows))
            for label, rows in each[2]
        ]  # fmt: skip
    output.result(
        {"filter": found.filter, "sort": found.sort, "alternatives": alternatives},
        "\n".join(lines),
    )


@app.command("list", help=_("List customers, newest first."))
@option_sets
@selecting
def list_(
    selection: Selection,
    sort: Sort = "",
    page: PageOptions = PageOptions(limit=100),
    explain: Explain = False,
    reveal: Reveal = False,
) -> None:
    """List customers by filter, shorthands and view."""
    from storeops.notebook import views

    call = current()
    if selection.view:
        saved = views.get_view(call.app.data, selection.view)
        sort = sort or saved.sort
        if saved.columns and not call.settings.fields:
            call.set(fields=saved.columns)
    query = selected(selection, sort=sort or "newest")
    listing(query, page=page, reveal=reveal, explain=explain)


@app.command(
    "search",
    help=_(
        "Find customers by any part of name, remark, pinyin or phone, or an id from its beginning."
    ),
)
@option_sets
@selecting
def search(
    words: Annotated[list[str], typer.Argument(metavar="TEXT", help=_("All of them must occur."))],
    selection: Selection,
    sort: Sort = "newest",
    page: PageOptions = PageOptions(limit=50),
    explain: Explain = False,
    reveal: Reveal = False,
) -> None:
    """Search; each argument is text, never a filter."""
    query = selected(replace(selection, words=tuple(words)), sort=sort)
    listing(query, page=page, reveal=reveal, explain=explain)


@app.command("show", help=_("Show one customer: follows, tags, groups, notes."))
def show(who: Who, reveal: Reveal = False) -> None:
    """Show one customer."""
    from storeops.reading import customers
    from storeops.reading.filter_words import label

    call = current()
    fresh = freshness.noted()
    row = customers.show_customer(call.app.data, who, now=call.app.clock.now(), reveal=reveal)
    if call.settings.machine or call.settings.fields:
        output.item({**row, "as_of": cells.iso(fresh.as_of)}, [])
        return
    output.item(
        row,
        [
            Column("name", _("Name")),
            Column("external_userid", _("Id")),
            Column("type", _("Type"), show=lambda value: label("type", value)),
            Column("gender", _("Gender"), show=lambda value: label("gender", value)),
            Column("unionid", "unionid"),
            Column("status", _("Status"), show=status_name),
        ],
    )
    for follow in row["follows"]:
        output.line("")
        output.item(
            {**follow, "owner": _named(follow)},
            [
                Column("owner", _("Owner")),
                Column("store", _("Store")),
                Column("status", _("Status"), show=status_name),
                Column("remark", _("Remark")),
                Column("description", _("Description")),
                Column("remark_mobiles", _("Phones")),
                Column("tags", _("Tags"), show=_tag_names),
                Column("add_way", _("Came by"), show=way_name),
                Column("state", _("State")),
                Column("createtime", _("Since"), show=cells.when),
            ],
        )
    if not row["follows"]:
        output.line("")
        output.line(_("Nobody follows this customer any more."))
    if row["sections"] or row["groups"] or row["notes"]:
        output.line("")
    for section in row["sections"].values():
        if section["lines"]:
            output.line(section["title"])
        for name, text in section["lines"]:
            output.line("  " + (_("{name}: {text}").format(name=name, text=text) if name else text))
    for each in row["groups"]:
        output.line(_("Group chat: {name} ({chat_id})").format(**each))
    for each in row["notes"]:
        output.line(
            _("Note {id}, {when}, {author}: {text}").format(
                id=each["id"], when=cells.when(each["at"]), author=each["author"], text=each["text"]
            )
        )


@app.command("timeline", help=_("What happened to one customer, newest first."))
@option_sets
def timeline(who: Who, page: PageOptions = PageOptions(limit=100), reveal: Reveal = False) -> None:
    """Show the history of one customer."""
    from storeops.reading import customers

    call = current()
    fresh = freshness.noted()
    rows = customers.timeline_of(
        call.app.data, who, now=call.app.clock.now(), limit=page.end, reveal=reveal
    )
    if not (call.settings.machine or call.settings.fields):  # those name parts of a value
        from commands.history import described

        rows = described(rows, call.app.data, status_name)
    output.paged(
        rows,
        [
            Column("at", _("When"), show=cells.when),
            Column("userid", _("Owner"), max_width=20),
            Column("field", _("What")),
            Column("before", _("Before"), max_width=30),
            Column("after", _("After"), max_width=30),
            Column("source", _("Source")),
            Column("ref", _("Ref")),
        ],
        page=page,
        complete=fresh.complete,
        as_of=fresh.as_of,
        empty=_("Nothing has changed since this customer was first seen."),
    )


@app.command("note", help=_("Keep a note on a customer; it is never sent to WeCom."))
def note(
    who: Who,
    text: Annotated[
        list[str] | None, typer.Argument(metavar="TEXT", help=_("The note; quotes not needed."))
    ] = None,
    delete: Annotated[
        int, typer.Option("--delete", metavar="NUMBER", help=_("Take note NUMBER away."))
    ] = 0,
) -> None:
    """Add a note, or take one away."""
    from storeops.changes.ledger import account_name
    from storeops.notebook import notes
    from storeops.reading import customers

    call = current()
    now = call.app.clock.now()
    _key, external_userid = customers.find_customer(call.app.data, who, now)
    if delete:
        notes.delete_note(call.app.data, delete)
        output.result({"deleted": delete}, _("Note {number} is gone.").format(number=delete))
        return
    kept = notes.add_note(
        call.app.data,
        external_userid,
        " ".join(text or ()),
        call.app.as_name or account_name(),
        now,
    )
    output.result(
        {"id": kept.id, "external_userid": external_userid, "at": kept.at, "author": kept.author,
         "text": kept.text},
        _("Note {number} is kept.").format(number=kept.id),
    )  # fmt: skip


@app.command("export", help=_("Write customers to a file: CSV, XLSX, NDJSON or Parquet."))
@selecting
def export(
    path: Annotated[
        str, typer.Argument(metavar="FILE", help=_("Where to; - for stdout (CSV, NDJSON)."))
    ],
    selection: Selection,
    sort: Sort = "",
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            autocompletion=completion("file"),
            help=_("csv, xlsx, ndjson or parquet."),
        ),
    ] = "",
    reveal: Reveal = False,
    raw: Annotated[
        bool,
        typer.Option(
            "--raw", help=_("CSV and XLSX for programs: field names, codes, Unix seconds.")
        ),
    ] = False,
    force: Force = False,
) -> None:
    """Export at flat memory, one row a customer."""
    from commands.progress import bars
    from storeops.domains.export.export import export_customers
    from storeops.notebook import views

    call = current()
    over = may_replace(path, force=force)
    if selection.view:
        sort = sort or views.get_view(call.app.data, selection.view).sort
    fresh = freshness.noted()
    query = selected(selection, sort=sort or "newest")
    with bars() as shown:
        done = export_customers(
            call.app.data,
            query,
            path,
            sys.stdout,
            wanted=format_,
            fields=call.settings.fields,
            reveal=reveal,
            bom=call.settings.bom,
            over=over,
            words=not raw and path != "-",
            on_progress=lambda rows: shown.show("export", _("customers"), done=rows, total=None),
        )
    if done.masked:
        say(_("Phone numbers are masked; --reveal writes them in full."))
    if path != "-":
        output.result(
            {"rows": done.rows, "path": done.path, "format": done.format, "masked": done.masked,
             "complete": fresh.complete, "as_of": cells.iso(fresh.as_of)},
            ngettext(
                "{count} customer written to {path}.",
                "{count} customers written to {path}.",
                done.rows,
            ).format(
                count=cells.amount(done.rows), path=done.path),
            fields=(),  # --fields are the columns of the file
        )  # fmt: skip
