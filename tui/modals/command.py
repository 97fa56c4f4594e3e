"""The command line that does the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Static

from storeops.i18n import _
from tui.cells import shown
from tui.modals.base import HouseModal


class CommandModal(HouseModal[None]):
    """Shows a command; `y` copies it.

    Args:
        command: the whole line, quoted for a shell.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,c", "copy", show=False),
        Binding("x", "leave", show=False),
    ]

    def __init__(self, command: str) -> None:
        super().__init__(_("The same on the command line"))
        self.command = command

    def body(self) -> Iterable[Widget]:
        """The line and a button for the mouse."""
        yield Static(Content(shown(self.command)), id="line")
        yield Button(Content(_("Copy")), id="copy")

    def hint(self) -> str:
        """What to press."""
        return _("y copies · Esc leaves.")

    def action_copy(self) -> None:
        """To the clipboard (OSC 52)."""
        self.house.copy(self.command, _("the command"))
        self.dismiss(None)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Copy by mouse."""
        self.action_copy()
