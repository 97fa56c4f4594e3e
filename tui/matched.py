"""Which of a customer's relations a filter means: the one that a row of the list must show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from storeops.reading.filter import And, FieldTerm, FilterError, Node, parse
from storeops.reading.filter_dates import normal, span

if TYPE_CHECKING:
    from storeops.reading.filter_names import Names

Follow = Mapping[str, Any]


def matcher(where: str, names: Names, now: float) -> Callable[[Follow], bool]:
    """Whether a follow fulfils the conditions that must hold on one and the same follow.

    Conditions joined by `or`, negated ones, and those about the customer say nothing here: of what
    they leave open the newest follow is shown, as without a filter.

    Args:
        where: the filter.
        names: looks names up.
        now: Unix seconds, for dates that are counted from now.
    """
    try:
        tests = [test for each in _fields(parse(where)) if (test := _test(where, each, names, now))]
    except FilterError:
        return lambda _follow: True
    return lambda follow: all(test(follow) for test in tests)


def _fields(node: Node) -> list[FieldTerm]:
    if isinstance(node, And):
        return [each for item in node.items for each in _fields(item)]
    return [node] if isinstance(node, FieldTerm) else []


def _test(
    where: str, field: FieldTerm, names: Names, now: float
) -> Callable[[Follow], bool] | None:
    values = set(field.values)
    if field.key == "owner":
        keys = set(names.resolve(where, field))
        userids = {userid for key, userid, _name in names.staff if key in keys}
        return lambda follow: follow["userid"] in userids
    if field.key == "store":
        stores = set()
        for key in names.resolve(where, field):
            shop = names.shops.get(key)
            stores.add((shop.name if shop else "") or names.departments.get(key, ("", 0))[0])
        return lambda follow: follow["store"] in stores
    if field.key == "tag" and "*" not in values:
        keys = set(names.resolve(where, field))
        tags = {tag.tag_id for tag in names.tags.tags.values() if tag.id in keys}
        return lambda follow: any(tag["tag_id"] in tags for tag in follow["tags"])
    if field.key in ("status", "state"):
        return lambda follow: follow[field.key] in values
    if field.key == "way":
        return lambda follow: str(follow["add_way"]) in values
    if field.key in ("since", "until"):
        spans = [span(date, now) for each in values if (date := normal(each) or each)]
        if field.key == "since":
            return lambda follow: any(follow["createtime"] >= start for start, _end in spans)
        return lambda follow: any(follow["createtime"] < end for _start, end in spans)
    return None
