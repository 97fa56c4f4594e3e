"""What people call the states of pieces."""

from __future__ import annotations

from storeops.i18n import _

UNITS = {"LTR": "L", "KGM": "kg", "GRM": "g", "TNE": "t", "MLT": "ml"}


def amount(qty: float, unit: str = "") -> str:
    """Pieces, or so much of a unit (UN/ECE code) with its sign."""
    text = f"{qty:,g}" if abs(qty) < 1e6 else f"{qty:,.0f}"
    return f"{text} {UNITS.get(unit, unit)}" if unit else text


def states() -> dict[str, str]:
    """States of pieces in the user's language."""
    return {
        "made": _("made"), "used": _("used"), "in_stock": _("in stock"),
        "on_the_way": _("on the way"), "on_shelf": _("on the shelf"), "sold": _("sold"),
        "thrown_away": _("thrown away"),
    }  # fmt: skip
