"""Stores: shops with their members, customers, and how well they were read."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from storeops.durations import ago
from storeops.i18n import _
from storeops.reading.directory import ShopRow, shops
from tui.cells import shown
from tui.fields import fields
from tui.names import NameLookup
from tui.screens.listing import ListScreen
from tui.widgets.rows import Line, ListColumn


class StoresScreen(ListScreen):
    """Every shop."""

    def columns(self) -> list[ListColumn]:
        """Code, name, region, numbers, reading."""
        return [
            ListColumn("code", _("Code"), 10, keep=7, fit=True),
            ListColumn("name", _("Store"), 14, 3, keep=9, last=True),
            ListColumn("region", _("Region"), 10, 2, keep=4),
            ListColumn("members", _("Staff"), 6, right=True, keep=6),
            ListColumn("follows", _("Relations"), 9, right=True, keep=8),
            ListColumn("waiting", _("Unassigned"), 10, right=True, keep=5),
            ListColumn("read", _("Read"), 12, right=True, keep=5),
        ]

    def load(self) -> Sequence[Line]:
        """All shops (background)."""
        core = self.app.core
        now = core.clock.now()
        codes = self.app.shops()
        lines = []
        for row in shops(core.data, now - core.settings.stale_after):
            shop = codes.get(row.department_id)
            code = shop.code if shop else ""
            name = (shop.name if shop else "") or row.name
            region = (shop.region if shop else "") or row.region
            whole = row.complete_at is not None and not row.failed
            read = ago(row.complete_at, now) if row.complete_at else "! " + _("never read")
            if row.failed:
                read = "! " + _("{count} not read").format(count=row.failed)
            lines.append(
                Line(
                    row.department_id,
                    (
                        shown(code),
                        shown(name),
                        shown(region),
                        f"{row.members:,}",
                        f"{row.follows:,}",
                        f"{row.unassigned:,}" if row.unassigned else "",
                        read if row.members else "",
                    ),
                    "" if whole or not row.members else "warn",
                    row,
                )
            )
        return lines

    def card(self, line: Line) -> Content:
        """All about a shop."""
        row = line.data
        assert isinstance(row, ShopRow)
        now = self.app.core.clock.now()
        return fields(
            line.cells[1],
            [
                (_("Code"), line.cells[0]),
                (_("Department"), f"{row.department_id} {row.name}"),
                (_("Region"), line.cells[2]),
                (_("Staff"), f"{row.members:,}"),
                (_("Relations"), f"{row.follows:,}"),
                (_("Waiting for a new owner"), f"{row.unassigned:,}" if row.unassigned else ""),
                (_("Oldest reading"), ago(row.complete_at, now)),
                (_("Members whose reading failed"), str(row.failed) if row.failed else ""),
            ],
        )

    def filter_of(self, line: Line) -> str:
        """Customers of the shop."""
        return NameLookup(self.app.core.data).shop_filter(int(str(line.key)))

    def name_of(self, line: Line) -> str:
        """Its name is in the second column."""
        return line.cells[1]

    def command_line(self) -> str:
        """The command."""
        return "storeops store list"
