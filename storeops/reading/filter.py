"""The filter language: text → a frozen tree, and back.

    filter  = any
    any     = all { ("or" | "或" | "|") all }
    all     = { not }                          nothing means everybody
    not     = { "!" } item
    item    = "(" any ")" | "@" values | "#" values | key ":" values | word
    values  = value { "," value }              one of them
    word, value = text without space, or "in quotes" with \\" and \\\\

Full-width twins (＠ ＃ ： ！ （ ） ， ｜ and “ ” ＂) mean the same. Keys and closed lists are in
`filter_words.py`; names of people, shops and tags are looked up when a query is compiled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from storeops.errors import UsageError
from storeops.i18n import _
from storeops.reading import conditions as conditions_
from storeops.reading import filter_dates
from storeops.reading.filter_words import CLOSED, KEYS
from storeops.spelling import nearest


class FilterError(UsageError):
    """A filter that is not understood.

    Args:
        text: the whole filter.
        at: where it goes wrong, characters from 0.
        message: what is wrong there.
        nearest: valid words that are close to it.
        hint: what to do; else the words that are near are offered.
        option: the option of the command line that holds it (`--store`); "" for a filter.
    """

    category = "filter"

    def __init__(
        self,
        text: str,
        at: int,
        message: str,
        *,
        nearest: Iterable[str] = (),
        hint: str = "",
        option: str = "",
    ) -> None:
        self.at = at
        self.text = text
        self.nearest = tuple(nearest)
        if self.nearest and not hint:
            hint = _("Did you mean {words}?").format(words=_(", ").join(self.nearest))
        elif not hint and not option:
            hint = _("Quote it to search for it as text; see `storeops help filter`.")
        where = {"option": option} if option else {"filter": text, "position": at}
        super().__init__(
            _("{option}: {message}").format(option=option, message=message)
            if option
            else _("Filter, character {at}: {message}").format(at=at + 1, message=message),
            hint=hint,
            details={**where, "nearest": list(self.nearest)},
        )


@dataclass(frozen=True, slots=True)
class Word:
    """Text to find in name, remark, pinyin, phone or id."""

    text: str
    at: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class FieldTerm:
    """A condition: `key` holds one of `values` (canonical where the list is closed).

    `option` names the option that made it; "" for one that was read from text.
    """

    key: str
    values: tuple[str, ...]
    at: int = field(default=0, compare=False, repr=False)
    option: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Not:
    """No follow, or not the customer."""

    item: Node


@dataclass(frozen=True, slots=True)
class And:
    """All of them; conditions on a follow on one and the same. Empty: everybody."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of them."""

    items: tuple[Node, ...]


Node = Word | FieldTerm | Not | And | Or
EVERYBODY = And(())
ANY = "*"  # as the name of a tag: any

_SIGNS = {
    "@": "@", "＠": "@", "#": "#", "＃": "#", "!": "!", "！": "!", "(": "(", "（": "(",
    ")": ")", "）": ")", "|": "|", "｜": "|",
}  # fmt: skip
_QUOTES = {'"': '"', "“": "”", "”": "”", "＂": "＂", "「": "」"}
_COMMAS, _COLONS = ",，", ":："
_ENDS = frozenset("()（）|｜")
_OR = frozenset({"or", "OR", "Or", "或"})
_PLAIN = re.compile(r"[\w.*+/<>=-]+")
_PLAIN_SIGNS = {"@": "owner", "#": "tag"}
_COUNT = re.compile(r"(>=|<=|>|<|=)?(\d{1,3})")
_SINGLE = frozenset({"since", "until", "owners"})
_DEEPEST = 30
_MAX_LENGTH = 4000


def parse(text: str) -> Node:
    """Read a filter.

    Raises:
        FilterError: with the position, what is wrong, and the nearest valid words.
    """
    if len(text) > _MAX_LENGTH:
        raise FilterError(text[:80], 0, _("the filter is too long"))
    reader = _Reader(text)
    node = reader.any(0)
    if reader.at < len(text):
        raise FilterError(text, reader.at, _("this bracket was never opened"))
    return node


def unparse(node: Node) -> str:
    """The canonical text of a tree: `parse` gives the same tree again."""
    if isinstance(node, Word):
        return quoted(node.text, word=True)
    if isinstance(node, FieldTerm):
        values = ",".join(quoted(each) for each in node.values)
        sign = {"owner": "@", "tag": "#"}.get(node.key)
        return f"{sign}{values}" if sign else f"{node.key}:{values}"
    if isinstance(node, Not):
        inner = unparse(node.item)
        return f"!({inner})" if isinstance(node.item, And | Or) else f"!{inner}"
    if isinstance(node, And):
        return " ".join(
            f"({unparse(each)})" if isinstance(each, And | Or) else unparse(each)
            for each in node.items
        )
    return " or ".join(
        f"({unparse(each)})" if isinstance(each, Or) else unparse(each) for each in node.items
    )


def conjunction(nodes: Iterable[Node]) -> Node:
    """All of `nodes`, flattened; one stays itself."""
    items: list[Node] = []
    for each in nodes:
        items.extend(each.items if isinstance(each, And) else (each,))
    return items[0] if len(items) == 1 else And(tuple(items))


def disjunction(nodes: Iterable[Node]) -> Node:
    """Any of `nodes`, flattened; one stays itself."""
    items: list[Node] = []
    for each in nodes:
        items.extend(each.items if isinstance(each, Or) else (each,))
    return items[0] if len(items) == 1 else Or(tuple(items))


def negation(node: Node) -> Node:
    """The opposite; twice is the same again."""
    return node.item if isinstance(node, Not) else Not(node)


def one_of(key: str, values: Iterable[str], option: str = "") -> FieldTerm:
    """A condition from given values, checked like text: what `--store`, `--tag` and others make.

    Args:
        key: the condition.
        values: any of them.
        option: how the command line calls it, for errors.

    Raises:
        FilterError: a value of a closed list that does not exist.
    """
    given = tuple(values)
    if key == "tag" and ANY in given:
        return _any_tag(0)
    checked = tuple(_value(f"{key}:{each}", 0, key, each, option) for each in given)
    return FieldTerm(key, checked, option=option)


def _any_tag(at: int) -> FieldTerm:
    """What `#*` means: tagged at all."""
    return FieldTerm("has", ("tag",), at)


def quoted(text: str, *, word: bool = False) -> str:
    """A value (or a word) as the language writes it: in quotes where it must be."""
    if _PLAIN.fullmatch(text) and not (word and text in _OR):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def skip(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def sign(self) -> str:
        """The sign at this place, "" when it is none."""
        return _SIGNS.get(self.text[self.at], "") if self.at < len(self.text) else ""

    def any(self, depth: int) -> Node:
        ways = [self.all(depth)]
        while self.takes_or():
            ways.append(self.all(depth, needed=True))
        if len(ways) > 1 and ways[0] == EVERYBODY:
            raise FilterError(self.text, 0, _("“or” needs a condition on both sides"))
        return disjunction(ways)

    def takes_or(self) -> bool:
        self.skip()
        if self.sign() == "|":
            self.at += 1
            return True
        end = self.at
        while end < len(self.text) and not self.text[end].isspace() and self.text[end] not in _ENDS:
            end += 1
        if self.text[self.at : end] in _OR:
            self.at = end
            return True
        return False

    def all(self, depth: int, *, needed: bool = False) -> Node:
        items: list[Node] = []
        while True:
            self.skip()
            start = self.at
            if self.at >= len(self.text) or self.sign() in (")", "|"):
                break
            if self.takes_or():
                self.at = start
                break
            items.append(self.item(depth))
        if needed and not items:
            raise FilterError(self.text, self.at, _("“or” needs a condition on both sides"))
        return conjunction(items)

    def item(self, depth: int) -> Node:
        sign, start = self.sign(), self.at
        if sign == "!":
            if depth > _DEEPEST:
                raise FilterError(self.text, start, _("brackets are nested too deeply"))
            self.at += 1
            stop = self.at >= len(self.text) or self.text[self.at].isspace()
            if stop or self.sign() in (")", "|"):
                raise FilterError(self.text, start, _("“!” needs a condition right after it"))
            return negation(self.item(depth + 1))
        if sign == "(":
            if depth > _DEEPEST:
                raise FilterError(self.text, start, _("brackets are nested too deeply"))
            self.at += 1
            inner = self.any(depth + 1)
            self.skip()
            if self.sign() != ")":
                raise FilterError(self.text, start, _("this bracket is never closed"))
            if inner == EVERYBODY:
                raise FilterError(self.text, start, _("these brackets are empty"))
            self.at += 1
            return inner
        if sign in ("@", "#"):
            self.at += 1
            return self.values(_PLAIN_SIGNS[sign], start)
        return self.word_or_field()

    def word_or_field(self) -> Node:
        start = self.at
        if self.text[start] in _QUOTES:
            return Word(self.read_quoted(), start)
        end = start
        while end < len(self.text) and not self.text[end].isspace() and self.text[end] not in _ENDS:
            if self.text[end] in _COLONS:
                name = self.text[start:end]
                if name and name.replace("-", "").isalpha():
                    return self.keyed(name, start, end)
                break
            end += 1
        return Word(self.read_bare(commas=False), start)

    def keyed(self, name: str, start: int, colon: int) -> FieldTerm:
        key = key_of(name)
        if key is None:
            raise FilterError(
                self.text,
                start,
                _("there is no condition “{name}:”").format(name=name),
                nearest=[f"{each}:" for each in nearest(name, (*KEYS, *conditions_.words()))],
            )
        self.at = colon + 1
        return self.values(key, start)

    def values(self, key: str, start: int) -> FieldTerm:
        found: list[str] = []
        while True:
            at = self.at
            if at < len(self.text) and self.text[at] in _QUOTES:
                raw = self.read_quoted()
            else:
                raw = self.read_bare(commas=True)
            if not raw:
                raise FilterError(self.text, start, _("“{key}” needs a value").format(key=key))
            found.append(_value(self.text, at, key, raw))
            if self.at < len(self.text) and self.text[self.at] in _COMMAS:
                if is_single(key):
                    raise FilterError(
                        self.text, start, _("“{key}:” takes one value").format(key=key)
                    )
                self.at += 1
                continue
            if key == "tag" and ANY in found:
                return _any_tag(start)
            return FieldTerm(key, tuple(dict.fromkeys(found)), start)

    def read_quoted(self) -> str:
        start = self.at
        closing = {_QUOTES[self.text[start]], '"' if self.text[start] == '"' else "”"}
        self.at += 1
        out: list[str] = []
        while self.at < len(self.text):
            ch = self.text[self.at]
            if ch == "\\" and self.at + 1 < len(self.text):
                out.append(self.text[self.at + 1])
                self.at += 2
                continue
            self.at += 1
            if ch in closing:
                if not out:
                    raise FilterError(self.text, start, _("nothing stands between the quotes"))
                return "".join(out)
            out.append(ch)
        raise FilterError(self.text, start, _("this quote is never closed"))

    def read_bare(self, *, commas: bool) -> str:
        start = self.at
        while self.at < len(self.text):
            ch = self.text[self.at]
            if ch.isspace() or ch in _ENDS or (commas and ch in _COMMAS):
                break
            self.at += 1
        return self.text[start : self.at]


def _value(text: str, at: int, key: str, raw: str, option: str = "") -> str:
    """The canonical value, checked where the list is closed."""
    if key in CLOSED:
        wanted = raw.lower()
        for term in CLOSED[key]:
            if wanted in (term.value, term.slug, term.chinese, term.english.lower()):
                return term.value if key in ("type", "gender", "way") else term.slug
        words = [word for term in CLOSED[key] for word in (term.slug, term.chinese)]
        raise FilterError(
            text,
            at,
            _("“{value}” is not a value of {key}:").format(value=raw, key=key),
            nearest=nearest(raw, words) or [term.slug for term in CLOSED[key]][:8],
            option=option,
        )
    if key in ("since", "until"):
        date = filter_dates.normal(raw)
        if date is None:
            near = nearest(raw, filter_dates.PERIODS)
            examples = ["2026-05-31", "2026-05", "7d", "month"]
            raise FilterError(
                text,
                at,
                _("“{value}” is not a date").format(value=raw),
                nearest=near or examples,
                hint="" if near else _("Write {words}.").format(words=_(" or ").join(examples)),
                option=option,
            )
        return date
    if key == "owners":
        counted = _COUNT.fullmatch(raw.replace("＞", ">").replace("＜", "<"))
        if counted is None:
            raise FilterError(
                text,
                at,
                _("“{value}” is not a number").format(value=raw),
                nearest=[">1", "2", "<3"],
                option=option,
            )
        return f"{(counted[1] or '=').removeprefix('=') or ''}{int(counted[2])}"
    if (condition := conditions_.condition_of(key)) is not None:
        value = condition.values(raw)
        if value is None:
            raise FilterError(
                text,
                at,
                _("“{value}” is not a value of {key}:").format(value=raw, key=key),
                nearest=nearest(raw, condition.examples) or condition.examples,
            )
        return value
    return raw


def key_of(name: str) -> str | None:
    """The key that a word before the colon means, None when there is no such condition."""
    return KEYS.get(name.lower()) or conditions_.words().get(name.lower())


def keys() -> list[str]:
    """Every key of the language, those of domains last."""
    return [*dict.fromkeys(KEYS.values()), *conditions_.conditions()]


def is_single(key: str) -> bool:
    """Whether a condition takes one value."""
    found = conditions_.condition_of(key)
    return key in _SINGLE if found is None else found.single
