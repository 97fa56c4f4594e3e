"""What the keys of a pane do, and why one is disabled."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from storeops.i18n import _
from storeops.plain import cell_width, pad, wrap
from tui.keys import Key
from tui.modals.base import HouseModal

if TYPE_CHECKING:
    from tui.screens.base import HouseScreen

KEYS = 18  # cells for the key column
WIDTH = 70


class HelpModal(HouseModal[None]):
    """The help of one screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1,q", "leave", show=False),
    ]

    def __init__(self, screen: HouseScreen) -> None:
        super().__init__(_("Keys of {screen}").format(screen=_(screen.door.title)))
        self.add_class("tall")
        self._content = explain(screen)

    def body(self) -> Iterable[Widget]:
        """The explanations."""
        with VerticalScroll(id="text"):
            yield Static(self._content)

    def hint(self) -> str:
        """How to leave."""
        return _("↑ ↓ PgUp PgDn scroll · Esc leaves.")


def explain(screen: HouseScreen) -> Content:
    """Keys grouped by what they are for; the disabled ones with their reason."""
    parts: list[Content] = [Content(line + "\n") for line in wrap(_(screen.door.help), WIDTH)]

    def place(key: Key) -> int:
        return order.index(key.group)

    keys = screen.all_keys()
    order = list(dict.fromkeys(key.group for key in keys))
    for group, members in groupby(sorted(keys, key=place), key=lambda key: key.group):
        parts.append(Content.styled(f"\n{_(group)}\n", "bold $accent"))
        for key in members:
            parts.append(_entry(key, screen.why_not(key.action) if key.action else ""))
    parts.append(Content.styled("\n" + _("Screens") + "\n", "bold $accent"))
    for door in screen.house.doors.values():
        head = pad(door.key, KEYS)
        parts.append(Content.assemble((head, "bold"), f"{_(door.title)}: {_(door.help)}\n"))
    parts.append(Content("\n"))
    closing = _(
        "Full-width forms of the keys work too. Where an input method swallows letters, use the "
        "F-keys, the menu (F10) or the mouse."
    )
    parts.extend(Content(line + "\n") for line in wrap(closing, WIDTH))
    return Content("").join(parts)


def _entry(key: Key, reason: str) -> Content:
    name = key.caption
    parts: list[Content] = []
    if cell_width(name) >= KEYS:
        parts.append(Content.styled(name + "\n", "bold"))
        name = ""
    text = wrap(_(key.help), WIDTH - KEYS)
    for number, line in enumerate(text):
        parts.append(Content.assemble((pad("" if number else name, KEYS), "bold"), line + "\n"))
    if reason:
        for line in wrap(_("off: {reason}").format(reason=reason), WIDTH - KEYS):
            parts.append(Content.styled(" " * KEYS + line + "\n", "$text-warning italic"))
    return Content("").join(parts)
