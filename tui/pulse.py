"""The line of freshness and limits below every screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storeops.durations import ago, span
from storeops.i18n import _
from tui import words
from tui.widgets.bars import Piece

if TYPE_CHECKING:
    from storeops.limits.outlook import ApiUse
    from storeops.operations.health import Beat
    from tui.app import StoreOpsApp


class Pulse:
    """What the status line says; measured in a lane, painted on the screen's thread."""

    def __init__(self, house: StoreOpsApp) -> None:
        self._house = house
        self._left: list[Piece] = [Piece(" " + _("Looking at the mirror …"), "dim")]
        self._right: list[Piece] = []

    def measure(self) -> int:
        """Look at the mirror and the limits; returns the mirror's revision (lane)."""
        from storeops.operations.health import beat

        core = self._house.core
        core.look_at_clock()
        now = core.clock.now()
        seen = beat(core.data, now, core.settings.stale_after)
        self._left = self._freshness(seen, now)
        self._right = limits_pieces(core.governor.snapshot())
        return seen.revision

    def _freshness(self, seen: Beat, now: float) -> list[Piece]:
        pieces = [Piece(" ")]
        if seen.oldest is None:
            pieces.append(Piece("! " + _("Never synced completely: 7 goes to Sync"), "warn"))
        else:
            text = _("Mirror {age}").format(age=ago(seen.oldest, now))
            pieces.append(Piece("! " + _("stale") + " · " if seen.stale else "", "warn"))
            pieces.append(Piece(text, "warn" if seen.stale else ""))
            if seen.outcome is not None:
                tone = {"complete": "good", "partial": "warn", "failed": "bad"}[seen.outcome]
                pieces.append(Piece(" " + words.outcome(seen.outcome), tone))
        progress = self._house.syncing.line()
        if progress:
            pieces.append(Piece(" · " + progress, "key"))
        elif seen.running:
            pieces.append(Piece(" · " + _("a sync is running"), "key"))
        return pieces

    def left(self) -> list[Piece]:
        """Freshness."""
        return self._left

    def right(self) -> list[Piece]:
        """Limits and what holds back."""
        return self._right


def limits_pieces(uses: list[ApiUse]) -> list[Piece]:
    """The API nearest to a limit, as pieces of a bar."""
    if not uses:
        return [Piece(" " + _("limits free") + " ", "dim")]
    held = next((use for use in uses if use.held_by), None)
    if held is not None:
        return [Piece(" ! " + held_words(held) + " ", "warn")]
    busiest = max(uses, key=lambda use: use.minute / use.per_minute)
    share = busiest.minute * 100 // busiest.per_minute
    text = _("limits {share} % of {path}").format(share=share, path=_short(busiest.path))
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
