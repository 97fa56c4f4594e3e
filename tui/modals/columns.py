"""Choose the columns of the customer list and their order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, OptionList
from textual.widgets.option_list import Option

from storeops.i18n import _
from tui.modals.base import BaseModal
from tui.widgets.customer_list import all_columns


class ColumnsModal(BaseModal[tuple[str, ...]]):
    """Answers with the keys of the columns, in order.

    Args:
        chosen: keys of the columns shown now.
    """

    WIDTH: ClassVar[int] = 0
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "switch", show=False, priority=True),
        Binding("plus,right,l,equals_sign", "shift(1)", show=False, priority=True),
        Binding("minus,left,h", "shift(-1)", show=False, priority=True),
        Binding("enter", "take", show=False, priority=True),
        Binding("c", "take", show=False),
    ]

    def __init__(self, chosen: tuple[str, ...]) -> None:
        super().__init__(_("Columns"))
        self._titles = {column.key: column.title for column in all_columns()}
        self._order = [*chosen, *(key for key in self._titles if key not in chosen)]
        self._on = set(chosen)

    def body(self) -> Iterable[Widget]:
        """One line per column."""
        yield OptionList(*self._options())

    def _options(self) -> list[Option]:
        return [
            Option(Content(("[✓] " if key in self._on else "[ ] ") + self._titles[key]), id=key)
            for key in self._order
        ]

    def _again(self, at: int) -> None:
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(self._options())
        options.highlighted = at

    @property
    def _at(self) -> int:
        return self.query_one(OptionList).highlighted or 0

    def action_switch(self) -> None:
        """Show or hide the column."""
        key = self._order[self._at]
        if key in self._on and len(self._on) > 1:
            self._on.remove(key)
        else:
            self._on.add(key)
        self._again(self._at)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Clicked: show or hide."""
        self.action_switch()

    def action_shift(self, step: int) -> None:
        """Move the column."""
        at = self._at
        to = at + step
        if 0 <= to < len(self._order):
            self._order[at], self._order[to] = self._order[to], self._order[at]
            self._again(to)

    def action_take(self) -> None:
        """Use them; Enter on the other button leaves."""
        if isinstance(self.focused, Button) and self.focused.id == "leave":
            self.action_leave()
            return
        self.dismiss(tuple(key for key in self._order if key in self._on))

    def verb(self) -> str:
        """Take them."""
        return _("Take")

    def lines(self) -> Iterable[str]:
        """The titles."""
        return [f"[✓] {title}" for title in self._titles.values()]

    def hint(self) -> str:
        """What to press."""
        return _("Space shows or hides · + - move · Enter takes them · Esc leaves.")
