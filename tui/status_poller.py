"""The status line below every screen: freshness, work under way, and what holds it back.

Somebody looks once a second; only when SQLite says that another connection has written
(`PRAGMA data_version`), or some seconds have passed, is anything read.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storeops.durations import ago, span
from storeops.i18n import _, ngettext
from storeops.sparks import gauge
from tui import words
from tui.widgets.bars import Piece

if TYPE_CHECKING:
    from storeops.app import App as Core
    from storeops.changes.jobs.progress import WorkLeft
    from storeops.limits.outlook import ApiUse
    from storeops.operations.health import Glance
    from tui.syncing import Syncing
    from tui.working import Working

RESTS = 5.0  # seconds after which ages and limits are read again though nothing was written
NEAR = 50  # percent of a limit from which it is worth a word
BAR = 12  # cells of the bar of work under way


@dataclass(frozen=True, slots=True)
class StatusSnapshot:
    """What a look found.

    Attributes:
        revision: of the mirror; grows with every change of facts.
        written: whether any connection has written since the look before.
    """

    revision: int
    written: bool


class StatusPoller:
    """What the status line says; read in the background, painted on the screen's thread.

    Args:
        core: the profile.
        syncing: the sync of this process.
        working: the worker of this process.
        to_jobs: opens the jobs.
    """

    def __init__(
        self, core: Core, syncing: Syncing, working: Working, to_jobs: Callable[[], object]
    ) -> None:
        self._core = core
        self._syncing = syncing
        self._working = working
        self._to_jobs = to_jobs
        self._left: list[Piece] = [Piece(" " + _("Looking …"), "dim")]
        self._right: list[Piece] = []
        self._version = -1  # of data.db, as the worker's connection sees it
        self._revision = 0
        self._at = float("-inf")

    def poll(self) -> StatusSnapshot:
        """Look at data and limits (background)."""
        from storeops.changes.jobs.progress import under_way
        from storeops.operations.health import glance

        core, started = self._core, time.monotonic()
        version = core.data.data_version
        written = version != self._version
        if not written and started - self._at < RESTS and not self._busy_for_long:
            return StatusSnapshot(self._revision, written=False)
        self._version, self._at = version, started
        core.look_at_clock()
        now = core.clock.now()
        seen = glance(core.data, now, core.settings.stale_after)
        work = under_way(core.ledger, core.governor)
        self._left = [*self._freshness(seen, now), *self._work(work)]
        self._right = limits_pieces(core.governor.snapshot())
        self._revision = seen.revision
        return StatusSnapshot(seen.revision, written)

    @property
    def _busy_for_long(self) -> bool:
        """Whether this process syncs or sends: the line then follows every second."""
        return self._syncing.running or self._working.running

    def _freshness(self, seen: Glance, now: float) -> list[Piece]:
        pieces = [Piece(" ")]
        if seen.oldest is None:
            pieces.append(Piece("! " + _("Never synced completely: 7 goes to Sync"), "warn"))
        else:
            text = _("Synced {age}").format(age=ago(seen.oldest, now))
            pieces.append(Piece("! " + _("stale") + " · " if seen.stale else "", "warn"))
            pieces.append(Piece(text, "warn" if seen.stale else ""))
            if seen.outcome is not None:
                tone = {"complete": "good", "partial": "warn", "failed": "bad"}[seen.outcome]
                pieces.append(Piece(" " + words.outcome(seen.outcome), tone))
        syncing = self._syncing
        if syncing.running:
            done, total = syncing.share()
            if total:
                pieces.append(Piece(" · " + gauge(done, total, BAR), "bright"))
            pieces.append(Piece(" " + syncing.line(), "bright"))
        elif seen.running:
            pieces.append(Piece(" · " + _("a sync is running"), "bright"))
        return pieces

    def _work(self, work: WorkLeft | None) -> list[Piece]:
        """Bar, count and time left of the calls under way."""
        if work is None:
            return []
        text = ngettext(
            "{done} of {calls} call",
            "{done} of {calls} calls",
            work.calls,
        ).format(done=f"{work.done:,}", calls=f"{work.calls:,}")
        if work.paused:
            text += " · " + _("paused")
        elif work.seconds and work.seconds >= 1:
            text += " · " + _("about {time}").format(time=span(work.seconds))
        to_jobs = self._to_jobs
        bar = gauge(work.done, work.calls, BAR)
        tone = "warn" if work.paused else "bright"
        return [Piece(" · " + bar, tone, to_jobs), Piece(" " + text, tone, to_jobs)]

    def left(self) -> list[Piece]:
        """Freshness and work."""
        return self._left

    def right(self) -> list[Piece]:
        """Limits and what holds back."""
        return self._right


def limits_pieces(uses: list[ApiUse]) -> list[Piece]:
    """What a limit holds back, or the API nearest to one; nothing while none is near."""
    held = next((use for use in uses if use.held_by), None)
    if held is not None:
        return [Piece(" ! " + words.held(held) + " ", "warn")]
    if not uses:
        return []
    busiest = max(uses, key=lambda use: use.minute / use.per_minute)
    share = busiest.minute * 100 // busiest.per_minute
    if share < NEAR:
        return []
    text = _("{share} % of the limit of {path}").format(
        share=share, path=words.short_path(busiest.path)
    )
    return [Piece(f" {text} ", "dim")]
