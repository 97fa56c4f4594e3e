"""A yes or no question."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import events
from textual.widget import Widget
from textual.widgets import Button, Static

from storeops.i18n import _
from storeops.plain import wrap
from tui.flowing import flowing
from tui.keys import caption
from tui.modals.base import BaseModal

WRAP = 64  # cells of a line of text


class AskModal(BaseModal[bool]):
    """Answers True for yes.

    Args:
        title: the question.
        text: what yes means.
        keys: key names that mean yes.
    """

    WIDTH: ClassVar[int] = 0

    def __init__(self, title: str, text: str, keys: tuple[str, ...] = ("y", "enter")) -> None:
        super().__init__(title)
        self._text = text
        self._keys = keys

    def body(self) -> Iterable[Widget]:
        """The text."""
        yield Static(flowing(self._text))

    def lines(self) -> Iterable[str]:
        """The text, wrapped."""
        return wrap(self._text, WRAP)

    def hint(self) -> str:
        """Which keys mean yes; Esc is no."""
        keys = " ".join(caption(key) for key in self._keys)
        return _("{keys}: yes · Esc: no, nothing changes.").format(keys=keys)

    def on_key(self, event: events.Key) -> None:
        """A key that means yes."""
        on_button = event.key == "enter" and isinstance(self.focused, Button)
        if event.key in self._keys and not on_button:
            event.stop()
            self.dismiss(True)

    def verb(self) -> str:
        """Yes."""
        return _("Yes")

    def no(self) -> str:
        """No."""
        return _("No")

    def action_take(self) -> None:
        """Yes by mouse."""
        self.dismiss(True)
