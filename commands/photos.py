"""`storeops stock photos`: pictures of shelves, asked for, filed, chased, looked at."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from commands import cells, output
from commands.context import current
from commands.diagnostics import note
from commands.option_sets import option_sets
from commands.options import DryRun, Yes, day_of
from commands.output import Column
from commands.page_options import PageOptions
from commands.question import confirm
from storeops import times
from storeops.errors import ExitCode, PartialError, UsageError
from storeops.i18n import _, labelled, ngettext

app = typer.Typer(help=_("Pictures of shelves: asked for, filed, chased, looked at."))
spot_app = typer.Typer(help=_("What is to be photographed each day: add, list, remove."))
app.add_typer(spot_app, name="spot")

Stores = Annotated[
    list[str] | None, typer.Option("--store", metavar="STORE", help=_("Of this shop only."))
]
Number = Annotated[int, typer.Argument(metavar="PHOTO", help=_("The photo's number."))]
Spot = Annotated[str, typer.Argument(metavar="SPOT", help=_("What is to be seen."))]


def _day(text: str, now: float) -> str:
    found = day_of(text, "--day")
    return found.isoformat() if found else times.day(now)


@spot_app.command("add", help=_("Ask for a picture of it each day, of every shop or of some."))
def spot_add(
    spot: Spot,
    store: Annotated[
        list[str] | None, typer.Option("--store", metavar="STORE", help=_("Of this shop only."))
    ] = None,
    due: Annotated[
        str, typer.Option("--due", metavar="HH:MM", help=_("By when it is to be there."))
    ] = "10:00",
) -> None:
    """Add a spot."""
    from storeops.domains.stock import spots

    call = current()
    chosen = spots.add(call.app.data, spot, store or (), due, call.app.clock.now())
    known = len(spots.shops(call.app.data)) if chosen == [""] else len(chosen)
    output.result(
        {"spot": spot.strip(), "stores": [each for each in chosen if each], "due": due},
        ngettext("A picture of {spot} is asked for each day: {count} shop, by {due}.",
                 "A picture of {spot} is asked for each day: {count} shops, by {due}.",
                 known).format(spot=spot.strip(), count=known, due=due),
    )  # fmt: skip
    if not known:
        note(_("No shop has a number yet: storeops store import FILE"))


@spot_app.command("list", help=_("What is asked for each day."))
@option_sets
def spot_list(page: PageOptions = PageOptions(limit=200)) -> None:
    """List spots."""
    from storeops.domains.stock import spots

    call = current()
    output.paged(
        cells.moments(spots.every(call.app.data), "added_at"),
        [
            Column("store", _("Store"), max_width=16, show=lambda code: code or _("every shop")),
            Column("spot", _("Spot"), max_width=24),
            Column("due", _("Due by")),
            Column("added_at", _("Since"), show=cells.day),
        ],
        page=page, as_of=call.app.clock.now(),
        empty=_("No pictures are asked for; ask: storeops stock photos spot add SPOT"),
    )  # fmt: skip


@spot_app.command("remove", help=_("Ask for pictures of it no more."))
def spot_remove(spot: Spot, store: Stores = None) -> None:
    """Remove a spot."""
    from storeops.domains.stock import spots

    call = current()
    count = spots.remove(call.app.data, spot, store or (), call.app.clock.now())
    output.result({"spot": spot, "removed": count}, _("{spot} is asked for no more.").format(
        spot=spot))  # fmt: skip


def _columns() -> list[Column]:
    from storeops.domains.stock.words import photo_status

    return [
        Column("store", _("Store"), max_width=12),
        Column("name", _("Name"), max_width=16),
        Column("spot", _("Spot"), max_width=16),
        Column("due", _("Due by")),
        Column("status", _("Status"), show=photo_status),
        Column("photo", _("Photo"), right=True),
        Column("at", _("Sent"), show=cells.when),
        Column("userid", _("Member"), max_width=16),
    ]


@app.command("list", help=_("What shops owe on a day, what is there, what is missing."))
@option_sets
def list_(
    day: Annotated[
        str, typer.Option("--day", metavar="DAY", help=_("Of this day; else of today."))
    ] = "",
    store: Stores = None,
    missing: Annotated[
        bool, typer.Option("--missing", help=_("Only what is late or proves nothing."))
    ] = False,
    page: PageOptions = PageOptions(limit=200),
) -> None:
    """List."""
    from storeops.domains.stock import photos, spots

    call = current()
    now = call.app.clock.now()
    chosen = [spots.known_shop(call.app.data, each) for each in store or ()]
    rows = photos.of_day(call.app.data, _day(day, now), now, stores=chosen)
    counts = {
        status: sum(each["status"] == status for each in rows)
        for status in (photos.DONE, photos.OPEN, *photos.OWED, photos.EXTRA, photos.UNFILED)
    }
    if missing:
        rows = [each for each in rows if each["status"] in photos.OWED]
    output.paged(
        cells.moments(rows, "at"), _columns(), page=page, as_of=now,
        extra={"day": _day(day, now), "counts": counts},
        empty=_("Nothing is missing.") if missing and any(counts.values()) else _(
            "No pictures are asked for; ask: storeops stock photos spot add SPOT"),
    )  # fmt: skip
    owed = sum(counts[each] for each in (photos.DONE, photos.OPEN, *photos.OWED))
    if owed:
        note(_("{done} of {all} are there.").format(done=counts[photos.DONE], all=owed))


@app.command("show", help=_("One picture: in the terminal where it can, else where it lies."))
def show(photo: Number) -> None:
    """Show."""
    from commands import terminal_picture
    from storeops.domains.stock import photos, thumbnails
    from storeops.domains.stock.words import photo_status, photo_why

    call = current()
    row = photos.get(call.app.data, photo)
    path = str(photos.folder(call.app.data) / row["file"]) if row["file"] else ""
    why = photo_why(row["status"], row["why"], row["of_day"] or "")
    output.item(
        {
            **{name: value for name, value in row.items() if name != "file"},
            "at": cells.iso(row["at"]),
            "path": path,
        },
        [
            Column("id", _("Photo")),
            Column("store", _("Store")),
            Column("spot", _("Spot")),
            Column("day", _("Day")),
            Column("status", _("Status"), show=photo_status),
            Column("at", _("Sent"), show=cells.when),
            Column("userid", _("Member")),
            Column("width", _("Width"), show=cells.amount),
            Column("height", _("Height"), show=cells.amount),
            Column("bytes", _("Bytes"), show=cells.amount),
            Column("sha256", "SHA-256"),
            Column("path", _("File"), kind="whole"),
        ],
        known_fields=("source", "why", "kind", "of_day", "of_store", "of_spot"),
    )
    if why:
        note(why)
    if not path or call.settings.machine:
        return
    data = photos.content(call.app.data, row)
    how = terminal_picture.protocol(os.environ) if sys.stdout.isatty() else ""
    if not how:
        if sys.stdout.isatty():
            note(_("This terminal shows no pictures; open the file."))
    elif not terminal_picture.needs_pixels(how, row["kind"]):
        sys.stdout.write(terminal_picture.sequence(how, row["kind"], data))
    elif not thumbnails.installed():
        note(_("To show it here needs Pillow: {command}").format(
            command="pip install 'storeops[photos]'"))  # fmt: skip
    elif small := thumbnails.of_file(Path(path), row["sha256"]):
        sys.stdout.write(terminal_picture.decoded(how, small))
    else:
        note(_("No thumbnail can be made of it; open the file."))


@app.command(
    "import", help=_("File the pictures of a folder, by the shop, spot and day they name.")
)
def import_(
    places: Annotated[
        list[str], typer.Argument(metavar="FOLDER", help=_("Folders, or single pictures."))
    ],
    store: Annotated[
        str, typer.Option("--store", metavar="STORE", help=_("The shop, where no name says it."))
    ] = "",
    spot: Annotated[
        str, typer.Option("--spot", metavar="SPOT", help=_("The spot, where no name says it."))
    ] = "",
    day: Annotated[
        str, typer.Option("--day", metavar="DAY", help=_("The day, where no name says it."))
    ] = "",
) -> None:
    """Import."""
    from storeops.domains.stock import dropped

    call = current()
    call.app.ledger.policy.may_write()
    now = call.app.clock.now()
    done = dropped.take(
        call.app.data, [Path(each).expanduser() for each in places], times.day(now), now,
        store=store, spot=spot, day=_day(day, now) if day else "",
    )  # fmt: skip
    output.result(
        asdict(done),
        ngettext(
            "{files} file: {kept} filed, {known} known, {again} old ones again, "
            "{bad} not taken.",
            "{files} files: {kept} filed, {known} known, {again} old ones again, "
            "{bad} not taken.",
            done.files,
        )
        .format(files=done.files, kept=done.kept, known=done.known, again=done.again,
                bad=len(done.problems) - done.again),
    )  # fmt: skip
    if not call.settings.machine:
        for each in done.problems[:10]:
            note(labelled(each["file"], each["message"]))
        if len(done.problems) > 10:
            note(
                _("… and {count} more; all of them with --json.").format(
                    count=len(done.problems) - 10
                )
            )
    if len(done.problems) > done.again:
        raise typer.Exit(ExitCode.PARTIAL)


@app.command("file", help=_("Put a picture under the right shop, spot and day."))
def file(
    photo: Number,
    store: Annotated[str, typer.Option("--store", metavar="STORE", help=_("The right shop."))],
    spot: Annotated[
        str, typer.Option("--spot", metavar="SPOT", help=_("The right spot; else the next owed."))
    ] = "",
    day: Annotated[
        str, typer.Option("--day", metavar="DAY", help=_("The right day; else as it is."))
    ] = "",
) -> None:
    """File anew."""
    from storeops.domains.stock import photos, spots
    from storeops.domains.stock.spots import AskedSpot

    call = current()
    db, now = call.app.data, call.app.clock.now()
    call.app.ledger.policy.may_write()
    code = spots.known_shop(db, store)
    on = _day(day, now) if day else photos.get(db, photo)["day"]
    where = AskedSpot(code, "", spot.strip(), "") if spot else photos.next_spot(db, code, on)
    row = photos.refile(db, photo, where, on)
    output.result(
        {name: value for name, value in row.items() if name != "file"},
        _("Photo {number}: {store}, {spot}, {day}.").format(
            number=photo, store=row["store"], spot=row["spot"] or _("not asked for"),
            day=row["day"],
        ),
    )  # fmt: skip


@app.command("remove", help=_("Take pictures out, with their files."))
def remove(
    photo: Annotated[
        list[int] | None, typer.Argument(metavar="[PHOTO]", help=_("Numbers of photos."))
    ] = None,
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="TIME", help=_("All that are older: 180d."))
    ] = "",
    yes: Yes = False,
) -> None:
    """Remove."""
    from storeops.domains.stock import photos
    from storeops.durations import seconds

    call = current()
    call.app.ledger.policy.may_write()
    if bool(photo) == bool(older_than):
        raise UsageError(
            _("Name the photos, or how old they are (--older-than)."),
            hint=_("See their numbers: storeops stock photos list"),
        )
    numbers = list(photo or ())
    if older_than:
        numbers = photos.before(
            call.app.data, times.day(call.app.clock.now() - seconds(older_than))
        )
    if numbers and not yes:
        confirm(ngettext("{count} photo is taken out for good. Go on?",
                         "{count} photos are taken out for good. Go on?", len(numbers)).format(
                             count=len(numbers)))  # fmt: skip
    count = photos.remove(call.app.data, numbers)
    output.result({"removed": count}, ngettext(
        "{count} photo was taken out.", "{count} photos were taken out.", count).format(
            count=count))  # fmt: skip


@app.command("chase", help=_("Tell shops what they owe today; each spot is chased once a day."))
def chase(store: Stores = None, dry_run: DryRun = False) -> None:
    """Chase."""
    from storeops.domains.notify import log
    from storeops.domains.stock import chasing, spots

    call = current()
    db = call.app.data
    chosen = [spots.known_shop(db, each) for each in store or ()]
    if dry_run:
        output.items(
            [_chased(each) for each in chasing.due(db, call.app.clock.now(), chosen)],
            [
                Column("store", _("Store"), max_width=10),
                Column("to", _("Target"), max_width=20),
                Column("text", _("Text"), max_width=80),
            ],
            empty=_("No shop is to be told anything now."),
        )
        return
    done, unreachable = chasing.chase(call.app, chosen)
    status = log.statuses(db, [each.message for each in done])
    output.result(
        {"messages": [{**_chased(each), "status": status.get(each.message, log.SENT)}
                      for each in done], "unreachable": unreachable},
        ngettext("{count} shop was told what it owes.", "{count} shops were told what they owe.",
                 len(done)).format(count=len(done)),
    )  # fmt: skip
    if unreachable:
        note(_("Nobody to tell there: {names}.").format(names=_(", ").join(unreachable[:10])))
    partly = sum(how == log.PARTLY for how in status.values())
    if partly:  # some of a shop's members know
        note(
            _("Messages that not everybody in the shop received: {count}; see: {command}").format(
                count=partly, command="storeops notify log --status partly"
            )
        )
    bad = sum(how in (log.FAILED, log.UNCERTAIN) for how in status.values())
    if bad:
        raise PartialError(
            _("Messages that did not arrive everywhere: {count}.").format(count=bad),
            next_steps=["storeops notify log --status failed --status uncertain"],
        )


def _chased(each: Any) -> dict[str, Any]:
    return {
        "store": each.store, "name": each.name, "to": each.receiver.target,
        "spots": [row["spot"] for row in each.owed], "text": each.text, "message": each.message,
    }  # fmt: skip
