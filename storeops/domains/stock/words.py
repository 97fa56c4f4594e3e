"""What is to be done with pieces by when they expire, and how photos stand."""

from __future__ import annotations

from storeops.domains.stock import photos, pictures
from storeops.domains.stock.shelf import CALLED, EXPIRED, LATER, TODAY, TOMORROW
from storeops.i18n import N_, _

_WHAT_TO_DO = {
    EXPIRED: N_("take it off the shelf now"),
    TODAY: N_("mark down, take off at closing"),
    TOMORROW: N_("put to the front, mark down"),
    LATER: N_("put to the front"),
    CALLED: N_("called back: keep it apart"),
}
_PHOTO = {
    photos.DONE: N_("there"),
    photos.KEPT: N_("there"),
    photos.OPEN: N_("not due yet"),
    photos.MISSING: N_("not sent"),
    photos.AGAIN: N_("an old picture again"),
    photos.REFUSED: N_("no usable picture"),
    photos.EXTRA: N_("not asked for"),
    photos.UNFILED: N_("of no known shop"),
}


def todo(due: str) -> str:
    """What to do with what is due so: expired, today, tomorrow, later or called_back."""
    return _(_WHAT_TO_DO[due])


def photo_status(status: str) -> str:
    """How what is owed stands, or a photo."""
    return _(_PHOTO[status])


def photo_why(status: str, why: str, of_day: str) -> str:
    """Why a picture proves nothing, one clause; "" when there is none, or it does."""
    if status == photos.AGAIN:
        return _("the picture of {day} again").format(day=of_day) if of_day else _(
            "an old picture again")  # fmt: skip
    if status == photos.REFUSED:
        if why == photos.GONE:
            return _("WeCom keeps the picture no longer")
        return _(pictures.WORDS.get(why, why))
    return ""
