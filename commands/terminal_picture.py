"""Pictures in the terminal, where it says that it shows any.

iTerm2 and those that follow it take a JPEG or PNG as it is, kitty and its like PNG alone, sixels
are pixels. For the last two a thumbnail is decoded, by Pillow, which is an extra. tmux and screen
keep such sequences for themselves.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

_ITERM = ("iTerm.app", "WezTerm", "mintty", "Tabby", "rio")
_SIXEL = ("foot", "mlterm", "yaft", "contour", "vt340", "xterm-sixel", "sixel")  # of TERM
_KONSOLE = 220400  # 22.04, the first that shows sixels
_COLOURS = 128
_CHUNK = 4096  # characters of one sequence of kitty
_RUN = re.compile(r"(.)\1{3,}", re.DOTALL)


def protocol(environ: Mapping[str, str]) -> str:
    """How this terminal takes pictures: iterm, kitty, sixel, or "" for not at all."""
    term, program = environ.get("TERM", ""), environ.get("TERM_PROGRAM", "")
    if environ.get("TMUX") or environ.get("STY") or term.startswith(("screen", "tmux", "dumb")):
        return ""
    if program in _ITERM or environ.get("LC_TERMINAL") == "iTerm2":
        return "iterm"
    if environ.get("KITTY_WINDOW_ID") or "kitty" in term or "ghostty" in (term, program):
        return "kitty"
    konsole = environ.get("KONSOLE_VERSION", "")
    if term.startswith(_SIXEL) or (konsole.isdecimal() and int(konsole[:6]) >= _KONSOLE):
        return "sixel"
    return ""


def needs_pixels(how: str, kind: str) -> bool:
    """Whether a terminal takes such a picture only when it was decoded."""
    return how == "sixel" or (how == "kitty" and kind != "png")


def decoded(how: str, thumbnail: Path) -> str:
    """What makes the terminal show a thumbnail that `needs_pixels`.

    Args:
        how: kitty | sixel.
        thumbnail: a JPEG that we made.

    Raises:
        OSError: it is not there, or not whole.
    """
    import io

    from PIL import Image as pillow

    with pillow.open(thumbnail, formats=("JPEG",)) as image:
        if how == "sixel":
            return _sixels(image.quantize(_COLOURS))
        out = io.BytesIO()
        image.save(out, "PNG")
    return sequence("kitty", "png", out.getvalue())


def _sixels(image: Image) -> str:
    """A picture of a palette as sixels (DEC VT3xx): bands of six lines, a colour after another."""
    wide, high = image.size
    lines = image.tobytes()
    palette = image.getpalette() or []
    parts = [f'\x1bPq"1;1;{wide};{high}']
    for colour in sorted(set(lines)):
        red, green, blue = (each * 100 // 255 for each in palette[3 * colour : 3 * colour + 3])
        parts.append(f"#{colour};2;{red};{green};{blue}")
    for top in range(0, high, 6):
        band: dict[int, bytearray] = {}
        for line in range(top, min(top + 6, high)):
            bit = 1 << (line - top)
            for at, colour in enumerate(lines[line * wide : (line + 1) * wide]):
                if colour not in band:
                    band[colour] = bytearray(b"?" * wide)  # "?": none of the six
                band[colour][at] += bit
        parts.append("$".join(f"#{each}{_packed(band[each])}" for each in sorted(band)) + "-")
    return "".join(parts) + "\x1b\\\n"


def _packed(row: bytearray) -> str:
    """Runs by their length, and none at the end of a row."""
    text = row.decode("ascii").rstrip("?")
    return _RUN.sub(lambda run: f"!{len(run[0])}{run[1]}", text)


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
