"""Finding customers by any part of a name, remark, phone number or id, in Chinese and in pinyin.

Two contentless FTS5 indexes, rowid = customer.id. `search_text` holds single characters and
bigrams of name and remarks, and trigrams of phone digits; `search_pinyin` holds initials, pairs of
initials and whole syllables. Both only propose candidates; `SearchWord` tests each one
against the text.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Callable, Iterable
from operator import add
from typing import TYPE_CHECKING

from storeops.database.migrations import Migration, statements
from storeops.mirror.bytemap import Source, keys_of
from storeops.mirror.search_pinyin import (
    Syllables,
    WritingSyllables,
    decides,
    expression,
    pattern,
    pinyin_tokens,
)

if TYPE_CHECKING:
    from storeops.database.database import Database

TABLES = """
CREATE VIRTUAL TABLE search_text USING fts5(
    tokens, content='', detail=none, columnsize=0, tokenize='ascii');
CREATE VIRTUAL TABLE search_pinyin USING fts5(
    tokens, content='', detail=none, columnsize=0, tokenize='ascii');
CREATE TABLE search_syllable (
    ch INTEGER PRIMARY KEY,            -- code point of a Chinese character seen in a name or remark
    syllable TEXT NOT NULL             -- its reading without tone; '' when it has none
);
"""

MIGRATIONS: tuple[Migration, ...] = (statements("search", "m001_indexes", TABLES),)

_FIELD, _PHONES = "\x1f", "\x1e"
_ID_LENGTH = 8  # every id starts alike ('wm…'), so shorter words are not ids
_PHONE_LENGTH = 3

# FTS5's 'ascii' tokenizer takes every character above 127 as part of a token: ASCII punctuation,
# spaces and controls move into the private use area, so that any two neighbours make a token.
_SAFE = {cp: 0xE000 + cp for cp in range(128) if not chr(cp).isalnum() and chr(cp) != _FIELD}


def fold(text: str) -> str:
    """`text` as it is compared: compatibility forms and letter case folded away."""
    if text.isascii():
        return text.lower()
    if not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", text)
    return text.casefold()


def document(name: str, remarks: Iterable[str], mobiles: Iterable[str]) -> str:
    """The text of one customer that `index_customers` takes: the same data, the same text.

    Args:
        name: the customer's name.
        remarks: remarks of all follows, in any order; empty ones and doubles do not matter.
        mobiles: phone numbers of all follows, in any order.
    """
    fields = [name, *sorted({each for each in remarks if each and each != name})]
    clean = [each.replace(_FIELD, " ").replace(_PHONES, " ") for each in fields]
    digits = sorted({found for each in mobiles if (found := digits_of(each))})
    return _FIELD.join(clean) + _PHONES + _FIELD.join(digits)


def digits_of(phone: str) -> str:
    """The decimal digits of a phone number, in ASCII."""
    return phone if phone.isascii() and phone.isdigit() else re.sub(r"[^0-9]", "", fold(phone))


def index_customers(
    connection: sqlite3.Connection, changes: Iterable[tuple[int, str | None, str | None]]
) -> None:
    """Bring both indexes up to date; call it inside the transaction that writes the customers.

    Args:
        connection: in a write transaction.
        changes: (customer.id, text before or None when new, text after or None when gone), texts
            as `document` makes them.
    """
    syllables = WritingSyllables(connection)
    changed = [each for each in changes if each[1] != each[2]]
    _write(connection, "search_text", changed, _text_tokens)
    _write(connection, "search_pinyin", changed, lambda text: _pinyin_tokens(text, syllables))


def _write(
    connection: sqlite3.Connection,
    table: str,
    changes: Iterable[tuple[int, str | None, str | None]],
    tokens: Callable[[str], set[str]],
) -> None:
    removed: list[tuple[int, str]] = []
    added: list[tuple[int, str]] = []
    for customer_id, before, after in changes:
        old = tokens(before) if before is not None else set()
        new = tokens(after) if after is not None else set()
        if old - new:
            removed.append((customer_id, " ".join(old)))
        else:
            new -= old  # a customer who only gained words gets just those
        if new:
            added.append((customer_id, " ".join(new)))
    # SQLite 3.40 has no contentless_delete: the old tokens are taken out by name.
    connection.executemany(
        f"INSERT INTO {table} ({table}, rowid, tokens) VALUES ('delete', ?, ?)",
        removed,
    )
    connection.executemany(
        f"INSERT INTO {table} (rowid, tokens) VALUES (?, ?)",
        added,
    )


def _text_tokens(text: str) -> set[str]:
    words, _, phones = text.partition(_PHONES)
    tokens: set[str] = set()
    for field in fold(words).translate(_SAFE).split(_FIELD):
        tokens.update(field)
        tokens.update(map(add, field, field[1:]))
    for phone in phones.split(_FIELD):
        tokens.update(phone[at : at + 3] for at in range(len(phone) - 2))
    return tokens


def _pinyin_tokens(text: str, syllables: Syllables) -> set[str]:
    return pinyin_tokens(fold(text.partition(_PHONES)[0]).split(_FIELD), syllables)


class SearchWord:
    """One search word, ready to propose candidates and to test customers.

    Args:
        connection: reads the mirror; must stay open as long as the word is used. With the
            database itself any thread may use it.
        raw: the word as typed, not empty; may hold spaces when it was quoted.
    """

    def __init__(self, connection: sqlite3.Connection | Database, raw: str) -> None:
        self.raw = raw
        self.folded = fold(raw)
        squeezed = re.sub(r"[\s\-+()（）]", "", self.folded)
        self.digits = squeezed if squeezed.isascii() and squeezed.isdigit() else ""
        if len(self.digits) < _PHONE_LENGTH:
            self.digits = ""
        self.id_prefix = raw if len(raw) >= _ID_LENGTH and raw.isascii() else ""
        self._syllables = Syllables(connection)
        self._pinyin: re.Pattern[str] | None = None
        letters = self.folded.replace(" ", "").replace("'", "").replace("ü", "v")
        if letters.isascii() and letters.isalnum() and not letters.isdigit():
            self._pinyin = pattern(letters)
        self._letters = letters
        self._queries = self._make_queries(letters)

    def _make_queries(self, letters: str) -> list[tuple[str, str]]:
        """(table, FTS5 expression) pairs whose union holds every match but those by id."""
        safe = self.folded.translate(_SAFE)
        grams = {safe} if len(safe) == 1 else set(map(add, safe, safe[1:]))
        queries = [("search_text", " AND ".join(map(_quote, sorted(grams))))]
        if self.digits:
            found = {self.digits[at : at + 3] for at in range(len(self.digits) - 2)}
            queries.append(("search_text", " AND ".join(map(_quote, sorted(found)))))
        if self._pinyin is not None:
            queries.append(("search_pinyin", expression(letters)))
        return queries

    @property
    def exact(self) -> bool:
        """Whether the indexes alone decide, so that no customer need be tested: one or two
        characters, of letters only such as begin few syllables."""
        if len(self.folded) > 2:
            return False
        return self._pinyin is None or (self._letters == self.folded and decides(self._letters))

    def test_name(self, name: str) -> bool:
        """Whether the name holds the word, as written or as spelt in pinyin."""
        folded = fold(name)
        if self.folded in folded:
            return True
        if self._pinyin is None or folded.isascii():
            return False
        return self._pinyin.search(self._syllables.spell(folded)) is not None

    def test_follow(self, remark: str, mobiles: str) -> bool:
        """Whether one follow's remark or phone numbers (a JSON list) hold the word."""
        if remark and self.test_name(remark):
            return True
        if not self.digits or len(mobiles) <= 2:
            return False
        import json

        return any(self.digits in digits_of(each) for each in json.loads(mobiles))

    def test_id(self, external_userid: str) -> bool:
        """Whether the id begins with the word (from eight characters on)."""
        return bool(self.id_prefix) and external_userid.startswith(self.id_prefix)

    def frequency(self, connection: sqlite3.Connection, limit: int) -> int:
        """How many customers may match, at most; counted up to `limit` per index (35,000 rows a
        millisecond)."""
        return sum(
            connection.execute(
                f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {table} MATCH ? LIMIT ?)",
                (wanted, limit),
            ).fetchone()[0]
            for table, wanted in self._queries
        )

    def candidates(self, connection: sqlite3.Connection) -> set[int]:
        """The keys of all customers that may match."""
        found: set[int] = set()
        for source in self.sources():
            found.update(keys_of(connection, *source))
        return found

    def sources(self) -> list[Source]:
        """SELECTs that together give the keys of all customers that may match, as `key`."""
        found: list[Source] = [
            (f"SELECT rowid AS key FROM {table} WHERE {table} MATCH ?", (wanted,))
            for table, wanted in self._queries
        ]
        if self.id_prefix:
            sql = "external_userid >= ? AND external_userid < ?"
            bounds = (self.id_prefix, self.id_prefix + "\U0010ffff")
            found.append((f"SELECT id AS key FROM customer WHERE {sql}", bounds))
        return found


def _quote(token: str) -> str:
    return '"' + token.replace('"', '""') + '"'
