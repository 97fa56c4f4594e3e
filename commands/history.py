"""Lines of the timeline in the words of people: fields, statuses, tags, shops, sources."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from commands import cells
from storeops.i18n import _
from storeops.terms import term

if TYPE_CHECKING:
    from storeops.database.database import Database


def described(
    changes: Iterable[Mapping[str, Any]], data: Database, status_name: Callable[[str], str]
) -> list[dict[str, Any]]:
    """The changes with `field`, `before`, `after` and `source` as a person reads them.

    Args:
        changes: entries of the timeline.
        data: data.db, for the names of tags and shops.
        status_name: the word for a status of what the changes are about.
    """
    from storeops.mirror.tag_names import TagNames
    from storeops.reading.customers import names_of
    from storeops.reading.filter_words import label

    member = cells.members(data)
    names, library = names_of(data), TagNames(data).tags

    def tags(ids: list[str]) -> str:
        return _(", ").join(library[each].path if each in library else each for each in ids)

    def store(key: int) -> str:
        if not key:  # of no shop
            return ""
        shop = names.shops.get(key)
        return (shop.name if shop else "") or names.departments.get(key, (str(key),))[0]

    def follow(value: Mapping[str, Any]) -> str:
        return f"{cells.when(value.get('createtime'))} {label('way', value.get('add_way', 0))}"

    words: dict[str, Callable[[Any], str]] = {
        "status": status_name,
        "left": status_name,
        "tag": tags,
        "store": store,
        "follow": follow,
        "deleted_by_customer": cells.when,
        "deleted_by_member": cells.when,
    }

    def word(name: str, value: Any) -> Any:
        return value if value is None or name not in words else words[name](value)

    return [
        {
            **each,
            "userid": member(each.get("userid", "")),
            "field": term("field", each["field"]),
            "before": word(each["field"], each["before"]),
            "after": word(each["field"], each["after"]),
            "source": term("source", each["source"]),
        }
        for each in changes
    ]
