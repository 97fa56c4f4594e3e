"""What is counted before a filter is read; its alternatives repeat each other's conditions, so
that every question is asked once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, TypeVar

from storeops.mirror.bytemap import Source, bytemap, keys_of
from storeops.reading.branch import Test

T = TypeVar("T")


class FilterCounts:
    """Remembers the answers for one filter.

    Args:
        connection: reads the mirror.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._known: dict[Hashable, Any] = {}

    def rows(self, source: Source, most: int) -> int:
        """Rows of FROM and WHERE, counted up to `most`."""
        sql = f"SELECT count(*) FROM (SELECT 1 FROM {source[0]} LIMIT {most})"
        return self._once(
            ("rows", sql, source[1]),
            lambda: int(self.connection.execute(sql, source[1]).fetchone()[0]),
        )

    def ids(self, source: Source, most: int) -> set[int]:
        """The keys that a SELECT gives, at most `most`; not to be changed."""
        return self._once(
            ("ids", *source, most),
            lambda: set(
                keys_of(
                    self.connection,
                    f"WITH listed (key) AS ({source[0]}) SELECT key FROM listed LIMIT {most}",
                    source[1],
                )
            ),
        )

    def map(self, key: str, column: str, source: Source) -> Source:
        """A bytemap of a column of FROM and WHERE."""
        sql = f"SELECT {column} AS key FROM {source[0]}"
        return self._once(
            ("map", sql, source[1]), lambda: bytemap(key, keys_of(self.connection, sql, source[1]))
        )

    def members(self, key: str, found: set[int]) -> Source:
        """A bytemap of a set that is not changed any more."""
        return self._once(("members", key, id(found)), lambda: (bytemap(key, found), found))[0]

    def frequency(self, test: Test, most: int) -> int:
        """How many customers a search word may mean, counted up to `most` per index."""
        assert test.word is not None
        return self._once(
            ("frequency", test, most), partial(test.word.frequency, self.connection, most)
        )

    def candidates(self, test: Test) -> set[int]:
        """The customers whom a search word may mean; not to be changed."""
        assert test.word is not None
        return self._once(("candidates", test), partial(test.word.candidates, self.connection))

    def _once(self, question: Hashable, ask: Callable[[], T]) -> T:
        if question not in self._known:
            self._known[question] = ask()
        found: T = self._known[question]
        return found
