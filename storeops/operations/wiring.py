"""What a use case may ask of the wiring; an `App` has it. (The arrow to app.py points up.)"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
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
