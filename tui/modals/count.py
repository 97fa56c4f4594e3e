"""Type the count: the only way a plan is applied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from textual.widget import Widget
from textual.widgets import Input, Static

from storeops.i18n import _, ngettext
from tui.cells import shown
from tui.flowing import flowing
from tui.keys import ascii_equivalent
from tui.modals.base import BaseModal
from tui.widgets.bars import Bar, Piece


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The answer.

    Attributes:
        reason: why, for the journal; "" when none was given.
    """

    reason: str


class CountModal(BaseModal[Confirmed]):
    """Answers once the number of rows was typed.

    Args:
        title: the question.
        lines: what will happen, and warnings; may hold a stranger's words.
        number: what must be typed.
        reason_needed: a sentence why a reason must be given, "" when it need not.
    """

    def __init__(
        self, title: str, lines: list[str], number: int, *, reason_needed: str = ""
    ) -> None:
        super().__init__(title)
        self._lines = lines
        self._number = number
        self._reason_needed = reason_needed

    def body(self) -> Iterable[Widget]:
        """What happens, the reason, the count."""
        yield Static(flowing("\n".join(shown(line) for line in self._lines)))
        if self._reason_needed:
            yield Static(flowing(shown(self._reason_needed)), id="ceiling")
        yield Input(
            placeholder=_("reason, for the journal") if self._reason_needed
            else _("reason, for the journal (may stay empty)"),
            id="reason", max_length=200,
        )  # fmt: skip
        yield Input(
            placeholder=_("type {number} to apply").format(number=self._number),
            id="count", max_length=12,
        )  # fmt: skip
        yield Bar(id="digits")
        yield Static("", id="problem")

    def on_mount(self) -> None:
        """The count has the keys, unless a reason is needed first."""
        pieces = [Piece(f" {each} ", "key", partial(self._type, each)) for each in "1234567890"]
        self.query_one("#digits", Bar).set([*pieces, Piece(" ⌫ ", "key", partial(self._type, ""))])
        self.query_one("#reason" if self._reason_needed else "#count", Input).focus()

    def hint(self) -> str:
        """What to press."""
        return _("Tab changes · Enter applies · Esc leaves and changes nothing.")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter: from the reason to the count, from the count onwards."""
        if event.input.id == "reason":
            line = self.query_one("#count", Input)
            line.value = ""
            line.focus()
        else:
            self.action_take()

    def verb(self) -> str:
        """Apply."""
        return _("Apply")

    def _type(self, digit: str) -> None:
        """A digit by mouse; "" takes the last one away."""
        line = self.query_one("#count", Input)
        line.value = line.value + digit if digit else line.value[:-1]

    def action_take(self) -> None:
        """Apply, once the count was typed."""
        typed = "".join(
            ascii_equivalent(each) or each for each in self.query_one("#count", Input).value
        )
        reason = self.query_one("#reason", Input).value.strip()
        problem = ""
        if typed.replace(",", "").strip() != str(self._number):
            problem = ngettext(
                "That is not the count: {number} row would change.",
                "That is not the count: {number} rows would change.",
                self._number,
            ).format(number=self._number)
        elif self._reason_needed and not reason:
            problem = _("Give a reason; it is kept in the journal.")
        if problem:
            self.refuse(problem)
            return
        self.dismiss(Confirmed(reason))
