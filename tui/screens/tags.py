"""Tags: the library by group, and how many customers carry each."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from storeops.i18n import _
from storeops.reading.directory import TagRow, tags
from tui.cells import chip, shown
from tui.fields import fields
from tui.names import NameLookup
from tui.screens.listing import ListScreen
from tui.widgets.rows import Line, ListColumn


class TagsScreen(ListScreen):
    """The library of corp tags."""

    def columns(self) -> list[ListColumn]:
        """Group, name, use."""
        return [
            ListColumn("group", _("Group"), 14, 2, keep=8),
            ListColumn("name", _("Tag"), 14, 3, keep=9),
            ListColumn("follows", _("Relations"), 9, right=True, keep=7),
            ListColumn("kind", _("Kind"), 10, keep=4),
            ListColumn("tag_id", _("Tag id"), 36, keep=3, tone="dim", fit=True),
        ]

    def load(self) -> Sequence[Line]:
        """All tags (background)."""
        return [
            Line(
                row.tag_id,
                (
                    shown(row.group),
                    shown(row.name),
                    f"{row.follows:,}",
                    self._kind(row),
                    shown(row.tag_id),
                ),
                "gone" if row.deleted else "",
                row,
                {1: [(shown(row.name), chip(row.group))]},
            )
            for row in tags(self.app.core.data)
        ]

    @staticmethod
    def _kind(row: TagRow) -> str:
        if row.deleted:
            return _("deleted")
        return _("strategy") if row.kind == 3 else _("corp tag")

    def card(self, line: Line) -> Content:
        """All about a tag."""
        row = line.data
        assert isinstance(row, TagRow)
        return fields(
            line.cells[1],
            [
                (_("Group"), row.group),
                (_("Kind"), self._kind(row)),
                (_("Follows that carry it"), f"{row.follows:,}"),
                (_("Tag id"), row.tag_id),
            ],
        )

    def filter_of(self, line: Line) -> str:
        """Customers with the tag."""
        return NameLookup(self.app.core.data).tag_filter(str(line.key))

    def name_of(self, line: Line) -> str:
        """Its name is in the second column."""
        return line.cells[1]

    def command_line(self) -> str:
        """The command."""
        return "storeops tag list"
