"""Keys as a table: what binds, what the footer shows and what the help explains are one thing.

Texts are marked with `N_` here and translated when shown, since the language is chosen at start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from storeops.i18n import N_

if TYPE_CHECKING:
    from storeops.domain import ScreenSpec

MOVE = N_("Move")
LOOK = N_("Look")
MARK = N_("Mark")
DO = N_("Do")
GO = N_("Go")


@dataclass(frozen=True, slots=True)
class Key:
    """One thing a person can do on a screen.

    Attributes:
        action: name; the screen's method is `do_<action>`.
        keys: Textual key names, comma separated; the first is shown.
        label: short, for footer and menu.
        help: one sentence.
        group: heading in the help.
        footer: shown in the footer.
        shown: how the keys are written; "" derives it from `keys`.
    """

    action: str
    keys: str
    label: str
    help: str
    group: str = DO
    footer: bool = False
    shown: str = ""

    @property
    def caption(self) -> str:
        """All keys as a person writes them: `Space`, `Ctrl+S`, `F4`."""
        return self.shown or " ".join(caption(each) for each in self.keys.split(",") if each)

    @property
    def first(self) -> str:
        """The first key as a person writes it."""
        return caption(self.keys.split(",")[0]) if self.keys else self.shown


class KeyedScreen(Protocol):
    """A screen as the windows see it that explain its keys or list its actions."""

    @property
    def spec(self) -> ScreenSpec:
        """Its title, key and help."""

    def all_keys(self) -> tuple[Key, ...]:
        """All its keys."""

    def label_of(self, key: Key) -> str:
        """What a key does now, in a word or two."""

    def why_not(self, action: str) -> str:
        """Why `action` is disabled now, "" when it is not."""

    def perform(self, action: str) -> None:
        """Do `action`, or say why not."""


_NAMES = {
    "escape": "Esc", "enter": "Enter", "space": "Space", "tab": "Tab", "slash": "/",
    "colon": ":", "question_mark": "?", "pageup": "PgUp", "pagedown": "PgDn", "home": "Home",
    "end": "End", "up": "↑", "down": "↓", "left": "←", "right": "→", "plus": "+",
    "minus": "-", "backspace": "⌫", "delete": "Del", "left_square_bracket": "[",
    "right_square_bracket": "]", "asterisk": "*", "full_stop": ".", "comma": ",",
    "backslash": "\\", "underscore": "_",
}  # fmt: skip


def caption(key: str) -> str:
    """A Textual key name as a person writes it: `ctrl+s` → `Ctrl+S`, `f4` → `F4`."""
    parts = key.split("+")
    last = parts[-1]
    if last in _NAMES:
        last = _NAMES[last]
    elif (last.startswith("f") and last[1:].isdigit()) or len(parts) > 1:
        last = last.upper()
    return "+".join([*(part.capitalize() for part in parts[:-1]), last])


# What a Chinese input method sends for the key that was meant, beside the full-width forms.
_PUNCTUATION = {
    "、": "/", "。": ".", "，": ",", "；": ";", "：": ":", "？": "?", "！": "!", "·": "`",
    "【": "[", "】": "]", "「": "[", "」": "]", "《": "<", "》": ">", "（": "(", "）": ")",
    "\u3000": " ", "￥": "$", "…": "^", "—": "_",
}  # fmt: skip


def ascii_equivalent(character: str) -> str | None:
    """The ASCII character that a full-width or Chinese punctuation character stands for."""
    if character in _PUNCTUATION:
        return _PUNCTUATION[character]
    if len(character) == 1 and 0xFF01 <= ord(character) <= 0xFF5E:
        return chr(ord(character) - 0xFEE0)
    return None


COMMON: tuple[Key, ...] = (
    Key("help", "question_mark,f1", N_("Help"),
        N_("Explain the keys of this pane, and why one is disabled."), GO, footer=True),
    Key("go", "colon,f2,ctrl+p", N_("Go to"),
        N_("Go anywhere: screens, actions, views, shops, members; type a few letters."),
        GO, footer=True),
    Key("refresh", "f5,ctrl+r", N_("Refresh"),
        N_("Read the mirror again; the cursor and the marks stay."), GO),
    Key("menu", "f10,f9", N_("Menu"),
        N_("All actions of this screen as a menu; works whatever input method is on."), GO),
    Key("command", "x", N_("Command"),
        N_("Show the command line that yields this view."), LOOK),
    Key("zoom", "plus,underscore", N_("Zoom"),
        N_("The pane with the keys takes the whole screen; once more, or Esc: all panes again."),
        LOOK),
    Key("theme", "f12", N_("Theme"), N_("Switch between the light and the dark theme."), GO),
    Key("back", "escape", N_("Back"),
        N_("Leave what is open, step by step, until Today; never writes."), GO),
    Key("quit", "q,ctrl+q,ctrl+c", N_("Quit"),
        N_("Leave storeops; marks, notes and draft plans are kept."), GO),
)  # fmt: skip

LIST: tuple[Key, ...] = (
    Key("", "", N_("Rows"), N_("One row up or down."), MOVE, shown="↑ ↓ j k"),
    Key("", "", N_("Pages"), N_("One page up or down."), MOVE, shown="PgUp PgDn"),
    Key("", "", N_("Ends"), N_("First or last row."), MOVE, shown="Home End G"),
    Key("", "", N_("Panes"), N_("From pane to pane."), MOVE, shown="Tab Shift+Tab"),
    Key("jump", "g,f7", N_("Row"), N_("Jump to a row by its number, or by a percentage."), MOVE),
)  # fmt: skip
