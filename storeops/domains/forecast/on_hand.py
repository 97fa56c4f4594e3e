"""What the profile knows to lie in a shop and to be on its way there, as an order counts it."""

from __future__ import annotations

from collections import Counter
from datetime import date

from storeops import times
from storeops.database.database import Database
from storeops.domains.forecast.ordering import HeldStock
from storeops.domains.lots import coming, recall
from storeops.domains.orders import products
from storeops.domains.stock import shelf
from storeops.i18n import ngettext


class OnHand:
    """What the profile knows of the stock of shops, and what of it no order may count on.

    Args:
        db: data.db.
        now: Unix seconds.
    """

    def __init__(self, db: Database, now: float) -> None:
        self._db, self._now = db, now
        self._bad = recall.called_back(db)
        self._codes = {gtin: code for code, gtin in products.gtins(db).items()}
        self._left_out: Counter[str] = Counter()  # lots, by why

    def held(self, store: str) -> list[HeldStock]:
        """What lies in a shop and is coming to it."""
        found = []
        for each in shelf.stock(self._db, stores=[store]):
            if self._bad(each["item"], each["lot"]):
                self._left_out["bad here"] += 1
                continue
            last = date.fromisoformat(each["expires"]) if each["expires"] else None
            found.append(HeldStock(each["store"], each["item"], each["qty"], last))
        return [*found, *self.on_the_way(store)]

    def on_the_way(self, store: str) -> list[HeldStock]:
        """What lots know to be coming to a shop, by the codes that tills use."""
        found = []
        for each in coming.coming(self._db, store, self._now):
            if self._bad(each.item, each.lot):
                self._left_out["bad coming"] += 1
            elif each.late:
                self._left_out["late"] += 1
            elif each.pieces is None:
                self._left_out["unknown"] += 1
            else:
                code = each.item.lstrip("0")
                found.append(
                    HeldStock(store, self._codes.get(code, code), each.pieces,
                              arrives=times.local(each.sent_at).date())
                )  # fmt: skip
        return found

    def notes(self) -> list[str]:
        """What is to be said of what was left out, of all shops that were asked for together."""
        late, unknown = self._left_out["late"], self._left_out["unknown"]
        coming_, here = self._left_out["bad coming"], self._left_out["bad here"]
        said = (
            (late, ngettext(
                "{count} lot was sent more than a week ago and not received; it is not counted.",
                "{count} lots were sent more than a week ago and not received;"
                " they are not counted.", late)),
            (unknown, ngettext(
                "{count} lot is on the way, no paper says how many pieces; it is not counted.",
                "{count} lots are on the way, no paper says how many pieces; they are not counted.",
                unknown)),
            (coming_, ngettext(
                "{count} lot on the way is called back; it is not counted.",
                "{count} lots on the way are called back; they are not counted.", coming_)),
            (here, ngettext(
                "{count} lot on the shelf is called back; it is not counted.",
                "{count} lots on the shelf are called back; they are not counted.", here)),
        )  # fmt: skip
        return [text.format(count=count) for count, text in said if count]
