"""A screen that is one list with a word filter and a card: staff, shops, tags, groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.containers import Horizontal
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import Input

from storeops.i18n import N_, _
from tui.keys import LIST, LOOK, Key
from tui.screens.base import BaseScreen
from tui.widgets.panes import ListPane, Pane, TextPane
from tui.widgets.rows import Line, ListColumn, TableRows
from tui.widgets.virtual_list import VirtualList

WIDE = 110  # cells from which the card stands beside the list


class ListScreen(BaseScreen):
    """A list of all of something that fits into memory.

    A subclass gives `columns()`, `load()` (in the background) and `card(line)`.
    """

    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("filter", "slash,f3", N_("Filter"),
            N_("Narrow the list to rows that hold all the words typed."), LOOK, footer=True),
        Key("open", "c,f6", N_("Customers"),
            N_("Show the customers of the row under the cursor."), LOOK, footer=True),
        Key("copy", "y", N_("Copy"), N_("Copy the id of the row under the cursor."), LOOK,
            footer=True),
        *LIST,
    )  # fmt: skip
    FIRST: ClassVar[str] = "list"
    WORDS: ClassVar[bool] = True
    SLOW_CARD: ClassVar[bool] = False  # `card` reads, and runs in the background
    CSS_PATH = Path(__file__).with_name("listing.tcss")

    def __init__(self) -> None:
        super().__init__()
        self.rows = TableRows()
        self._arrived = ""  # the words that somebody came with

    def columns(self) -> list[ListColumn]:
        """The columns."""
        raise NotImplementedError

    def load(self) -> Sequence[Line]:
        """All rows (background)."""
        raise NotImplementedError

    def card(self, line: Line) -> Content:
        """More about a row."""
        raise NotImplementedError

    def filter_of(self, line: Line) -> str:
        """The filter that shows the customers of a row."""
        raise NotImplementedError

    def nothing(self) -> str:
        """What to say and do when there is no row at all."""
        return _("The mirror holds none; 7 goes to Sync.")

    def body(self) -> Iterable[Widget]:
        """Words, heading, list; card at the side."""
        with Horizontal(id="body"):
            yield ListPane(
                VirtualList(self.columns(), *self.list_workers(), id="list"),
                Input(placeholder=_("/ words"), id="words", select_on_focus=False),
                title=_(self.spec.title),
            )
            yield Pane(TextPane(id="card"), title=_("Card"), id="card-pane")

    @property
    def table(self) -> VirtualList:
        """The list."""
        return self.query_one(VirtualList)

    def read_again(self) -> None:
        """Load all rows again."""
        stay = bool(self.rows.lines)

        def then(lines: Sequence[Line]) -> None:
            self.rows = TableRows(lines)
            self._show(stay=stay)

        self.read(self.load, then, key="load")

    def arrive(self, target: str) -> None:
        """Come with words."""
        self._arrived = target
        if target:
            self.query_one("#words", Input).value = target

    def _show(self, *, stay: bool) -> None:
        words = self.query_one("#words", Input).value
        self.table.show(self.rows.narrowed(words), stay=stay)
        self.paint_frame()

    @on(Input.Changed, "#words")
    def _typed(self, event: Input.Changed) -> None:
        self._show(stay=False)

    @on(Input.Submitted, "#words")
    def _entered(self, event: Input.Submitted) -> None:
        self.table.focus()

    @on(VirtualList.Counted)
    def _counted(self) -> None:
        self.table.empty = (
            _("No row holds these words. Esc takes them away.")
            if self.rows.lines
            else self.nothing()
        )
        self.table.refresh()

    @on(VirtualList.Moved)
    def _moved(self, event: VirtualList.Moved) -> None:
        self.put_card(event.line)

    @on(VirtualList.Opened)
    def _opened(self, event: VirtualList.Opened) -> None:
        if event.line is not None:
            self.enter(event.line)

    def name_of(self, line: Line) -> str:
        """What a row is called."""
        return line.cells[0]

    def enter(self, line: Line) -> None:
        """Enter on a row: into its card, which is a window where no room is beside the list."""
        if self.has_class("wide"):
            self.query_one("#card", TextPane).focus()
        else:
            self._make_card(line, lambda card: self.open_text(self.name_of(line), card))

    def _make_card(self, line: Line, then: Callable[[Content], None]) -> None:
        if self.SLOW_CARD:
            self.read(lambda: self.card(line), then, key="card")
        else:
            then(self.card(line))

    def is_under_cursor(self, line: Line) -> bool:
        """Whether a row is still the one whose card is wanted, after a read."""
        here = self.table.line
        return here is not None and here.key == line.key

    def put_card(self, line: Line | None) -> None:
        """Show the card of a row at the side."""
        if self.has_class("wide"):
            pane = self.query_one("#card", TextPane)
            if line:
                self._make_card(
                    line, lambda card: pane.put(card) if self.is_under_cursor(line) else None
                )
            else:
                pane.put(Content(""))
            self.query_one("#card-pane", Pane).entitle(self.name_of(line) if line else _("Card"))

    def fold(self, size: Size) -> None:
        """Unfold the card when there is room."""
        super().fold(size)
        self.set_class(size.width >= WIDE, "wide")

    def fill(self) -> None:
        """Fill the card."""
        self.put_card(self.table.line)

    def crumbs(self) -> list[str]:
        """How many."""
        rows = self.table
        if rows.source is self.rows or not self.rows.lines:
            return [str(len(self.rows.lines))]
        return [
            _("{shown} of {all}").format(shown=rows.source.count(None).rows,
                                         all=len(self.rows.lines))
        ]  # fmt: skip

    # -- actions -------------------------------------------------------------------------------

    def why_not(self, action: str) -> str:
        """Rows are needed to open or copy one."""
        if action in ("open", "copy", "jump") and self.table.line is None:
            return self.table.empty or _("The list is empty.")
        return ""

    def do_filter(self) -> None:
        """To the words."""
        self.query_one("#words", Input).focus()

    def do_open(self) -> None:
        """The customers of the row."""
        line = self.table.line
        if line is not None:
            self.app.go("customers", self.filter_of(line))

    def do_copy(self) -> None:
        """The row's id."""
        line = self.table.line
        if line is not None:
            self.app.copy(str(line.key), _("the id"))

    def step_back(self) -> bool:
        """From the words to the list; clear the words."""
        words = self.query_one("#words", Input)
        if self.focused is not self.table:
            self.table.focus()
            return True
        if words.value and not (self.app.linked and words.value == self._arrived):
            words.value = ""
            return True
        return False
