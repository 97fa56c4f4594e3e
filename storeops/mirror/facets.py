"""Facets of everybody, from one index each: a list of a million customers counts in moments."""

from __future__ import annotations

# (index, SQL): a member follows a customer once, so owners need no distinct customers.
WHOLE = {
    "store": (
        "follow_by_store",
        "SELECT store_id AS value, count(DISTINCT customer_id) AS rows"
        " FROM follow INDEXED BY follow_by_store GROUP BY store_id",
    ),
    "owner": (
        "follow_by_staff",
        "SELECT staff_id AS value, count(*) AS rows"
        " FROM follow INDEXED BY follow_by_staff GROUP BY staff_id",
    ),
}


def whole(name: str, indexes: frozenset[str]) -> str | None:
    """SQL of (value, rows) of a facet of all customers; None when the general way is as good.

    Args:
        name: store, owner, …
        indexes: names of the indexes that exist (none during a first load).
    """
    index, sql = WHOLE.get(name, ("", ""))
    return sql if index in indexes else None
