"""Panes beside a list that hold text: scrollable, plain, replaced as a whole."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static


class TextPane(VerticalScroll):
    """A scrollable text.

    Args:
        id: of the widget.
        focus: whether Tab stops here, so that the keyboard can scroll it.
    """

    DEFAULT_CSS = """
    TextPane { height: 1fr; padding: 0 1; background: $surface; }
    TextPane:focus { background: $surface-lighten-1; }
    TextPane > Static { height: auto; }
    """

    def __init__(self, *, id: str | None = None, focus: bool = True) -> None:
        super().__init__(id=id, can_focus=focus)

    def compose(self) -> ComposeResult:
        """One static."""
        yield Static("")

    def put(self, content: Content) -> None:
        """Show other text, from its top."""
        self.query_one(Static).update(content)
        self.scroll_to(y=0, animate=False)

    @property
    def text(self) -> str:
        """The text shown."""
        visual = self.query_one(Static).visual
        return visual.plain if isinstance(visual, Content) else ""
