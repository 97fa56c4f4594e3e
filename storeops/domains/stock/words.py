"""What is to be done with pieces, by when they expire."""

from __future__ import annotations

from storeops.domains.stock.shelf import EXPIRED, LATER, TODAY, TOMORROW
from storeops.i18n import N_, _

_WHAT_TO_DO = {
    EXPIRED: N_("take it off the shelf now"),
    TODAY: N_("mark down, take off at closing"),
    TOMORROW: N_("put to the front, mark down"),
    LATER: N_("put to the front"),
}


def todo(due: str) -> str:
    """What to do with what is due so: expired, today, tomorrow or later."""
    return _(_WHAT_TO_DO[due])
