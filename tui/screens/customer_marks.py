"""Marks and what is done with them: the part of the customers screen that acts on many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on

from storeops.i18n import N_, _, ngettext
from tui.customer_repository import CustomerRepository, Look, NamedLook
from tui.keys import MARK, Key
from tui.screens.base import BaseScreen
from tui.widgets.customer_list import CustomerList
from tui.widgets.rows import Line
from tui.widgets.virtual_list import VirtualList

COPY_MOST = 10_000  # ids that fit on a clipboard
STEP = 1000  # rows of a range read at once


class CustomerMarks(BaseScreen):
    """A screen with a customer list whose rows can be marked."""

    KEYS: ClassVar[tuple[Key, ...]] = (
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
    )  # fmt: skip
    marked = 0
    look: Look
    _good: Look

    @property
    def customers(self) -> CustomerRepository:
        """Customers and marks of the profile."""
        raise NotImplementedError

    @property
    def table(self) -> CustomerList:
        """The list."""
        raise NotImplementedError

    def paint_count(self) -> None:
        """Show row, total and marks."""
        raise NotImplementedError

    def show(self) -> None:
        """Show the rows of `look`."""
        raise NotImplementedError

    def why_not(self, action: str) -> str:
        """Reasons that have to do with marks and with what is not built in."""
        if action in ("unmark", "marked") and not self.marked and not self.look.marked_only:
            return _("No customer is marked; Space marks one, A all that match.")
        if action in ("tag", "remark", "handover", "plan"):
            return self.app.why_no_change(action, marked=self.marked)
        return super().why_not(action)

    # -- marking -------------------------------------------------------------------------------

    def count_marks(self) -> None:
        """Read how many customers carry a mark."""
        self.work(self.customers.marks, self._marks_are, worker="marks")

    def _marks_are(self, count: int) -> None:
        self.marked = count
        self.paint_count()
        self.paint_frame()

    def _marked(self, count: int) -> None:
        self._marks_are(count)
        if self.look.marked_only:
            self.table.show(self.customers.rows(self._good), stay=True)
        else:
            self.table.reload()

    def do_mark(self) -> None:
        """Mark or unmark the row under the cursor, go down one; or mark the range."""
        rows = self.table
        if rows.range_from is not None:
            self.do_range()
            return
        if rows.line is not None:
            self._toggle(rows.line)
            rows.action_move(1)

    @on(VirtualList.Gutter)
    def _gutter(self, event: VirtualList.Gutter) -> None:
        if event.line is not None:
            self._toggle(event.line)

    def _toggle(self, line: Line) -> None:
        key = line.key
        assert isinstance(key, int)
        self.table.flip(key)
        self.work(lambda: self.customers.toggle([key]), self._marks_are, worker="marks")

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
        customers, look = self.customers, self._good

        def mark() -> int:
            source = customers.rows(look)
            count = 0
            for start in range(low, high + 1, STEP):
                window = source.window(start, min(STEP, high + 1 - start))
                count = customers.mark(
                    [key for line in window.lines if isinstance(key := line.key, int)]
                )
            return count

        self.work(mark, self._marked, worker="marks")

    def do_mark_all(self) -> None:
        """Mark all that match."""
        self.table.range_from = None
        customers, look = self.customers, self._good

        def then(count: int) -> None:
            self._marked(count)
            self.app.notify(
                ngettext(
                    "{count} customer is marked now; u takes it back.",
                    "{count} customers are marked now; u takes it back.",
                    count,
                ).format(count=f"{count:,}")
            )

        self.work(lambda: customers.mark_all(look), then, worker="marks")

    def do_invert(self) -> None:
        """Turn the marks of all that match."""
        customers, look = self.customers, self._good
        self.work(lambda: customers.invert(look), self._marked, worker="marks")

    def do_unmark(self) -> None:
        """Remove every mark."""

        def then(removed: int) -> None:
            self._marked(0)
            self.app.notify(
                ngettext(
                    "{count} mark removed; u takes it back.",
                    "{count} marks removed; u takes it back.",
                    removed,
                ).format(count=f"{removed:,}")
            )

        self.work(self.customers.unmark_all, then, worker="marks")

    def do_undo_marks(self) -> None:
        """Take back the last change of marks."""

        def then(count: int | None) -> None:
            if count is None:
                self.app.notify(_("There is no change of marks to take back."))
            else:
                self._marked(count)

        self.work(self.customers.undo_marks, then, worker="marks")

    def do_marked(self) -> None:
        """Only marked customers, or all again."""
        from dataclasses import replace

        self.look = replace(self._good, marked_only=not self._good.marked_only)
        self.show()

    # -- doing ---------------------------------------------------------------------------------

    def do_copy(self) -> None:
        """Ids to the clipboard."""
        line = self.table.line
        if not self.marked:
            if line is not None:
                self.app.copy(str(line.data), _("the customer's id"))
            return

        def then(ids: Sequence[str]) -> None:
            what = ngettext("the id of {count} customer", "the ids of {count} customers", len(ids))
            self.app.copy("\n".join(ids), what.format(count=f"{len(ids):,}"))
            if self.marked > len(ids):
                self.app.notify(
                    _("Only the first {most}; `e` exports them all.").format(most=f"{COPY_MOST:,}"),
                    severity="warning",
                )

        self.read(lambda: self.customers.marked_ids(COPY_MOST), then)

    def do_export(self) -> None:
        """Ask for a file, then write it."""
        from storeops.domains.export.export import FORMATS
        from tui.modals.file import FileModal, Target

        customers, look = self.customers, self._good

        def then(file: Target | None) -> None:
            if file is None:
                return
            self.app.notify(_("Writing {path} …").format(path=file.path.absolute()))

            def done(rows: int) -> None:
                self.app.notify(
                    ngettext(
                        "{count} row written to {path}.", "{count} rows written to {path}.", rows
                    ).format(count=f"{rows:,}", path=file.path.absolute()),
                    timeout=8,
                )

            self.work(lambda: customers.export(look, file.path, file.over), done)

        what = (
            _("The marked customers of this view are written.")
            if look.marked_only
            else _("All rows of this view are written; M first shows only marked ones.")
        )
        endings = [f".{each}" for each in FORMATS]
        self.app.push_screen(FileModal(what, "customers.csv", endings), then)

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

        self.app.push_screen(NoteModal(name), then)

    def do_views(self) -> None:
        """Open or save a view."""
        from tui.modals.views import ViewsModal

        def loaded(views: list[NamedLook]) -> None:
            self.app.push_screen(ViewsModal(views, self.customers.command(self._good)), chosen)

        def chosen(answer: NamedLook | str | None) -> None:
            if isinstance(answer, NamedLook):
                self.open_view(answer)
            elif answer:
                look = self._good
                self.work(
                    lambda: self.customers.save_view(answer, look),
                    lambda _none: self.app.notify(
                        _("The view {name} is saved.").format(name=answer)
                    ),
                )

        self.read(self.customers.views, loaded, key="views")

    def open_view(self, view: NamedLook) -> None:
        """Show a view."""
        from tui.widgets.customer_list import DEFAULT_COLUMNS, columns

        keys = view.look.columns or DEFAULT_COLUMNS
        self.look = Look(view.look.where, view.look.sort or "newest", keys)
        self.table.set_columns(columns(keys))
        self.query_one("#filter").put(view.look.where)  # type: ignore[attr-defined]
        self.show()
