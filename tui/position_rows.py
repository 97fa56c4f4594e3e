"""Rows that an operation gives by position: jobs, lines of the journal."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

from tui.widgets.rows import Line, RowCount, Window

T = TypeVar("T")


class PositionRows(Generic[T]):
    """Keeps `tui.widgets.rows.RowSource`.

    Args:
        read: (start, size) → things in order; runs in the background.
        count: how many there are; runs in the background.
        line: a thing as a row.
    """

    def __init__(
        self,
        read: Callable[[int, int], Sequence[T]],
        count: Callable[[], int],
        line: Callable[[T], Line],
    ) -> None:
        self._read = read
        self._count = count
        self._line = line

    def window(self, start: int, count: int) -> Window:
        """Rows from `start` on."""
        return Window(start, [self._line(each) for each in self._read(start, count)])

    def count(self, cap: int | None) -> RowCount:
        """All rows."""
        return RowCount(self._count())

    def find(self, key: Hashable, near: int) -> int | None:
        """Where a row is now; new ones push it down."""
        start = max(0, near - 200)
        for at, line in enumerate(self.window(start, 1000).lines):
            if line.key == key:
                return start + at
        return None

    def stop(self, *, counting: bool) -> None:
        """Reads are short."""
