"""Staff: members, their shops, how many customers they follow, when they were last read."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from storeops.durations import ago
from storeops.i18n import _
from storeops.reading.directory import MemberRow, department_names, members
from storeops.terms import term
from storeops.times import day, minute
from tui.cells import shown
from tui.fields import fields
from tui.names import NameLookup
from tui.screens.listing import ListScreen
from tui.widgets.rows import Line, ListColumn


class StaffScreen(ListScreen):
    """Everybody of the mirror."""

    def columns(self) -> list[ListColumn]:
        """Name, id, shop, numbers, reading."""
        return [
            ListColumn("name", _("Name"), 10, 1, keep=9),
            ListColumn("userid", _("User id"), 16, keep=4, tone="dim", fit=True),
            ListColumn("store", _("Store"), 12, 3, keep=6, last=True),
            ListColumn("status", _("Status"), 8, keep=5),
            ListColumn("follows", _("Relations"), 9, right=True, keep=8),
            ListColumn("waiting", _("Unassigned"), 10, right=True, keep=4, fit=True),
            ListColumn("read", _("Read"), 12, right=True, keep=3),
        ]

    def load(self) -> Sequence[Line]:
        """All members (background)."""
        core = self.app.core
        names = department_names(core.data)
        now = core.clock.now()
        lines = []
        for row in members(core.data):
            read = ago(row.complete_at, now) if row.contact else _("no contact")
            if row.failed is not None:
                read = f"! {row.failed}"
            lines.append(
                Line(
                    row.userid,
                    (
                        shown(row.name or row.userid),
                        shown(row.userid),
                        shown(names.get(row.store_id, "")),
                        term("staff", row.status),
                        f"{row.follows:,}",
                        f"{row.unassigned:,}" if row.unassigned else "",
                        read,
                    ),
                    "gone" if row.status != "active" else "warn" if row.failed is not None else "",
                    (row, names.get(row.store_id, "")),
                )
            )
        return lines

    def card(self, line: Line) -> Content:
        """All about a member."""
        assert isinstance(line.data, tuple)
        row: MemberRow = line.data[0]
        store: str = line.data[1]
        now = self.app.core.clock.now()
        failed = ""
        if row.failed is not None:
            failed = _("errcode {code}; the mirror keeps what it knew").format(code=row.failed)
        return fields(
            shown(row.name or row.userid),
            [
                (_("Position"), row.position),
                (_("Store"), store),
                (_("Status"), term("staff", row.status)),
                (_("Left"), day(row.left_at)),
                (_("Customer contact"), _("on") if row.contact else _("off")),
                (_("Customers"), f"{row.follows:,}"),
                (_("Waiting for a new owner"), f"{row.unassigned:,}" if row.unassigned else ""),
                (
                    _("Read completely"),
                    f"{minute(row.complete_at)} {ago(row.complete_at, now)}".strip(),
                ),
                (_("Last reading failed"), failed),
                (_("User id"), row.userid),
            ],
        )

    def filter_of(self, line: Line) -> str:
        """Their customers."""
        return NameLookup(self.app.core.data).member_filter(str(line.key))

    def command_line(self) -> str:
        """The command."""
        return "storeops staff list"
