"""Panes: a titled frame that is bright where the keys go, around a list or around text."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from tui.flowing import flowing
from tui.widgets.bars import Bar, Piece
from tui.widgets.painted_list import PaintedList, heading
from tui.widgets.virtual_list import VirtualList


class Edge(Bar):
    """The upper edge of a pane: its title at the left, figures at the right."""

    DEFAULT_CSS = """
    Edge { background: $background; }
    """


class Pane(Vertical):
    """A frame with a title; on small terminals it is the upper edge alone.

    Args:
        *children: what it frames.
        title: translated and `shown`.
        id: of the pane.
    """

    DEFAULT_CSS = """
    Pane { height: 1fr; width: 1fr; }
    Pane > .frame { height: 1fr; width: 1fr; }
    """

    def __init__(self, *children: Widget, title: str = "", id: str | None = None) -> None:
        super().__init__(id=id)
        self._inside = children
        self._title = title
        self._notes: Sequence[Piece] = ()

    def compose(self) -> ComposeResult:
        """Edge and frame."""
        yield Edge()
        yield Vertical(*self._inside, classes="frame")

    @property
    def text(self) -> str:
        """What its edge says."""
        return self.query_one(Edge).text

    def entitle(self, title: str, notes: Sequence[Piece] = ()) -> None:
        """Another title, and pieces at the right of the edge."""
        if (title, notes) != (self._title, self._notes):
            self._title, self._notes = title, notes
            self._paint()

    def _paint(self) -> None:
        if not self.is_mounted:
            return
        bright = self.has_focus_within
        tone = "bright" if bright else "edge"
        framed = self.app.has_class("framed")
        left = [Piece("╭─" if framed else "──", tone)]
        if self._title:
            left.append(Piece(f" {self._title} ", "title" if bright else "head"))
        right = [*self._notes, Piece("─╮" if framed else "──", tone)]
        self.query_one(Edge).set(left, right, filling=Piece("─", tone))

    def on_mount(self) -> None:
        """Paint the edge."""
        self._paint()

    def on_resize(self, event: events.Resize) -> None:
        """The frame may have come or gone."""
        self._paint()

    @on(events.DescendantFocus)
    @on(events.DescendantBlur)
    def _focus_moved(self) -> None:
        self.call_later(self._paint)


class ListPane(Pane):
    """A list under its headings, in a frame.

    Args:
        rows: the list; the headings have its id and `-heading`, the pane `-pane`.
        above: between edge and headings.
        title: translated and `shown`.
    """

    def __init__(self, rows: VirtualList, *above: Widget, title: str = "") -> None:
        self._bar = Bar(id=f"{rows.id}-heading")
        self._rows = rows
        super().__init__(*above, self._bar, rows, title=title, id=f"{rows.id}-pane")

    def _head(self) -> None:
        text = heading(self._rows.columns, self._rows.places, "")
        self._bar.set([Piece(text, "head")])

    @on(PaintedList.Laid)
    def _laid(self) -> None:
        self._head()


class TextPane(VerticalScroll):
    """A scrollable text.

    Args:
        id: of the widget.
        focus: whether Tab stops here, so that the keyboard can scroll it.
    """

    DEFAULT_CSS = """
    TextPane { height: 1fr; padding: 0 1; }
    TextPane > Static { height: auto; }
    """

    def __init__(self, *, id: str | None = None, focus: bool = True) -> None:
        super().__init__(id=id, can_focus=focus)

    def compose(self) -> ComposeResult:
        """One static."""
        yield Static("")

    def put(self, content: Content) -> None:
        """Show other text, from its top."""
        self.query_one(Static).update(flowing(content))
        self.scroll_to(y=0, animate=False)

    @property
    def text(self) -> str:
        """The text shown."""
        visual = self.query_one(Static).visual
        return visual.plain if isinstance(visual, Content) else ""
