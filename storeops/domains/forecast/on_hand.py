"""What the profile knows to lie in a shop and to be on its way there, as an order counts it."""

from __future__ import annotations

from datetime import date

from storeops import times
from storeops.database.database import Database
from storeops.domains.forecast.ordering import HeldStock
from storeops.domains.lots import coming, recall
from storeops.domains.orders import products
from storeops.domains.stock import shelf
from storeops.i18n import ngettext


class OnHand:
    """What the profile knows of the stock of shops; which lots are called back is asked once.

    Args:
        db: data.db.
        now: Unix seconds.
    """

    def __init__(self, db: Database, now: float) -> None:
        self._db, self._now = db, now
        self._bad = recall.called_back(db)

    def held(self, store: str) -> tuple[list[HeldStock], list[str]]:
        """(stock and what is coming to a shop, what is to be said of it)."""
        found = []
        called = 0
        for each in shelf.stock(self._db, stores=[store]):
            if self._bad(each["item"], each["lot"]):
                called += 1
                continue
            last = date.fromisoformat(each["expires"]) if each["expires"] else None
            found.append(HeldStock(each["store"], each["item"], each["qty"], last))
        on_way, notes = self.on_the_way(store)
        if called:
            notes.append(ngettext(
                "{count} lot in the shop is called back; it is not counted.",
                "{count} lots in the shop are called back; they are not counted.",
                called).format(count=called))  # fmt: skip
        return [*found, *on_way], notes

    def on_the_way(self, store: str) -> tuple[list[HeldStock], list[str]]:
        """(what lots know to be coming, what is to be said of it); by the codes that tills use."""
        codes = {gtin: code for code, gtin in products.gtins(self._db).items()}
        found = []
        late = unknown = called = 0
        for each in coming.coming(self._db, store, self._now):
            if self._bad(each.item, each.lot):
                called += 1
            elif each.late:
                late += 1
            elif each.pieces is None:
                unknown += 1
            else:
                code = each.item.lstrip("0")
                found.append(
                    HeldStock(store, codes.get(code, code), each.pieces,
                              arrives=times.local(each.sent_at).date())
                )  # fmt: skip
        notes = []
        if late:
            notes.append(ngettext(
                "{count} lot was sent more than a week ago and not received; it is not counted.",
                "{count} lots were sent more than a week ago and not received;"
                " they are not counted.",
                late).format(count=late))  # fmt: skip
        if unknown:
            notes.append(ngettext(
                "{count} lot is on the way, no paper says how many pieces; it is not counted.",
                "{count} lots are on the way, no paper says how many pieces; they are not counted.",
                unknown).format(count=unknown))  # fmt: skip
        if called:
            notes.append(ngettext(
                "{count} lot on the way is called back; it is not counted.",
                "{count} lots on the way are called back; they are not counted.",
                called).format(count=called))  # fmt: skip
        return found, notes
