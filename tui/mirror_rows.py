"""Rows of the customer list out of the mirror: keyset windows, jumps by anchors, marks.

Going on from the window before costs one keyset page; a jump costs an anchor and fewer than 1,000
rows passed over. The reading lane and the counting lane have a query each.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TYPE_CHECKING

from storeops.operations.customer_rows import CustomerRow, customer_rows
from tui.widgets.rows import Count, Line, Window

if TYPE_CHECKING:
    from storeops.database.database import Database
    from storeops.mirror.query import CustomerQuery
    from storeops.mirror.query_plan import Key

FROM_END = 2_000  # so near to the end a jump reads backwards
LOOK_FAR = 20_000  # rows searched on either side for one that has moved


class MirrorRows:
    """The customers of one filter in one order.

    Args:
        db: data.db.
        make: makes the query; called once per lane that asks.
        line: a row as cells.
        marked: which of some customers carry a mark.
    """

    def __init__(
        self,
        db: Database,
        make: Callable[[], CustomerQuery],
        line: Callable[[CustomerRow], Line],
        marked: Callable[[Sequence[int]], Iterable[int]],
    ) -> None:
        self._db = db
        self._make = make
        self._line = line
        self._marked = marked
        self._reader: CustomerQuery | None = None
        self._counter: CustomerQuery | None = None
        self._jumper: CustomerQuery | None = None
        self._start = 0
        self._keys: list[Key] = []
        self._total: int | None = None

    # -- the reading lane ----------------------------------------------------------------------

    def window(self, start: int, count: int) -> Window:
        """Rows by position."""
        ids = self._ids(start, count)
        lines = [self._line(row) for row in customer_rows(self._db, ids)]
        return Window(start, lines, frozenset(self._marked(ids)))

    def _ids(self, start: int, count: int) -> list[int]:
        if self._reader is None:
            self._reader = self._make()
        query = self._reader
        begin, end = self._start, self._start + len(self._keys)
        if start == 0:
            keys = list(query.page(None, count).keys)
        elif begin < start <= end:
            keys = list(query.page(self._keys[start - begin - 1], count).keys)
        elif start <= begin <= start + count <= end:
            before = query.page(self._keys[0], begin - start, backwards=True).keys
            keys = [*before, *self._keys[: start + count - begin]]
        elif self._total is not None and self._total - start <= FROM_END:
            rows = min(count, max(0, self._total - start))
            skip = self._total - start - rows
            keys = list(query.page(None, rows, backwards=True, skip=skip).keys) if rows else []
        else:
            self._keys = []
            return (self._jumper or query).window(start, count)
        self._start, self._keys = start, keys
        return [key[1] for key in keys]

    def find(self, key: Hashable, near: int) -> int | None:
        """Where a row is now, looking outwards from where it was."""
        step = 1000
        seen: set[int] = set()
        for distance in range(0, LOOK_FAR, step):
            for start in (max(0, near - 500 - distance), max(0, near - 500 + distance)):
                if start not in seen:
                    seen.add(start)
                    ids = self._ids(start, step)
                    if key in ids:
                        return start + ids.index(key)
        return None

    # -- the counting lane ---------------------------------------------------------------------

    def _counting(self) -> CustomerQuery:
        if self._counter is None:
            self._counter = self._make()
        return self._counter

    def count(self, cap: int | None) -> Count:
        """How many match."""
        found = self._counting().count(cap)
        if not found.capped:
            self._total = found.rows
        return Count(found.rows, not found.capped)

    def prepare(self) -> None:
        """Build the anchors."""
        query = self._counting()
        query.build_anchors()
        self._jumper = query

    # -- the screen's thread -------------------------------------------------------------------

    def stop(self, *, counting: bool) -> None:
        """End what runs in one of the lanes."""
        query = self._counter if counting else self._reader
        if query is not None:
            query.cancel()
