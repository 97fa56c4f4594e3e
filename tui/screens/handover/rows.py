"""Givers, takers and waiting pairs as the handover desk lists them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from storeops.durations import span
from storeops.i18n import _
from storeops.times import minute
from tui.cells import shown
from tui.widgets.rows import Line, ListColumn, RowCount, TableRows, Window

if TYPE_CHECKING:
    from storeops.domains.handover.options import Owner, PossibleOwner
    from storeops.domains.handover.report import Waiting

SOON = 60  # days from which a leaver's deadline is near


class ChosenHandover(TableRows):
    """Rows of which some carry a mark."""

    def __init__(self, lines: Sequence[Line], chosen: Iterable[str]) -> None:
        super().__init__(lines)
        self.chosen = frozenset(chosen)

    def window(self, start: int, count: int) -> Window:
        """Rows from `start` on."""
        lines = self.lines[start : start + count]
        return Window(
            start, lines, frozenset(line.key for line in lines if line.key in self.chosen)
        )

    def count(self, cap: int | None) -> RowCount:
        """All of them."""
        return RowCount(len(self.lines))


def from_owner_columns() -> list[ListColumn]:
    """Who gives."""
    return [
        ListColumn("name", _("Giver"), 10, 2, keep=9),
        ListColumn("store", _("Store"), 8, 2, keep=3),
        ListColumn("days", _("Days left"), 9, right=True, keep=8),
        ListColumn("customers", _("Customers"), 9, right=True, keep=7),
        ListColumn("groups", _("Groups"), 6, right=True, keep=6),
    ]


def to_owner_columns() -> list[ListColumn]:
    """Who could take."""
    return [
        ListColumn("name", _("Taker"), 10, 2, keep=9),
        ListColumn("load", _("Load"), 7, right=True, keep=8),
        ListColumn("capacity", _("May have"), 8, right=True, keep=5),
        ListColumn("room", _("Free"), 7, right=True, keep=7),
        ListColumn("why", _("Can take over"), 15, 4, keep=8),
    ]


def waiting_columns() -> list[ListColumn]:
    """Pairs that wait for WeCom's answer."""
    return [
        ListColumn("from", _("From"), 10, 2, keep=8),
        ListColumn("to", _("To"), 10, 2, keep=9),
        ListColumn("what", _("What"), 10, 1, keep=4),
        ListColumn("rows", _("Waiting"), 7, right=True, keep=8),
        ListColumn("due", _("First answer due"), 16, keep=3),
        ListColumn("in", _("In"), 12, right=True, keep=9),
    ]


def from_owner(owner: Owner) -> Line:
    """A giver as a row; a near deadline carries a sign."""
    days = owner.days_left
    near = days is not None and days < SOON
    late = days is not None and days < 1
    text = "" if days is None else ("! " if near else "") + f"{days:,}"
    if late:
        text = _("too late")
    return Line(
        owner.userid,
        (
            shown(owner.name or owner.userid),
            shown(owner.store),
            text if owner.left else _("on staff"),
            f"{owner.customers:,}",
            f"{owner.group_chats:,}",
        ),
        "gone" if late else "warn" if near else "",
        owner,
    )


def to_owner(owner: PossibleOwner) -> Line:
    """A taker as a row: load, room, and whether anything stands in the way."""
    return Line(
        owner.userid,
        (
            shown(owner.name or owner.userid),
            f"{owner.load:,}",
            f"{owner.capacity:,}",
            f"{owner.room:,}",
            ("✗ " + shown(owner.why_not)) if owner.why_not else "✓ " + _("yes"),
        ),
        "gone" if owner.why_not else "",
        owner,
    )


def waiting(pair: Waiting, now: float, names: Mapping[str, str]) -> Line:
    """A pair that waits, with the time until its first answer is due.

    Args:
        pair: whose customers or groups, to whom.
        now: WeCom's time, Unix seconds.
        names: userid → name.
    """
    left = pair.due_at - now
    return Line(
        (pair.handover_userid, pair.takeover_userid, pair.what, pair.kind),
        (
            shown(names.get(pair.handover_userid) or pair.handover_userid),
            shown(names.get(pair.takeover_userid) or pair.takeover_userid),
            _("group chats") if pair.what == "group" else _("customers"),
            f"{pair.rows:,}",
            minute(pair.due_at),
            span(left) if left > 0 else "! " + _("due now"),
        ),
        "" if left > 0 else "warn",
        pair,
    )
