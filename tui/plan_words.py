"""Words of plans, rows and jobs in the user's language, each with a sign beside its colour."""

from __future__ import annotations

from collections.abc import Mapping

from storeops.i18n import _
from storeops.terms import term

_BAD = ("blocked", "failed", "refused", "taker_full", "no_record", "vanished")
_OPEN = ("queued", "sending", "waiting", "unknown")


def sign(status: str) -> str:
    """The sign of a row's, job's or plan's status."""
    if status in ("done", "succeeded"):
        return "✓"
    if status in ("blocked", "failed", "refused", "taker_full", "no_record", "vanished", "expired"):
        return "✗"
    if status in ("undone", "cancelled"):
        return "–"
    if status in ("partly", "unknown"):
        return "!"
    if status in (*_OPEN, "running"):
        return "…"
    if status == "paused":
        return "‖"
    return "·"


def row_status(name: str) -> str:
    """A row's status."""
    return f"{sign(name)} {term('row', name)}"


def job_status(name: str, held: int = 0) -> str:
    """A job's status; a queued one may be held by a pause."""
    if held and name == "queued":
        name = "paused"
    return f"{sign(name)} {term('job', name)}"


def state(name: str) -> str:
    """What a plan is doing."""
    return f"{sign(name)} {term('plan', name)}"


def tone(status: str) -> str:
    """The tone of a row's, job's or plan's status."""
    if status in _BAD or status == "expired":
        return "bad"
    if status in ("partly", "unknown", "paused"):
        return "warn"
    return "gone" if status in ("cancelled", "undone") else ""


def tally(rows: Mapping[str, int]) -> str:
    """Rows per status on one line."""
    return "  ".join(f"{row_status(name)} {count:,}" for name, count in rows.items())


def held_by(reason: str) -> str:
    """What holds a plan back."""
    return {
        "pause": _("paused by WeCom (45009)"), "minute": _("minute limit"),
        "hour": _("hour limit"), "pool": _("fewer calls at a time (45033)"),
        "in_flight": _("limit of calls at the same moment"),
    }.get(reason, "")  # fmt: skip
