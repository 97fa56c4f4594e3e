"""The marks of the customer list: one, a range, all that match; taken back, shown alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from storeops.i18n import _, ngettext
from tui.customer_repository import CustomerRepository, Look
from tui.screens.base import BaseScreen, ScreenPart
from tui.widgets.customer_list import CustomerList
from tui.widgets.rows import Line

STEP = 1000  # rows of a range read at once


class Marks(ScreenPart):
    """Marks customers, on behalf of a screen with a `CustomerList`.

    Args:
        screen: what it belongs to.
        shown: what the list shows.
        show: lets it show something else.
        counted: another number of customers carries a mark.

    Attributes:
        count: how many customers carry a mark.
    """

    def __init__(
        self,
        screen: BaseScreen,
        shown: Callable[[], Look],
        show: Callable[[Look], None],
        counted: Callable[[], None],
    ) -> None:
        super().__init__(screen)
        self._shown = shown
        self._show = show
        self._counted = counted
        self.count = 0

    @property
    def customers(self) -> CustomerRepository:
        """Customers and marks of the profile."""
        return self.app.customers

    @property
    def table(self) -> CustomerList:
        """The list."""
        return self.screen.query_one(CustomerList)

    def why_not(self, action: str) -> str:
        """Some must be marked, to be shown or not to be any more."""
        if action in ("unmark", "marked") and not self.count and not self._shown().marked_only:
            return _("No customer is marked; Space marks one, A all that match.")
        return ""

    def others_wrote(self) -> None:
        """Marks of another terminal."""
        self.screen.work(self.customers.marks, self.changed, worker="marks")

    def read(self) -> None:
        """Read how many customers carry a mark."""
        self.screen.work(self.customers.marks, self._is_now, worker="marks")

    def _is_now(self, count: int) -> None:
        self.count = count
        self._counted()

    def changed(self, count: int) -> None:
        """So many are marked now: show which."""
        self._is_now(count)
        if self._shown().marked_only:
            self.table.show(self.customers.rows(self._shown()), stay=True)
        else:
            self.table.reload()

    def do_mark(self) -> None:
        """Mark or unmark the row under the cursor, go down one; or mark the range."""
        rows = self.table
        if rows.range_from is not None:
            self.do_range()
            return
        if rows.line is not None:
            self.toggle_line(rows.line)
            rows.action_move(1)

    def toggle_line(self, line: Line) -> None:
        """Mark a row, or unmark it; it shows at once."""
        key = line.key
        assert isinstance(key, int)
        self.table.flip(key)
        self.toggle(key, self._is_now)

    def toggle(self, key: int, then: Callable[[int], None]) -> None:
        """Mark a customer that is not, unmark one that is; `then` takes how many are."""
        self.screen.work(lambda: self.customers.toggle([key]), then, worker="marks")

    def do_range(self) -> None:
        """Begin a range, or mark the one begun."""
        rows = self.table
        if rows.range_from is None:
            rows.range_from = rows.cursor
            rows.refresh()
            self.app.notify(_("Move to the other end, then v or Space. Esc gives it up."))
            return
        low, high = sorted((rows.range_from, rows.cursor))
        rows.range_from = None
        customers, look = self.customers, self._shown()

        def mark() -> int:
            source = customers.rows(look)
            keys: list[int] = []
            for start in range(low, high + 1, STEP):
                window = source.window(start, min(STEP, high + 1 - start))
                keys += [key for line in window.lines if isinstance(key := line.key, int)]
            return customers.mark(keys)  # at once: one change, which one undo takes back

        self.screen.work(mark, self.changed, worker="marks")

    def do_mark_all(self) -> None:
        """Mark all that match."""
        self.table.range_from = None
        customers, look = self.customers, self._shown()

        def then(count: int) -> None:
            self.changed(count)
            self.app.notify(
                ngettext(
                    "{count} customer is marked now; u takes it back.",
                    "{count} customers are marked now; u takes it back.",
                    count,
                ).format(count=f"{count:,}")
            )

        self.screen.work(lambda: customers.mark_all(look), then, worker="marks")

    def do_invert(self) -> None:
        """Turn the marks of all that match."""
        customers, look = self.customers, self._shown()
        self.screen.work(lambda: customers.invert(look), self.changed, worker="marks")

    def do_unmark(self) -> None:
        """Remove every mark."""

        def then(removed: int) -> None:
            self.changed(0)
            self.app.notify(
                ngettext(
                    "{count} mark removed; u takes it back.",
                    "{count} marks removed; u takes it back.",
                    removed,
                ).format(count=f"{removed:,}")
            )

        self.screen.work(self.customers.unmark_all, then, worker="marks")

    def do_undo_marks(self) -> None:
        """Take back the last change of marks."""

        def then(count: int | None) -> None:
            if count is None:
                self.app.notify(_("There is no change of marks to take back."))
            else:
                self.changed(count)

        self.screen.work(self.customers.undo_marks, then, worker="marks")

    def do_marked(self) -> None:
        """Only marked customers, or all again."""
        shown = self._shown()
        self._show(replace(shown, marked_only=not shown.marked_only))
