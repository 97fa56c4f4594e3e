"""Values of a report as people read them."""

from __future__ import annotations

from typing import Any

from storeops import times
from storeops.i18n import _
from storeops.operations.reports import COUNT, MINUTES, MOMENT, SHARE, Tile
from storeops.plain import plain

UNKNOWN = "–"


def worded(value: Any, kind: str) -> str:
    """One value; a dash for what is not known."""
    if value is None:
        return UNKNOWN
    if kind == SHARE:
        return f"{value:.0f} %"
    if kind == MINUTES:
        return _("{count} min").format(count=f"{value:.0f}")
    if kind == MOMENT:
        return times.minute(value)
    if kind == COUNT and isinstance(value, int | float):
        return f"{value:,}"
    return plain(str(value))


def difference(tile: Tile) -> str:
    """How a figure differs from the week before, +12; "" when that is not known."""
    if tile.value is None or tile.before is None:
        return ""
    change = tile.value - tile.before
    return f"{change:+,}".replace("-", "−") if change else "±0"


def better(tile: Tile) -> int:
    """+1 when it changed for the better, -1 for the worse, 0 when nobody can say."""
    if tile.value is None or tile.before is None or tile.value == tile.before:
        return 0
    return tile.good if tile.value > tile.before else -tile.good


def whole(complete: bool) -> str:
    """The word for whether all of it could be known."""
    return _("complete") if complete else _("not complete")
