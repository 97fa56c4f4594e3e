"""Pictures that were dropped into a folder; their names say shop, spot and day."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from storeops import os_errors
from storeops.database.database import Database
from storeops.domains.stock import photos, pictures, spots
from storeops.domains.stock.pictures import MOST_BYTES, WORDS
from storeops.domains.stock.spots import AskedSpot
from storeops.errors import NotFoundError, UsageError
from storeops.i18n import _

MOST_FILES = 20_000
_DEEPEST = 4  # folders below the one that is named
# 20260503, 2026-05-03, 2026.5.3, 2026年5月3日, and with a time behind it (微信图片_20260503101010)
_DAY = re.compile(
    r"(?<!\d)(20\d\d)(?:([01]\d)([0-3]\d)(?=(?:\d{4}|\d{6}|\d{9})?(?!\d))"
    r"|[-.年/_\\](\d{1,2})[-.月/_\\](\d{1,2})(?!\d))"
)
_BETWEEN = re.compile(r"[_\s/\\]+")


@dataclass(frozen=True, slots=True)
class DroppedPhotos:
    """What a folder brought.

    Attributes:
        files: looked at.
        kept: new pictures.
        known: that were there before.
        again: of them the same as one of another day or spot.
        problems: file and message of what was not taken; those files stay as they are.
    """

    files: int
    kept: int
    known: int
    again: int
    problems: list[dict[str, str]]


def take(
    db: Database, places: list[Path], today: str, now: float, *,
    store: str = "", spot: str = "", day: str = "",
) -> DroppedPhotos:  # fmt: skip
    """File the pictures of folders and files; said again it changes nothing.

    The path below the folder says shop, spot and day, in any order, as folders or between `_`:
    `S001/冷藏柜/2026-05-03.jpg`, `S001_冷藏柜_20260503_1.jpg`. What it does not say is given.

    Args:
        db: data.db.
        places: folders, or files.
        today: YYYY-MM-DD, the day of pictures that name none.
        now: Unix seconds.
        store, spot, day: for whatever does not say its own.

    Raises:
        NotFoundError: there is no such folder or file, or no such shop.
        UsageError: more files than a folder of pictures has.
    """
    store = spots.known_shop(db, store) if store else ""
    shops = {each.casefold(): each for each in spots.shops(db)}
    counts = {photos.KEPT: 0, photos.AGAIN: 0, "known": 0}
    problems: list[dict[str, str]] = []
    files = 0
    asked: dict[tuple[str, str], list[AskedSpot]] = {}
    # the earliest day first, so that the later picture is the one that comes again
    found = [
        (day or today if (said := _day(shown)) is None else said, shown, path)
        for path, shown in _files(places, problems)
    ]
    for when, shown, path in sorted(found):
        files += 1
        if not when:
            problems.append({"file": shown, "message": _("its name says a day that is none")})
            continue
        if when > today:
            problems.append({"file": shown, "message": _("its day {day} has not come yet").format(
                day=when)})  # fmt: skip
            continue
        said = _words(str(Path(shown).with_suffix("")))
        named = {shops[each] for each in shops if _words(each) in said}
        named = named or ({store} if store else set())
        if len(named) != 1:
            text = _("it names several shops") if named else _("it names no shop (--store)")
            problems.append({"file": shown, "message": text})
            continue
        shop = named.pop()
        if (shop, when) not in asked:
            asked[shop, when] = spots.asked(db, when, [shop])
        if (shop, today) not in asked:
            asked[shop, today] = spots.asked(db, today, [shop])
        where = partial(_spot, asked[shop, when], asked[shop, today], said, spot, shop)
        try:
            picture = pictures.look(_read(path))
        except OSError as error:
            problems.append({"file": shown, "message": os_errors.reason(error)})
            continue
        taken = photos.take(db, picture, where, when, now, source=shown)
        if taken.status == photos.REFUSED:
            problems.append({"file": shown, "message": _(WORDS[taken.why])})
        elif taken.known:
            counts["known"] += 1
        else:
            counts[taken.status] += 1
            if taken.status == photos.AGAIN:
                problems.append({"file": shown, "message": _(
                    "it is the picture of {day} again").format(day=taken.of_day)})  # fmt: skip
    return DroppedPhotos(
        files, counts[photos.KEPT], counts["known"], counts[photos.AGAIN], problems
    )


def _spot(
    asked: list[AskedSpot], now: list[AskedSpot], said: str, given: str, shop: str
) -> AskedSpot:
    """The spot that a name says, else the given one; else the only one, else none."""
    for each in sorted((*asked, *now), key=lambda spot: -len(spot.spot)):
        if _words(each.spot) in said:
            return each
    for each in (*asked, *now):
        if each.spot.casefold() == given.casefold():
            return each
    if len(asked) == 1 and not given:
        return asked[0]
    return AskedSpot(shop, "", given, "")


def _words(text: str) -> str:
    """The words of a name with a blank around each, to look for some of them in others."""
    return f" {' '.join(_BETWEEN.split(text.casefold().strip()))} "


def _day(shown: str) -> str | None:
    """The day that a name says; None when it says none, "" when what it says is no day."""
    written = [[int(each) for each in found.groups() if each] for found in _DAY.finditer(shown)]
    for year, month, day in written:
        with suppress(ValueError):
            return date(year, month, day).isoformat()
    return "" if written else None


def _legible(name: str) -> str:
    """A name as text: of one in the older Chinese encoding, what it says there."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name).decode("gb18030", "replace")
    return name


def _files(places: list[Path], problems: list[dict[str, str]]) -> Iterator[tuple[Path, str]]:
    """(file, name below what was named) of regular files; links are not followed."""
    count = 0
    for place in places:
        if not place.exists():
            raise NotFoundError(_("There is no folder or file {path}.").format(path=place))
        for path in [place] if not place.is_dir() else _below(place, 0):
            shown = _legible(str(path.relative_to(place)) if place.is_dir() else path.name)
            count += 1
            if count > MOST_FILES:
                raise UsageError(
                    _("There are more than {most} files in it.").format(most=f"{MOST_FILES:,}"),
                    hint=_("Name a folder that holds nothing but pictures of shelves."),
                )
            if path.is_symlink() or not path.is_file():
                problems.append({"file": shown, "message": _("it is no file of its own")})
                continue
            yield path, shown


def _below(folder: Path, depth: int) -> Iterator[Path]:
    for each in sorted(folder.iterdir()):
        if each.name.startswith("."):
            continue
        if each.is_dir() and not each.is_symlink():
            if depth < _DEEPEST:
                yield from _below(each, depth + 1)
        else:
            yield each


def _read(path: Path) -> bytes:
    """At most one byte more than a picture may have."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    flags |= getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return b""
        return file.read(MOST_BYTES + 1)
