"""Taking orders in: rows are staged, gathered by order number, and only differences are written.

Rows of one order may lie anywhere in the file, and its head in another one. So rows go to a stage
in data.db first (a copy elsewhere would be personal data in a temporary file), are read back in
the order of their numbers, and leave the stage when the import ends. Transactions stay short, and
memory is that of one batch, whatever the size of the file.

A row that cannot be read is named, and its whole order is left out: a sum without one of its lines
would be wrong and nobody would see it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from storeops import times
from storeops.changes import sheets
from storeops.changes.problems import Problem, Problems, of_line
from storeops.changes.seal import keyed_hash
from storeops.database.database import Database
from storeops.domains.orders import matching, sources, summary, values
from storeops.domains.orders.order_file import (
    FIELDS,
    HEAD,
    HEAD_KEYS,
    LINE,
    ORDER_NO,
    BadOrderRow,
    OrderReader,
)
from storeops.domains.orders.sources import OrderSource
from storeops.errors import ConflictError, StoreOpsError, UsageError
from storeops.i18n import _, labelled
from storeops.mirror import meta
from storeops.reading.customers import names_of

STAGED = 5_000  # rows a transaction
WRITTEN = 1_000  # orders a transaction
KINDS = (".csv", ".txt", ".tsv", ".xlsx", ".ndjson", ".jsonl", ".parquet")
SETTLED_S = 5.0  # a file of a watched folder that changed later is still being written

OnOrders = Callable[[str, int, int | None], None]  # (stage | write, done, total)


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What is to be taken in, and how; an empty setting leaves what the source remembers.

    Attributes:
        source: name of the till, shop system or marketplace.
        path: file, folder, or "-" for stdin.
        lines: a second file with the lines of the orders; "" when they lie in the first one.
        columns: heading → field, remembered for the source.
        channel: of orders that name none.
        zone: IANA name, of moments that name none.
        currency: of orders that name none.
        hashed: keep phones of this source as keyed hashes only; None as before.
        sheet, header_row, hidden: as `sheets.Source` has them.
    """

    source: str
    path: str
    lines: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    channel: str = ""
    zone: str = ""
    currency: str = ""
    hashed: bool | None = None
    sheet: str = ""
    header_row: int = 0
    hidden: bool = False


@dataclass(slots=True)
class ImportedOrders:
    """How an import ended.

    Attributes:
        source: its name.
        lines: rows that were read.
        orders: orders in them that could be taken.
        added, changed, unchanged: these orders, beside what was known.
        returns: those of them that are returns.
        matched, unmatched, ambiguous: those of them whose customer is certain, not known, not one.
        problems: rows and orders that could not be taken.
        files: files of a folder that were taken in.
        ignored: headings that mean nothing here.
        stopped: somebody asked to stop; the same command goes on.
    """

    source: str
    lines: int = 0
    orders: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    returns: int = 0
    matched: int = 0
    unmatched: int = 0
    ambiguous: int = 0
    problems: Problems = field(default_factory=Problems)
    files: int = 0
    ignored: tuple[str, ...] = ()
    stopped: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The object of `order import --json`."""
        names = ("source", "lines", "orders", "added", "changed", "unchanged", "returns",
                 "matched", "unmatched", "ambiguous")  # fmt: skip
        return {each: getattr(self, each) for each in names} | {
            "problems": [{"line": each.line, "message": each.message} for each in self.problems]
        }


def import_orders(
    db: Database,
    asked: OrderRequest,
    now: float,
    *,
    on_progress: OnOrders = lambda _step, _done, _total: None,
    stop: threading.Event | None = None,
) -> ImportedOrders:
    """Take in a file, or the new files of a folder.

    Args:
        db: data.db.
        asked: what, and how.
        now: WeCom's time, Unix seconds.
        on_progress: told after every transaction.
        stop: ends between two transactions; what was written stays.

    Raises:
        NotFoundError: no such file, folder or zone.
        UsageError: a file is no table, or has no order numbers.
        ConflictError: another import is at work.
    """
    meta.must_be_kept_here(db.connection)
    with alone(db):
        return _import(db, asked, int(now), on_progress, stop or threading.Event())


@contextmanager
def alone(db: Database) -> Iterator[None]:
    """While no import of orders is at work; what one writes has the time of its beginning.

    Raises:
        ConflictError: one is.
    """
    from filelock import FileLock, Timeout

    try:
        with FileLock(f"{db.path}.orders.lock", timeout=0, mode=0o600):
            yield
    except Timeout:
        raise ConflictError(
            _("An import of orders is at work."),
            hint=_("Wait until it has ended, then run the command again."),
        ) from None


def _import(
    db: Database, asked: OrderRequest, now: int, on_progress: OnOrders, stop: threading.Event
) -> ImportedOrders:
    source = sources.prepare(
        db, asked.source, now, channel=asked.channel, zone=asked.zone, currency=asked.currency,
        hashed=asked.hashed, columns=asked.columns,
    )  # fmt: skip
    result = ImportedOrders(source.name)
    folder = Path(asked.path).expanduser()
    if asked.path == "-" or not folder.is_dir():
        _Import(db, source, asked, now, on_progress, stop, result).run()
        return result
    if asked.lines:
        raise UsageError(_("A folder takes no --lines: put heads and lines into one file."))
    sources.watch(db, source, str(folder.resolve()))
    for file, size, mtime_ns in _waiting(db, source, folder):
        if now and file.stat().st_mtime > _wall() - SETTLED_S:
            continue
        part = ImportedOrders(source.name)
        one = replace(asked, path=str(file))
        try:
            _Import(db, source, one, now, on_progress, stop, part).run()
        except StoreOpsError as error:
            part.problems.append(Problem("file", labelled(file.name, error.message)))
        else:
            if not part.stopped:
                sources.note_file(db, source, file.name, size, mtime_ns, now)
                result.files += 1
        _add(result, part, file.name)
        if stop.is_set():
            break
    return result


def _wall() -> float:
    """This machine's time, which files carry; WeCom's clock says nothing of them."""
    import time

    return time.time()


def _waiting(db: Database, source: OrderSource, folder: Path) -> list[tuple[Path, int, int]]:
    """(file, bytes, mtime) of what was not taken in as it is now, oldest first."""
    known = sources.files(db, source)
    found = []
    for file in folder.iterdir():
        if file.suffix.lower() in KINDS and not file.name.startswith((".", "~")) and file.is_file():
            status = file.stat()
            if known.get(file.name) != (status.st_size, status.st_mtime_ns):
                found.append((file, status.st_size, status.st_mtime_ns))
    return sorted(found, key=lambda each: (each[2], each[0].name))


def _add(result: ImportedOrders, part: ImportedOrders, name: str) -> None:
    for each in ("lines", "orders", "added", "changed", "unchanged", "returns", "matched",
                 "unmatched", "ambiguous"):  # fmt: skip
        setattr(result, each, getattr(result, each) + getattr(part, each))
    result.stopped |= part.stopped
    result.ignored = tuple(dict.fromkeys((*result.ignored, *part.ignored)))
    for problem in part.problems:
        known = problem.message.startswith(name)
        text = problem.message if known else labelled(name, problem.message)
        result.problems.append(replace(problem, message=text))


@dataclass(frozen=True, slots=True)
class _Order:
    """An order as a file says it."""

    order_no: str
    status: str
    paid_at: int
    amount_fen: int
    currency: str
    channel: str
    shop: str
    seller: str
    server: str
    original: str
    buyer: tuple[str, str, str, str, str]
    lines: tuple[tuple[int, str, str, int, int, int], ...]
    restated: bool = False  # a return whose amounts the file writes as those of a sale

    def paid_back(self) -> _Order:
        """The same when its number is that of a sale: this one was given back, not another."""
        lines = tuple((*each[:3], -each[3], -each[4], each[5]) for each in self.lines)
        return replace(self, status=values.CANCELLED, amount_fen=0, lines=lines, restated=False)

    def digest(self) -> int:
        """Tells two contents apart, 64 bits, signed."""
        text = json.dumps(
            [self.order_no, self.status, self.paid_at, self.currency, self.channel, self.shop,
             self.seller, self.server, self.original, self.buyer, self.lines],
            ensure_ascii=False, separators=(",", ":"),
        )  # fmt: skip
        raw = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return int.from_bytes(raw, "big", signed=True)


class _Import:
    """One file on its way into the tables."""

    def __init__(
        self,
        db: Database,
        source: OrderSource,
        asked: OrderRequest,
        now: int,
        on_progress: OnOrders,
        stop: threading.Event,
        result: ImportedOrders,
    ) -> None:
        self.db = db
        self.source = source
        self.asked = asked
        self.now = now
        self.on_progress = on_progress
        self.stop = stop
        self.result = result
        self.spoiled: set[str] = set()
        self._paid_beside = 0  # neighbours of one order that differ in what was paid, less others
        self._shops: dict[str, int] = {}
        self._names = names_of(db)

    def run(self) -> None:
        self._empty_stage()
        try:
            if self._stage() and not self.stop.is_set():
                self._write()
                self._match()
        finally:
            self._empty_stage()
        self.result.stopped = self.stop.is_set()

    # -- stage ------------------------------------------------------------------------------------

    def _empty_stage(self) -> None:
        """In pieces, so that nobody waits long."""
        while True:
            with self.db.atomic() as connection:
                gone = connection.execute(
                    "DELETE FROM orders_stage WHERE (run, order_no, line) IN"
                    " (SELECT run, order_no, line FROM orders_stage LIMIT 20000)"
                ).rowcount
            if gone < 20_000:
                return

    def _stage(self) -> bool:
        """Whether any row was staged."""
        hash_phone = None
        if self.source.hashed:
            hash_phone = keyed_hash(self.db.path.parent, "phone", make=True)
        zone = times.find_zone(self.source.zone) if self.source.zone else times.zone()
        two = bool(self.asked.lines)
        found = False
        for path, fields, sign in (
            ((self.asked.path, HEAD, -1), (self.asked.lines, (ORDER_NO, *LINE), 1))
            if two
            else ((self.asked.path, FIELDS, 1),)
        ):
            lines = sign > 0
            reader = OrderReader(zone, hash_phone, lines=lines, heads=not two or not lines)
            stream = self._open(path, fields)
            self.result.ignored += stream.ignored
            rows = self._rows(stream, reader, sign)
            while batch := list(islice(rows, STAGED)):
                with self.db.atomic() as connection:
                    connection.executemany(
                        "INSERT OR REPLACE INTO orders_stage VALUES ('', ?, ?, ?, ?)", batch
                    )
                found = True
                self.on_progress("stage", self.result.lines, None)
                if self.stop.is_set():
                    return False
        return found

    def _open(self, path: str, fields: Sequence[sheets.Field]) -> sheets.SheetStream:
        mapping = dict(self.source.columns)
        asked = sheets.Source(
            path, self.asked.sheet, self.asked.columns, self.asked.header_row, self.asked.hidden
        )
        known = {each.name for each in fields}
        remembered = {
            heading: name
            for heading, name in mapping.items()
            if heading not in self.asked.columns and (not name or name in known)
        }
        for attempt in ({**remembered, **self.asked.columns}, dict(self.asked.columns)):
            try:
                return sheets.stream(replace(asked, mapping=attempt), fields)
            except UsageError as error:
                if "headings" in error.details or attempt == dict(self.asked.columns):
                    raise  # a remembered heading that this file lacks is no fault of it
        raise AssertionError

    def _rows(
        self, stream: sheets.SheetStream, reader: OrderReader, sign: int
    ) -> Iterator[tuple[str, int, str, str]]:
        dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
        problems = self.result.problems
        at = HEAD_KEYS.index("total")
        before: tuple[str, int | None] = ("", None)
        for line in stream.lines:
            self.result.lines += 1
            if isinstance(line, Problem):
                problems.append(line)
                continue
            if reader.is_sum(line):
                continue
            try:
                row = reader.read(line)
            except BadOrderRow as bad:
                code, message = bad.args
                number = reader.number(line)
                if number:
                    self.spoiled.add(number)
                    message = _("{message}; its order {order} is left out").format(
                        message=message, order=number[:60]
                    )
                problems.append(of_line(line.number, code, message))
                continue
            total = row.head[at]
            if total is not None and before[1] is not None and row.order_no == before[0]:
                self._paid_beside += 1 if total != before[1] else -1
            before = row.order_no, total
            body = "" if row.body is None else dump(row.body)
            yield row.order_no, sign * row.line, dump(row.head), body

    # -- write ------------------------------------------------------------------------------------

    def _staged(self) -> Iterator[tuple[str, list[tuple[int, str, str]]]]:
        """Order numbers with their rows, in short reads."""
        last: tuple[str, int] = ("", -(2**62))
        left: list[tuple[str, int, str, str]] = []
        while True:
            rows = self.db.execute(
                "SELECT order_no, line, head, body FROM orders_stage WHERE run = ''"
                " AND (order_no, line) > (?, ?) ORDER BY order_no, line LIMIT 5000",
                last,
            ).fetchall()
            if not rows:
                break
            last = rows[-1][:2]
            groups = [(key, list(each)) for key, each in groupby(left + rows, lambda row: row[0])]
            left = groups.pop()[1]  # the last one may go on
            for key, each in groups:
                yield key, [row[1:] for row in each]
        if left:
            yield left[0][0], [row[1:] for row in left]

    def _write(self) -> None:
        orders = self._orders()
        while batch := list(islice(orders, WRITTEN)):
            self._write_batch(batch)
            self.on_progress("write", self.result.orders, None)
            if self.stop.is_set():
                return

    def _orders(self) -> Iterator[_Order]:
        for order_no, rows in self._staged():
            if order_no in self.spoiled:
                continue
            try:
                yield self._order(order_no, rows)
            except BadOrderRow as bad:
                code, message = bad.args
                text = _("{message}; its order {order} is left out").format(
                    message=message, order=order_no[:60]
                )
                self.result.problems.append(of_line(abs(rows[0][0]), code, text))

    def _order(self, order_no: str, rows: Sequence[tuple[int, str, str]]) -> _Order:
        heads = [json.loads(head) for _line, head, _body in rows]
        head = dict(
            zip(
                HEAD_KEYS,
                [next((each for each in several if each not in (None, "")), None)
                 for several in zip(*heads, strict=True)],
                strict=True,
            )
        )  # fmt: skip
        if head["paid_at"] is None:
            raise BadOrderRow("no_time", _("it has no time of payment"))
        if len(moneys := {each[HEAD_KEYS.index("currency")] for each in heads} - {None, ""}) > 1:
            raise BadOrderRow(
                "two_currencies",
                _("its lines are in several currencies ({names}), and an order has one").format(
                    names=_(", ").join(sorted(moneys))
                ),
            )
        bodies = [json.loads(body) for _line, _head, body in rows if body]
        total: int | None = head["total"]
        paid = [each[HEAD_KEYS.index("total")] for each in heads]
        beside = len(bodies) == len(paid) > 1 and None not in paid
        if beside and len(set(paid)) == 1:  # twice the same price, or the order's total twice?
            same = all(abs(each[4]) == abs(total or 0) for each in bodies)
            beside = same and self._paid_beside > 0  # the file's other orders say
        if beside:
            # what was paid stands beside every line, and is the line's
            bodies = [
                [*each[:4], -fen if each[3] < 0 < fen else fen, each[5]]
                for each, fen in zip(bodies, paid, strict=True)
            ]
            total = None
        if not bodies:
            if total is None:
                raise BadOrderRow("no_amount", _("it has neither lines nor a total"))
            bodies = [[0, "", "", 1000 if total >= 0 else -1000, total, 0]]
        status = str(head["status"] or values.PAID)
        lines = _amounts(bodies, total)
        amounts = [each[4] for each in lines]
        restated = False
        if status == values.REFUNDED:
            negative = any(each < 0 for each in amounts)
            status = values.RETURN if negative or head["original"] else values.CANCELLED
        if status == values.RETURN and not any(each < 0 for each in amounts):
            lines = [[*each[:3], -each[3], -each[4], each[5]] for each in lines]
            restated = not head["original"]
        elif status == values.PAID and sum(amounts) < 0:
            status = values.RETURN
        amount = 0 if status == values.CANCELLED else sum(each[4] for each in lines)
        numbers = [each[0] for each in lines]
        if 0 in numbers or len(set(numbers)) < len(numbers):
            lines = [[at, *each[1:]] for at, each in enumerate(lines, 1)]
        buyer = tuple(
            str(head[each] or "")
            for each in ("external_userid", "unionid", "phone", "phone_hash", "member")
        )
        return _Order(
            order_no, status, head["paid_at"], amount, head["currency"] or self.source.currency,
            head["channel"] or self.source.channel, head["shop"] or "", head["seller"] or "",
            head["server"] or "", head["original"] or "",
            buyer,  # type: ignore[arg-type]  # five texts
            tuple(sorted((each[0], each[1], each[2], each[3], each[4], each[5]) for each in lines)),
            restated,
        )  # fmt: skip

    def _store(self, shop: str) -> int:
        if not shop:
            return 0
        if shop not in self._shops:
            try:
                self._shops[shop] = self._names.find_store(shop)
            except StoreOpsError:
                self._shops[shop] = 0
        return self._shops[shop]

    def _write_batch(self, batch: Sequence[_Order]) -> None:
        result = self.result
        with self.db.atomic() as connection:
            known = {
                row[0]: row[1:]
                for row in connection.execute(
                    "SELECT order_no, id, version, digest, buyer_id, customer_id, matched_at,"
                    " status"
                    " FROM orders_order WHERE source_id = ?"
                    " AND order_no IN (SELECT value FROM json_each(?))",
                    (self.source.id, json.dumps([each.order_no for each in batch])),
                )
            }
            new: list[_Order] = []
            changed: list[_Order] = []
            for order in batch:
                found = known.get(order.order_no)
                if order.restated and found is not None and found[6] != values.RETURN:
                    order = order.paid_back()
                result.orders += 1
                result.returns += order.status == values.RETURN
                if found is None:
                    new.append(order)
                elif found[2] != order.digest():
                    changed.append(order)
                else:
                    result.unchanged += 1
            result.added += len(new)
            result.changed += len(changed)
            if not (new or changed):
                return
            buyers = matching.buyers(connection, {each.buyer for each in (*new, *changed)})
            sources.keep_currency(connection, (*new, *changed)[0].currency)
            self._keep_versions(connection, [known[each.order_no][0] for each in changed])
            following = connection.execute(
                "SELECT coalesce(max(id), 0) + 1 FROM orders_order"
            ).fetchone()[0]
            rows, lines, touched = [], [], set[int]()
            for order in (*new, *changed):
                buyer, customer = buyers[order.buyer]
                old = known.get(order.order_no)
                matched_at = self.now if customer is not None else None
                if old is None:
                    key, version, first_seen = following, 1, self.now
                    following += 1
                else:
                    key, version, first_seen = old[0], old[1] + 1, None
                    if old[3] == buyer:  # the same words: the customer stays who it was
                        customer, matched_at = old[4], old[5]
                    if old[4] is not None:
                        touched.add(old[4])
                if customer is not None:
                    touched.add(customer)
                rows.append(
                    (key, self.source.id, order.order_no, version, order.status, order.paid_at,
                     order.amount_fen, order.currency, order.channel, order.shop,
                     self._store(order.shop), order.seller, order.server, order.original, buyer,
                     customer, matched_at, order.digest(), first_seen or self.now, self.now)
                )  # fmt: skip
                lines += [(key, *each) for each in order.lines]
            connection.executemany(
                "INSERT INTO orders_order (id, source_id, order_no, version, status, paid_at,"
                " amount_fen, currency, channel, shop, store_id, seller, server, original,"
                " buyer_id, customer_id, matched_at, digest, first_seen_at, updated_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET version = excluded.version,"
                " status = excluded.status, paid_at = excluded.paid_at,"
                " amount_fen = excluded.amount_fen, currency = excluded.currency,"
                " channel = excluded.channel, shop = excluded.shop, store_id = excluded.store_id,"
                " seller = excluded.seller, server = excluded.server,"
                " original = excluded.original, buyer_id = excluded.buyer_id,"
                " customer_id = excluded.customer_id, matched_at = excluded.matched_at,"
                " digest = excluded.digest, updated_at = excluded.updated_at",
                rows,
            )
            connection.executemany("INSERT INTO orders_line VALUES (?, ?, ?, ?, ?, ?, ?)", lines)
            summary.note_stale(connection, touched)

    def _keep_versions(self, connection: sqlite3.Connection, ids: Sequence[int]) -> None:
        """Put what is to be replaced aside; its lines go."""
        for key in ids:
            content = summary.content_of(connection, key)
            connection.execute(
                "INSERT INTO orders_version VALUES (?, ?, ?, ?)",
                (key, content["version"], self.now, json.dumps(content, ensure_ascii=False)),
            )
            connection.execute("DELETE FROM orders_line WHERE order_id = ?", (key,))

    # -- afterwards -------------------------------------------------------------------------------

    def _match(self) -> None:
        matching.match_new(self.db, self.now)
        matching.settle_early(self.db, self.now)
        summary.refresh(self.db, summary.stale(self.db), self.now)
        for state, orders in self.db.execute(
            "SELECT CASE WHEN o.customer_id IS NOT NULL THEN 'matched'"
            f" WHEN {matching.WHY} = 'ambiguous' THEN 'ambiguous' ELSE 'unmatched' END, count(*)"
            " FROM (SELECT DISTINCT order_no FROM orders_stage WHERE run = '') s"
            " JOIN orders_order o ON o.source_id = ? AND o.order_no = s.order_no"
            " JOIN orders_buyer b ON b.id = o.buyer_id GROUP BY 1",
            (self.source.id,),
        ):
            setattr(self.result, state, orders)
        sources.note_import(self.db, self.source, self.now)


def _amounts(bodies: Iterable[Sequence[Any]], total: int | None) -> list[list[Any]]:
    """The lines, their amounts summing to the total that was paid, when the file names one."""
    lines = [list(each) for each in bodies]
    amounts = [each[4] for each in lines]
    if total is None or sum(amounts) == total:
        return lines
    if any(each < 0 for each in amounts) and any(each > 0 for each in amounts):
        return lines  # an exchange: what was paid is no measure of its lines
    if total < 0 <= min(amounts):
        lines = [[*each[:3], -abs(each[3]), *each[4:]] for each in lines]
    for each, share in zip(
        lines, values.apportioned(total, [abs(amount) for amount in amounts]), strict=True
    ):
        each[4] = share
    return lines
