"""What a virtual list needs to know of its rows, and the simplest sources of them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tui.cells import cell_width, shown


@dataclass(frozen=True, slots=True)
class ListColumn:
    """A column of a list.

    Attributes:
        key: name in settings and messages.
        title: translated heading.
        width: least cells.
        grow: share of the cells left over; 0 keeps `width`.
        sort: the sort it offers, "" for none.
        right: aligned to the right (numbers).
        keep: when cells are short, columns with the smallest `keep` go first.
        fit: as wide as the rows need, at most; gone while it is empty in all of them.
        last: the last word of a cell stays when the cell is cut: `东莞… 0012`, `张… +1`.
        tone: of its cells: "" or "dim" (ids, dates).
    """

    key: str
    title: str
    width: int
    grow: int = 0
    sort: str = ""
    right: bool = False
    keep: int = 5
    fit: bool = False
    last: bool = False
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A row ready to be shown.

    Attributes:
        key: identity; stays the same while the list is read again.
        cells: one text per column, already `shown`.
        tone: "" | "gone" (dim) | "warn" | "bad"; never the only sign.
        data: what the row stands for.
        pieces: index of a column → (text, style) of its parts, painted instead of the cell;
            a style is one of `PaintedList`: good, bad, dim, chip0 … chip5.
    """

    key: Hashable
    cells: tuple[str, ...]
    tone: str = ""
    data: object = None
    pieces: Mapping[int, Sequence[tuple[str, str]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Window:
    """Consecutive rows.

    Attributes:
        start: position of the first one, from 0.
        lines: the rows; fewer than asked for when the list ends.
        marked: keys among them that carry a mark.
    """

    start: int
    lines: Sequence[Line]
    marked: frozenset[Hashable] = frozenset()

    def get(self, position: int) -> Line | None:
        """The row at `position`, None when it is outside."""
        index = position - self.start
        return self.lines[index] if 0 <= index < len(self.lines) else None

    def joined(self, other: Window, most: int) -> Window:
        """This window with a neighbour that begins at its end or ends at its beginning.

        Args:
            other: the neighbour; when it is none it replaces this window.
            most: rows to keep; the far side of the old ones goes.
        """
        if other.start == self.start + len(self.lines):
            lines = [*self.lines, *other.lines][-most:]
            start = other.start + len(other.lines) - len(lines)
        elif other.start + len(other.lines) == self.start:
            lines = [*other.lines, *self.lines][:most]
            start = other.start
        else:
            return other
        kept = {line.key for line in lines}
        return Window(start, lines, frozenset((self.marked | other.marked) & kept))

    def covers(self, first: int, last: int) -> bool:
        """Whether rows `first` (inclusive) to `last` (exclusive) are all here."""
        return self.start <= first and last <= self.start + len(self.lines)


@dataclass(frozen=True, slots=True)
class RowCount:
    """How many rows there are.

    Attributes:
        rows: the number known.
        exact: False when there are more.
    """

    rows: int
    exact: bool = True


class RowSource(Protocol):
    """Rows by position. All but `stop` run in the background and may be slow."""

    def window(self, start: int, count: int) -> Window:
        """At most `count` rows from position `start` on."""

    def count(self, cap: int | None) -> RowCount:
        """The number of rows; with `cap` at least good enough to tell "more than cap"."""

    def find(self, key: Hashable, near: int) -> int | None:
        """Position of the row with `key`, None when it is gone; `near` is where it was."""

    def stop(self, *, counting: bool) -> None:
        """Ask the running `count` (or, without `counting`, `window`) to end early.

        Called from the screen's thread; the call may then raise anything, nobody reads it.
        """


@dataclass
class TableRows:
    """Rows that fit into memory: staff, shops, tags, groups.

    Args:
        lines: all rows, in order.
    """

    lines: Sequence[Line] = field(default_factory=list)

    def window(self, start: int, count: int) -> Window:
        """Rows from `start` on."""
        return Window(start, self.lines[start : start + count])

    def count(self, cap: int | None) -> RowCount:
        """All of them."""
        return RowCount(len(self.lines))

    def find(self, key: Hashable, near: int) -> int | None:
        """Position of `key`."""
        if near < len(self.lines) and self.lines[near].key == key:
            return near
        return next((at for at, line in enumerate(self.lines) if line.key == key), None)

    def stop(self, *, counting: bool) -> None:
        """Nothing runs for long."""

    def narrowed(self, words: str) -> TableRows:
        """The rows that hold every one of `words`, whatever the case."""
        wanted = shown(words).casefold().split()
        if not wanted:
            return self
        return TableRows(
            [
                line
                for line in self.lines
                if all(word in " ".join(line.cells).casefold() for word in wanted)
            ]
        )


def needs(columns: Sequence[ListColumn], lines: Iterable[Line]) -> dict[int, int]:
    """Cells that the columns which fit themselves to their rows need for these rows."""
    found = {at: 0 for at, column in enumerate(columns) if column.fit}
    if found:
        for line in lines:
            for at, most in found.items():
                if at < len(line.cells) and line.cells[at]:
                    found[at] = max(most, cell_width(line.cells[at]))
    return found


def layout(
    columns: Sequence[ListColumn], width: int, gap: int = 1, need: Mapping[int, int] | None = None
) -> list[tuple[int, int]]:
    """Which columns fit into `width` cells, and how wide each becomes.

    Args:
        columns: in order.
        width: cells.
        gap: blank cells between two columns.
        need: index of a column that fits itself → cells its rows need; 0 takes it away.

    Returns:
        (index of the column, cells), in order; columns that do not fit are left out.
    """
    need = need or {}

    def least(at: int) -> int:
        column = columns[at]
        if at not in need:
            return column.width
        return min(column.width, max(need[at], cell_width(column.title)))

    chosen = [at for at in range(len(columns)) if need.get(at) != 0] or [0]
    while len(chosen) > 1 and sum(least(at) + gap for at in chosen) - gap > width:
        chosen.remove(min(reversed(chosen), key=lambda at: columns[at].keep))
    cells = {at: min(least(at), width) for at in chosen}
    spare = max(0, width - (sum(each + gap for each in cells.values()) - gap))
    # what cannot be read whole first, then those that grow in their proportion
    for at in sorted(need, key=lambda at: -columns[at].keep):
        if at in cells and (more := min(spare, need[at] - cells[at])) > 0:
            cells[at] += more
            spare -= more
    growing = [at for at in chosen if columns[at].grow and at not in need]
    growing = growing or [at for at in chosen if columns[at].grow]
    weight = sum(columns[at].grow for at in growing)
    return [
        (at, cells[at] + (spare * columns[at].grow // weight if at in growing else 0))
        for at in chosen
    ]
