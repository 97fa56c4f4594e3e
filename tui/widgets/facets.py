"""The facets: values with live counts, one heading per kind; Enter narrows the list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer

from storeops.i18n import _
from tui.background import BackgroundWorker
from tui.cells import shown
from tui.customer_repository import CustomerRepository, FacetRows, Look
from tui.widgets.rows import Line, ListColumn, TableRows
from tui.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from tui.app import StoreOpsApp


VALUES = 12  # of a kind, shown at first
REST = 0.3  # seconds without a change before facets are counted
PAINTED = 0.1  # seconds between two paintings


def toggled(where: str, token: str) -> str:
    """`where` with `token` added, or taken out when it is there."""
    padded = f" {where} "
    if f" {token} " in padded:
        return padded.replace(f" {token} ", " ", 1).strip()
    return f"{where} {token}".strip()


class FacetPane(Vertical):
    """The pane of facets."""

    class Chosen(Message):
        """A value was chosen.

        Args:
            where: the filter it makes.
        """

        def __init__(self, where: str) -> None:
            super().__init__()
            self.where = where

    def __init__(self, reader: BackgroundWorker, counter: BackgroundWorker, *, id: str) -> None:
        super().__init__(id=id)
        self._list_workers = reader, counter
        self._kinds: dict[str, list[FacetRows]] = {}
        self._counted: list[str] = []  # those of the filter at hand; another list for each count
        self._open: set[str] = set()  # kinds of which every value is shown
        self._where = ""
        self._timer: Timer | None = None
        self._painted: Timer | None = None  # a moment ago: what comes meanwhile waits for its end
        self._fresh = True  # whether all that came is painted

    def compose(self) -> ComposeResult:
        """One list."""
        names = ListColumn("name", "", 12, 1, last=True)
        counts = ListColumn("count", "", 7, right=True)
        yield VirtualList([names, counts], *self._list_workers, id="facets", one_click=True)

    @property
    def table(self) -> VirtualList:
        """The list of values."""
        return self.query_one(VirtualList)

    @property
    def has_keys(self) -> bool:
        """Whether the keys go to the pane."""
        return self.screen.focused is self.table  # `has_focus` may be stale after another screen

    def focus_list(self) -> None:
        """Take the keys."""
        self.table.focus()

    def load(self, app: StoreOpsApp, customers: CustomerRepository, look: Look) -> None:
        """Count again for another filter; kinds appear as they are counted."""
        self._where, self._counted = look.where, []
        if self._timer is not None:
            self._timer.stop()
        # while somebody types, rows come first
        self._timer = self.set_timer(REST, lambda: self._count(app, customers, look))

    def _count(self, app: StoreOpsApp, customers: CustomerRepository, look: Look) -> None:
        counted = self._counted

        def count() -> None:
            for facets in customers.facets(look):
                app.call_later(self._put, counted, facets)
            app.call_later(self._all_came, counted)

        app.background("facets").submit(
            count, lambda _none: None, app.failed, key="facets", stop=customers.stop_facets
        )

    def _put(self, counted: list[str], facets: list[FacetRows]) -> None:
        if self._at_hand(counted) and facets:
            kind = facets[0].kind
            self._kinds[kind] = facets
            counted.append(kind)
            self._show_soon()

    def _all_came(self, counted: list[str]) -> None:
        if self._at_hand(counted):
            self._kinds = {kind: self._kinds[kind] for kind in counted}
            self._show_soon()

    def _at_hand(self, counted: list[str]) -> bool:
        """Not of a count that was stopped (the next one may be of the same filter), nor while all
        is taken down, when the list is gone."""
        return counted is self._counted and self.app.is_running

    def _show_soon(self) -> None:
        """Paint at once, but not for each of many kinds that come one after the other."""
        self._fresh = False
        if self._painted is None:
            self._paint()
            self._painted = self.set_timer(PAINTED, self._paint_rest)

    def _paint_rest(self) -> None:
        self._painted = None
        if not self._fresh:
            self._show_soon()

    def _paint(self) -> None:
        self._fresh = True
        lines: list[Line] = []
        padded = f" {self._where} "
        for kind in dict.fromkeys([*self._counted, *self._kinds]):
            values = self._kinds[kind]
            lines.append(Line(("", kind), (values[0].title, ""), "head"))
            lines += self._values(kind, values, padded)
        self.table.show(TableRows(lines), stay=True)

    def _values(self, kind: str, values: list[FacetRows], padded: str) -> list[Line]:
        lines: list[Line] = []
        most = len(values) if kind in self._open else VALUES
        known = kind in self._counted
        for at, facet in enumerate(values):
            if at >= most and f" {facet.token} " not in padded:
                continue
            # what is not counted yet stays where it was, so that nothing moves under the hand
            number = f"{facet.count:,}" if known else ""
            chosen = f" {facet.token} " in padded
            name = ("• " if chosen else "  ") + shown(facet.name)
            lines.append(
                Line((kind, facet.token), (name, number), "chosen" if chosen else "", facet)
            )
        if len(values) > most:
            text = "  " + _("… {count} more").format(count=f"{len(values) - most:,}")
            lines.append(Line(("more", kind), (text, ""), "gone", kind))
        return lines

    @on(VirtualList.Opened)
    def _opened(self, event: VirtualList.Opened) -> None:
        event.stop()
        if event.line is None:
            return
        if isinstance(event.line.data, FacetRows):
            self.post_message(self.Chosen(toggled(self._where, event.line.data.token)))
        elif isinstance(event.line.data, str):  # the kind of which there are more
            self._open.add(event.line.data)
            self._paint()

    @on(VirtualList.Moved)
    def _moved(self, event: VirtualList.Moved) -> None:
        event.stop()
        if self.table.cursor == 0 and self.table.total > 1:
            self.table.go_to(1)  # the first row is a heading, which cannot be chosen

    @on(VirtualList.Counted)
    @on(VirtualList.Gutter)
    def _quiet(self, event: Message) -> None:
        event.stop()
