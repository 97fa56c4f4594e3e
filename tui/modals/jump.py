"""Jump to a row by its number or by a percentage."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from storeops.i18n import _
from tui.keys import twin
from tui.modals.base import HouseModal


def position(text: str, total: int) -> int | None:
    """The position (from 0) that `text` means: `1204`, `50%`; None when it means none."""
    text = "".join(twin(each) or each for each in text).replace(",", "").strip()
    share = text.endswith("%")
    if share:
        text = text[:-1]
    if not text.isascii() or not text.isdecimal() or len(text) > 12 or total == 0:
        return None
    number = total * int(text) // 100 if share else int(text) - 1
    return max(0, min(number, total - 1))


class JumpModal(HouseModal[int]):
    """Answers with a position.

    Args:
        total: how many rows there are.
    """

    def __init__(self, total: int) -> None:
        super().__init__(_("Jump to row"))
        self._total = total

    def body(self) -> Iterable[Widget]:
        """The number."""
        yield Input(placeholder=_("1 to {total}, or 50%").format(total=f"{self._total:,}"))
        yield Static("", id="problem")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter."""
        where = position(event.value, self._total)
        if where is None:
            self.query_one("#problem", Static).update(
                Content(_("Type a row number, or a percentage such as 50%."))
            )
            return
        self.dismiss(where)
