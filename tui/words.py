"""Words of the mirror in the user's language: outcomes; and of what holds an API back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storeops.durations import span
from storeops.i18n import _, plural

if TYPE_CHECKING:
    from storeops.limits.outlook import ApiUse


def outcome(name: str | None) -> str:
    """How a run or scope ended, with a sign, so that colour is never the only one."""
    return {
        None: "… " + _("open"), "complete": "✓ " + _("complete"), "partial": "◐ " + _("partial"),
        "failed": "✗ " + _("failed"),
    }.get(name, name or "")  # fmt: skip


def tone(name: str | None) -> str:
    """The tone of an outcome."""
    return {"partial": "warn", "failed": "bad"}.get(name or "", "")


def short_path(path: str) -> str:
    """The end of a path, long enough to tell one `list` from the other."""
    parts = path.split("/")
    return "/".join(parts[-2:]) if parts[-1] in ("list", "get") else parts[-1]


def held(use: ApiUse) -> str:
    """What holds an API back, in words; "" when nothing does."""
    path = short_path(use.path)
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
        "in_flight": plural(
            "{path}: {count} call at a time", "{path}: {count} calls at a time", use.pool, path=path
        ),
    }.get(use.held_by, "")
