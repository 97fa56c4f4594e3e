"""What a `CustomerQuery` answers: pages, counts, facets, explanations."""

from __future__ import annotations

from dataclasses import dataclass

from storeops.errors import StoreOpsError
from storeops.reading.query_plan import Key


class Cancelled(StoreOpsError):
    """`cancel` was called while the query ran."""

    category = "cancelled"


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list, in order.

    Attributes:
        keys: (createtime or name, customer.id) of each row.
        next: where the next page begins after this one; None when this is the last.
        previous: the first key, to page backwards from; None on an empty page.
    """

    keys: tuple[Key, ...]
    next: Key | None
    previous: Key | None

    @property
    def ids(self) -> list[int]:
        """The customer.id of each row."""
        return [key[1] for key in self.keys]


@dataclass(frozen=True, slots=True)
class Count:
    """How many customers match: exactly `rows`, or more than that when `capped`."""

    rows: int
    capped: bool


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value of a facet.

    Attributes:
        value: stored value: department.id, staff.id, tag.id, add_way, status, state or "2026-05".
        rows: customers that match the filter with this value on the same follow.
    """

    value: int | str
    rows: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a filter is read: for `--explain`.

    Attributes:
        filter: the canonical text.
        sort: the order.
        alternatives: one per alternative: (what drives, its SQL, conditions with their row counts).
    """

    filter: str
    sort: str
    alternatives: tuple[tuple[str, str, tuple[tuple[str, int | None], ...]], ...]
