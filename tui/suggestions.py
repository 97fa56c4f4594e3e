"""Words that complete the last one of a filter: owners, tags, shops, statuses, ways, keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from storeops.reading.filter import key_of, quoted
from storeops.reading.filter import keys as all_keys
from storeops.reading.filter_names import Names
from storeops.reading.filter_words import CLOSED

MOST = 6


class Suggestion(NamedTuple):
    """A word that completes a filter.

    Attributes:
        word: as the filter language writes it.
        name: whom or what it means, where the word itself does not tell.
        typed: whether it stands there already, so that only its meaning is news.
    """

    word: str
    name: str = ""
    typed: bool = False


def last_word(where: str) -> tuple[str, str]:
    """A filter cut before its last word; blanks inside quotes do not count."""
    inside = False
    cut = 0
    for at, character in enumerate(where):
        if character == '"':
            inside = not inside
        elif character == " " and not inside:
            cut = at + 1
    return where[:cut], where[cut:]


def suggest(names: Names, where: str) -> tuple[Suggestion, ...]:
    """At most six words that the last word of `where` may become, best first.

    A word typed whole comes first with its name: `store:4` is no shop whose name ends in 4.
    """
    _before, word = last_word(where)
    sign, word = ("!", word[1:]) if word.startswith("!") else ("", word)
    if not word:
        return ()
    if word[0] in "@＠":
        people = ((name, (names.members.word(userid),)) for _key, userid, name in names.staff)
        found = _pick(word[1:], people, "@")
    elif word[0] in "#＃":
        alive = (tag for tag in names.tags.tags.values() if not tag.deleted)
        found = _pick(word[1:], ((tag.name, (names.tags.word(tag),)) for tag in alive), "#")
    elif ":" in word or "：" in word:
        key, _colon, value = word.replace("：", ":", 1).partition(":")
        found = _values(names, key_of(key) or key, key, value)
    else:
        keys = [f"{key}:" for key in all_keys() if key not in ("owner", "tag")]
        begun = (key for key in keys if len(word) >= 2 and key.startswith(word.casefold()))
        found = [Suggestion(key) for key in begun]
    return tuple(
        Suggestion(sign + each.word, each.name, each.word == word)
        for each in found[:MOST]
        if each.word != word or each.name
    )


def _values(names: Names, key: str, typed: str, value: str) -> list[Suggestion]:
    sign = f"{typed}:"
    if key in CLOSED:
        found = _pick(value, ((term.label, (term.slug,)) for term in CLOSED[key]), sign)
        return [each for each in found if each.word != sign + value]
    if key == "store":
        shops = []
        for number, (name, _parent) in names.departments.items():
            shop = names.shops.get(number)
            words = names.store_name(number), names.store_word(number)
            shops.append(((shop.name if shop else "") or name, words))
        return _pick(value, shops, sign)
    return _pick(value, ((name, (name,)) for name in names.known(key)), sign)


def _pick(typed: str, things: Iterable[tuple[str, Sequence[str]]], sign: str) -> list[Suggestion]:
    """The things whose name or one of whose words holds what was typed.

    First what was typed whole, then what begins with it. A thing is suggested by its first word,
    with its name where that word does not tell it.
    """
    wanted = typed.strip('"').casefold()
    whole: list[Suggestion] = []
    begin: list[Suggestion] = []
    hold: list[Suggestion] = []
    for name, words in things:
        texts = [each.casefold() for each in (name, *words)]
        same = next((each for each in words if each.casefold() == wanted), "")
        word = same or words[0]
        found = Suggestion(sign + quoted(word), "" if name.casefold() in word.casefold() else name)
        if same:
            whole.append(found)
        elif any(each.startswith(wanted) for each in texts):
            begin.append(found)
        elif any(wanted in each for each in texts):
            hold.append(found)
    return [*whole, *begin, *hold][:MOST]
