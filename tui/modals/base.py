"""A window over a screen: a title, a body, one line that says how to leave."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from storeops.i18n import _

if TYPE_CHECKING:
    from tui.app import StoreOpsApp

T = TypeVar("T")


class HouseModal(ModalScreen[T]):
    """A window that answers with a value, or None when it was left with Esc."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
    ]

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    @property
    def house(self) -> StoreOpsApp:
        """The application."""
        return cast("StoreOpsApp", self.app)

    def compose(self) -> ComposeResult:
        """The window."""
        window = Vertical(id="window")
        window.border_title = Content(self._title)
        with window:
            yield from self.body()
            hint = self.hint()
            if hint:
                yield Static(Content(hint), id="hint")

    def body(self) -> Iterable[Widget]:
        """The widgets of the window."""
        raise NotImplementedError

    def hint(self) -> str:
        """The line at the bottom."""
        return _("Esc leaves and changes nothing.")

    def action_leave(self) -> None:
        """Leave without an answer."""
        self.dismiss(None)
