"""Texts out of which words of a person were taken, or are to be."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from storeops.i18n import reworded

KEPT_IN = 6  # undos of undos of a plan whose title names somebody
GONE = "…"  # stands where a name was
_DIGITS = 7  # of a phone number that is looked for inside other words


def in_texts(ids: Iterable[str]) -> frozenset[str]:
    """Ids and phone numbers that are looked for inside other words.

    A few digits (an extension, a slip of the pen in a phone field) stand in texts about anybody.
    """
    return frozenset(each for each in ids if each and (not each.isdigit() or len(each) >= _DIGITS))


def is_rest_of(text: str, whole: str) -> bool:
    """Whether a text may be what is left of another after an erasure."""
    return GONE in text and re.fullmatch(
        ".+".join(map(re.escape, text.split(GONE))), whole, re.DOTALL
    ) is not None  # fmt: skip


def spellings(words: Iterable[str]) -> list[str]:
    """The words, longest first, and how they are written in a text that was kept in another one
    (`i18n.kept`): a quote in a name has a backslash more each time."""
    found = set(words)
    for _time in range(KEPT_IN):
        found |= {json.dumps(each, ensure_ascii=False)[1:-1] for each in found}
    return sorted(found, key=len, reverse=True)


def without(text: str, words: Iterable[str]) -> str:
    """The text with `GONE` for each of the words, which are given longest first."""
    each_of = tuple(words)

    def changed(part: str) -> str:
        for word in each_of:
            part = part.replace(word, GONE)
        return part

    return reworded(text, changed)
