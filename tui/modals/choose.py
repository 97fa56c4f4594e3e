"""Several ways to go on, one of which is to do nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from storeops.plain import wrap
from tui.cells import shown
from tui.flowing import flowing
from tui.modals.base import BaseModal

WRAP = 72  # cells of a line of text


class ChooseModal(BaseModal[str]):
    """Answers with the key of the way chosen.

    Args:
        title: the question.
        text: what happened; may hold a stranger's words.
        ways: (key, sentence), translated, the safest first.
    """

    WIDTH: ClassVar[int] = 0

    def __init__(self, title: str, text: str, ways: Sequence[tuple[str, str]]) -> None:
        super().__init__(title)
        self._text = text
        self._ways = ways

    def body(self) -> Iterable[Widget]:
        """The text and the ways."""
        if self._text:
            yield Static(flowing("\n".join(map(shown, self._text.split("\n")))))
        yield OptionList(*(Option(Content(shown(words)), id=key) for key, words in self._ways))

    def lines(self) -> Iterable[str]:
        """The text, wrapped, and the ways."""
        return [*wrap(shown(self._text), WRAP), *(shown(words) for _key, words in self._ways)]

    def on_mount(self) -> None:
        """The ways have the keys."""
        self.query_one(OptionList).focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Chosen."""
        self.dismiss(event.option.id)
