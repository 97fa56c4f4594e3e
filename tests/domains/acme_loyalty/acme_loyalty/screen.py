"""The screen."""

from tui.cells import shown
from tui.fields import fields
from tui.screens.listing import ListScreen
from tui.widgets.rows import Line, ListColumn


class LoyaltyScreen(ListScreen):
    """Everybody with points."""

    NAME = "loyalty"

    def columns(self):
        """Id and points."""
        return [ListColumn("id", "Id", 32, 1), ListColumn("points", "Points", 8, right=True)]

    def load(self):
        """All of them."""
        rows = self.app.core.data.execute("SELECT external_userid, points FROM loyalty_points")
        return [Line(who, (shown(who), str(points)), "", points) for who, points in rows]

    def card(self, line):
        """One of them."""
        return fields(shown(str(line.key)), [("Points", str(line.data))])

    def command_line(self):
        """The command."""
        return "storeops loyalty list"
