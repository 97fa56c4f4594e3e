"""Which backups stay: the newest of each of the last days, weeks, months and years.

Only the dated files that `storeops db backup` itself has named are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from storeops.database.backup import inbox_beside
from storeops.errors import UsageError
from storeops.i18n import _

_RULE = re.compile(r"(\d{1,4})([dwmy])\Z")
_NAME = re.compile(r"data-(\d{8}-\d{6})(?:-(\d+))?\.db\Z")
_SPANS: dict[str, Callable[[datetime], tuple[int, ...]]] = {
    "d": lambda day: (day.year, day.month, day.day),
    "w": lambda day: day.isocalendar()[:2],
    "m": lambda day: (day.year, day.month),
    "y": lambda day: (day.year,),
}

Rotation = tuple[tuple[int, str], ...]


def rotation(text: str) -> Rotation:
    """The rule of a text like 7d,4w,12m: how many of the last days, weeks, months, years.

    Raises:
        UsageError: it is none.
    """
    found = []
    for part in text.lower().split(","):
        match = _RULE.match(part.strip())
        if match is None or not int(match[1]):
            raise UsageError(
                _("--keep: “{text}” is not understood.").format(text=text),
                hint=_("Like 7d,4w,12m: one for each of the last 7 days, 4 weeks, 12 months."),
            )
        found.append((int(match[1]), match[2]))
    return tuple(found)


def moment_of(backup: Path) -> datetime | None:
    """When a backup was made, by its name, in the zone of the settings; None for other files."""
    match = _NAME.match(backup.name)
    try:
        return datetime.strptime(match[1], "%Y%m%d-%H%M%S") if match else None
    except ValueError:
        return None


def backups(folder: Path) -> list[Path]:
    """The dated backups of a folder, newest first."""
    found = [each for each in folder.glob("data-*.db") if moment_of(each)]
    return sorted(found, key=_order, reverse=True)


def _order(backup: Path) -> tuple[str, int]:
    """By moment; those of one second by their number."""
    match = _NAME.match(backup.name)
    assert match is not None
    return match[1], int(match[2] or 1)


def surplus(found: Sequence[Path], rule: Rotation) -> list[Path]:
    """What a rule does not keep, oldest first; the newest always stays.

    Args:
        found: as `backups` gives them.
        rule: as `rotation` reads it.
    """
    kept = set(found[:1])
    for count, unit in rule:
        newest: dict[tuple[int, ...], Path] = {}
        for each in found:
            moment = moment_of(each)
            assert moment is not None
            newest.setdefault(_SPANS[unit](moment), each)
        kept.update(list(newest.values())[:count])
    return [each for each in reversed(found) if each not in kept]


def rotate(folder: Path, rule: Rotation) -> list[str]:
    """Remove what a rule does not keep; returns the paths of the copies of data.db."""
    removed = surplus(backups(folder), rule)
    for each in removed:
        for part in (each, inbox_beside(each)):
            part.unlink(missing_ok=True)
    return [str(each) for each in removed]
