"""A window over a screen: a title and a ×, a body, buttons, one line that says what to press.

It is as large as what it holds. Esc, the ×, the last button and a click beside it leave it without
an answer; a click beside it does not where something was typed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from storeops.i18n import _
from tui.cells import cell_width
from tui.flowing import flowing
from tui.widgets.bars import Bar, Piece
from tui.widgets.panes import Edge

if TYPE_CHECKING:
    from tui.app import StoreOpsApp

T = TypeVar("T")
SIDES = 4  # cells of frame and padding at both sides of the body


class BaseModal(ModalScreen[T]):
    """A window that answers with a value, or None when it was left.

    Attributes:
        WIDTH: cells of the window, at most those of the terminal; 0 fits it to `lines`.
    """

    WIDTH: ClassVar[int] = 76
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
    ]

    app: StoreOpsApp  # Textual's, typed

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    @property
    def is_open(self) -> bool:
        """Whether it is shown, and its widgets are there: not once it was answered or left."""
        return self.is_mounted and self in self.app.screen_stack

    def compose(self) -> ComposeResult:
        """The window."""
        with Vertical(id="window"):
            yield Edge(id="edge")
            with Vertical(id="frame"):
                yield from self.body()
                hint = self.hint()
                if hint:
                    yield Static(flowing(hint), id="hint")
                with Horizontal(id="buttons"):
                    if verb := self.verb():
                        yield Button(Content(f"[ {verb} ]"), id="take")
                    yield Button(Content(f"[ {self.no()} ]"), id="leave")
        yield Bar(id="window-keys")  # the verbs of the screen below do nothing now

    def on_resize(self, event: events.Resize) -> None:
        """Fit the window to what it holds, and its edge to the window."""
        self.fit_window()
        for text in self.query("#text"):  # its greatest height is a share of the terminal's
            text.styles.max_height = max(3, self.app.size.height * 3 // 4)

    def fit_window(self) -> None:
        """As wide as the widest line, the title and the hint; never wider than the terminal."""
        width = self.WIDTH
        if not width:
            said = (self._title + " " * 8, self.hint(), *self.lines())
            width = max(40, SIDES + max(cell_width(line) for line in said))
        self.query_one("#window").styles.width = min(width, self.app.size.width)
        keys = [
            Piece(" Esc", "key", self.action_leave),
            Piece(f" {self.no()} ", "", self.action_leave),
        ]
        self.query_one("#window-keys", Bar).set(keys)
        close = Piece(" × ", "key", self.action_leave)
        self.query_one("#edge", Edge).set(
            [Piece("╭─", "bright"), Piece(f" {self._title} ", "title")],
            [close, Piece("─╮", "bright")],
            filling=Piece("─", "bright"),
        )

    def lines(self) -> Iterable[str]:
        """What the window must be wide enough for, where it fits itself."""
        return ()

    def body(self) -> Iterable[Widget]:
        """The widgets of the window."""
        raise NotImplementedError

    def hint(self) -> str:
        """The line at the bottom."""
        return _("Esc leaves and changes nothing.")

    def verb(self) -> str:
        """What the button says that does it (`action_take`); "" for no such button."""
        return ""

    def no(self) -> str:
        """What the button says that leaves."""
        return _("Cancel") if self.verb() else _("Close")

    def action_take(self) -> None:
        """Do it, and answer."""

    def action_leave(self) -> None:
        """Leave without an answer."""
        self.dismiss(None)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """By mouse, or Enter on a button."""
        event.stop()
        if event.button.id == "take":
            self.action_take()
        elif event.button.id == "leave":
            self.action_leave()

    def on_click(self, event: events.Click) -> None:
        """Beside the window: leave, unless something was typed."""
        inside = self.query_one("#window").region.contains(event.screen_x, event.screen_y)
        if not inside and not any(line.value for line in self.query(Input)):
            self.action_leave()

    @on(Input.Changed)
    def _typed_since(self) -> None:
        """What was refused is being mended: the reason has had its time."""
        for line in self.query("#problem").results(Static):
            line.update("")

    def refuse(self, problem: str) -> None:
        """Say why not; the window stays."""
        self.query_one("#problem", Static).update(flowing(problem))
