"""Who bought pieces of a lot: customers that orders know, with how certain it is."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from storeops import times
from storeops.database.database import Database
from storeops.domains.lots import gs1, trace
from storeops.domains.lots.gs1 import Thing
from storeops.domains.lots.places import places
from storeops.domains.lots.trace import TraceLine
from storeops.domains.orders import products, sold
from storeops.domains.orders.sold import SoldLine

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class LotBuyer:
    """A purchase of a customer.

    Attributes:
        customer: customer.id.
        order_no: of the purchase; at: Unix seconds.
        article: what the customer calls it.
        item, lot: GTIN and lot.
        store: the shop's number.
        proved: a till scanned the lot on this receipt; else it lay in that shop on that day.
    """

    customer: int
    order_no: str
    at: float
    article: str
    item: str
    lot: str
    store: str
    proved: bool


def buyers(db: Database, which: Thing) -> list[LotBuyer]:
    """Customers who have, or may have, pieces of everything that was made of a lot.

    A receipt that the paper of a sale names is proof. Other purchases of the article count where
    its lot lay in the shop, from the day it came to the day its last piece was sold; receipts on
    which a paper says another lot of the article do not.

    Args:
        db: data.db.
        which: the lot, or a pallet.

    Returns:
        One for each purchase and lot, proved ones first, then by time.

    Raises:
        NotFoundError: nothing is known of the lot.
    """
    numbers = trace.related(db, which)
    names = trace.things(db, numbers)
    found = trace.lines(db, numbers)
    sales = [each for each in found if each.sells]
    if not sales:
        return []
    known = places(db, {each.place for each in found})
    articles = products.names(db)
    gtins = products.gtins(db)
    result: dict[tuple[str, int, Thing], LotBuyer] = {}

    def article(code: str) -> str:
        bare = code.lstrip("0")
        return gtins.get(bare, bare)

    def keep(bought: SoldLine, line: TraceLine, *, proved: bool) -> None:
        item, lot = names[line.lot]
        if bought.customer is not None:
            result.setdefault(
                (bought.order_no, bought.customer, (item, lot)),
                LotBuyer(
                    bought.customer, bought.order_no, bought.paid_at,
                    articles.get(item.lstrip("0"), item), item, lot, bought.shop, proved,
                ),
            )  # fmt: skip

    receipts: dict[str, list[TraceLine]] = defaultdict(list)
    for line in sales:
        for number in _numbers(line.papers):
            receipts[number].append(line)
    for bought in _paid(sold.numbered(db, receipts)):
        for line in receipts[bought.order_no]:
            if article(bought.code) == _bare(names[line.lot]):
                keep(bought, line, proved=True)
    spans = _spans(found)
    since = min(first for first, _last, _line in spans)
    until = max(last for _first, last, _line in spans)
    wanted = {_bare(names[line.lot]) for _first, _last, line in spans}
    near = [
        each for each in _paid(sold.between(db, int(since), int(until + DAY_S)))
        if each.customer is not None and article(each.code) in wanted
    ]  # fmt: skip
    scanned = _scanned(db, since, until + DAY_S) if near else set()
    for bought in near:
        if (bought.order_no, article(bought.code)) in scanned:
            continue
        for first, last, line in spans:
            here = known[line.place].store or line.place
            if (bought.shop == here and article(bought.code) == _bare(names[line.lot])
                    and first <= bought.paid_at <= last):  # fmt: skip
                keep(bought, line, proved=False)
    return sorted(result.values(), key=lambda each: (not each.proved, each.at, each.order_no))


def _paid(lines: Iterable[SoldLine]) -> list[SoldLine]:
    return [each for each in lines if each.status == "paid"]


def _bare(which: Thing) -> str | None:
    """The article of a lot without leading zeros; None for a pallet."""
    return which[0].lstrip("0") or None


def _numbers(papers: str) -> list[str]:
    return [number for _kind, number in json.loads(papers)]


def _spans(found: Sequence[TraceLine]) -> list[tuple[float, float, TraceLine]]:
    """(from, until, a line) for each lot and shop in which it was sold: when it lay there."""
    spans: dict[tuple[int, str], list[TraceLine]] = {}
    for each in found:
        spans.setdefault((each.lot, each.place), []).append(each)
    result = []
    for lines in spans.values():
        if any(each.sells for each in lines):
            first = times.midnight(min(each.at for each in lines)).timestamp()
            last = times.midnight(max(each.at for each in lines)).timestamp() + DAY_S
            result.append((first, last, lines[0]))
    return result


def _scanned(db: Database, since: float, until: float) -> set[tuple[str, str]]:
    """(receipt, article without leading zeros) of which a paper says the lot, whichever it is."""
    rows = db.execute(
        "SELECT v.papers, t.item FROM lots_event v JOIN lots_line l ON l.event = v.id"
        " JOIN lots_thing t ON t.id = l.thing WHERE v.at BETWEEN ? AND ? AND v.void = 0"
        " AND v.papers <> '[]' AND v.step IN (SELECT value FROM json_each(?)) AND t.lot <> ''",
        (since, until, json.dumps(sorted(trace.SELLS))),
    )
    return {(number, item.lstrip("0")) for papers, item in rows for number in _numbers(papers)}


def count(found: Sequence[LotBuyer]) -> int:
    """How many customers they are."""
    return len({each.customer for each in found})


def label(buyer: LotBuyer) -> str:
    """The lot of a purchase as people write it."""
    return gs1.label(buyer.item, buyer.lot)
