"""Small pictures made of characters: a bar of one line, a curve of one line."""

from __future__ import annotations

from collections.abc import Sequence

BAR = 24  # cells
_EIGHTHS = " ▏▎▍▌▋▊▉"
_HEIGHTS = "▁▂▃▄▅▆▇█"
UNKNOWN = "·"


def bar(value: float, top: float, width: int = BAR) -> str:
    """A bar of eighths of a cell, `width` cells for `top`; what is not zero shows at least one."""
    eighths = round(value / top * width * 8) if top else 0
    whole, part = divmod(eighths, 8)
    return "█" * whole + (_EIGHTHS[part] if part else "") or ("▏" if value else "")


def curve(values: Sequence[float | None]) -> str:
    """A character a value, from zero to the largest; a dot for what is not known."""
    top = max((each for each in values if each is not None), default=0)
    return "".join(
        UNKNOWN if each is None else _HEIGHTS[min(7, round(each / top * 7)) if top > 0 else 0]
        for each in values
    )
