"""What a domain teaches about its events: an object named in `Domain.events`.

An event is a hint. It names a subject; `read` asks WeCom about it on a thread, without a database,
and `write` puts the answer into the domain's tables in one transaction of its own, beside which
it may write files. Both may be repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from storeops.database.database import Database
    from storeops.events.inbox import Event
    from storeops.events.message import Message
    from storeops.wecom.client import WeComClient


class EventReader(Protocol):
    """One kind of event."""

    def subject(self, message: Message) -> str | None:
        """What it is about, an id; "" for what is read as a whole, None when it says too little."""

    def read(self, client: WeComClient, subject: str) -> Any:
        """Ask WeCom; what `write` needs.

        Raises:
            StoreOpsError: no answer, or a refusal; the event is tried again later.
        """

    def write(
        self, db: Database, subject: str, found: Any, events: Sequence[Event], now: float
    ) -> None:
        """Keep what was read, all of it or nothing: `with db.atomic()`.

        Args:
            db: data.db.
            subject: what it is about.
            found: what `read` gave.
            events: all events about it that wait, oldest first.
            now: WeCom's time, Unix seconds.
        """
