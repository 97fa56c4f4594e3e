"""Acts about the tag library, done in the console."""

from __future__ import annotations

from typing import Any

from storeops.sandbox.act import Act, act
from storeops.sandbox.tags import CONSOLE, Tag, TagGroup


def _thing(a: Act) -> Tag | TagGroup:
    """The tag or group of `id`, or a drawn tag."""
    library = a.corp.tags
    if "id" not in a.given:
        living = [t for t in library.by_number if not t.deleted]
        if not living:
            raise ValueError("the library is empty")
        return a.dice.choice(living)
    thing = library.tags.get(a.text("id")) or library.groups.get(a.text("id"))
    if thing is None or thing.deleted:
        raise ValueError(f"no tag or group {a.text('id')}")
    return thing


def _kind(thing: Tag | TagGroup) -> str:
    return "tag" if isinstance(thing, Tag) else "tag_group"


@act("tag_create")
def tag_create(a: Act) -> dict[str, Any]:
    """The admin makes a tag (group, name) in the console."""
    library, now = a.corp.tags, a.corp.clock.now()
    name, group_name = a.text("name", f"标签{len(library.by_number)}"), a.text("group", "后台新建")
    group = library.group_named(group_name)
    if group is None:
        group = library.add_group(group_name, now, 0, CONSOLE)
    elif any(t.name == name for t in library.living(group)):
        raise ValueError(f"{group_name} has a tag {name} already")
    tag = library.add_tag(group, name, now, 0, CONSOLE)
    a.corp.emit("change_external_tag", "create", id=tag.id, tag_type="tag")
    return {"tag_id": tag.id, "group_id": group.id, "name": name}


@act("tag_rename")
def tag_rename(a: Act) -> dict[str, Any]:
    """The admin renames a tag or group (id, name)."""
    thing = _thing(a)
    thing.name = a.text("name", f"{thing.name[:24]}·新")
    a.corp.tags.touch()
    a.corp.emit("change_external_tag", "update", id=thing.id, tag_type=_kind(thing))
    return {"id": thing.id, "name": thing.name}


@act("tag_delete")
def tag_delete(a: Act) -> dict[str, Any]:
    """The admin deletes a tag or a whole group (id)."""
    thing = _thing(a)
    if isinstance(thing, Tag):
        a.corp.tags.delete_tag(thing)
    else:
        a.corp.tags.delete_group(thing)
    a.corp.emit("change_external_tag", "delete", id=thing.id, tag_type=_kind(thing))
    return {"id": thing.id, "name": thing.name}
