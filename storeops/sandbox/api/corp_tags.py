"""Corp customer tags (doc 92117, 92118)."""

from __future__ import annotations

from typing import Any

from storeops.sandbox.endpoints import Answer, Call, Need, endpoint
from storeops.sandbox.jsontext import dumps
from storeops.sandbox.refusals import Refusal
from storeops.sandbox.tags import Tag, TagGroup


def tag_row(tag: Tag, deleted: bool = False) -> dict[str, Any]:
    """A tag of the library; `deleted` only when ids were named."""
    row: dict[str, Any] = {
        "id": tag.id,
        "name": tag.name,
        "create_time": tag.create_time,
        "order": tag.order,
    }
    if deleted:
        row["deleted"] = tag.deleted
    return row


def group_row(group: TagGroup, tags: list[Tag], deleted: bool = False) -> dict[str, Any]:
    """A group of the library with these of its tags."""
    row: dict[str, Any] = {
        "group_id": group.id,
        "group_name": group.name,
        "create_time": group.create_time,
        "order": group.order,
    }
    if deleted:
        row["deleted"] = group.deleted
    row["tag"] = [tag_row(t, deleted) for t in tags]
    if group.strategy:
        row["strategy_id"] = group.strategy
    return row


def library(call: Call, strategies: bool) -> list[dict[str, Any]]:
    """Rows of a tag list: by tag_id, else by group_id, else everything."""
    tags = call.corp.tags
    tag_ids, group_ids = call.body.texts("tag_id"), call.body.texts("group_id")
    unknown = call.settings.tag_list_unknown_errcode
    if group_ids:
        rows = []
        for group_id in dict.fromkeys(group_ids):
            group = tags.groups.get(group_id)
            if group is None or bool(group.strategy) != strategies:
                if unknown:
                    raise Refusal(unknown)
                continue
            members = [tags.tags[t] for t in group.tags] if group.deleted else tags.living(group)
            rows.append(group_row(group, members, deleted=True))
        return rows
    if tag_ids:
        chosen: dict[str, list[Tag]] = {}
        for tag_id in dict.fromkeys(tag_ids):
            tag = tags.tags.get(tag_id)
            if tag is None or bool(tags.groups[tag.group].strategy) != strategies:
                if unknown:
                    raise Refusal(unknown)
                continue
            chosen.setdefault(tag.group, []).append(tag)
        return [group_row(tags.groups[g], found, deleted=True) for g, found in chosen.items()]
    wanted = None if strategies else 0
    if strategies and call.body.number("strategy_id"):
        wanted = call.body.number("strategy_id")
    return [group_row(g, tags.living(g)) for g in tags.living_groups(wanted)]


@endpoint("externalcontact/get_corp_tag_list", Need.CUSTOMERS, lists=("tag_group",))
def get_corp_tag_list(call: Call) -> Answer:
    """doc 92117. Both lists given: the contract ignores tag_id."""
    return Answer({"tag_group": [dumps(row) for row in library(call, strategies=False)]})
