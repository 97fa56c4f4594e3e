"""The one place where moments become text and text becomes moments, in one zone.

China's zone, as WeCom's console shows it, unless `time_zone` in config.toml or STOREOPS_TZ names
another. Programs read UTC (`iso`). What no clock can mean (0, negative, after the year 5138) is ""
for people; what came in milliseconds is taken for what it is.
"""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta, timezone, tzinfo

from storeops.clock import MOST_SECONDS, in_seconds
from storeops.errors import ConfigError
from storeops.i18n import _

DEFAULT = "Asia/Shanghai"
ENVIRONMENT = "STOREOPS_TZ"
# needs no table of zones: China has had no summer time since 1991, before WeCom
_CHINA = timezone(timedelta(hours=8), DEFAULT)
_zone: tzinfo | None = None


def find_zone(name: str) -> tzinfo:
    """The zone of an IANA name.

    Raises:
        ConfigError: there is none of that name.
    """
    if name == DEFAULT:
        return _CHINA
    from zoneinfo import ZoneInfo  # 3 ms, only for another zone

    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # ZoneInfoNotFoundError is a KeyError
        raise ConfigError(
            _("There is no time zone {name}.").format(name=name),
            hint=_("Write one as Asia/Shanghai or Asia/Tokyo: config time_zone, or STOREOPS_TZ."),
        ) from None


def use(name: str) -> None:
    """Show and read moments in the zone of this name; STOREOPS_TZ goes before.

    Raises:
        ConfigError: there is none of that name.
    """
    global _zone
    _zone = find_zone(os.environ.get(ENVIRONMENT) or name or DEFAULT)


def zone() -> tzinfo:
    """The zone in force."""
    if _zone is None:
        use("")
    assert _zone is not None
    return _zone


def fixed_offset() -> int | None:
    """Seconds east of UTC when the zone never changes them; None for one with summer time."""
    found = zone().utcoffset(None)
    return None if found is None else int(found.total_seconds())


def local(moment: float) -> datetime:
    """A moment (Unix seconds) in the zone; bounded by what a calendar can show."""
    if moment > MOST_SECONDS:
        moment = in_seconds(int(moment))
    return datetime.fromtimestamp(max(0.0, moment), zone())


def start(year: int, month: int = 1, day: int = 1, hour: int = 0, minute: int = 0) -> datetime:
    """A moment of the calendar in the zone.

    Raises:
        ValueError: the calendar has no such day.
    """
    return datetime(year, month, day, hour, minute, tzinfo=zone())


def midnight(moment: float) -> datetime:
    """The beginning of the day that holds a moment."""
    return local(moment).replace(hour=0, minute=0, second=0, microsecond=0)


def _text(moment: float | None, form: str) -> str:
    return local(moment).strftime(form) if moment and moment > 0 else ""


def month(moment: float | None) -> str:
    """2026-05; "" for none."""
    return _text(moment, "%Y-%m")


def day(moment: float | None) -> str:
    """2026-05-01; "" for none."""
    return _text(moment, "%Y-%m-%d")


def minute(moment: float | None) -> str:
    """2026-05-01 14:32; "" for none."""
    return _text(moment, "%Y-%m-%d %H:%M")


def second(moment: float | None) -> str:
    """2026-05-01 14:32:07; "" for none."""
    return _text(moment, "%Y-%m-%d %H:%M:%S")


def stamp(moment: float) -> str:
    """20260501-143207, for names of files."""
    return _text(moment, "%Y%m%d-%H%M%S")


def iso(moment: float | None) -> str | None:
    """For programs: 2026-05-01T01:30:00Z; None stays None."""
    if moment is None:
        return None
    if moment > MOST_SECONDS:
        moment = in_seconds(int(moment))
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(max(0.0, moment)))


def seconds_of(text: str) -> float:
    """Unix seconds of what `iso` wrote."""
    return datetime.fromisoformat(text).timestamp()
