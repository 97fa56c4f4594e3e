"""All actions of a screen as a list: the way that works under any input method."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from storeops.i18n import _
from storeops.plain import fit, pad
from tui.keys import KeyedScreen
from tui.modals.base import BaseModal


class MenuModal(BaseModal[str]):
    """Answers with the action chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f10,f9", "leave", show=False),
    ]

    def __init__(self, screen: KeyedScreen) -> None:
        super().__init__(_("Actions of {screen}").format(screen=_(screen.spec.title)))
        self._screen = screen

    def body(self) -> Iterable[Widget]:
        """One line per action."""
        options = []
        for key in self._screen.all_keys():
            if not key.action or key.action == "menu":
                continue
            reason = self._screen.why_not(key.action)
            text = pad(fit(self._screen.label_of(key), 18), 19) + pad(fit(key.caption, 16), 17)
            content = Content.assemble(
                (text, "$text-muted" if reason else ""), (fit(reason, 34), "$text-warning")
            )
            options.append(Option(content, id=key.action))
        yield OptionList(*options)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Chosen."""
        self.dismiss(event.option.id)
