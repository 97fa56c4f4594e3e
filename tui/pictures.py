"""Pictures made of characters: bars, gauges and sparklines, for where people would rather look."""

from __future__ import annotations

from collections.abc import Sequence

EIGHTHS = " ▏▎▍▌▋▊▉█"
LEVELS = "▁▂▃▄▅▆▇█"


def gauge(done: float, total: float, width: int) -> str:
    """How much of `total` is done, as a bar of exactly `width` cells."""
    full = 0 if total <= 0 else max(0, min(width, int(width * done / total)))
    return "█" * full + "░" * (width - full)


def bar(value: float, most: float, width: int) -> str:
    """A bar of at most `width` cells, in eighths of a cell; something is never nothing.

    Args:
        value: its length.
        most: the length of the longest one.
        width: cells of the longest one.
    """
    if value <= 0 or most <= 0:
        return ""
    eighths = max(1, round(8 * width * min(value, most) / most))
    return "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()


def spark(values: Sequence[float | None]) -> str:
    """A sparkline, one cell a value; `·` where none is known, which is not zero."""
    most = max((value for value in values if value is not None), default=0)

    def level(value: float | None) -> str:
        if value is None:
            return "·"
        return LEVELS[0] if most <= 0 else LEVELS[min(7, int(8 * max(0.0, value) / most))]

    return "".join(map(level, values))
