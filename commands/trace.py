"""`storeops trace`: a lot back and forward, calling it back, inferring one, handing events on."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from commands import cells, output
from commands.context import current
from commands.diagnostics import note
from commands.lot import LotArgument, papers, quantity
from commands.option_sets import option_sets
from commands.options import DryRun, Force, Yes, day_of
from commands.output import Column
from commands.page_options import PageOptions
from commands.question import confirm as confirm_first
from commands.question import may_replace
from storeops.domains.lots.words import states
from storeops.errors import PartialError, UsageError
from storeops.i18n import _, ngettext

app = typer.Typer(help=_("Trace a lot back and forward, call it back, infer a lot."))
recall = typer.Typer(help=_("Call a lot back: plan, notify, list, confirm, close."))
app.add_typer(recall, name="recall")


Number = Annotated[int, typer.Argument(metavar="NUMBER", help=_("Of the recall."))]


def _columns(items: list[dict[str, Any]]) -> list[Column]:
    from storeops.domains.lots.places import places

    words = states()
    known = places(current().app.data, {each["place"] for each in items})
    return [
        Column("item", _("Article")),
        Column("lot", _("Lot"), max_width=20),
        Column(
            "place",
            _("Place"),
            max_width=24,
            show=lambda place: known[place].name or place if place in known else place,
        ),
        Column("state", _("State of pieces"), show=lambda state: words.get(state, state)),
        Column("qty", _("Quantity"), right=True, show=quantity),
        Column("at", _("Time"), show=cells.when),
        Column("papers", _("Papers"), show=papers, max_width=24),
    ]


@app.command("back", help=_("Everything behind a lot: what went into it, where, by which papers."))
@option_sets
def back(lot: LotArgument, page: PageOptions = PageOptions(limit=200)) -> None:
    """Trace back."""
    from storeops.domains.lots import gs1, trace

    call = current()
    found = trace.back(call.app.data, gs1.asked(lot))
    output.paged(
        found, _columns(found), page=page, as_of=call.app.clock.now(),
        empty=_("Nothing is known of what went into it."),
    )  # fmt: skip


@app.command(
    "forward",
    help=_("Where everything made of a lot is: on the way, on the shelf, sold, thrown away."),
)
@option_sets
def forward(lot: LotArgument, page: PageOptions = PageOptions(limit=200)) -> None:
    """Trace forward."""
    from storeops.domains.lots import gs1, trace

    call = current()
    found, doubts = trace.forward(call.app.data, gs1.asked(lot))
    output.paged(
        found, _columns(found), page=page, as_of=call.app.clock.now(),
        complete=not doubts, empty=_("Nothing is known of where it went."),
    )  # fmt: skip
    for each in doubts[:10]:
        note(each)


@app.command("export", help=_("The events of a trace both ways as EPCIS 2.0, for a partner."))
def export(
    lot: LotArgument,
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="FILE", help=_("JSON to write; - for stdout."))
    ] = "-",
    force: Force = False,
) -> None:
    """Export."""
    import sys

    from storeops import times
    from storeops.domains.lots import gs1, trace
    from storeops.export_file import text_file

    call = current()
    over = may_replace(out, force=force)
    events = trace.event_bodies(call.app.data, gs1.asked(lot))
    document = {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type": "EPCISDocument", "schemaVersion": "2.0",
        "creationDate": times.iso(call.app.clock.now()),
        "epcisBody": {"eventList": events},
    }  # fmt: skip
    with text_file(out, over, sys.stdout) as file:
        file.write(cells.json_text(document, indent=2) + "\n")
    if out != "-":
        output.result(
            {"events": len(events), "out": out},
            ngettext(
                "{count} event in {path}.",
                "{count} events in {path}.",
                len(events),
            ).format(count=len(events), path=out),
        )


def _moment(text: str, option: str) -> float:
    from storeops import times
    from storeops.tables import typed

    found = typed.moment(text, times.zone())
    if found is None:
        raise UsageError(
            _("{option}: “{value}” is no time.").format(option=option, value=text[:40]),
            hint=_("Write it as 2026-05-01 08:00."),
        )
    return found


@app.command("infer", help=_("Which production runs a receipt may come from, with the evidence."))
def infer(
    item: Annotated[
        str,
        typer.Argument(
            metavar="ITEM", help=_("GTIN, or what a scanner read of the label (GS1).")
        ),
    ],
    at: Annotated[
        str, typer.Option("--at", metavar="TIME", help=_("When it was received."))
    ],
    place: Annotated[
        str, typer.Option("--place", metavar="PLACE", help=_("Where it was received."))
    ] = "",
    qty: Annotated[
        float | None, typer.Option("--qty", metavar="PIECES", help=_("How many pieces."))
    ] = None,
    expires: Annotated[
        str, typer.Option("--expires", metavar="DAY", help=_("Expiry day on the label."))
    ] = "",
    made: Annotated[
        str,
        typer.Option("--made", metavar="TIME", help=_("Production day or time on the label.")),
    ] = "",
    shelf_life: Annotated[
        int | None,
        typer.Option("--shelf-life", metavar="DAYS", help=_("From production to expiry.")),
    ] = None,
    least: Annotated[
        float,
        typer.Option("--least", metavar="HOURS", help=_("Handling and transit at least.")),
    ] = 0.0,
    most: Annotated[
        float,
        typer.Option("--most", metavar="HOURS", help=_("From production to receipt at most.")),
    ] = 168.0,
    oldest_first: Annotated[
        bool, typer.Option("--oldest-first", help=_("The plant sends the oldest first."))
    ] = False,
) -> None:  # fmt: skip
    """Infer."""
    from storeops.domains.lots import gs1
    from storeops.domains.lots import infer as engine

    call = current()
    try:
        label = gs1.scanned(item)
        where = gs1.place(place) if place else ""
    except gs1.BadIdError as error:
        raise UsageError(_("{reason}.").format(reason=str(error))) from None
    if not label.get("item"):
        raise UsageError(_("“{value}” names no article.").format(value=item[:40]))
    if least < 0 or most <= least or (qty is not None and qty < 0):
        raise UsageError(_("--least, --most and --qty are 0 or more, and --most is the larger."))
    made = made or label.get("made", "")
    runs, known = engine.facts(call.app.data, label["item"], where)
    found = engine.infer(
        engine.LotReceipt(
            _moment(at, "--at"), qty, label.get("lot", ""),
            day_of(expires or label.get("expires", ""), "--expires"),
            day_of(made, "--made") if ":" not in made else None,
            _moment(made, "--made") if ":" in made else None,
        ),
        runs, known,
        engine.LotLimits(least * 3600, most * 3600, shelf_life, oldest_first),
    )  # fmt: skip
    items = [
        {
            "lot": run.lot, "item": label["item"], "share": round(share, 4),
            "start": cells.iso(run.start), "end": cells.iso(run.end), "made": run.made,
            "event_id": run.event_id,
        }
        for run, share in found.runs
    ]  # fmt: skip
    levels = {
        "proved": _("proved"), "inferred": _("inferred"), "ambiguous": _("ambiguous"),
        "conflict": _("conflict"),
    }  # fmt: skip
    if not current().settings.machine:
        output.heading(_("Level: {level}").format(level=levels[found.level]))
        for line in found.evidence:
            output.line(line)
    output.items(
        items,
        [
            Column("lot", _("Lot"), max_width=20),
            Column("share", _("Share"), right=True, show=lambda share: f"{share:.0%}"),
            Column("start", _("Began"), show=cells.when),
            Column("end", _("Ended"), show=cells.when),
            Column("made", _("Pieces made"), right=True, show=quantity),
        ],
        extra={
            "level": found.level, "earliest": cells.iso(found.earliest),
            "latest": cells.iso(found.latest), "evidence": list(found.evidence),
        },
        empty=_("No run remains."),
    )  # fmt: skip


def _statuses() -> dict[str, str]:
    return {"open": _("open"), "confirmed": _("confirmed"), "closed": _("closed"),
            "false_alarm": _("false alarm")}  # fmt: skip


def _show(found: dict[str, Any]) -> None:
    from storeops.domains.lots.words import amount
    from storeops.domains.notify.log import WORDS as MESSAGES

    if current().settings.machine:
        output.result(found)
        return
    words = _statuses()
    output.heading(
        _("Recall {number}, lot {lot}, {status}: {reason}").format(
            number=found["recall"], lot=found["lot"], status=words[found["status"]],
            reason=found["reason"],
        )
    )  # fmt: skip
    output.line(
        _("Places: {places}. Pieces to hold back: {block}, held back: {blocked}, sold: {sold}."
          " Open lines: {open}.").format(
            places=found["places"], block=quantity(found["to_block"]),
            blocked=quantity(found["blocked"]), sold=quantity(found["sold"]), open=found["open"],
        )
    )  # fmt: skip
    if found["false_alarm_at"]:
        output.line(
            _("False alarm, said {who} on {day}: {reason}").format(
                who=found["false_alarm_by"], day=cells.day(found["false_alarm_at"]),
                reason=found["false_alarm_why"],
            )
        )  # fmt: skip
    if found["customers"]:
        output.line(
            _("Customers whose guides were asked: {all}, of them open: {open}.").format(
                all=found["customers"], open=found["customers_open"]
            )
        )
    output.items(
        [
            {
                **each,
                **{key: amount(each[key], each["unit"]) for key in ("to_block", "sold")},
            }
            for each in found["items"]
        ],
        [
            Column("place", _("Place"), max_width=20, minor=9),
            Column("name", _("Name"), max_width=20),
            Column("store", _("Store"), max_width=10),
            Column("staff", _("Staff"), show=lambda ids: str(len(ids)), right=True),
            Column("lot", _("Lot"), max_width=20),
            Column("to_block", _("To hold back"), right=True),
            Column("blocked", _("Held back"), right=True, show=quantity),
            Column("sold", _("Sold"), right=True),
            Column(
                "told",
                _("Told"),
                show=lambda status: _(MESSAGES.get(status, status)) if status else "–",
            ),
            Column("status", _("Status"), show=lambda status: words[status]),
        ],
        empty=_("No place holds pieces of it."),
    )


@recall.command("plan", help=_("Begin a recall: who has pieces of the lot, who is to be told."))
def plan(
    lot: LotArgument,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help=_("Why it is called back."))
    ],
) -> None:
    """Plan a recall."""
    from storeops.domains.lots import buyers, gs1
    from storeops.domains.lots import recall as engine

    call = current()
    found = engine.plan(
        call.app.data, gs1.asked(lot), reason, call.app.ledger.who, call.app.clock.now()
    )
    reached = buyers.buyers(call.app.data, gs1.asked(lot))
    _show({
        **found, "buyers": buyers.count(reached),
        "buyers_proved": buyers.count([each for each in reached if each.proved]),
    })  # fmt: skip
    for each in found["doubts"][:10]:
        note(each)
    if reached:
        note(
            _buyers(buyers.count(reached), buyers.count([each for each in reached if each.proved]))
        )
    note(
        _("Nobody was told by this. Tell shops and the guides of customers: {command}").format(
            command=f"storeops trace recall notify {found['recall']}"
        )
    )


def _buyers(count: int, proved: int) -> str:
    return ngettext(
        "{count} customer bought of it or may have; a receipt proves it of {proved}.",
        "{count} customers bought of it or may have; receipts prove it of {proved}.",
        count,
    ).format(count=count, proved=proved)


@recall.command("notify", help=_("Tell the shops, and give the guides of its buyers a task each."))
def notify(number: Number, dry_run: DryRun = False, yes: Yes = False) -> None:
    """Notify; a shop is told once, a customer's guide asked once."""
    import shlex

    from storeops.domains.lots import notices
    from storeops.domains.notify.log import FAILED, PARTLY, UNCERTAIN

    call = current()
    planned = notices.notices(call.app.data, number)
    fresh = [each for each in planned if each.target and each.lots]
    if dry_run:
        output.items(
            [
                {"place": each.place, "store": each.store, "name": each.name,
                 "to": each.target, "staff": list(each.receiver.staff), "text": each.text}
                for each in fresh
            ],
            [
                Column("store", _("Store"), max_width=10),
                Column("to", _("Target"), max_width=20),
                Column("staff", _("Staff"), show=lambda ids: str(len(ids)), right=True),
                Column("text", _("Text"), max_width=80),
            ],
            empty=_("Every shop that can be told was told."),
        )  # fmt: skip
        return
    if fresh and not yes:
        question = ngettext(
            "{count} shop is sent a message now, to all its members. Go on?",
            "{count} shops are sent a message now, to all their members. Go on?",
            len(fresh),
        )
        confirm_first(question.format(count=len(fresh)))
    done = notices.notify(call.app, number)
    output.result(
        {
            "recall": number, "messages": [each.target for each in done.messages],
            "unreachable": list(done.unreachable), "customers": done.customers,
            "customers_proved": done.proved, "tasks": done.tasks,
        },
        _("Recall {number}: shops told now {shops}, guides asked now {tasks}.").format(
            number=number, shops=len(done.messages), tasks=done.tasks
        ),
    )  # fmt: skip
    if done.customers:
        note(_buyers(done.customers, done.proved))
    if done.unreachable:
        note(_("Nobody to tell there: {names}.").format(names=_(", ").join(done.unreachable[:10])))
    failures = (FAILED, UNCERTAIN, PARTLY)
    bad = {id: status for id, status in done.told.items() if status in failures}
    if bad:
        shown = " ".join(f"--status {each}" for each in sorted(set(bad.values())))
        steps = [f"storeops notify log {shown}"]
        again, doubtful = (
            shlex.join(["storeops", "notify", "retry", *(id for id in bad if bad[id] == status)])
            for status in (FAILED, UNCERTAIN)
        )
        if FAILED in bad.values():
            steps.append(again)
        raise PartialError(
            _("Messages that did not arrive everywhere: {count}.").format(count=len(bad)),
            hint=_("Look there whether it arrived; if not, send it again: {command}").format(
                command=doubtful
            )
            if UNCERTAIN in bad.values()
            else "",
            next_steps=steps,
        )


@recall.command("list", help=_("Recalls, or one with its places: confirmed and open."))
@option_sets
def list_(
    number: Annotated[
        int | None, typer.Argument(metavar="NUMBER", help=_("Of the recall; else all."))
    ] = None,
    page: PageOptions = PageOptions(limit=50),
) -> None:
    """List recalls."""
    from storeops.domains.lots import recall as engine

    call = current()
    if number is not None:
        _show(engine.show(call.app.data, number))
        return
    words = _statuses()
    output.paged(
        engine.listed(call.app.data),
        [
            Column("recall", _("Recall"), right=True),
            Column("lot", _("Lot"), max_width=36),
            Column("made_at", _("Began"), show=cells.when),
            Column("places", _("Places"), right=True),
            Column("open", _("Open"), right=True),
            Column("status", _("Status"), show=lambda status: words[status]),
        ],
        page=page, as_of=call.app.clock.now(),
        empty=_("No lot was called back yet."),
    )  # fmt: skip


@recall.command("confirm", help=_("Note what a place holds back."))
def confirm(
    number: Number,
    place: Annotated[
        str, typer.Argument(metavar="PLACE", help=_("Its GLN, own number, or the shop's number."))
    ],
    blocked: Annotated[
        float, typer.Option("--blocked", metavar="PIECES", help=_("So many pieces are held back."))
    ],
    lot: Annotated[
        str, typer.Option("--lot", metavar="LOT", help=_("Of this lot only, where it has several."))
    ] = "",
) -> None:
    """Confirm."""
    from storeops.domains.lots import recall as engine

    call = current()
    db = call.app.data
    count = engine.confirm(
        db,
        number,
        place,
        blocked,
        call.app.ledger.who,
        call.app.clock.now(),
        lot.rpartition("/")[2],
    )
    found = engine.show(db, number)
    output.result(
        {"recall": number, "place": place, "confirmed": count, "open": found["open"]},
        _("{place}: confirmed. Open lines of recall {number}: {open}.").format(
            place=place, open=found["open"], number=number
        ),
    )


@recall.command("close", help=_("End a recall: when every place has confirmed, or with a reason."))
def close(
    number: Number,
    reason: Annotated[
        str,
        typer.Option(
            "--reason", metavar="TEXT", help=_("Why it ends though lines are open.")
        ),
    ] = "",
    false_alarm: Annotated[
        bool,
        typer.Option(
            "--false-alarm",
            help=_("The lots were never bad and count as good again; --reason says how that is"
                   " known."),
        ),
    ] = False,
) -> None:  # fmt: skip
    """Close."""
    from storeops.domains.lots import recall as engine

    call = current()
    if false_alarm:
        _end_as_false_alarm(number, reason)
        return
    found = engine.close(call.app.data, number, call.app.ledger.who, call.app.clock.now(), reason)
    output.result(
        {key: value for key, value in found.items() if key != "items"},
        _("Recall {number} is closed; pieces held back: {blocked} of {block}, sold: {sold}.")
        .format(number=number, blocked=quantity(found["blocked"]),
                block=quantity(found["to_block"]), sold=quantity(found["sold"])),
    )  # fmt: skip


def _end_as_false_alarm(number: int, reason: str) -> None:
    from storeops.domains.lots import notices
    from storeops.domains.lots import recall as engine

    app_ = current().app
    found, ended = engine.end_as_false_alarm(app_.ledger, number, reason)
    output.result(
        {**{key: value for key, value in found.items() if key != "items"}, "tasks_ended": ended},
        _("Recall {number} was a false alarm: its lots count as good again.").format(number=number),
    )
    if ended:
        note(
            ngettext("{count} task of a guide was ended.", "{count} tasks of guides were ended.",
                     ended).format(count=ended)
        )  # fmt: skip
    if any(each.lots for each in notices.notices(app_.data, number)):
        note(
            _("Tell the shops that were told of it: {command}").format(
                command=f"storeops trace recall notify {number}"
            )
        )
    if found["customers"] > ended:
        note(
            _("Customers whose guides may have spoken to them: {command}").format(
                command=f"storeops care list --rule 'recall {number}' --status done"
            )
        )
