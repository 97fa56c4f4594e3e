"""From the names people type to the keys rows hold: owners, shops, tags, group chats …"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property, partial
from typing import Protocol

from storeops.errors import NotFoundError, UsageError
from storeops.i18n import _, aside
from storeops.mirror.members import Member, Members
from storeops.mirror.tag_names import TagNames
from storeops.plain import alike, plain
from storeops.reading.conditions import condition_of, conditions
from storeops.reading.filter import ANY, And, FieldTerm, FilterError, Node, Not, Or
from storeops.spelling import nearest


class ShopLike(Protocol):
    """What the notebook knows of one shop."""

    @property
    def department_id(self) -> int:
        """WeCom's department id."""

    @property
    def code(self) -> str:
        """The chain's own number of the shop, "" when unknown."""

    @property
    def name(self) -> str:
        """The shop's name in the notebook, "" to use the department's."""

    @property
    def region(self) -> str:
        """The region it belongs to, "" when unknown."""


class Names:
    """Looks names up in the mirror, each list read once when first needed.

    Args:
        connection: reads the mirror, in the thread that uses this object.
        shops: the notebook's shops.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        shops: Iterable[ShopLike] = (),
    ) -> None:
        self._connection = connection
        self.shops = {each.department_id: each for each in shops}

    def resolve(self, text: str, field: FieldTerm) -> tuple[int, ...]:
        """The keys that the values of a field mean: owner, store, tag, group, a domain's own.

        Args:
            text: the whole filter, for errors.
            field: the condition.

        Returns:
            staff.id, department.id (with all below), tag.id, group_chat.id …; sorted.

        Raises:
            FilterError: a name that nobody and nothing has, or that two have.
        """
        finder = {
            "owner": self._owner,
            "store": self._store,
            "tag": self._tag,
            "group": self._group,
        }.get(field.key) or partial(self._known, field.key)
        found: set[int] = set()
        for value in field.values:
            try:
                keys, words = finder(value)
            except UsageError as error:
                raise FilterError(
                    text, field.at, error.message, hint=error.hint, option=field.option
                ) from None
            if not keys:
                message = {
                    "owner": _("no staff member is called “{value}”"),
                    "store": _("no store is called “{value}”"),
                    "tag": _("no tag is called “{value}”"),
                    "group": _("no group chat is called “{value}”"),
                }.get(field.key) or _(conditions()[field.key].unknown)
                command = {"owner": "staff", "group": "group"}.get(field.key, field.key)
                hint = _("`storeops {noun} list` names all of them.").format(noun=command)
                near = _close(value, words)
                raise FilterError(
                    text, field.at, message.format(value=value), nearest=near,
                    hint="" if near else hint, option=field.option,
                )  # fmt: skip
            found.update(keys)
        return tuple(sorted(found))

    def parts(self, node: Node) -> Iterator[tuple[str, list[str]]]:
        """Words of a filter that are part of several names, each with what it therefore means."""
        if isinstance(node, And | Or):
            for item in node.items:
                yield from self.parts(item)
        elif isinstance(node, Not):
            yield from self.parts(node.item)
        elif isinstance(node, FieldTerm):
            for value in node.values:
                names = self._part(node.key, value)
                if len(names) > 1:
                    yield value, sorted(names)

    def _part(self, key: str, value: str) -> list[str]:
        if key == "tag" and value != ANY:
            return [each.path for each in self.tags.part(value)]
        if key == "owner" and isinstance(self.members.try_find(value), NotFoundError):
            found, _words = self._owner(value)
            return [name for staff, _userid, name in self.staff if staff in found]
        if key == "store" and not self._called(value):
            found, _words = self._stores(value, part=True)
            if alike(_of_kind(value)[1]) not in self._regions:
                return [self.departments[each][0] for each in found if each in self.departments]
        return []

    def find_store(
        self, text: str, *, part: bool = False, among: Collection[int] | None = None
    ) -> int:
        """The one department that a shop's code, department id or name means.

        Args:
            text: as a person wrote it.
            part: whether a part of a name will do when no shop is called so.
            among: only these departments; None for all.

        Raises:
            NotFoundError: no shop is called so; names the nearest.
            UsageError: several are; names their numbers.
        """
        found, words = self._stores(text.strip(), part=part)
        if among is not None:
            found = found & set(among)
        if len(found) > 1:
            raise self._several_stores(text, found)
        if found:
            return found.pop()
        near = _close(text, words)
        raise NotFoundError(
            _("No store is “{who}”.").format(who=plain(text)),
            hint=_("Did you mean {words}?").format(words=_(", ").join(map(plain, near)))
            if near
            else _("`storeops store list` names all of them."),
            next_steps=["storeops store list"],
        )

    def _several_stores(self, text: str, found: Iterable[int]) -> UsageError:
        names = []
        for key in sorted(found)[:5]:
            shop = self.shops.get(key)
            name = (shop.name if shop else "") or self.departments.get(key, ("", 0))[0]
            names.append(aside(plain(name), self.store_word(key, sure=True)))
        return UsageError(
            _("“{who}” means more than one store: {names}").format(
                who=plain(text), names=_("; ").join(names)
            ),
            hint=_("Write what stands in brackets."),
        )

    def store_word(self, department: int, *, sure: bool = False) -> str:
        """How to write a shop so that `find_store` and filters can only mean this one.

        Args:
            department: its department id.
            sure: say what kind of word it is, too.
        """
        shop = self.shops.get(department)
        code = shop.code if shop else ""
        if code and self._exact[0].get(alike(code)) == {department}:
            return code if not sure and self._called(code) == {department} else f"code:{code}"
        if not sure and self._called(str(department)) == {department}:
            return str(department)
        return f"department:{department}"

    def store_name(self, department: int) -> str:
        """Like `store_word`, by name where only this shop has it: as people would write it."""
        shop = self.shops.get(department)
        name = (shop.name if shop else "") or self.departments.get(department, ("", 0))[0]
        if name and self._called(name) == {department} and alike(name) not in self._regions:
            return name
        return self.store_word(department)

    @cached_property
    def _regions(self) -> set[str]:
        return {alike(each.region) for each in self.shops.values()}

    @cached_property
    def members(self) -> Members:
        """Finds members."""
        return Members(self._connection)

    @cached_property
    def staff(self) -> list[tuple[int, str, str]]:
        """(staff.id, userid, name) of everybody ever seen."""
        return self._connection.execute("SELECT id, userid, name FROM staff").fetchall()

    @cached_property
    def departments(self) -> dict[int, tuple[str, int]]:
        """department.id → (name, parent)."""
        rows = self._connection.execute("SELECT id, name, parentid FROM department")
        return {row[0]: (row[1], row[2]) for row in rows}

    @cached_property
    def tags(self) -> TagNames:
        """Finds tags."""
        return TagNames(self._connection)

    def below(self, tops: Iterable[int]) -> set[int]:
        """These departments and all under them."""
        children: dict[int, list[int]] = {}
        for key, (_name, parent) in self.departments.items():
            children.setdefault(parent, []).append(key)
        found: set[int] = set()
        waiting = list(tops)
        while waiting:
            key = waiting.pop()
            if key not in found:
                found.add(key)
                waiting += children.get(key, ())
        return found

    def _owner(self, value: str) -> tuple[set[int], list[str]]:
        found = self.members.try_find(value)
        if isinstance(found, Member):
            return {found.id}, []
        if not isinstance(found, NotFoundError):
            raise found
        wanted = alike(value)
        part = {key for key, _userid, name in self.staff if wanted in alike(name)}
        return part, [word for _key, userid, name in self.staff for word in (userid, name)]

    def _store(self, value: str) -> tuple[set[int], list[str]]:
        kind, word = _of_kind(value)
        found, words = self._stores(value, part=False)
        if len(found) > 1:
            raise self._several_stores(value, found)
        wanted = alike(word) if kind in ("", "region") else ""
        region = {
            key for key, shop in self.shops.items() if wanted and alike(shop.region) == wanted
        }
        below = self.below(found)
        if found and region - below:
            raise UsageError(
                _("“{who}” is a store and the region of others.").format(who=plain(value)),
                hint=_("Write {word} for the store, region:{name} for the region.").format(
                    word=self.store_word(*found, sure=True), name=plain(word)
                ),
            )
        if not found and not region:
            found, words = self._stores(value, part=True)
        regions = [shop.region for shop in self.shops.values()]
        return self.below(found | region), [*words, *dict.fromkeys(regions)]

    @cached_property
    def _exact(self) -> tuple[dict[str, set[int]], dict[str, set[int]]]:
        """Departments by `alike` of their shop's code, and by their names."""
        codes: dict[str, set[int]] = {}
        names: dict[str, set[int]] = {}
        for key, (name, _parent) in self.departments.items():
            names.setdefault(alike(name), set()).add(key)
        for key, shop in self.shops.items():
            names.setdefault(alike(shop.name), set()).add(key)
            codes.setdefault(alike(shop.code), set()).add(key)
        for words in (codes, names):
            words.pop("", None)
        return codes, names

    def _called(self, value: str) -> set[int]:
        """Departments that a code, a department id or a name means, whichever it is."""
        kind, word = _of_kind(value)
        codes, names = self._exact
        found: set[int] = set()
        if kind in ("", "code"):
            found |= codes.get(alike(word), set())
        # department 6 is `6`: `0006` stands in the names of shops
        if kind in ("", "department") and word.isdecimal() and word == str(int(word)):
            found |= {int(word)} & self.departments.keys()
        if kind in ("", "name"):
            found |= names.get(alike(word), set())
        return found

    def _stores(self, value: str, *, part: bool) -> tuple[set[int], list[str]]:
        """Departments by code, id, name of shop or department; else, with `part`, part of a name.

        The second is what else there is, for suggestions.
        """
        found = self._called(value)
        wanted = alike(value)
        named = {key: name for key, (name, _parent) in self.departments.items()}
        named.update({key: shop.name for key, shop in self.shops.items() if shop.name})
        if not found and part and wanted:
            found = {key for key, name in named.items() if wanted in alike(name)}
        codes = [shop.code for shop in self.shops.values()]
        return found, [*codes, *named.values()]

    def _tag(self, value: str) -> tuple[set[int], list[str]]:
        found = {each.id for each in self.tags.search(value)}
        if found:
            return found, []
        alive = [each for each in self.tags.tags.values() if not each.deleted]
        words = [each.name for each in alive]
        return set(), words + [each.path for each in alive if each.group]

    def _group(self, value: str) -> tuple[set[int], list[str]]:
        rows = self._connection.execute("SELECT id, chat_id, name FROM group_chat").fetchall()
        wanted = alike(value)
        if exact := [row for row in rows if row[1] == value]:
            return {row[0] for row in exact}, []
        exact = [row for row in rows if row[2] and alike(row[2]) == wanted]
        if len(exact) > 1:
            raise UsageError(
                _("“{who}” means more than one group chat: {names}").format(
                    who=plain(value), names=_(", ").join(row[1] for row in exact[:5])
                ),
                hint=_("Give the chat_id."),
            )
        part = [row for row in rows if wanted and wanted in alike(row[2])]
        return {row[0] for row in exact or part}, [row[2] for row in rows]

    def known(self, key: str) -> Mapping[str, int]:
        """Name → key of what a domain's condition is about; {} where names are of no use."""
        own = condition_of(key)
        return own.named(self._connection) if own is not None and own.named is not None else {}

    def _known(self, key: str, value: str) -> tuple[set[int], list[str]]:
        known = self.known(key)
        return ({known[value]} if value in known else set()), list(known)


_KINDS = ("code", "department", "name", "region")  # what may stand before a store's word


def _of_kind(value: str) -> tuple[str, str]:
    """(which of `_KINDS` a store is written by, "" when none is said, the word itself)."""
    kind, colon, word = value.strip().partition(":")
    if colon and kind.strip().lower() in _KINDS:
        return kind.strip().lower(), word.strip()
    return "", value.strip()


def _close(value: str, words: Iterable[str]) -> list[str]:
    known = sorted({word for word in words if word})
    close = nearest(value, known)
    begin = value[: 2 if value.isascii() else 1]  # one letter says little: ids begin with any
    return close or [word for word in known if begin and word.startswith(begin)][:3]
