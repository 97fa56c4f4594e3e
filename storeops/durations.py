"""Lengths of time: as people write them (90s, 30m, 24h, 7d), and as they read them."""

from __future__ import annotations

import re

from storeops.errors import UsageError
from storeops.i18n import _

_DURATION = re.compile(r"(\d+)([smhd])\Z")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(text: str) -> int:
    """Seconds of a duration like 90s, 30m, 24h or 7d.

    Raises:
        UsageError: it is not one.
    """
    match = _DURATION.match(text.strip().lower())
    if match is None:
        raise UsageError(
            _("{text} is not a duration.").format(text=text),
            hint=_("Write a number and a unit: 90s, 30m, 24h or 7d."),
        )
    return int(match[1]) * _SECONDS[match[2]]


def duration(value: int) -> str:
    """`seconds` turned round: the shortest writing of a number of seconds; 24h stays 24h."""
    for unit in ("d", "h", "m"):
        if value and value % _SECONDS[unit] == 0 and (unit != "d" or value > _SECONDS["d"]):
            return f"{value // _SECONDS[unit]}{unit}"
    return f"{value}s"


def span(seconds: float) -> str:
    """A length of time for people, in its two largest units: 3 h 20 min, 45 s; 2 d when even."""
    total = max(0, round(seconds))
    for least, unit in ((3600, 60), (86400, 3600)):  # to the unit shown last: 23:59:58 is 1 d
        if total >= least:
            total = (total + unit // 2) // unit * unit
    parts = [
        (total // 86400, _("{count} d")),
        (total // 3600 % 24, _("{count} h")),
        (total // 60 % 60, _("{count} min")),
        (total % 60, _("{count} s")),
    ]
    first = next((at for at, (count, _unit) in enumerate(parts) if count), len(parts) - 1)
    shown = [
        unit.format(count=count)
        for at, (count, unit) in enumerate(parts[first : first + 2])
        if count or not at
    ]
    return " ".join(shown)


def ago(at: float | None, now: float) -> str:
    """`3 h 20 min ago`; `never` for none. Both are Unix seconds."""
    if not at:
        return _("never")
    return _("{span} ago").format(span=span(now - at))
