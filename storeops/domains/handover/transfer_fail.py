"""The event transfer_fail (doc 92130): a handover that the watch should ask about soon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from storeops.database.database import Database
from storeops.events.message import Message

if TYPE_CHECKING:
    from storeops.events.inbox import Event
    from storeops.wecom.client import WeComClient


def subject(message: Message) -> str | None:
    """The customer; None without one or without the taker."""
    customer = message.text("ExternalUserID", "ExternalUserId")
    return customer if customer and message.text("UserID", "UserId") else None


def read(client: WeComClient, subject: str) -> None:
    """Nothing: the event names the taker and the customer, not the owner; the watch asks."""


def write(db: Database, subject: str, found: None, events: Sequence[Event], now: float) -> None:
    """Call the waiting attempts of each taker and customer early."""
    with db.atomic() as connection:
        connection.executemany(
            "UPDATE handover SET ask_at = min(ask_at, ?) WHERE status = 'waiting'"
            " AND subject = ? AND takeover_userid = ?",
            [(now, each.external_userid, each.userid) for each in events],
        )
