"""Moments and ages as people read them. WeCom's day is Beijing's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from storeops.i18n import _

BEIJING = timezone(timedelta(hours=8))


def day(at: float | None) -> str:
    """2026-05-01, "" for none."""
    return datetime.fromtimestamp(at, UTC).astimezone(BEIJING).strftime("%Y-%m-%d") if at else ""


def moment(at: float | None) -> str:
    """2026-05-01 14:32, "" for none."""
    if not at:
        return ""
    return datetime.fromtimestamp(at, UTC).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M")


def clock(at: float) -> str:
    """2026-05-01 14:32:07."""
    return datetime.fromtimestamp(at, UTC).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def span(seconds: float) -> str:
    """A length of time in its largest unit: `40 s`, `12 min`, `5 h`, `3 days`."""
    seconds = max(0, int(seconds))
    if seconds < 90:
        return _("{count} s").format(count=seconds)
    if seconds < 90 * 60:
        return _("{count} min").format(count=seconds // 60)
    if seconds < 48 * 3600:
        return _("{count} h").format(count=seconds // 3600)
    return _("{count} days").format(count=seconds // 86400)


def ago(at: float | None, now: float) -> str:
    """`12 min ago`; `never` for none."""
    if not at:
        return _("never")
    return _("{span} ago").format(span=span(now - at))
