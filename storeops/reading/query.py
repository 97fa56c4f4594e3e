"""Asking for customers: count, pages, windows, any position, facets. The door of the screens.

```python
query = CustomerQuery(db, "@li #VIP since:month", names=names, now=clock.now())
page = query.page(limit=50)                  # keys in order; page.next goes on
rows = CustomerRows(db).load(page.ids)       # storeops.reading.query_rows: the rows themselves
query.count(limit=9_999)                     # Count(9999, capped=True): "9,999+"
query.window(500_000, 40)                    # any position; anchors every 1,000 rows
query.cancel()                               # from another thread: Cancelled in the one that reads
```

A query belongs to the thread that made it, save `cancel`. It keeps what it learnt (plan, anchors);
after a change of facts (`mirror_meta.revision`) or a long time make a new one.
"""

from __future__ import annotations

import base64
import binascii
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal

from storeops.database.database import Database
from storeops.database.trouble import explain
from storeops.errors import UsageError
from storeops.i18n import _
from storeops.reading.compile import Compiler
from storeops.reading.conditions import conditions
from storeops.reading.facets import month_sql, of_everybody
from storeops.reading.filter import Node, parse, unparse
from storeops.reading.filter_names import Names
from storeops.reading.live import Live, teach
from storeops.reading.query_answers import Cancelled, Count, Explanation, FacetValue, Page, drives
from storeops.reading.query_keys import read_keys, read_merged
from storeops.reading.query_plan import Key, Planner, planners
from storeops.reading.query_sizes import Order
from storeops.spelling import nearest

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
MAPPED_BYTES = 2 << 30  # how much of the file a page may read as memory
FACETS = ("store", "owner", "tag", "way", "status", "state", "month")


def facets() -> list[str]:
    """Every facet there is: FACETS, and those of domains."""
    return [*FACETS, *(key for key, each in conditions().items() if each.facet is not None)]


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
        self._live = Live()
        self._lock = threading.Lock()
        self._running: sqlite3.Connection | None = None
        self._anchors: list[Key] = []  # the keys at 1000, 2000, … (the last row before each)
        self._whole = False  # whether the anchors reach the end
        connection = db.connection
        teach(connection)
        text = where if isinstance(where, str) else self.text
        names, in_time = names or Names(connection), self._order == "newest"
        self._compiler = Compiler(connection, names, now, self._live, text, in_time=in_time)
        self.branches = self._compiler.branches(self.node)
        self._planners: list[Planner] | None = None
        self._unordered: list[Planner] | None = None

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
        with self._reading() as connection:
            # a page reads few, scattered places: half the time; what streams stays flat in memory
            connection.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")
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
        with self._reading() as connection:
            for row in connection.execute(*self._everybody()):
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
        sql, params = self._everybody()
        if limit is not None:
            sql += " LIMIT ?"
            params = (*params, limit + 1)
        with self._reading() as connection:
            rows = connection.execute(f"SELECT count(*) FROM ({sql})", params).fetchone()[0]
        return Count(limit, True) if limit is not None and rows > limit else Count(rows, False)

    def facet(self, name: str, limit: int = 50, most: int | None = None) -> list[FacetValue]:
        """Customers per value of a facet, most first (months: latest first): what adding that
        condition would leave.

        Args:
            name: one of `facets()`: store, owner, tag, way, status, state, month (of createtime).
            limit: values.
            most: look at so many pairs of follow and value only; counts are then "at least".

        Raises:
            UsageError: no such facet.
        """
        columns = {
            "store": ("f.store_id", "", ""),
            "owner": ("f.staff_id", "", ""),
            "tag": ("x.tag_id", " JOIN follow_tag x ON x.follow_id = f.id", ""),
            "way": ("f.add_way", "", ""),
            "status": ("f.status", "", ""),
            "state": ("f.state", "", "WHERE value <> ''"),
            "month": (month_sql(self.db.connection, "f.createtime"), "", ""),
        }
        own = conditions().get(name)
        if own is not None and own.facet is not None:
            pairs = f" JOIN ({own.facet.pairs}) x ON x.customer_id = f.customer_id"
            columns[name] = ("x.value", pairs, "")
        if name not in columns:
            raise UsageError(
                _("There is no facet “{name}”.").format(name=name),
                hint=_("Use one of: {words}.").format(
                    words=_(", ").join(nearest(name, facets()) or facets())
                ),
            )
        column, table, where = columns[name]
        order = "value DESC" if name == "month" else "rows DESC, value"
        with self._reading() as connection:
            whole = (
                None
                if self.text or own is not None
                else of_everybody(self.db, name, self.planners[0].indexes)
            )
            if whole is not None:
                if name == "month":
                    whole.sort(reverse=True)
                else:
                    whole.sort(key=lambda each: (-each[1], each[0]))
                return [FacetValue(*each) for each in whole[:limit]]
            parts = [planner.pairs(column, table) for planner in self.unordered]
            cut = "" if most is None else f" LIMIT {int(most)}"
            pairs = " UNION ".join(f"SELECT * FROM ({part.sql}{cut})" for part in parts)
            if len(parts) == 1:
                pairs = f"SELECT DISTINCT id, value FROM ({pairs})"
            sql = (
                f"SELECT value, count(*) AS rows FROM ({pairs}) {where}"
                f" GROUP BY value ORDER BY {order} LIMIT ?"
            )
            params = tuple(value for part in parts for value in part.params)
            return [FacetValue(*row) for row in connection.execute(sql, (*params, limit))]

    def explain(self) -> Explanation:
        """What drives each alternative, with the counts that decided."""
        with self._reading():
            found = [
                (drives(planner.choice), planner.page(None, 50, 0, descending=True).sql,
                 planner.choice.considered)
                for planner in self.planners
            ]  # fmt: skip
        return Explanation(self.text, self.sort, tuple(found))

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
        if self._planners is None:
            self._planners = planners(self.db.connection, self.branches, self._order)
        return self._planners

    @property
    def unordered(self) -> list[Planner]:
        """The planners for counts and facets: of fewer alternatives, where only the order asked for
        one per value."""
        if self._unordered is None:
            whole = self.branches
            if self._order == "newest" and len(whole) > 1:
                whole = replace(self._compiler, in_time=False).branches(self.node)
            same = len(whole) == len(self.branches)
            self._unordered = (
                self.planners if same else planners(self.db.connection, whole, self._order)
            )
        return self._unordered

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        connection = self.db.connection
        teach(connection)
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

    def _descending(self, backwards: bool) -> bool:
        return (self.sort == "newest") != backwards

    def _keys(
        self, after: Key | None, limit: int, *, backwards: bool = False, skip: int = 0
    ) -> list[Key]:
        down = self._descending(backwards)
        if len(self.planners) == 1:
            return read_keys(self.planners[0], after, limit, skip, descending=down)
        found: list[Key] = []
        while len(found) < skip + limit:
            wanted = max(skip + limit - len(found), 50)
            step, after = read_merged(self.planners, after, wanted, descending=down)
            found += step
            if after is None:
                break
        return found[skip : skip + limit]

    def _everybody(self) -> tuple[str, tuple[object, ...]]:
        with self._reading():
            parts = [planner.everybody() for planner in self.unordered]
        sql = " UNION ALL ".join(part.sql for part in parts)
        if len(parts) > 1:
            sql = f"SELECT DISTINCT id FROM ({sql})"
        return sql, tuple(value for part in parts for value in part.params)
