"""Rows of the customer list out of the mirror: windows at any position, and their marks.

The workers that read, count and look at facets have a query each, compiled and planned once;
the reading one keeps its anchors, so that a window costs one keyset page wherever it lies.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TYPE_CHECKING

from tui.widgets.rows import Line, RowCount, Window

if TYPE_CHECKING:
    from storeops.database.database import Database
    from storeops.reading.query import CustomerQuery

LOOK_FAR = 50_000  # rows searched on either side for one that has moved
STEP = 1_000


class MirrorRows:
    """The customers of one filter in one order.

    Args:
        db: data.db.
        make: makes the query; called once, by the worker that asks first.
        lines: customers of the query as rows, in their order.
        marked: which of some customers carry a mark.
    """

    def __init__(
        self,
        db: Database,
        make: Callable[[], CustomerQuery],
        lines: Callable[[CustomerQuery, Sequence[int]], list[Line]],
        marked: Callable[[Sequence[int]], Iterable[int]],
    ) -> None:
        self._db = db
        self._make = make
        self._lines = lines
        self._marked = marked
        self._lock = threading.Lock()
        self._made: CustomerQuery | None = None
        self._reader: CustomerQuery | None = None
        self._counter: CustomerQuery | None = None

    def query(self) -> CustomerQuery:
        """A query of one's own, for the worker that calls."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made.clone()

    # -- the reading worker ----------------------------------------------------------------------

    def _reading(self) -> CustomerQuery:
        if self._reader is None:
            self._reader = self.query()
        return self._reader

    def window(self, start: int, count: int) -> Window:
        """Rows by position."""
        query = self._reading()
        ids = query.window(start, count)
        return Window(start, self._lines(query, ids), frozenset(self._marked(ids)))

    def find(self, key: Hashable, near: int) -> int | None:
        """Where a row is now, looking outwards from where it was."""
        query = self._reading()
        for distance in range(0, LOOK_FAR, STEP):
            first = max(0, near - STEP // 2)
            for start in {max(0, first - distance), first + distance}:
                ids = query.window(start, STEP)
                if key in ids:
                    return start + [*ids].index(int(str(key)))
        return None

    # -- the counting worker ---------------------------------------------------------------------

    def count(self, cap: int | None) -> RowCount:
        """How many match."""
        if self._counter is None:
            self._counter = self.query()
        found = self._counter.count(cap)
        return RowCount(found.rows, not found.capped)

    # -- the screen's thread -------------------------------------------------------------------

    def stop(self, *, counting: bool) -> None:
        """End what one of the workers runs."""
        query = self._counter if counting else self._reader
        if query is not None:
            query.cancel()
