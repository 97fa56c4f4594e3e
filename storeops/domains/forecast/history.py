"""What was sold: shop by product by day, read from a folder of CSV files.

The columns are those of FreshRetailNet: `sales` (store_id, product_id, dt, sale_amount,
stock_hour6_22_cnt, discount, activity_flag), `products` (product_id and its categories) and
`calendar` (dt, holiday_flag), each as .csv or .csv.gz; only `sales` must be there. Rows after the
as-of day are the plan: their discount and promotion are known ahead, what was sold is not read.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from storeops import os_errors
from storeops.domains.forecast import daytypes
from storeops.domains.forecast.plain_csv import Block, NotPlainError, blocks, header
from storeops.errors import NotFoundError, UsageError
from storeops.i18n import _, ngettext
from storeops.tables import csv_file, typed
from storeops.tables.rows import RawRow

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Numbers = NDArray[np.int64]

EPOCH = date(1970, 1, 1)
MOST_DAYS = 400  # of history that are looked at
MOST_ROWS = 60_000_000
MOST_BYTES = 4_000_000_000  # of text, unpacked
MOST_TEXT = 200_000_000  # bytes of what is no plain CSV, unpacked
HOURS = 16  # from 06:00 to 22:00
CATEGORIES = (
    "management_group_id", "first_category_id", "second_category_id", "third_category_id",
)  # fmt: skip
ALIASES = {
    "store_id": ("store", "store_code", "shop", "门店", "门店编号", "门店编码"),
    "product_id": ("product", "sku", "gtin", "item", "商品", "商品编号", "商品编码", "条码"),
    "dt": ("date", "day", "日期", "营业日期"),
    "sale_amount": ("sales", "sold", "qty", "quantity", "销量", "销售数量"),
    "stock_hour6_22_cnt": ("hours_out", "out_of_stock_hours", "缺货小时", "缺货时长"),
    "discount": ("price_factor", "折扣"),
    "activity_flag": ("promotion", "促销", "活动"),
    "holiday_flag": ("holiday", "节假日"),
}
_COLUMNS = (
    "store_id", "product_id", "dt", "sale_amount", "stock_hour6_22_cnt", "discount",
    "activity_flag",
)  # fmt: skip


@dataclass(frozen=True)
class SalesHistory:
    """Series of one product in one shop, day by day. Arrays are (days, series).

    Attributes:
        stores, products: ids, in their order.
        store, product: of each series, index into those; sorted by store, then product.
        first: day of the first row, days since 1970-01-01.
        days: rows of history; the last one is the as-of day.
        sold: amount of the day; NaN where there is no row: that is not zero.
        out: hours out of stock of 16; 0 where nothing was said.
        price: factor, 1.0 the list price; also of the days ahead. NaN where nothing was said.
        promoted: 0 or 1; also of the days ahead.
        kinds: kind of day (`daytypes`), also of the days ahead.
        categories: of each series, coarse to fine; -1 where the product is not known.
        estimated: the calendar of some day was reckoned, not announced.
        digest: of the files and the as-of day.
        notes: what is worth saying, in the user's language.
    """

    stores: Sequence[str]
    products: Sequence[str]
    store: Numbers
    product: Numbers
    first: int
    days: int
    sold: Floats
    out: Floats
    price: Floats
    promoted: Floats
    kinds: Numbers
    categories: Numbers
    estimated: bool = False
    digest: str = ""
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def series(self) -> int:
        """How many."""
        return len(self.store)

    @property
    def horizon(self) -> int:
        """Days ahead."""
        return len(self.kinds) - self.days

    @property
    def as_of(self) -> date:
        """The last day of history."""
        return self.day(self.days - 1)

    def day(self, row: int) -> date:
        """The calendar day of a row."""
        return EPOCH + timedelta(days=self.first + row)

    def before(self, days: int, horizon: int) -> SalesHistory:
        """The same as it was `days` days earlier; the days after are the plan.

        Args:
            days: to go back.
            horizon: days ahead to keep.

        Raises:
            UsageError: there are not so many days.
        """
        kept = self.days - days
        if kept < 1 or kept + horizon > len(self.kinds):
            raise UsageError(
                ngettext(
                    "The history has {days} day; that is too short for it.",
                    "The history has {days} days; that is too short for it.",
                    self.days,
                ).format(days=self.days)
            )
        return SalesHistory(
            self.stores, self.products, self.store, self.product, self.first, kept,
            self.sold[:kept], self.out[:kept], self.price[: kept + horizon],
            self.promoted[: kept + horizon], self.kinds[: kept + horizon], self.categories,
            self.estimated, self.digest, self.notes,
        )  # fmt: skip

    def pick(self, which: Any) -> SalesHistory:
        """Some of the series.

        Args:
            which: slice, mask or indices, in order.
        """
        return SalesHistory(
            self.stores, self.products, self.store[which], self.product[which], self.first,
            self.days, self.sold[:, which], self.out[:, which], self.price[:, which],
            self.promoted[:, which], self.kinds, self.categories[which], self.estimated,
            self.digest, self.notes,
        )  # fmt: skip

    def find(self, store: str, product: str) -> int:
        """The series of a product in a shop.

        Raises:
            NotFoundError: one of them, or both together, are not there; with the nearest names.
        """
        shop = self.shop(store)
        item = _place(product, self.products, _("There is no product {name} in the history."))
        found = np.flatnonzero((self.store == shop) & (self.product == item))
        if not len(found):
            raise NotFoundError(
                _("Store {store} has never sold product {product}.").format(
                    store=store, product=product
                )
            )
        return int(found[0])

    def shop(self, name: str) -> int:
        """The place of a shop among `stores`.

        Raises:
            NotFoundError: it is not there (with the nearest names), or sold nothing by then.
        """
        text = _("There is no store {name} in the history.")
        found = _place(name, self.stores, text)
        if not (self.store == found).any():
            raise NotFoundError(text.format(name=name))
        return found


def _place(word: str, names: Sequence[str], text: str) -> int:
    if word in names:
        return names.index(word)
    from storeops.spelling import did_you_mean

    first = _("The first ones: {names}.").format(names=_(", ").join(names[:5]))
    raise NotFoundError(text.format(name=word), hint=did_you_mean(word, names, first))


def find_file(folder: Path, name: str) -> Path | None:
    """`name`.csv or `name`.csv.gz in a folder."""
    return next(
        (path for end in (".csv", ".csv.gz") if (path := folder / f"{name}{end}").is_file()), None
    )


@dataclass(frozen=True)
class DailySales:
    """What the tills of a chain sold.

    Attributes:
        name: what messages call it.
        rows: (shop, product, days since 1970-01-01, pieces), each once.
    """

    name: str
    rows: Sequence[tuple[str, str, int, float]]


def read_history(
    source: str | DailySales, as_of: date | None = None, horizon: int = 7
) -> SalesHistory:
    """Read a folder, or what tills sold.

    Of tills, a product that a shop did not sell on a day on which it sold others is 0 from its
    first sale there on; a day on which a shop sold nothing at all is a day without data.

    Args:
        source: folder of the files, or the sales themselves.
        as_of: last day of history; None for the last day with sales.
        horizon: days ahead.

    Raises:
        NotFoundError: no such folder, or no `sales` in it.
        UsageError: a file that cannot be taken as it is, with file and line.
    """
    place: Path | None = None
    if isinstance(source, DailySales):
        sales = Path(source.name)
        gathered = _Gathered(sales)
        gathered.take_sales(source.rows)
    else:
        place = Path(source).expanduser()
        found = find_file(place, "sales")
        if found is None:
            raise NotFoundError(
                _("{folder} has no sales.csv or sales.csv.gz.").format(folder=source),
                hint=_("Its columns: {names}.").format(names=_(", ").join(_COLUMNS)),
            )
        sales = found
        gathered = _Gathered(sales)
        gathered.read()
    stores, products, store, product, row_series = gathered.series()
    days, sold, out, price, promoted = gathered.columns()
    if not len(days):
        raise UsageError(_("{file} has no row.").format(file=sales.name))
    known = days[~np.isnan(sold)]
    if not len(known):
        raise UsageError(_("{file} has no sale in it.").format(file=sales.name))
    last = int(known.max()) if as_of is None else (as_of - EPOCH).days
    if last < int(days.min()) + 13:
        raise UsageError(
            _("A forecast as of {day} needs two weeks of history before it; {file} begins {first}.")
            .format(day=EPOCH + timedelta(days=last), file=sales.name,
                    first=EPOCH + timedelta(days=int(days.min()))),
            hint=_("Choose a later --as-of."),
        )  # fmt: skip
    if last > int(known.max()):
        raise UsageError(
            _("{file} has no sale after {last}; there is nothing to know as of {day}.").format(
                file=sales.name,
                last=EPOCH + timedelta(days=int(known.max())),
                day=EPOCH + timedelta(days=last),
            ),
            hint=_("Choose an earlier --as-of."),
        )
    first = max(int(days.min()), last - MOST_DAYS + 1)
    size = last - first + 1
    whole = (size + horizon, len(store))
    inside = (days >= first) & (days < first + size + horizon)
    at = (days[inside] - first, row_series[inside])
    _refuse_twice(sales.name, at, whole, first, stores, products, store, product)
    past = days[inside] <= last
    before = (at[0][past], at[1][past])
    table = {
        name: np.full(shape, empty, np.float32)
        for name, shape, empty in (
            ("sold", (size, len(store)), np.nan), ("out", (size, len(store)), 0.0),
            ("price", whole, np.nan), ("promoted", whole, 0.0),
        )
    }  # fmt: skip
    # what was sold after the as-of day is never looked at
    table["sold"][before] = sold[inside][past]
    table["out"][before] = out[inside][past]
    table["price"][at] = price[inside]
    table["promoted"][at] = promoted[inside]
    if place is None:
        table["sold"] = _with_zeros(table["sold"], store)
    seen = ~np.isnan(table["sold"]).all(axis=0)
    dates = [EPOCH + timedelta(days=first + row) for row in range(size + horizon)]
    kinds, estimated = daytypes.kinds(dates, _holidays(place))
    notes = list(gathered.notes)
    if estimated:
        notes.append(_("Holidays of days that are not announced yet are estimated."))
    unknown = float(np.isnan(table["price"][size:, seen]).mean()) if horizon else 0.0
    if unknown > 0.01 and not np.isnan(table["price"]).all():
        notes.append(
            _("The price plan lacks {share} of the days ahead: the last known price is taken.")
            .format(share=f"{unknown:.0%}")
        )  # fmt: skip
    return SalesHistory(
        stores, products, store, product, first, size, table["sold"], table["out"],
        table["price"], table["promoted"], kinds,
        _categories(place, products)[product], estimated, _digest(source, last, horizon),
        tuple(notes),
    ).pick(np.flatnonzero(seen))  # fmt: skip


def _with_zeros(sold: Floats, store: Numbers) -> Floats:
    """Of tills: 0 where a shop sold something else that day and the product is known there."""
    there = ~np.isnan(sold)
    size = int(store.max()) + 1
    opened = np.zeros((len(sold), size), bool)
    for day, row in enumerate(there):
        opened[day] = np.bincount(store, row, size) > 0
    begun = np.maximum.accumulate(there, axis=0)
    found: Floats = np.where(~there & begun & opened[:, store], np.float32(0), sold)
    return found


def _digest(source: str | DailySales, last: int, horizon: int) -> str:
    found = hashlib.sha256(f"{last} {horizon}".encode())
    if isinstance(source, DailySales):
        for row in source.rows:
            found.update(repr(row).encode())
        return found.hexdigest()
    place = Path(source).expanduser()
    for name in ("sales", "products", "calendar"):
        path = find_file(place, name)
        if path is not None:
            with path.open("rb") as file:
                found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()


def _refuse_twice(
    file: str, at: tuple[Numbers, Numbers], shape: tuple[int, int], first: int,
    stores: Sequence[str], products: Sequence[str], store: Numbers, product: Numbers,
) -> None:  # fmt: skip
    seen = np.zeros(shape, np.uint8)
    seen[at] = 1
    if int(seen.sum()) == len(at[0]):
        return
    count = np.zeros(shape, np.int32)
    np.add.at(count, at, 1)
    day, series = (int(each[0]) for each in np.nonzero(count > 1))
    raise UsageError(
        _("{file}: store {store}, product {product} has {several} rows for {day}.").format(
            file=file, store=stores[store[series]], product=products[product[series]],
            several=int(count[day, series]), day=EPOCH + timedelta(days=first + day),
        ),
        hint=_("One row for each shop, product and day."),
    )  # fmt: skip


class _Gathered:
    """The rows of `sales`, block by block."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stores: dict[str, int] = {}
        self._products: dict[str, int] = {}
        self._parts: list[
            tuple[Numbers, Numbers, NDArray[np.int32], Floats, Floats, Floats, Floats]
        ]
        self._parts = []
        self._rows = 0
        self.notes: list[str] = []

    def read(self) -> None:
        """Read the file, fast where it is plain."""
        try:
            self._read_fast()
        except NotPlainError:
            self._stores, self._products, self._parts, self._rows = {}, {}, [], 0
            self._read_by_row()

    def take_sales(self, rows: Sequence[tuple[str, str, int, float]]) -> None:
        """What tills sold instead of a file."""
        self.notes = [
            _("Tills do not say when shelves were empty: sales are taken for demand."),
        ]
        if rows:
            shops, products, days, pieces = zip(*rows, strict=True)
            self._take(
                np.array([_code(each, self._stores) for each in shops], np.int64),
                np.array([_code(each, self._products) for each in products], np.int64),
                np.array(days, np.int64),
                {"sale_amount": np.array(pieces, float)},
            )

    def _read_fast(self) -> None:
        with _opened(self._path) as file:
            names = header(file.readline(1 << 16))
            columns = self._find(names)
            size = 0
            for lines in blocks(file):
                size += len(lines)
                self._bound(size)
                block = Block(lines, len(names))
                number = {
                    name: block.numbers(columns[name]) for name in _COLUMNS[3:] if name in columns
                }
                self._take(
                    _codes(block.words(columns["store_id"]), self._stores),
                    _codes(block.words(columns["product_id"]), self._products),
                    block.days(columns["dt"]),
                    number,
                )

    def _find(self, names: Sequence[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for at, name in enumerate(names):
            found.setdefault(_meant(name), at)
        found = {name: at for name, at in found.items() if name in ALIASES}
        missing = [name for name in _COLUMNS[:4] if name not in found]
        if missing:
            raise UsageError(
                _("{file} has no column {names}.").format(
                    file=self._path.name, names=_(", ").join(missing)
                ),
                hint=_("Its columns: {names}.").format(names=_(", ").join(_COLUMNS)),
            )
        if "stock_hour6_22_cnt" not in found:
            self.notes = [
                _("{file} does not say when shelves were empty: sales are taken for demand.")
                .format(file=self._path.name)
            ]  # fmt: skip
        return found

    def _bound(self, size: int) -> None:
        if size > MOST_BYTES or self._rows > MOST_ROWS:
            raise UsageError(
                _("{file} has more than {limit} rows or {size} GB.").format(
                    file=self._path.name, limit=f"{MOST_ROWS:,}", size=MOST_BYTES // 10**9
                ),
                hint=_("Leave out old days; {days} are looked at.").format(days=MOST_DAYS),
            )

    def _read_by_row(self) -> None:
        """The same for any CSV: quotes, other separators and encodings, ids of any length."""
        rows = _rows(self._path, _("Write it as plain CSV: UTF-8, commas, days as 2024-03-28."))
        heading = next(rows, None)
        columns = self._find(list(heading.cells.values()) if heading else [])
        gathered: dict[str, list[Any]] = {name: [] for name in columns}
        line = 0
        for row in rows:
            line = row.number
            if row.fault:
                raise _bad(self._path.name, line, row.fault)
            for name, at in columns.items():
                cell = typed.word(row.cells.get(at, ""))
                gathered[name].append(_value(self._path.name, line, name, cell))
        self._take(
            np.array([_code(each, self._stores) for each in gathered["store_id"]], np.int64),
            np.array([_code(each, self._products) for each in gathered["product_id"]], np.int64),
            np.array(gathered["dt"], np.int64),
            {name: np.array(gathered[name], float) for name in _COLUMNS[3:] if name in columns},
        )

    def _take(
        self, store: Numbers, product: Numbers, day: Numbers, number: Mapping[str, Any]
    ) -> None:
        empty = np.full(len(day), np.nan)
        sold = number["sale_amount"]
        out = number.get("stock_hour6_22_cnt", np.zeros(len(day)))
        price = number.get("discount", empty)
        promoted = number.get("activity_flag", np.zeros(len(day)))
        for values, wrong, text in (
            (sold, sold < 0, _("sale_amount {value} is negative")),
            (out, (out < 0) | (out > 24), _("stock_hour6_22_cnt {value} is no number of hours")),
            (price, (price < 0) | (price > 3),
             _("discount {value} is no price factor; 0.9 means 10% off")),
        ):  # fmt: skip
            if wrong.any():
                at = int(np.argmax(wrong))
                raise _bad(
                    self._path.name, self._rows + at + 2, text.format(value=f"{values[at]:g}")
                )
        self._rows += len(day)
        self._parts.append((
            store, product, day.astype(np.int32), sold.astype(np.float32),
            np.nan_to_num(np.minimum(out, HOURS)).astype(np.float32),
            np.where(price > 0, price, np.nan).astype(np.float32),
            np.nan_to_num(promoted).astype(np.float32),
        ))  # fmt: skip

    def series(self) -> tuple[list[str], list[str], Numbers, Numbers, Numbers]:
        """(stores, products, store and product of each series, series of each row)."""
        if not self._parts:
            raise UsageError(_("{file} has no row.").format(file=self._path.name))
        stores, store_rank = _ranked(self._stores)
        products, product_rank = _ranked(self._products)
        keys = np.concatenate(
            [store_rank[each[0]] * len(products) + product_rank[each[1]] for each in self._parts]
        )
        begins = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
        unique, back = np.unique(keys[begins], return_inverse=True)
        length = np.diff(np.append(begins, len(keys)))
        return (
            stores, products, unique // len(products), unique % len(products),
            np.repeat(back, length),
        )  # fmt: skip

    def columns(self) -> tuple[Any, ...]:
        """Day, sold, hours out, price, promoted of each row."""
        found = tuple(np.concatenate([each[at] for each in self._parts]) for at in range(2, 7))
        self._parts = []
        return found


def _codes(words: NDArray[np.bytes_], known: dict[str, int]) -> Numbers:
    """A number for each id; rows with the same id mostly follow each other."""
    begins = np.flatnonzero(np.concatenate(([True], words[1:] != words[:-1])))
    try:
        codes = [_code(each.decode(), known) for each in words[begins].tolist()]
    except UnicodeDecodeError:
        raise NotPlainError from None
    return np.repeat(np.array(codes, np.int64), np.diff(np.append(begins, len(words))))


def _code(word: str, known: dict[str, int]) -> int:
    return known.setdefault(word, len(known))


def _ranked(known: Mapping[str, int]) -> tuple[list[str], Numbers]:
    """The ids in order (numbers as numbers), and the rank of each code."""
    numeric = all(each.isascii() and each.isdecimal() for each in known)
    names = sorted(known, key=(lambda each: (int(each), each)) if numeric else None)
    rank = np.empty(len(known), np.int64)
    rank[[known[each] for each in names]] = np.arange(len(names))
    return names, rank


def _meant(heading: str) -> str:
    """Our name of a column, else its own."""
    text = typed.word(heading).casefold()
    return next((name for name, others in ALIASES.items() if text in others), text)


@lru_cache(maxsize=1_000)
def _day(cell: str) -> int:
    """Days since 1970-01-01."""
    found = typed.day(cell)
    if found is None:
        raise ValueError
    return (found - EPOCH).days


def _value(file: str, line: int, name: str, cell: str) -> Any:
    if name in ("store_id", "product_id"):
        if not cell:
            raise _bad(file, line, _("{name} is empty").format(name=name))
        return cell
    try:
        if name == "dt":
            return _day(cell)
        found = float(cell) if cell else float("nan")
        if math.isinf(found):  # "inf", 1e400: as an amount it would empty every other one
            raise ValueError
        return found
    except (ValueError, UsageError):
        raise _bad(
            file, line, _("{name}: “{value}” cannot be read").format(name=name, value=cell[:40])
        ) from None


def _bad(file: str, line: int, why: str) -> UsageError:
    return UsageError(
        _("{file}, line {line}: {reason}.").format(file=file, line=line, reason=why),
        hint=_("Correct the file; nothing was written."),
    )


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The file, unpacked when it is gzip.

    Raises:
        UsageError: it cannot be read to its end.
    """
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else path.open("rb") as opened:
            yield cast(IO[bytes], opened)
    except (OSError, EOFError, zlib.error) as error:
        reason = os_errors.reason(error) if isinstance(error, OSError) and error.errno else None
        raise UsageError(
            _("{file} cannot be read: {error}.").format(
                file=path.name, error=reason or _("it is damaged, or was not written to its end")
            ),
            hint=_("Copy it again; nothing was written."),
        ) from None


def _rows(path: Path, smaller: str = "") -> Iterator[RawRow]:
    """The rows of any CSV, the headings first.

    Args:
        smaller: what to do when it is too large to be held.

    Raises:
        UsageError: it cannot be read.
    """
    with _opened(path) as file:
        content = file.read(MOST_TEXT + 1)
    if len(content) > MOST_TEXT:
        raise UsageError(
            _("{file} is larger than {limit} MB.").format(file=path.name, limit=MOST_TEXT // 10**6),
            hint=smaller,
        )
    text = csv_file.decode(content, path.name)[0].removeprefix("\ufeff")
    separator = max(csv_file.SEPARATORS, key=text[:2000].count)
    return csv_file.records(text, separator, path.name)


def _small(place: Path | None, name: str, key: str) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, cells by heading) of one of the small files; nothing when it is not there."""
    path = None if place is None else find_file(place, name)
    if path is None:
        return
    rows = _rows(path)
    heading = next(rows, None)
    names = {at: _meant(title) for at, title in (heading.cells if heading else {}).items()}
    if key not in names.values():
        raise UsageError(_("{file} has no column {names}.").format(file=path.name, names=key))
    for row in rows:
        yield row.number, {names[at]: typed.word(cell) for at, cell in row.cells.items()
                           if at in names}  # fmt: skip


def _holidays(place: Path | None) -> dict[date, bool]:
    """What `calendar` says of days."""
    found = {}
    for line, cells in _small(place, "calendar", "dt"):
        day = _value("calendar", line, "dt", cells.get("dt", ""))
        found[EPOCH + timedelta(days=day)] = cells.get("holiday_flag", "") in ("1", "1.0", "true")
    return found


def _categories(place: Path | None, products: Sequence[str]) -> Numbers:
    """Numbers of the categories of each product, coarse to fine; -1 where nothing was said."""
    known: list[dict[str, int]] = [{} for _name in CATEGORIES]
    at = {name: row for row, name in enumerate(products)}
    found = np.full((len(products), len(CATEGORIES)), -1, np.int64)
    for _line, cells in _small(place, "products", "product_id"):
        row = at.get(cells.get("product_id", ""))
        if row is None:
            continue
        path = ""
        for column, name in enumerate(CATEGORIES):
            path += f"/{cells.get(name, '')}"
            if cells.get(name):
                found[row, column] = known[column].setdefault(path, len(known[column]))
    return found
