"""Write one line: a note, how something went, why not."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget
from textual.widgets import Input, Static

from storeops.i18n import _
from tui.flowing import flowing
from tui.modals.base import BaseModal


class NoteModal(BaseModal[str]):
    """Answers with the line.

    Args:
        title: what is written, already `shown`.
        text: a sentence above the line, already `shown`.
        placeholder: in the line while it is empty.
        verb: what Enter does.
        empty: Enter on an empty line is an answer, too; else it waits for words.
    """

    def __init__(
        self, title: str, text: str, placeholder: str, verb: str = "", *, empty: bool = False
    ) -> None:
        super().__init__(title)
        self._text = text
        self._placeholder = placeholder
        self._verb = verb
        self._empty = empty

    def body(self) -> Iterable[Widget]:
        """One line."""
        yield Static(flowing(self._text))
        yield Input(placeholder=self._placeholder)

    def hint(self) -> str:
        """What to press."""
        return _("Enter keeps it · Esc leaves and changes nothing.")

    def verb(self) -> str:
        """Keep it."""
        return self._verb or _("Keep")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter."""
        self.action_take()

    def action_take(self) -> None:
        """Keep it."""
        text = self.query_one(Input).value.strip()
        if text or self._empty:
            self.dismiss(text)
