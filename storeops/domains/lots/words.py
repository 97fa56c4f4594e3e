"""What people call the states of pieces."""

from __future__ import annotations

from storeops.i18n import _


def states() -> dict[str, str]:
    """States of pieces in the user's language."""
    return {
        "made": _("made"), "used": _("used"), "in_stock": _("in stock"),
        "on_the_way": _("on the way"), "on_shelf": _("on the shelf"), "sold": _("sold"),
        "thrown_away": _("thrown away"),
    }  # fmt: skip
