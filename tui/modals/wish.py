"""What shall change for the marked customers: tags, a remark, or their owner."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from storeops.i18n import _
from tui.modals.base import HouseModal

FOLLOWS = ("all", "newest")


@dataclass(frozen=True, slots=True)
class Field:
    """One line to fill in.

    Attributes:
        key: name in the answer.
        label: translated.
        value: to begin with.
        hint: shown while it is empty.
    """

    key: str
    label: str
    value: str = ""
    hint: str = ""


class WishModal(HouseModal[dict[str, str]]):
    """Answers with the lines filled in.

    Args:
        title: what is planned.
        text: for whom, and that nothing is sent.
        fields: the lines.
    """

    def __init__(self, title: str, text: str, fields: Sequence[Field]) -> None:
        super().__init__(title)
        self._text = text
        self._fields = fields

    def body(self) -> Iterable[Widget]:
        """A label and a line per field."""
        yield Static(Content(self._text))
        for field in self._fields:
            yield Static(Content(field.label))
            yield Input(value=field.value, placeholder=field.hint, id=f"wish-{field.key}",
                        select_on_focus=False)  # fmt: skip

    def hint(self) -> str:
        """What to press."""
        return _("Tab next line · Enter adds it to the draft plan · Esc leaves.")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter: all lines."""
        self.dismiss(
            {
                field.key: self.query_one(f"#wish-{field.key}", Input).value.strip()
                for field in self._fields
            }
        )
