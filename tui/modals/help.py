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
from tui.flowing import flowing
from tui.keys import Key, KeyedScreen
from tui.modals.base import BaseModal

if TYPE_CHECKING:
    from storeops.domain import ScreenSpec

KEYS = 18  # cells for the key column
WIDTH = 70


class HelpModal(BaseModal[None]):
    """The help of one screen.

    Args:
        screen: whose keys.
        specs: of all screens.
        width: cells of the terminal.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1,q", "leave", show=False),
    ]

    def __init__(self, screen: KeyedScreen, specs: Iterable[ScreenSpec], width: int) -> None:
        super().__init__(_("Keys of {screen}").format(screen=_(screen.spec.title)))
        self._content = explain(screen, specs, min(WIDTH, width - 8))

    def body(self) -> Iterable[Widget]:
        """The explanations."""
        with VerticalScroll(id="text"):
            yield Static(flowing(self._content))

    def hint(self) -> str:
        """How to leave."""
        return _("↑ ↓ PgUp PgDn scroll · Esc leaves.")


def explain(screen: KeyedScreen, specs: Iterable[ScreenSpec], width: int = WIDTH) -> Content:
    """Keys grouped by what they are for; the disabled ones with their reason.

    Args:
        screen: whose keys.
        specs: of all screens.
        width: cells of a line.
    """
    width = max(KEYS + 12, width)
    parts: list[Content] = [Content(line + "\n") for line in wrap(_(screen.spec.help), width)]

    def place(key: Key) -> int:
        return order.index(key.group)

    keys = screen.all_keys()
    order = list(dict.fromkeys(key.group for key in keys))
    for group, members in groupby(sorted(keys, key=place), key=lambda key: key.group):
        parts.append(Content.styled(f"\n{_(group)}\n", "bold $accent"))
        for key in members:
            reason = screen.why_not(key.action) if key.action else ""
            parts.append(_entry(key.caption, _(key.help), reason, width))
    parts.append(Content.styled("\n" + _("Screens") + "\n", "bold $accent"))
    for spec in specs:
        text = _("{screen}: {help}").format(screen=_(spec.title), help=_(spec.help))
        parts.append(_entry(spec.key, text, "", width))
    parts.append(Content("\n"))
    closing = _(
        "Full-width forms of the keys work too. Where an input method swallows letters, use the "
        "F-keys, the menu (F10) or the mouse."
    )
    parts.extend(Content(line + "\n") for line in wrap(closing, width))
    return Content("").join(parts)


def _entry(name: str, help_text: str, reason: str, width: int) -> Content:
    parts: list[Content] = []
    if cell_width(name) >= KEYS:
        parts.append(Content.styled(name + "\n", "bold"))
        name = ""
    for number, line in enumerate(wrap(help_text, width - KEYS)):
        parts.append(Content.assemble((pad("" if number else name, KEYS), "bold"), line + "\n"))
    if reason:
        for line in wrap(_("off: {reason}").format(reason=reason), width - KEYS):
            parts.append(Content.styled(" " * KEYS + line + "\n", "$text-warning italic"))
    return Content("").join(parts)
