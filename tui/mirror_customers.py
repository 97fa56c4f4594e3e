"""The customers of a profile's mirror and notebook."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual.content import Content

from storeops.i18n import _
from storeops.notebook import mark_history, marks
from storeops.reading import customers
from storeops.reading.filter import FilterError, parse
from tui.customer_lines import CustomerLines
from tui.customer_repository import Advice, FacetRows, Look, NamedLook
from tui.mirror_rows import MirrorRows
from tui.widgets.customer_list import DEFAULT_COLUMNS, all_columns
from tui.widgets.rows import Line

if TYPE_CHECKING:
    from storeops.app import App
    from storeops.database.database import Database
    from storeops.reading.filter_names import Names
    from storeops.reading.query import CustomerQuery
    from storeops.reading.query_rows import CustomerRows
    from tui.mirror_facets import MirrorFacets
    from tui.names import NameLookup
    from tui.suggestions import Suggestion


class MirrorCustomers:
    """Keeps `tui.customer_repository.CustomerRepository` over the databases of `core`."""

    def __init__(self, core: App) -> None:
        self.core = core
        self.sorts = (
            ("newest", _("newest first")),
            ("oldest", _("oldest first")),
            ("name", _("by name")),
        )
        self._known = threading.local()  # what each worker knows of names
        self._facets: MirrorFacets | None = None
        self._last: tuple[Look, MirrorRows] | None = None  # whose query facets share
        self._small: list[int] | None = None  # keys of the last small change of marks
        self._large = False  # the last change of marks was a large one

    # -- filter --------------------------------------------------------------------------------

    def check(self, where: str) -> Advice:
        """Whether the filter can be read; names are looked up when rows are read."""
        try:
            parse(where)
        except FilterError as error:
            return Advice(str(error.message), error.at)
        return Advice()

    def suggest(self, where: str) -> tuple[Suggestion, ...]:
        """Words that complete the last one."""
        from tui.suggestions import suggest

        return suggest(self._names(), where)

    def _names(self) -> Names:
        return self._words().names

    def _words(self) -> NameLookup:
        """Names, for the thread that calls; read again when anybody has written."""
        from tui.names import NameLookup

        db = self.core.data
        at = (db.connection, db.data_version, db.connection.total_changes)
        if getattr(self._known, "at", None) != at:
            self._known.at, self._known.words = at, NameLookup(db)
        found: NameLookup = self._known.words
        return found

    def query(self, look: Look) -> CustomerQuery:
        """The query of a look, for the thread that calls."""
        from storeops.reading.query import CustomerQuery

        return CustomerQuery(
            self.core.data,
            self._where(look),
            sort=look.sort,
            names=self._names(),
            now=self.core.clock.now(),
        )

    @staticmethod
    def _where(look: Look) -> str:
        if not look.marked_only:
            return look.where
        return f"({look.where}) mark:{marks.DEFAULT}" if look.where else f"mark:{marks.DEFAULT}"

    # -- rows ----------------------------------------------------------------------------------

    def rows(self, look: Look) -> MirrorRows:
        """The rows of a look."""
        keys = look.columns or DEFAULT_COLUMNS
        db, made = self.core.data, CustomerLines(keys)
        reader: list[CustomerRows] = []  # made by the worker that reads, keeps the small tables

        def lines(query: CustomerQuery, ids: Sequence[int]) -> list[Line]:
            if not reader:
                reader.append(customers.rows_of(db, columns=keys))
            meant = query.meant(ids)
            return [made.line(key, row, meant) for key, row in reader[0].keyed(ids)]

        rows = MirrorRows(
            db, lambda: self.query(look), lines, lambda ids: mark_history.among(db, ids)
        )
        self._last = look, rows
        return rows

    # -- facets --------------------------------------------------------------------------------

    def facets(self, look: Look) -> Iterator[list[FacetRows]]:
        """Each kind as soon as it is counted."""
        from tui.mirror_facets import MirrorFacets

        last = self._last
        query = last[1].query() if last is not None and last[0] == look else self.query(look)
        self._facets = MirrorFacets(self.core, query, self._words())
        yield from self._facets

    def stop_facets(self) -> None:
        """End the count of facets."""
        if self._facets is not None:
            self._facets.stop()

    # -- one customer --------------------------------------------------------------------------

    def card(self, external_userid: str) -> Content:
        """All that is known of a customer."""
        from tui.customer_card import card

        return card(self.core, external_userid)

    def note(self, external_userid: str, text: str) -> None:
        """Keep a note."""
        from storeops.notebook.notes import add_note

        add_note(self.core.data, external_userid, text, self.core.as_name or "",
                 self.core.clock.now())  # fmt: skip

    # -- marks ---------------------------------------------------------------------------------

    def marks(self) -> int:
        """How many customers carry a mark."""
        return marks.count(self.core.data, marks.DEFAULT)

    def toggle(self, keys: Sequence[int]) -> int:
        """Turn the marks of a few."""
        self._small, self._large = list(keys), False
        return mark_history.flip(self.core.data, keys, self.core.clock.now())

    def mark(self, keys: Sequence[int]) -> int:
        """Mark some, keeping what was before aside."""
        return self._change(lambda db, now: marks.add_ids(db, marks.DEFAULT, keys, now))

    def mark_all(self, look: Look) -> int:
        """Mark all that match."""
        query = self.query(look)
        return self._change(lambda db, now: mark_history.add_all(db, query.ids(), now))

    def invert(self, look: Look) -> int:
        """Turn the marks of all that match."""
        query = self.query(look)
        return self._change(lambda db, now: mark_history.flip_all(db, query.ids(), now))

    def _change(self, change: Callable[[Database, float], object]) -> int:
        now = self.core.clock.now()
        mark_history.remember(self.core.data, now)
        self._small, self._large = None, True
        change(self.core.data, now)
        return self.marks()

    def unmark_all(self) -> int:
        """Lay all marks aside."""
        self._small, self._large = None, True
        return mark_history.put_aside(self.core.data)

    def done_with(self, plan_id: int) -> int:
        """Free the marks of the customers of an applied plan, as one change."""
        from storeops.changes.rows import customers_taken
        from storeops.reading.customer_rows import external_userids

        if not self.marks():
            return 0
        db = self.core.data
        marked, taken = list(marks.ids_of(db, marks.DEFAULT)), customers_taken(db, plan_id)
        ids = external_userids(db, marked)
        keys = [key for key, customer in zip(marked, ids, strict=True) if customer in taken]
        if keys:
            self._change(lambda db, now: marks.remove_ids(db, marks.DEFAULT, keys, now))
        return len(keys)

    def undo_marks(self) -> int | None:
        """Take back the last change; once more takes back the taking back."""
        if self._small is not None:
            return mark_history.flip(self.core.data, self._small, self.core.clock.now())
        return mark_history.swap(self.core.data)

    def marked_ids(self, most: int) -> list[str]:
        """external_userid of marked customers."""
        from itertools import islice

        from storeops.reading.customer_rows import external_userids

        if not self.marks():
            return []
        ids = list(islice(marks.ids_of(self.core.data, marks.DEFAULT), most))
        return external_userids(self.core.data, ids)

    # -- views ---------------------------------------------------------------------------------

    def views(self) -> list[NamedLook]:
        """The saved views."""
        from storeops.notebook.views import list_views

        known = {column.key for column in all_columns()}
        return [
            NamedLook(
                view.name,
                Look(view.filter, view.sort, tuple(key for key in view.columns if key in known)),
            )
            for view in list_views(self.core.data)
        ]

    def save_view(self, name: str, look: Look) -> None:
        """Save a look, replacing one of that name."""
        from storeops.notebook.views import save_view
        from storeops.reading.filter import unparse

        save_view(
            self.core.data,
            name,
            unparse(parse(look.where)),
            sort=look.sort,
            columns=look.columns,
            now=self.core.clock.now(),
            replace=True,
        )

    # -- out -----------------------------------------------------------------------------------

    def export(self, look: Look, path: Path, over: bool) -> int:
        """Write the rows to a file."""
        import sys

        from storeops.domains.export.export import export_customers

        done = export_customers(
            self.core.data,
            self.query(look),
            str(path),
            sys.stdout,
            fields=_fields(look),
            bom=True,
            over=over,
            words=True,
        )
        return done.rows

    def command(self, look: Look) -> str:
        """The command line that lists the same."""
        words = ["storeops", "customer", "list"]
        if self.core.profile.name != self.core.settings.profile:
            words += ["--profile", self.core.profile.name]
        if where := self._where(look):
            words += ["--where", where]
        if look.sort != "newest":
            words += ["--sort", look.sort]
        return shlex.join(words)


# column of the list → columns of an export
_EXPORTED = {
    "owner": ("staff_name",), "added": ("createtime",), "way": ("add_way",),
    "phone": ("remark_mobiles",),
}  # fmt: skip


def _fields(look: Look) -> tuple[str, ...]:
    """What an export of a look holds: its columns in their order, and the id at the end."""
    from storeops.reading.export_rows import flat_columns

    known = flat_columns()
    wanted = [each for key in look.columns for each in _EXPORTED.get(key, (key,))]
    return tuple(dict.fromkeys([*(each for each in wanted if each in known), "external_userid"]))
