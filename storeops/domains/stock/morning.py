"""What the morning says of stock: pieces that must go, photos that are missing."""

from __future__ import annotations

from storeops.database.database import Database
from storeops.domain import TodayLine
from storeops.domains.stock import photos, shelf


def today(db: Database, now: float) -> list[TodayLine]:
    """The lines of Today and `status`."""
    return [*shelf.today(db, now), *photos.today(db, now)]
