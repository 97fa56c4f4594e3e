"""From a forecast to an order: the newsvendor's quantile, less what is there, in packs.

A piece too few loses its margin, a piece too many its cost; the critical ratio margin / (margin +
cost of waste) is the share of days on which the order should be enough. What an order would have
lost and wasted is shown on the user's own past, never a single accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import NormalDist
from typing import Any

import numpy as np

from storeops.domains.forecast import methods, pooled, quantiles, score
from storeops.domains.forecast.history import DailySales, Doubles, SalesHistory, read_history
from storeops.domains.forecast.score import Origin
from storeops.domains.orders.receipts import RECEIPTS
from storeops.errors import UsageError
from storeops.i18n import _
from storeops.tables import typed
from storeops.tables.headings import Field
from storeops.tables.named import UNIT, read_each

STOCK_FIELDS = (
    Field("store_id", ("store", "store_code", "门店", "门店编号"), "S001"),
    Field(
        "product_id", ("product", "sku", "gtin", "item", "商品", "商品编号", "条码"), "69000001",
        key=True,
    ),
    Field("qty", ("quantity", "pieces", "stock", "数量", "库存"), "12"),
    Field(
        "expires", ("expiry", "best_before", "expires_on", "到期日", "保质期至", "有效期至"),
        "2026-05-03",
    ),
    Field("arrives", ("arrival", "eta", "on_the_way", "到货日", "预计到货"), ""),
    UNIT,
)  # fmt: skip
FRESH_RATIO, USUAL_RATIO = 0.8, 0.95  # critical ratio for one day of shelf life, and for more
LOOKS_BACK = 3


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """What an order is made by.

    Attributes:
        ratio: critical ratio, between 0 and 1.
        shelf_life: days on which a delivered piece can be sold, the day of delivery included.
        lead: days that pass before the delivery is on the shelf; 0: before opening tomorrow.
        review: days until the delivery after that one.
        pack: pieces of a pack.
    """

    ratio: float
    shelf_life: int = 1
    lead: int = 0
    review: int = 1
    pack: float = 1.0

    @property
    def cover(self) -> int:
        """Days of demand that stock and order together must meet."""
        return self.lead + min(self.review, self.shelf_life)


def terms(
    *,
    ratio: float | None = None,
    margin: float | None = None,
    waste: float | None = None,
    shelf_life: int = 1,
    lead: int = 0,
    review: int = 1,
    pack: float = 1.0,
) -> OrderTerms:
    """The terms of an order, checked.

    Args:
        ratio: critical ratio; None to take it from margin and waste, else from the shelf life.
        margin: what a piece sold earns; waste: what a piece thrown away costs. Same unit.
        shelf_life, lead, review, pack: as `OrderTerms`.

    Raises:
        UsageError: something is out of bounds.
    """
    if ratio is not None and (margin is not None or waste is not None):
        raise UsageError(
            _("--ratio says already what --margin and --waste would."),
            hint=_("Leave one of them out."),
        )
    if (margin is None) != (waste is None):
        raise UsageError(_("--margin and --waste belong together."))
    if margin is not None and waste is not None:
        if not (margin > 0 and waste > 0):
            raise UsageError(_("--margin and --waste are amounts above 0."))
        ratio = margin / (margin + waste)
    if ratio is None:
        ratio = FRESH_RATIO if shelf_life <= 1 else USUAL_RATIO
    if not 0 < ratio < 1:
        raise UsageError(_("--ratio is a number between 0 and 1, such as 0.8."))
    if not (1 <= shelf_life <= 365 and 0 <= lead <= 14 and 1 <= review <= 14):
        raise UsageError(
            _("--shelf-life is 1 to 365 days, --lead 0 to 14, --review 1 to 14."),
        )
    if not (0 < pack < 1e6 and math.isfinite(pack)):
        raise UsageError(_("--pack is a number of pieces above 0."))
    return OrderTerms(ratio, shelf_life, lead, review, pack)


@dataclass(frozen=True, slots=True)
class HeldStock:
    """Pieces on hand or on the way.

    Attributes:
        store: "" for the one that is ordered for.
        product, pieces: what, and how many.
        expires: last day of sale; None when not said.
        arrives: on this day; None for what is there.
    """

    store: str
    product: str
    pieces: float
    expires: date | None = None
    arrives: date | None = None


def read_stock(source: str) -> list[HeldStock]:
    """Stock on hand and on the way, checked.

    Raises:
        UsageError: a line that cannot be taken; nothing was ordered.
    """
    return read_each(
        source, STOCK_FIELDS, ("product_id", "qty"),
        lambda row: HeldStock(
            row.get("store_id"), row.get("product_id"),
            typed.pieces(row.get("qty"), row.get("unit")),
            typed.day(row.get("expires")), typed.day(row.get("arrives")),
        ),
        other=RECEIPTS,
    )  # fmt: skip


def by_store(stock: Sequence[HeldStock]) -> dict[str, list[HeldStock]]:
    """Stock of all shops, shop by shop.

    Raises:
        UsageError: a row does not say of which shop it is.
    """
    found: dict[str, list[HeldStock]] = {}
    for each in stock:
        if not each.store:
            raise UsageError(
                _("Stock of product {product} says no store.").format(product=each.product),
                hint=_("With all shops a stock list needs the column store_id."),
            )
        found.setdefault(each.store, []).append(each)
    return found


def usable(
    lots: Sequence[tuple[float, date | None]], daily: Sequence[float], tomorrow: date
) -> float:
    """Pieces on hand that will meet demand of the cover.

    A lot that does not outlive the cover counts for what is sold until it expires.

    Args:
        lots: (pieces, last day of sale or None), in any order.
        daily: demand of each day of the cover.
        tomorrow: the first of them.
    """
    counted = 0.0
    for pieces, last in sorted(lots, key=lambda each: each[1] or date.max):
        days = len(daily) if last is None else (last - tomorrow).days + 1
        if days >= len(daily):
            counted += pieces
        elif days > 0:
            counted = max(counted, min(counted + pieces, sum(daily[:days])))
    return counted


def packs(pieces: float, pack: float) -> float:
    """Pieces to order so that it is whole packs, none when nothing is missing."""
    if pieces <= 1e-9:
        return 0.0
    return math.ceil(round(pieces / pack, 6)) * pack


def order(
    data: str | DailySales, store: str, how: OrderTerms, *,
    as_of: date | None = None, method: str = "pooled",
    stock: Sequence[HeldStock] = (), product: str = "",
) -> dict[str, Any]:  # fmt: skip
    """What one shop should order tonight.

    Args:
        data: folder of the history, or what tills sold.
        store: the shop's id.
        how: the terms.
        as_of: last day of history; None for the last one with sales.
        method: pooled or boosted.
        stock: on hand and on the way (`read_stock`).
        product: one product only, "" for all.

    Returns:
        `items` (product_id, forecast, target, on_hand, usable, on_the_way, missing, order),
        `past` (lost and wasted share beside two habits), `as_of`, `from`, `until`, `notes`.

    Raises:
        NotFoundError: there is no such shop or product.
        UsageError: as `read_history`.
    """
    history = read_history(data, as_of, max(7, how.cover))
    shop = history.shop(store)
    if product:
        history.find(store, product)
    here = history.pick(history.store == shop)
    tomorrow, last = history.day(history.days), history.day(history.days + how.cover - 1)
    held = _held(stock, store, here.products)
    items = [
        item for _store, item in _proposed(history, here, how, method, {store: held}, {})
        if product in ("", item["product_id"])
    ]  # fmt: skip
    notes = list(history.notes)
    strange = sorted(set(held) - {here.products[each] for each in here.product})
    if strange:
        notes.append(
            _("In stock but never sold in this store, so not ordered: {names}.").format(
                names=_(", ").join(strange[:5])
            )
        )
    return {
        "items": items, "store_id": store, "as_of": history.as_of.isoformat(),
        "from": tomorrow.isoformat(), "until": last.isoformat(), "ratio": round(how.ratio, 4),
        "shelf_life": how.shelf_life,
        "past": past(history, shop, how, method), "notes": notes,
    }  # fmt: skip


def orders_of_all(
    data: str | DailySales, how: OrderTerms, *,
    as_of: date | None = None, method: str = "pooled",
    stock_of: Callable[[str], Sequence[HeldStock]] = lambda _store: (),
    packs_of: Mapping[str, float] | None = None,
) -> tuple[list[tuple[str, str, float]], date, Sequence[str]]:  # fmt: skip
    """What every shop should order: ((shop, product, pieces), …), for which day, and notes.

    Args:
        data, how, as_of, method: as `order`.
        stock_of: what lies in a shop and is on its way there, by its number.
        packs_of: product → pieces of its pack, where they are not those of `how`.

    Raises:
        UsageError: as `read_history`.
    """
    history = read_history(data, as_of, max(7, how.cover))
    stores = [history.stores[each] for each in np.unique(history.store)]
    held = {store: _held(stock_of(store), store, history.products) for store in stores}
    found = [
        (store, item["product_id"], item["order"])
        for store, item in _proposed(history, history, how, method, held, packs_of or {})
        if item["order"]
    ]  # fmt: skip
    return found, history.day(history.days + how.lead), history.notes


def _proposed(
    history: SalesHistory, here: SalesHistory, how: OrderTerms, method: str,
    held: Mapping[str, Mapping[str, Any]], packs_of: Mapping[str, float],
) -> Iterator[tuple[str, dict[str, Any]]]:  # fmt: skip
    """(shop, what it should order of a product), of some of the series of a history."""
    fitted = methods.fit(history, method)
    ratios = quantiles.learn(
        pooled.sample(history), methods.as_it_was(method), min(how.cover, quantiles.LONGEST)
    )
    said = methods.predict(here, fitted)[: how.cover]
    target = ratios.at(said.sum(axis=0), how.ratio)
    tomorrow, last = history.day(history.days), history.day(history.days + how.cover - 1)
    for at in range(here.series):
        store, name = here.stores[here.store[at]], here.products[here.product[at]]
        lots, coming = held.get(store, {}).get(name, ([], []))
        good = usable(lots, said[:, at].tolist(), tomorrow)
        on_way = sum(pieces for pieces, day in coming if day is None or day <= last)
        missing = max(0.0, float(target[at]) - good - on_way)
        yield store, {
            "product_id": name, "forecast": round(float(said[:, at].sum()), 2),
            "target": round(float(target[at]), 2),
            "on_hand": round(sum(pieces for pieces, _day in lots), 2), "usable": round(good, 2),
            "on_the_way": round(on_way, 2), "missing": round(missing, 2),
            "order": round(packs(missing, packs_of.get(name) or how.pack), 4),
        }  # fmt: skip


def _held(stock: Sequence[HeldStock], store: str, products: Sequence[str]) -> dict[str, Any]:
    """Product → (lots on hand, deliveries on the way) of a shop; leading zeros do not count."""
    known = {each.lstrip("0"): each for each in products} | {each: each for each in products}
    found: dict[str, Any] = {}
    for each in stock:
        if each.store in ("", store):
            name = known.get(each.product) or known.get(each.product.lstrip("0"), each.product)
            lots, coming = found.setdefault(name, ([], []))
            if each.arrives:
                coming.append((each.pieces, each.arrives))
            else:
                lots.append((each.pieces, each.expires))
    return found


def past(history: SalesHistory, shop: int, how: OrderTerms, method: str) -> list[dict[str, Any]]:
    """What orders by these terms would have lost and wasted in a shop's last weeks.

    Beside it two habits: what was sold on the same weekday last week, and mean plus z times sigma.

    Args:
        shop: its place among `history.stores`.
    """
    count = min(LOOKS_BACK, (history.days - 28) // 7)
    if count < 1:
        return []
    known = history.before(0, 0)
    demands: list[Doubles] = []
    levels: dict[str, list[Doubles]] = {}
    for origin in score.look_back(known, count, 7, method):
        some = pooled.sample(origin.history)
        ratios = quantiles.learn(some, methods.as_it_was("pooled"))
        here = origin.history.store == shop
        sold = np.nan_to_num(origin.sold)
        demands.append(np.where(origin.stocked, sold, np.maximum(sold, origin.said))[:, here])
        for name, amounts in habits(origin, ratios, how.ratio).items():
            levels.setdefault(name, []).append(amounts[:, here])
    found = []
    for name, weeks in levels.items():  # what is left of one week lies there in the next
        lost, wasted, whole = simulate(
            np.concatenate(weeks), np.concatenate(demands), how.shelf_life
        )
        found.append({
            "by": name, "lost": round(lost / whole, 4) if whole else None,
            "wasted": round(wasted / whole, 4) if whole else None,
            "lost_pieces": round(lost, 1), "wasted_pieces": round(wasted, 1),
            "demand_pieces": round(whole, 1),
        })  # fmt: skip
    return found


def habits(origin: Origin, ratios: quantiles.RatioBands, ratio: float) -> Mapping[str, Doubles]:
    """Amounts per day and series: the forecast's quantile, and two habits to compare with."""
    usual = origin.history.sold[-28:].astype(np.float64)
    counted = ~np.isnan(usual) & (origin.history.out[-28:] < pooled.SKIP_HOURS)
    size = np.maximum(counted.sum(axis=0), 1)
    mean = np.where(counted, usual, 0.0).sum(axis=0) / size
    spread = np.sqrt((np.where(counted, usual - mean, 0.0) ** 2).sum(axis=0) / size)
    z = NormalDist().inv_cdf(ratio)
    return {
        "forecast": ratios.at(origin.said, ratio),
        "last week": origin.naive,
        "mean + z·sigma": np.broadcast_to(np.maximum(mean + z * spread, 0.0), origin.said.shape),
    }


def simulate(amounts: Doubles, demand: Doubles, shelf_life: int) -> tuple[float, float, float]:
    """(lost, wasted, demand) in pieces when each morning fills up to an amount, oldest sold first.

    Args:
        amounts: to fill up to, (days, series).
        demand: (days, series).
        shelf_life: days on which a piece can be sold.
    """
    lots = np.zeros((shelf_life, demand.shape[1]))  # oldest first
    lost = wasted = 0.0
    for level, wanted in zip(amounts, demand, strict=True):
        lots[-1] = np.maximum(level - lots[:-1].sum(axis=0), 0.0)
        left = wanted.copy()
        for lot in lots:
            sold = np.minimum(lot, left)
            lot -= sold
            left -= sold
        lost += float(left.sum())
        wasted += float(lots[0].sum())
        lots[:-1] = lots[1:].copy()
        lots[-1] = 0.0
    return lost, wasted, float(demand.sum())
