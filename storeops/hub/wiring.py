"""What head office's hub, and a back office's, need of the program around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import threading
    from contextlib import AbstractContextManager

    from storeops.changes.jobs.worker import Worker
    from storeops.changes.ledger import Ledger
    from storeops.clock import Clock
    from storeops.config import Profile
    from storeops.database.database import Database
    from storeops.hub.hosts import HostStanding


class OfficeWiring(Protocol):
    """What head office's hub needs; an `App` has it."""

    @property
    def profile(self) -> Profile:
        """The profile."""

    @property
    def data(self) -> Database:
        """data.db."""

    @property
    def clock(self) -> Clock:
        """WeCom's time."""

    @property
    def ledger(self) -> Ledger:
        """Plans and journal."""

    @property
    def run(self) -> Database:
        """run.db."""

    @property
    def standing(self) -> HostStanding | None:
        """Whether this host leads; None where head office has one host."""

    def secure(self) -> None:
        """Wait until what is committed is where another host finds it."""

    def alone(self) -> AbstractContextManager[None]:
        """Nobody else works with the profile's files while the block runs."""

    def reopen(self) -> None:
        """Close data.db and inbox.db: others lie in their place."""

    def worker(self, *, stop: threading.Event | None = None) -> Worker:
        """A worker at the queue; refused in a back office."""
