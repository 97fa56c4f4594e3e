"""A sandbox that calls back, and a profile that receives: both over real sockets."""

from __future__ import annotations

import time
from typing import Any

from storeops.events.handling import HandlingResult
from storeops.events.server import CallbackServer
from storeops.operations import events
from tests.handover.conftest import HandoverCorp


class CallingCorp:
    """A corp whose sandbox calls back."""

    def __init__(self, corp: HandoverCorp) -> None:
        self.corp, self.control, self.app = corp, corp.control, corp.app
        self.keys = events.new_keys(corp.app.profile)
        self.server = CallbackServer(events.open_receiver(corp.app), "127.0.0.1", 0, "/callback")
        self.save()

    def save(self, url: str = "", after: int | None = None) -> dict[str, Any]:
        """Save the address at the sandbox; only what happens from now on is sent."""
        total = self.control.call("GET", "events?limit=0")["total"]
        answer: dict[str, Any] = self.control.call(
            "POST",
            "callback",
            {
                "url": url or self.server.url,
                "token": self.keys.token,
                "encoding_aes_key": self.keys.encoding_aes_key,
                "after": total if after is None else after,
            },
        )
        return answer

    def delivered(self) -> dict[str, Any]:
        """Wait until nothing is on its way; how deliveries stand."""
        row: dict[str, Any] = {}
        for _ in range(600):
            row = self.control.call("GET", "callback")
            if not row["waiting"]:
                return row
            time.sleep(0.05)
        raise AssertionError(row)

    def settle(self, **how: Any) -> HandlingResult:
        """Everything the sandbox has to say, received and handled."""
        self.delivered()
        return events.handle(self.app, **how)

    def status_of(self, userid: str, external_userid: str) -> tuple[Any, ...] | None:
        """(status, deleted_by_customer_at, remark) of a follow in the mirror."""
        found: tuple[Any, ...] | None = self.app.data.execute(
            "SELECT f.status, f.deleted_by_customer_at, f.remark FROM follow AS f"
            " JOIN staff AS s ON s.id = f.staff_id JOIN customer AS c ON c.id = f.customer_id"
            " WHERE s.userid = ? AND c.external_userid = ?",
            (userid, external_userid),
        ).fetchone()
        return found

    def close(self) -> None:
        self.server.close()
