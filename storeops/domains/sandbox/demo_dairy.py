"""A dairy for the demo: the files that such a company would have, ready to be taken in.

Two farms fill a tank a day, a plant makes three articles of them, trucks bring these at night to
the shops, tills sell. One tank was bad, on the day on which it was driven without a valid transport
permit; its milk is in shops, on a truck and with customers. Files are plain CSV with the headings
that `supplier`, `certificate`, `lot`, `stock`, `product` and `order import` read.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from storeops.database.database import Database
from storeops.notebook.stores import list_shops
from storeops.reading import directory, identities
from storeops.reading.customers import open_query

DAYS = 56  # of sales before today
TRACED = 14  # days before today whose lots have papers
BAD = 2  # days before today on which the bad tank was filled
KNOWN = 0.18  # share of purchases of which the till knows the customer
WEEKDAYS = (0.9, 0.85, 0.9, 0.95, 1.1, 1.35, 1.3)
COVER = 1.35  # days of demand that shops fill up to
SPARE = 1.12  # so much more than ordered is made: the rest goes out the next night
PLANT = "6900000001004"  # GLN
FARMS = (("6900000002001", "青原牧场", "V001"), ("6900000003008", "北坡牧场", "V002"))
RAW = "06900000000014"  # raw milk of a tank
LITRES = 480


@dataclass(frozen=True, slots=True)
class DairyArticle:
    """What the plant makes.

    Attributes:
        code: on the label, 13 digits; letter: of its lots.
        demand: pieces that a common shop sells a day.
        life: days on which it can be sold after the day it was made.
        pack: pieces of a pack; litres: of milk in a piece; tank: index of the farm.
        price_fen: of a piece.
        rate: pieces that its line makes an hour; ready: minutes after a run until it can leave.
    """

    code: str
    name: str
    letter: str
    demand: float
    life: int
    pack: int
    litres: float
    tank: int
    price_fen: int
    rate: int
    ready: int

    @property
    def gtin(self) -> str:
        """The same with 14 digits, as events have it."""
        return f"0{self.code}"


ARTICLES = (
    DairyArticle("6900000009000", "鲜牛奶 950ml", "A", 15, 7, 12, 0.95, 1, 1680, 240, 120),
    DairyArticle("6900000009109", "原味酸奶 4×100g", "B", 9, 14, 12, 0.42, 0, 1290, 120, 360),
    DairyArticle("6900000009208", "鲜羊奶 200ml", "C", 1.7, 6, 12, 0.2, 0, 980, 60, 120),
)


@dataclass(frozen=True, slots=True)
class DairyShop:
    """A shop of the chain.

    Attributes:
        store: its number; name: as people call it.
        buyers: external_userids of customers who buy there.
        department: WeCom's id of it.
    """

    store: str
    name: str
    buyers: Sequence[str] = ()
    department: int = 0


@dataclass(frozen=True, slots=True)
class DairyFiles:
    """What was written.

    Attributes:
        folder: where it lies.
        bad_lot: GTIN/lot of the bad tank; made_lot: of the milk that was made of it.
        store: a shop's number; code: of the article that sells best.
    """

    folder: Path
    bad_lot: str
    made_lot: str
    store: str
    code: str

    def path(self, name: str) -> str:
        """A file by its name without .csv."""
        return str(self.folder / f"{name}.csv")


@dataclass(slots=True)
class _Books:
    """Rows of the files while the days pass."""

    papers: list[tuple[object, ...]] = field(default_factory=list)
    orders: list[tuple[object, ...]] = field(default_factory=list)


HEADS: Mapping[str, tuple[str, ...]] = {
    "suppliers": ("code", "name", "role", "uscc", "address", "categories"),
    "certificates": ("supplier", "kind", "number", "holder_uscc", "valid_from", "valid_until",
                     "lot"),
    "places": ("place", "name", "store"),
    "lots": ("kind", "at", "item", "lot", "qty", "unit", "place", "from", "to", "paper",
             "input_item", "input_lot", "input_qty", "input_unit", "temperature"),
    "stock": ("store_id", "product_id", "lot", "expires", "qty"),
    "products": ("code", "name", "category", "gtin"),
    "orders": ("order_no", "paid_at", "shop", "external_userid", "code", "product", "quantity",
               "amount"),
    "lines": ("product_id", "line", "rate", "batch", "change", "ready", "opens", "closes", "pack"),
    "trucks": ("store_id", "truck", "by", "hours"),
}  # fmt: skip

_COLUMNS = tuple("from_" if each == "from" else each for each in HEADS["lots"])


def shops(db: Database, now: float, most: int = 12) -> list[DairyShop]:
    """Shops of the mirror with customers; those without a number get one.

    Args:
        db: data.db.
        now: Unix seconds.
        most: so many at most.
    """
    codes = {each.department_id: each for each in list_shops(db)}
    found: list[DairyShop] = []
    for row in sorted(directory.shops(db, now), key=lambda each: each.department_id):
        if not row.follows or len(found) == most:
            continue
        known = codes.get(row.department_id)
        where = f"store:{row.department_id} status:active"
        buyers = identities.people(
            db.connection, set(list(open_query(db, where, now=now).ids())[::5])
        )
        found.append(
            DairyShop(
                (known and known.code) or f"S{len(found) + 1:03d}",
                (known and known.name) or row.name,
                sorted(external for external, _name in buyers.values()), row.department_id,
            )
        )  # fmt: skip
    return found


def write(folder: Path, shops: Sequence[DairyShop], today: date) -> DairyFiles:
    """Write all files of a dairy that delivers to these shops; the same dice every time.

    Args:
        folder: where to; made when it is missing.
        shops: at least one.
        today: nothing happens on it yet: the last sales are of yesterday.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    books, stock = _live(shops, today)
    rows: dict[str, Sequence[tuple[object, ...]]] = {
        "suppliers": _suppliers(),
        "certificates": _certificates(today),
        "places": [
            (PLANT, "晨露乳品厂", ""),
            *((gln, name, "") for gln, name, _code in FARMS),
            *((_gln(at), each.name, each.store) for at, each in enumerate(shops)),
        ],
        "lots": books.papers,
        "stock": stock,
        "products": [
            (RAW[1:], "原料奶", "原料", RAW),
            *((each.code, each.name, "乳品", each.code) for each in ARTICLES),
        ],
        "orders": books.orders,
        "lines": [
            (each.code, "巴氏线" if each.tank else "酸奶线", each.rate, 5 * each.pack, 20,
             each.ready, "08:00", "20:00", each.pack)
            for each in ARTICLES
        ],
        "trucks": [(each.store, f"{at // 4 + 1}车", "05:30", 7.5) for at, each in enumerate(shops)],
    }  # fmt: skip
    for name, head in HEADS.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(head)
            writer.writerows(rows[name])
    best, day = ARTICLES[0], today - timedelta(days=BAD)
    return DairyFiles(
        folder, f"{RAW}/{_tank(day, best.tank)}", f"{best.gtin}/{_lot(best, day)}",
        shops[0].store, best.code,
    )  # fmt: skip


def _gln(shop: int) -> str:
    """The place number of a shop, with its check digit."""
    digits = f"6900000{41_000 + shop:05d}"
    return digits + _check(digits)


def _check(digits: str) -> str:
    total = sum(int(each) * (3 if at % 2 == 0 else 1) for at, each in enumerate(reversed(digits)))
    return str(-total % 10)


def _tank(day: date, farm: int) -> str:
    return f"T{day:%m%d}-{farm + 1}"


def _lot(article: DairyArticle, day: date) -> str:
    return f"{article.letter}{day:%m%d}"


# -- suppliers ------------------------------------------------------------------------------------

_USCC = {"V001": "91310116MA1EXMQY3A", "V002": "91320581MA1EXMBP4R", "V003": "91310117MA1EXMCL5N",
         "V004": "91310112MA1EXMLC6G"}  # fmt: skip


def _suppliers() -> list[tuple[object, ...]]:
    codes = {name: _uscc(text[:16]) for name, text in _USCC.items()}
    return [
        ("V001", "青原牧场", "milk_station", codes["V001"], "青原镇牧场路1号", "生鲜乳"),
        ("V002", "北坡牧场", "milk_station", codes["V002"], "北坡村8号", "生鲜乳"),
        ("V003", "晨露乳品厂", "producer", codes["V003"], "晨露路18号", "液态乳;发酵乳"),
        ("V004", "快行冷链", "distributor", codes["V004"], "仓储路5号", "冷链运输"),
    ]


def _certificates(today: date) -> list[tuple[object, ...]]:
    codes = {name: _uscc(text[:16]) for name, text in _USCC.items()}
    year = timedelta(days=365)

    def until(supplier: str, kind: str, number: str, days: int, years: int) -> tuple[object, ...]:
        last = today + timedelta(days=days)
        return (supplier, kind, number, codes[supplier], last - years * year, last, "")

    day = today - timedelta(days=BAD)
    return [
        *((name, "business_licence", code, code, "2018-03-01", "long-term", "")
          for name, code in codes.items()),
        until("V001", "raw_milk_licence", "沪31-0017", 420, 2),
        until("V001", "raw_milk_transport", "运沪A-3107", 200, 1),
        until("V002", "raw_milk_licence", "苏32-0042", 71, 2),
        until("V002", "raw_milk_transport", "运苏E-0929", -3, 1),  # the one that has expired
        until("V003", "production_licence", "SC" + _iso7064("1053101170021"), 52, 5),
        until("V004", "trade_licence", "JY" + _iso7064("1310112004510"), 20, 5),
        *(("V003", "lot_report", f"JY-{_lot(each, day)}", codes["V003"], day, "", _lot(each, day))
          for each in ARTICLES),
    ]  # fmt: skip


def _iso7064(digits: str) -> str:
    """Digits with the check digit of ISO 7064 MOD 11,10 that licence numbers end with."""
    from stdnum.iso7064 import mod_11_10

    return digits + str(mod_11_10.calc_check_digit(digits))


def _uscc(first: str) -> str:
    """A credit code whose two check digits fit.

    Args:
        first: its first 16 characters.
    """
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    factors = (3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(
        letters.index(each) * factor for each, factor in zip(first[8:], factors, strict=True)
    )
    rest = 11 - total % 11
    code = first + ("X" if rest == 10 else "0" if rest == 11 else str(rest))
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    weighed = sum(alphabet.index(each) * pow(3, at, 31) for at, each in enumerate(code))
    return code + alphabet[(31 - weighed % 31) % 31]


# -- the days -------------------------------------------------------------------------------------


def _live(shops: Sequence[DairyShop], today: date) -> tuple[_Books, list[tuple[object, ...]]]:
    """Let the days until yesterday pass; (papers and orders, what lies in shops)."""
    dice = random.Random(18)
    books = _Books()
    sizes = [dice.uniform(0.7, 1.5) for _shop in shops]
    # (shop, article) → lots with their day of making and pieces, the oldest first
    shelf: dict[tuple[int, int], list[list[int]]] = {
        (shop, at): [] for shop in range(len(shops)) for at in range(len(ARTICLES))
    }
    plant: list[list[list[int]]] = [[] for _article in ARTICLES]
    on_the_way: list[tuple[int, int, int, int]] = []  # shop, article, day of making, pieces
    for back in range(DAYS, 0, -1):
        day = today - timedelta(days=back)
        for shop, at, made, pieces in on_the_way:
            same = next((lot for lot in shelf[shop, at] if lot[0] == made), None)
            if same is None:
                shelf[shop, at].append([made, pieces])
            else:
                same[1] += pieces
            _receive(books, today, back, shop, at, made, pieces)
        for shop, each in enumerate(shops):
            _sell(books, dice, today, back, shop, each, sizes[shop], shelf)
        _throw_away(books, today, back, shelf, forgetful=len(shops) // 2)
        asked = {
            key: _wanted(ARTICLES[key[1]], sizes[key[0]], day + timedelta(days=1), lots)
            for key, lots in shelf.items()
        }
        _make(books, today, back, plant, asked)
        on_the_way = _load(books, today, back, plant, asked)
    stock = [
        (shops[shop].store, ARTICLES[at].code, _lot(ARTICLES[at], today - timedelta(days=made)),
         today + timedelta(days=ARTICLES[at].life - made), pieces)
        for (shop, at), lots in sorted(shelf.items()) for made, pieces in lots
    ]  # fmt: skip
    return books, list(stock)


def _demand(article: DairyArticle, size: float, day: date) -> float:
    return article.demand * size * WEEKDAYS[day.weekday()]


def _wanted(article: DairyArticle, size: float, day: date, lots: Sequence[Sequence[int]]) -> int:
    """Pieces that a shop orders for a day, in whole packs."""
    held = sum(pieces for _made, pieces in lots)
    short = _demand(article, size, day) * COVER - held
    return -(-int(short) // article.pack) * article.pack if short > 0 else 0


def _at(today: date, back: int, hour: int, minute: int = 0) -> str:
    return f"{today - timedelta(days=back)} {hour:02d}:{minute:02d}"


def _paper(books: _Books, made: int, **values: object) -> None:
    """A row of the papers of a lot, when it is among those that are traced."""
    if made <= TRACED:
        books.papers.append(tuple(values.get(name, "") for name in _COLUMNS))


def _make(
    books: _Books, today: date, back: int, plant: list[list[list[int]]],
    asked: Mapping[tuple[int, int], int],
) -> None:  # fmt: skip
    """Fill the tanks, and make as much as is ordered and a little more."""
    day = today - timedelta(days=back)
    for farm, (gln, _name, supplier) in enumerate(FARMS):
        permit = "运沪A-3107" if supplier == "V001" else "运苏E-0929"
        tank = {"item": RAW, "lot": _tank(day, farm), "qty": LITRES, "unit": "LTR"}
        _paper(
            books, back, kind="collection", at=_at(today, back, 5, 10 * farm), place=gln,
            paper=f"CN-{day:%m%d}-{farm + 1}", temperature=3.4 + 0.2 * farm, **tank,
        )  # fmt: skip
        _paper(books, back, kind="delivery", at=_at(today, back, 6, 10 * farm), from_=gln, to=PLANT,
               paper=permit, **tank)  # fmt: skip
        _paper(books, back, kind="receipt", at=_at(today, back, 9, 10 * farm), place=PLANT,
               paper=f"MR-{day:%m%d}-{farm + 1}", temperature=4.1, **tank)  # fmt: skip
    for at, article in enumerate(ARTICLES):
        ordered = sum(pieces for (_shop, which), pieces in asked.items() if which == at)
        kept = sum(pieces for _made, pieces in plant[at])
        need = max(article.pack, int(ordered * SPARE) - kept)
        pieces = -(-need // article.pack) * article.pack
        plant[at].append([back, pieces])
        _paper(
            books, back, kind="production", at=_at(today, back, 13, 20 * at), item=article.gtin,
            lot=_lot(article, day), qty=pieces, place=PLANT, paper=f"PO-{day:%m%d}{article.letter}",
            input_item=RAW, input_lot=_tank(day, article.tank),
            input_qty=round(pieces * article.litres, 1), input_unit="LTR",
        )  # fmt: skip


def _load(
    books: _Books, today: date, back: int, plant: list[list[list[int]]],
    asked: Mapping[tuple[int, int], int],
) -> list[tuple[int, int, int, int]]:  # fmt: skip
    """Trucks leave at ten in the evening with what shops ordered, the oldest first."""
    loaded = []
    day = today - timedelta(days=back)
    for (shop, at), pieces in asked.items():
        left = pieces
        for lot in plant[at]:
            taken = min(left, lot[1])
            if not taken:
                continue
            lot[1] -= taken
            left -= taken
            made = lot[0]
            loaded.append((shop, at, made, taken))
            article = ARTICLES[at]
            _paper(
                books, made, kind="delivery", at=_at(today, back, 22, shop), item=article.gtin,
                lot=_lot(article, today - timedelta(days=made)), qty=taken, from_=PLANT,
                to=_gln(shop), paper=f"DN-{day:%m%d}-{shop // 4 + 1}车-{shop + 1:02d}",
                temperature=3.8,
            )  # fmt: skip
        plant[at] = [lot for lot in plant[at] if lot[1]]
    return loaded


def _receive(
    books: _Books, today: date, back: int, shop: int, at: int, made: int, pieces: int
) -> None:
    article = ARTICLES[at]
    lot = _lot(article, today - timedelta(days=made))
    for kind, hour in (("receipt", 5), ("stocking", 7)):
        _paper(
            books, made, kind=kind, at=_at(today, back, hour, 30), item=article.gtin, lot=lot,
            qty=pieces, place=_gln(shop),
            paper=f"RN-{today - timedelta(days=back):%m%d}-{shop + 1:02d}" * (kind == "receipt"),
        )  # fmt: skip


def _sell(
    books: _Books, dice: random.Random, today: date, back: int, shop: int, which: DairyShop,
    size: float, shelf: Mapping[tuple[int, int], list[list[int]]],
) -> None:  # fmt: skip
    """A day's sales of a shop: purchases of known customers, and the rest as one slip."""
    day = today - timedelta(days=back)
    slip = f"{which.store}-{day:%y%m%d}-000"
    number = 0
    for at, article in enumerate(ARTICLES):
        mean = _demand(article, size, day)
        left = max(0, round(dice.gauss(mean, mean**0.5)))
        rest = 0
        for lot in shelf[shop, at]:
            unknown = 0
            while left and lot[1]:
                pieces = min(left, lot[1], 1 + (dice.random() < 0.15))
                left -= pieces
                lot[1] -= pieces
                if which.buyers and dice.random() < KNOWN:
                    number += 1
                    receipt = f"{slip[:-3]}{number:03d}"
                    time = _at(today, back, 9 + number % 11, dice.randrange(60))
                    buyer = which.buyers[dice.randrange(len(which.buyers))]
                    _sale(books, time, receipt, which, article, pieces, buyer)
                    _sold(books, today, lot[0], time, receipt, shop, article, pieces)
                else:
                    unknown += pieces
            if unknown:
                _sold(books, today, lot[0], _at(today, back, 21), slip, shop, article, unknown)
            rest += unknown
        if rest:
            _sale(books, _at(today, back, 21), slip, which, article, rest, "")
        shelf[shop, at][:] = [lot for lot in shelf[shop, at] if lot[1]]


def _sale(
    books: _Books, time: str, receipt: str, shop: DairyShop, article: DairyArticle, pieces: int,
    buyer: str,
) -> None:  # fmt: skip
    amount = f"{pieces * article.price_fen / 100:.2f}"
    books.orders.append(
        (receipt, time, shop.store, buyer, article.code, article.name, pieces, amount)
    )


def _sold(
    books: _Books, today: date, made: int, time: str, receipt: str, shop: int,
    article: DairyArticle, pieces: int,
) -> None:  # fmt: skip
    _paper(
        books, made, kind="sale", at=time, item=article.gtin,
        lot=_lot(article, today - timedelta(days=made)), qty=pieces, place=_gln(shop),
        paper=receipt,
    )  # fmt: skip


def _throw_away(
    books: _Books, today: date, back: int, shelf: Mapping[tuple[int, int], list[list[int]]],
    forgetful: int,
) -> None:  # fmt: skip
    """After closing, what cannot be sold tomorrow; one shop forgets it in the last days."""
    for (shop, at), lots in shelf.items():
        article = ARTICLES[at]
        for lot in lots:
            if lot[0] - article.life >= back and not (shop == forgetful and back <= 2):
                _paper(
                    books, lot[0], kind="disposal", at=_at(today, back, 21, 30), item=article.gtin,
                    lot=_lot(article, today - timedelta(days=lot[0])), qty=lot[1],
                    place=_gln(shop),
                )  # fmt: skip
                lot[1] = 0
        lots[:] = [lot for lot in lots if lot[1]]
