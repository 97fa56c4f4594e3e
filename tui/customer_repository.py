"""What the customers screen asks of the mirror and the notebook, in one place.

`CustomerRepository` is the protocol; `tui/mirror_customers.py` keeps it over a profile's database,
and the benchmark over constants, to know what the screen itself costs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from textual.content import Content

from tui.suggestions import Suggestion
from tui.widgets.rows import RowSource


@dataclass(frozen=True, slots=True)
class Look:
    """What the list shows.

    Attributes:
        where: the filter as typed.
        sort: name of the sort.
        columns: keys of the columns, in order.
        marked_only: only customers that carry a mark.
    """

    where: str = ""
    sort: str = "newest"
    columns: tuple[str, ...] = ()
    marked_only: bool = False


@dataclass(frozen=True, slots=True)
class Advice:
    """What is wrong with a filter, or may follow.

    Attributes:
        problem: a sentence, "" when the filter is understood.
        position: index of the character it is about, None for none.
        suggestions: complete filters that would be valid, best first.
    """

    problem: str = ""
    position: int | None = None
    suggestions: tuple[Suggestion, ...] = ()


@dataclass(frozen=True, slots=True)
class FacetRows:
    """One value that customers can be narrowed to.

    Attributes:
        kind: key of the facet: store, owner, tag, way, status, since.
        title: translated heading of the kind.
        name: the value, for people.
        token: how the filter language says it.
        count: customers.
    """

    kind: str
    title: str
    name: str
    token: str
    count: int


@dataclass(frozen=True, slots=True)
class NamedLook:
    """A named look.

    Attributes:
        name: of the view.
        look: what it shows.
    """

    name: str
    look: Look


class CustomerRepository(Protocol):
    """Customers and marks. Everything but `check` and `stop` runs in the background."""

    @property
    def sorts(self) -> Sequence[tuple[str, str]]:
        """(name, translated title) of every sort, the usual one first."""

    def check(self, where: str) -> Advice:
        """Whether the filter is understood; quick, called for every key."""

    def suggest(self, where: str) -> tuple[Suggestion, ...]:
        """Filters that complete the last word of `where`, best first."""

    def rows(self, look: Look) -> RowSource:
        """The rows of a look; each line's key is the customer's number, `data` its id."""

    def facets(self, look: Look) -> Iterator[list[FacetRows]]:
        """The facets one kind after the other, each as soon as it is counted."""

    def stop_facets(self) -> None:
        """Ask a running count of facets to end early."""

    def card(self, external_userid: str) -> Content:
        """All that is known of a customer, with the timeline."""

    def marks(self) -> int:
        """How many customers carry a mark."""

    def toggle(self, keys: Sequence[int]) -> int:
        """Mark those that are not, unmark those that are; returns how many carry a mark now."""

    def mark(self, keys: Sequence[int]) -> int:
        """Mark them; returns how many customers carry a mark now."""

    def mark_all(self, look: Look) -> int:
        """Mark all that match; returns how many customers carry a mark now."""

    def invert(self, look: Look) -> int:
        """Turn the marks of all that match; returns how many customers carry a mark now."""

    def unmark_all(self) -> int:
        """Remove every mark; returns how many were removed."""

    def done_with(self, plan_id: int) -> int:
        """Free the marks whose customers an applied plan has taken; returns how many they were."""

    def undo_marks(self) -> int | None:
        """Take back the last change of marks; None when there is none."""

    def marked_ids(self, most: int) -> list[str]:
        """external_userid of marked customers, at most `most`."""

    def views(self) -> list[NamedLook]:
        """The saved views."""

    def save_view(self, name: str, look: Look) -> None:
        """Save a look under a name, replacing one of that name."""

    def note(self, external_userid: str, text: str) -> None:
        """Add a note to a customer."""

    def export(self, look: Look, path: Path, over: bool) -> int:
        """Write the rows to a file whose suffix names the format; returns the number of rows.

        With `over` it replaces a file of that name, else that is refused.
        """

    def command(self, look: Look) -> str:
        """The command line that lists the same."""
