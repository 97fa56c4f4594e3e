"""The command line that does the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from storeops.i18n import _
from storeops.plain import fit, wrap
from tui.cells import shown
from tui.modals.base import BaseModal

WRAP = 92  # cells of a line


class CommandModal(BaseModal[None]):
    """Shows a command; `y` copies it.

    Args:
        command: the whole line, quoted for a shell.
        title: what it is for; the same as the screen shows when it is "".
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,c", "copy", show=False),
        Binding("x", "leave", show=False),
    ]

    WIDTH: ClassVar[int] = 0

    def __init__(self, command: str, title: str = "") -> None:
        super().__init__(fit(title, WRAP) or _("The same on the command line"))
        self.command = command

    def body(self) -> Iterable[Widget]:
        """The line."""
        yield Static(Content(shown(self.command)), id="line")

    def hint(self) -> str:
        """What to press."""
        return _("y copies · Esc leaves.")

    def action_copy(self) -> None:
        """To the clipboard (OSC 52)."""
        self.app.copy(self.command, _("the command"))
        self.dismiss(None)

    def verb(self) -> str:
        """Copy."""
        return _("Copy")

    def action_take(self) -> None:
        """Copy by mouse."""
        self.action_copy()

    def lines(self) -> Iterable[str]:
        """The line."""
        return [f"{line}  " for line in wrap(shown(self.command), WRAP)]  # it is padded
