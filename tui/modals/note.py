"""Write a note."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from storeops.i18n import _
from tui.modals.base import BaseModal


class NoteModal(BaseModal[str]):
    """Answers with the note's text.

    Args:
        name: whom it is about, already `shown`.
    """

    def __init__(self, name: str) -> None:
        super().__init__(_("Note about {name}").format(name=name))

    def body(self) -> Iterable[Widget]:
        """One line."""
        yield Static(Content(_("Kept on this machine; a sync never touches it.")))
        yield Input(placeholder=_("what the next colleague should know"))

    def hint(self) -> str:
        """What to press."""
        return _("Enter keeps it · Esc leaves and changes nothing.")

    def verb(self) -> str:
        """Keep it."""
        return _("Keep")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter."""
        self.action_take()

    def action_take(self) -> None:
        """Keep it."""
        self.dismiss(self.query_one(Input).value.strip() or None)
