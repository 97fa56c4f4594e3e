"""Small pictures made of characters: a bar of one line, a gauge, a curve of one line."""

from __future__ import annotations

from collections.abc import Sequence

BAR = 24  # cells
_EIGHTHS = " ▏▎▍▌▋▊▉"
_HEIGHTS = "▁▂▃▄▅▆▇█"
UNKNOWN = "·"


def bar(value: float, top: float, width: int = BAR) -> str:
    """A bar of eighths of a cell, `width` cells for `top`; what is not zero shows at least one."""
    if value <= 0:
        return ""
    whole, part = divmod(max(1, round(8 * width * min(value / top, 1))) if top > 0 else 1, 8)
    return "█" * whole + _EIGHTHS[part].strip()


def columns(values: Sequence[float | None], height: int, top: float) -> list[str]:
    """Standing bars, a cell a value, as `height` lines from the top; a dot for what is not known.

    Args:
        values: from 0.
        height: lines for `top`.
        top: the value of a bar that fills them.
    """
    eighths = [None if each is None else round(8 * height * max(0.0, min(each / top, 1.0)))
               for each in values]  # fmt: skip
    return [
        "".join(
            (UNKNOWN if row == height - 1 else " ") if full is None
            else " " if (left := full - 8 * (height - 1 - row)) <= 0
            else _HEIGHTS[min(8, left) - 1]
            for full in eighths
        )
        for row in range(height)
    ]  # fmt: skip


def gauge(done: float, total: float, width: int) -> str:
    """How much of `total` is done, as a bar of exactly `width` cells."""
    full = 0 if total <= 0 else max(0, min(width, int(width * done / total)))
    return "█" * full + "░" * (width - full)


def curve(values: Sequence[float | None]) -> str:
    """A character a value, from zero to the largest; a dot for what is not known, never a zero."""
    top = max((each for each in values if each is not None), default=0)
    return "".join(
        UNKNOWN
        if each is None
        else _HEIGHTS[min(7, int(8 * max(0.0, each) / top)) if top > 0 else 0]
        for each in values
    )
