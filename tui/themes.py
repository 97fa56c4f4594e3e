"""The two themes, light and dark; both keep their contrast in 256 colours."""

from __future__ import annotations

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
)
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
)
