"""Pictures in the terminal, where it says that it shows any; nothing is decoded here.

iTerm2 and those that follow it take a JPEG or PNG as it is, kitty and its like PNG alone. Sixels
would need pixels. tmux and screen keep such sequences for themselves.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

_ITERM = ("iTerm.app", "WezTerm", "mintty", "Tabby", "rio")
_CHUNK = 4096  # characters of one sequence of kitty


def protocol(environ: Mapping[str, str]) -> str:
    """How this terminal takes pictures: iterm, kitty, or "" for not at all."""
    term, program = environ.get("TERM", ""), environ.get("TERM_PROGRAM", "")
    if environ.get("TMUX") or environ.get("STY") or term.startswith(("screen", "tmux", "dumb")):
        return ""
    if program in _ITERM or environ.get("LC_TERMINAL") == "iTerm2":
        return "iterm"
    if environ.get("KITTY_WINDOW_ID") or "kitty" in term or "ghostty" in (term, program):
        return "kitty"
    return ""


def sequence(how: str, kind: str, data: bytes, rows: int = 20) -> str:
    """What makes the terminal show a picture; "" when it cannot show this one.

    Args:
        how: as `protocol` says.
        kind: jpeg | png.
        data: the file.
        rows: lines of text that it may take.
    """
    text = base64.b64encode(data).decode("ascii")
    if how == "iterm":
        return (
            f"\x1b]1337;File=size={len(data)};inline=1;height={rows};preserveAspectRatio=1:"
            f"{text}\x07\n"
        )
    if how == "kitty" and kind == "png":
        parts = [text[at : at + _CHUNK] for at in range(0, len(text), _CHUNK)]
        found = []
        for at, part in enumerate(parts):
            more = int(at < len(parts) - 1)
            keys = f"a=T,f=100,r={rows},m={more}" if at == 0 else f"m={more}"
            found.append(f"\x1b_G{keys};{part}\x1b\\")
        return "".join(found) + "\n"
    return ""
