"""What was read although it was not as promised: odd values are counted, lost rows are named.

A row that cannot be read makes its whole answer unreadable, unless the caller says with
`collecting_lost` that it knows what to do about rows that are missing.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from storeops.i18n import _, ngettext


@dataclass(frozen=True, slots=True)
class LostRow:
    """A row that cannot be read at all.

    Attributes:
        list_name: the list it stands in.
        number: its place in there, from 1.
        ids: what can be read of its identity, by field.
        problem: what cannot be read, with the path inside the row.
        labels: its name, and the name or id of what it stands in, as far as they can be read.
    """

    list_name: str
    number: int
    ids: Mapping[str, str]
    problem: str = ""
    labels: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """How to name it: its ids, else its place."""
        return " / ".join(self.ids.values()) or self.place

    @property
    def place(self) -> str:
        """Where it stands, and whatever else can be read of it: "userlist 13 (Lily)"."""
        known = _(", ").join((*self.ids.values(), *self.labels))
        return f"{self.list_name} {self.number}" + f" ({known})" * bool(known)

    def may_be(self, **ids: str) -> bool:
        """Whether it may be the row of these ids: none that can be read is another one."""
        return all(
            self.ids.get(name, value).lower() == value.lower() for name, value in ids.items()
        )


class OddValues:
    """Counts odd values by field, from all threads, until somebody takes the count to tell it."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, counts: Mapping[str, int]) -> None:
        """Values that were replaced, converted or left out, by field."""
        with self._lock:
            self._counts.update(counts)

    def take(self) -> dict[str, int]:
        """What was counted since it was last taken, most first."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))


def sentence(counts: Mapping[str, int]) -> str:
    """What to say once a run about odd values; "" when there were none."""
    if not counts:
        return ""
    fields = _(", ").join(f"{name} {count}" for name, count in counts.items())
    total = sum(counts.values())
    if total == 1:
        return _("1 value could not be read as it came: {fields}.").format(fields=fields)
    return ngettext(
        "{count} value could not be read as it came: {fields}.",
        "{count} values could not be read as they came: {fields}.",
        total,
    ).format(count=total, fields=fields)


_collecting = threading.local()


@contextmanager
def collecting_lost() -> Iterator[list[LostRow]]:
    """Rows that cannot be read, of all calls of this thread inside the block."""
    before = getattr(_collecting, "rows", None)
    rows: list[LostRow] = []
    _collecting.rows = rows
    try:
        yield rows
    finally:
        _collecting.rows = before


def collected() -> list[LostRow] | None:
    """Where lost rows of this thread go; None when nobody asked for them."""
    rows: list[LostRow] | None = getattr(_collecting, "rows", None)
    return rows
