"""The report of shelf photos: what was owed, what is there, and the pictures themselves."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from storeops import times
from storeops.database.database import Database
from storeops.domains.stock import photos, thumbnails
from storeops.domains.stock.words import photo_status, photo_why
from storeops.i18n import _, ngettext
from storeops.operations.reports import (
    MOMENT,
    SHARE,
    TEXT,
    NamedReport,
    Period,
    ReportColumn,
    ReportPicture,
    ReportTable,
    Tile,
)


def photos_of(db: Database, period: Period, now: float) -> NamedReport:
    """The report of some days."""
    first, last = date.fromisoformat(period.since), date.fromisoformat(period.until)
    days = [(first + timedelta(days=at)).isoformat() for at in range((last - first).days + 1)]
    rows = [each for day in days for each in photos.of_day(db, day, now)]
    counts = Counter(each["status"] for each in rows)
    owed = sum(counts[each] for each in (photos.DONE, photos.OPEN, *photos.OWED))
    shown = [
        {**each, "shop": each["name"] or each["store"], "words": photo_status(each["status"]),
         "reason": photo_why(each["status"], each["why"], each["of_day"])}
        for each in rows
    ]  # fmt: skip
    notes = []
    if counts[photos.OPEN]:
        notes.append(ngettext("{count} photo is not due yet.", "{count} photos are not due yet.",
                              counts[photos.OPEN]).format(count=counts[photos.OPEN]))  # fmt: skip
    if not owed:
        notes.append(_("No pictures were asked for on these days."))
    tiles = [
        Tile(_("Photos owed"), owed),
        Tile(_("There"), counts[photos.DONE], good=1),
        Tile(_("Missing"), counts[photos.MISSING], good=-1),
        Tile(_("Old ones again"), counts[photos.AGAIN], good=-1),
        Tile(_("Of them there"), 100 * counts[photos.DONE] / owed if owed else None, good=1,
             kind=SHARE),
    ]  # fmt: skip
    table = ReportTable(
        "photos", _("Shop by shop"),
        [
            ReportColumn("day", _("Day"), TEXT),
            ReportColumn("shop", _("Store"), TEXT),
            ReportColumn("spot", _("Spot"), TEXT),
            ReportColumn("words", _("Status"), TEXT),
            ReportColumn("reason", _("Why"), TEXT, secondary=True),
            ReportColumn("at", _("Sent"), MOMENT, secondary=True),
        ],
        shown, empty=_("No pictures were asked for on these days."),
    )  # fmt: skip
    pictures = [
        _picture(each)
        for each in shown
        if each["path"] and each["status"] in (photos.DONE, photos.EXTRA)
    ]
    whole = sum(not thumbnails.is_one(each.path) for each in pictures)
    if whole and not thumbnails.installed():
        notes.append(_("Photos are shown whole: thumbnails need Pillow: {command}").format(
            command="pip install 'storeops[photos]'"))  # fmt: skip
    elif whole:
        notes.append(ngettext(
            "{count} photo is shown whole: no thumbnail could be made of it.",
            "{count} photos are shown whole: no thumbnail could be made of them.", whole,
        ).format(count=whole))  # fmt: skip
    data = {
        "since": period.since, "until": period.until, "owed": owed,
        "counts": {name: counts[name] for name in
                   (photos.DONE, photos.OPEN, *photos.OWED, photos.EXTRA, photos.UNFILED)},
        "items": rows,
    }  # fmt: skip
    return NamedReport(
        "photos", _("Shelf photos"), period, not counts[photos.OPEN], data, [table], tiles,
        pictures=pictures, notes=notes,
        next_steps=["storeops stock photos chase"] if any(
            counts[each] for each in photos.OWED) and times.day(now) == period.until else [],
    )  # fmt: skip


def _picture(photo: dict[str, Any]) -> ReportPicture:
    """Its thumbnail, else the whole picture."""
    path = Path(photo["path"])
    small = thumbnails.of_file(path, photo["sha256"])
    return ReportPicture(
        f"{photo['shop']} · {photo['spot'] or photo['words']}",
        f"{photo['day']} {times.minute(photo['at'])[-5:]}",
        "png" if small is None and path.suffix == ".png" else "jpeg",
        small or path, small.stat().st_size if small else photo["bytes"],
    )  # fmt: skip
