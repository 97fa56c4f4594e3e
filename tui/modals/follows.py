"""Whose follows are meant: a line to choose on, for the windows of tags and remarks."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from storeops.changes.follow_requests import ALL, NEWEST
from storeops.changes.marked import MarkedCustomers, only
from storeops.i18n import _, ngettext
from tui.cells import shown


class FollowsLine(Static, can_focus=True):
    """Newest, all, or one member's follows; Space, Enter or a click takes the next.

    Args:
        marked: whom it is about.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space,enter,right", "next", show=False)]
    DEFAULT_CSS = """
    FollowsLine { height: 1; width: 1fr; background: $panel; margin-top: 1; padding: 0 1; }
    FollowsLine:focus { background: $primary; color: $text; }
    """

    def __init__(self, marked: MarkedCustomers) -> None:
        super().__init__()
        self._members = {only(userid): name or userid for userid, name in marked.owners}
        self._ways = [NEWEST, ALL, *self._members]
        self.follows = NEWEST if marked.several else ALL

    def on_mount(self) -> None:
        """Show the choice."""
        self._paint()

    def _paint(self) -> None:
        words = {
            NEWEST: _("the one who added each customer last"),
            ALL: _("everybody who follows them"),
            **{
                way: _("only {member}").format(member=shown(name))
                for way, name in self._members.items()
            },
        }[self.follows]
        self.update(Content(_("With which member (F4): {choice}").format(choice=words)))

    def action_next(self) -> None:
        """The next way."""
        at = self._ways.index(self.follows)
        self.follows = self._ways[(at + 1) % len(self._ways)]
        self._paint()

    def on_click(self) -> None:
        """By mouse."""
        self.action_next()


def whom(marked: MarkedCustomers) -> str:
    """How many customers, and how many of them have several owners."""
    count = len(marked.customers)
    text = ngettext("{count} customer", "{count} customers", count).format(count=f"{count:,}")
    if marked.several:
        text += " · " + ngettext(
            "{count} of them is followed by several members",
            "{count} of them are followed by several members",
            marked.several,
        ).format(count=f"{marked.several:,}")
    return text


KEYS: list[BindingType] = [Binding("f4,ctrl+t", "follows", show=False, priority=True)]
