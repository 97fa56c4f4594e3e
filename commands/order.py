"""`storeops order`: purchases of all channels, and whose they are."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import cells, output
from commands.completing import completion
from commands.context import current
from commands.diagnostics import note
from commands.file_options import HeaderRow, Heading, Hidden, RecordsFile, SheetName, Template
from commands.option_sets import option_sets
from commands.options import Reveal, Yes, any_of
from commands.output import Column
from commands.page_options import PageOptions
from storeops.errors import ExitCode
from storeops.i18n import _, aside, ngettext, plural

if TYPE_CHECKING:
    from storeops.domains.orders.importing import ImportedOrders, OrderRequest

app = typer.Typer(help=_("Orders: import from tills and shops, list, say whose they are."))

_SHOWN = 20

SourceName = Annotated[
    str,
    typer.Option(
        "--source", metavar="NAME", autocompletion=completion("order_source"),
        help=_("The till, shop system or marketplace they come from."),
    ),
]  # fmt: skip
Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE", autocompletion=completion("order_source"), help=_("Name of the source.")
    ),
]  # fmt: skip
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column", metavar="HEADING=FIELD",
        help=_("What a heading means, remembered for the source; may be repeated."),
    ),
]  # fmt: skip


def _money(amount_fen: Any) -> str:
    from storeops.domains.orders.values import yuan

    return yuan(amount_fen)


def _status(word: str) -> str:
    from storeops.domains.orders.values import STATUSES

    return _(STATUSES.get(word, word))


def _reason(word: str) -> str:
    from storeops.domains.orders.matching import REASONS

    return _(REASONS[word]) if word in REASONS else word


def _file_fields(template: bool) -> None:
    from storeops.changes.sheets import template as table
    from storeops.domains.orders.order_file import FIELDS

    if template:
        output.write(table(FIELDS, bom=current().settings.bom))
        raise typer.Exit


def note_problems(problems: Any) -> None:
    """Name the first problems on stderr, and how many more there are."""
    found = list(problems)
    for each in found[:_SHOWN]:
        note(each.message)
    if len(found) > _SHOWN:
        note(_("… and {count} more; --json names all.").format(count=len(found) - _SHOWN))


@app.command("import", help=_("Take in orders: a file, a folder that is looked at again, or -."))
def import_(
    path: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help=_("CSV, XLSX, NDJSON or Parquet; a folder; - for stdin.")
        ),
    ] = "",
    source: SourceName = "",
    lines: Annotated[
        str,
        typer.Option(
            "--lines", metavar="FILE", help=_("A second file with the lines of the orders.")
        ),
    ] = "",
    column: Columns = None,
    channel: Annotated[
        str,
        typer.Option("--channel", metavar="NAME", help=_("The channel of orders that name none.")),
    ] = "",
    zone: Annotated[
        str, typer.Option("--zone", metavar="ZONE", help=_("The file's time zone: Asia/Shanghai."))
    ] = "",
    currency: Annotated[
        str, typer.Option("--currency", metavar="CODE", help=_("The file's currency: CNY."))
    ] = "",
    hash_phones: Annotated[
        bool | None,
        typer.Option(
            "--hash-phones/--keep-phones",
            help=_("Keep this source's phone numbers as keyed hashes only."),
        ),
    ] = None,
    sheet: SheetName = "",
    header_row: HeaderRow = 0,
    hidden: Hidden = False,
    template: Template = False,
    watched: Annotated[
        bool,
        typer.Option("--watched", help=_("Look again at every folder that was taken in before.")),
    ] = False,
) -> None:
    """Import; named rows that cannot be read end with 6."""
    from storeops.changes.sheets import parse_mapping
    from storeops.domains.orders import importing
    from storeops.errors import UsageError

    _file_fields(template)
    if watched and (path or source):
        raise UsageError(_("--watched takes neither FILE nor --source."))
    if watched:
        _import_watched()
        return
    if not path or not source:
        raise UsageError(
            _("Say which file, and where it comes from: --source NAME"),
            hint=_("`storeops order sources` names those that are known."),
        )
    asked = importing.OrderRequest(
        source, path, lines, parse_mapping(column or []), channel, zone, currency, hash_phones,
        sheet, header_row, hidden,
    )  # fmt: skip
    done = _take_in(asked, _resume(asked))
    output.result(done.as_dict(), _imported(done))
    note_problems(done.problems)
    if done.ignored:
        names = _(", ").join(done.ignored[:_SHOWN])
        note(_("Not used: {names}. What one of them means: --column HEADING=FIELD; `storeops order"
               " import --template` names the fields.").format(names=names))  # fmt: skip
    if done.unmatched or done.ambiguous:
        note(_("Why: storeops order match"))
    if any(not each.warning for each in done.problems):
        raise typer.Exit(ExitCode.PARTIAL)


def _take_in(asked: OrderRequest, resume: str) -> ImportedOrders:
    from commands.progress import bars
    from storeops.domains.orders import importing

    call = current()
    titles = {"stage": _("Rows read"), "write": _("Orders compared")}
    with call.interruptible(resume=resume) as stop, bars() as shown:
        return importing.import_orders(
            call.app.data, asked, call.app.clock.now(), stop=stop,
            on_progress=lambda step, count, total: shown.show(
                step, titles[step], done=count, total=total
            ),
        )  # fmt: skip


def _imported(done: ImportedOrders) -> str:
    text = _(
        "{source}: {lines}, {orders}: {added} added, {changed} changed,"
        " {unchanged} known already; returns: {returns}."
        " With their customer: {matched}; waiting: {unmatched}; fitting several: {ambiguous}."
    )
    about = {key: cells.amount(value) if isinstance(value, int) else value
             for key, value in done.as_dict().items() if key != "problems"}  # fmt: skip
    rows = plural("{count} row", "{count} rows", done.lines)
    orders = plural("{count} order", "{count} orders", done.orders)
    return text.format(**{**about, "lines": rows, "orders": orders})


def _import_watched() -> None:
    """Each source by itself: a folder that is not there keeps no other one from being read."""
    from storeops.domains.orders import importing
    from storeops.domains.orders import sources as known

    data = current().app.data
    answers: list[dict[str, Any]] = []
    texts, whole = [], True
    for each in known.watched(data):
        if not Path(each.folder).is_dir():
            gone = _("The folder {folder} of {source} is not there.").format(
                folder=each.folder, source=each.name
            )
            answers.append({"source": each.name, "problems": [{"line": 0, "message": gone}]})
            note(gone)
            step = shlex.join(["storeops", "order", "unwatch", "--", each.name])
            note(_("Look at it no more: {step}").format(step=step))
            whole = False
            continue
        done = _take_in(
            importing.OrderRequest(each.name, each.folder), "storeops order import --watched"
        )
        answers.append(done.as_dict())
        texts.append(_imported(done))
        note_problems(done.problems)
        whole &= all(each.warning for each in done.problems)
    if not answers:
        texts = [_("No folder was taken in yet: storeops order import FOLDER --source NAME")]
    output.result({"sources": answers}, "\n".join(texts))
    if not whole:
        raise typer.Exit(ExitCode.PARTIAL)


@app.command("unwatch", help=_("Look at the folder of a source no more; its orders stay."))
def unwatch(name: Source) -> None:
    """Forget the folder."""
    from storeops.domains.orders import sources as known

    data = current().app.data
    found = known.find(data, name)
    known.watch(data, found, "")
    output.result({"source": found.name}, _("No folder of {source} is looked at any more.").format(
        source=found.name))  # fmt: skip


def _resume(asked: Any) -> str:
    return f"storeops order import {shlex.quote(asked.path)} --source {shlex.quote(asked.source)}"


@app.command("list", help=_("List orders, the newest first."))
@option_sets
def list_(
    source: SourceName = "",
    customer: Annotated[
        str, typer.Option("--customer", metavar="ID", help=_("Of this customer (external_userid)."))
    ] = "",
    shop: Annotated[
        str,
        typer.Option(
            "--shop",
            metavar="SHOP",
            autocompletion=completion("shop-bought"),
            help=_("Of this shop, as orders name it."),
        ),
    ] = "",
    channel: Annotated[
        str,
        typer.Option(
            "--channel",
            metavar="NAME",
            autocompletion=completion("channel"),
            help=_("Through this channel."),
        ),
    ] = "",
    seller: Annotated[
        str, typer.Option("--seller", metavar="USERID", help=_("Rung up by this member."))
    ] = "",
    status: Annotated[
        list[str] | None,
        typer.Option("--status", metavar="STATUS", help=_("paid, return or cancelled.")),
    ] = None,
    since: Annotated[
        str, typer.Option("--since", metavar="DATE", help=_("Paid since: 2026-05, 7d, month."))
    ] = "",
    until: Annotated[
        str, typer.Option("--until", metavar="DATE", help=_("Paid until the end of: 2026-05."))
    ] = "",
    unmatched: Annotated[
        bool, typer.Option("--unmatched", help=_("Only those whose customer is not known yet."))
    ] = False,
    ambiguous: Annotated[
        bool, typer.Option("--ambiguous", help=_("Only those that fit several customers."))
    ] = False,
    page: PageOptions = PageOptions(limit=50),
) -> None:
    """List orders."""
    from storeops.domains.orders import orders
    from storeops.domains.orders import sources as known
    from storeops.domains.orders.values import STATUSES
    from storeops.errors import NotFoundError
    from storeops.reading import filter_dates, identities

    call = current()
    db, now = call.app.data, call.app.clock.now()
    waiting = {(True, True): "waiting", (True, False): "unmatched", (False, True): "ambiguous"}
    key = None
    if customer:
        key = identities.ids_of(db.connection, [customer]).get(customer)
        if key is None:
            raise NotFoundError(
                _("The mirror knows no customer {who}.").format(who=customer),
                hint=_("`storeops customer list` names them."),
            )
    which = orders.OrderFilter(
        source, channel, shop, seller, key,
        waiting.get((unmatched, ambiguous), ""),
        filter_dates.read_span(since, now, "--since")[0] if since else None,
        filter_dates.read_span(until, now, "--until")[1] if until else None,
        any_of(status, STATUSES),
    )  # fmt: skip
    some = known.names(db)
    open_ones: list[dict[str, Any]] = []  # the first that fits several

    def rows() -> Iterator[dict[str, Any]]:
        for row in orders.list_orders(db, which):
            if not open_ones and row["reason"] == "ambiguous":
                open_ones.append(row)
            yield {**row, "paid_at": cells.iso(row["paid_at"])}

    output.paged(
        rows(),
        [
            Column("paid_at", _("Paid"), show=cells.when),
            Column("order_no", _("Order no."), max_width=22),
            Column("amount_fen", _("Amount"), show=_money, right=True),
            Column("status", _("Status"), show=_status),
            Column("channel", _("Channel"), max_width=12),
            Column("shop", _("Shop"), max_width=12),
            Column("customer", _("Customer"), max_width=16),
            Column("reason", _("Why no customer"), show=_reason, max_width=24),
        ],
        page=page,
        as_of=now,
        empty=_("No order matches.")
        if some
        else _("No order is known; take some in: storeops order import FILE --source NAME"),
    )
    if ambiguous and open_ones:
        order_no, of = open_ones[0]["order_no"], open_ones[0]["source"]
        step = shlex.join(["storeops", "order", "show", f"--source={of}", "--", order_no])
        note(_("Whom one of them fits: {step}").format(step=step))
        note(_("Say whose it is: {step}").format(step=_match_step(order_no, of, "ID")))


@app.command("totals", help=_("Orders and amounts by shop, channel, source or day."))
def totals(
    by: Annotated[
        str, typer.Option("--by", metavar="WHAT", help=_("shop, channel, source or day."))
    ] = "shop",
    source: SourceName = "",
    since: Annotated[
        str, typer.Option("--since", metavar="DATE", help=_("Paid since: 2026-05, 7d, month."))
    ] = "30d",
    until: Annotated[
        str, typer.Option("--until", metavar="DATE", help=_("Paid until the end of: 2026-05."))
    ] = "today",
) -> None:
    """Sum orders."""
    from storeops.domains.orders import orders
    from storeops.reading import filter_dates

    db, now = current().app.data, current().app.clock.now()
    which = orders.OrderFilter(
        source,
        since=filter_dates.read_span(since, now, "--since")[0],
        until=filter_dates.read_span(until, now, "--until")[1],
    )
    rows = orders.totals(db, by, which, now)
    titles = {"shop": _("Shop"), "channel": _("Channel"), "source": _("Source"), "day": _("Day")}
    output.items(
        rows,
        [
            Column("name", titles[by], max_width=24),
            Column("orders", _("Orders"), right=True, show=cells.amount),
            Column("returns", _("Returns"), right=True, show=cells.amount),
            Column("unmatched", _("Without customer"), right=True, show=cells.amount),
            Column("amount_fen", _("Amount"), right=True, show=_money),
        ],
        as_of=now,
        empty=_("No order matches."),
    )


def _match_step(order_no: str, source: str, customer: str) -> str:
    """The command that says whose an order is."""
    words = [f"--order={order_no}", f"--customer={customer}", f"--source={source}"]
    return shlex.join(["storeops", "order", "match", *words])


@app.command("show", help=_("Show one order: lines, versions, returns, and whose it is."))
def show(
    order_no: Annotated[str, typer.Argument(metavar="ORDER", help=_("The order's number."))],
    source: SourceName = "",
    reveal: Reveal = False,
) -> None:
    """Show one order."""
    from storeops.domains.orders import matching, orders

    call = current()
    found = orders.show_order(call.app.data, order_no, source, reveal=reveal)
    for key in ("paid_at", "first_seen_at", "updated_at"):
        found[key] = cells.iso(found[key])
    for version in found["versions"]:
        for key in ("paid_at", "replaced_at"):
            version[key] = cells.iso(version[key])
    if call.settings.machine or call.settings.fields:
        output.item(found, [])
        return
    way = found["matched_by"]
    whose = found["customer"] or found["external_userid"] or _reason(found["reason"])
    if way:
        whose = aside(whose, _(matching.WAYS[way]))
    if found["candidates"]:
        whose += ": " + _(", ").join(
            f"{each['name']} {each['external_userid']}" for each in found["candidates"]
        )
    output.item(
        {**found, "whose": whose},
        [
            Column("order_no", _("Order no.")),
            Column("source", _("Source")),
            Column("status", _("Status"), show=_status),
            Column("paid_at", _("Paid"), show=cells.when),
            Column("amount_fen", _("Amount"), show=_money),
            Column("currency", _("Currency")),
            Column("channel", _("Channel")),
            Column("shop", _("Shop")),
            Column("seller", _("Sold by")),
            Column("server", _("Served by")),
            Column("whose", _("Customer")),
            Column("original", _("Returns order")),
            Column("returned_by", _("Returned by")),
            Column("version", _("Version")),
        ],
    )
    output.line("")
    output.items(
        found["lines"],
        [
            Column("line", _("Line"), right=True),
            Column("code", _("Article"), max_width=18),
            Column("name", _("Name"), max_width=30),
            Column("quantity", _("Quantity"), right=True, show=lambda value: f"{value:g}"),
            Column("amount_fen", _("Amount"), right=True, show=_money),
        ],
        empty=_("It has no lines."),
    )
    for each in found["candidates"]:
        step = _match_step(found["order_no"], found["source"], each["external_userid"])
        name = each["name"] or each["external_userid"]
        note(_("If it is {name}: {step}").format(name=name, step=step))


@app.command("match", help=_("Say how many orders have their customer, and why others have none."))
def match(
    order: Annotated[
        str, typer.Option("--order", metavar="ORDER", help=_("With --customer: this order."))
    ] = "",
    customer: Annotated[
        str, typer.Option("--customer", metavar="ID", help=_("Say whose --order is."))
    ] = "",
    source: SourceName = "",
) -> None:
    """Look for everybody who waits once more, then report."""
    from storeops.domains.orders import matching
    from storeops.errors import UsageError

    call = current()
    db, now = call.app.data, call.app.clock.now()
    if bool(order) != bool(customer):
        raise UsageError(_("--order and --customer belong together."))
    if source and not order:
        raise UsageError(_("--source says which --order is meant."))
    if order:
        count = matching.assign(db, order, customer, now, source)
        text = ngettext(
            "{count} order is this customer's now.",
            "{count} orders are this customer's now.",
            count,
        )
        output.result(
            {"order_no": order, "external_userid": customer, "orders": count},
            text.format(count=count),
        )
        return
    found = matching.look_again(db, now)
    answer = found.as_dict()
    text = _(
        "{orders}: with their customer {matched} ({new} since now), waiting {unmatched},"
        " fitting several {ambiguous}."
    ).format(
        **{key: cells.amount(value) for key, value in answer.items() if isinstance(value, int)}
        | {"orders": plural("{count} order", "{count} orders", answer["orders"])}
    )
    ways = [f"{_(matching.WAYS[way])} {cells.amount(count)}" for way, count in found.by.items()]
    lines = [text, *([_("Matched by: {ways}").format(ways=_(", ").join(ways))] if ways else [])]
    for each in answer["why_not"]:
        lines.append(
            _("{orders} × {reason}, as {order_nos}").format(
                orders=cells.amount(each["orders"]), reason=each["message"],
                order_nos=_(", ").join(each["order_nos"][:3]),
            )
        )  # fmt: skip
    output.result(answer, "\n".join(lines))


@app.command("members", help=_("Take in which customer each member number is."))
def members(
    path: RecordsFile,
    column: Heading = None,
    hash_phones: Annotated[
        bool, typer.Option("--hash-phones", help=_("Keep the numbers as keyed hashes only."))
    ] = False,
    sheet: SheetName = "",
) -> None:
    """Import the mapping of member numbers."""
    from storeops.changes.sheets import Source, parse_mapping
    from storeops.domains.orders import orders

    call = current()
    done = orders.import_members(
        call.app.data, Source(path, sheet, parse_mapping(column or [])), call.app.clock.now(),
        hashed=hash_phones,
    )  # fmt: skip
    answer = {
        "lines": done.lines,
        "written": done.written,
        "problems": [{"line": each.line, "message": each.message} for each in done.problems],
    }
    text = ngettext(
        "{count} member number written.", "{count} member numbers written.", done.written
    )
    output.result(answer, text.format(count=cells.amount(done.written)))
    note_problems(done.problems)
    if answer["problems"]:
        raise typer.Exit(ExitCode.PARTIAL)


@app.command("sources", help=_("List where orders come from, with what is remembered of each."))
def sources() -> None:
    """List sources."""
    from storeops.domains.orders import sources as known

    call = current()
    rows = known.listing(call.app.data)
    for row in rows:
        for key in ("first_at", "last_at", "imported_at"):
            row[key] = cells.iso(row[key])
    output.items(
        rows,
        [
            Column("name", _("Source"), max_width=20),
            Column("orders", _("Orders"), right=True, show=cells.amount),
            Column("unmatched", _("Without customer"), right=True, show=cells.amount),
            Column("last_at", _("Last order"), show=cells.when),
            Column("imported_at", _("Imported"), show=cells.when),
            Column("channel", _("Channel"), max_width=12),
            Column("currency", _("Currency")),
            Column("folder", _("Watched folder"), max_width=24),
        ],
        as_of=call.app.clock.now(),
        empty=_("No orders were imported yet: storeops order import FILE --source NAME"),
    )


@app.command("forget", help=_("Take a source out with all its orders."))
def forget(
    name: Source,
    yes: Yes = False,
) -> None:
    """Delete a source's orders."""
    from commands.question import type_to_confirm
    from storeops.domains.orders import sources as known

    call = current()
    found = known.find(call.app.data, name)
    count = next(
        each["orders"] for each in known.listing(call.app.data) if each["name"] == found.name
    )
    if not yes:
        type_to_confirm(
            ngettext(
                "{count} order of {name} will be deleted.",
                "{count} orders of {name} will be deleted.",
                count,
            ).format(count=cells.amount(count), name=found.name),
            str(count),
        )
    gone = known.forget(call.app.data, name)
    text = ngettext("{count} order was deleted.", "{count} orders were deleted.", gone)
    output.result({"source": found.name, "orders": gone}, text.format(count=cells.amount(gone)))
