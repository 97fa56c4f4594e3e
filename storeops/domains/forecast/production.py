"""From what shops order to the plant's hours: when each run must start, and how much it makes.

Reckoned backwards. A shop's order must be on its shelf by an hour of the delivery day; less the
lead time of its truck that is the hour at which it leaves the plant, less what a product needs
after its run (cooling, laboratory, loading) the hour at which the run must end. What is ordered is
filled into batches, those needed first first; the batches of a line are laid from the last hour
backwards, each as late as it may be. Where they do not fit between the hour at which the plant can
begin and their trucks, what must be left out is named, shop by shop.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from storeops import times
from storeops.domains.orders.receipts import RECEIPTS
from storeops.errors import UsageError
from storeops.i18n import _
from storeops.tables import typed
from storeops.tables.headings import Field
from storeops.tables.named import UNIT, NamedRow, read_each

STORE = Field("store_id", ("store", "store_code", "shop", "门店", "门店编号"), "S001", key=True)
PRODUCT = Field(
    "product_id", ("product", "sku", "gtin", "item", "商品", "商品编号", "条码"), "69000001",
    key=True,
)  # fmt: skip
LINE_FIELDS = (
    PRODUCT,
    Field("line", ("产线", "生产线"), "1"),
    Field("rate", ("per_hour", "每小时产量", "产能"), "1200"),
    Field("batch", ("batch_size", "批量", "每批件数"), "600"),
    Field("change", ("changeover", "换产分钟"), "30"),
    Field("ready", ("handling", "出库准备分钟"), "120"),
    Field("opens", ("开机", "开线"), "08:00"),
    Field("closes", ("停机", "停线"), "20:00"),
    Field("stock", ("on_hand", "现存", "库存"), "0"),
    Field("pack", ("每箱件数",), "12"),
)
TRUCK_FIELDS = (
    STORE,
    Field("truck", ("车次", "车辆"), "1"),
    Field("by", ("on_shelf_by", "到架时间", "要求到店"), "06:00"),
    Field("hours", ("lead_hours", "运输小时", "提前小时"), "8"),
)
ORDER_FIELDS = (
    STORE, PRODUCT, Field("qty", ("quantity", "pieces", "order", "数量", "订货量"), "24"), UNIT,
)  # fmt: skip
EVERY = "*"  # a truck row for all shops without one of their own
DAY = 1440  # minutes
MOST_BATCHES = 3_000  # of a line
MOST_HOURS = 72.0  # of lead time
TINY = 1e-6
NO_LINE, NO_TRUCK, NO_TIME = "no_line", "no_truck", "no_time"


@dataclass(frozen=True, slots=True)
class MadeOn:
    """How a product is made.

    Attributes:
        product, line: names.
        rate: pieces an hour.
        batch: pieces of a batch; only whole ones are made.
        change: minutes to set the line up for it after another product.
        ready: minutes from the end of a run until its pieces can leave.
        opens, closes: minute of the day; a batch is made within them. 0 and 1440: never closed.
        stock: pieces that lie at the plant and can go out.
        pack: pieces of a pack that shops order; 0 when not said.
    """

    product: str
    line: str
    rate: float
    batch: float = 1.0
    change: float = 0.0
    ready: float = 0.0
    opens: int = 0
    closes: int = DAY
    stock: float = 0.0
    pack: float = 0.0

    @property
    def minutes(self) -> float:
        """Of a batch."""
        return self.batch / self.rate * 60


@dataclass(frozen=True, slots=True)
class Trip:
    """How a shop is reached.

    Attributes:
        store: its number, or `EVERY`.
        truck: shops of one truck leave together, when the first of them must; "" for its own.
        by: minute of the delivery day by which pieces are on the shelf.
        hours: lead time, from the plant's gate to the shelf.
    """

    store: str
    truck: str
    by: int
    hours: float


@dataclass(frozen=True, slots=True)
class ShopOrder:
    """What a shop orders of a product."""

    store: str
    product: str
    pieces: float


@dataclass(slots=True)
class _LineBatch:
    """One batch of a product; moments are minutes since the delivery day's midnight.

    Attributes:
        due: it must end by then.
        parts: (shop, pieces, when its truck leaves) that it is made for.
    """

    how: MadeOn
    due: float
    parts: list[tuple[str, float, float]] = field(default_factory=list)
    start: float = 0.0

    @property
    def end(self) -> float:
        return self.start + self.how.minutes

    @property
    def ordered(self) -> float:
        return sum(pieces for _store, pieces, _leaves in self.parts)


@dataclass(frozen=True, slots=True)
class LineRun:
    """Batches of one product on a line, one after another.

    Attributes:
        start, end: at the latest.
        pieces: that it makes; batches: in so many.
        ordered: pieces of it that shops ordered; spare: the others.
        leaves: when the first truck leaves that takes of it.
        stores: how many shops it is for.
    """

    line: str
    start: str | None
    end: str | None
    product_id: str
    pieces: float
    batches: int
    ordered: float
    spare: float
    leaves: str | None
    stores: int


@dataclass(frozen=True, slots=True)
class NotInTime:
    """What a shop ordered and cannot get.

    Attributes:
        pieces: so many of it.
        leaves: when its truck leaves; None without a truck.
        reason: no_line, no_truck, no_time.
    """

    store_id: str
    product_id: str
    pieces: float
    leaves: str | None
    reason: str


def read_lines(source: str) -> dict[str, MadeOn]:
    """How each product is made.

    Raises:
        UsageError: a line that cannot be taken; a product on two lines.
    """
    found: dict[str, MadeOn] = {}
    for each in read_each(source, LINE_FIELDS, ("product_id", "line", "rate"), _made_on):
        if each.product in found:
            raise UsageError(
                _("{file}: product {product} is on two lines.").format(
                    file=source, product=each.product
                ),
                hint=_("One row for each product."),
            )
        found[each.product] = each
    hours: dict[str, tuple[int, int]] = {}
    for each in found.values():
        if hours.setdefault(each.line, (each.opens, each.closes)) != (each.opens, each.closes):
            raise UsageError(
                _("{file}: line {line} has two different hours.").format(
                    file=source, line=each.line
                ),
                hint=_("Write the same opens and closes in all rows of a line."),
            )
    return found


def _made_on(row: NamedRow) -> MadeOn:
    opens, closes = _minute(row.get("opens") or "00:00"), _minute(row.get("closes") or "24:00")
    made = MadeOn(
        _needed(row, "product_id"), _needed(row, "line"), _above(row, "rate", 0.0),
        _above(row, "batch", 1.0), _upto(row, "change"), _upto(row, "ready"), opens,
        closes if closes > opens else closes + DAY, typed.pieces(row.get("stock") or "0"),
        typed.pieces(row.get("pack") or "0"),
    )  # fmt: skip
    if made.minutes > made.closes - made.opens + TINY:
        raise UsageError(
            _("a batch takes {hours} hours, longer than the line is open").format(
                hours=f"{made.minutes / 60:.1f}"
            )
        )
    return made


def read_trucks(source: str) -> dict[str, Trip]:
    """How each shop is reached.

    Raises:
        UsageError: a line that cannot be taken; a shop twice.
    """
    found: dict[str, Trip] = {}
    for each in read_each(source, TRUCK_FIELDS, ("store_id", "by", "hours"), _trip):
        if each.store in found:
            raise UsageError(
                _("{file}: store {store} has two rows.").format(file=source, store=each.store),
                hint=_("One row for each shop."),
            )
        found[each.store] = each
    return found


def _trip(row: NamedRow) -> Trip:
    return Trip(
        _needed(row, "store_id"), row.get("truck"), _minute(_needed(row, "by")),
        _upto(row, "hours", MOST_HOURS),
    )  # fmt: skip


def read_orders(source: str) -> list[ShopOrder]:
    """What shops ordered; several rows of a shop and product add up.

    Raises:
        UsageError: a line that cannot be taken; what tills sold.
    """
    rows = read_each(
        source, ORDER_FIELDS, ("store_id", "product_id", "qty"),
        lambda row: ShopOrder(
            _needed(row, "store_id"), _needed(row, "product_id"),
            typed.pieces(row.get("qty"), row.get("unit")),
        ),
        other=RECEIPTS,
    )  # fmt: skip
    sums: dict[tuple[str, str], float] = {}
    for each in rows:
        key = (each.store, each.product)
        sums[key] = sums.get(key, 0.0) + each.pieces
    return [ShopOrder(*key, pieces) for key, pieces in sums.items()]


def _needed(row: NamedRow, name: str) -> str:
    text = row.get(name)
    if not text:
        raise UsageError(_("{column} is empty").format(column=name))
    return text


def _minute(text: str) -> int:
    hour, colon, minute = text.partition(":")
    if colon and hour.isdecimal() and minute[:2].isdecimal() and minute[2:] in ("", ":00"):
        found = int(hour) * 60 + int(minute[:2])
        if int(minute[:2]) < 60 and found <= DAY:
            return found
    raise UsageError(_("“{value}” is no hour of the day, such as 06:00").format(value=text[:20]))


def _number(row: NamedRow, name: str, default: float | None) -> float:
    text = row.get(name)
    if not text and default is not None:
        return default
    try:
        found = float(text.replace(",", ""))
    except ValueError:
        found = math.nan
    if not 0 <= found < 1e9:
        raise UsageError(_("{column}: “{value}” is no number").format(column=name, value=text[:20]))
    return found


def _above(row: NamedRow, name: str, default: float) -> float:
    found = _number(row, name, default or None)
    if found <= 0:
        raise UsageError(_("{column} is a number above 0").format(column=name))
    return found


def _upto(row: NamedRow, name: str, most: float = float(7 * DAY)) -> float:
    found = _number(row, name, 0.0)
    if found > most:
        raise UsageError(
            _("{column} is a number from 0 to {most}").format(column=name, most=f"{most:g}")
        )
    return found


def production(
    orders: Sequence[ShopOrder], lines: Mapping[str, MadeOn], trucks: Mapping[str, Trip],
    day: date, begin: float,
) -> dict[str, Any]:  # fmt: skip
    """What the plant must make for a delivery day, and when.

    Args:
        orders: of all shops.
        lines: how each product is made; trucks: how each shop is reached (`EVERY`: the others).
        day: of delivery.
        begin: the plant can begin then, Unix seconds.

    Returns:
        `items` (`LineRun`, by line and start), `not_in_time` (`NotInTime`), `day`, `begin`, and in
        pieces `ordered`, `from_stock`, `made`, `spare`, `short`.

    Raises:
        UsageError: more batches than a day can have.
    """
    midnight = times.start(day.year, day.month, day.day)
    zero = midnight.timestamp()
    leaves = _departures(trucks)
    wanted: dict[str, list[tuple[float, str, float]]] = {}  # product → (truck leaves, shop, pieces)
    short: list[NotInTime] = []
    for each in orders:
        if each.pieces <= TINY:
            continue
        gate = leaves.get(each.store, leaves.get(EVERY))
        if gate is None or each.product not in lines:
            short.append(NotInTime(
                each.store, each.product, each.pieces,
                None if gate is None else _at(midnight, gate),
                NO_TRUCK if gate is None else NO_LINE,
            ))  # fmt: skip
            continue
        wanted.setdefault(each.product, []).append((gate, each.store, each.pieces))
    by_line: dict[str, list[_LineBatch]] = {}
    from_stock = 0.0
    for product, parts in wanted.items():
        how = lines[product]
        parts.sort()
        from_stock += _take(parts, how.stock)
        by_line.setdefault(how.line, []).extend(_batches(how, parts))
    runs: list[LineRun] = []
    first = (begin - zero) / 60
    for line, batches in sorted(by_line.items()):
        if len(batches) > MOST_BATCHES:
            raise UsageError(
                _("Line {line} would make {count} batches for one day.").format(
                    line=line, count=f"{len(batches):,}"
                ),
                hint=_("Look at the column batch: it is the pieces of one batch."),
            )
        made, left_out = _fit(batches, first)
        runs += _runs(line, made, midnight)
        short += [
            NotInTime(store, each.how.product, pieces, _at(midnight, gate), NO_TIME)
            for each in left_out for store, pieces, gate in each.parts
        ]  # fmt: skip
    return {
        "items": [asdict(each) for each in runs],
        "not_in_time": [asdict(each) for each in _summed(short)],
        "day": day.isoformat(), "begin": times.iso(begin),
        "ordered": _round(sum(each.pieces for each in orders)),
        "from_stock": _round(from_stock),
        "made": _round(sum(each.pieces for each in runs)),
        "spare": _round(sum(each.spare for each in runs)),
        "short": _round(sum(each.pieces for each in short)),
    }  # fmt: skip


def _round(pieces: float) -> float:
    return round(pieces, 4)


def _at(midnight: datetime, minutes: float) -> str | None:
    return times.iso((midnight + timedelta(minutes=minutes)).timestamp())


def _departures(trucks: Mapping[str, Trip]) -> dict[str, float]:
    """Shop → minute at which its truck leaves; shops of one truck leave with the first of them."""
    own = {each.store: each.by - each.hours * 60 for each in trucks.values()}
    together: dict[str, float] = {}
    for each in trucks.values():
        if each.truck:
            together[each.truck] = min(own[each.store], together.get(each.truck, math.inf))
    return {
        each.store: together[each.truck] if each.truck else own[each.store]
        for each in trucks.values()
    }


def _take(parts: list[tuple[float, str, float]], stock: float) -> float:
    """Take what lies at the plant off the orders, those that leave first first; how much it was."""
    left = stock
    while parts and left > TINY:
        gate, store, pieces = parts[0]
        if pieces > left + TINY:
            parts[0] = (gate, store, pieces - left)
            return stock
        left -= pieces
        del parts[0]
    return stock - max(0.0, left)


def _batches(how: MadeOn, parts: Sequence[tuple[float, str, float]]) -> list[_LineBatch]:
    """Whole batches for the orders of a product, in the order in which their trucks leave."""
    found: list[_LineBatch] = []
    room = 0.0
    for gate, store, pieces in parts:
        left = pieces
        while left > TINY:
            if room <= TINY:
                found.append(_LineBatch(how, gate - how.ready))
                room = how.batch
                if len(found) > MOST_BATCHES:
                    return found
            taken = min(room, left)
            found[-1].parts.append((store, taken, gate))
            room -= taken
            left -= taken
    return found


def _latest(how: MadeOn, end: float) -> float:
    """The latest start of a batch that ends by then, within the hours of its line."""
    if how.closes - how.opens >= DAY:
        return end - how.minutes
    day = math.floor((end - how.opens) / DAY) * DAY  # of the last opening before it
    if min(end, day + how.closes) - how.minutes < day + how.opens - TINY:
        day -= DAY
    return min(end, day + how.closes) - how.minutes


def _lay(batches: Sequence[_LineBatch]) -> list[_LineBatch]:
    """The batches of a line in the order in which they are made, each with its latest start.

    From the last backwards. Among those that could come right before what is laid already, one of
    the same product is taken, since it needs no change; else the one that is due last.
    """
    waiting: dict[str, list[_LineBatch]] = {}
    for each in sorted(batches, key=lambda each: each.due):
        waiting.setdefault(each.how.product, []).append(each)
    laid: list[_LineBatch] = []
    while waiting:
        following = laid[-1] if laid else None
        product = max(waiting, key=lambda name: (waiting[name][-1].due, name))
        if following is not None and (same := waiting.get(following.how.product)):
            product = following.how.product if same[-1].due >= following.start - TINY else product
        each = waiting[product].pop()
        if not waiting[product]:
            del waiting[product]
        end = each.due
        if following is not None:
            change = following.how.change if following.how.product != product else 0.0
            end = min(end, following.start - change)
        each.start = _latest(each.how, end)
        laid.append(each)
    laid.reverse()
    return laid


def _fit(batches: Sequence[_LineBatch], first: float) -> tuple[list[_LineBatch], list[_LineBatch]]:
    """(batches in the order in which they are made, those left out since there is no time).

    As long as the first would have to start before `first`, of those due up to where it gets too
    tight the one is left out that frees the most time for the fewest pieces ordered.
    """
    kept = sorted(batches, key=lambda each: each.due)
    late = [each for each in kept if _latest(each.how, each.due) < first - TINY]
    kept = [each for each in kept if _latest(each.how, each.due) >= first - TINY]

    def tight(count: int) -> bool:
        laid = _lay(kept[:count])
        return bool(laid) and laid[0].start < first - TINY

    while tight(len(kept)):
        count = bisect.bisect_left(range(1, len(kept)), True, key=tight) + 1
        which = max(
            range(count), key=lambda at: (kept[at].how.minutes / kept[at].ordered, kept[at].due, at)
        )
        late.append(kept.pop(which))
    return _lay(kept), late


def _runs(line: str, laid: Sequence[_LineBatch], midnight: datetime) -> list[LineRun]:
    """Batches of one product that follow each other are one run, without a pause in between."""
    groups: list[list[_LineBatch]] = []
    for each in laid:
        before = groups[-1][-1] if groups else None
        if before is not None and before.how is each.how:
            end = before.end + each.how.minutes
            if _latest(each.how, end) >= before.end - TINY:  # the line does not close in between
                each.start = before.end
                groups[-1].append(each)
                continue
        groups.append([each])
    return [
        LineRun(
            line, _at(midnight, group[0].start), _at(midnight, group[-1].end),
            group[0].how.product, _round(sum(each.how.batch for each in group)), len(group),
            _round(sum(each.ordered for each in group)),
            _round(sum(each.how.batch - each.ordered for each in group)),
            _at(midnight, min(gate for each in group for _store, _pieces, gate in each.parts)),
            len({store for each in group for store, _pieces, _gate in each.parts}),
        )
        for group in groups
    ]  # fmt: skip


def _summed(short: Sequence[NotInTime]) -> list[NotInTime]:
    """One row for each shop, product and reason, those whose truck leaves first first."""
    sums: dict[tuple[str, str, str | None, str], float] = {}
    for each in short:
        key = (each.store_id, each.product_id, each.leaves, each.reason)
        sums[key] = sums.get(key, 0.0) + each.pieces
    rows = [
        NotInTime(store, product, _round(pieces), leaves, reason)
        for (store, product, leaves, reason), pieces in sums.items()
    ]
    return sorted(rows, key=lambda each: (each.leaves or "", each.store_id, each.product_id))
