"""A text to read: a card, a note, a long message."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from storeops.i18n import _
from tui.flowing import flowing
from tui.modals.base import BaseModal

WRAP = 110  # characters of a line


class TextModal(BaseModal[None]):
    """Shows `content`, scrollable.

    Args:
        title: already `shown`.
        content: the text.
    """

    WIDTH: ClassVar[int] = 0
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,q", "leave", show=False),
    ]

    def __init__(self, title: str, content: Content) -> None:
        super().__init__(title)
        self._content = content

    def body(self) -> Iterable[Widget]:
        """The text."""
        with VerticalScroll(id="text"):
            yield Static(flowing(self._content))

    def hint(self) -> str:
        """How to leave."""
        return _("↑ ↓ PgUp PgDn scroll · Esc leaves.")

    def put(self, content: Content) -> None:
        """Another text, for example one read meanwhile."""
        self._content = content
        self.query_one("#text Static", Static).update(content)
        self.fit_window()

    def lines(self) -> Iterable[str]:
        """The text as far as it is not wrapped."""
        return [f"{line[:WRAP]}  " for line in self._content.plain.split("\n")]
