"""The corp's tag library, strategy tags included, and the tags of members."""

from __future__ import annotations

import dataclasses
from typing import Any

from storeops.sandbox.ids import object_id
from storeops.sandbox.jsontext import dumps

CONSOLE = 0  # owner of what people made in the admin console


@dataclasses.dataclass(slots=True)
class Tag:
    """One tag; `number` is what follows hold."""

    id: str
    number: int
    name: str
    group: str
    create_time: int
    order: int
    owner: int  # agent_id of the app that made it, CONSOLE for people
    deleted: bool = False


@dataclasses.dataclass(slots=True)
class TagGroup:
    """One group with its tags in the order they were made; strategy 0 is the corp library."""

    id: str
    name: str
    create_time: int
    order: int
    owner: int
    strategy: int = 0
    deleted: bool = False
    tags: list[str] = dataclasses.field(default_factory=list)


class TagLibrary:
    """Groups and tags; deleted ones stay, marked, so that their ids keep an answer."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.groups: dict[str, TagGroup] = {}
        self.tags: dict[str, Tag] = {}
        self.by_number: list[Tag] = []
        self._id_lists: dict[tuple[int, ...], bytes] = {}
        self._objects: dict[tuple[int, ...], bytes] = {}

    def touch(self) -> None:
        """A name or a deletion changed what follows show."""
        self._id_lists.clear()
        self._objects.clear()

    def add_group(self, name: str, now: int, order: int, owner: int, strategy: int = 0) -> TagGroup:
        """A new group; the caller puts the first tag into it."""
        prefix = "st" if strategy else "et"
        group_id = object_id(prefix, self.seed, "tag-group", len(self.groups))
        group = TagGroup(group_id, name, now, order, owner, strategy)
        self.groups[group_id] = group
        return group

    def add_tag(self, group: TagGroup, name: str, now: int, order: int, owner: int) -> Tag:
        """A new tag at the end of a group."""
        prefix = "st" if group.strategy else "et"
        tag_id = object_id(prefix, self.seed, "tag", len(self.by_number))
        tag = Tag(tag_id, len(self.by_number), name, group.id, now, order, owner)
        self.by_number.append(tag)
        self.tags[tag_id] = tag
        group.tags.append(tag_id)
        return tag

    def delete_tag(self, tag: Tag) -> None:
        """Remove a tag everywhere; an emptied group goes with it."""
        tag.deleted = True
        group = self.groups[tag.group]
        if not self.living(group):
            group.deleted = True
        self.touch()

    def delete_group(self, group: TagGroup) -> None:
        """Remove a group with all its tags."""
        group.deleted = True
        for tag_id in group.tags:
            self.tags[tag_id].deleted = True
        self.touch()

    def living(self, group: TagGroup) -> list[Tag]:
        """Tags of a group that were not deleted, larger order first, then oldest."""
        tags = [self.tags[t] for t in group.tags if not self.tags[t].deleted]
        tags.sort(key=lambda t: -t.order)
        return tags

    def living_groups(self, strategy: int | None = 0) -> list[TagGroup]:
        """Groups of the corp library (0), of one strategy, or of all strategies (None)."""
        groups = [
            g
            for g in self.groups.values()
            if not g.deleted and (g.strategy == strategy if strategy is not None else g.strategy)
        ]
        groups.sort(key=lambda g: -g.order)
        return groups

    def group_named(self, name: str, strategy: int = 0) -> TagGroup | None:
        """The living group of that name."""
        for group in self.groups.values():
            if group.name == name and group.strategy == strategy and not group.deleted:
                return group
        return None

    def count(self) -> int:
        """Living tags, corp and strategy together."""
        return sum(not t.deleted for t in self.by_number)

    def id_list(self, numbers: tuple[int, ...]) -> bytes:
        """The inside of a `tag_id` array: ids in quotes, deleted tags left out."""
        text = self._id_lists.get(numbers)
        if text is None:
            living = (t for n in numbers if not (t := self.by_number[n]).deleted)
            text = self._id_lists[numbers] = b",".join(dumps(t.id) for t in living)
        return text

    def objects(self, numbers: tuple[int, ...]) -> bytes:
        """The inside of a `tags` array of externalcontact/get, personal tags excluded."""
        text = self._objects.get(numbers)
        if text is None:
            rows = (self._object(t) for n in numbers if not (t := self.by_number[n]).deleted)
            text = self._objects[numbers] = b",".join(dumps(row) for row in rows)
        return text

    def _object(self, tag: Tag) -> dict[str, Any]:
        group = self.groups[tag.group]
        return {
            "group_name": group.name,
            "tag_name": tag.name,
            "tag_id": tag.id,
            "type": 3 if group.strategy else 1,
        }


@dataclasses.dataclass(slots=True)
class ContactTag:
    """A tag of members and departments (doc 90213)."""

    tagid: int
    name: str
    owner: int
    userids: list[str] = dataclasses.field(default_factory=list)
    departments: list[int] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(slots=True)
class Strategy:
    """A customer strategy (规则组, doc 94883)."""

    id: int
    parent: int
    name: str
    create_time: int
    owner: int
    admins: list[str] = dataclasses.field(default_factory=list)
    privilege: dict[str, bool] = dataclasses.field(default_factory=dict)
    userids: list[str] = dataclasses.field(default_factory=list)
    departments: list[int] = dataclasses.field(default_factory=list)
