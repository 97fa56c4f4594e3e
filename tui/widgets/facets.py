"""The facets: values with live counts, one heading per kind; Enter narrows the list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer

from storeops.i18n import _
from tui.book import CustomerBook, FacetRows, Look
from tui.cells import shown
from tui.lanes import Lane
from tui.widgets.rows import Column, Line, TableRows
from tui.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from tui.app import StoreOpsApp


REST = 0.3  # seconds without a change before facets are counted


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

    def __init__(self, lane: Lane, counter: Lane, *, id: str) -> None:
        super().__init__(id=id)
        self._lanes = lane, counter
        self._facets: list[FacetRows] = []
        self._where = ""
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """One list."""
        names = Column("name", _("Facets"), 12, 1)
        counts = Column("count", "", 7, right=True)
        yield VirtualList([names, counts], *self._lanes, id="facets")

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

    def load(self, house: StoreOpsApp, book: CustomerBook, look: Look) -> None:
        """Count again for another filter; kinds appear as they are counted."""
        self._where = look.where
        if self._timer is not None:
            self._timer.stop()
        # while somebody types, rows come first
        self._timer = self.set_timer(REST, lambda: self._count(house, book, look))

    def _count(self, house: StoreOpsApp, book: CustomerBook, look: Look) -> None:
        counted: list[FacetRows] = []

        def count() -> None:
            for facets in book.facets(look):
                counted.extend(facets)
                house.call_later(self._put, look, list(counted))

        house.lane("facets").submit(
            count, lambda _none: None, house.failed, slot="facets", stop=book.stop_facets
        )

    def _put(self, look: Look, facets: list[FacetRows]) -> None:
        if look.where != self._where or not self.is_mounted:
            return
        self._facets = facets
        lines: list[Line] = []
        kind = ""
        padded = f" {look.where} "
        for facet in facets:
            if facet.kind != kind:
                kind = facet.kind
                lines.append(Line(("", kind), (facet.title, ""), "head"))
            number = "" if facet.count is None else f"{facet.count:,}"
            chosen = f" {facet.token} " in padded
            name = ("• " if chosen else "  ") + shown(facet.name)
            lines.append(
                Line((kind, facet.token), (name, number), "chosen" if chosen else "", facet)
            )
        self.table.show(TableRows(lines), stay=True)

    @on(VirtualList.Opened)
    def _opened(self, event: VirtualList.Opened) -> None:
        event.stop()
        if event.line is not None and isinstance(event.line.data, FacetRows):
            self.post_message(self.Chosen(toggled(self._where, event.line.data.token)))

    @on(VirtualList.Moved)
    @on(VirtualList.Counted)
    @on(VirtualList.Gutter)
    def _quiet(self, event: Message) -> None:
        event.stop()
