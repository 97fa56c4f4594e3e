"""A list that shows any number of rows and holds only those around the view.

Rows come as windows from a `RowSource`, read by a worker of their own. An answer that comes within
a frame is painted at once; until a slower one comes, rows show `…`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import ClassVar, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from storeops.errors import StoreOpsError
from tui.background import BackgroundWorker
from tui.widgets.painted_list import GUTTER, PaintedList, heading
from tui.widgets.rows import Line, ListColumn, RowCount, RowSource, TableRows, Window

__all__ = ["VirtualList", "heading"]

T = TypeVar("T")
PATIENCE = 0.024  # seconds to wait for rows before painting without them: a frame and a half
CAP = 9_999  # the first count stops here; the rest is counted in the background


class VirtualList(PaintedList, can_focus=True):
    """Rows of a `RowSource`.

    Args:
        columns: the columns to show, in order.
        reader: reads the rows.
        counter: counts them; another thread, for a count may take long.
        id: of the widget.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup,ctrl+b", "page(-1)", show=False),
        Binding("pagedown,ctrl+f", "page(1)", show=False),
        Binding("home", "first", show=False),
        Binding("end,G", "last", show=False),
        Binding("enter", "open", show=False),
    ]

    class Moved(Message):
        """The cursor is on another row, or the row under it was read again."""

        def __init__(self, sender: VirtualList, line: Line | None) -> None:
            super().__init__()
            self.sender = sender
            self.line = line

        @property
        def control(self) -> VirtualList:
            """The list."""
            return self.sender

    class Opened(Moved):
        """A row was opened (Enter, double click)."""

    class Gutter(Moved):
        """The gutter of a row was clicked."""

    class Counted(Message):
        """The number of rows is known, or known better."""

        def __init__(self, sender: VirtualList) -> None:
            super().__init__()
            self.sender = sender

        @property
        def control(self) -> VirtualList:
            """The list."""
            return self.sender

    class Failed(Message):
        """Reading rows failed."""

        def __init__(self, error: Exception) -> None:
            super().__init__()
            self.error = error

    def __init__(
        self,
        columns: list[ListColumn],
        reader: BackgroundWorker,
        counter: BackgroundWorker,
        *,
        id: str | None = None,
        one_click: bool = False,
    ) -> None:
        super().__init__(columns, id=id)
        self._one_click = one_click
        self.reader = reader
        self.counter = counter
        self.exact = True
        self._source: RowSource = TableRows()
        self._wanted: tuple[int, int] | None = None
        self._forward = True
        self._pinned: tuple[Hashable, int] | None = None
        self._fresh = False  # a first window of `_source` is awaited
        self._ahead = False  # the page after this one will be read once this one is painted

    # -- what is shown -------------------------------------------------------------------------

    @property
    def source(self) -> RowSource:
        """Where the rows come from."""
        return self._source

    @property
    def held(self) -> bool:
        """Whether the rows held are of `source`, not of what was shown before it."""
        return not self._fresh

    @property
    def line(self) -> Line | None:
        """The row under the cursor, None while it is unread or there is none."""
        return self._window.get(self.cursor)

    @property
    def marked(self) -> frozenset[Hashable]:
        """Marked keys among the rows held."""
        return self._window.marked

    def show(self, source: RowSource, *, stay: bool = False) -> None:
        """Show another source; `stay` keeps the cursor on its row when it is still there.

        Args:
            source: the rows.
            stay: the same list, read again: position, cursor and range stay.
        """
        self._source = source
        # a count of the former rows is of no use any more
        self.counter.submit(lambda: None, lambda _: None, self._fail, key=self._task_key("count"))
        if stay and self.total:
            line = self.line
            self._pinned = (line.key, self.cursor) if line is not None else None
            first = int(self.scroll_y)
        else:
            self._pinned, first = None, 0
            self.cursor, self.range_from = 0, None
            self.scroll_to(y=0, animate=False, force=True)
        self._wanted = None
        self._fresh = True
        self._load(first, wait=PATIENCE * 2)

    def reload(self) -> None:
        """Read the same rows again (after a sync, or when marks changed), without moving."""
        self.show(self._source, stay=True)

    def flip(self, key: Hashable) -> None:
        """Show a mark, or take it away, before the notebook has answered."""
        window = self._window
        self._window = Window(window.start, window.lines, window.marked ^ {key})
        self.refresh()

    # -- reading -------------------------------------------------------------------------------

    def _load(self, first: int, *, wait: float) -> None:
        """Read what is missing around `first`; only the new part when the window goes on."""
        height, fresh, held = self._height, self._fresh, self._window
        behind, ahead = (height // 2, 2 * height) if self._forward else (2 * height, height // 2)
        begin, end = held.start, held.start + len(held.lines)
        if not fresh and not begin - height <= first <= end:
            behind, ahead = 0, 1  # a jump: what is in view first, the rest when that is painted
        low, high = max(0, first - behind), first + height + ahead
        if not fresh:
            if self._wanted is not None and self._wanted[0] <= first < self._wanted[1]:
                return  # already on its way
            high = min(high, self.total)
            if begin <= low < end:
                low = end
            elif begin < high <= end:
                high = begin
        if high <= low:
            return
        self._wanted = (low, high)
        source, pinned = self._source, self._pinned if fresh else None

        def read() -> tuple[Window, int | None]:
            at = source.find(*pinned) if pinned is not None else None
            shift = at - pinned[1] if pinned is not None and at is not None else 0
            return source.window(max(0, low + shift), high - low), at

        task = self.reader.submit(
            read,
            lambda answer: self._accept(source, answer, high - low, fresh=fresh, first=first),
            lambda error: self._load_failed(source, error, first),
            key=self._task_key("rows"),
            stop=partial(source.stop, counting=False),
        )
        if wait:
            task.wait(wait)

    def _accept(
        self,
        source: RowSource,
        answer: tuple[Window, int | None],
        asked: int,
        *,
        fresh: bool,
        first: int,
    ) -> None:
        if source is not self._source:
            return
        window, at = answer
        self._window = window if fresh else self._window.joined(window, 8 * self._height)
        self._wanted = None
        end = self._window.start + len(self._window.lines)
        if fresh:
            self._fresh = False
            if at is not None:
                shift = at - self.cursor
                self.cursor = at
                if self.range_from is not None:
                    self.range_from = max(0, self.range_from + shift)
                first = max(0, first + shift)
            self._pinned = None
            self.total, self.exact = max(end, self.total if at is not None else 0), False
            self._count(source)
            self._strips.clear()
        self._fit_columns(anew=fresh and at is None)
        self.total = max(self.total, end)
        if len(window.lines) < asked:  # the list ends here, whatever was believed before
            self.total = min(self.total, window.start + len(window.lines))
            self.cursor = max(0, min(self.cursor, self.total - 1))
        self._resize_rows()
        if fresh:
            self.scroll_to(y=first, animate=False, force=True)
        self.refresh()
        self.post_message(self.Moved(self, self.line))
        self._need(round(self.scroll_y))  # rows may have come above a short list, too

    def _load_failed(self, source: RowSource, error: Exception, first: int) -> None:
        self._wanted = None
        if source is not self._source:
            return
        if _cancelled(error):  # meant for the task before: ask again
            self._load(first, wait=0)
        else:
            self._fresh = False
            self._fail(error)

    def _task_key(self, name: str) -> str:
        """Its own key: lists of other screens share the worker, never the key."""
        return f"{name} {id(self)}"

    def _count(self, source: RowSource) -> None:
        def submit(work: Callable[[], T], done: Callable[[T], None]) -> None:
            self.counter.submit(
                work,
                done,
                failed,
                key=self._task_key("count"),
                stop=partial(source.stop, counting=True),
            )

        def failed(error: Exception) -> None:
            if source is self._source:
                if _cancelled(error):
                    self._count(source)
                else:
                    self._fail(error)

        def capped(count: RowCount) -> None:
            self._counted(source, count)
            if source is self._source and not count.exact:
                submit(lambda: source.count(None), lambda full: self._counted(source, full))

        submit(lambda: source.count(CAP), capped)

    def _counted(self, source: RowSource, count: RowCount) -> None:
        if source is not self._source:
            return
        self.exact = count.exact
        self.total = count.rows if count.exact else max(count.rows, self.total)
        self.cursor = max(0, min(self.cursor, self.total - 1))
        self._resize_rows()
        self._need(round(self.scroll_y))  # the list may have grown higher than what was read
        self.post_message(self.Counted(self))

    def _fail(self, error: Exception) -> None:
        self.post_message(self.Failed(error))

    # -- moving --------------------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        """Fit the columns, read what came into view."""
        self._relay()
        self._resize_rows()
        self._need(int(self.scroll_y))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Read the rows that come into view, keep the cursor among them."""
        first = round(new_value)
        self._forward = new_value >= old_value
        last = first + self._height - 1
        if not first <= self.cursor <= last and self.total:
            self.cursor = min(max(self.cursor, first), last, self.total - 1)
            self.post_message(self.Moved(self, self.line))
        self._need(first)
        super().watch_scroll_y(old_value, new_value)

    def _need(self, first: int) -> None:
        height = self._height
        last = min(first + height, self.total)
        if not self._window.covers(first, last):
            self._load(first, wait=PATIENCE)
            return
        # rows are here: fetch the next page before it is asked for, but paint these first
        if self._forward:
            held = self._window.start + len(self._window.lines)
            short = held < min(last + height, self.total)
        else:
            short = self._window.start > max(0, first - height)
        if short and not self._ahead:
            self._ahead = True
            self.call_after_refresh(self._fetch_ahead)

    def _fetch_ahead(self) -> None:
        self._ahead = False
        self._load(round(self.scroll_y), wait=0)

    def go_to(self, position: int) -> None:
        """Move the cursor to `position` (from 0), scrolling as little as possible."""
        position = max(0, min(position, self.total - 1))
        if self.total == 0:
            return
        old, self.cursor = self.cursor, position
        first, height = round(self.scroll_y), self._height
        if position < first:
            first = position
        elif position >= first + height:
            first = position - height + 1
        first = max(0, min(first, self.total - height))
        if first != round(self.scroll_y):
            self.scroll_to(y=first, animate=False, force=True)
        if self.range_from is None:
            self.refresh_lines(old)
            self.refresh_lines(position)
        else:
            self.refresh()
        self.post_message(self.Moved(self, self.line))

    def action_move(self, step: int) -> None:
        """One row up or down."""
        self.go_to(self.cursor + step)

    def action_page(self, step: int) -> None:
        """One page up or down; the cursor keeps its line on the screen."""
        height = self._height
        first = round(self.scroll_y)
        line = self.cursor - first
        target = max(0, min(first + step * max(1, height - 1), self.total - height))
        if target == first:
            self.go_to(self.total - 1 if step > 0 else 0)
            return
        self.cursor = max(0, min(target + line, self.total - 1))
        self.scroll_to(y=target, animate=False, force=True)
        self.refresh()
        self.post_message(self.Moved(self, self.line))

    def action_first(self) -> None:
        """First row."""
        self.go_to(0)

    def action_last(self) -> None:
        """Last row; of a list not yet counted, of what is known so far."""
        self.go_to(self.total - 1)

    def action_open(self) -> None:
        """Open the row under the cursor."""
        if self.line is not None:
            self.post_message(self.Opened(self, self.line))

    def on_click(self, event: events.Click) -> None:
        """Move to the row; the gutter marks, a second click opens, or the first (`one_click`)."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        position = round(self.scroll_y) + offset.y
        if position >= self.total:
            return
        self.go_to(position)
        if self._one_click:
            if event.chain == 1:  # the second of a double click would take it back
                self.action_open()
        elif offset.x < GUTTER:
            self.post_message(self.Gutter(self, self.line))
        elif event.chain >= 2:
            self.action_open()


def _cancelled(error: Exception) -> bool:
    return isinstance(error, StoreOpsError) and error.category == "cancelled"
