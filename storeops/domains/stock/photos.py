"""Pictures of shelves, filed by shop, spot and day; what is owed, what is there, what is not."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storeops import paths, times
from storeops.database.database import Database
from storeops.domain import TodayLine
from storeops.domains.stock import spots, thumbnails
from storeops.domains.stock.pictures import CleanPicture
from storeops.domains.stock.spots import AskedSpot
from storeops.errors import ConflictError, NotFoundError
from storeops.i18n import _, ngettext
from storeops.plain import file_word
from storeops.private_file import scratch, write_bytes

# of a picture
KEPT, AGAIN, REFUSED, UNFILED = "kept", "again", "refused", "unfiled"
# of what is owed, beside again and refused
DONE, OPEN, MISSING, EXTRA = "done", "open", "missing", "extra"
OWED = (MISSING, AGAIN, REFUSED)
GONE = "gone"  # why: WeCom keeps it no longer
_SUFFIX = {"jpeg": ".jpg", "png": ".png"}
_WORD = 60
_NOWHERE = AskedSpot("", "", "", "")


@dataclass(frozen=True, slots=True)
class TakenPhoto:
    """What became of one picture.

    Attributes:
        id: of its row.
        status: kept | again | refused | unfiled.
        known: it was there before, and nothing was done.
        why: of a refusal: empty, large, kind, broken, pixels or gone.
        of_day: the day of the earlier one that is the same, when again.
    """

    id: int
    status: str
    known: bool = False
    why: str = ""
    of_day: str = ""


def folder(db: Database) -> Path:
    """Where pictures of a profile lie; beside its database, and no part of a backup of it."""
    return db.path.parent / "photos"


def take(
    db: Database, picture: CleanPicture | str, find: Callable[[], AskedSpot | None], day: str,
    at: float, *, userid: str = "", source: str = "",
) -> TakenPhoto:  # fmt: skip
    """File one picture, or note why it cannot be.

    The same picture once more changes nothing where it lies already. Anywhere else, or on
    another day, it is noted as *again* and proves nothing.

    Args:
        db: data.db, outside of a transaction: a file is written before one begins.
        picture: out of `pictures.look`; `GONE` when WeCom keeps it no longer.
        find: says shop and spot, inside the transaction; None while nobody knows.
        day: YYYY-MM-DD that it shows.
        at: when it was sent or found, Unix seconds.
        userid: who sent it, "" out of a folder.
        source: media id, or name in the folder.

    Raises:
        OSError: it cannot be written; nothing was noted.
    """
    if isinstance(picture, str):
        with db.atomic():
            same = db.execute(
                "SELECT id FROM stock_photo WHERE source = ? AND day = ? AND status = ?",
                (source, day, REFUSED),
            ).fetchone()
            if same is not None:
                return TakenPhoto(same[0], REFUSED, known=True, why=picture)
            where = find() or _NOWHERE
            number = _insert(db, where.store, where.spot, day, at, userid, source, REFUSED,
                             picture, None, "", None)  # fmt: skip
        return TakenPhoto(number, REFUSED, why=picture)
    with scratch(paths.private_folder(folder(db)) / picture.sha256) as part:
        part.file.write(picture.data)
        if not _same(db, picture):
            part.file.flush()
            os.fsync(part.file.fileno())  # here, for within the transaction others wait
        with db.atomic():
            where = find() or _NOWHERE
            store, spot = where.store, where.spot
            earlier = _same(db, picture)
            for each in earlier:
                here = (each["store"].casefold(), each["day"]) == (store.casefold(), day)
                if here and (spot in ("", each["spot"]) or userid):
                    return TakenPhoto(each["id"], each["status"], known=True)
            if earlier:
                first = earlier[0]
                number = _insert(db, store, spot, day, at, userid, source, AGAIN, "", picture,
                                 first["file"], first["id"])  # fmt: skip
                return TakenPhoto(number, AGAIN, of_day=first["day"])
            file = _file(store, spot, day, picture)
            part.target = folder(db) / file
            paths.private_folder(part.target.parent)
            part.put()
            status = KEPT if store else UNFILED
            number = _insert(db, store, spot, day, at, userid, source, status, "", picture, file,
                             None)  # fmt: skip
    thumbnails.write(folder(db) / file, picture.data)
    return TakenPhoto(number, status)


def _same(db: Database, picture: CleanPicture) -> list[dict[str, Any]]:
    """Rows of the same picture, the first at the front."""
    return db.rows(
        "SELECT id, store, spot, day, status, file FROM stock_photo"
        " WHERE sha256 = ? AND status <> ? ORDER BY id",
        (picture.sha256, AGAIN),
    )


def _file(store: str, spot: str, day: str, picture: CleanPicture) -> str:
    """The name below `folder`; parts that people chose cannot lead out of it."""
    name = f"{day}-{picture.sha256[:12]}{_SUFFIX[picture.kind]}"
    if not store:
        return f"_unfiled/{name}"
    return f"{file_word(store, _WORD)}/{file_word(spot, _WORD) if spot else '_other'}/{name}"


def _insert(
    db: Database, store: str, spot: str, day: str, at: float, userid: str, source: str,
    status: str, why: str, picture: CleanPicture | None, file: str, of_photo: int | None,
) -> int:  # fmt: skip
    facts: tuple[Any, ...] = ("", "", 0, 0, 0)
    if picture is not None:
        facts = (picture.sha256, picture.kind, picture.width, picture.height, len(picture.data))
    done = db.execute(
        "INSERT INTO stock_photo (store, spot, day, at, userid, source, status, why, sha256, kind,"
        " width, height, bytes, file, of_photo) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
        " ?)",
        (store, spot, day, at, userid, source, status, why, *facts, file, of_photo),
    )
    assert done.lastrowid is not None
    return done.lastrowid


def next_spot(db: Database, store: str, day: str) -> AskedSpot:
    """What a picture that says no more than its shop is of: the first spot that has none yet."""
    owed = spots.asked(db, day, [store])
    there = {
        row[0]
        for row in db.execute(
            "SELECT spot FROM stock_photo WHERE store = ? AND day = ? AND status = ?",
            (store, day, KEPT),
        )
    }
    return next((each for each in owed if each.spot not in there), AskedSpot(store, "", "", ""))


_ROW = (
    "SELECT p.id, p.store, p.spot, p.day, p.at, p.userid, p.source, p.status, p.why, p.sha256,"
    " p.kind, p.width, p.height, p.bytes, p.file, o.day AS of_day, o.store AS of_store,"
    " o.spot AS of_spot FROM stock_photo p LEFT JOIN stock_photo o ON o.id = p.of_photo"
)


def get(db: Database, number: int) -> dict[str, Any]:
    """One picture.

    Raises:
        NotFoundError: there is none of that number.
    """
    rows = db.rows(f"{_ROW} WHERE p.id = ?", (number,))
    if not rows:
        raise NotFoundError(
            _("There is no photo {number}.").format(number=number),
            next_steps=["storeops stock photos list"],
        )
    return rows[0]


def content(db: Database, row: dict[str, Any]) -> bytes:
    """The bytes of a picture, as they were filed.

    Raises:
        NotFoundError: it was refused, or is not in the folder any more, or was changed there.
    """
    import hashlib

    data = b""
    if row["file"]:
        try:
            data = (folder(db) / row["file"]).read_bytes()
        except OSError:
            data = b""
    if not data or hashlib.sha256(data).hexdigest() != row["sha256"]:
        raise NotFoundError(
            _("The picture of photo {number} is not kept.").format(number=row["id"])
            if not row["file"] else
            _("{file} is not in the folder any more as it was filed.").format(
                file=folder(db) / row["file"])
        )  # fmt: skip
    return data


def of_day(
    db: Database, day: str, now: float, *, stores: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """What is owed on a day and how it stands, then pictures that nothing asked for.

    Args:
        db: data.db.
        day: YYYY-MM-DD.
        now: Unix seconds.
        stores: only these shops; () for all.

    Returns:
        store, name, spot, day, due, status (done, open, missing, again, refused, extra, unfiled),
        photo (its number or None), and of the photo at, userid, why, of_day, width, height,
        bytes, sha256, path.
    """
    local = times.local(now)
    today, clock = local.date().isoformat(), f"{local:%H:%M}"
    wanted = {each.casefold() for each in stores}
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for each in db.rows(f"{_ROW} WHERE p.day = ? ORDER BY p.id", (day,)):
        rows.setdefault((each["store"].casefold(), each["spot"]), []).append(each)
    names = spots.shops(db)
    found = []
    for asked in spots.asked(db, day, stores):
        sent = rows.pop((asked.store.casefold(), asked.spot), [])
        photo = next((each for each in reversed(sent) if each["status"] == KEPT), None)
        status = DONE
        if photo is None:
            photo = sent[-1] if sent else None
            late = day < today or (day == today and clock > asked.due)
            status = photo["status"] if photo else MISSING if late else OPEN
        found.append(_item(db, asked.store, asked.name, asked.spot, day, asked.due, status, photo))
    for sent in rows.values():
        for each in sent:
            if wanted and each["store"].casefold() not in wanted:
                continue
            status = EXTRA if each["status"] == KEPT else each["status"]
            found.append(_item(db, each["store"], names.get(each["store"], ""), each["spot"], day,
                               "", status, each))  # fmt: skip
    return found


def _item(
    db: Database, store: str, name: str, spot: str, day: str, due: str, status: str,
    photo: dict[str, Any] | None,
) -> dict[str, Any]:  # fmt: skip
    one: dict[str, Any] = photo or {}
    return {
        "store": store, "name": name, "spot": spot, "day": day, "due": due, "status": status,
        "photo": one.get("id"), "at": one.get("at"), "userid": one.get("userid", ""),
        "why": one.get("why", ""), "of_day": one.get("of_day") or "",
        "width": one.get("width", 0), "height": one.get("height", 0),
        "bytes": one.get("bytes", 0), "sha256": one.get("sha256", ""),
        "path": str(folder(db) / one["file"]) if one.get("file") else "",
    }  # fmt: skip


def refile(db: Database, number: int, where: AskedSpot, day: str = "") -> dict[str, Any]:
    """Put a picture under another shop, spot or day.

    Args:
        db: data.db.
        number: of the picture.
        where: shop and spot.
        day: YYYY-MM-DD; "" leaves it.

    Raises:
        NotFoundError: there is none of that number, or its file is gone.
        ConflictError: it was refused, or is the same as an earlier one.
    """
    row = get(db, number)
    if row["status"] not in (KEPT, UNFILED):
        raise ConflictError(
            _("Photo {number} proves nothing, wherever it lies.").format(number=number),
            next_steps=[f"storeops stock photos show {number}"],
        )
    data = content(db, row)
    picture = CleanPicture(row["kind"], row["width"], row["height"], data, row["sha256"])
    file = _file(where.store, where.spot, day or row["day"], picture)
    paths.private_folder((folder(db) / file).parent)
    write_bytes(folder(db) / file, data)
    with db.atomic() as connection:
        connection.execute(
            "UPDATE stock_photo SET store = ?, spot = ?, day = ?, status = ?, file = ?"
            " WHERE id = ?",
            (where.store, where.spot, day or row["day"], KEPT, file, number),
        )
        connection.execute("UPDATE stock_photo SET file = ? WHERE of_photo = ?", (file, number))
    if file != row["file"]:
        old = folder(db) / row["file"]
        with suppress(OSError):  # it had none yet
            thumbnails.beside(old).replace(thumbnails.beside(folder(db) / file))
        old.unlink(missing_ok=True)
    return get(db, number)


def remove(db: Database, numbers: Sequence[int]) -> int:
    """Take pictures out with their files; how many.

    Raises:
        NotFoundError: there is none of one of the numbers; nothing was changed.
    """
    rows = [get(db, each) for each in dict.fromkeys(numbers)]
    with db.atomic() as connection:
        connection.executemany(
            "DELETE FROM stock_photo WHERE id = ?", [(each["id"],) for each in rows]
        )
        left = {
            each["file"]
            for each in rows
            if each["file"] and connection.execute(
                "SELECT 1 FROM stock_photo WHERE file = ?", (each["file"],)
            ).fetchone() is None
        }  # fmt: skip
    for file in left:
        picture = folder(db) / file
        thumbnails.beside(picture).unlink(missing_ok=True)
        picture.unlink(missing_ok=True)
    return len(rows)


def before(db: Database, day: str) -> list[int]:
    """Numbers of the pictures of earlier days."""
    rows = db.execute("SELECT id FROM stock_photo WHERE day < ? ORDER BY id", (day,))
    return [row[0] for row in rows]


def today(db: Database, now: float) -> list[TodayLine]:
    """How many pictures of today are late, and which nobody can file."""
    day = times.local(now).date().isoformat()
    items = of_day(db, day, now)
    late = [each for each in items if each["status"] in OWED]
    lines = []
    if late:
        shops = len({each["store"] for each in late})
        lines.append(TodayLine(
            ngettext("{photos} shelf photos of today are missing in {count} shop.",
                     "{photos} shelf photos of today are missing in {count} shops.", shops).format(
                         photos=len(late), count=shops),
            "storeops stock photos list --missing", tone="warn", screen="stock",
        ))  # fmt: skip
    strange = sum(each["status"] == UNFILED for each in items)
    if strange:
        lines.append(TodayLine(
            ngettext("{count} photo came from somebody of no known shop.",
                     "{count} photos came from somebody of no known shop.", strange).format(
                         count=strange),
            "storeops stock photos list", tone="warn", screen="stock",
        ))  # fmt: skip
    return lines
