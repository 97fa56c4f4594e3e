"""Python objects that SQL may ask: search words and sets of customer keys."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Set
from weakref import WeakValueDictionary

from storeops.mirror.search import Word


class _Entry:
    """Something SQL refers to by number, alive as long as its `Live`."""

    def __init__(self, word: Word | None = None, ids: Set[int] = frozenset()) -> None:
        self.word = word
        self.ids = ids


_entries: WeakValueDictionary[int, _Entry] = WeakValueDictionary()
_numbers = itertools.count(1)


class Live:
    """Keeps what a query's SQL refers to; when it goes, the numbers mean nothing any more."""

    def __init__(self) -> None:
        self._kept: list[_Entry] = []

    def add(self, thing: Word | Set[int]) -> int:
        """The number under which `storeops_name`, `storeops_follow` or `storeops_in` finds it."""
        entry = _Entry(word=thing) if isinstance(thing, Word) else _Entry(ids=thing)
        number = next(_numbers)
        _entries[number] = entry
        self._kept.append(entry)
        return number


def teach(connection: sqlite3.Connection) -> None:
    """Give a connection the functions, once."""
    try:
        connection.execute("SELECT storeops_in(0, 0)").close()
    except sqlite3.OperationalError:
        connection.create_function("storeops_in", 2, _in)
        connection.create_function("storeops_name", 3, _name)
        connection.create_function("storeops_follow", 3, _follow)


def _in(number: int, key: int) -> bool:
    entry = _entries.get(number)
    return entry is not None and key in entry.ids


def _name(number: int, name: str, external_userid: str) -> bool:
    word = _entries[number].word
    assert word is not None
    return word.test_name(name) or word.test_id(external_userid)


def _follow(number: int, remark: str, mobiles: str) -> bool:
    word = _entries[number].word
    assert word is not None
    return word.test_follow(remark, mobiles)
