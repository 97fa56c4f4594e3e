"""Purchases of the demo chain that fit its customers: phones with warranties, fresh milk every six
days, returns, orders of nobody known. They come in as files do, by the doors of everybody."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from storeops import times
from storeops.changes import sheets
from storeops.domain import DemoStep
from storeops.domains.orders import importing, products, value
from storeops.i18n import N_
from storeops.reading import identities
from storeops.reading.customers import rows_of
from storeops.reading.directory import members
from storeops.reading.query import CustomerQuery

if TYPE_CHECKING:
    from storeops.operations.wiring import Wiring

DAY = 86_400
MILK_DAYS = 6  # between two purchases
MILK_SPAN = 96  # days of it before today
PHONE_SPAN = 420  # days, so that some warranties are about to end
# one customer in so many buys milk or a phone; one order of nobody for so many customers
MILK, PHONES, BOTH, WALK_INS = 50, 18, 3, 160  # one milk customer in three buys a phone, too
TILL, MINI, MARKET = "till", "mini-program", "marketplace"
CHANNELS = {TILL: "门店", MINI: "小程序", MARKET: "天猫"}
LETTERS = {TILL: "T", MINI: "M", MARKET: "K"}  # order numbers begin so, those of returns with R
PRODUCTS = (
    ("M-PURE-950", "鲜牛奶 950ml", "生鲜/鲜奶", "春木牧场", 0, MILK_DAYS, 1_890),
    ("M-HIGH-950", "高钙鲜奶 950ml", "生鲜/鲜奶", "春木牧场", 0, MILK_DAYS, 2_190),
    ("P-X5-256", "春木 X5 手机 256GB", "手机/5G", "春木", 12, 0, 299_900),
    ("P-X5P-512", "春木 X5 Pro 手机 512GB", "手机/5G", "春木", 24, 0, 459_900),
    ("P-A3-128", "春木 A3 手机 128GB", "手机/4G", "春木", 12, 0, 129_900),
    ("A-CASE-X5", "X5 保护壳", "配件/保护", "春木", 0, 0, 4_900),
    ("A-CHG-67W", "67W 充电器", "配件/充电", "春木", 6, 0, 12_900),
    ("A-BUDS-2", "无线耳机 2", "配件/音频", "春木", 12, 0, 39_900),
)
_HEADS = ("order_no", "paid_at", "status", "channel", "shop", "seller", "server", "original",
          "external_userid", "phone", "line", "code", "product", "quantity", "amount")  # fmt: skip
STEPS = (
    DemoStep("order list", N_("what customers bought, the newest first")),
    DemoStep("order list --unmatched", N_("orders whose customer is not known, and why")),
    DemoStep('customer list --where "warranty:<30d"', N_("whose warranty is about to end")),
)


def furnish(app: Wiring) -> Sequence[DemoStep]:
    """Invent products and some months of orders, and take them in; the same dice every time.

    Args:
        app: of the demo's profile, its mirror synced.

    Returns:
        What to look at.
    """
    db, now = app.data, app.clock.now()
    rows = _Purchases(app, int(now)).rows()
    with TemporaryDirectory(prefix="storeops-demo-") as folder:
        table = Path(folder) / "products.csv"
        heads = ("code", "name", "category", "brand", "warranty_months", "replenish_days")
        _write(table, [dict(zip(heads, each, strict=False)) for each in PRODUCTS])
        products.import_products(db, sheets.Source(str(table)), now)
        for source in CHANNELS:
            table = Path(folder) / f"{source}.csv"
            _write(table, [row for of, row in rows if of == source])
            importing.import_orders(db, importing.OrderRequest(source, str(table)), now)
    value.run_value(db, now)
    return STEPS


def _write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, _HEADS if "order_no" in rows[0] else list(rows[0]))
        out.writeheader()
        out.writerows(rows)


class _Purchases:
    """The dice, and whom they are thrown for."""

    def __init__(self, app: Wiring, now: int) -> None:
        self.db = app.data
        self.now = now
        self.dice = random.Random(20_190_401)
        self.left = {each.userid: each.left_at for each in members(self.db)}
        self.phones: dict[str, list[str]] = {}
        ids = sorted(CustomerQuery(self.db, "", now=now).ids())
        self.milk, self.walk_ins = len(ids) // MILK, len(ids) // WALK_INS
        chosen = self.dice.sample(ids, self.milk + len(ids) // PHONES)
        # whom leavers left behind bought as well: whose sale was it?
        behind = sorted(CustomerQuery(self.db, "status:unassigned", now=now).ids())
        chosen = list(dict.fromkeys(chosen + behind[:: max(1, len(behind) // 24)]))
        keys = {key: external for key, (external, _name)
                in identities.people(self.db.connection, chosen).items()}  # fmt: skip
        for key, number in identities.numbers(self.db.connection):
            if key in keys:
                self.phones.setdefault(keys[key], []).append(number)
        self.customers = [each for each in rows_of(self.db).load(chosen) if each["follows"]]
        self.guides: dict[str, list[str]] = {}
        for customer in self.customers:
            for each in filter(lambda each: each["store"], customer["follows"]):
                self.guides.setdefault(each["store"], []).append(each["userid"])
        self._numbers: dict[str, int] = {}

    def rows(self) -> list[tuple[str, dict[str, Any]]]:
        """(source, row of its file), the oldest order first."""
        found: list[tuple[str, dict[str, Any]]] = []
        for at, customer in enumerate(self.customers):
            orders = list(self._milk(customer)) if at < self.milk else []
            if at >= self.milk or at % BOTH == 0:
                orders += self._phone(customer)
            for source, order in orders:
                found += [(source, row) for row in order]
        found += [(TILL, row) for row in self._walk_ins()]
        return sorted(found, key=lambda each: (str(each[1]["paid_at"]), each[1]["order_no"]))

    # -- orders ------------------------------------------------------------------------------------

    def _milk(self, customer: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """A carton or two every six days; some come no more."""
        article = PRODUCTS[self.dice.random() < 0.3]
        at = max(self._first(customer), self.now - MILK_SPAN * DAY)
        at += self.dice.randrange(MILK_DAYS * DAY)
        until = self.now - (50 * DAY if self.dice.random() < 0.12 else 0)
        source = MINI if self.dice.random() < 0.4 else TILL
        while at < until:
            yield source, self._order(source, customer, at, [(article, self.dice.choice((1, 2)))])
            at += MILK_DAYS * DAY + self.dice.randrange(-DAY, DAY)

    def _phone(self, customer: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """A phone, perhaps with what belongs to it; now and then it is given back."""
        dice = self.dice
        span = PHONE_SPAN if dice.random() < 0.55 else 45
        at = max(self._first(customer) + DAY, self.now - dice.randrange(span * DAY))
        if at >= self.now:
            return
        phone = dice.choices(PRODUCTS[2:5], (5, 2, 3))[0]
        more = [(each, 1) for each in dice.sample(PRODUCTS[5:], dice.choice((0, 0, 1, 2)))]
        source = dice.choices((TILL, MINI, MARKET), (6, 2, 2))[0]
        if source == MARKET and customer["external_userid"] not in self.phones:
            source = dice.choices((TILL, MARKET), (7, 1))[0]  # nobody will know whose it was
        order = self._order(source, customer, at, [(phone, 1), *more])
        yield source, order
        back = at + dice.randrange(2, 12) * DAY
        if dice.random() < 0.08 and back < self.now:
            first = order[0]
            yield source, [{**first, "order_no": f"R{first['order_no'][1:]}", "status": "退货",
                            "paid_at": _time(back), "original": first["order_no"],
                            "quantity": -1, "amount": f"-{first['amount']}"}]  # fmt: skip

    def _walk_ins(self) -> Iterator[dict[str, Any]]:
        """Orders of nobody known: without a word, or by a number that no customer has."""
        somebody = self.customers[0]
        for at in range(self.walk_ins):
            article = self.dice.choice((*PRODUCTS[:2], *PRODUCTS[5:]))
            when = self.now - self.dice.randrange(30 * DAY)
            (row,) = self._order(TILL, somebody, when, [(article, 1)])
            store = self.dice.choice(sorted(self.guides))
            number = f"100{self.dice.randrange(10**8):08d}" if at % 3 == 0 else ""
            yield {**row, "external_userid": "", "phone": number, "shop": store,
                   "seller": self._seller(store, "", when), "server": ""}  # fmt: skip

    def _order(
        self,
        source: str,
        customer: dict[str, Any],
        at: int,
        articles: Sequence[tuple[tuple[Any, ...], int]],
    ) -> list[dict[str, Any]]:
        moment = times.local(at)
        at = int(moment.replace(hour=self.dice.randrange(10, 21)).timestamp())
        at = at if at < self.now else at - DAY
        follow = self._follow(customer, at)
        day = times.day(at).replace("-", "")
        number = self._numbers[day] = self._numbers.get(day, 0) + 1
        # a marketplace shows a part of the number, and sometimes too little of it
        phone = next(iter(self.phones.get(customer["external_userid"], ())), "")
        external = "" if source == MARKET or (source == TILL and phone) else (
            customer["external_userid"])  # fmt: skip
        if source == MARKET and phone:
            shown = 4 if self.dice.random() < 0.6 else 1
            phone = f"{phone[:3]}{'*' * (8 - shown)}{phone[-shown:]}"
        elif source == MINI:
            phone = ""
        seller = self._seller(follow["store"], follow["userid"], at) if source == TILL else ""
        head = {
            "order_no": f"{LETTERS[source]}{day}-{number:04d}", "paid_at": _time(at),
            "status": "已支付", "channel": CHANNELS[source], "shop": follow["store"],
            "seller": seller, "server": follow["userid"] if source == MINI else "", "original": "",
            "external_userid": external, "phone": phone,
        }  # fmt: skip
        return [
            {**head, "line": line, "code": article[0], "product": article[1], "quantity": pieces,
             "amount": f"{article[6] * pieces / 100:.2f}"}
            for line, (article, pieces) in enumerate(articles, 1)
        ]  # fmt: skip

    # -- people ------------------------------------------------------------------------------------

    def _first(self, customer: dict[str, Any]) -> int:
        return min(int(each["createtime"]) for each in customer["follows"])

    def _follow(self, customer: dict[str, Any], at: int) -> dict[str, Any]:
        """The relation through which a customer came in at a moment."""
        follows: list[dict[str, Any]] = sorted(
            customer["follows"], key=lambda each: each["createtime"]
        )
        there = [each for each in follows if each["createtime"] <= at and each["store"]]
        return (there or follows)[0]

    def _seller(self, store: str, userid: str, at: int) -> str:
        """Who rang it up: mostly the customer's own guide, nobody who had left by then."""
        colleagues = [each for each in self.guides.get(store, ()) if self._works(each, at)]
        if userid and self._works(userid, at) and self.dice.random() < 0.7:
            return userid
        return self.dice.choice(colleagues) if colleagues else ""

    def _works(self, userid: str, at: int) -> bool:
        left = self.left.get(userid)
        return left is None or at < left


def _time(at: int) -> str:
    return times.second(at)
