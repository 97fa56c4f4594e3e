"""A list that paints the rows it holds: columns, gutter, cursor, marks, range, headings.

What it holds, and where the cursor goes, is the business of whoever inherits.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.cells import align, cell_width, fit
from tui.widgets.rows import Line, ListColumn, Window, layout, needs

GUTTER = 3  # cursor sign, mark, blank
STRIPS = 2000  # painted rows kept
CHIPS = 6  # colours of tag groups


class PaintedList(ScrollView):
    """Rows under a heading that the screen shows; those not held are painted as `…`.

    Args:
        columns: the columns to show, in order.
        id: of the widget.

    Attributes:
        cursor: position of the row under the cursor, from 0.
        total: rows there are, held or not.
        range_from: where a range of rows began, None when there is none.
        empty: what stands in the first line of a list without rows.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "list--row", "list--cursor", "list--blurred", "list--marked", "list--gone", "list--warn",
        "list--bad", "list--good", "list--dim", "list--head", "list--chosen",
        *(f"list--chip{number}" for number in range(CHIPS)),
    }  # fmt: skip
    DEFAULT_CSS = """
    PaintedList { height: 1fr; scrollbar-size-vertical: 1; scrollbar-gutter: stable;
        overflow-x: hidden; overflow-y: auto;
        & > .list--row { color: $foreground; }
        & > .list--cursor { background: $primary; color: $text; text-style: bold; }
        & > .list--blurred { background: $surface-lighten-2; text-style: bold; }
        & > .list--gone { color: $text-muted; text-style: dim; }
        & > .list--dim { color: $text-muted; }
        & > .list--warn { color: $text-warning; }
        & > .list--bad { color: $text-error; }
        & > .list--good { color: $text-success; }
        & > .list--chosen { color: $text; text-style: bold; }
    }
    """

    class Laid(Message):
        """The columns have their places, or other ones: headings must follow."""

    def __init__(self, columns: list[ListColumn], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.columns = columns
        self.cursor = 0
        self.total = 0
        self.range_from: int | None = None
        self.empty = ""
        self._window = Window(0, [])
        self._places: list[tuple[int, int]] = []
        self._needs: dict[int, int] = {}
        self._strips: dict[tuple[object, ...], Strip] = {}
        self._styles: dict[str, Style] = {}

    # -- geometry ------------------------------------------------------------------------------

    @property
    def places(self) -> list[tuple[int, int]]:
        """(index of column, cells) of what fits."""
        return self._places

    def set_columns(self, columns: list[ListColumn]) -> None:
        """Show other columns; the rows must hold cells for them."""
        self.columns = columns
        self._needs = needs(columns, self._window.lines)
        self._places = []
        self._relay()

    def _fit_columns(self, *, anew: bool) -> None:
        """Fit columns to the rows held; they only grow while one goes through the same rows."""
        found = needs(self.columns, self._window.lines)
        if not anew:
            found = {at: max(found[at], self._needs.get(at, 0)) for at in found}
        if found != self._needs:
            self._needs = found
            self._relay()

    @property
    def _height(self) -> int:
        return max(1, self.size.height or 24)

    def _resize_rows(self) -> None:
        size = Size(self.size.width, self.total)
        if size != self.virtual_size:
            self.virtual_size = size
        self.refresh()

    def _relay(self) -> None:
        width = max(1, self.scrollable_content_region.width or self.size.width)
        places = layout(self.columns, width - GUTTER, need=self._needs)
        self._strips.clear()
        if places != self._places:
            self._places = places
            self.post_message(self.Laid())
        self.refresh()

    def notify_style_update(self) -> None:
        """Another theme: forget painted rows."""
        super().notify_style_update()
        self._styles.clear()
        self._strips.clear()

    # -- painting ------------------------------------------------------------------------------

    def _style(self, name: str) -> Style:
        style = self._styles.get(name)
        if style is None:
            style = self._styles[name] = self.get_component_rich_style(f"list--{name}")
        return style

    def ranged(self, position: int) -> bool:
        """Whether the row lies between the range's beginning and the cursor."""
        if self.range_from is None:
            return False
        low, high = sorted((self.range_from, self.cursor))
        return low <= position <= high

    def render_line(self, y: int) -> Strip:
        """One line of the view."""
        position = round(self.scroll_y) + y
        width = self.scrollable_content_region.width
        if position >= self.total:
            if self.empty and position == 0:
                text = align(" " * GUTTER + self.empty, width)
                return Strip([Segment(text, self._style("row") + self._style("gone"))], width)
            return Strip.blank(width, self._style("row"))
        line = self._window.get(position)
        here = position == self.cursor
        ranged = self.ranged(position)
        marked = line is not None and line.key in self._window.marked
        key = (line.key if line else None, here, self.has_focus if here else 0, marked, ranged)
        strip = self._strips.get(key)
        if strip is None:
            if len(self._strips) > STRIPS:
                self._strips.clear()
            strip = self._strips[key] = self._paint(line, width, here, marked, ranged)
        return strip

    def _paint(
        self, line: Line | None, width: int, here: bool, marked: bool, ranged: bool
    ) -> Strip:
        sign = ("›" if here else "┆" if ranged else " ") + ("✓" if marked else " ") + " "
        style = self._style("row")
        if line is not None and line.tone:
            style += self._style(line.tone)
        if marked:
            style += self._style("marked")
        over = self._style("cursor" if self.has_focus else "blurred") if here else None
        pieces = [(sign, "")]
        used = GUTTER
        if line is None:
            pieces.append(("…", ""))
            used += 1
        else:
            coloured = not line.tone and not marked
            for number, (index, cells) in enumerate(self._places):
                if index < len(line.cells):
                    if number:
                        pieces.append((" ", ""))
                        used += 1
                    pieces += self._cell(line, index, cells, coloured)
                    used += cells
        pieces.append((" " * (width - used), ""))
        # one segment for what looks alike: every piece is looked at again on its way to the screen
        segments = [
            Segment("".join(text for text, _name in alike),
                    (style + self._style(name) if name else style) + over)
            for name, alike in groupby(pieces, key=itemgetter(1))
        ]  # fmt: skip
        return Strip(segments, max(used, width)).crop(0, width)

    def _cell(
        self, line: Line, index: int, cells: int, coloured: bool
    ) -> Iterator[tuple[str, str]]:
        """A cell as (text, style), together exactly `cells` wide."""
        column = self.columns[index]
        pieces = line.pieces.get(index) if coloured else None
        if not pieces:
            text = align(line.cells[index], cells, right=column.right, last=column.last)
            yield text, column.tone if coloured else ""
            return
        room = cells
        for number, (text, name) in enumerate(pieces):
            blank = " " if number else ""
            fitted = fit(blank + text, room)
            if fitted.strip():
                yield fitted, name
                room -= cell_width(fitted)
            if len(fitted) < len(blank + text):
                break
        yield " " * room, ""

    def watch_has_focus(self, value: bool) -> None:
        """The cursor looks different in the pane that has the keys."""
        super().watch_has_focus(value)
        self.refresh_lines(self.cursor)

    def refresh_lines(self, y_start: int, line_count: int = 1) -> None:
        """Repaint rows by position."""
        y = y_start - round(self.scroll_y)
        if 0 <= y < self._height:
            self.refresh(Region(0, y, max(1, self.size.width), line_count))


REVERSED = {"newest": "oldest"}  # a sort and the same the other way round


def heading(columns: list[ListColumn], places: list[tuple[int, int]], sort: str) -> str:
    """The line above a list: titles over their cells, an arrow at the sort in use."""
    parts = []
    for index, cells in places:
        column = columns[index]
        sign = {column.sort: " ▾", REVERSED.get(column.sort): " ▴"}.get(sort, "") if sort else ""
        title = fit(column.title, max(1, cells - len(sign))) + sign
        parts.append(align(title, cells, right=column.right))
    return " " * GUTTER + " ".join(parts)
