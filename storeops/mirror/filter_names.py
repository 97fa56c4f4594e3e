"""From the names people type to the keys rows hold: owners, shops, tags, group chats, marks."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Protocol

from storeops.i18n import _
from storeops.mirror.filter import Field, FilterError, nearest


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
        marks: name → mark.id of the notebook's marks.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        shops: Iterable[ShopLike] = (),
        marks: Mapping[str, int] | None = None,
    ) -> None:
        self._connection = connection
        self.shops = {each.department_id: each for each in shops}
        self.marks = dict(marks or {})

    def resolve(self, text: str, field: Field) -> tuple[int, ...]:
        """The keys that the values of an `owner`, `store`, `tag`, `group` or `mark` field mean.

        Args:
            text: the whole filter, for errors.
            field: the condition.

        Returns:
            staff.id, department.id (with all below), tag.id, group_chat.id or mark.id; sorted.

        Raises:
            FilterError: a name that nobody and nothing has.
        """
        finder = {
            "owner": self._owner,
            "store": self._store,
            "tag": self._tag,
            "group": self._group,
            "mark": self._mark,
        }[field.key]
        found: set[int] = set()
        for value in field.values:
            keys, words = finder(value)
            if not keys:
                message = {
                    "owner": _("no staff member is called “{value}”"),
                    "store": _("no store is called “{value}”"),
                    "tag": _("no tag is called “{value}”"),
                    "group": _("no group chat is called “{value}”"),
                    "mark": _("no mark is called “{value}”"),
                }[field.key].format(value=value)
                command = {"owner": "staff", "group": "group"}.get(field.key, field.key)
                hint = _("`storeops {noun} list` names all of them.").format(noun=command)
                near = _close(value, words)
                raise FilterError(text, field.at, message, nearest=near, hint=hint)
            found.update(keys)
        return tuple(sorted(found))

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
    def tags(self) -> list[tuple[int, str, str, str, bool]]:
        """(tag.id, tag_id, group name, name, deleted)."""
        return [
            (row[0], row[1], row[2] or "", row[3], row[4] is not None)
            for row in self._connection.execute(
                "SELECT tag.id, tag.tag_id, tag_group.name, tag.name, tag.deleted_at FROM tag"
                " LEFT JOIN tag_group ON tag_group.id = tag.group_id"
            )
        ]

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
        row = self._connection.execute("SELECT id FROM staff WHERE userid = ?", (value,)).fetchone()
        if row:
            return {row[0]}, []
        wanted = value.casefold()
        exact = {key for key, _userid, name in self.staff if name.casefold() == wanted}
        part = exact or {key for key, _userid, name in self.staff if wanted in name.casefold()}
        return part, [word for _key, userid, name in self.staff for word in (userid, name)]

    def _store(self, value: str) -> tuple[set[int], list[str]]:
        wanted = value.casefold()
        named = {key: name for key, (name, _parent) in self.departments.items()}
        named.update({key: shop.name for key, shop in self.shops.items() if shop.name})
        coded = {key for key, shop in self.shops.items() if shop.code.casefold() == wanted}
        if coded:
            return self.below(coded), []
        # department 6 is `6`: `0006` stands in the names of shops
        if value.isdecimal() and value == str(int(value)) and int(value) in self.departments:
            return self.below({int(value)}), []
        exact = {key for key, name in named.items() if name.casefold() == wanted}
        exact |= {key for key, (name, _up) in self.departments.items() if name.casefold() == wanted}
        exact |= {key for key, shop in self.shops.items() if shop.region.casefold() == wanted}
        part = exact or {key for key, name in named.items() if wanted in name.casefold()}
        codes = [shop.code for shop in self.shops.values()]
        regions = [shop.region for shop in self.shops.values()]
        return self.below(part), [*codes, *named.values(), *dict.fromkeys(regions)]

    def _tag(self, value: str) -> tuple[set[int], list[str]]:
        wanted = value.casefold()
        alive = [each for each in self.tags if not each[4]]
        words = [name for _key, _id, _group, name, _gone in alive]
        words += [f"{group}/{name}" for _key, _id, group, name, _gone in alive if group]
        for pick in (
            {each[0] for each in self.tags if each[1] == value},
            {each[0] for each in alive if f"{each[2]}/{each[3]}".casefold() == wanted},
            {each[0] for each in alive if f"{each[2]}/*".casefold() == wanted},
            {each[0] for each in alive if each[3].casefold() == wanted},
            {each[0] for each in alive if wanted in each[3].casefold()},
        ):
            if pick:
                return pick, []
        return set(), words

    def _group(self, value: str) -> tuple[set[int], list[str]]:
        rows = self._connection.execute("SELECT id, chat_id, name FROM group_chat").fetchall()
        wanted = value.casefold()
        for pick in (
            {row[0] for row in rows if row[1] == value},
            {row[0] for row in rows if row[2].casefold() == wanted},
            {row[0] for row in rows if wanted in row[2].casefold()},
        ):
            if pick:
                return pick, []
        return set(), [row[2] for row in rows]

    def _mark(self, value: str) -> tuple[set[int], list[str]]:
        found = self.marks.get(value)
        return ({found} if found is not None else set()), list(self.marks)


def _close(value: str, words: Iterable[str]) -> list[str]:
    known = sorted({word for word in words if word})
    close = nearest(value, known)
    return close or [word for word in known if value[:1] and word.startswith(value[:1])][:3]
