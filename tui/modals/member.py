"""Name a member."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from storeops.i18n import _
from tui.cells import fit, pad, shown
from tui.modals.base import BaseModal

MOST = 50


class MemberModal(BaseModal[str]):
    """Answers with a userid.

    Args:
        title: whom to name.
        members: (userid, name) of everybody.
    """

    def __init__(self, title: str, members: Sequence[tuple[str, str]]) -> None:
        super().__init__(title)
        self._members = members
        self._found: list[str] = []

    def body(self) -> Iterable[Widget]:
        """Words, and who fits."""
        yield Input(placeholder=_("name or userid"))
        yield OptionList()

    def on_mount(self) -> None:
        """The words have the keys."""
        self._show("")
        self.query_one(Input).focus()

    def hint(self) -> str:
        """What to press."""
        return _("Type, then Enter takes the first; Tab goes to the list · Esc leaves.")

    def _show(self, text: str) -> None:
        words = shown(text).casefold().lstrip("@").split()
        found = [
            (userid, name)
            for userid, name in self._members
            if all(word in f"{name} {userid}".casefold() for word in words)
        ][:MOST]
        self._found = [userid for userid, _name in found]
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(
            Option(
                Content.assemble(
                    pad(fit(shown(name), 30), 31), (fit(shown(userid), 38), "$text-muted")
                )
            )
            for userid, name in found
        )
        if found:
            options.highlighted = 0

    def on_input_changed(self, event: Input.Changed) -> None:
        """Typed: look again."""
        self._show(event.value)

    def verb(self) -> str:
        """Take the one highlighted."""
        return _("Take")

    def on_input_submitted(self) -> None:
        """Enter."""
        self.action_take()

    def action_take(self) -> None:
        """The one highlighted."""
        at = self.query_one(OptionList).highlighted
        if at is not None and at < len(self._found):
            self.dismiss(self._found[at])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Chosen."""
        self.dismiss(self._found[event.option_index])
