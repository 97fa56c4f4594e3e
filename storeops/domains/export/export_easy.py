"""Which rows of an export can be written as they are: nearly all, and telling must cost little."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Protocol

from storeops.reading.export_rows import COLUMNS, NUMBERS

_REMEMBERED = 20_000  # cells
_OWN = frozenset({"external_userid", "name", "unionid", "remark", "remark_mobiles"})


class Known(Protocol):
    """The words that repeat in rows: what `Flatten` knows of members, shops and tags."""

    @property
    def staff(self) -> Mapping[Any, tuple[str, str]]:
        """Userid and name."""

    @property
    def stores(self) -> Mapping[Any, str]:
        """Names of shops."""

    @property
    def tags(self) -> Mapping[str, str]:
        """`group/name`."""


class Easy:
    """Rows in which no cell needs care.

    Names of members, shops and tags are looked at once, before the first row; columns where all of
    them are easy are not looked at again, because "; " between easy words makes an easy cell.

    Args:
        known: the words that repeat.
        names: the columns that are written.
        is_easy: whether a text can be written as it is. What `_surely` says must be easy for it.
    """

    def __init__(self, known: Known, names: Sequence[str], is_easy: Callable[[str], bool]) -> None:
        self._is_easy = is_easy
        self._known = {""}
        sure = {"status", "follow_status"} | NUMBERS
        for name, words in (
            ("userid", (userid for userid, _name in known.staff.values())),
            ("staff_name", (name for _userid, name in known.staff.values())),
            ("store", known.stores.values()),
            ("tags", known.tags.values()),
        ):
            if all(_surely(word) or is_easy(word) for word in words if word):
                sure = sure | {name}
        # what a customer has alone, and what repeats: states, ways, members with odd names
        self._own = picker([name for name in names if name in _OWN])
        self._shared = picker([name for name in names if name not in _OWN | sure])

    def row(self, row: tuple[Any, ...]) -> bool:
        """Whether this row of `Flatten` (with all columns) can be written as it is."""
        for text in self._own(row):
            if text and not (
                (text.isalnum() and text[0].isalpha()) or _surely(text) or self._is_easy(text)
            ):
                return False
        known = self._known
        for text in self._shared(row):
            if text not in known:
                if not (_surely(text) or self._is_easy(text)):
                    return False
                if len(known) < _REMEMBERED:
                    known.add(text)
        return True


def _surely(text: str) -> bool:
    """Words, or numbers of less than twelve digits, with ";", "-" and blanks between them."""
    words = text.replace(" ", "").replace(";", "").replace("-", "")
    if not words.isalnum() or text[-1] == " ":
        return False
    if "1" <= text[0] <= "9":
        return words.isdecimal() and not (len(text) > 11 and text[:12].isdecimal())
    return text[0].isalpha()


def picker(names: Iterable[str]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """Takes these columns out of a row with all of them."""
    places = [COLUMNS.index(name) for name in names]
    if tuple(places) == tuple(range(len(COLUMNS))):
        return lambda row: row
    if len(places) < 2:
        return lambda row: tuple(row[at] for at in places)
    return itemgetter(*places)
