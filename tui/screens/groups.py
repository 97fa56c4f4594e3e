"""Groups: customer group chats, their owners and members."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from storeops.i18n import _
from storeops.reading.directory import GroupRow, chats
from storeops.reading.filter import quoted
from storeops.terms import term
from storeops.times import day, minute
from tui.cells import shown
from tui.fields import fields
from tui.screens.listing import ListScreen
from tui.widgets.rows import Line, ListColumn


class GroupsScreen(ListScreen):
    """Every group chat."""

    def columns(self) -> list[ListColumn]:
        """Name, owner, members."""
        return [
            ListColumn("name", _("Group chat"), 16, 3, keep=9),
            ListColumn("owner", _("Group owner"), 10, 2, keep=8),
            ListColumn("members", _("Members"), 8, right=True, keep=7),
            ListColumn("customers", _("Customers"), 9, right=True, keep=6),
            ListColumn("created", _("Created"), 10, keep=4),
            ListColumn("status", _("Status"), 12, keep=5),
        ]

    def load(self) -> Sequence[Line]:
        """All group chats (background)."""
        lines = []
        for row in chats(self.app.core.data):
            status = term("group", row.status)
            if row.gone and row.status == "active":
                status = "! " + _("owner left")
            lines.append(
                Line(
                    row.chat_id,
                    (
                        shown(row.name) or _("(no name)"),
                        shown(row.owner or row.owner_userid),
                        f"{row.members:,}",
                        f"{row.customers:,}",
                        day(row.create_time),
                        status,
                    ),
                    "gone" if row.status != "active" else "warn" if row.gone else "",
                    row,
                )
            )
        return lines

    def card(self, line: Line) -> Content:
        """All about a group chat."""
        row = line.data
        assert isinstance(row, GroupRow)
        return fields(
            line.cells[0],
            [
                (_("Group owner"), row.owner or row.owner_userid),
                (_("Status"), line.cells[5]),
                (_("Created"), minute(row.create_time)),
                (_("Members"), f"{row.members:,}"),
                (_("Customers"), f"{row.customers:,}"),
                (_("Notice"), row.notice),
                (_("Group id"), row.chat_id),
                (_("Owner id"), row.owner_userid if row.owner else ""),
            ],
        )

    def filter_of(self, line: Line) -> str:
        """Customers in the group."""
        return "group:" + quoted(str(line.key))

    def command_line(self) -> str:
        """The command."""
        return "storeops group list"
