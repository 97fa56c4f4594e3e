"""Places of events: what people call them, and which shop of the chain each is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from storeops.database.database import Database
from storeops.domains.lots import gs1
from storeops.domains.lots.gs1 import BadIdError
from storeops.errors import UsageError
from storeops.i18n import _
from storeops.tables.headings import Field
from storeops.tables.named import NamedRow, read_each

FIELDS = (
    Field("place", ("gln", "location", "地点", "场所", "位置码"), "6901234000009", key=True),
    Field("name", ("名称", "地点名称"), "东门店"),
    Field("store", ("store_code", "code", "门店", "门店编号"), "S001"),
)


@dataclass(frozen=True, slots=True)
class LotPlace:
    """One place.

    Attributes:
        place: GLN or own number, as events have it.
        name: what people call it; store: the chain's number of the shop, "" for none.
    """

    place: str
    name: str = ""
    store: str = ""


def import_places(db: Database, path: str, *, dry_run: bool = False) -> int:
    """Take in a list of places, or only check it; returns how many it has.

    Raises:
        NotFoundError, UsageError: nothing was changed.
    """

    def make(row: NamedRow) -> tuple[str, str, str]:
        if not row.get("place"):
            raise UsageError(_("the place is missing"))
        try:
            return gs1.place(row.get("place")), row.get("name"), row.get("store")
        except BadIdError as error:
            raise UsageError(str(error)) from None

    found = read_each(path, FIELDS, ("place",), make)
    if dry_run:
        return len(found)
    with db.atomic() as connection:
        connection.executemany(
            "INSERT INTO lots_place (place, name, store) VALUES (?, ?, ?)"
            " ON CONFLICT (place) DO UPDATE SET name = excluded.name, store = excluded.store",
            found,
        )
    return len(found)


def places(db: Database, wanted: Iterable[str]) -> dict[str, LotPlace]:
    """What is known of places; a place whose number is that of a shop is that shop."""
    from storeops.notebook.stores import list_shops

    known = {
        row[0]: LotPlace(*row) for row in db.execute("SELECT place, name, store FROM lots_place")
    }
    shops = {each.code: each for each in list_shops(db) if each.code}
    found = {}
    for place in wanted:
        one = known.get(place, LotPlace(place))
        shop = shops.get(one.store or place)
        if shop is not None:
            one = LotPlace(place, one.name or shop.name, shop.code)
        found[place] = one
    return found


def of_store(db: Database, store: str) -> list[str]:
    """The places of events that are a shop: those that say so, and its own number."""
    rows = db.execute("SELECT place FROM lots_place WHERE store = ? COLLATE NOCASE", (store,))
    return [*(row[0] for row in rows), store] if store else []
