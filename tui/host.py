"""What long work of this process needs of the application that it runs in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from textual.notifications import SeverityLevel

if TYPE_CHECKING:
    from storeops.app import App as Core
    from tui.background import BackgroundWorker


class Host(Protocol):
    """Threads, notices, and who must hear how far the work is; the application itself."""

    core: Core

    def background(self, name: str) -> BackgroundWorker:
        """The background thread called `name`."""

    def call_later(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
        """Call on the screen's thread, from any thread."""

    def notify(self, message: str, *, severity: SeverityLevel = "information") -> None:
        """A notice."""

    def failed(self, error: Exception) -> None:
        """What went wrong."""

    def look(self) -> None:
        """Ask for the status at once."""

    def sync_moved(self) -> None:
        """The sync is further."""

    def sync_ended(self) -> None:
        """The sync has ended."""

    def jobs_moved(self) -> None:
        """The worker is further, began or ended."""
