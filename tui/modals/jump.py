"""Jump to a row by its number or by a percentage."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.widget import Widget
from textual.widgets import Input, Static

from storeops.i18n import _
from tui.keys import ascii_equivalent
from tui.modals.base import BaseModal


def position(text: str, total: int) -> int | None:
    """The position (from 0) that `text` means: `1204`, `50%`; None when it means none."""
    text = "".join(ascii_equivalent(each) or each for each in text).replace(",", "").strip()
    share = text.endswith("%")
    if share:
        text = text[:-1]
    if not text.isascii() or not text.isdecimal() or len(text) > 12 or total == 0:
        return None
    number = total * int(text) // 100 if share else int(text) - 1
    return max(0, min(number, total - 1))


class JumpModal(BaseModal[int]):
    """Answers with a position.

    Args:
        total: how many rows there are.
    """

    WIDTH: ClassVar[int] = 44

    def __init__(self, total: int) -> None:
        super().__init__(_("Jump to row"))
        self._total = total

    def body(self) -> Iterable[Widget]:
        """The number."""
        yield Input(placeholder=_("1 to {total}, or 50%").format(total=f"{self._total:,}"))
        yield Static("", id="problem")

    def verb(self) -> str:
        """Go there."""
        return _("Go")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter."""
        self.action_take()

    def action_take(self) -> None:
        """Go there."""
        where = position(self.query_one(Input).value, self._total)
        if where is None:
            self.refuse(_("Type a row number, or a percentage such as 50%."))
            return
        self.dismiss(where)
