"""What transfer_result means for one attempt (doc 94088).

The list holds one row per attempt of a pair, or only the newest one, in no promised order, some
time late. So a row belongs to our newest attempt only when it cannot be an earlier one's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from storeops.changes.action import DONE, NO_RECORD, REFUSED, TAKER_FULL, VANISHED, WAITING

LATE_S = 600  # after which a row that does not show will not come (seconds past due)
SLACK_S = 120  # by which clocks and takeover_time may disagree, seconds
_HAPPENED, _WAITS, _REFUSED, _FULL, _NOTHING = 1, 2, 3, 4, 5
_NEGATIVE = {_REFUSED: REFUSED, _FULL: TAKER_FULL}
_CODES = {REFUSED: _REFUSED, TAKER_FULL: _FULL, NO_RECORD: _NOTHING, VANISHED: _NOTHING}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt stands: a row status, and the moment WeCom names (Unix seconds, 0 none)."""

    status: str
    at: float = 0.0


def resolve(
    rows: Sequence[tuple[int, int]],
    *,
    asked_at: float,
    due_at: float,
    earlier: Sequence[str],
    now: float,
) -> Outcome | None:
    """The outcome of the newest attempt for one customer; None while it cannot be told.

    Args:
        rows: (status, takeover_time) of every row of this customer in the pair's whole list.
        asked_at: when our newest attempt was accepted.
        due_at: when it happens by itself.
        earlier: row statuses of our settled attempts of the same pair, oldest first.
        now: WeCom's time, Unix seconds.
    """
    waits = [moment for status, moment in rows if status == _WAITS]
    if waits:
        return Outcome(WAITING, float(max(waits)))
    happened = [m for status, m in rows if status == _HAPPENED and m >= asked_at - SLACK_S]
    if happened:
        return Outcome(DONE, float(max(happened)))
    left = Counter(status for status, _moment in rows if status in (_REFUSED, _FULL, _NOTHING))
    left.subtract(_CODES[each] for each in earlier if each in _CODES)
    for status, word in _NEGATIVE.items():
        if left[status] > 0:
            return Outcome(word)
    if left[_NOTHING] > 0 and now >= due_at:
        return Outcome(NO_RECORD)
    if now < due_at + LATE_S:
        return None
    shown = {status for status, _moment in rows if status != _HAPPENED}
    if len(shown) == 1 and len(rows) <= len(earlier):  # only the newest attempt is listed
        return Outcome(_NEGATIVE.get(shown.pop(), NO_RECORD))
    return Outcome(NO_RECORD)
