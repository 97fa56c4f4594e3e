"""A screen of two lists: things above, what belongs to the one under the cursor below."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from textual import events, on
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from tui.keys import LIST, Key
from tui.screens.base import HouseScreen
from tui.widgets.bars import Bar, Piece
from tui.widgets.rows import Column, Line, TableRows
from tui.widgets.virtual_list import VirtualList, heading


class TwoLists(HouseScreen):
    """Two lists, Tab between them.

    A subclass gives `top_columns`, `rows_columns`, `load_top` and `load_rows` (both in a lane).
    """

    CSS_PATH = Path(__file__).with_name("two_lists.tcss")
    KEYS: ClassVar[tuple[Key, ...]] = tuple(key for key in LIST if key.action != "jump")

    def __init__(self) -> None:
        super().__init__()
        self._shown: object = None

    def top_columns(self) -> list[Column]:
        """Columns of the upper list."""
        raise NotImplementedError

    def rows_columns(self) -> list[Column]:
        """Columns of the lower list."""
        raise NotImplementedError

    def load_top(self) -> Sequence[Line]:
        """The upper list (lane)."""
        raise NotImplementedError

    def load_rows(self, line: Line) -> tuple[Sequence[Line], str]:
        """What belongs to a line of the upper list, and a sentence about it (lane)."""
        raise NotImplementedError

    def body(self) -> Iterable[Widget]:
        """Upper list, sentence, lower list."""
        lanes = self.house.lane("rows"), self.house.lane("counts")
        with Vertical(id="body"):
            yield Bar(id="top-heading")
            yield VirtualList(self.top_columns(), *lanes, id="top")
            yield Static("", id="about")
            yield Bar(id="rows-heading")
            yield VirtualList(self.rows_columns(), *lanes, id="rows")

    @property
    def top(self) -> VirtualList:
        """The upper list."""
        return self.query_one("#top", VirtualList)

    @property
    def rows(self) -> VirtualList:
        """The lower list."""
        return self.query_one("#rows", VirtualList)

    def ready(self) -> None:
        """The upper list has the keys."""
        self.top.focus()
        self.read_again()

    def read_again(self) -> None:
        """Both lists."""
        self._shown = None
        self.read(self.load_top, self._put_top, slot="top")

    def _put_top(self, lines: Sequence[Line]) -> None:
        self.top.show(TableRows(lines), stay=True)
        self.paint_headings()
        self.paint_frame()
        if not lines:
            self._put_rows(([], ""))

    def _put_rows(self, answer: tuple[Sequence[Line], str]) -> None:
        lines, about = answer
        self.rows.show(TableRows(lines), stay=self._same)
        self.query_one("#about", Static).update(Content(about))
        self.paint_headings()
        self.paint_frame()

    _same = False

    @on(VirtualList.Moved, "#top")
    def _top_moved(self, event: VirtualList.Moved) -> None:
        line = event.line
        if line is None or line is self._shown:
            return
        before = self._shown
        self._same = isinstance(before, Line) and before.key == line.key
        self._shown = line
        self.read(lambda: self.load_rows(line), self._put_rows, slot="rows")

    @on(VirtualList.Opened, "#top")
    def _top_opened(self) -> None:
        self.rows.focus()

    @on(VirtualList.Opened, "#rows")
    def _row_opened(self, event: VirtualList.Opened) -> None:
        if event.line is not None:
            self.open_row(event.line)

    def open_row(self, line: Line) -> None:
        """Enter on a line of the lower list."""

    @on(VirtualList.Failed)
    def _failed(self, event: VirtualList.Failed) -> None:
        self.house.failed(event.error)

    def on_resize(self, event: events.Resize) -> None:
        """Fit the headings."""
        super().on_resize(event)
        self.call_after_refresh(self.paint_headings)

    def paint_headings(self) -> None:
        """Titles over both lists."""
        for name, rows in (("top", self.top), ("rows", self.rows)):
            text = heading(rows.columns, rows.places, "")
            self.query_one(f"#{name}-heading", Bar).set([Piece(text, "key")])

    def step_back(self) -> bool:
        """From the lower list to the upper one."""
        if not self.top.has_focus:
            self.top.focus()
            return True
        return False
