"""Words of the mirror in the user's language: statuses, scopes, outcomes."""

from __future__ import annotations

from storeops.i18n import _


def status(name: str) -> str:
    """A follow's, member's or group's status."""
    return {
        "active": _("active"), "missing": _("missing"), "lost": _("lost"),
        "handed_over": _("handed over"),
        "unassigned": _("unassigned"), "out_of_scope": _("out of scope"), "left": _("left"),
        "dissolved": _("dissolved"),
    }.get(name, name)  # fmt: skip


def outcome(name: str | None) -> str:
    """How a run or scope ended, with a sign, so that colour is never the only one."""
    return {
        None: "… " + _("open"), "complete": "✓ " + _("complete"), "partial": "◐ " + _("partial"),
        "failed": "✗ " + _("failed"),
    }.get(name, name or "")  # fmt: skip


def tone(name: str | None) -> str:
    """The tone of an outcome."""
    return {"partial": "warn", "failed": "bad"}.get(name or "", "")
