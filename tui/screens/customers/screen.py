"""Customers: filter, facets, list, card, marks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, cast

from textual import events, on
from textual.containers import Horizontal
from textual.content import Content
from textual.geometry import Size
from textual.timer import Timer
from textual.widget import Widget

from storeops.i18n import N_, _, ngettext
from storeops.reading.filter import FilterError
from tui.cells import shown
from tui.customer_repository import CustomerRepository, Look
from tui.keys import DO, LIST, LOOK, MARK, Key
from tui.screens.base import BaseScreen
from tui.screens.customers.drafts import Drafts
from tui.screens.customers.marks import Marks
from tui.screens.customers.views import Views
from tui.suggestions import Suggestion, last_word
from tui.widgets.bars import Bar, Piece
from tui.widgets.customer_list import DEFAULT_COLUMNS, CustomerList, columns
from tui.widgets.facets import FacetPane
from tui.widgets.filter_bar import FilterBar, FilterInput
from tui.widgets.painted_list import PaintedList, heading
from tui.widgets.panes import Pane, TextPane
from tui.widgets.rows import Line
from tui.widgets.virtual_list import VirtualList

FACETS_FROM = 120  # cells from which the facets stand beside the list
CARD_FROM = 160  # and the card
COPY_MOST = 10_000  # ids that fit on a clipboard
REST = 0.15  # seconds without a move or a key before card and suggestions are read


class CustomersScreen(BaseScreen):
    """Every customer of the mirror."""

    FIRST: ClassVar[str] = "list"
    WORDS: ClassVar[bool] = True
    CSS_PATH = Path(__file__).with_name("customers.tcss")
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("filter", "slash,f3", N_("Filter"),
            N_("Filter while you type: words, #tag, @owner, store:, status:, way:, since:, !not; "
               "a Chinese character typed or pasted into the list begins a filter too."),
            LOOK, footer=True),
        Key("open", "", N_("Card"),
            N_("All about the customer: follows, tags per owner, remarks, groups, timeline."),
            LOOK, footer=True, shown="Enter"),
        Key("facets", "f", N_("Facets"),
            N_("Shops, owners, tags, ways, statuses and dates with their counts; Enter on one "
               "narrows the list."), LOOK, footer=True),
        Key("sort", "s", N_("Sort"), N_("The next sort; a click on a title does the same."), LOOK),
        Key("columns", "c", N_("Columns"), N_("Choose and order the columns."), LOOK),
        Key("views", "w", N_("Views"), N_("Open a saved view, or save this one."), LOOK),
        Key("mark", "space", N_("Mark"),
            N_("Mark the row, or unmark it. Marks survive filtering, sorting and restart."),
            MARK, footer=True),
        Key("range", "v", N_("Range"),
            N_("Begin a range; move, then press v or Space to mark it. Esc gives it up."), MARK),
        Key("mark_all", "A,f4", N_("Mark all"),
            N_("Mark all customers that match the filter, however many."), MARK, footer=True),
        Key("invert", "i", N_("Invert"),
            N_("Turn the marks of all customers that match the filter."), MARK),
        Key("unmark", "ctrl+backslash,U", N_("Clear marks"), N_("Remove every mark."), MARK),
        Key("undo_marks", "u,ctrl+z", N_("Undo marks"),
            N_("Take back the last change of marks."), MARK),
        Key("marked", "M", N_("Marked"), N_("Show only marked customers, or all again."), MARK),
        Key("note", "n", N_("Note"),
            N_("Write a note about the customer; it stays on this machine."), DO),
        Key("export", "e", N_("Export"),
            N_("Write the rows of this view to CSV, XLSX, NDJSON or Parquet."), DO, footer=True),
        Key("journal", "h", N_("Journal"),
            N_("What was changed for this customer from here; Esc leads back."), LOOK),
        Key("copy", "y", N_("Copy"),
            N_("Copy the ids of the marked customers, or of the one under the cursor."), DO),
        Key("tag", "t", N_("Tag"), N_("Plan tags for the marked customers."), DO),
        Key("remark", "r", N_("Remark"), N_("Plan remarks for the marked customers."), DO),
        Key("handover", "o", N_("Hand over"), N_("Plan a handover of the marked customers."), DO),
        Key("plan", "p,f8", N_("Plan"), N_("Review the draft plan."), DO),
        *LIST,
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._timers_at_rest: dict[str, Timer] = {}
        self.look = Look(columns=DEFAULT_COLUMNS)
        self._good = self.look
        self._arrived = ""  # the filter that somebody came with
        self.marks = Marks(self, self._listed, self._list, self._marks_counted)
        self.drafts = Drafts(self, self.marks)
        self.parts = (self.marks, self.drafts, Views(self, self._listed, self._open))

    # -- parts ---------------------------------------------------------------------------------

    @property
    def customers(self) -> CustomerRepository:
        """Customers and marks of the profile."""
        return self.app.customers

    @property
    def table(self) -> CustomerList:
        """The list."""
        return self.query_one(CustomerList)

    @property
    def bar(self) -> FilterBar:
        """The filter bar."""
        return self.query_one(FilterBar)

    def body(self) -> Iterable[Widget]:
        """Facets, filter and list, card."""
        reader, counter = self.app.background("rows"), self.app.background("counts")
        with Horizontal(id="body"):
            facets = Pane(
                FacetPane(reader, counter, id="facets-side"), title=_("Facets"), id="facets-pane"
            )
            facets.entitle(_("Facets"), [Piece(" × ", "key", self._leave_facets)])
            yield facets
            yield Pane(
                FilterBar(id="filter"),
                Bar(id="heading"),
                CustomerList(columns(self.look.columns), reader, counter, id="list"),
                title=_(self.spec.title),
                id="list-pane",
            )
            yield Pane(TextPane(id="card"), title=_("Card"), id="card-pane")

    def ready(self) -> None:
        """The list has the keys and shows all customers, or what the application came with."""
        self.table.focus()
        target, self.app.first_target = self.app.first_target, ""
        if target:
            self.bar.put(target)
        else:
            self.show()
        self.call_after_refresh(self._read_own)

    def _read_own(self) -> None:
        """What is kept on this machine; the first rows are painted before."""
        self.marks.read()
        self.drafts.read()

    def arrive(self, target: str) -> None:
        """Come with a filter."""
        self._arrived = target
        if target:
            self.table.focus()
            self.bar.put(target)

    def place(self) -> object:
        """Filter and row."""
        return self.look, self.table.cursor

    def return_to(self, place: object) -> None:
        """The filter and the row that were left."""
        look, cursor = cast("tuple[Look, int]", place)
        self._arrived = ""
        if look != self.look:
            self.look = look
            self.bar.put(look.where)
            self.show()
            self.call_after_refresh(self.table.go_to, cursor)

    def read_again(self) -> None:
        """The same rows, read again; cursor and marks stay."""
        self.table.show(self.customers.rows(self._good), stay=True)
        self._read_own()
        self._facets()

    def _listed(self) -> Look:
        return self._good

    def _list(self, look: Look) -> None:
        self.look = look
        self.show()

    def _open(self, look: Look) -> None:
        self.look = look
        self.table.set_columns(columns(look.columns))
        self.bar.put(look.where)
        self.show()

    def _marks_counted(self) -> None:
        self.paint_count()
        self.paint_frame()

    def show(self) -> None:
        """Rows of the present look, from the top."""
        self._good = self.look
        self.table.show(self.customers.rows(self.look))
        self._facets()
        self.paint_frame()

    def _facets(self) -> None:
        if self.has_class("facets"):
            self.query_one(FacetPane).load(self.app, self.customers, self._good)

    # -- frame ---------------------------------------------------------------------------------

    def signs(self) -> list[Piece]:
        """The drafts first."""
        return [*self.drafts.signs(), *super().signs()]

    def crumbs(self) -> list[str]:
        """The filter."""
        crumbs = [shown(self.look.where)] if self.look.where else []
        if self.look.marked_only:
            crumbs.append(_("marked only"))
        return crumbs

    def fold(self, size: Size) -> None:
        """Fold panes away or unfold them."""
        super().fold(size)
        self.set_class(size.width < FACETS_FROM, "narrow")
        if not self.has_class("facets-chosen"):
            self.set_class(size.width >= FACETS_FROM, "facets")
        elif size.width < FACETS_FROM and not self._in_facets:
            self.remove_class("facets")  # they would lie over the list, which has the keys
        self.set_class(size.width >= CARD_FROM, "card")

    def fill(self) -> None:
        """Fill facets and card."""
        if not self.has_class("facets-chosen"):
            self._facets()
        self._card(self.table.line)

    @on(PaintedList.Laid)
    def paint_headings(self) -> None:
        """Titles over the columns; the one sorted by carries an arrow."""
        rows = self.table
        pieces = [Piece(heading(rows.columns, rows.places, self.look.sort), "head", self.do_sort)]
        self.query_one("#heading", Bar).set(pieces)

    def paint_count(self) -> None:
        """Row of rows, marks; as wide on the first row as on the last, so that nothing moves."""
        rows = self.table
        last = f"{rows.total:,}"
        total = last + ("" if rows.exact else "+")
        at = f"{rows.cursor + 1:,}" if rows.total else "0"
        text = _("row {at} of {total}").format(at=at.rjust(len(last)), total=total)
        notes = [Piece(f" {text} ")]
        if self.marks.count:
            said = " ✓ " + _("{count} marked").format(count=f"{self.marks.count:,}") + " "
            notes.append(Piece(said, "mark", self.marks.do_marked))
        self.query_one("#list-pane", Pane).entitle(_(self.spec.title), notes)

    # -- events --------------------------------------------------------------------------------

    @on(FilterBar.Changed)
    def _typed(self, event: FilterBar.Changed) -> None:
        where = event.text.strip()
        if where == self.look.where and self._good is self.look:
            return
        advice = self.customers.check(where)
        self.look = replace(self.look, where=where)
        self.bar.advise(advice.problem, advice.position, advice.suggestions)
        if not advice.problem:
            self.show()
            if self.focused is self.bar.line:
                self._rest("suggest", lambda: self._suggest(where))

    def _suggest(self, where: str) -> None:
        self.read(
            lambda: self.customers.suggest(where),
            lambda words: self._suggested(where, words),
            key="suggest",
        )

    def _suggested(self, where: str, words: tuple[Suggestion, ...]) -> None:
        if where == self.look.where and self.focused is self.bar.line:
            self.bar.advise("", None, words)

    @on(FilterInput.Submitted)
    @on(FilterInput.Left)
    def _to_list(self) -> None:
        self.table.focus()

    @on(FilterInput.Complete)
    def _complete(self) -> None:
        if self.bar.suggestions:
            before, _word = last_word(self.bar.text)
            best = self.bar.suggestions[0].word
            self.bar.put(before + best + ("" if best.endswith(":") else " "))
        else:
            self.table.focus()

    @on(events.DescendantFocus)
    @on(events.DescendantBlur)
    def _focus_moved(self) -> None:
        if self.focused is not self.bar.line and not self.customers.check(self.look.where).problem:
            self.bar.advise("", None, ())
        self.paint_frame()

    @on(CustomerList.Typed)
    def _begin_filter(self, event: CustomerList.Typed) -> None:
        line = self.bar.line
        text = " ".join(shown(each).strip() for each in event.text.splitlines())
        # the second character of a word may be on its way before the line has the keys
        gap = "" if self.focused is line or not line.value else " "
        line.focus()
        self.bar.put(line.value + gap + text)

    @on(VirtualList.Moved, "#list")
    def _moved(self, event: VirtualList.Moved) -> None:
        self.paint_count()
        self._card(event.line)

    @on(VirtualList.Counted, "#list")
    def _counted(self) -> None:
        text = ""
        if not self.table.total:
            narrowed = self._good.where or self._good.marked_only
            text = (
                _("No customer matches. Esc takes the filter away.")
                if narrowed
                else _("No customer was read yet: 7 goes to Sync.")
            )
        if text != self.table.empty:
            self.table.empty = text
            self.table.refresh()
        self.paint_count()

    @on(VirtualList.Opened, "#list")
    def _opened(self, event: VirtualList.Opened) -> None:
        self.do_open()

    def list_failed(self, error: Exception) -> None:
        """A name that nobody has is told where it was typed."""
        if isinstance(error, FilterError):
            self.bar.advise(f"{error.message} {error.hint}", error.at, ())
        else:
            super().list_failed(error)

    @on(VirtualList.Gutter)
    def _gutter(self, event: VirtualList.Gutter) -> None:
        if event.line is not None:
            self.marks.toggle_line(event.line)

    @on(FacetPane.Chosen)
    def _facet(self, event: FacetPane.Chosen) -> None:
        self.bar.put(event.where)

    # -- card ----------------------------------------------------------------------------------

    def _card(self, line: Line | None) -> None:
        if not self.has_class("card") or line is None:
            return
        customer = str(line.data)
        self._rest(
            "card",
            lambda: self.read(
                lambda: self.customers.card(customer),
                lambda content: self._put_card(line.cells[0], content),
                key="card",
            ),
        )

    def _put_card(self, name: str, content: Content) -> None:
        self.query_one("#card", TextPane).put(content)
        self.query_one("#card-pane", Pane).entitle(name)

    def _rest(self, name: str, call: Callable[[], object]) -> None:
        """Call once nobody has moved or typed for a moment: rows come first."""
        timer = self._timers_at_rest.pop(name, None)
        if timer is not None:
            timer.stop()
        self._timers_at_rest[name] = self.set_timer(REST, call)

    def open_card(self, line: Line) -> None:
        """The card as a window."""
        customer = str(line.data)
        self.read(
            lambda: self.customers.card(customer),
            lambda content: self.open_text(line.cells[0], content),
            key="open",
        )

    # -- actions -------------------------------------------------------------------------------

    def label_of(self, key: Key) -> str:
        """Enter and f do something else while the facets have the keys."""
        if self._in_facets:
            return {"open": _("Narrow"), "facets": _("Close")}.get(key.action, _(key.label))
        return super().label_of(key)

    @property
    def _in_facets(self) -> bool:
        return self.is_mounted and self.query_one(FacetPane).has_keys

    def moment(self) -> Sequence[str]:
        """A draft waits; some are marked; or one looks around."""
        if self._in_facets:
            return "open", "facets", "filter"
        draft = ("plan",) if self.drafts.sizes else ()
        if self.table.range_from is not None:
            return "range", "mark", *draft
        if self.marks.count:
            return (*draft, "tag", "remark", "handover", "export", "unmark", "marked", "mark",
                    "mark_all", "filter")  # fmt: skip
        return *draft, "filter", "mark", "mark_all", "open", "tag", "remark", "handover", "facets"

    def why_not(self, action: str) -> str:
        """Reasons of this screen."""
        needed = ("open", "jump", "note", "mark", "mark_all", "invert", "range", "export",
                  "journal")  # fmt: skip
        if action in needed and self.table.total == 0:
            return _("No customer matches, so none is under the cursor; Esc takes the filter away.")
        return super().why_not(action)

    def do_filter(self) -> None:
        """To the filter; what is typed takes the place of the old words, an arrow keeps them."""
        self.bar.line.focus()
        self.bar.line.select_all()

    def do_open(self) -> None:
        """The card: into the pane beside the list, or a window where there is none."""
        if self._in_facets:
            self.query_one(FacetPane).table.action_open()
        elif self.has_class("card"):
            self.query_one("#card", TextPane).focus()
        elif self.table.line is not None:
            self.open_card(self.table.line)

    def do_journal(self) -> None:
        """To the lines of the journal about this customer."""
        if self.table.line is not None:
            self.app.go("audit", f"customer:{self.table.line.data}")

    def do_note(self) -> None:
        """Write a note about the customer under the cursor."""
        from tui.modals.note import NoteModal

        line = self.table.line
        if line is None:
            return
        customer, name = str(line.data), line.cells[0]

        def then(text: str | None) -> None:
            if text:
                self.work(
                    lambda: self.customers.note(customer, text),
                    lambda _none: self.app.notify(_("The note about {name} is kept.").format(
                        name=name)),
                )  # fmt: skip

        window = NoteModal(
            _("Note about {name}").format(name=name),
            _("Kept on this machine; a sync never touches it."),
            _("what the next colleague should know"),
        )
        self.open_window(window, then)

    def do_copy(self) -> None:
        """Ids to the clipboard."""
        line = self.table.line
        if not self.marks.count:
            if line is not None:
                self.app.copy(str(line.data), _("the customer's id"))
            return

        def then(ids: Sequence[str]) -> None:
            what = ngettext("the id of {count} customer", "the ids of {count} customers", len(ids))
            self.app.copy("\n".join(ids), what.format(count=f"{len(ids):,}"))
            if self.marks.count > len(ids):
                self.app.notify(
                    _("Only the first {most}; `e` exports them all.").format(most=f"{COPY_MOST:,}"),
                    severity="warning",
                )

        self.read(lambda: self.customers.marked_ids(COPY_MOST), then)

    def do_facets(self) -> None:
        """Show and enter the facets; leave them when they have the keys."""
        pane = self.query_one(FacetPane)
        self.add_class("facets-chosen")
        if self.has_class("facets") and pane.has_keys:
            self._leave_facets()
            return
        if not self.has_class("facets"):
            self.add_class("facets")
            self._facets()
        self.call_after_refresh(pane.focus_list)

    def _leave_facets(self) -> None:
        self.remove_class("facets")
        self.call_after_refresh(self.table.focus)

    def do_sort(self) -> None:
        """The next sort."""
        names = [name for name, _title in self.customers.sorts]
        at = names.index(self.look.sort) if self.look.sort in names else -1
        name, title = self.customers.sorts[(at + 1) % len(names)]
        self.look = replace(self._good, sort=name)
        self.show()
        self.paint_headings()
        self.app.notify(_("Sorted: {sort}.").format(sort=title), timeout=2)

    def do_columns(self) -> None:
        """Choose columns."""
        from tui.modals.columns import ColumnsModal

        def then(keys: tuple[str, ...] | None) -> None:
            if keys:
                self.look = replace(self._good, columns=keys)
                self.table.set_columns(columns(keys))
                self._good = self.look
                self.table.show(self.customers.rows(self.look), stay=True)

        self.open_window(ColumnsModal(self.look.columns), then)

    def step_back(self) -> bool:
        """Range, filter line, facets, filter: one after the other."""
        rows = self.table
        if rows.range_from is not None:
            rows.range_from = None
            rows.refresh()
            return True
        if self.has_class("narrow") and self.has_class("facets"):
            self._leave_facets()
            return True
        if self.focused is not rows:
            rows.focus()
            if rows.total or self.focused is not self.bar.line:
                return True
        if self._arrived and self.look.where == self._arrived and self.app.linked:
            return False  # one came for this: back at once
        if self.look.where or self.look.marked_only:
            self.look = replace(self.look, marked_only=False)
            if self.bar.text:
                self.bar.put("")
            else:
                self.show()
            return True
        return False

    def command_line(self) -> str:
        """The command that lists the same."""
        return self.customers.command(self._good)
