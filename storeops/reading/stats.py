"""Counting customers by store, owner, tag, way, state, status or month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from storeops.database.database import Database
from storeops.i18n import _
from storeops.notebook import stores
from storeops.reading.filter_words import label
from storeops.reading.query import CustomerQuery, FacetValue, facet_of, facets


@dataclass(frozen=True, slots=True)
class StatsBar:
    """One line of a statistic.

    Attributes:
        value: WeCom's or the mirror's own value: department id, userid, tag_id, add_way, …
        name: what people call it.
        customers: how many customers have it, each once.
    """

    value: int | str
    name: str
    customers: int


def count_by(
    db: Database, query: CustomerQuery, by: str, limit: int = 50
) -> tuple[list[StatsBar], bool]:
    """Customers of a query per value, most first; the latest months, in their order.

    Args:
        db: data.db.
        query: whom to count.
        by: one of `facets()`.
        limit: values.

    Returns:
        The bars, and whether there are more values.

    Raises:
        UsageError: no such way to count.
    """
    found = query.facet(by, limit + 1)
    bars = named(db, by, [(each.value, each.rows) for each in found[:limit]])
    return bars[::-1] if by == "month" else bars, len(found) > limit


def named(db: Database, by: str, counts: Sequence[tuple[int | str, int]]) -> list[StatsBar]:
    """Bars of (stored value, customers), in their order, with the names that people use."""
    own = facet_of(by)
    if own is not None:
        words = own.names(db)
        return [StatsBar(value, words.get(value, str(value)), rows) for value, rows in counts]
    names = _names(db, by)
    return [_bar(by, FacetValue(*each), names) for each in counts]


def _bar(by: str, facet: FacetValue, names: dict[int, tuple[str, str]]) -> StatsBar:
    if by in ("owner", "tag", "store"):
        value, name = names.get(int(facet.value), (str(facet.value), ""))
        if by == "store":
            return StatsBar(facet.value, name or _("(no store)"), facet.rows)
        return StatsBar(value, name, facet.rows)
    if by in ("way", "status"):
        return StatsBar(facet.value, label(by, facet.value), facet.rows)
    if by == "month" and facet.value == "1970-01":  # createtime 0: WeCom did not say
        return StatsBar(facet.value, _("(not known)"), facet.rows)
    return StatsBar(facet.value, str(facet.value), facet.rows)


def _names(db: Database, by: str) -> dict[int, tuple[str, str]]:
    """Key → (WeCom's id, name)."""
    if by == "owner":
        return {row[0]: row[1:] for row in db.execute("SELECT id, userid, name FROM staff")}
    if by == "tag":
        return {
            key: (tag_id, f"{group}/{name}" if group else name)
            for key, tag_id, group, name in db.execute(
                "SELECT t.id, t.tag_id, g.name, t.name FROM tag t"
                " LEFT JOIN tag_group g ON g.id = t.group_id"
            )
        }
    if by == "store":
        shops = {each.department_id: each for each in stores.list_shops(db)}
        return {
            key: (str(key), (shops[key].name if key in shops else "") or name)
            for key, name in db.execute("SELECT id, name FROM department")
        }
    return {}


__all__ = ["StatsBar", "count_by", "facets", "named"]
