"""Words that a person may have meant, found and offered in one way."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from storeops.i18n import _
from storeops.plain import plain

# a Chinese word has two letters: one of them is near
_NEAR, _NEAR_CHINESE = 0.6, 0.5


def nearest(word: str, words: Iterable[str], most: int = 3) -> list[str]:
    """The words that look like `word`, best first; upper and lower case count as one.

    The dashes of options count for nothing: all options have them.
    """
    from difflib import get_close_matches

    known: dict[str, str] = {}
    for each in words:
        known.setdefault(_bare(each), each)
    cutoff = _NEAR if word.isascii() else _NEAR_CHINESE
    return [known[each] for each in get_close_matches(_bare(word), known, most, cutoff)]


def like(text: str, pattern: str) -> bool:
    """Whether a text is as a pattern says: * and ? stand for letters, all else for itself."""
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def _bare(word: str) -> str:
    return word.casefold().lstrip("-")


def did_you_mean(word: str, words: Iterable[str], otherwise: str, most: int = 1) -> str:
    """A hint that names what looks like a word that is unknown.

    Args:
        word: what was typed.
        words: what could have been meant; a stranger's names, too.
        otherwise: the hint when nothing looks like it.
        most: how many are named.
    """
    near = nearest(word, words, most)
    if not near:
        return otherwise
    return _("Did you mean {words}?").format(words=_(", ").join(map(plain, near)))
