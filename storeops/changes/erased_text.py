"""Texts out of which words of a person were taken, or are to be."""

from __future__ import annotations

import re
from collections.abc import Iterable

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


def without(text: str, words: Iterable[str]) -> str:
    """The text with `GONE` for each of the words, which are given longest first."""
    for word in words:
        text = text.replace(word, GONE)
    return text
