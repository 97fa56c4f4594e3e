"""The themes: dark, light, and one for terminals of 16 colours without lines of boxes.

One meaning, one colour: `accent` is a key that can be pressed, `primary` the cursor and the pane
that has the keys, `mark` a mark, `heading` a title, green and red what was gained and lost, the
chips groups of tags. The first two keep their contrast in 256 colours.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter
from textual.theme import Theme

DARK = Theme(
    name="storeops-dark",
    primary="#005f87",
    secondary="#5f87af",
    accent="#ffaf5f",
    warning="#ffaf00",
    error="#ff5f5f",
    success="#87d787",
    foreground="#dadada",
    background="#121212",
    surface="#1c1c1c",
    panel="#262626",
    dark=True,
    variables={
        "mark": "#d787ff", "heading": "#87afd7", "edge": "#444444", "bright": "#5fafff",
        "place": "#5fd7d7", "chip0": "#87d7ff", "chip1": "#afd787", "chip2": "#d7afff",
        "chip3": "#ffd787", "chip4": "#ffafaf", "chip5": "#87d7af",
    },
)  # fmt: skip
LIGHT = Theme(
    name="storeops-light",
    primary="#87afd7",
    secondary="#5f87af",
    accent="#875f00",
    warning="#875f00",
    error="#af0000",
    success="#005f00",
    foreground="#1c1c1c",
    background="#ffffff",
    surface="#f4f4f4",
    panel="#e4e4e4",
    dark=False,
    variables={
        "mark": "#8700af", "heading": "#005f87", "edge": "#bcbcbc", "bright": "#005faf",
        "place": "#005f5f", "chip0": "#005f87", "chip1": "#5f5f00", "chip2": "#5f00af",
        "chip3": "#875f00", "chip4": "#af005f", "chip5": "#00875f",
    },
)  # fmt: skip
PLAIN = Theme(
    name="storeops-plain",
    primary="#000080",
    secondary="#008080",
    accent="#ffff00",
    warning="#ffff00",
    error="#ff0000",
    success="#00ff00",
    foreground="#c0c0c0",
    background="#000000",
    surface="#000000",
    panel="#000000",
    dark=True,
    variables={
        "mark": "#ff00ff", "heading": "#00ffff", "edge": "#808080", "bright": "#ffffff",
        "place": "#00ffff", "chip0": "#00ffff", "chip1": "#00ff00", "chip2": "#ff00ff",
        "chip3": "#ffff00", "chip4": "#ff0000", "chip5": "#c0c0c0",
        "text-muted": "#c0c0c0", "text-warning": "#ffff00", "text-error": "#ff0000",
        "text-success": "#00ff00",
    },
)  # fmt: skip
THEMES = (DARK, LIGHT, PLAIN)

_POOR = ("linux", "ansi", "vt100", "vt102", "vt220", "xterm-16color", "cygwin", "dumb")
_ASCII = str.maketrans(
    "›✓✗◐…·▾▴▼▲┆─│╭╮╰╯█░▏▎▍▌▋▊▉▁▂▃▄▅▆▇×−→←↑↓‖•├┤≤≥",
    ">vxo~.v^v^:-|++++#.||===##__--==#x-><^v|*++<>",
)


def fitting(environment: Mapping[str, str] = os.environ) -> Theme:
    """The theme to begin with: the plain one where the terminal can show no other."""
    return PLAIN if environment.get("TERM", "") in _POOR else DARK


class AsciiFilter(LineFilter):
    """Signs and lines of whatever is painted as ASCII, one for one; letters of all scripts stay."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments in signs that every terminal has."""
        return [
            Segment(text.translate(_ASCII), style, control) for text, style, control in segments
        ]


ASCII = AsciiFilter()  # painted lines are kept by filter
