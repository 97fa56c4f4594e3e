"""What a use case may ask of the wiring; an `App` has it. (The arrow to app.py points up.)"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from storeops.changes.jobs.report import Report
    from storeops.changes.jobs.worker import Worker
    from storeops.changes.ledger import Ledger
    from storeops.clock import SystemClock
    from storeops.config import Config, Profile
    from storeops.database.database import Database
    from storeops.limits.governor import Governor
    from storeops.wecom.client import WeComClient


class Wiring(Protocol):
    """Ports of one profile, each opened when first asked for."""

    settings: Config
    profile: Profile

    @property
    def data(self) -> Database:
        """data.db."""

    @property
    def clock(self) -> SystemClock:
        """WeCom's time."""

    @property
    def governor(self) -> Governor:
        """The limits."""

    @property
    def client(self) -> WeComClient:
        """The WeCom API."""

    @property
    def ledger(self) -> Ledger:
        """Plans, answers and journal."""

    def worker(
        self,
        *,
        stop: threading.Event | None = None,
        on_progress: Callable[[Report], None] | None = None,
    ) -> Worker:
        """A worker at the profile's queue."""
