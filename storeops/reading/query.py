"""Asking for customers: count, pages, windows, any position, facets. The door of the screens.

```python
query = CustomerQuery(db, "@li #VIP since:month", names=names, now=clock.now())
page = query.page(limit=50)                  # keys in order; page.next goes on
rows = CustomerRows(db).load(page.ids)       # storeops.reading.query_rows: the rows themselves
query.count(limit=9_999)                     # Count(9999, capped=True): "9,999+"
query.window(500_000, 40)                    # any position; anchors every 1,000 rows
query.cancel()                               # from another thread: Cancelled in the one that reads
```

A query belongs to one thread, save `cancel`; `clone` is the same for another, compiled and planned
once for both. It keeps what it learnt (plan, anchors); after a change of facts
(`mirror_meta.revision`) or a long time make a new one.
"""

from __future__ import annotations

import base64
import binascii
import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING, Literal

from storeops.database.database import Database
from storeops.database.trouble import explain
from storeops.errors import UsageError
from storeops.i18n import _
from storeops.mirror import column_store
from storeops.reading.branch import OF_CUSTOMER, Branch
from storeops.reading.compile import Compiler
from storeops.reading.conditions import Facet, condition_of, conditions
from storeops.reading.facets import Counts, of_everybody, value_sql
from storeops.reading.filter import Node, parse, unparse
from storeops.reading.filter_names import Names
from storeops.reading.query_answers import Cancelled, Count, Explanation, FacetValue, Page
from storeops.reading.query_plan import Key, Order, Planner, Span, planners, read_merged
from storeops.reading.search_functions import RegisteredWords, register
from storeops.spelling import nearest

if TYPE_CHECKING:
    from storeops.reading.column_scan import ColumnScan

__all__ = [
    "FACETS",
    "SORTS",
    "Cancelled",
    "Count",
    "CustomerQuery",
    "Explanation",
    "FacetValue",
    "Key",
    "Page",
]

Sort = Literal["newest", "oldest", "name"]
SORTS: tuple[Sort, ...] = ("newest", "oldest", "name")
ANCHOR = 1_000  # rows between two anchors
FEW_COUNTED = 5_000  # rows of a condition that are read one by one rather than counted by columns
FACETS = ("store", "owner", "tag", "way", "status", "state", "month")


def facets() -> list[str]:
    """Every facet there is: FACETS, and those of domains."""
    return [*FACETS, *(key for key, each in conditions().items() if each.facet is not None)]


def facet_of(name: str) -> Facet | None:
    """A domain's facet; None for one of FACETS, for which no domain is loaded, and where there is
    none."""
    own = None if name in FACETS else condition_of(name)
    return own.facet if own is not None else None


class CustomerQuery:
    """One filter in one order over the mirror's customers.

    Args:
        db: the mirror (data.db).
        where: text of the filter language, or a parsed tree; "" for everybody.
        sort: "newest" (by the createtime of the newest follow that matches), "oldest" (the same
            from its other end) or "name" (by code point).
        names: looks up owners, shops, tags and marks; None: the mirror alone, without the notebook.
        now: WeCom's time, Unix seconds: what `7d` and `month` count from.

    Raises:
        FilterError: the text is not understood, or names nobody.
        UsageError: no such order.
    """

    def __init__(
        self,
        db: Database,
        where: str | Node = "",
        *,
        sort: str = "newest",
        names: Names | None = None,
        now: float,
    ) -> None:
        if sort not in SORTS:
            raise UsageError(
                _("There is no order “{sort}”.").format(sort=sort),
                hint=_("Use one of: {words}.").format(words=_(", ").join(SORTS)),
            )
        self.db = db
        self.node: Node = parse(where) if isinstance(where, str) else where
        self.text = unparse(self.node)
        self.sort: Sort = next(each for each in SORTS if each == sort)
        self._order: Order = "name" if sort == "name" else "newest"
        self._registered = RegisteredWords()
        self._lock = threading.Lock()
        self._running: sqlite3.Connection | None = None
        self._anchors: list[Key] = []  # the keys at 1000, 2000, … (the last row before each)
        self._whole = False  # whether the anchors reach the end
        self._scan: ColumnScan | None = None  # the last count by columns
        text = where if isinstance(where, str) else self.text
        compiler = Compiler(db, names or Names(db.connection), now, self._registered, text)
        self._plans = _Plans(db, self._order, compiler.branches(self.node))

    def clone(self) -> CustomerQuery:
        """The same query for another thread."""
        other = copy(self)
        other._lock = threading.Lock()
        other._running, other._anchors, other._whole, other._scan = None, [], False, None
        return other

    # -- reading ------------------------------------------------------------------------------

    def page(
        self, after: Key | None = None, limit: int = 50, *, backwards: bool = False, skip: int = 0
    ) -> Page:
        """The rows after (or, `backwards`, before) a key, always in the list's own order.

        Args:
            after: a key of an earlier page; None for the first page (backwards: the last).
            limit: rows, 1 or more.
            backwards: read towards the start.
            skip: rows to leave out first; keep it small, or use `window`.

        Raises:
            Cancelled: by `cancel`.
        """
        with self._reading():
            self.db.map_pages()  # a page reads few, scattered places
            keys = self._keys(after, limit + 1, backwards=backwards, skip=skip)
        more = len(keys) > limit
        keys = keys[:limit]
        if backwards:
            keys.reverse()
            following = keys[-1] if keys and after is not None else None
        else:
            following = keys[-1] if more else None
        return Page(tuple(keys), following, keys[0] if keys else None)

    def window(self, start: int, size: int) -> list[int]:
        """The customer ids at positions [start, start + size), 0 first; shorter at the end.

        Uses anchors every 1,000 rows and builds those still missing up to `start`
        (`build_anchors` does it beforehand, about 1 s per 1,000,000 rows).
        """
        self.build_anchors(start // ANCHOR)
        at = min(start // ANCHOR, len(self._anchors))
        if start // ANCHOR > len(self._anchors):
            return []  # beyond the end
        after = self._anchors[at - 1] if at else None
        with self._reading():
            return [key[1] for key in self._keys(after, size, skip=start - at * ANCHOR)]

    def nth(self, position: int) -> int | None:
        """The customer id at a position, 0 first; None beyond the end."""
        found = self.window(position, 1)
        return found[0] if found else None

    def build_anchors(self, up_to: int | None = None) -> int:
        """Learn the keys at every 1,000th row, so that any position is near.

        Args:
            up_to: number of anchors wanted; None for all.

        Returns:
            Rows covered by anchors so far.
        """
        with self._reading():
            while not self._whole and (up_to is None or len(self._anchors) < up_to):
                after = self._anchors[-1] if self._anchors else None
                found = self._keys(after, 1, skip=ANCHOR - 1)
                if found:
                    self._anchors.append(found[0])
                else:
                    self._whole = True
        return len(self._anchors) * ANCHOR

    def ids(self) -> Iterator[int]:
        """Every matching customer.id once, in no order; the quickest way to all of them."""
        with self._counting(whole=not self.text) as scan:
            if scan is not None:
                yield from scan.customers.nonzero()[0].tolist()
                return
            for row in self.db.connection.execute(*self._everybody()):
                yield row[0]

    def keys(self, batch: int = 1000, after: Key | None = None) -> Iterator[list[Key]]:
        """All rows in order (after a key), in batches; flat in memory, safe while others write."""
        while True:
            with self._reading():
                found = self._keys(after, batch)
            if found:
                yield found
            if len(found) < batch:
                return
            after = found[-1]

    def count(self, limit: int | None = None) -> Count:
        """How many customers match.

        Args:
            limit: stop counting beyond so many ("9,999+"); None for the exact number.
        """
        if self.text:
            rows = self._rows(limit)
        else:
            rows = of_everybody(self.db, "count", lambda: self._rows(None))
        return Count(limit, True) if limit is not None and rows > limit else Count(rows, False)

    def _rows(self, limit: int | None) -> int:
        with self._counting(whole=not self.text) as scan:
            if scan is not None:
                return int(scan.customers.sum())
            sql, params = self._everybody()
            if limit is not None:
                sql, params = f"{sql} LIMIT ?", (*params, limit + 1)
            counted = self.db.connection.execute(f"SELECT count(*) FROM ({sql})", params)
            return int(counted.fetchone()[0])

    def facet(self, name: str, limit: int = 50) -> list[FacetValue]:
        """Customers per value of a facet, most first (months: latest first): what adding that
        condition would leave.

        Args:
            name: one of `facets()`: store, owner, tag, way, status, state, month (of createtime).
            limit: values.

        Raises:
            UsageError: no such facet.
        """
        if name not in FACETS and facet_of(name) is None:
            raise UsageError(
                _("There is no facet “{name}”.").format(name=name),
                hint=_("Use one of: {words}.").format(
                    words=_(", ").join(nearest(name, facets()) or facets())
                ),
            )
        if self.text or name not in FACETS:
            found = self._sorted(name)
        else:
            found = of_everybody(self.db, name, lambda: self._sorted(name))
        return [FacetValue(*each) for each in found[:limit]]

    def _sorted(self, name: str) -> Counts:
        found = self._counted(name)
        if name == "month":
            found.sort(reverse=True)
        else:
            found.sort(key=lambda each: (-each[1], each[0]))
        return found

    def _counted(self, name: str) -> Counts:
        own = facet_of(name)
        with self._counting(whole=False) as scan:
            if scan is not None:
                return scan.by(name) if own is None else scan.pairs(own)
            connection = self.db.connection
            column, table, where = value_sql(connection, name, "" if own is None else own.pairs)
            parts = [planner.pairs(column, table) for planner in self.planners]
            pairs = " UNION ".join(f"SELECT DISTINCT key, value FROM ({sql})" for sql, _ in parts)
            return connection.execute(
                f"SELECT value, count(*) FROM ({pairs}){where} GROUP BY value",
                tuple(value for _sql, params in parts for value in params),
            ).fetchall()

    def explain(self) -> Explanation:
        """What drives each alternative, with the counts that decided."""
        with self._reading():
            found = [
                (str(planner.choice), planner.page(Span(None, None, True), 50, 0)[0],
                 tuple(planner.considered))
                for planner in self.planners
            ]  # fmt: skip
        return Explanation(self.text, self.sort, tuple(found))

    def meant(self, ids: Sequence[int]) -> set[tuple[int, str]]:
        """The follows of some customers of this list on which an alternative of the filter holds.

        Args:
            ids: customer.id.

        Returns:
            (customer.id, userid); none of an alternative that says nothing about a follow.
        """
        branches = [planner.branch for planner in self.planners]
        ways: list[str] = []
        params: list[object] = [json.dumps(list(ids))]
        for branch in branches:
            if branch.on_follow:
                parts, values = branch.follow_sql("f")
                if len(branches) > 1:  # of one alternative the tests on the customer have held
                    own, own_values = branch.customer_sql("f.customer_id", apart=True)
                    parts, values = [*parts, *own], [*values, *own_values]
                ways.append(f"({' AND '.join(parts)})")
                params += values
        if not ways:
            return set()
        with self._reading() as connection:
            return set(
                connection.execute(
                    "SELECT f.customer_id, s.userid FROM json_each(?) j CROSS JOIN follow f"
                    f" {OF_CUSTOMER} ON f.customer_id = j.value JOIN staff s ON s.id = f.staff_id"
                    f" WHERE {' OR '.join(ways)}",
                    params,
                )
            )

    def cancel(self) -> None:
        """Stop what this query is doing, from any thread; nothing happens when it is idle."""
        with self._lock:
            if self._running is not None:
                self._running.interrupt()

    # -- cursors ------------------------------------------------------------------------------

    def cursor(self, key: Key | None) -> str | None:
        """A key as the text of `next` in an answer."""
        if key is None:
            return None
        raw = json.dumps([self._order, *key], ensure_ascii=False, separators=(",", ":"))
        return base64.urlsafe_b64encode(raw.encode("utf-8", "surrogatepass")).decode().rstrip("=")

    def key(self, cursor: str) -> Key | None:
        """The key of a cursor; None for "".

        Raises:
            UsageError: not a cursor of a list in this order.
        """
        if not cursor:
            return None
        try:
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            order, value, key = json.loads(raw)
        except (binascii.Error, ValueError, TypeError):
            order, value, key = "", 0, 0
        fits = isinstance(value, str if self._order == "name" else int)
        if order != self._order or not fits or not isinstance(key, int):
            raise UsageError(
                _("The cursor given to --after does not belong to this list."),
                hint=_("Use the `next` of the same list in the same order, or start without it."),
            )
        return value, key

    # -- inside -------------------------------------------------------------------------------

    @property
    def planners(self) -> list[Planner]:
        """One planner per alternative, made when first needed."""
        return self._plans.made()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        connection = self.db.connection
        register(connection)
        with self._lock:
            self._running = connection
        try:
            yield connection
        except sqlite3.DatabaseError as error:
            if "interrupted" in str(error):
                raise Cancelled(_("The search was cancelled.")) from None
            raise explain(error, self.db.path) from error
        finally:
            with self._lock:
                self._running = None

    @contextmanager
    def _counting(self, *, whole: bool) -> Iterator[ColumnScan | None]:
        """Counts many rows by their columns; None: few rows, and the `whole` table, are sooner read
        one by one."""
        with self._reading() as connection:
            few = whole or all(planner.fewest <= FEW_COUNTED for planner in self.planners)
            if few or column_store.small(self.db):
                yield None
                return
            columns = column_store.snapshot(self.db)
            if self._scan is None or self._scan.columns is not columns:
                from storeops.reading.column_scan import ColumnScan

                branches = [planner.branch for planner in self.planners]
                self._scan = ColumnScan(connection, columns, branches)
            yield self._scan

    def _keys(
        self, after: Key | None, limit: int, *, backwards: bool = False, skip: int = 0
    ) -> list[Key]:
        down = (self.sort == "newest") != backwards
        if len(self.planners) == 1:
            return self.planners[0].keys(after, limit, skip, descending=down)
        found: list[Key] = []
        while len(found) < skip + limit:
            wanted = max(skip + limit - len(found), 50)
            step, after = read_merged(self.planners, after, wanted, descending=down)
            found += step
            if after is None:
                break
        return found[skip : skip + limit]

    def _everybody(self) -> tuple[str, tuple[object, ...]]:
        parts = [planner.everybody() for planner in self.planners]
        sql = " UNION ".join(sql for sql, _params in parts)
        return sql, tuple(value for _sql, params in parts for value in params)


class _Plans:
    """The planners of a filter, made once for all threads."""

    def __init__(self, db: Database, order: Order, branches: Sequence[Branch]) -> None:
        self._db, self._order, self._branches = db, order, branches
        self._lock = threading.Lock()
        self._made: list[Planner] | None = None

    def made(self) -> list[Planner]:
        """One for each alternative."""
        with self._lock:
            if self._made is None:
                self._made = planners(self._db, self._branches, self._order)
            return self._made
