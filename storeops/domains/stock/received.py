"""Pictures that members send to the app (a message of the type image, doc 90239)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from storeops import times
from storeops.database.database import Database
from storeops.domains.stock import photos, spots
from storeops.mirror import members

if TYPE_CHECKING:
    from storeops.domains.stock.pictures import CleanPicture
    from storeops.domains.stock.spots import AskedSpot
    from storeops.events.inbox import Event
    from storeops.events.message import Message
    from storeops.wecom.client import WeComClient

MOST_A_DAY = 100  # pictures of one member
_log = logging.getLogger(__name__)


class PhotoReader:
    """Fetches what was sent and files it under the shop of whoever sent it."""

    def subject(self, message: Message) -> str | None:
        """The media id."""
        return message.text("MediaId") or None

    def read(self, client: WeComClient, subject: str) -> CleanPicture | str:
        """The picture, looked through; else the code of why it cannot be taken.

        Raises:
            StoreOpsError: no answer; the event is tried again later.
        """
        from storeops.domains.stock import pictures
        from storeops.errors import StoreOpsError
        from storeops.wecom import messages
        from storeops.wecom.errcodes import ErrorCondition
        from storeops.wecom.errors import has_condition

        try:
            return pictures.look(messages.download(client, subject))
        except StoreOpsError as error:
            if has_condition(error, ErrorCondition.MEDIA_GONE):
                return photos.GONE
            if has_condition(error, ErrorCondition.TOO_LARGE):
                return pictures.LARGE
            raise

    def write(
        self, db: Database, subject: str, found: CleanPicture | str, events: Sequence[Event],
        now: float,
    ) -> None:  # fmt: skip
        """File it; said again it changes nothing. Where nobody asks for pictures none is kept."""
        known = db.execute("SELECT 1 FROM stock_photo WHERE source = ?", (subject,)).fetchone()
        first = events[0]
        at = float(first.create_time or now)
        day = times.day(at)
        if known is not None or not spots.asked(db, day):
            return
        (sent,) = db.execute(
            "SELECT count(*) FROM stock_photo WHERE userid = ? AND day = ?", (first.userid, day)
        ).fetchone()
        if sent >= MOST_A_DAY:
            _log.warning("a member sent more than %d pictures today; no more are kept", MOST_A_DAY)
            return

        def find() -> AskedSpot | None:
            store = _shop_of(db, first.userid)
            return photos.next_spot(db, store, day) if store else None

        taken = photos.take(db, found, find, day, at, userid=first.userid, source=subject)
        _log.info("photo %d: %s", taken.id, taken.status)


def _shop_of(db: Database, userid: str) -> str:
    """The number of the shop that a member works in; "" when that is not known."""
    from storeops.notebook.stores import list_shops

    member = next(iter(members.by_userids(db, [userid]).values()), None)
    if member is None or not member.store_id:
        return ""
    named = spots.shops(db)
    return next(
        (each.code for each in list_shops(db)
         if each.department_id == member.store_id and each.code in named), "",
    )  # fmt: skip


PHOTO = PhotoReader()
