"""What lies in shops, first expired first; counts and the differences they find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from storeops import times
from storeops.database.database import Database
from storeops.domain import TodayLine
from storeops.domains.lots import recall
from storeops.domains.orders.receipts import RECEIPTS
from storeops.errors import UsageError
from storeops.i18n import _, ngettext
from storeops.tables import typed
from storeops.tables.headings import Field
from storeops.tables.named import UNIT, NamedRow, read_each

FIELDS = (
    Field("store_id", ("store", "store_code", "门店", "门店编号", "门店编码"), "S001"),
    Field(
        "product_id", ("product", "item", "sku", "gtin", "barcode", "商品", "商品编号", "条码"),
        "06901234567892", key=True,
    ),
    Field("lot", ("batch", "批次", "批号"), "A1"),
    Field(
        "expires", ("expiry", "best_before", "到期日", "保质期至", "有效期至"), "2026-05-03",
    ),
    Field("qty", ("quantity", "pieces", "stock", "count", "数量", "库存", "件数"), "12"),
    UNIT,
)  # fmt: skip
_LOT = "store, item, lot, expires, qty, counted_at"
EXPIRED, TODAY, TOMORROW, LATER, CALLED = "expired", "today", "tomorrow", "later", "called_back"


@dataclass(frozen=True, slots=True)
class ShelfRow:
    """Pieces of one lot in one shop.

    Attributes:
        store, item, lot: which; lot "" when not said.
        expires: last day of sale, "" when not said.
        qty: pieces.
    """

    store: str
    item: str
    lot: str
    expires: str
    qty: float


@dataclass(frozen=True, slots=True)
class StockImport:
    """How a list or a count ended.

    Attributes:
        rows: taken; changed: of them, other than was known; unchanged: as known.
        gone: known before and not in the list any more, now 0.
        difference: pieces more (or less) than were known.
    """

    rows: int
    changed: int
    unchanged: int
    gone: int
    difference: float


def read_stock_list(path: str, store: str = "") -> list[ShelfRow]:
    """The rows of a stock list.

    Args:
        path: CSV or workbook, "-" for stdin.
        store: the shop, where no column says it.

    Raises:
        NotFoundError, UsageError: a row that cannot be taken.
    """
    known: set[tuple[str, ...]] = set()

    def make(row: NamedRow) -> ShelfRow:
        last = typed.day(row.get("expires"))
        key = (row.get("store_id") or store, row.get("product_id"), row.get("lot"),
               last.isoformat() if last else "")  # fmt: skip
        if not key[0]:
            raise UsageError(_("the shop is missing (--store)"))
        if not key[1]:
            raise UsageError(_("the product is missing"))
        if key in known:
            raise UsageError(_("shop, product, lot and expiry stand in the list twice"))
        known.add(key)
        return ShelfRow(*key, typed.pieces(row.get("qty"), row.get("unit")))

    return read_each(path, FIELDS, ("product_id", "qty"), make, other=RECEIPTS)


def take(
    db: Database, rows: Sequence[ShelfRow], who: str, now: float, *, whole: bool = False,
    source: str = "import",
) -> StockImport:  # fmt: skip
    """Note what was counted; every difference to what was known is kept.

    Args:
        db: data.db.
        rows: counted.
        who: counted them.
        now: Unix seconds.
        whole: the rows are all that lies in their shops: what they do not name is gone.
        source: import or count.
    """
    changed = gone = 0
    difference = 0.0
    with db.atomic() as connection:

        def note(each: ShelfRow) -> int:
            nonlocal difference
            key = (each.store, each.item, each.expires, each.lot)
            before = connection.execute(
                "SELECT qty FROM stock_lot"
                " WHERE store = ? AND item = ? AND expires = ? AND lot = ?",
                key,
            ).fetchone()
            connection.execute(
                "INSERT OR REPLACE INTO stock_lot (store, item, expires, lot, qty, counted_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (*key, each.qty, now),
            )
            known = before[0] if before else 0.0
            if known == each.qty:
                return 0
            difference += each.qty - known
            connection.execute(
                "INSERT INTO stock_difference"
                " (store, item, lot, expires, before, after, at, who, source)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (each.store, each.item, each.lot, each.expires, known, each.qty, now, who, source),
            )
            return 1

        changed = sum(note(each) for each in rows)
        if whole:
            named = {(each.store, each.item, each.expires, each.lot) for each in rows}
            for store in sorted({each.store for each in rows}):
                for item, expires, lot in connection.execute(
                    "SELECT item, expires, lot FROM stock_lot WHERE store = ? AND qty > 0", (store,)
                ).fetchall():
                    if (store, item, expires, lot) not in named:
                        gone += note(ShelfRow(store, item, lot, expires, 0.0))
    return StockImport(len(rows), changed, len(rows) - changed, gone, round(difference, 3))


def _of(stores: Sequence[str]) -> str:
    """The condition for these shops, one placeholder each."""
    return f"store IN ({','.join('?' * len(stores))})" if stores else "1"


def stock(db: Database, *, stores: Sequence[str] = (), item: str = "") -> list[dict[str, Any]]:
    """What lies in shops, first expired first; without an expiry at the end.

    Args:
        stores, item: only of these; () and "" for all.
    """
    return db.rows(
        f"SELECT {_LOT} FROM stock_lot"
        f" WHERE qty > 0 AND {_of(stores)} AND ? IN ('', item)"
        " ORDER BY store, item, expires = '', expires, lot",
        (*stores, item),
    )


def differences(
    db: Database, *, stores: Sequence[str] = (), item: str = ""
) -> list[dict[str, Any]]:
    """Every difference that a count or a list found, the newest first.

    Args:
        stores, item: only of these; () and "" for all.
    """
    return db.rows(
        "SELECT store, item, lot, expires, before, after, at, who, source FROM stock_difference"
        f" WHERE {_of(stores)} AND ? IN ('', item) ORDER BY id DESC",
        (*stores, item),
    )


def expiring(
    db: Database, today: date, *, days: int = 1, stores: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Pieces that have expired or soon will, and when.

    Args:
        today: the day.
        days: ahead; 1 for tomorrow.
        stores: only these; () for all.

    Returns:
        Rows of `stock` with `days_left` and `due`: expired, today, tomorrow or later; called_back
        of a lot that must not be sold, whenever it expires.
    """
    rows = db.rows(
        f"SELECT {_LOT} FROM stock_lot"
        f" WHERE qty > 0 AND {_of(stores)} AND expires > '' AND expires <= ?"
        " ORDER BY expires, store, item, lot",
        (*stores, (today + timedelta(days=days)).isoformat()),
    )
    found = []
    called = recall.called_back(db)
    for row in rows:
        left = (date.fromisoformat(row["expires"]) - today).days
        due = EXPIRED if left < 0 else TODAY if left == 0 else TOMORROW if left == 1 else LATER
        due = CALLED if called(row["item"], row["lot"]) else due
        found.append({**row, "days_left": left, "due": due})
    return found


def today(db: Database, now: float) -> list[TodayLine]:
    """Pieces that must leave the shelf."""
    rows = expiring(db, times.local(now).date(), days=0)
    lines = []
    for due, tone in ((EXPIRED, "bad"), (TODAY, "warn")):
        shops = {row["store"] for row in rows if row["due"] == due}
        count = sum(row["qty"] for row in rows if row["due"] == due)
        if not shops:
            continue
        text = (
            ngettext("{pieces} expired pieces lie in {count} shop.",
                     "{pieces} expired pieces lie in {count} shops.", len(shops))
            if due == EXPIRED else
            ngettext("{pieces} pieces expire today in {count} shop.",
                     "{pieces} pieces expire today in {count} shops.", len(shops))
        )  # fmt: skip
        lines.append(TodayLine(text.format(pieces=f"{count:g}", count=len(shops)),
                               "storeops stock expiring", tone=tone, screen="stock"))  # fmt: skip
    return lines
