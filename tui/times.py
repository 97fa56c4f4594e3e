"""Ages as people read them; moments are `storeops.times`."""

from __future__ import annotations

from storeops.i18n import _


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
