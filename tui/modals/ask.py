"""A yes or no question."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Static

from storeops.i18n import _
from tui.keys import caption
from tui.modals.base import HouseModal


class AskModal(HouseModal[bool]):
    """Answers True for yes.

    Args:
        title: the question.
        text: what yes means.
        keys: key names that mean yes.
    """

    def __init__(self, title: str, text: str, keys: tuple[str, ...] = ("y", "enter")) -> None:
        super().__init__(title)
        self._text = text
        self._keys = keys

    def body(self) -> Iterable[Widget]:
        """The text and a button for the mouse."""
        yield Static(Content(self._text))
        yield Button(Content(_("Yes")), id="yes")

    def hint(self) -> str:
        """Which keys mean yes; Esc is no."""
        keys = " ".join(caption(key) for key in self._keys)
        return _("{keys}: yes · Esc: no, nothing changes.").format(keys=keys)

    def on_key(self, event: events.Key) -> None:
        """A key that means yes."""
        if event.key in self._keys:
            event.stop()
            self.dismiss(True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Yes by mouse."""
        self.dismiss(True)
