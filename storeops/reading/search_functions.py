"""Search words that SQL may ask, by number."""

from __future__ import annotations

import itertools
import sqlite3
from weakref import WeakValueDictionary

from storeops.mirror.search import SearchWord

_words: WeakValueDictionary[int, SearchWord] = WeakValueDictionary()
_numbers = itertools.count(1)


class RegisteredWords:
    """Keeps what a query's SQL refers to; when it goes, the numbers mean nothing any more."""

    def __init__(self) -> None:
        self._kept: list[SearchWord] = []

    def add(self, word: SearchWord) -> int:
        """The number under which `storeops_name` and `storeops_follow` find it."""
        number = next(_numbers)
        _words[number] = word
        self._kept.append(word)
        return number


def register(connection: sqlite3.Connection) -> None:
    """Give a connection the functions, once."""
    try:
        connection.execute("SELECT storeops_follow(0, '', '')").close()
    except sqlite3.OperationalError:
        connection.create_function("storeops_name", 3, _name)
        connection.create_function("storeops_follow", 3, _follow)


def _name(number: int, name: str, external_userid: str) -> bool:
    word = _words[number]
    return word.test_name(name) or word.test_id(external_userid)


def _follow(number: int, remark: str, mobiles: str) -> bool:
    word = _words.get(number)
    return word is not None and word.test_follow(remark, mobiles)
