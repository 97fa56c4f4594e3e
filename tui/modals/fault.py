"""Add a fault to the sandbox: `kind path when`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from storeops.i18n import _
from tui.modals.base import BaseModal

KINDS = (
    "status", "timeout", "cut", "truncate", "truncated_json", "invalid", "slow", "duplicate",
    "short", "reorder", "token", "token_expired", "lost",
)  # fmt: skip


def parse(text: str) -> dict[str, Any]:
    """The fault that `45009 */get_by_user first:3` describes.

    Args:
        text: an errcode or kind, then a path glob, `20%`, `first:N`, `nth:N` in any order.

    Returns:
        The body of `POST /_sandbox/faults`.

    Raises:
        ValueError: a word is not understood; its text is the argument.
    """
    words = text.split()
    if not words:
        raise ValueError("")
    fault: dict[str, Any] = {"path": "*"}
    head = words[0]
    if head.lstrip("-").isdecimal() and head.isascii():
        fault |= {"kind": "errcode", "errcode": int(head)}
    elif head in KINDS:
        fault["kind"] = head
    else:
        raise ValueError(head)
    for word in words[1:]:
        name, _colon, value = word.partition(":")
        if name in ("first", "nth") and value.isdecimal():
            fault[name] = int(value)
        elif word.endswith("%") and word[:-1].isdecimal():
            fault["rate"] = int(word[:-1]) / 100
        elif "/" in word or "*" in word:
            fault["path"] = word
        else:
            raise ValueError(word)
    return fault


class FaultModal(BaseModal[dict[str, Any]]):
    """Answers with the fault to add."""

    def __init__(self) -> None:
        super().__init__(_("Add a fault"))

    def body(self) -> Iterable[Widget]:
        """What may be typed, and the line."""
        yield Static(
            Content(
                _("An errcode or one of: {kinds}").format(kinds=" ".join(KINDS))
                + "\n"
                + _("then where (a path, * for any) and when (20%, first:3, nth:5).")
            )
        )
        yield Input(placeholder="45009 */batch/get_by_user first:3")
        yield Static("", id="problem")

    def hint(self) -> str:
        """What to press."""
        return _("Enter adds it · Esc leaves and changes nothing.")

    def verb(self) -> str:
        """Add it."""
        return _("Add")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter."""
        self.action_take()

    def action_take(self) -> None:
        """Add it."""
        try:
            self.dismiss(parse(self.query_one(Input).value))
        except ValueError as error:
            self.refuse(_("{word} is not understood.").format(word=str(error) or "…"))
