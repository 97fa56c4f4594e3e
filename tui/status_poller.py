"""The status line below every screen: freshness, work under way, and what holds it back.

Somebody looks once a second; only when SQLite says that another connection has written
(`PRAGMA data_version`), or some seconds have passed, is anything read.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storeops.durations import ago, span
from storeops.i18n import _
from tui import words
from tui.pictures import gauge
from tui.widgets.bars import Piece

if TYPE_CHECKING:
    from storeops.changes.jobs.progress import WorkLeft
    from storeops.limits.outlook import ApiUse
    from storeops.operations.health import Glance
    from tui.app import StoreOpsApp

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
    """What the status line says; measured in the background, painted on the screen's thread."""

    def __init__(self, app: StoreOpsApp) -> None:
        self._app = app
        self._left: list[Piece] = [Piece(" " + _("Looking …"), "dim")]
        self._right: list[Piece] = []
        self._version = -1  # of data.db, as the worker's connection sees it
        self._revision = 0
        self._at = float("-inf")

    def poll(self) -> StatusSnapshot:
        """Look at data and limits (background)."""
        from storeops.changes.jobs.progress import under_way
        from storeops.operations.health import glance

        core, started = self._app.core, time.monotonic()
        version = core.data.data_version
        written = version != self._version
        if not written and started - self._at < RESTS and not self._app.busy_for_long:
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
        syncing = self._app.syncing
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
        text = _("{done} of {calls} calls").format(done=f"{work.done:,}", calls=f"{work.calls:,}")
        if work.paused:
            text += " · " + _("paused")
        elif work.seconds and work.seconds >= 1:
            text += " · " + _("about {time}").format(time=span(work.seconds))
        to_jobs = self._app.opener(self._app.specs["jobs"])
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
        return [Piece(" ! " + held_words(held) + " ", "warn")]
    if not uses:
        return []
    busiest = max(uses, key=lambda use: use.minute / use.per_minute)
    share = busiest.minute * 100 // busiest.per_minute
    if share < NEAR:
        return []
    text = _("{share} % of the limit of {path}").format(share=share, path=_short(busiest.path))
    return [Piece(f" {text} ", "dim")]


def _short(path: str) -> str:
    """The end of a path, long enough to tell one `list` from the other."""
    parts = path.split("/")
    return "/".join(parts[-2:]) if parts[-1] in ("list", "get") else parts[-1]


def held_words(use: ApiUse) -> str:
    """What holds an API back, in words; "" when nothing does."""
    path = _short(use.path)
    return {
        "pause": _("{path} is paused for {span} (45009)").format(
            path=path, span=span(use.paused_s)
        ),
        "minute": _("{path}: {limit} calls a minute are used up").format(
            path=path, limit=f"{use.per_minute:,}"
        ),
        "hour": _("{path}: {limit} calls an hour are used up").format(
            path=path, limit=f"{use.per_hour:,}"
        ),
        "pool": _("{path}: {pool} at a time after a refusal (45033)").format(
            path=path, pool=use.pool
        ),
        "in_flight": _("{path}: {pool} calls at a time").format(path=path, pool=use.pool),
    }.get(use.held_by, "")
