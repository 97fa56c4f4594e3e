"""What is to be photographed each day: spots of shops, and by when."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from storeops import times
from storeops.database.database import Database
from storeops.errors import NotFoundError, UsageError
from storeops.i18n import _
from storeops.plain import seen_whole
from storeops.spelling import did_you_mean

DUE = "10:00"
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class AskedSpot:
    """One picture that one shop owes on one day.

    Attributes:
        store: the shop's number; name: as people call it.
        spot: what is to be seen.
        due: HH:MM.
    """

    store: str
    name: str
    spot: str
    due: str


def shops(db: Database) -> dict[str, str]:
    """Number → name of the shops that have a number, in their order."""
    from storeops.notebook.stores import list_shops
    from storeops.reading.directory import department_names

    names = department_names(db)
    return {
        each.code: each.name or names.get(each.department_id, "")
        for each in list_shops(db) if each.code
    }  # fmt: skip


def known_shop(db: Database, store: str) -> str:
    """A shop's number as the notebook writes it.

    Raises:
        NotFoundError: there is no such shop.
    """
    known = {each.casefold(): each for each in shops(db)}
    found = known.get(store.strip().casefold())
    if found is None:
        raise NotFoundError(
            _("There is no shop with the number {code}.").format(code=store),
            hint=did_you_mean(
                store, list(known.values()), _("Shops and their numbers: storeops store list")
            ),
            next_steps=["storeops store list"],
        )
    return found


def add(db: Database, spot: str, stores: Sequence[str], due: str, now: float) -> list[str]:
    """Ask for a picture of a spot each day from today on; the numbers of the shops it is of.

    Args:
        db: data.db.
        spot: what is to be seen, such as 冷藏柜.
        stores: numbers of shops; () for every shop, now and later.
        due: HH:MM.
        now: Unix seconds.

    Raises:
        UsageError: a name or hour that cannot be.
        NotFoundError: there is no such shop; nothing was changed.
    """
    spot, clock = spot.strip(), _CLOCK.fullmatch(due.strip())
    if not spot or not seen_whole(spot) or len(spot) > _LONGEST:
        raise UsageError(
            _("“{name}” cannot name a spot.").format(name=spot[:_LONGEST]),
            hint=_("Use up to {most} characters that can be seen.").format(most=_LONGEST),
        )
    if clock is None:
        raise UsageError(
            _("“{text}” is no time of the day.").format(text=due),
            hint=_("Write it like 10:00."),
        )
    at = f"{int(clock[1]):02}:{clock[2]}"
    chosen = [known_shop(db, each) for each in stores] or [""]
    with db.atomic() as connection:
        connection.executemany(
            "INSERT INTO stock_spot (store, spot, due, added_at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (store, spot) DO UPDATE SET due = excluded.due, removed_at = NULL,"
            " added_at = CASE WHEN removed_at IS NULL THEN added_at ELSE excluded.added_at END",
            [(each, spot, at, now) for each in chosen],
        )
    return chosen


def remove(db: Database, spot: str, stores: Sequence[str], now: float) -> int:
    """Ask for it no more; what was owed up to yesterday stays owed. How many rows ended.

    Args:
        stores: numbers of shops; () for wherever it is asked for.

    Raises:
        NotFoundError: nobody asks for it there.
    """
    rows = [each for each in every(db) if each["spot"] == spot.strip()]
    wanted = {each.casefold() for each in stores}
    rows = [each for each in rows if not wanted or each["store"].casefold() in wanted]
    if not rows:
        names = sorted({each["spot"] for each in every(db)})
        raise NotFoundError(
            _("Nobody asks for pictures of {spot} there.").format(spot=spot),
            hint=did_you_mean(spot, names, _("What is asked for: storeops stock photos spot list")),
            next_steps=["storeops stock photos spot list"],
        )
    with db.atomic() as connection:
        connection.executemany(
            "UPDATE stock_spot SET removed_at = ? WHERE store = ? AND spot = ?",
            [(now, each["store"], each["spot"]) for each in rows],
        )
    return len(rows)


def every(db: Database) -> list[dict[str, Any]]:
    """What is asked for today: store ("" for every shop), spot, due, in the order of asking."""
    return db.rows(
        "SELECT store, spot, due, added_at FROM stock_spot WHERE removed_at IS NULL"
        " ORDER BY store, added_at, spot"
    )


def asked(db: Database, day: str, stores: Sequence[str] = ()) -> list[AskedSpot]:
    """What shops owe on a day, shop by shop in the order of asking.

    A shop's own word about a spot goes before what is asked of every shop.

    Args:
        db: data.db.
        day: YYYY-MM-DD.
        stores: only these; () for all.
    """
    rows = [
        each
        for each in db.rows("SELECT * FROM stock_spot ORDER BY added_at, spot")
        if times.day(each["added_at"]) <= day
        and (each["removed_at"] is None or times.day(each["removed_at"]) > day)
    ]
    if not rows:
        return []
    wanted = {each.casefold() for each in stores}
    found = []
    for store, name in shops(db).items():
        if wanted and store.casefold() not in wanted:
            continue
        own = {
            each["spot"]: each["due"]
            for each in sorted(rows, key=lambda row: row["store"] != "")
            if each["store"].casefold() in ("", store.casefold())
        }
        found += [AskedSpot(store, name, spot, due) for spot, due in own.items()]
    return found
