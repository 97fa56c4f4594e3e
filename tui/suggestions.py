"""Words that complete the last one of a filter: owners, tags, shops, statuses, ways, keys."""

from __future__ import annotations

from collections.abc import Iterable

from storeops.reading.filter import key_of, quoted
from storeops.reading.filter import keys as all_keys
from storeops.reading.filter_names import Names
from storeops.reading.filter_words import CLOSED

MOST = 6


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


def suggest(names: Names, where: str) -> tuple[str, ...]:
    """At most six words that the last word of `where` may become, best first."""
    _before, word = last_word(where)
    sign, word = ("!", word[1:]) if word.startswith("!") else ("", word)
    if not word:
        return ()
    if word[0] in "@＠":
        pairs = ((name, names.members.word(userid)) for _key, userid, name in names.staff)
        found = _pick(word[1:], pairs, "@")
    elif word[0] in "#＃":
        alive = (tag for tag in names.tags.tags.values() if not tag.deleted)
        tags = ((f"{tag.name} {tag.path}", names.tags.word(tag)) for tag in alive)
        found = _pick(word[1:], tags, "#")
    elif ":" in word or "：" in word:
        key, _colon, value = word.replace("：", ":", 1).partition(":")
        found = _values(names, key_of(key) or key, key, value)
    else:
        keys = [f"{key}:" for key in all_keys() if key not in ("owner", "tag")]
        found = [key for key in keys if len(word) >= 2 and key.startswith(word.casefold())]
    return tuple(sign + each for each in found[:MOST] if each != word)


def _values(names: Names, key: str, typed: str, value: str) -> list[str]:
    if key in CLOSED:
        terms = ((f"{term.label} {term.slug}", term.slug) for term in CLOSED[key])
        return _pick(value, terms, f"{typed}:")
    if key == "store":
        shops = []
        for number, (name, _parent) in names.departments.items():
            shop = names.shops.get(number)
            word = names.store_word(number)
            shops.append((f"{(shop.name if shop else '') or name} {word}", word))
        return _pick(value, shops, f"{typed}:")
    return _pick(value, ((name, name) for name in names.known(key)), f"{typed}:")


def _pick(typed: str, named: Iterable[tuple[str, str]], sign: str) -> list[str]:
    """Tokens whose name or value holds what was typed; those that begin with it first."""
    wanted = typed.strip('"').casefold()
    begin: list[str] = []
    hold: list[str] = []
    for name, value in named:
        text = f"{name} {value}".casefold()
        if text.startswith(wanted) or value.casefold().startswith(wanted):
            begin.append(sign + quoted(value))
        elif wanted in text:
            hold.append(sign + quoted(value))
        if len(begin) >= MOST:
            break
    return [*begin, *hold][:MOST]
